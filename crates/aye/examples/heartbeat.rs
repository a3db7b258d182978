//! A service on tokio whose heartbeats vouch for it: they are a task among others, so that they come only while the runtime
//! runs tasks, and each waits until the main loop has answered, within a deadline. What hangs stops the pings, and the manager
//! restarts it (`WatchdogSec=` in its unit). A thread of its own would go on pinging whatever had become of the rest.
//!
//! It is READY when it listens, says STOPPING on SIGTERM, and goes on pinging until the last connection is closed. To see
//! what becomes of a fault, SIGUSR1 blocks every thread of the runtime and SIGUSR2 the main loop alone.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aye::{Assignment, Encoder, Environment, Notifier};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// A question that only a main loop that goes round answers.
type Probe = oneshot::Sender<()>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let environment = Environment::of_process();
    let notifier = Notifier::from_environment(&environment)?.map(Arc::new);
    let watchdog = environment.watchdog(std::process::id())?;

    // All of this comes before READY: whoever waits for it may connect, or stop the service, at once.
    let signals = Signals::new()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (probes, probed) = mpsc::channel(1);
    println!("listening on {}", listener.local_addr()?);
    if let Some(notifier) = &notifier {
        let status = format!("listening on {}", listener.local_addr()?);
        let mut message = Encoder::new();
        message.push(Assignment::Ready)?;
        message.push(Assignment::Status(&status))?;
        notifier.send(message.bytes())?;
        if let Some(within) = watchdog {
            tokio::spawn(heartbeat(Arc::clone(notifier), within, probes));
        }
    }
    serve(listener, signals, probed, notifier).await
}

/// Pings at half the time `within` which one has to come. Each check has a quarter of it, so that a late one leaves the next
/// its chance.
async fn heartbeat(notifier: Arc<Notifier>, within: Duration, probes: mpsc::Sender<Probe>) {
    let mut beats = interval(within / 2);
    // After a pause, no pings to make up for those that were missed: they would vouch for the past.
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        let said = match timeout(within / 4, check(&probes)).await {
            Ok(true) => notifier.watchdog(),
            Ok(false) => return, // the main loop has ended
            Err(_late) => notifier.status("no heartbeat: the main loop did not answer in time"),
        };
        if let Err(error) = said {
            eprintln!("heartbeat: {error}");
        }
    }
}

/// Whether the main loop came round; a service that lives on more than that asks it here, too. That the runtime runs tasks
/// needs no question: this is one.
async fn check(probes: &mpsc::Sender<Probe>) -> bool {
    let (probe, answer) = oneshot::channel();
    probes.send(probe).await.is_ok() && answer.await.is_ok()
}

/// What this service is told by signals.
struct Signals {
    terminate: Signal,
    block_runtime: Signal,
    block_main_loop: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            block_runtime: signal(SignalKind::user_defined1())?,
            block_main_loop: signal(SignalKind::user_defined2())?,
        })
    }
}

async fn serve(
    listener: TcpListener,
    mut signals: Signals,
    mut probed: mpsc::Receiver<Probe>,
    notifier: Option<Arc<Notifier>>,
) -> Result<(), Box<dyn Error>> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            connection = listener.accept() => drop(connections.spawn(attend(connection?.0))),
            Some(_) = connections.join_next() => {}
            Some(probe) = probed.recv() => drop(probe.send(())),
            _ = signals.terminate.recv() => break,
            _ = signals.block_runtime.recv() => block_runtime(),
            _ = signals.block_main_loop.recv() => std::future::pending().await,
        }
    }
    drop(listener);
    if let Some(notifier) = notifier {
        notifier.stopping()?;
    }
    // What is under way is finished, under the eyes of the watchdog.
    while !connections.is_empty() {
        tokio::select! {
            _ = connections.join_next() => {}
            Some(probe) = probed.recv() => drop(probe.send(())),
        }
    }
    Ok(())
}

/// Reads until the client closes.
async fn attend(connection: TcpStream) {
    let mut bytes = [0; 4096];
    while connection.readable().await.is_ok() {
        match connection.try_read(&mut bytes) {
            Ok(0) => return,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// Tasks that never yield, enough to take up every thread.
fn block_runtime() {
    for _ in 0..2 * Handle::current().metrics().num_workers() {
        tokio::spawn(async {
            loop {
                std::thread::park();
            }
        });
    }
}
