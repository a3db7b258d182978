//! Environment of a service: the words of `Environment=` and the text of an `EnvironmentFile=`, both of
//! `systemd.exec(5)`.

use super::super::error::{Invalid, quoted};
use super::super::word::{self, Escapes};
use super::absolute_path;

/// An `EnvironmentFile=`, to be read each time the service starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentFile {
    /// Absolute; `*`, `?` and `[` make it a pattern, whose matches are all read.
    pub path: String,
    /// `-`: go on without it when it is missing.
    pub optional: bool,
}

impl EnvironmentFile {
    /// Reads the value of the setting.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let (path, optional) = match text.strip_prefix('-') {
            Some(path) => (path, true),
            None => (text, false),
        };
        Ok(Self {
            path: absolute_path(path)?,
            optional,
        })
    }
}

/// The words of `Environment=`: `NAME=VALUE`, quoted where they hold spaces. `expand` puts specifiers in.
pub fn assignments(
    text: &str,
    expand: &impl Fn(&str) -> Result<String, Invalid>,
) -> Result<Vec<(String, String)>, Invalid> {
    let words = word::all(text, Escapes::Strict).map_err(|fault| fault.in_value(text))?;
    words
        .into_iter()
        .map(|word| assignment(&expand(&word::text(word)?)?))
        .collect()
}

fn assignment(word: &str) -> Result<(String, String), Invalid> {
    match word.split_once('=') {
        Some((name, value)) if is_variable(name) && is_value(value) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(Invalid::expected(
            "NAME=VALUE, in quotes where the value has spaces",
            word,
        )),
    }
}

/// Letters, digits and `_`, not beginning with a digit.
fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// No control characters but tab and line feed, as in systemd.
fn is_value(value: &str) -> bool {
    !value
        .bytes()
        .any(|byte| (byte < b' ' && byte != b'\t' && byte != b'\n') || byte == 0x7f)
}

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
    let mut cursor = Cursor {
        rest: text,
        line: 1,
    };
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
                    read.ignored.push((
                        line,
                        Invalid::expected("NAME=VALUE", &format!("{name}={value}")),
                    ));
                }
                Err(found) => read.ignored.push((
                    line,
                    Invalid::because(format!("expected NAME=VALUE, found {}", quoted(found))),
                )),
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
    use proptest::prelude::*;

    fn words(text: &str) -> Result<Vec<(String, String)>, String> {
        assignments(text, &|word| Ok(word.replace("%i", "1 2")))
            .map_err(|invalid| invalid.to_string())
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn refuses_words_that_assign_nothing() {
        for (text, found) in [
            ("A", "A"),
            ("=x", "=x"),
            ("1A=x", "1A=x"),
            ("A-B=x", "A-B=x"),
            ("A=b c", "c"),
            ("A=\\x07", "A=\u{7}"),
        ] {
            assert_eq!(
                words(text),
                Err(format!(
                    "expected NAME=VALUE, in quotes where the value has spaces, found {found:?}"
                ))
            );
        }
        assert_eq!(
            words("A='b"),
            Err(r#"expected every quote to be closed, found "A='b""#.to_owned())
        );
    }

    #[test]
    fn reads_quoted_and_escaped_assignments() {
        let text = r#""A=b c" B='d e' C=f\x20g D=%i E= F=a=b"#;
        let expected = [
            ("A", "b c"),
            ("B", "d e"),
            ("C", "f g"),
            ("D", "1 2"),
            ("E", ""),
            ("F", "a=b"),
        ];
        assert_eq!(words(text), Ok(pairs(&expected)));
    }

    #[test]
    fn refuses_a_relative_environment_file() {
        assert_eq!(
            EnvironmentFile::parse("-x").unwrap_err().to_string(),
            r#"expected an absolute path without .., found "x""#
        );
        assert_eq!(
            EnvironmentFile::parse("-/etc/default/web"),
            Ok(EnvironmentFile {
                path: "/etc/default/web".into(),
                optional: true
            })
        );
    }

    #[test]
    fn names_the_lines_of_an_environment_file_that_assign_nothing() {
        let read = environment_file("A=1\nnothing \n\n1B=2\n=x\nC=3");
        assert_eq!(read.pairs, pairs(&[("A", "1"), ("C", "3")]));
        let ignored: Vec<_> = read
            .ignored
            .iter()
            .map(|(line, what)| (*line, what.to_string()))
            .collect();
        let expected = |line, found: &str| (line, format!("expected NAME=VALUE, found {found:?}"));
        assert_eq!(
            ignored,
            [
                expected(2, "nothing"),
                expected(4, "1B=2"),
                expected(5, "=x")
            ]
        );
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
                EnvironmentText {
                    pairs: pairs(expected),
                    ignored: Vec::new()
                },
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[A-Ba=\\\\'\"#; \t\r\nä$]{0,60}") {
            let _ = (environment_file(&text), words(&text));
        }

        #[test]
        fn reading_arbitrary_text_never_panics(text in any::<String>()) {
            let _ = (environment_file(&text), words(&text));
        }
    }
}
