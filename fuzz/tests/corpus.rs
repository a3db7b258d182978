//! The corpus, input after input, through the code the fuzzer drives: no nightly toolchain, no fuzzer.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// One target at a time: the environment and the numbers of descriptors belong to the whole process.
static TURN: Mutex<()> = Mutex::new(());

fn run(target: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, check) =
        aye_fuzz::TARGETS.iter().find(|(name, _)| *name == target).expect("a target of this name");
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(inputs.len() >= 20, "{} has only {} inputs", folder.display(), inputs.len());
    inputs.sort();
    for input in inputs {
        eprintln!("{}", input.display());
        check(&fs::read(&input).unwrap());
    }
}

#[test]
fn messages_are_read_as_systemd_reads_them() {
    run("message");
}

#[test]
fn addresses_are_what_systemd_takes_them_for() {
    run("address");
}

#[test]
fn environments_mean_what_they_mean_to_systemd() {
    run("environment");
}

#[test]
fn assignments_arrive_as_they_were_given() {
    run("encode");
}
