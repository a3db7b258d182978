//! Rows that move on a terminal, for every verb: the bytes of a drawing, the cells that text takes, and for tests a terminal.

#[cfg(test)]
pub(crate) mod emulator;
pub(crate) mod frame;
pub(crate) mod width;
