//! Completions in the real shells, each on a terminal of its own, typed into: verbs, options, fixed values, files, commands
//! behind `--`, and the units of a manager. What the shell is to do is the same in all three.

use std::path::Path;

use crate::place::{Place, READY};
use crate::tmux::Terminal;

/// How each shell starts with nothing of its user's but our completions, and `%` as its prompt.
const SHELLS: [(&str, &[&str], &str, &str); 3] = [
    (
        "bash",
        &["bash", "--noprofile", "--rcfile", "bash.rc", "-i"],
        "bash.rc",
        ". /usr/share/bash-completion/bash_completion\nbind 'set bell-style none'\nPS1='% '\n. <(aye completions bash)\n",
    ),
    (
        "zsh",
        &["zsh", "-i"],
        ".zshrc",
        "autoload -U compinit && compinit -u -D\nPS1='%% '\nunsetopt beep\n. <(aye completions zsh)\n",
    ),
    (
        "fish",
        &["fish", "--no-config", "--init-command", "source config.fish", "-i"],
        "config.fish",
        "function fish_prompt; echo -n '% '; end\nfunction fish_greeting; end\nset -g fish_autosuggestion_enabled 0\n\
         aye completions fish | source\n",
    ),
];

/// What is typed before a Tab, and what stands there after it.
const LINES: [(&str, &str); 13] = [
    ("aye resta", "aye restart"),
    ("aye restart --max-p", "aye restart --max-parallel"),
    ("aye wrap --main=ch", "aye wrap --main=child"),
    ("aye wrap --main ch", "aye wrap --main child"),
    ("aye wrap --ready-on uni", "aye wrap --ready-on unix:"),
    ("aye check --explain notify-np", "aye check --explain notify-npm"),
    ("aye check --only without-m", "aye check --only without-manager"),
    ("aye check --root=fold", "aye check --root=folder/"),
    ("aye check --run lone", "aye check --run lonely.file"),
    ("aye status web@1", "aye status web@11"),
    ("aye trace -- mkfif", "aye trace -- mkfifo"),
    ("aye notify --exec READY=1 \\; mkfif", "aye notify --exec READY=1 \\; mkfifo"),
    ("aye restart --embedded databas", "aye restart --embedded database"),
];

fn place() -> Place {
    let place = Place::new()
        .service("web@.service", READY)
        .service("database.service", READY)
        .file("lonely.file", "")
        .file("folder/inside.file", "");
    SHELLS.iter().fold(place, |place, (_, _, name, start)| place.file(name, start))
}

/// A shell of the place, where `aye` is ours.
fn shell(place: &Place, words: &[&str]) -> Terminal {
    let ours = Path::new(env!("CARGO_BIN_EXE_aye")).parent().unwrap();
    let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap());
    let terminal = Terminal::holding(place, 120, words, |command| {
        command.env("PATH", &path).env("HOME", place.units()).env("ZDOTDIR", place.units());
        command.env("AYE_RUNTIME_DIR", place.runtime()).env("XDG_CONFIG_HOME", place.units());
        command.env("LANG", "C.UTF-8").env_remove("ENV").env_remove("BASH_ENV");
    });
    terminal.ends_with("a prompt", |last| last == "%");
    terminal
}

/// Types a line and a Tab, and gives what stands there once it is more than what was typed, or once another key was taken.
#[track_caller]
fn completes(terminal: &Terminal, typed: &str, expected: &str) {
    terminal.writes(typed);
    terminal.types("Tab");
    // A letter behind it is there when the Tab was worked through, and shows where the cursor stands.
    terminal.writes("#");
    let line = format!("% {expected}");
    let is_it = |last: &str| last.trim_end_matches('#').trim_end() == line && last.ends_with('#');
    terminal.shows(&line, |lines| lines.iter().any(|shown| is_it(shown)));
    terminal.types("C-u");
    terminal.ends_with("an empty line", |last| last == "%");
}

#[test]
fn the_shells_complete_verbs_options_values_files_and_units() {
    let place = place();
    let mut manager = place.run(&["web@11", "database"]);
    manager.says(": ready");
    manager.says(": ready");
    for (name, words, ..) in SHELLS {
        let terminal = shell(&place, words);
        for (typed, expected) in LINES {
            // bash 5.2 looks for no completion behind a semicolon, quoted or not.
            if name == "bash" && typed.contains(';') {
                continue;
            }
            eprintln!("{name}: {typed}");
            completes(&terminal, typed, expected);
        }
    }
    manager.interrupted();
}
