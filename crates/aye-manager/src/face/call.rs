//! A method call to its reply: which object, which interface, which method, and the errors in systemd's own names, by
//! which systemctl chooses its words and its exit status.

use zbus::message::{Header, Message, Type as Kind};
use zbus::{DynamicType, ObjectPath};

use super::{JOB, MANAGER, PROPERTIES, ROOT, manager, property, unit};
use crate::driver::{Manager, Shared, UnitError};
use crate::service::JobId;
use crate::unit::{FindError, Name};

/// A refusal: the D-Bus error and its text.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: &'static str,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn new(error: &'static str, text: impl Into<String>) -> Self {
        Self { error, text: text.into() }
    }
}

pub(super) const INVALID_ARGS: &str = "org.freedesktop.DBus.Error.InvalidArgs";
pub(super) const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";
pub(super) const NO_SUCH_PROCESS: &str = "org.freedesktop.systemd1.NoSuchProcess";
const UNKNOWN_METHOD: &str = "org.freedesktop.DBus.Error.UnknownMethod";
const UNKNOWN_OBJECT: &str = "org.freedesktop.DBus.Error.UnknownObject";
const FAILED: &str = "org.freedesktop.DBus.Error.Failed";

impl From<UnitError> for Refusal {
    fn from(error: UnitError) -> Self {
        let name = match &error {
            UnitError::Name(_) | UnitError::Find(FindError::Template { .. }) => INVALID_ARGS,
            UnitError::Find(FindError::NotFound { .. }) => NO_SUCH_UNIT,
            UnitError::Find(FindError::Masked { .. }) => "org.freedesktop.systemd1.UnitMasked",
            UnitError::Find(_) => "org.freedesktop.systemd1.LoadFailed",
            UnitError::Load(_) => "org.freedesktop.systemd1.BadUnitSetting",
            UnitError::NotApplicable { .. } => "org.freedesktop.systemd1.JobTypeNotApplicable",
            UnitError::Closing { .. } => "org.freedesktop.systemd1.ShuttingDown",
            UnitError::Setup { .. } | UnitError::Listen { .. } => FAILED,
        };
        let text = match &error {
            // systemctl shows the text as it is, and people and scripts know these two.
            UnitError::Find(FindError::NotFound { name, template: None, .. }) => {
                format!("Unit {name} not found.")
            }
            // A file's name keeps its letters.
            UnitError::Load(_) | UnitError::Listen { .. } => error.to_string(),
            UnitError::NotApplicable { .. } => capitalised(&format!("{error}.")),
            _ => capitalised(&error.to_string()),
        };
        Self::new(name, text)
    }
}

impl From<zbus::Error> for Refusal {
    fn from(error: zbus::Error) -> Self {
        Self::new(INVALID_ARGS, error.to_string())
    }
}

/// systemctl shows the text after a colon, as a sentence.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What an object path stands for.
enum Object {
    Manager,
    Unit(String),
    Job(JobId),
}

/// One call, taken apart.
pub(super) struct Call<'m> {
    pub(super) message: &'m Message,
    pub(super) header: Header<'m>,
    pub(super) member: String,
}

impl Call<'_> {
    pub(super) fn arguments<T>(&self) -> Result<T, Refusal>
    where
        T: for<'d> serde::Deserialize<'d> + zbus::Type,
    {
        Ok(self.message.body().deserialize::<T>()?)
    }

    pub(super) fn reply<B: serde::Serialize + DynamicType>(&self, body: &B) -> Result<Message, Refusal> {
        Ok(Message::method_return(&self.header).build(body)?)
    }

    pub(super) fn unknown(&self) -> Refusal {
        let interface = self.header.interface().map_or("", |interface| interface.as_str());
        Refusal::new(UNKNOWN_METHOD, format!("Unknown method {} or interface {interface}.", self.member))
    }
}

