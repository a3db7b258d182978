//! The message that the options make, in systemd-notify's order. An assignment that is given as such takes the place of
//! one an option made of the same key.

use aye::message::{EncodeError, LARGEST, LineBreaks};
use aye::{Assignment, Encoder};

use super::args::Args;
use super::family::pidfd_id;

/// Makes the message; `main_pid` is what `--pid` came to.
///
/// # Errors
/// What is wrong with which argument.
pub(super) fn encode(args: &Args, main_pid: Option<u32>) -> Result<Encoder, String> {
    let id = main_pid.and_then(pidfd_id);
    let status = args.status.as_ref().map(|text| utf8(text, "--status")).transpose()?;
    let fdname =
        args.fdname.as_ref().map(|name| utf8(name, "--fdname").and_then(checked_name)).transpose()?;
    let mut parts = Vec::new();
    let mut part = |given: bool, key: &'static str, assignment| {
        if given {
            parts.push((key, assignment));
        }
    };
    part(args.reloading, "RELOADING", Assignment::Reloading);
    part(args.reloading, "MONOTONIC_USEC", Assignment::MonotonicUsec(aye::monotonic_usec()));
    part(args.ready, "READY", Assignment::Ready);
    part(args.stopping, "STOPPING", Assignment::Stopping);
    part(status.is_some(), "STATUS", Assignment::Status(status.unwrap_or_default()));
    part(main_pid.is_some(), "MAINPID", Assignment::MainPid(main_pid.unwrap_or_default()));
    part(id.is_some(), "MAINPIDFDID", Assignment::MainPidFdId(id.unwrap_or_default()));
    part(!args.fds.is_empty(), "FDSTORE", Assignment::FdStore);
    part(fdname.is_some(), "FDNAME", Assignment::FdName(fdname.unwrap_or_default()));
    for argument in &args.rest {
        let text = utf8(argument, "the argument")?;
        let key = text.split_once('=').map(|(key, _)| key).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| format!("expected KEY=VALUE, found {text:?}"))?;
        merge(&mut parts, key, Assignment::Raw(text));
    }
    written(&parts)
}

/// Puts an assignment where one of its key is already, or at the end.
fn merge<'a>(parts: &mut Vec<(&'a str, Assignment<'a>)>, key: &'a str, assignment: Assignment<'a>) {
    match parts.iter_mut().find(|(found, _)| *found == key) {
        Some(part) => part.1 = assignment,
        None => parts.push((key, assignment)),
    }
}

fn written(parts: &[(&str, Assignment<'_>)]) -> Result<Encoder, String> {
    let mut message = Encoder::new().with_line_breaks(LineBreaks::Space);
    for (key, assignment) in parts {
        message.push(*assignment).map_err(|error| match error {
            EncodeError::TooLarge => {
                format!("the message is over {LARGEST} bytes, which systemd drops whole: shorten {key}=")
            }
            other => format!("{key}=: {other}"),
        })?;
    }
    Ok(message)
}

fn utf8<'a>(text: &'a std::ffi::OsStr, whose: &str) -> Result<&'a str, String> {
    text.to_str().ok_or_else(|| {
        format!("{whose} {} is not UTF-8, and systemd shows nothing else: encode it", text.display())
    })
}

/// By the rule of `FDNAME=` in sd_notify(3): for any other name systemd says `stored`.
fn checked_name(name: &str) -> Result<&str, String> {
    Assignment::of(b"FDNAME", name.as_bytes()).ok().map(|_| name).ok_or_else(|| {
        format!("--fdname={name:?}: expected at most 255 printable ASCII characters and no colon")
    })
}
