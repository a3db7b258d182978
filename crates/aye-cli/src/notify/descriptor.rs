//! `--fd=`: descriptors that the caller passed, by their numbers.

use std::io;
use std::os::fd::OwnedFd;

use aye::listen::passed;
use rustix::io::Errno;

/// Copies each.
///
/// # Errors
/// A word that is no number, a number that is not open, or one above the standard three given twice.
pub(super) fn take(numbers: &[String]) -> Result<Vec<OwnedFd>, String> {
    let mut taken: Vec<(i32, OwnedFd)> = Vec::with_capacity(numbers.len());
    for text in numbers {
        let number = parse(text)?;
        // The standard three stay open for what comes next, so they can be given as often as one likes.
        if number > 2 && taken.iter().any(|(before, _)| *before == number) {
            return Err(format!("--fd={number} is given twice: give each descriptor once"));
        }
        taken.push((number, passed(number).map_err(|error| explain(number, &error))?));
    }
    Ok(taken.into_iter().map(|(_, fd)| fd).collect())
}

fn parse(text: &str) -> Result<i32, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| format!("--fd={text}: expected the number of an open descriptor, such as 3"))
}

fn explain(number: i32, error: &io::Error) -> String {
    if error.raw_os_error() == Some(Errno::BADF.raw_os_error()) {
        return format!(
            "--fd={number} is not open: have the shell open it, as in `aye notify --fd={number} {number}<FILE`"
        );
    }
    format!("--fd={number}: cannot copy it: {error}")
}
