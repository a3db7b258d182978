//! The page against hostile words, unwritable places and large runs.
