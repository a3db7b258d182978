//! `aye completions SHELL`: a script that has the shell ask `aye __complete WORDS...` at each Tab. `line` says from the words
//! what is wanted at the cursor, `source` finds it, and the scripts beside this file show it as their shells do.

mod line;
mod source;

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::{Command, ValueEnum};

use crate::exit::Exit;
use line::{Line, Wish};
use source::Answer;

/// The first word of what the scripts ask; the words of the line follow, the one at the cursor last.
pub(crate) const ASK: &str = "__complete";

/// Print a script that completes the words of aye in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
For this shell alone, in its start file or typed:\n  source <(aye completions bash)\n  source <(aye completions zsh)\n  \
aye completions fish | source\n\n\
For everybody:\n  aye completions bash >/usr/share/bash-completion/completions/aye\n  \
aye completions zsh >/usr/local/share/zsh/site-functions/_aye\n  \
aye completions fish >/etc/fish/completions/aye.fish")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(args: &Args) -> Exit {
    let script = match args.shell {
        Shell::Bash => include_str!("aye.bash"),
        Shell::Zsh => include_str!("aye.zsh"),
        Shell::Fish => include_str!("aye.fish"),
    };
    match io::stdout().write_all(script.as_bytes()) {
        Ok(()) => Exit::Done,
        Err(error) => {
            crate::complain(format_args!("aye completions: cannot write to stdout: {error}"));
            Exit::Failed
        }
    }
}

/// Answers a script: a line for each word that fits, with what it means behind a tab; and lines that begin with a colon for
/// what shells complete themselves. What cannot be found is not there: nobody reads errors at a Tab.
pub(crate) fn answer(mut aye: Command, words: impl Iterator<Item = OsString>) -> Exit {
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    aye.build();
    let line = line::read(&aye, &words);
    let mut text = String::new();
    for wish in &line.wishes {
        text.push_str(&shown(&line, answered(&line, wish)));
    }
    let _ = io::stdout().write_all(text.as_bytes());
    Exit::Done
}

fn answered(line: &Line, wish: &Wish) -> Answer {
    match wish {
        Wish::Words(words) => Answer::Words(words.clone()),
        Wish::Noun(noun) => source::find(noun, line),
        Wish::Command(index) => Answer::Shell(format!(":command {index}")),
    }
}

fn shown(line: &Line, answer: Answer) -> String {
    let words = match answer {
        Answer::Shell(ask) => return ask + "\n",
        Answer::Words(words) => words,
    };
    let fits = words.into_iter().filter(|(word, _)| word.starts_with(&line.typed));
    fits.flat_map(|(word, meaning)| [line.prefix.clone(), word, "\t".to_owned(), meaning, "\n".to_owned()])
        .collect()
}
