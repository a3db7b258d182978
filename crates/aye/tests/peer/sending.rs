//! What libsystemd sends: bytes, descriptors, and whose it is.

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use aye::{Dropped, Received};

use crate::program::{Place, answer, peer};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn without_a_socket_nothing_is_sent_and_that_is_no_error() {
    assert_eq!(answer(peer(&["notify", "READY=1"]).spawn().unwrap()), "0");
}

#[test]
fn an_unbound_socket_is_an_error_for_both() {
    let place = Place::by_name();
    let gone = format!("{}-gone", place.address());
    let answered = answer(peer(&["notify", "READY=1"]).env("NOTIFY_SOCKET", &gone).spawn().unwrap());
    assert_eq!(answered, "-ECONNREFUSED");
    let error = aye::Notifier::connect(&aye::Address::parse(gone.as_bytes()).unwrap()).unwrap_err();
    assert!(
        error.to_string().ends_with("nobody listens there any more: the service manager is gone"),
        "{error}"
    );
}

#[test]
fn a_message_arrives_with_its_sender_at_a_path_and_at_a_name() {
    for place in [Place::by_path(), Place::by_name()] {
        let child = place.start(&["notify", "READY=1\nSTATUS=up and running\nX_OURS=1"]);
        let pid = child.id();
        assert_eq!(answer(child), "1");
        let datagram = place.datagram();
        assert_eq!(text(&datagram.bytes), "READY=1\nSTATUS=up and running\nX_OURS=1");
        assert_eq!(datagram.message.value("STATUS"), Some(&b"up and running"[..]));
        assert_eq!(datagram.sender.pid, pid);
        assert_eq!(datagram.sender.uid, rustix::process::getuid().as_raw());
        assert_eq!(datagram.sender.gid, rustix::process::getgid().as_raw());
    }
}

#[test]
fn a_formatted_message_arrives() {
    let place = Place::by_name();
    assert_eq!(answer(place.start(&["notifyf", "READY=1\nSTATUS=%s", "50 % done"])), "1");
    assert_eq!(text(&place.datagram().bytes), "READY=1\nSTATUS=50 % done");
}

#[test]
fn another_pid_is_claimed_by_root_and_by_no_one_else() {
    let place = Place::by_name();
    let child = place.start(&["pid-notify", "1", "READY=1"]);
    let pid = child.id();
    assert_eq!(answer(child), "1");
    let root = rustix::process::geteuid().is_root();
    assert_eq!(place.datagram().sender.pid, if root { 1 } else { pid });
}

#[test]
fn a_pid_of_nobody_is_answered_with_the_sender_itself() {
    let place = Place::by_name();
    let child = place.start(&["pid-notify", "2147483647", "READY=1"]);
    let pid = child.id();
    assert_eq!(answer(child), "1");
    assert_eq!(place.datagram().sender.pid, pid);
}

/// The inodes of what arrived.
fn inodes(datagram: &aye::Datagram) -> Vec<u64> {
    datagram.fds.iter().map(|fd| rustix::fs::fstat(fd.as_fd()).unwrap().st_ino).collect()
}

#[test]
fn descriptors_are_the_same_files_in_the_same_order() {
    let place = Place::by_path();
    let files = [tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap()];
    let [first, second] = files.each_ref().map(|file| file.path().to_str().unwrap());
    let child = place.start(&["fds", "0", "FDSTORE=1\nFDNAME=both", "2", first, second]);
    let pid = child.id();
    assert_eq!(answer(child), "1");
    let datagram = place.datagram();
    let [first, second] = files.each_ref().map(|file| file.as_file().metadata().unwrap().ino());
    assert_eq!(inodes(&datagram), [first, first, second, second]);
    assert_eq!(datagram.message.value("FDNAME"), Some(&b"both"[..]));
    assert_eq!(datagram.sender.pid, pid);
}

#[test]
fn descriptors_and_a_claimed_pid_come_in_one_message() {
    let place = Place::by_name();
    let child = place.start(&["fds", "1", "FDSTORE=1", "1", "/dev/null"]);
    let pid = child.id();
    assert_eq!(answer(child), "1");
    let datagram = place.datagram();
    let root = rustix::process::geteuid().is_root();
    assert_eq!((datagram.fds.len(), datagram.sender.pid), (1, if root { 1 } else { pid }));
}

#[test]
fn as_many_descriptors_as_the_kernel_passes_arrive_and_one_more_is_refused_by_both() {
    let place = Place::by_name();
    let refusal = answer(place.start(&["fds", "0", "FDSTORE=1", "254", "/dev/null"]));
    assert!(refusal == "-EINVAL" || refusal == "-E2BIG", "the kernel's word, since 254 their own: {refusal}");
    assert!(place.is_empty());
    let null = std::fs::File::open("/dev/null").unwrap();
    let error = place.notifier().send_with_fds(b"FDSTORE=1", &vec![null.as_fd(); 254]).unwrap_err();
    assert!(matches!(error, aye::SendError::Socket(rustix::io::Errno::TOOBIG)), "{error}");
    assert_eq!(answer(place.start(&["fds", "0", "FDSTORE=1", "253", "/dev/null"])), "1");
    assert_eq!(place.datagram().fds.len(), 253);
    assert_eq!(answer(place.start(&["fds", "1", "FDSTORE=1", "253", "/dev/null"])), "1");
    assert_eq!(place.datagram().fds.len(), 253, "with credentials beside them");
}

#[test]
fn the_largest_message_arrives_and_a_larger_one_is_dropped_with_its_sender_named() {
    let place = Place::by_path();
    let largest = format!("STATUS={}", "x".repeat(4096 - 7));
    assert_eq!(answer(place.start(&["notify", &largest])), "1");
    assert_eq!(text(&place.datagram().bytes), largest);
    let child = place.start(&["notify", &format!("{largest}x")]);
    let pid = child.id();
    assert_eq!(answer(child), "1", "libsystemd sends it all the same");
    match place.receive() {
        Received::Dropped(Dropped::TooLarge, Some(sender)) => assert_eq!(sender.pid, pid),
        other => panic!("{other:?}"),
    }
}
