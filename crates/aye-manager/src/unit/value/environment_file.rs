//! The text of an `EnvironmentFile=`: `systemd.exec(5)`; os-release(5) has the same syntax.

use super::super::error::{Invalid, quoted};
use super::environment::{is_value, is_variable};

/// What an environment file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentText {
    /// Names and values; of a name that stands twice the later one counts.
    pub pairs: Vec<(String, String)>,
    /// What is no assignment, with its line, as fragments to be shown; systemd goes on without it, too.
    pub ignored: Vec<(usize, Invalid)>,
}

/// Reads the text of an environment file. Unlike in `Environment=`, there are no specifiers and no C escapes, `#` and
/// `;` begin comments, and each line is one assignment.
pub fn environment_file(text: &str) -> EnvironmentText {
    let mut read = EnvironmentText::default();
    let mut cursor = Cursor { rest: text, line: 1 };
    loop {
        cursor.skip(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
        let line = cursor.line;
        match cursor.rest.chars().next() {
            None => return read,
            Some('#' | ';') => cursor.comment(),
            Some(_) => match cursor.assignment() {
                Ok((name, value)) if is_variable(&name) && is_value(&value) => {
                    read.pairs.retain(|(other, _)| *other != name);
                    read.pairs.push((name, value));
                }
                Ok((name, value)) => {
                    read.ignored.push((line, Invalid::expected("NAME=VALUE", &format!("{name}={value}"))));
                }
                Err(found) => read
                    .ignored
                    .push((line, Invalid::because(format!("expected NAME=VALUE, found {}", quoted(found))))),
            },
        }
    }
}

struct Cursor<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn skip(&mut self, unwanted: impl Fn(char) -> bool) {
        while self.rest.starts_with(&unwanted) {
            self.next();
        }
    }

    /// A backslash at its end makes the next line part of the comment.
    fn comment(&mut self) {
        while let Some(c) = self.next() {
            match c {
                '\\' => drop(self.next()),
                '\n' | '\r' => return,
                _ => {}
            }
        }
    }

    /// The name and the value, or the line that has no `=`.
    fn assignment(&mut self) -> Result<(String, String), &'a str> {
        let end = self.rest.find(['=', '\n', '\r']).unwrap_or(self.rest.len());
        let (name, after) = self.rest.split_at(end);
        self.rest = after;
        if !after.starts_with('=') {
            return Err(name.trim_end());
        }
        self.next();
        Ok((name.trim_end_matches([' ', '\t']).to_owned(), self.value()))
    }

    /// Quoted pieces follow each other; the first unquoted character begins a piece that goes on to the end of the line.
    fn value(&mut self) -> String {
        let mut value = String::new();
        loop {
            self.skip(|c| matches!(c, ' ' | '\t'));
            match self.rest.chars().next() {
                Some('\'') => self.single_quoted(&mut value),
                Some('"') => self.double_quoted(&mut value),
                Some(c) if c != '\n' && c != '\r' => return self.unquoted(value),
                _ => return value,
            }
        }
    }

    fn single_quoted(&mut self, value: &mut String) {
        self.next();
        while let Some(c) = self.next().filter(|c| *c != '\'') {
            value.push(c);
        }
    }

    /// A backslash escapes what a shell would let it escape, and stays before anything else.
    fn double_quoted(&mut self, value: &mut String) {
        self.next();
        while let Some(c) = self.next().filter(|c| *c != '"') {
            match (c, if c == '\\' { self.next() } else { None }) {
                ('\\', Some(escaped @ ('"' | '\\' | '`' | '$'))) => value.push(escaped),
                ('\\', Some('\n') | None) => {}
                ('\\', Some(other)) => value.extend(['\\', other]),
                (plain, _) => value.push(plain),
            }
        }
    }

    /// White space at its end is dropped unless it is escaped; an escaped line break joins two lines.
    fn unquoted(&mut self, mut value: String) -> String {
        let mut keep = value.len();
        while !self.rest.is_empty() && !self.rest.starts_with(['\n', '\r']) {
            match self.next() {
                Some('\\') => {
                    if let Some(c) = self.next().filter(|c| *c != '\n' && *c != '\r') {
                        value.push(c);
                    }
                    keep = value.len();
                }
                Some(c) => {
                    value.push(c);
                    if c != ' ' && c != '\t' {
                        keep = value.len();
                    }
                }
                None => break,
            }
        }
        value.truncate(keep);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::host::OS_RELEASE;
    use proptest::prelude::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_the_lines_of_an_environment_file_that_assign_nothing() {
        let read = environment_file("A=1\nnothing \n\n1B=2\n=x\nC=3");
        assert_eq!(read.pairs, pairs(&[("A", "1"), ("C", "3")]));
        let ignored: Vec<_> = read.ignored.iter().map(|(line, what)| (*line, what.to_string())).collect();
        let expected = |line, found: &str| (line, format!("expected NAME=VALUE, found {found:?}"));
        assert_eq!(ignored, [expected(2, "nothing"), expected(4, "1B=2"), expected(5, "=x")]);
    }

    #[test]
    fn reads_an_environment_file() {
        let cases: [(&str, &[(&str, &str)]); 16] = [
            ("", &[]),
            ("# c\n ; c\nA=b", &[("A", "b")]),
            ("# c \\\nA=not this\nB=b", &[("B", "b")]),
            (" A = b c \t\n", &[("A", "b c")]),
            ("A=1\r\nB=2\r\n", &[("A", "1"), ("B", "2")]),
            ("A=\nB= \n", &[("A", ""), ("B", "")]),
            ("A='b # c\nd'", &[("A", "b # c\nd")]),
            (r#"A="b \"c\" \$ \` \\ \d""#, &[("A", r#"b "c" $ ` \ \d"#)]),
            ("A=\"b\\\nc\"", &[("A", "bc")]),
            ("A=\"b\" 'c'", &[("A", "bc")]),
            ("A='b' c 'd'", &[("A", "bc 'd'")]),
            ("A=b\\\n  c", &[("A", "b  c")]),
            ("A=b\\  \nB=\\n", &[("A", "b "), ("B", "n")]),
            ("A=it's \"x\"", &[("A", "it's \"x\"")]),
            ("A=1\nA=2\n", &[("A", "2")]),
            ("A=%i $B # c", &[("A", "%i $B # c")]),
        ];
        for (text, expected) in cases {
            assert_eq!(
                environment_file(text),
                EnvironmentText { pairs: pairs(expected), ignored: Vec::new() },
                "{text:?}"
            );
        }
    }

    /// systemd reads os-release(5) with the parser of environment files, and specifiers show what it read.
    #[test]
    fn reads_an_environment_file_as_systemd_does() {
        let values = [
            " b c \t",
            "'b # c'",
            r#""b \"c\" \$ \` \\ \d""#,
            "\"b\\\nc\"",
            "\"b\" 'c'",
            "'b' c 'd' ",
            "b\\\n  c",
            "b\\  ",
            "\\n \\",
            "it's \"x\"",
            "$B # c\r",
            "  ",
            "b  \\\n",
            "'b' \\",
            "'' x",
            "",
            "\\\"b",
            "'b'\\ c",
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let lines = OS_RELEASE.map(|(letter, _)| format!("WorkingDirectory=-{letter}=%{letter}\n")).concat();
        std::fs::write(path("x.service"), format!("[Service]\nExecStart=/bin/true\n{lines}")).unwrap();
        for values in values.chunks(OS_RELEASE.len()) {
            let fields = OS_RELEASE.iter().zip(values);
            let text: Vec<String> =
                fields.map(|((_, field), value)| format!("{field}={value}\n# c\n")).collect();
            let text = text.concat();
            std::fs::write(path("os-release"), &text).unwrap();
            let arguments = ["verify", "--man=no", &path("x.service")];
            let variables = [("SYSTEMD_OS_RELEASE", path("os-release"))];
            let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
            let output = crate::unit::testing::run_with("systemd-analyze", &arguments, &variables);
            let printed = String::from_utf8(output.stderr).unwrap();
            let theirs: Vec<&str> =
                printed.lines().filter_map(|line| Some(line.split_once("ignoring: ")?.1)).collect();
            let ours = environment_file(&text).pairs;
            let ours = OS_RELEASE.map(|(letter, field)| {
                let value = ours.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value);
                format!("{letter}={value}")
            });
            assert_eq!(ours[..], theirs, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[A-Ba=\\\\'\"#; \t\r\nä$]{0,60}") {
            let _ = environment_file(&text);
        }

        #[test]
        fn reading_arbitrary_text_never_panics(text in any::<String>()) {
            let _ = environment_file(&text);
        }
    }
}
