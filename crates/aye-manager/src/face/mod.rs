//! The manager as org.freedesktop.systemd1 (org.freedesktop.systemd1(5)), peer to peer on a socket of its own: SASL
//! EXTERNAL and no bus, just as PID 1 and `systemd --user` serve their private sockets. `systemctl` is a client that
//! knows nothing of us, and `aye restart` needs only one language.

mod call;
mod manager;
mod property;
mod unit;

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use zbus::connection::{AuthMechanism, Builder};
use zbus::message::Message;
use zbus::{Connection, Guid, MessageStream};

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

/// How many signals wait for a client that does not read them before it is hung up on.
const BACKLOG: usize = 4096;

/// How long a client may take to say who it is, as in systemd (`BUS_AUTH_TIMEOUT`).
const HANDSHAKE: Duration = Duration::from_secs(25);

/// How long the last words may take on the manager's way out: a client that is stopped cannot hold it up.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A moment for descriptors to come back, when there was none for another client.
const BREATH: Duration = Duration::from_millis(100);

/// A client that can be told of things. Dropping it hangs up.
struct Peer {
    outbox: mpsc::Sender<Post>,
    _hang_up: oneshot::Sender<()>,
}

/// What waits to be sent to a client.
enum Post {
    Signal(Message),
    /// Answer when everything before has been sent.
    Flush(oneshot::Sender<()>),
}

type Peers = Rc<RefCell<Vec<Peer>>>;

/// Serves every client until the manager is gone.
pub(crate) async fn serve(
    manager: Weak<RefCell<Manager>>,
    listener: UnixListener,
    broadcasts: mpsc::UnboundedReceiver<Broadcast>,
) {
    let peers = Peers::default();
    spawn_local(broadcast(Weak::clone(&manager), Rc::clone(&peers), broadcasts));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                spawn_local(converse(Weak::clone(&manager), Rc::clone(&peers), stream));
            }
            Err(_) => sleep(BREATH).await,
        }
    }
}

/// One client, from its handshake to its end.
async fn converse(manager: Weak<RefCell<Manager>>, peers: Peers, stream: UnixStream) {
    let Ok(stream) = stream.into_std() else { return };
    let builder = Builder::unix_stream(stream).server(Guid::generate()).p2p();
    let building = builder.auth_mechanism(AuthMechanism::External).build_message_stream();
    let Ok(Ok(messages)) = timeout(HANDSHAKE, building).await else {
        return; // a client that cannot say who it is
    };
    let connection = Connection::from(&messages);
    let (outbox, queue) = mpsc::channel(BACKLOG);
    let (hang_up, hung_up) = oneshot::channel();
    peers.borrow_mut().push(Peer { outbox, _hang_up: hang_up });
    tokio::select! {
        () = reply(manager, messages, &connection) => {}
        () = post(queue, &connection) => {}
        _ = hung_up => {}
    }
    peers.borrow_mut().retain(|peer| !peer.outbox.is_closed());
}

/// Answers calls, one after another.
async fn reply(manager: Weak<RefCell<Manager>>, mut messages: MessageStream, connection: &Connection) {
    while let Some(Ok(message)) = messages.next().await {
        let Some(manager) = manager.upgrade() else { return };
        let reply = call::answer(&manager, &message);
        drop(manager);
        if let Some(reply) = reply
            && connection.send(&reply).await.is_err()
        {
            return;
        }
    }
}

/// Sends signals, at the pace at which the client reads them.
async fn post(mut queue: mpsc::Receiver<Post>, connection: &Connection) {
    while let Some(next) = queue.recv().await {
        match next {
            Post::Signal(message) if connection.send(&message).await.is_err() => return,
            Post::Signal(_) => {}
            Post::Flush(done) => _ = done.send(()),
        }
    }
}

/// Tells every client what happened, in the order it happened. One that does not read holds up no other.
async fn broadcast(
    manager: Weak<RefCell<Manager>>,
    peers: Peers,
    mut broadcasts: mpsc::UnboundedReceiver<Broadcast>,
) {
    while let Some(what) = broadcasts.recv().await {
        if let Broadcast::Flush(done) = what {
            flush(&peers).await;
            let _ = done.send(());
            continue;
        }
        let Some(manager) = manager.upgrade() else { continue };
        if let Broadcast::Changed { unit } = &what {
            manager.borrow_mut().changes_told(unit);
        }
        let mut peers = peers.borrow_mut();
        if peers.is_empty() {
            continue;
        }
        let messages = signals(&manager.borrow(), &what);
        let told = |peer: &Peer| {
            messages.iter().all(|message| peer.outbox.try_send(Post::Signal(message.clone())).is_ok())
        };
        peers.retain(told);
    }
}

/// Waits until every client that reads has heard everything.
async fn flush(peers: &Peers) {
    let heard: Vec<_> = peers
        .borrow()
        .iter()
        .filter_map(|peer| {
            let (done, heard) = oneshot::channel();
            peer.outbox.try_send(Post::Flush(done)).ok().map(|()| heard)
        })
        .collect();
    let all = async {
        for one in heard {
            let _ = one.await;
        }
    };
    let _ = timeout(LAST_WORDS, all).await;
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
