//! `aye restart` on a real terminal, tmux's: what a person sees during a run and after it, at more than one size.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::{Place, Running};

/// A terminal has no events; what is on it is looked for again and again, up to here.
const PATIENCE: Duration = Duration::from_secs(20);

/// Instances that say what they are doing and are ready when something is written to their gate; instance 3 fails.
const GATED: &str = "OpenFile=/run/systemd/notify:notify\nType=notify\nTimeoutStopSec=1\n\
    ExecStart=/bin/sh -c 'case %i in 3) echo no database; exit 1;; esac; \
    printf \"STATUS=loading cache 40%%%%\" >&3; read -r line <gate-%i; printf READY=1 >&3; exec sleep 1000'\n";

/// Runs the words and writes their exit code to a file: tmux 3.3a does not always know it. Ctrl-C is for the words alone.
const WRITES_EXIT: &str = "trap : INT; \"$0\" \"$@\"; echo $? >exit";

/// A place with a manager, where no instance is up yet.
fn gated() -> Place {
    let place = Place::new();
    let folder = place.units();
    for instance in 1..=3 {
        let made = Command::new("mkfifo").arg(folder.join(format!("gate-{instance}"))).status().unwrap();
        assert!(made.success());
    }
    let place = place.service("web@.service", &format!("WorkingDirectory={}\n{GATED}", folder.display()));
    place.service("api.service", crate::place::READY)
}

fn manager(place: &Place) -> Running<'_> {
    let mut running = place.run(&["api"]);
    running.says(": ready");
    running
}

/// Lets an instance be ready; it waits for it already, or soon will.
fn open(place: &Place, instance: u32) {
    fs::write(place.units().join(format!("gate-{instance}")), "\n").unwrap();
}

/// A terminal on which a run goes on.
struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Starts `aye restart` on a terminal of so many columns.
    fn of(place: &Place, columns: u32, words: &[&str]) -> Self {
        let socket = place.path().join("tmux");
        let settings = place.path().join("tmux.conf");
        fs::write(&settings, "set -g remain-on-exit on\nset -g remain-on-exit-format ''\n").unwrap();
        let (socket_word, columns) = (socket.display().to_string(), columns.to_string());
        let before = [
            "tmux",
            "-u",
            "-S",
            &socket_word,
            "-f",
            settings.to_str().unwrap(),
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            "24",
            "sh",
            "-c",
            WRITES_EXIT,
        ];
        // Rows are asked for by name, because the place's commands have no colours.
        let mut command = place.command_through(&before, &[&["restart", "--progress=tty"], words].concat());
        command.env_remove("TMUX").env("TERM", "xterm").stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "tmux did not start");
        Self { socket }
    }

    fn tmux(&self, words: &[&str]) -> String {
        let output = Command::new("tmux").arg("-u").arg("-S").arg(&self.socket).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn resize(&self, columns: u32) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", "24"]);
    }

    fn types(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// What is seen.
    fn screen(&self) -> Vec<String> {
        lines(&self.tmux(&["capture-pane", "-p"]))
    }

    /// What is seen, and what has scrolled away. tmux scrolls when a narrower screen takes more lines, empty ones below
    /// the cursor included: a row that was being drawn then stays in the history, where nobody can wipe it out.
    fn lines(&self) -> Vec<String> {
        lines(&self.tmux(&["capture-pane", "-p", "-S", "-"]))
    }

    /// Waits until the last line is like this, and gives all.
    #[track_caller]
    fn ends_with(&self, what: &str, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines();
            if lines.last().is_some_and(|last| is_it(last)) {
                return lines;
            }
            assert!(Instant::now() < deadline, "never ended with {what}:\n{}", lines.join("\n"));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the row of a unit that is starting, its status cut or whole.
    #[track_caller]
    fn starts(&self, unit: &str, tail: &str) -> Vec<String> {
        let lines = self.ends_with(&format!("{unit} starting, {tail}"), |last| {
            last.starts_with(&format!("{unit}  starting ")) && last.ends_with(tail)
        });
        assert_eq!(count(&self.screen(), &format!("{unit}  ")), 1, "{lines:#?}");
        lines
    }

    /// The exit code of the run, once it has ended.
    #[track_caller]
    fn exit(&self, place: &Place) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let written = fs::read_to_string(place.units().join("exit")).unwrap_or_default();
            if written.ends_with('\n') {
                return written.trim().parse().unwrap();
            }
            assert!(Instant::now() < deadline, "never ended:\n{}", self.lines().join("\n"));
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).arg("kill-server").stdout(Stdio::null()).stderr(Stdio::null());
        let _ = command.status();
    }
}

fn lines(text: &str) -> Vec<String> {
    text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect()
}

fn count(lines: &[String], beginning: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(beginning)).count()
}

/// The line with `ready in T`, whatever the time was and where its count stands.
fn timeless(line: &str) -> String {
    let Some((head, tail)) = line.split_once(" ready in ") else {
        return line.to_owned();
    };
    format!("{head} ready in T {}", tail.rsplit_once(' ').map_or("", |(_, count)| count))
}

