//! The command `aye`.
fn main() {}
