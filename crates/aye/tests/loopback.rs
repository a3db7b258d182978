//! The notifier and the receiver against each other over real sockets: credentials, descriptors, barriers, and what
//! is dropped.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use aye::process::Attributed;
use aye::{
    Address, Assignment, BarrierError, Claim, Datagram, Dropped, HangUp, Notifier, NotifyAccess, Received,
    Receiver, SentAs,
};

/// Cargo builds the examples beside the tests.
fn example(name: &str) -> std::path::PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().with_file_name("examples").join(name)
}

/// An abstract socket of this test alone.
struct Pair {
    receiver: Receiver,
    notifier: Notifier,
}

fn pair(name: &str) -> Pair {
    let name = format!("aye-test-{}-{name}", std::process::id());
    let address = Address::Abstract(name.as_bytes());
    let receiver = Receiver::bind(&address).unwrap();
    Pair { notifier: Notifier::connect(&address).unwrap(), receiver }
}

impl Pair {
    fn datagram(&self) -> Datagram {
        match self.receiver.receive().unwrap() {
            Received::Datagram(datagram) => datagram,
            Received::Dropped(why, _) => panic!("dropped: {why}"),
        }
    }

    fn dropped(&self) -> Dropped {
        match self.receiver.receive().unwrap() {
            Received::Dropped(why, _) => why,
            Received::Datagram(datagram) => panic!("accepted: {datagram:?}"),
        }
    }
}

#[test]
fn every_verb_arrives_as_its_assignments() {
    use Assignment as A;
    let second = Duration::from_secs(1);
    let pair = pair("verbs");
    let heard = |said: Result<(), aye::SendError>, expected: &[Assignment<'_>]| {
        said.unwrap();
        let datagram = pair.datagram();
        let found: Result<Vec<_>, _> = datagram.message.assignments().collect();
        assert_eq!(found.unwrap(), expected);
        assert_eq!(datagram.fds.len(), 0);
    };
    let notifier = &pair.notifier;
    heard(notifier.ready(), &[A::Ready]);
    heard(notifier.status(r"at C:\tmp"), &[A::Status(r"at C:\tmp")]);
    heard(notifier.stopping(), &[A::Stopping]);
    heard(notifier.main_pid(7), &[A::MainPid(7)]);
    heard(notifier.main_pid_with_id(7, 99), &[A::MainPid(7), A::MainPidFdId(99)]);
    heard(notifier.watchdog(), &[A::Watchdog]);
    heard(notifier.watchdog_trigger(), &[A::WatchdogTrigger]);
    heard(notifier.watchdog_interval(second), &[A::WatchdogUsec(second)]);
    heard(notifier.extend_timeout(2 * second), &[A::ExtendTimeoutUsec(2 * second)]);
    heard(notifier.errno(28), &[A::Errno(28)]);
    heard(notifier.bus_error("org.example.Failed"), &[A::BusError("org.example.Failed")]);
    heard(notifier.varlink_error("org.example.Failed"), &[A::VarlinkError("org.example.Failed")]);
    heard(notifier.notify_access(NotifyAccess::Exec), &[A::NotifyAccess(NotifyAccess::Exec)]);
    heard(notifier.exit_status(3), &[A::ExitStatus(3)]);
    heard(notifier.restart_reset(), &[A::RestartReset]);
    heard(notifier.remove_stored("http"), &[A::FdStoreRemove, A::FdName("http")]);
    heard(notifier.say(&[A::Ready, A::Other("X_A", "b")]), &[A::Ready, A::Other("X_A", "b")]);
}

