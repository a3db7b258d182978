//! The crate without std and without an allocator: built as a static library (tests/no-std), linked into a C program, and
//! heard by the receiver.

use std::path::{Path, PathBuf};
use std::process::Command;

use aye::{Address, Assignment, Datagram, Received, Receiver};

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

/// Builds the library and the C program on it; gives the program and the library.
fn build() -> (PathBuf, PathBuf) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/no-std");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-std");
    let manifest = source.join("Cargo.toml");
    run(Command::new(env!("CARGO"))
        .args(["build", "-q", "--release", "--locked", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS"));
    let (library, program) = (target.join("release/libaye_no_std.a"), target.join("speak"));
    run(Command::new("cc")
        .arg("-Wl,--gc-sections")
        .arg("-o")
        .arg(&program)
        .arg(source.join("main.c"))
        .arg(&library));
    (program, library)
}

#[test]
fn a_program_without_rust_s_runtime_is_heard() {
    let (program, library) = build();
    let name = format!("aye-test-{}-no-std", std::process::id());
    let receiver = Receiver::bind(&Address::Abstract(name.as_bytes())).unwrap();
    let mut child = Command::new(program).arg(format!("@{name}")).spawn().unwrap();
    let next = || -> Datagram {
        match receiver.receive().unwrap() {
            Received::Datagram(datagram) => datagram,
            Received::Dropped(why, _) => panic!("dropped: {why}"),
        }
    };
    let said = |datagram: &Datagram, expected: &[Assignment<'_>]| {
        let found: Result<Vec<_>, _> = datagram.message.assignments().collect();
        assert_eq!(found.unwrap(), expected);
        assert_eq!(datagram.sender.pid, child.id());
    };
    said(&next(), &[Assignment::Ready, Assignment::Status("without std")]);
    let stored = next();
    said(&stored, &[Assignment::FdStore, Assignment::FdName("pipe"), Assignment::FdPollOff]);
    assert_eq!(stored.fds.len(), 1);
    assert!(next().is_barrier());
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let undefined = run(Command::new("nm").args(["--undefined-only", "--format=just-symbols"]).arg(library));
    for symbol in undefined.lines() {
        let allocates = ["malloc", "calloc", "realloc", "free", "__rust_alloc", "__rustc"];
        assert!(!allocates.iter().any(|word| symbol.contains(word)), "the library needs {symbol}");
    }
}
