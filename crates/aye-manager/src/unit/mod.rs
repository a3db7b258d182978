//! Unit files and drop-ins, from text to typed settings: [`find()`] reads the files of one unit from a search path,
//! [`load()`] turns them into a [`Service`] or a [`Socket`] and says what it does not honour. Only [`mod@find`] and
//! [`host`] touch the system; everything else is a function of its arguments.
//!
//! The format is that of `systemd.syntax(7)`, `systemd.unit(5)`, `systemd.service(5)` and `systemd.socket(5)`. Where
//! systemd logs an invalid value and goes on without it, this is stricter: an invalid value of an honoured setting is an
//! [`Error`] with file and line.
//!
//! ```
//! use aye_manager::unit::{Name, Source, Specifiers, Unit, load};
//!
//! let name: Name = "web@1.service".parse().unwrap();
//! let text = "[Service]\nType=notify\nExecStart=/usr/bin/node server.js --port 300%i\nPrivateTmp=yes\n";
//! let loaded = load(&name, &[Source::new("web@.service", text)], &Specifiers::default()).unwrap();
//! let Unit::Service(service) = loaded.unit else { unreachable!() };
//! assert_eq!(service.exec_start.argv(&|_| None), ["/usr/bin/node", "server.js", "--port", "3001"]);
//! assert_eq!(loaded.warnings[0].to_string(), "web@.service:4: PrivateTmp= is not honoured by aye run");
//! ```

pub mod command;
pub mod error;
pub mod escape;
pub mod find;
pub mod host;
pub mod load;
pub mod name;
pub mod service;
pub mod setting;
pub mod socket;
pub mod specifier;
pub mod syntax;
pub mod value;
pub mod word;

pub use command::Command;
pub use error::{Error, Invalid, Warning};
pub use find::{Error as FindError, Found, find, units_of_dir};
pub use load::{Loaded, Source, Unit, load};
pub use name::{Kind, Name};
pub use service::{ExitStatus, NotifyAccess, Restart, Service, Type, WorkingDirectory};
pub use socket::Socket;
pub use specifier::Specifiers;
pub use value::{EnvironmentFile, Listen, OpenFile};

#[cfg(test)]
pub(crate) mod testing;
