//! The binary as a user meets it.
fn main() {}
