//! The command as a user meets it: arguments in, exact output and an exit code out.

mod check;
mod completions;
mod demo;
#[path = "../../../aye-bus/tests/it/fake.rs"]
#[allow(dead_code, reason = "the tests of the client use the rest")]
mod fake;
mod flood;
mod init;
#[path = "../../../aye/tests/peer/program.rs"]
#[allow(dead_code, reason = "the tests of the library use the rest")]
mod libsystemd;
mod looks;
mod manual;
mod notify;
mod peer;
mod place;
mod prove;
mod restart;
mod rolling;
mod run;
mod status;
mod systemctl;
mod terminal;
mod tidy;
mod tmux;
mod trace;
mod wrap;
