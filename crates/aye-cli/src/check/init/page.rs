//! The unit file: settings from what was seen, each below a comment with what that was. Pure.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aye_bus::duration;

use super::harden::{self, Dropped};
use super::part::{Part, comment, quoted};
use super::seen::{End, Heartbeats, Reload, Seen};

/// A start gets ten times what it took, and this at least.
const LEAST_TIMEOUT: Duration = Duration::from_secs(30);
const HEADROOM: u32 = 10;

/// `WatchdogSec=`, unless `--watchdog` says otherwise.
const WATCHDOG: Duration = Duration::from_secs(30);

/// Sandboxing, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sandbox {
    /// Nothing, and why.
    Untried(String),
    Tried {
        version: u32,
        starts: usize,
        kept: Vec<&'static str>,
        dropped: Vec<Dropped>,
    },
}

/// Everything that goes into the file.
#[derive(Debug)]
pub(super) struct Page {
    /// The command, its program by its path.
    pub(super) words: Vec<String>,
    pub(super) folder: PathBuf,
    pub(super) seen: Seen,
    pub(super) watchdog: Option<Duration>,
    /// Whether the program takes the notify socket as an open descriptor.
    pub(super) opens_socket: bool,
    /// Who it was run as, unless that was root.
    pub(super) user: Option<String>,
    pub(super) sandbox: Sandbox,
}

impl Page {
    /// The settings of `[Service]` that were seen to be right, without the command and its folder.
    pub(super) fn settings(&self) -> Vec<String> {
        let parts = [self.start(), self.watch(), self.socket(), self.stop()];
        parts.into_iter().flat_map(|part| part.settings).collect()
    }

    /// The unit file.
    pub(super) fn text(&self) -> String {
        let mut text = comment(
            "Written by aye check --init from what the program was seen to do. Look it over, then keep it.",
        );
        let description = self.description().replace('%', "%%");
        let _ = write!(text, "[Unit]\nDescription={description}\n\n[Service]\n");
        let folder = self.folder.to_string_lossy().replace('%', "%%");
        let command = Part {
            settings: vec![format!("WorkingDirectory={folder}"), format!("ExecStart={}", self.command())],
            ..Part::default()
        };
        let parts =
            [self.start(), command, self.socket(), self.watch(), self.stop(), restart(), self.owner()];
        for part in parts.iter().filter(|part| !part.is_empty()) {
            text.push_str(&part.text());
            text.push('\n');
        }
        text.push_str(&self.sandboxing());
        text.push_str("\n[Install]\nWantedBy=multi-user.target\n");
        text
    }