#[test]
fn verbs_with_descriptors_carry_them() {
    use Assignment as A;
    let pair = pair("carrying");
    let heard = |said: Result<(), aye::SendError>, fds: usize, expected: &[Assignment<'_>]| {
        said.unwrap();
        let datagram = pair.datagram();
        let found: Result<Vec<_>, _> = datagram.message.assignments().collect();
        assert_eq!((found.unwrap().as_slice(), datagram.fds.len()), (expected, fds));
        datagram.fds
    };
    let notifier = &pair.notifier;
    let own = aye::process::pidfd(std::process::id()).unwrap();
    let passed = heard(notifier.main_pidfd(own.as_fd()), 1, &[A::MainPidFd]);
    assert_eq!(aye::process::pidfd_id(passed[0].as_fd()), aye::process::pidfd_id(own.as_fd()));
    let file = tempfile::tempfile().unwrap();
    let two = [file.as_fd(), own.as_fd()];
    heard(notifier.store("a", &two, HangUp::Removes), 2, &[A::FdStore, A::FdName("a")]);
    heard(notifier.store("", &two[..1], HangUp::IsIgnored), 1, &[A::FdStore, A::FdName(""), A::FdPollOff]);
}

#[test]
fn what_a_verb_cannot_say_is_not_sent() {
    let pair = pair("unsaid");
    let notifier = &pair.notifier;
    for refused in [
        notifier.status("a\nREADY=1"),
        notifier.main_pid(0),
        notifier.errno(-1),
        notifier.errno(4096),
        notifier.bus_error("a\"b"),
        notifier.remove_stored("a:b"),
        notifier.store(&"n".repeat(256), &[], HangUp::Removes),
        notifier.status(&"a".repeat(4090)),
    ] {
        assert!(matches!(refused, Err(aye::SendError::Encode(_))), "{refused:?}");
    }
    notifier.ready().unwrap();
    assert!(pair.datagram().message.contains("READY=1"), "nothing came before it");
}

#[test]
fn reloading_carries_the_time_in_the_same_datagram() {
    let pair = pair("reloading");
    pair.notifier.reloading().unwrap();
    let message = pair.datagram().message;
    assert!(message.contains("RELOADING=1"));
    let usec: u64 = std::str::from_utf8(message.value("MONOTONIC_USEC").unwrap()).unwrap().parse().unwrap();
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let seconds: u64 = uptime.split('.').next().unwrap().parse().unwrap();
    assert!(seconds.abs_diff(usec / 1_000_000) < 60, "{usec} usec, but up for {seconds} s");
}

#[test]
fn the_kernel_says_who_sent_it() {
    let pair = pair("sender");
    pair.notifier.ready().unwrap();
    let sender = pair.datagram().sender;
    assert_eq!(sender.pid, std::process::id());
    assert_eq!(sender.uid, rustix::process::getuid().as_raw());
    assert_eq!(sender.gid, rustix::process::getgid().as_raw());
}

#[test]
fn a_descriptor_arrives_open() {
    let pair = pair("fd");
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"kept").unwrap();
    pair.notifier.send_with_fds(b"FDSTORE=1\nFDNAME=file", &[file.as_fd(), file.as_fd()]).unwrap();
    drop(file);
    let mut datagram = pair.datagram();
    assert_eq!(datagram.fds.len(), 2);
    let mut text = String::new();
    let mut file = std::fs::File::from(datagram.fds.remove(0));
    std::io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "kept");
}

#[test]
fn as_many_descriptors_as_the_kernel_passes_arrive() {
    let pair = pair("fds");
    let file = tempfile::tempfile().unwrap();
    pair.notifier.send_with_fds(b"FDSTORE=1", &vec![file.as_fd(); 253]).unwrap();
    assert_eq!(pair.datagram().fds.len(), 253);
    pair.notifier.send_with_fds(b"FDSTORE=1", &vec![file.as_fd(); 254]).unwrap_err();
}

