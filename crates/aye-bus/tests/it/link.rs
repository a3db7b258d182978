//! Connections over a child: scripts in the place of ssh that refuse, die, hang or carry the connection to the fake
//! manager, and what the client says about each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aye_bus::{Error, Host, JobResult, Machine, Manager, Signal, Verb, Where, resolve};
use rustix::process::{Pid, test_kill_process};
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::fake::{Act, Fake};

/// Long enough for anything that is to come at once, on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// A program in the place of ssh; it leaves its process id and its arguments in its directory.
struct Ssh {
    dir: TempDir,
}

impl Ssh {
    fn new(script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (path, own) = (dir.path().join("ssh"), dir.path().display());
        let text =
            format!("#!/bin/bash\nprintf '%s\\n' \"$@\" >{own}/arguments\necho $$ >{own}/pid\n{script}\n");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    fn host(&self) -> Where {
        let ssh = self.dir.path().join("ssh").display().to_string();
        Where::Host(Host::new("root@web1", false, vec![ssh]).unwrap())
    }

    fn pid(&self) -> Pid {
        let pid = fs::read_to_string(self.dir.path().join("pid")).unwrap();
        Pid::from_raw(pid.trim().parse().unwrap()).unwrap()
    }

    async fn refusal(&self) -> String {
        let error = timeout(SOON, self.host().connect()).await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        error.to_string()
    }
}

/// A fake manager behind a fake ssh.
struct Far {
    ssh: Ssh,
    _fake: Fake,
    cut: std::sync::Arc<Notify>,
    _dir: TempDir,
}

impl Far {
    /// What ssh does when the link is cut.
    async fn new(units: &[(&str, Act)], after: &str) -> Self {
        Self::prepared(units, "", after).await
    }

    /// What ssh does before there is a link, too.
    async fn prepared(units: &[(&str, Act)], before: &str, after: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake::listen(dir.path(), units);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = std::sync::Arc::new(Notify::new());
        tokio::spawn(relay(listener, dir.path().join("systemd/private"), cut.clone()));
        let script = format!(
            "{before}\nexec 3<>/dev/tcp/127.0.0.1/{port}\ncat <&0 >&3 &\ncat <&3 3<&- &\nexec 3<&-\nwait -n\n{after}"
        );
        Self { ssh: Ssh::new(&script), _fake: fake, cut, _dir: dir }
    }

    async fn connect(&self) -> Manager {
        self.ssh.host().connect().await.unwrap()
    }
}

async fn relay(listener: TcpListener, socket: PathBuf, cut: std::sync::Arc<Notify>) {
    while let Ok((mut near, _)) = listener.accept().await {
        let mut far = UnixStream::connect(&socket).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
            () = cut.notified() => {}
        }
    }
}

