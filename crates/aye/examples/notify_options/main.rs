//! Holds `aye notify` against systemd-notify: both get the same arguments in the same surroundings, and what arrives at one
//! receiver has to be the same, with its descriptors and its claimed credentials, and so has the exit status. Where they
//! are meant to differ, `rows` says how. The live case `notify-options` runs it beside systemd-notify of 262, as root.
//!
//! `notify_options AYE SYSTEMD-NOTIFY`

mod rows;
mod trial;

use std::process::ExitCode;

use rows::{Row, combinations, rows};
use trial::{Record, Trial};

fn main() -> ExitCode {
    let mut programs = std::env::args().skip(1);
    let (Some(aye), Some(systemd)) = (programs.next(), programs.next()) else {
        eprintln!("usage: notify_options AYE SYSTEMD-NOTIFY");
        return ExitCode::from(2);
    };
    let trial = Trial::new();
    // Under systemd-notify's own name the binary is systemd-notify.
    let alias = trial.folder().join("systemd-notify");
    std::os::unix::fs::symlink(&aye, &alias).unwrap();
    let named = alias.to_str().unwrap().to_owned();
    let mut failed = 0;
    for row in rows() {
        let theirs = trial.run(&[&systemd], &row, false);
        let ours = trial.run(&[&aye, "notify"], &row, true);
        let by_name = trial.run(&[&named], &row, true);
        failed += u32::from(!tell(&row, &ours, &by_name, &theirs));
    }
    let mut same = 0;
    for row in combinations() {
        let theirs = trial.run(&[&systemd], &row, false);
        let ours = trial.run(&[&aye, "notify"], &row, true);
        if ours == theirs {
            same += 1;
        } else {
            failed += 1;
            eprintln!("NOT THE SAME: {row}\nsystemd-notify:\n{theirs}aye:\n{ours}");
        }
    }
    println!("combinations of options: {same} the same");
    ExitCode::from(u8::from(failed > 0))
}

/// Shows a row, and whether it came out as it should: the same, or different in the way that is meant.
fn tell(row: &Row, ours: &Record, by_name: &Record, theirs: &Record) -> bool {
    println!("{row}");
    match row.difference {
        None => print!("{theirs}"),
        Some(why) => print!("  [{why}]\n  systemd-notify:\n{theirs}  aye:\n{ours}"),
    }
    let right = (ours == theirs) == row.difference.is_none() && ours == by_name;
    if !right {
        eprintln!(
            "NOT AS MEANT: {row}\nsystemd-notify:\n{theirs}aye:\n{ours}aye as systemd-notify:\n{by_name}"
        );
    }
    right
}