#[test]
fn a_barrier_completes_when_everything_before_it_was_received() {
    let pair = pair("barrier");
    pair.notifier.ready().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| pair.notifier.barrier(Duration::from_secs(10)));
        assert!(pair.datagram().message.contains("READY=1"));
        let barrier = pair.datagram();
        assert!(barrier.is_barrier());
        assert!(!waiting.is_finished(), "the barrier completed while its descriptor was open");
        drop(barrier);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn a_barrier_that_nobody_reads_times_out() {
    let pair = pair("timeout");
    let error = pair.notifier.barrier(Duration::from_millis(20)).unwrap_err();
    assert!(matches!(error, BarrierError::TimedOut(_)));
    assert_eq!(
        error.to_string(),
        "the service manager did not read the message within 20ms: it may still do so"
    );
}

/// Sends until the receiver's queue has no room; how many there are in it.
fn fill(notifier: &Notifier) -> usize {
    (0..1_000_000).find(|_| notifier.try_send(b"WATCHDOG=1").is_err()).unwrap()
}

#[test]
fn what_finds_a_full_queue_is_not_sent_and_says_so() {
    let pair = pair("full");
    let sent = fill(&pair.notifier);
    assert!(sent > 0);
    let error = pair.notifier.try_send(b"READY=1").unwrap_err();
    assert!(error.is_full_queue());
    assert_eq!(
        error.to_string(),
        "the notify socket did not take the message: the service manager's queue is full: is it stopped, or very busy?"
    );
    for _ in 0..sent {
        assert!(pair.datagram().message.contains("WATCHDOG=1"));
    }
    pair.notifier.try_send(b"STOPPING=1").unwrap();
    assert!(pair.datagram().message.contains("STOPPING=1"), "and READY=1 was not sent");
}

#[test]
fn what_may_not_be_lost_waits_out_a_full_queue_on_a_socket_that_does_not_block() {
    let name = format!("aye-test-{}-room", std::process::id());
    let address = Address::Abstract(name.as_bytes());
    let receiver = Receiver::bind(&address).unwrap();
    let socket = Notifier::connect(&address).unwrap().into_socket().unwrap();
    rustix::io::ioctl_fionbio(&socket, true).unwrap();
    let pair = Pair { receiver, notifier: Notifier::from_socket(socket) };
    let sent = fill(&pair.notifier);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            pair.notifier.send(b"READY=1")?;
            pair.notifier.send_with_fds(b"FDSTORE=1", &[pair.receiver.as_fd()])
        });
        for _ in 0..sent {
            assert!(pair.datagram().message.contains("WATCHDOG=1"));
        }
        assert!(pair.datagram().message.contains("READY=1"));
        assert_eq!(pair.datagram().fds.len(), 1);
        sending.join().unwrap().unwrap();
    });
}

#[test]
fn a_barrier_that_finds_a_full_queue_times_out() {
    let pair = pair("full-barrier");
    fill(&pair.notifier);
    for claim in [Claim::default(), Claim::of_pid(1)] {
        let error = pair.notifier.barrier_as(claim, Duration::from_millis(20)).unwrap_err();
        assert!(matches!(error, BarrierError::TimedOut(_)), "{error}");
    }
}

#[test]
fn a_barrier_waits_for_its_place_in_the_queue() {
    let pair = pair("place");
    let sent = fill(&pair.notifier);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| pair.notifier.barrier(Duration::from_secs(10)));
        for _ in 0..sent {
            assert!(pair.datagram().message.contains("WATCHDOG=1"));
        }
        assert!(pair.datagram().is_barrier());
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn a_barrier_with_company_is_no_barrier() {
    let pair = pair("company");
    let file = tempfile::tempfile().unwrap();
    pair.notifier.send_with_fds(b"BARRIER=1\nREADY=1", &[file.as_fd()]).unwrap();
    pair.notifier.send(b"BARRIER=1").unwrap();
    assert!(!pair.datagram().is_barrier());
    assert!(!pair.datagram().is_barrier());
}