    /// What it is: the file that is run, else the program.
    fn description(&self) -> String {
        let script =
            self.words.iter().skip(1).find(|word| !word.starts_with('-') && self.folder.join(word).is_file());
        let path = Path::new(script.unwrap_or(&self.words[0]));
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn command(&self) -> String {
        self.words
            .iter()
            .enumerate()
            .map(|(index, word)| quoted(word, index > 0))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The words as systemd-run takes them: variables are expanded there, too, but specifiers are not.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        self.words
            .iter()
            .enumerate()
            .map(|(index, word)| if index == 0 { word.clone() } else { word.replace('$', "$$") })
    }

    fn start(&self) -> Part {
        let seen = &self.seen;
        let Some(ready) = &seen.ready else {
            let waited = duration(seen.waited);
            return Part::new(
                &format!(
                    "It said no READY=1 within {waited}, so it counts as started once the program runs, whether it \
                     can serve or not. To have systemd wait until it can: send READY=1 (sd_notify(3); in Node, the \
                     package aye) and set Type=notify, or put \"aye wrap --ready-on port --\" before the command."
                ),
                ["Type=exec"],
            );
        };
        let took = duration(ready.took);
        let timeout = (ready.took * HEADROOM).max(LEAST_TIMEOUT).as_secs_f64().ceil();
        let timeout = format!("TimeoutStartSec={timeout}s");
        let (kind, reloads) = match seen.reload {
            Reload::Answered => (
                "Type=notify-reload",
                " It answered SIGHUP with RELOADING=1 and READY=1 (Type=notify-reload is there since systemd 253).",
            ),
            Reload::Silent => (
                "Type=notify",
                " It handles SIGHUP, and said nothing of it: where that reloads it, ExecReload=/bin/kill -HUP \
                 $MAINPID is the line.",
            ),
            Reload::Ends => ("Type=notify", " It handles SIGHUP, and ended at it: there is no reload."),
            Reload::None => ("Type=notify", ""),
        };
        let head = format!(
            "READY=1 came {took} after the start; the timeout leaves room for {HEADROOM} times that."
        );
        if ready.by_main {
            Part::new(&format!("{head}{reloads}"), [kind, &timeout])
        } else {
            let children = " It came from a child process, which systemd refuses unless NotifyAccess=all is set: to have \
                            the main process say it, start that program without another in front of it.";
            Part::new(&format!("{head}{children}{reloads}"), [kind, "NotifyAccess=all", &timeout])
        }
    }

    fn watch(&self) -> Part {
        if self.seen.ready.is_none() {
            return Part::default();
        }
        let interval = self.watchdog.unwrap_or(WATCHDOG).as_secs_f64();
        let setting = format!("WatchdogSec={interval}s");
        match self.seen.heartbeats {
            Heartbeats::Main => {
                Part::new("It sent WATCHDOG=1 when it was told an interval.", [setting.as_str()])
            }
            Heartbeats::Child => Part::new(
                &format!(
                    "It was a child process that sent WATCHDOG=1, which would hide a main process that hangs. Once the \
                     main process sends it, {setting} has a hang noticed."
                ),
                [],
            ),
            Heartbeats::Nobody => Part::new(
                &format!(
                    "It sent no WATCHDOG=1 when it was told an interval. Once it does, {setting} has a hang noticed."
                ),
                [],
            ),
        }
    }

    fn socket(&self) -> Part {
        if !self.opens_socket {
            return Part::default();
        }
        let words = "It takes the notify socket as an open descriptor, which OpenFile= gives it since systemd 253. (The Node \
                     package aye does without where it has its addon.)";
        Part::new(words, ["OpenFile=/run/systemd/notify:notify"])
    }

    fn stop(&self) -> Part {
        let seen = &self.seen;
        let took = duration(seen.stop);
        let said = match (seen.stopping, &seen.ready) {
            (true, _) => "It said STOPPING=1 and ended",
            (false, Some(_)) => "It ended without STOPPING=1",
            (false, None) => "It ended",
        };
        match &seen.end {
            End::Clean => Part::new(&format!("{said}, {took} after SIGTERM."), []),
            End::Status(143) => Part::new(
                &format!(
                    "{said}, {took} after SIGTERM, with status 143, which is 128 and the signal's number: no failure."
                ),
                ["SuccessExitStatus=143"],
            ),
            End::Status(status) => Part::new(
                &format!(
                    "{said}, {took} after SIGTERM, but with status {status}: systemd takes each stop for a failure. Have \
                     it end with 0; where {status} means a clean end, SuccessExitStatus={status} says so."
                ),
                [],
            ),
            End::Killed => Part::new(
                &format!("SIGTERM did not end it: it was killed {took} later. Have it end at SIGTERM."),
                ["TimeoutStopSec=30s"],
            ),
            End::Other(words) => Part::new(&format!("At SIGTERM: {words}, {took} later."), []),
        }
    }

    fn owner(&self) -> Part {
        match &self.user {
            Some(user) => Part::new("Whom it ran as.", [format!("User={user}").as_str()]),
            None => Part::new(
                "It ran as root. If it need not: DynamicUser=yes makes a user for it; User=NAME names one that exists.",
                [],
            ),
        }
    }

    fn sandboxing(&self) -> String {
        match &self.sandbox {
            Sandbox::Untried(why) => {
                let mut text = comment(&format!(
                    "Sandboxing (systemd.exec(5)), untested: {why}. Take the # from a few lines at a time, and see \
                     whether it still starts and works."
                ));
                for setting in harden::proposals() {
                    let _ = writeln!(text, "#{setting}");
                }
                text
            }
            Sandbox::Tried { version, starts, kept, dropped } => {
                let reloaded = if self.seen.reload == Reload::Answered { ", was reloaded" } else { "" };
                let starts = if *starts == 1 { "1 start".to_owned() } else { format!("{starts} starts") };
                let mut text = comment(&format!(
                    "Sandboxing (systemd.exec(5)): under systemd {version}, with all of this together, it became \
                     ready{reloaded} and stopped ({starts} tried). What it does only later was not seen."
                ));
                for setting in kept {
                    let _ = writeln!(text, "{setting}");
                }
                for Dropped { setting, why } in dropped {
                    text.push_str(&comment(&format!("Not survived: {setting} ({why}).")));
                }
                text
            }
        }
    }
}

fn restart() -> Part {
    Part::new("", ["Restart=on-failure", "RestartSec=5s"])
}

#[cfg(test)]
mod tests {
    use super::super::seen::Ready;
    use super::*;

