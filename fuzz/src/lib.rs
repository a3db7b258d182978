//! What the fuzz targets check, as plain functions over bytes: libFuzzer drives them with what it invents
//! (`make fuzz`), and the test in `tests/` runs the corpus through them on every `make test`. Each reads its input
//! twice, by aye and by a second path: systemd's own functions where they can be called, else a reading written straight
//! from the rules.
#![deny(unsafe_code)]

mod address;
mod encode;
mod environment;
mod message;
mod systemd;

pub use address::address;
pub use encode::encode;
pub use environment::environment;
pub use message::message;

/// A target: it panics where the two readings differ.
pub type Target = fn(&[u8]);

/// The targets by name, which is also the name of the folder of their corpus.
pub const TARGETS: [(&str, Target); 4] =
    [("message", message), ("address", address), ("environment", environment), ("encode", encode)];
