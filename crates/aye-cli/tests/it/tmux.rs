//! A real terminal, tmux's, and what a person sees on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::Place;

/// A terminal has no events; what is on it is looked for again and again, up to here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the words and writes their exit code to a file: tmux 3.3a does not always know it. Ctrl-C is for the words alone.
const WRITES_EXIT: &str = "trap : INT; \"$0\" \"$@\"; echo $? >exit";

const SETTINGS: &str = "set -g remain-on-exit on\nset -g remain-on-exit-format ''\nset -g status off\n";

/// A terminal on which one program runs.
pub(crate) struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Runs the words of aye, without colours, on a terminal of so many columns.
    pub(crate) fn of(place: &Place, columns: u32, words: &[&str]) -> Self {
        Self::with(place, columns, words, |_| ())
    }

    /// The same with another environment.
    pub(crate) fn with(place: &Place, columns: u32, words: &[&str], change: impl Fn(&mut Command)) -> Self {
        let socket = Self::socket(place);
        let before = Self::before(place, &socket, columns);
        let before: Vec<&str> = before.iter().map(String::as_str).chain(["sh", "-c", WRITES_EXIT]).collect();
        let mut command = place.command_through(&before, words);
        change(&mut command);
        Self::start(command, socket)
    }

    /// Runs any other program on one, in the folder of the place.
    pub(crate) fn holding(
        place: &Place,
        columns: u32,
        words: &[&str],
        change: impl Fn(&mut Command),
    ) -> Self {
        let socket = Self::socket(place);
        let before = Self::before(place, &socket, columns);
        let mut command = Command::new(&before[0]);
        command.args(&before[1..]).args(words).current_dir(place.units()).stdin(Stdio::null());
        change(&mut command);
        Self::start(command, socket)
    }

    /// One of its own: the server of a terminal that is gone may still be about to end.
    fn socket(place: &Place) -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        place.path().join(format!("tmux-{}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    fn before(place: &Place, socket: &Path, columns: u32) -> Vec<String> {
        let settings = place.path().join("tmux.conf");
        fs::write(&settings, SETTINGS).unwrap();
        let (socket, settings, columns) =
            (socket.display().to_string(), settings.display().to_string(), columns.to_string());
        ["tmux", "-u", "-S", &socket, "-f", &settings, "new-session", "-d", "-x", &columns, "-y", "24"]
            .map(str::to_owned)
            .to_vec()
    }

    fn start(mut command: Command, socket: PathBuf) -> Self {
        command.env_remove("TMUX").env("TERM", "xterm").stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "tmux did not start");
        Self { socket }
    }

    fn tmux(&self, words: &[&str]) -> String {
        let output = Command::new("tmux").arg("-u").arg("-S").arg(&self.socket).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn resize(&self, columns: u32) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", "24"]);
    }

    /// Presses a key by tmux's name for it.
    pub(crate) fn types(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Types letters as they are.
    pub(crate) fn writes(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// What is seen.
    pub(crate) fn screen(&self) -> Vec<String> {
        lines(&self.tmux(&["capture-pane", "-p"]))
    }

    /// What is seen, and what has scrolled away. tmux scrolls when a narrower screen takes more lines, empty ones below
    /// the cursor included: a row that was being drawn then stays in the history, where nobody can wipe it out.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.tmux(&["capture-pane", "-p", "-S", "-"]))
    }

    /// The same with the sequences that colour it, and with the lines whole that went over the edge.
    pub(crate) fn painted(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e", "-J", "-S", "-"])
    }

    /// The same without colours: a line that was longer than the terminal is so here.
    pub(crate) fn joined(&self) -> Vec<String> {
        lines(&self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]))
    }

    /// Waits until the last line is like this, and gives all.
    #[track_caller]
    pub(crate) fn ends_with(&self, what: &str, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        self.shows(what, |lines| lines.last().is_some_and(|last| is_it(last)))
    }

    /// Waits until all lines are like this, and gives them.
    #[track_caller]
    pub(crate) fn shows(&self, what: &str, are_they: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines();
            if are_they(&lines) {
                return lines;
            }
            assert!(Instant::now() < deadline, "never ended with {what}:\n{}", lines.join("\n"));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The exit code of the run, once it has ended.
    #[track_caller]
    pub(crate) fn exit(&self, place: &Place) -> i32 {
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