/// The lines from the first of a unit on.
fn rows(lines: &[String]) -> Vec<String> {
    lines.iter().skip_while(|line| !line.starts_with("web@1  ")).map(|line| timeless(line)).collect()
}

#[test]
fn a_failure_stays_with_its_log_and_no_row_is_left_behind_by_two_resizes() {
    let place = gated();
    let running = manager(&place);
    let terminal = Terminal::of(&place, 80, &["web@1", "web@2", "web@3"]);
    let lines = terminal.starts("web@1", " of 90 s  \"loading cache 40%\"");
    assert_eq!(lines[0], "restarting 3 units: web@1.service web@2.service web@3.service");
    terminal.resize(40);
    terminal.starts("web@1", "…");
    open(&place, 1);
    terminal.starts("web@2", "…");
    terminal.resize(80);
    terminal.starts("web@2", "\"loading cache 40%\"");
    open(&place, 2);
    let lines = terminal.ends_with("the summary", |last| last.starts_with("Finished: "));
    let failed = lines.iter().position(|line| line.starts_with("web@3  FAILED: exited with 1")).unwrap();
    assert!(lines[failed].ends_with("3/3"), "{lines:#?}");
    assert!(lines[failed..].iter().any(|line| line == "         | no database"), "{lines:#?}");
    let ready: Vec<_> =
        lines.iter().filter(|line| line.contains(" ready in ")).map(|line| timeless(line)).collect();
    assert_eq!(ready, ["web@1  ready in T 1/3", "web@2  ready in T 2/3"], "{lines:#?}");
    assert_eq!(lines.last().unwrap(), "Finished: 2 ready, 1 failed.");
    let screen = terminal.screen();
    assert!(!screen.iter().any(|line| line.contains("  starting ")), "{screen:#?}");
    assert_eq!(terminal.exit(&place), 1);
    drop(terminal);
    running.interrupted();
}

#[test]
fn an_interrupt_on_a_narrow_terminal_leaves_the_picture_whole() {
    let place = gated();
    let running = manager(&place);
    let terminal = Terminal::of(&place, 40, &["web@1", "web@2"]);
    terminal.starts("web@1", "…");
    terminal.types("C-c");
    let shown = |last: &str| last.starts_with("web@1  starting ");
    let deadline = Instant::now() + PATIENCE;
    let lines = loop {
        let lines = terminal.ends_with("web@1 starting", shown);
        if count(&lines, "interrupted: ") == 1 {
            break lines;
        }
        assert!(Instant::now() < deadline, "never interrupted:\n{}", lines.join("\n"));
    };
    assert!(!lines.iter().any(|line| line.contains("^C")), "{lines:#?}");
    open(&place, 1);
    let lines = terminal.ends_with("the command that resumes", |last| last.starts_with("Resume: "));
    let expected = [
        "web@1  ready in T 1/2",
        "Interrupted: 1 ready, 0 failed, 1 not at",
        "tempted.",
        "Resume: aye restart web@2",
    ];
    assert_eq!(rows(&lines), expected);
    assert_eq!(terminal.exit(&place), 130);
    drop(terminal);
    running.interrupted();
}

#[test]
fn a_question_stands_still_until_it_is_answered() {
    let place = gated();
    let running = manager(&place);
    let terminal = Terminal::of(&place, 80, &["--on-failure", "ask", "web@3", "web@1"]);
    terminal.ends_with("the question", |last| last == "web@3 failed. Go on with the rest? [y/N]");
    terminal.types("y");
    terminal.types("Enter");
    terminal.starts("web@1", "\"loading cache 40%\"");
    open(&place, 1);
    let lines = terminal.ends_with("the summary", |last| last == "Finished: 1 ready, 1 failed.");
    assert_eq!(count(&lines, "web@3 failed. Go on with the rest? [y/N] y"), 1, "{lines:#?}");
    assert_eq!(rows(&lines)[0], "web@1  ready in T 2/2", "{lines:#?}");
    assert_eq!(terminal.exit(&place), 1);
    drop(terminal);
    running.interrupted();
}

#[test]
fn a_run_that_ends_well_says_so_and_has_a_row_for_each_unit() {
    let place = gated();
    let running = manager(&place);
    let terminal = Terminal::of(&place, 80, &["--max-parallel", "2", "web@1", "web@2"]);
    terminal.starts("web@2", "\"loading cache 40%\"");
    open(&place, 2);
    terminal.starts("web@1", "\"loading cache 40%\"");
    open(&place, 1);
    let lines = terminal.ends_with("the summary", |last| last.starts_with("Done: 2 ready in "));
    let told: Vec<_> = lines[1..3].iter().map(|line| timeless(line)).collect();
    assert_eq!(told, ["web@2  ready in T 2/2", "web@1  ready in T 1/2"], "{lines:#?}");
    assert_eq!((lines.len(), terminal.exit(&place)), (4, 0), "{lines:#?}");
    drop(terminal);
    running.interrupted();
}
