//! The text of a unit file as a list of entries: `systemd.syntax(7)` with comments, continuation lines and sections.
//! What the entries mean is not known here.

use std::fmt::Write as _;

use super::error::{Error, quoted};

/// Lines longer than this, continuations joined, are refused, as by systemd: 1 MiB.
const LONGEST: usize = 1 << 20;

/// One assignment of a unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The section it stands in, without brackets.
    pub section: String,
    /// What is left of the first `=`, trimmed; never empty.
    pub key: String,
    /// What is right of it, trimmed; empty resets a list.
    pub value: String,
    /// The line it begins on, from 1.
    pub line: usize,
}

/// A line with its continuations joined, and where it began.
struct Logical<'a> {
    line: usize,
    text: std::borrow::Cow<'a, [u8]>,
}

/// The entries of a file; `file` is only for messages.
pub fn parse(file: &str, text: &[u8]) -> Result<Vec<Entry>, Error> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut entries = Vec::new();
    let mut section: Option<String> = None;
    for logical in logical_lines(file, text)? {
        let line = utf8(file, &logical)?.trim_matches(is_blank);
        if line.is_empty() {
            continue;
        }
        if line.starts_with('[') {
            section = Some(header(file, logical.line, line)?);
            continue;
        }
        let (key, value) = assignment(file, logical.line, line)?;
        let Some(section) = &section else {
            let what =
                format!("expected a section such as [Unit] before the first setting, found {}", quoted(line));
            return Err(Error::at(file, logical.line, what));
        };
        entries.push(Entry { section: section.clone(), key, value, line: logical.line });
    }
    Ok(entries)
}

/// systemd's idea of white space: space, tab and line breaks.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn utf8<'a>(file: &str, logical: &'a Logical<'_>) -> Result<&'a str, Error> {
    let text = std::str::from_utf8(&logical.text).map_err(|error| {
        let byte = logical.text[error.valid_up_to()];
        Error::at(file, logical.line, format!("expected UTF-8 text, found the byte 0x{byte:02x}"))
    })?;
    if text.contains('\0') {
        return Err(Error::at(file, logical.line, "expected text, found a NUL byte"));
    }
    Ok(text)
}

fn header(file: &str, line: usize, text: &str) -> Result<String, Error> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(name)
            if !name.is_empty() && !name.contains(|c: char| c.is_control() || "[]\"'\\".contains(c)) =>
        {
            Ok(name.to_owned())
        }
        _ => Err(Error::at(
            file,
            line,
            format!("expected a section such as [Service], found {}", quoted(text)),
        )),
    }
}

fn assignment(file: &str, line: usize, text: &str) -> Result<(String, String), Error> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim_matches(is_blank).is_empty() => {
            Ok((key.trim_matches(is_blank).to_owned(), value.trim_matches(is_blank).to_owned()))
        }
        _ => Err(Error::at(file, line, format!("expected KEY=VALUE, found {}", quoted(text)))),
    }
}

/// Joins lines that end in a backslash, which becomes a space. Comment lines are left out, also inside a continuation.
fn logical_lines<'a>(file: &str, text: &'a [u8]) -> Result<Vec<Logical<'a>>, Error> {
    let mut lines = Vec::new();
    let mut pending: Option<Logical<'a>> = None;
    for (at, physical) in physical_lines(text).enumerate() {
        let line = at + 1;
        if is_comment(physical) {
            continue;
        }
        let mut logical = match pending.take() {
            Some(mut begun) => {
                begun.text.to_mut().extend_from_slice(physical);
                begun
            }
            None => Logical { line, text: physical.into() },
        };
        if logical.text.len() > LONGEST {
            return Err(Error::at(
                file,
                logical.line,
                "expected a line of at most 1 MiB, found a longer one",
            ));
        }
        if continues(&logical.text) {
            let last = logical.text.len() - 1;
            logical.text.to_mut()[last] = b' ';
            pending = Some(logical);
        } else {
            lines.push(logical);
        }
    }
    lines.extend(pending);
    Ok(lines)
}

fn is_comment(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), Some(b'#' | b';'))
}

/// Whether the last backslash is not itself escaped.
fn continues(line: &[u8]) -> bool {
    line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Lines without their ends, which are LF, CR LF or CR.
fn physical_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            rest = None;
            return Some(text);
        };
        let skip = if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = Some(&text[end + skip..]);
        Some(&text[..end])
    })
}

