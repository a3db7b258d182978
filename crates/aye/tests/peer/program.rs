//! The program of `tests/peer`, compiled once, and a socket of one test alone for it to send to.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aye::{Address, Datagram, Notifier, Received, Receiver};
use tempfile::TempDir;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peer")
}

pub(crate) fn compiled() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // Under a name of this run alone at first: another may be compiling, or running it.
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peer");
        let fresh = program.with_extension(std::process::id().to_string());
        let mut cc = Command::new("cc");
        cc.args(["-Wall", "-Wextra", "-Werror", "-o"]).arg(&fresh);
        let output = cc.arg(folder().join("peer.c")).arg("-lsystemd").output().expect("cc: see tests/needs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "cannot compile peer.c (it needs libsystemd-dev: see tests/needs): {said}"
        );
        std::fs::rename(&fresh, &program).unwrap();
        program
    })
}

/// The program, about to make a call, without any of the manager's variables.
pub(crate) fn peer(call: &[&str]) -> Command {
    let mut command = Command::new(compiled());
    command.args(call).env_clear().stdout(Stdio::piped());
    command
}

/// What the program answered; its pid was that of the child.
pub(crate) fn answer(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A receiver at an address of its own.
pub(crate) struct Place {
    receiver: Receiver,
    address: String,
    _folder: Option<TempDir>,
}

impl Place {
    pub(crate) fn by_path() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join("notify").to_str().unwrap().to_owned();
        let receiver = Receiver::bind(&Address::Path(address.as_bytes())).unwrap();
        Self { receiver, address, _folder: Some(folder) }
    }

    pub(crate) fn by_name() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("aye-peer-{}-{count}", std::process::id());
        let receiver = Receiver::bind(&Address::Abstract(name.as_bytes())).unwrap();
        Self { receiver, address: format!("@{name}"), _folder: None }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn notifier(&self) -> Notifier {
        Notifier::connect(&Address::parse(self.address.as_bytes()).unwrap()).unwrap()
    }

    /// Starts the program with this place in its environment.
    pub(crate) fn start(&self, call: &[&str]) -> Child {
        peer(call).env("NOTIFY_SOCKET", &self.address).spawn().unwrap()
    }

    pub(crate) fn receive(&self) -> Received {
        self.receiver.receive().unwrap()
    }

    pub(crate) fn datagram(&self) -> Datagram {
        match self.receive() {
            Received::Datagram(datagram) => datagram,
            Received::Dropped(why, _) => panic!("dropped: {why}"),
        }
    }

    /// Whether nothing is left to receive.
    pub(crate) fn is_empty(&self) -> bool {
        rustix::io::ioctl_fionbio(&self.receiver, true).unwrap();
        let answer = self.receiver.receive();
        rustix::io::ioctl_fionbio(&self.receiver, false).unwrap();
        answer.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}
