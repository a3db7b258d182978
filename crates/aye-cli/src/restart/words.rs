//! The choices of a run said again, as words of a command line; and a command that was given as one word, taken apart.

use std::time::Duration;

use super::amount::Amount;
use super::args::{Args, LockWait, OnFailure};

impl Args {
    /// The choices of this run as words of a command line, without those that say what to show of a run that touches nothing.
    pub(super) fn options(&self) -> Vec<String> {
        let mut words = Words::default();
        words.flag("--system", self.system);
        words.flag("--user", self.user);
        words.option("-M", self.machine.as_ref());
        self.host.iter().for_each(|host| words.option("-H", Some(host)));
        words.option("--ssh-command", self.ssh_command.as_ref());
        words.0.extend(self.embedded.as_ref().map(|dir| match dir.display() {
            _ if dir.is_empty() => "--embedded".to_owned(),
            dir => format!("--embedded={dir}"),
        }));
        words.flag("--reload", self.reload);
        words.flag("--reload-or-restart", self.reload_or_restart);
        words.flag("--try", self.only_running);
        words.flag("--only-stale", self.only_stale);
        words.option("--started-before", self.started_before.as_ref());
        words.flag("--require-notify", self.require_notify);
        words.option("--max-parallel", Some(self.max_parallel).filter(|amount| *amount != Amount::Units(1)));
        words.option("--canary", Some(self.canary).filter(|canary| *canary > 0));
        words.span("--min-ready", Some(self.min_ready).filter(|span| !span.is_zero()));
        words.span("--stagger", Some(self.stagger).filter(|span| !span.is_zero()));
        words.span("--ready-timeout", self.ready_timeout);
        words.span("--deadline", self.deadline);
        words.option("--max-failures", Some(self.max_failures).filter(|amount| *amount != Amount::Units(0)));
        words.flag("--on-failure=ask", self.on_failure == OnFailure::Ask);
        words.option("--min-available", self.min_available);
        if let Some(LockWait(wait)) = self.lock_wait {
            words.0.push(
                wait.map_or("--lock-wait".to_owned(), |wait| format!("--lock-wait={}", shortest(wait))),
            );
        }
        for (name, command) in [
            ("--before", &self.before),
            ("--check", &self.check),
            ("--after", &self.after),
            ("--on-fail", &self.on_fail),
        ] {
            words.option(name, command.as_ref());
        }
        words.0
    }
}

/// Words of a command line, in the making.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn flag(&mut self, name: &str, given: bool) {
        self.0.extend(given.then(|| name.to_owned()));
    }

    fn option(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.extend([name.to_owned(), value.to_string()]);
        }
    }

    fn span(&mut self, name: &str, span: Option<Duration>) {
        self.option(name, span.map(shortest));
    }
}

/// A span in the largest unit that keeps it whole.
fn shortest(span: Duration) -> String {
    match span.as_micros() {
        micros if micros % 1_000_000 == 0 => format!("{}s", micros / 1_000_000),
        micros if micros % 1_000 == 0 => format!("{}ms", micros / 1_000),
        micros => format!("{micros}us"),
    }
}

/// Splits a command into words as a shell would where it knows only blanks, quotes and backslashes; `None` when a quote is
/// not closed.
pub(super) fn split(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), close) if open == close => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().push(letters.next()?),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::super::args::tests::parsed;
    use super::*;

    #[test]
    fn what_was_chosen_can_be_said_again() {
        let said = [
            "--user",
            "-H",
            "web1",
            "--ssh-command",
            "ssh -i 'a b'",
            "--try",
            "--only-stale",
            "--max-parallel",
            "25%",
            "--canary",
            "2",
            "--min-ready",
            "1500ms",
            "--ready-timeout",
            "90s",
            "--max-failures",
            "1",
            "--on-failure=ask",
            "--min-available",
            "3",
            "--lock-wait=5s",
            "--check",
            "curl x",
        ];
        let args = parsed(&[&said[..], &["a"]].concat());
        assert_eq!(args.options(), said);
        assert_eq!(parsed(&["a"]).options(), [""; 0]);
    }

    #[test]
    fn a_command_is_split_as_a_shell_would() {
        let table = [
            ("ssh", Some(vec!["ssh"])),
            (
                "  ssh  -i 'my key' -o \"A=b c\" d\\ e ''",
                Some(vec!["ssh", "-i", "my key", "-o", "A=b c", "d e", ""]),
            ),
            ("", Some(vec![])),
            ("ssh 'x", None),
            ("ssh \\", None),
        ];
        for (command, words) in table {
            let words = words.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(split(command), words, "{command}");
        }
    }
}