/// The inverse of [`parse`], as text: one line for each entry, a header wherever the section changes.
pub fn render(entries: &[Entry]) -> String {
    let mut text = String::new();
    let mut section = None;
    for entry in entries {
        if section != Some(&entry.section) {
            let _ = writeln!(text, "[{}]", entry.section);
            section = Some(&entry.section);
        }
        let guard = if continues(entry.value.as_bytes()) { " " } else { "" };
        let _ = writeln!(text, "{}={}{guard}", entry.key, entry.value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: impl AsRef<[u8]>) -> String {
        parse("web@.service", text.as_ref()).unwrap_err().to_string()
    }

    fn entries(text: &str) -> Vec<(String, String, usize)> {
        parse("f", text.as_bytes()).unwrap().into_iter().map(|e| (e.key, e.value, e.line)).collect()
    }

    #[test]
    fn names_the_line_of_what_is_no_assignment() {
        assert_eq!(
            refusal("[Service]\n\nExecStart\n"),
            r#"web@.service:3: expected KEY=VALUE, found "ExecStart""#
        );
        assert_eq!(refusal("[Service]\n = x\n"), r#"web@.service:2: expected KEY=VALUE, found "= x""#);
    }

    #[test]
    fn refuses_an_assignment_before_any_section() {
        assert_eq!(
            refusal("# web\nType=notify\n"),
            r#"web@.service:2: expected a section such as [Unit] before the first setting, found "Type=notify""#
        );
    }

    #[test]
    fn refuses_a_bad_section_header() {
        for bad in ["[Service", "[]", "[", "[a]b", "[a\\b]", "[Ser\tvice]"] {
            assert_eq!(
                refusal(bad),
                format!("web@.service:1: expected a section such as [Service], found {bad:?}")
            );
        }
    }

    #[test]
    fn refuses_bytes_that_are_not_text() {
        assert_eq!(
            refusal(b"[Unit]\nDescription=\xff\n"),
            "web@.service:2: expected UTF-8 text, found the byte 0xff"
        );
        assert_eq!(refusal(b"[Unit]\nDescription=a\0b\n"), "web@.service:2: expected text, found a NUL byte");
    }

    #[test]
    fn refuses_a_line_over_one_mebibyte_also_in_pieces() {
        let long = format!("[Unit]\nDescription={}\n", "x".repeat(LONGEST));
        let pieces = format!("[Unit]\nDescription=\\\n{}", format!("{}\\\n", "x".repeat(1023)).repeat(1025));
        for text in [long, pieces] {
            assert_eq!(refusal(text), "web@.service:2: expected a line of at most 1 MiB, found a longer one");
        }
    }

    #[test]
    fn reads_sections_comments_and_blanks() {
        let text = "\u{feff}[Unit]\n# c\n  ; c\nDescription =  a = b \t\n\n [Service] \r\nExecStart=\r\n";
        let read = parse("f", text.as_bytes()).unwrap();
        let entry = |section: &str, key: &str, value: &str, line| Entry {
            section: section.into(),
            key: key.into(),
            value: value.into(),
            line,
        };
        assert_eq!(read, [entry("Unit", "Description", "a = b", 4), entry("Service", "ExecStart", "", 7)]);
    }

    #[test]
    fn joins_continuation_lines_with_a_space_and_skips_comments_between() {
        let text = "[A]\nk=one\\\n# not this\n  ; nor this \\\ntwo \\\n   three\nl=x\n";
        assert_eq!(entries(text), [("k".into(), "one two     three".into(), 2), ("l".into(), "x".into(), 7)]);
    }

    #[test]
    fn an_escaped_backslash_at_the_end_does_not_continue() {
        assert_eq!(
            entries("[A]\nk=a\\\\\nl=b\n"),
            [("k".into(), "a\\\\".into(), 2), ("l".into(), "b".into(), 3)]
        );
    }

    #[test]
    fn a_continuation_ends_with_the_file_and_with_a_blank_line() {
        assert_eq!(entries("[A]\nk=a\\"), [("k".into(), "a".into(), 2)]);
        assert_eq!(entries("[A]\nk=a\\\n\nl=b"), [("k".into(), "a".into(), 2), ("l".into(), "b".into(), 4)]);
    }

    #[test]
    fn a_comment_may_hold_any_bytes() {
        assert_eq!(parse("f", b"[A]\n# \xff\0\nk=v\n").unwrap().len(), 1);
    }

    /// A relative `WorkingDirectory=` makes systemd print the value it has read.
    #[test]
    fn joins_and_trims_as_systemd_does() {
        let values = [
            "a  b\t ",
            " = c",
            "one\\\n# comment\n  two",
            "one \\\n\\\n  ;x \\\n three",
            "a\\\\",
            "a\\\\\\\n b",
            "a\\ ",
            "a\r",
            "a\\\r\nb",
            "a # b ; c",
            "[x]",
            "a\\\n",
            "a\\\n \t\n",
        ];
        let settings = values.map(|value| format!("WorkingDirectory=-{value}\n")).concat();
        let text = format!("\u{feff}[Service]\nExecStart=/bin/true\n{settings}WorkingDirectory=-end\\");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lines.service");
        std::fs::write(&file, &text).unwrap();
        let output =
            crate::unit::testing::run("systemd-analyze", &["verify", "--man=no", file.to_str().unwrap()]);
        let printed = String::from_utf8(output.stderr).unwrap();
        let theirs: Vec<&str> =
            printed.lines().filter_map(|line| Some(line.split_once("ignoring: ")?.1)).collect();
        let ours: Vec<String> =
            entries(&text).into_iter().skip(1).map(|(_, value, _)| value[1..].to_owned()).collect();
        assert_eq!(ours.len(), values.len() + 1, "{ours:?}");
        assert_eq!(ours, theirs, "{printed}");
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let value = "[ -~äπ]{0,20}".prop_map(|value| value.trim().to_owned());
        ("[A-Z][a-z]{0,3}|X-[a-z]", "[A-Za-z][A-Za-z0-9-]{0,8}", value)
            .prop_map(|(section, key, value)| Entry { section, key, value, line: 0 })
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse("f", &bytes);
        }

        #[test]
        fn parsing_text_that_looks_right_never_panics(text in "([\\[\\]A-z=\\\\#; \r\n]|\u{feff}){0,80}") {
            let _ = parse("f", text.as_bytes());
        }

        #[test]
        fn what_is_rendered_parses_to_the_same(list in proptest::collection::vec(entry(), 0..12)) {
            let mut read = parse("f", render(&list).as_bytes()).unwrap();
            for entry in &mut read {
                entry.line = 0;
            }
            prop_assert_eq!(read, list);
        }
    }
}
