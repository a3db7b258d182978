//! A socket unit with typed settings: what to listen on, and for whom. Setting names and their meaning are those of
//! `systemd.socket(5)`.

use std::path::PathBuf;

use super::error::{Error, Invalid};
use super::load::{Context, Outcome};
use super::name::{Kind, Name};
use super::value::{self, Listen};

/// A socket, with defaults put in and drop-ins applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// The unit's name; never a template.
    pub name: Name,
    /// `Description=`; the unit's name when it has none.
    pub description: String,
    /// `Documentation=`: URLs.
    pub documentation: Vec<String>,
    /// The unit file itself.
    pub fragment: PathBuf,
    /// The drop-ins that were applied, in order.
    pub drop_ins: Vec<PathBuf>,
    /// `ListenStream=`, in order; never empty.
    pub listen: Vec<Listen>,
    /// `FileDescriptorName=`: the name of all its descriptors in `$LISTEN_FDNAMES`; the unit's name by default.
    pub descriptor_name: String,
    /// `Service=`; see [`Socket::activates`].
    pub service: Option<Name>,
    /// `Backlog=`, of listen(2); 4294967295 by default, as since systemd 251, which leaves it to the kernel's limit.
    pub backlog: u32,
    /// `SocketMode=` of a socket in the file system; 0666 by default.
    pub socket_mode: u32,
}

impl Socket {
    /// The service the socket is for: `Service=`, or the one of the same name.
    pub fn activates(&self) -> Option<Name> {
        self.service.clone().or_else(|| self.name.with_kind(Kind::Service).ok())
    }
}

/// A socket while its files are read.
#[derive(Debug)]
pub(super) struct Draft {
    listen: Vec<Listen>,
    descriptor_name: Option<String>,
    service: Option<Name>,
    backlog: u32,
    socket_mode: u32,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            descriptor_name: None,
            service: None,
            backlog: u32::MAX,
            socket_mode: 0o666,
        }
    }
}

impl Draft {
    /// Applies a setting of `[Socket]`.
    pub(super) fn set(&mut self, key: &str, text: &str, context: &Context<'_>) -> Result<Outcome, Invalid> {
        match key {
            "ListenStream" if text.is_empty() => self.listen.clear(),
            "ListenStream" => self.listen.push(Listen::parse(&context.expand(text)?)?),
            "FileDescriptorName" if text.is_empty() => self.descriptor_name = None,
            "FileDescriptorName" => {
                self.descriptor_name = Some(value::descriptor_name(&context.expand(text)?)?);
            }
            "Service" => self.service = Some(context.unit_name(text, Kind::Service)?),
            "Backlog" => self.backlog = value::number(text)?,
            "SocketMode" => self.socket_mode = value::mode(text)?,
            "Accept" if value::boolean(text)? => {
                return Err(Invalid::expected("no (aye run starts no service per connection)", text));
            }
            "Accept" => {}
            _ => return Ok(Outcome::NotHonoured),
        }
        Ok(Outcome::Honoured)
    }

    /// The socket, or what is missing; `label` names the unit file in that message.
    pub(super) fn finish(self, name: &Name, label: &str) -> Result<Socket, Error> {
        if self.listen.is_empty() {
            return Err(Error::in_file(label, "expected ListenStream= in [Socket], found none"));
        }
        Ok(Socket {
            description: name.to_string(),
            documentation: Vec::new(),
            fragment: PathBuf::new(),
            drop_ins: Vec::new(),
            listen: self.listen,
            descriptor_name: self.descriptor_name.unwrap_or_else(|| name.to_string()),
            service: self.service,
            backlog: self.backlog,
            socket_mode: self.socket_mode,
            name: name.clone(),
        })
    }
}
