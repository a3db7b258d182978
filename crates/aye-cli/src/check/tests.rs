//! Rules on whole units.
