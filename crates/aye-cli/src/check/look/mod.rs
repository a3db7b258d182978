//! Looking at a program: which file runs, what it and the files it loads say, and whether it speaks the protocol. What is
//! claimed of a program is claimed with the line or the file it was seen in; what could not be read is not guessed.

mod binary;
mod files;
mod package;
mod script;

use super::command::Command;
use super::finding::Place;

pub(crate) use files::Tree;
pub(crate) use package::script_of;

/// Something a program was seen to do, and where.
pub(crate) type Sign = Place;

/// What was seen of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    /// The files that were read, as messages call them.
    pub(crate) files: Vec<String>,
    /// Whether all that could speak was read: only then does what was not seen mean something.
    pub(crate) complete: bool,
    /// The shell script that runs, when it is one: its label and its text.
    pub(crate) shell: Option<(String, String)>,
    pub(crate) ready: Option<Sign>,
    pub(crate) watchdog: Option<Sign>,
    pub(crate) reloading: Option<Sign>,
    pub(crate) stores: Option<Sign>,
    /// It runs systemd-notify or `aye notify`, in a process of its own.
    pub(crate) helper: Option<Sign>,
    /// It handles SIGTERM.
    pub(crate) handles_term: Option<Sign>,
    /// It ends with 143.
    pub(crate) exits_143: Option<Sign>,
    /// It says its own process id, which is another one in a namespace.
    pub(crate) main_pid: Option<Sign>,
    /// It listens on a port that is written down.
    pub(crate) port: Option<(u16, Sign)>,
    /// It listens on a network address at all.
    pub(crate) listens: Option<Sign>,
    /// It uses our package.
    pub(crate) ours: Option<Sign>,
}

impl Signs {
    /// The files that were read, for a sentence.
    pub(crate) fn read(&self) -> String {
        match self.files.as_slice() {
            [] => "nothing".to_owned(),
            [one] => one.clone(),
            [first, second] => format!("{first} and {second}"),
            [first, rest @ ..] => format!("{first} and {} files it loads", rest.len()),
        }
    }
}

/// A sign as a sentence for people: `server.js:3 says "READY=1"`.
pub(crate) fn said(sign: &Sign) -> String {
    match sign.line {
        0 => format!("{} {}", sign.file, sign.text),
        line => format!("{}:{line}: {}", sign.file, sign.text),
    }
}

/// Looks at what a command runs at last.
pub(crate) fn look(tree: &Tree, command: &Command) -> Signs {
    let name = command.program();
    if name == "aye"
        && command.has("wrap")
        && command.arguments().iter().any(|word| word.starts_with("--ready-on"))
    {
        return probed(command);
    }
    if let Some(language) = script::language(name) {
        return interpreted(tree, command, language);
    }
    let Some((file, bytes)) =
        tree.program(&command.inner[0]).and_then(|file| Some((file.clone(), files::read(&file)?)))
    else {
        return Signs::default();
    };
    if binary::is_one(&bytes) {
        return binary::look(tree, &file, &bytes);
    }
    let language = std::str::from_utf8(&bytes).ok().and_then(script::interpreter).and_then(script::language);
    language.map_or_else(Signs::default, |language| script::look(tree, &file, language))
}

/// `aye wrap` with probes speaks for its program.
fn probed(command: &Command) -> Signs {
    let place = |text: &str| Some(Sign { text: text.to_owned(), ..command.setting.place() });
    Signs {
        ready: place("aye wrap says READY=1"),
        watchdog: place("aye wrap sends heartbeats"),
        handles_term: place("aye wrap hands signals on"),
        complete: true,
        ..Signs::default()
    }
}

/// An interpreter and its script, or the text that was given to it.
fn interpreted(tree: &Tree, command: &Command, language: script::Language) -> Signs {
    let mut words = command.arguments().iter();
    let mut preloads_ours = false;
    while let Some(word) = words.next() {
        match word.as_str() {
            "-c" | "-e" | "--eval" | "-p" => {
                let text = words.next().map_or("", String::as_str);
                return script::look_at_text(text, &command.setting.file, language).on_line(command);
            }
            "-m" => return Signs::default(),
            "--import" | "-r" | "--require" | "--loader" | "--env-file" => {
                preloads_ours |= words.next().is_some_and(|module| module == "aye/auto");
            }
            "run" if language == script::Language::Node => {}
            "--import=aye/auto" => preloads_ours = true,
            // `sh -ec TEXT`
            word if language == script::Language::Shell && word.starts_with('-') && word.ends_with('c') => {
                let text = words.next().map_or("", String::as_str);
                return script::look_at_text(text, &command.setting.file, language).on_line(command);
            }
            word if word.starts_with('-') => {}
            path => {
                let found = tree.file(path);
                let mut signs = found.map_or_else(Signs::default, |file| script::look(tree, &file, language));
                if preloads_ours {
                    signs.preload(command);
                }
                return signs;
            }
        }
    }
    Signs::default()
}

impl Signs {
    /// Signs in the text of a command line are on that line.
    fn on_line(mut self, command: &Command) -> Self {
        for sign in
            [&mut self.ready, &mut self.watchdog, &mut self.reloading, &mut self.stores, &mut self.helper]
        {
            *sign = sign.take().map(|_| command.setting.place());
        }
        for sign in [
            &mut self.handles_term,
            &mut self.exits_143,
            &mut self.main_pid,
            &mut self.listens,
            &mut self.ours,
        ] {
            *sign = sign.take().map(|_| command.setting.place());
        }
        self.files = vec![command.setting.file.clone()];
        self.port = self.port.map(|(port, _)| (port, command.setting.place()));
        self
    }

    /// `aye/auto` says READY and sends heartbeats without a line of code.
    fn preload(&mut self, command: &Command) {
        let place = || Some(command.setting.place());
        self.ready = self.ready.take().or_else(place);
        self.watchdog = self.watchdog.take().or_else(place);
        self.ours = self.ours.take().or_else(place);
        self.handles_term = self.handles_term.take().or_else(place);
    }
}