#[test]
fn what_systemd_drops_is_dropped_with_a_reason() {
    let pair = pair("dropped");
    for (bytes, why) in [
        (&[b'a'; 4097][..], "over 4096 bytes"),
        (&[b'a'; 9000], "over 4096 bytes"),
        (b"READY=1\0X=1", "a NUL byte inside"),
        (b"READY=1\\", "a lone backslash at its end"),
    ] {
        pair.notifier.send(bytes).unwrap();
        assert_eq!(pair.dropped().to_string(), why);
    }
    pair.notifier.ready().unwrap();
    assert!(pair.datagram().message.contains("READY=1"));
}

#[test]
fn an_empty_datagram_is_harmless() {
    let pair = pair("empty");
    pair.notifier.send(b"").unwrap();
    assert!(pair.datagram().message.is_empty());
}

#[test]
fn a_manager_that_is_gone_is_an_error_that_says_so() {
    let pair = pair("gone");
    drop(pair.receiver);
    assert_eq!(
        pair.notifier.ready().unwrap_err().to_string(),
        "the notify socket did not take the message: nobody listens there any more: the service manager is gone"
    );
    let error = Notifier::connect(&Address::Path(b"/nonexistent/notify")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot reach the notify socket /nonexistent/notify: there is no such socket: is the service manager running?"
    );
}

#[test]
fn claiming_another_pid_falls_back_to_our_own() {
    let pair = pair("claim");
    let root = rustix::process::geteuid().is_root();
    let sent_as = pair.notifier.send_as(Claim::of_pid(1), b"READY=1", &[]).unwrap();
    assert_eq!(sent_as, if root { SentAs::Claimed } else { SentAs::Oneself });
    assert_eq!(pair.datagram().sender.pid, if root { 1 } else { std::process::id() });
    let nobody = Claim { uid: Some(65534), gid: Some(65534), ..Claim::default() };
    pair.notifier.send_as(nobody, b"FDSTORE=1", &[pair.receiver.as_fd()]).unwrap();
    let datagram = pair.datagram();
    assert_eq!(datagram.fds.len(), 1);
    let own = rustix::process::getuid().as_raw();
    assert_eq!(datagram.sender.uid, if root { 65534 } else { own });
    assert_eq!(datagram.sender.pid, std::process::id());
    let no_such = Claim::of_pid(i32::MAX.unsigned_abs());
    assert_eq!(pair.notifier.send_as(no_such, b"READY=1", &[]).unwrap(), SentAs::Oneself);
    assert_eq!(pair.datagram().sender.pid, std::process::id(), "no such process: our own pid");
}

#[test]
fn a_sender_that_has_been_reaped_is_still_attributed() {
    let pair = pair("reaped");
    let name = format!("aye-test-{}-reaped", std::process::id());
    let status = Command::new(example("send")).args([&format!("@{name}"), "READY=1"]).status().unwrap();
    assert!(status.success());
    let datagram = pair.datagram(); // and only now, when there is no such process any more
    assert!(!std::path::Path::new(&format!("/proc/{}", datagram.sender.pid)).exists());
    let kernel = rustix::system::uname();
    let kernel = kernel.release().to_str().unwrap();
    let version: Vec<u32> = kernel.split(['.', '-']).take(2).map(|part| part.parse().unwrap()).collect();
    if version < vec![6, 16] {
        eprintln!("Linux {kernel}: pidfds of reaped senders come with 6.16, and their pid has to do");
        assert!(datagram.attributed().is_none_or(|sender| sender.exit_status.is_none()));
        return;
    }
    let sender = datagram.attributed().unwrap();
    assert_eq!(sender.exit_status, Some(status));
    let own = aye::process::pidfd(std::process::id()).unwrap();
    let own = Attributed::of(own.as_fd()).unwrap();
    assert_eq!((own.pid, own.exit_status), (Some(std::process::id()), None));
    assert_eq!(sender.cgroup, own.cgroup, "a child is in its parent's cgroup");
    assert!(sender.cgroup.is_some());
}
