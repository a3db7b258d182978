//! The choices of a run said again, as words of a command line.

use super::amount::Amount;
use super::args::{Args, LockWait, OnFailure};
use crate::words::{Words, shortest};

impl Args {
    /// The choices of this run as words of a command line, without those that say what to show of a run that touches nothing.
    pub(super) fn options(&self) -> Vec<String> {
        let mut words = Words::default();
        self.place.say(&mut words);
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

#[cfg(test)]
mod tests {
    use super::super::args::tests::parsed;

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
}