/// The reply to a message; `None` for what is no method call.
pub(super) fn answer(manager: &Shared, message: &Message) -> Option<Message> {
    if message.message_type() != Kind::MethodCall {
        return None;
    }
    let header = message.header();
    let member = header.member()?.to_string();
    let call = Call { message, header, member };
    match dispatch(&mut manager.borrow_mut(), &call) {
        Ok(reply) => Some(reply),
        Err(refusal) => Message::error(&call.header, refusal.error).ok_build(&refusal.text),
    }
}

/// Building an error cannot fail but for want of memory; a client then waits until its time is over.
trait OkBuild {
    fn ok_build(self, text: &str) -> Option<Message>;
}

impl OkBuild for zbus::message::Builder<'_> {
    fn ok_build(self, text: &str) -> Option<Message> {
        self.build(&text).ok()
    }
}

fn dispatch(manager: &mut Manager, call: &Call<'_>) -> Result<Message, Refusal> {
    let path = call.header.path().map(ObjectPath::as_str).unwrap_or_default();
    let object =
        object(path).ok_or_else(|| Refusal::new(UNKNOWN_OBJECT, format!("Unknown object {path}.")))?;
    let interface = call.header.interface().map_or("", |interface| interface.as_str());
    match (interface, &object) {
        ("org.freedesktop.DBus.Peer", _) => peer(call),
        ("org.freedesktop.DBus.Introspectable", _) => call.reply(&introspection(&object)),
        (PROPERTIES, _) => properties(manager, call, &object),
        (MANAGER | "", Object::Manager) => manager::call(manager, call),
        (JOB, Object::Job(_)) => Err(Refusal::new(FAILED, "Jobs of aye run cannot be cancelled.")),
        (_, Object::Unit(name)) => unit::call(manager, call, name),
        _ => Err(call.unknown()),
    }
}

fn object(path: &str) -> Option<Object> {
    if path == ROOT {
        return Some(Object::Manager);
    }
    if let Some(id) = path.strip_prefix("/org/freedesktop/systemd1/job/") {
        return id.parse().ok().map(Object::Job);
    }
    Name::from_bus_path(path).map(|name| Object::Unit(name.to_string()))
}

pub(super) fn job_path(id: JobId) -> ObjectPath<'static> {
    ObjectPath::try_from(format!("{ROOT}/job/{id}")).expect("a number is a valid path element")
}

fn peer(call: &Call<'_>) -> Result<Message, Refusal> {
    match call.member.as_str() {
        "Ping" => call.reply(&()),
        "GetMachineId" => {
            let id = std::fs::read_to_string("/etc/machine-id");
            call.reply(&id.map_err(|error| Refusal::new(FAILED, error.to_string()))?.trim())
        }
        _ => Err(call.unknown()),
    }
}

fn properties(manager: &mut Manager, call: &Call<'_>, object: &Object) -> Result<Message, Refusal> {
    let tables = match object {
        Object::Manager => vec![manager::properties(manager)],
        Object::Unit(name) => unit::properties(manager, name),
        Object::Job(id) => vec![manager::job_properties(manager, *id)?],
    };
    match call.member.as_str() {
        "Get" => {
            let (interface, name): (String, String) = call.arguments()?;
            call.reply(&property::get(tables, &interface, &name)?)
        }
        "GetAll" => {
            let interface: String = call.arguments()?;
            call.reply(&property::get_all(tables, &interface)?)
        }
        "Set" => Err(Refusal::new(
            "org.freedesktop.DBus.Error.PropertyReadOnly",
            "Properties of aye run are read-only.",
        )),
        _ => Err(call.unknown()),
    }
}

/// Enough for `busctl introspect` to list what properties there are to ask for.
fn introspection(object: &Object) -> String {
    let interfaces: &[&str] = match object {
        Object::Manager => &[MANAGER],
        Object::Unit(_) => &[super::UNIT, super::SERVICE, super::SOCKET, super::AYE_UNIT],
        Object::Job(_) => &[JOB],
    };
    let interfaces =
        interfaces.iter().chain(&[PROPERTIES]).map(|name| format!("<interface name=\"{name}\"/>"));
    format!("<node>{}</node>", interfaces.collect::<String>())
}