/// Waits for a process to end. Nobody else's exit can be awaited, so this looks again and again.
async fn gone(pid: Pid) {
    let waiting = async {
        while test_kill_process(pid).is_ok() && !is_zombie(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, waiting).await.expect("the child is still there");
}

fn is_zombie(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let host = Host::new("web1", false, vec!["/nonexistent/ssh".to_owned()]).unwrap();
    let error = Where::Host(host).connect().await.unwrap_err().to_string();
    let expected =
        "cannot reach the system manager of web1: cannot run /nonexistent/ssh: no such file or directory; ";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn what_ssh_says_is_said_and_what_to_do_next() {
    let table = [
        ("Host key verification failed.", "compare its key"),
        ("root@web1: Permission denied (publickey).", "a key that needs no passphrase"),
        ("ssh: connect to host web1 port 22: Connection refused", "is sshd running there"),
        ("bash: line 1: systemd-stdio-bridge: command not found", "comes with systemd"),
    ];
    for (words, advice) in table {
        let error = Ssh::new(&format!("echo '{words}' >&2; exit 255")).refusal().await;
        assert!(error.contains(&format!("of root@web1: {words} (")), "{error}");
        assert!(error.contains("exited with 255"), "{error}");
        assert!(error.contains(advice), "{error}");
    }
}

#[tokio::test]
async fn a_silent_end_says_how_it_ended() {
    assert!(Ssh::new("exit 3").refusal().await.contains("ssh exited with 3"));
    assert!(Ssh::new("kill -KILL $$").refusal().await.contains("ssh was killed by signal 9"));
}

#[tokio::test]
async fn a_shell_that_talks_at_login_is_no_manager() {
    let ssh = Ssh::new("echo 'Welcome to web1!'; exec cat >/dev/null");
    let error = ssh.refusal().await;
    assert!(error.starts_with("cannot reach the system manager of root@web1: "), "{error}");
    gone(ssh.pid()).await;
}

#[tokio::test]
async fn a_process_that_ssh_leaves_behind_delays_nothing() {
    let begun = Instant::now();
    let ssh = Ssh::new("sleep 60 & echo $! >${0%/*}/left; echo 'Connection reset' >&2; exit 255");
    let error = ssh.refusal().await;
    assert!(error.contains("Connection reset (") && begun.elapsed() < SOON, "{error}");
    let left = fs::read_to_string(ssh.dir.path().join("left")).unwrap();
    let left = Pid::from_raw(left.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_host_that_is_none_is_refused_before_anything_is_started() {
    let host = Host {
        destination: "-oProxyCommand=x".to_owned(),
        user: false,
        ssh: vec!["/nonexistent".to_owned()],
    };
    let error = Where::Host(host).connect().await.unwrap_err();
    assert!(matches!(error, Error::BadPlace { kind: "host", .. }), "{error:?}");
    let machine = Machine { name: "a/b".to_owned(), user: false };
    let error = Where::Machine(machine).connect().await.unwrap_err();
    assert!(matches!(error, Error::BadPlace { kind: "machine", .. }), "{error:?}");
}

#[tokio::test]
async fn a_cut_link_is_lost_for_calls_and_signals_in_the_words_of_ssh() {
    let far =
        Far::new(&[("web.service", Act::Hold)], "echo 'Timeout, server not responding.' >&2; exit 255").await;
    let manager = far.connect().await;
    let mut signals = manager.watch().await.unwrap();
    manager.enqueue(Verb::Restart, "web.service").await.unwrap();
    assert_eq!(manager.lost(), None);
    far.cut.notify_one();
    let error = timeout(SOON, async {
        while signals.next().await.is_ok() {}
        signals.next().await.unwrap_err()
    })
    .await;
    let reason = "Timeout, server not responding. (";
    assert!(
        matches!(error.unwrap(), Error::Lost { doing, reason: r } if doing == "follow its jobs" && r.starts_with(reason))
    );
    assert!(manager.lost().unwrap().starts_with(reason));
    let again = manager.enqueue(Verb::Restart, "web.service").await.unwrap_err();
    assert!(matches!(again, Error::Lost { reason: r, .. } if r.starts_with(reason)));
}

#[tokio::test]
async fn a_call_in_progress_ends_with_ssh_though_another_process_holds_the_stream() {
    // The reading `cat` is left behind, and with it the stream's other end.
    let far = Far::new(&[("web.service", Act::DropCall)], "sleep 60 & echo $! >${0%/*}/left; exit 255").await;
    let manager = far.connect().await;
    let error = timeout(SOON, manager.enqueue(Verb::Restart, "web.service")).await.unwrap().unwrap_err();
    assert!(
        matches!(&error, Error::Lost { reason, .. } if reason.contains("ssh exited with 255")),
        "{error:?}"
    );
    let left = fs::read_to_string(far.ssh.dir.path().join("left")).unwrap();
    let _ = rustix::process::kill_process(
        Pid::from_raw(left.trim().parse().unwrap()).unwrap(),
        rustix::process::Signal::KILL,
    );
}

#[tokio::test]
async fn the_child_ends_with_the_connection_even_one_that_will_not() {
    for (before, after) in [("", ""), ("trap '' TERM", "sleep 60")] {
        let far = Far::prepared(&[], before, after).await;
        let manager = far.connect().await;
        let pid = far.ssh.pid();
        assert!(test_kill_process(pid).is_ok());
        drop(manager);
        gone(pid).await;
    }
}

#[tokio::test]
async fn a_terminals_interrupt_is_not_for_the_child() {
    let far = Far::new(&[], "").await;
    let _manager = far.connect().await;
    let own = rustix::process::getpgid(Some(far.ssh.pid())).unwrap();
    assert_eq!(own, far.ssh.pid());
}

#[tokio::test]
async fn a_far_manager_is_driven_like_a_near_one() {
    let units = ["web@2.service", "web@10.service"].map(|name| (name, Act::Succeed));
    let far = Far::new(&units, "").await;
    let manager = far.connect().await;
    let mut signals = manager.watch().await.unwrap();
    let units = resolve(&manager, &["web@*".to_owned()]).await.unwrap();
    assert_eq!(
        units.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>(),
        ["web@2.service", "web@10.service"]
    );
    let ours = manager.enqueue(Verb::ReloadOrRestart, "web@2.service").await.unwrap();
    let ended = async {
        loop {
            if let Signal::JobRemoved { job, result } = signals.next().await.unwrap()
                && job == ours
            {
                return result;
            }
        }
    };
    assert_eq!(timeout(SOON, ended).await.unwrap(), JobResult::Done);
    let arguments = fs::read_to_string(far.ssh.dir.path().join("arguments")).unwrap();
    assert!(arguments.ends_with("-xT\n-l\nroot\n--\nweb1\nsystemd-stdio-bridge\n"), "{arguments}");
}

#[tokio::test]
async fn a_command_runs_there_with_its_words_as_they_are() {
    // What sshd does with the words it is sent: it joins them and gives them to a shell.
    let ssh = Ssh::new("while [ \"$1\" != -- ]; do shift; done; shift 2; exec sh -c \"$*\"");
    let output = ssh.host().command("printf", &["%s|", "a b", "$HOME", "it's", ""]).output().await.unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "a b|$HOME|it's||");
    let near = Where::Embedded(Path::new("/x").to_owned()).command("printf", &["%s", "a b"]).output().await;
    assert_eq!(near.unwrap().stdout, b"a b");
}
