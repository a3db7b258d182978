//! For tests only: asks the machine's own systemd tools, and fails plainly where they are missing.

use std::process::{Command, Output};

/// Runs a tool of systemd; its output may be a failure.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    run_with(program, arguments, &[])
}

/// The same with variables added to its environment.
pub(crate) fn run_with(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .envs(variables.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}: install Debian's systemd package"))
}

/// The standard output of a tool that must succeed, without its last line break.
pub(crate) fn tool(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the tool writes UTF-8");
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}