    fn page() -> Page {
        Page {
            words: ["/usr/bin/node", "server.js", "100%", "a \"b\"", "$HOME"].map(str::to_owned).to_vec(),
            folder: PathBuf::from("/srv/100%"),
            seen: Seen {
                ready: Some(Ready { took: Duration::from_millis(212), by_main: true }),
                waited: Duration::from_secs(30),
                heartbeats: Heartbeats::Main,
                reload: Reload::None,
                end: End::Clean,
                stopping: true,
                stop: Duration::from_millis(12),
            },
            watchdog: None,
            opens_socket: true,
            user: None,
            sandbox: Sandbox::Untried("systemd does not run here".to_owned()),
        }
    }

    #[track_caller]
    fn has(page: &Page, lines: &[&str]) {
        let text = page.text();
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "{line}:\n{text}");
        }
    }

    #[test]
    fn a_program_that_never_says_ready_is_told_how_to() {
        let mut page = page();
        page.seen.ready = None;
        has(&page, &["Type=exec"]);
        assert!(!page.text().contains("WatchdogSec="));
        assert!(page.text().contains("--ready-on port"));
    }

    #[test]
    fn words_are_kept_whatever_is_in_them() {
        has(
            &page(),
            &[
                "ExecStart=/usr/bin/node server.js 100%% \"a \\\"b\\\"\" $$HOME",
                "WorkingDirectory=/srv/100%%",
                "Description=node",
            ],
        );
    }

    #[test]
    fn what_a_program_wrote_is_no_setting() {
        let mut page = page();
        page.seen.end = End::Other("killed\nUser=root".to_owned());
        assert!(page.text().contains("# At SIGTERM: killed User=root"));
    }

    #[test]
    fn what_was_seen_becomes_settings() {
        has(&page(), &["Type=notify", "TimeoutStartSec=30s", "WatchdogSec=30s", "Restart=on-failure"]);
        has(
            &page(),
            &["OpenFile=/run/systemd/notify:notify", "#NoNewPrivileges=yes", "#ProtectSystem=strict"],
        );
        let mut page = page();
        page.seen.ready = Some(Ready { took: Duration::from_millis(6100), by_main: false });
        page.seen.reload = Reload::Answered;
        page.seen.end = End::Status(143);
        has(
            &page,
            &["Type=notify-reload", "NotifyAccess=all", "TimeoutStartSec=61s", "SuccessExitStatus=143"],
        );
    }

    #[test]
    fn what_was_survived_is_set_and_what_was_not_is_said() {
        let mut page = page();
        page.sandbox = Sandbox::Tried {
            version: 262,
            starts: 9,
            kept: vec!["PrivateTmp=yes"],
            dropped: vec![Dropped {
                setting: "MemoryDenyWriteExecute=yes",
                why: "signal SIGTRAP".to_owned(),
            }],
        };
        has(&page, &["PrivateTmp=yes", "# Not survived: MemoryDenyWriteExecute=yes (signal SIGTRAP)."]);
        assert!(page.text().lines().all(|line| line.len() <= 100));
    }
}
