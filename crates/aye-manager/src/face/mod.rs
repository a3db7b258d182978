//! The manager as org.freedesktop.systemd1 (org.freedesktop.systemd1(5)), peer to peer on a socket of its own: SASL
//! EXTERNAL and no bus, just as PID 1 and `systemd --user` serve their private sockets. `systemctl` is a client that
//! knows nothing of us, and `aye restart` needs only one language.

mod call;
mod manager;
mod property;
mod unit;

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use futures_util::StreamExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use zbus::connection::{AuthMechanism, Builder};
use zbus::message::Message;
use zbus::{Connection, Guid};

use crate::driver::{Broadcast, Manager};
use crate::unit::Name;

/// The one object of the manager itself; units and jobs are below it.
pub(crate) const ROOT: &str = "/org/freedesktop/systemd1";

const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const SOCKET: &str = "org.freedesktop.systemd1.Socket";
const JOB: &str = "org.freedesktop.systemd1.Job";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What systemd has no word for: the last lines a unit wrote, which the journal would know there.
const AYE_UNIT: &str = "io.aye.Unit1";

type Peers = Rc<RefCell<Vec<Connection>>>;

/// Serves every client until the manager is gone.
pub(crate) async fn serve(
    manager: Weak<RefCell<Manager>>,
    listener: UnixListener,
    broadcasts: mpsc::UnboundedReceiver<Broadcast>,
) {
    let peers = Peers::default();
    spawn_local(broadcast(Weak::clone(&manager), Rc::clone(&peers), broadcasts));
    while let Ok((stream, _)) = listener.accept().await {
        spawn_local(converse(Weak::clone(&manager), Rc::clone(&peers), stream));
    }
}

/// One client, from its handshake to its end.
async fn converse(manager: Weak<RefCell<Manager>>, peers: Peers, stream: UnixStream) {
    let Ok(stream) = stream.into_std() else { return };
    let builder = Builder::unix_stream(stream).server(Guid::generate()).p2p();
    let built = builder.auth_mechanism(AuthMechanism::External).build_message_stream().await;
    let Ok(mut messages) = built else {
        return; // a client that cannot say who it is
    };
    let connection = Connection::from(&messages);
    peers.borrow_mut().push(connection.clone());
    while let Some(Ok(message)) = messages.next().await {
        let Some(manager) = manager.upgrade() else { break };
        let reply = call::answer(&manager, &message);
        drop(manager);
        let sent = match reply {
            Some(reply) => connection.send(&reply).await,
            None => Ok(()),
        };
        if sent.is_err() {
            break;
        }
    }
    peers.borrow_mut().retain(|peer| peer.server_guid() != connection.server_guid());
}

/// Tells every client what happened, in the order it happened.
async fn broadcast(
    manager: Weak<RefCell<Manager>>,
    peers: Peers,
    mut broadcasts: mpsc::UnboundedReceiver<Broadcast>,
) {
    while let Some(what) = broadcasts.recv().await {
        let Broadcast::Flush(done) = what else {
            let listening = peers.borrow().clone();
            let Some(manager) = manager.upgrade().filter(|_| !listening.is_empty()) else {
                continue;
            };
            let messages = signals(&manager.borrow(), &what);
            for peer in &listening {
                for message in &messages {
                    let _ = peer.send(message).await; // a client that left is noticed by its own task
                }
            }
            continue;
        };
        let _ = done.send(());
    }
}

/// The signals that say so.
fn signals(manager: &Manager, what: &Broadcast) -> Vec<Message> {
    let signal = |member| Message::signal(ROOT, MANAGER, member);
    let built = match what {
        Broadcast::JobNew { id, unit } => {
            vec![signal("JobNew").build(&(*id, call::job_path(*id), unit))]
        }
        Broadcast::JobRemoved { id, unit, result } => {
            vec![signal("JobRemoved").build(&(*id, call::job_path(*id), unit, result.as_str()))]
        }
        Broadcast::UnitNew { unit } => vec![signal("UnitNew").build(&(unit, unit_path(unit)))],
        Broadcast::Changed { unit } => unit::changes(manager, unit),
        Broadcast::Flush(_) => Vec::new(),
    };
    built.into_iter().flatten().collect()
}

/// The object of a unit.
fn unit_path(unit: &str) -> zbus::ObjectPath<'static> {
    let path = unit.parse().map_or_else(|_| ROOT.to_owned(), |name: Name| name.bus_path());
    zbus::ObjectPath::try_from(path).expect("an escaped unit name is a valid path")
}
