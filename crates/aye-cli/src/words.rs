//! The words of a command line: choices said again as such, and a command that was given as one word, taken apart.

use std::time::Duration;

/// Words of a command line, in the making.
#[derive(Debug, Default)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl Words {
    pub(crate) fn flag(&mut self, name: &str, given: bool) {
        self.0.extend(given.then(|| name.to_owned()));
    }

    pub(crate) fn option(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.extend([name.to_owned(), value.to_string()]);
        }
    }

    pub(crate) fn span(&mut self, name: &str, span: Option<Duration>) {
        self.option(name, span.map(shortest));
    }
}

/// A span in the largest unit that keeps it whole.
pub(crate) fn shortest(span: Duration) -> String {
    match span.as_micros() {
        micros if micros % 1_000_000 == 0 => format!("{}s", micros / 1_000_000),
        micros if micros % 1_000 == 0 => format!("{}ms", micros / 1_000),
        micros => format!("{micros}us"),
    }
}

/// Splits a command into words as a shell would where it knows only blanks, quotes and backslashes; `None` when a quote is
/// not closed.
pub(crate) fn split(command: &str) -> Option<Vec<String>> {
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
    use super::*;

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
