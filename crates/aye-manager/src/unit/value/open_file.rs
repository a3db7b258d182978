//! `OpenFile=PATH[:NAME[:OPTIONS]]`, of `systemd.service(5)`: a file, or a socket to connect to, handed to the service
//! as an open descriptor. Specifiers are not replaced: systemd 257 and 262 were seen to take `%t/x` as a relative path.

use super::super::error::Invalid;
use super::{absolute_path, descriptor_name};

/// A descriptor to open before the service starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFile {
    /// Absolute.
    pub path: String,
    /// Its name in `$LISTEN_FDNAMES`; by default the last part of the path.
    pub name: String,
    /// How a regular file is opened.
    pub mode: OpenMode,
    /// `graceful`: go on without it when it cannot be opened.
    pub graceful: bool,
}

/// How a regular file is opened; a socket is connected in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading and writing; the default.
    #[default]
    ReadWrite,
    /// `read-only`
    ReadOnly,
    /// `append`
    Append,
    /// `truncate`
    Truncate,
}

impl OpenFile {
    /// Reads the value of the setting. A colon in the path is written `\x3a`, as in systemd.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shape = || Invalid::expected("PATH, PATH:NAME or PATH:NAME:OPTIONS", text);
        let mut fields = text.split(':');
        let path = unescape(fields.next().unwrap_or_default())?;
        let name = unescape(fields.next().unwrap_or_default())?;
        let options = fields.next().unwrap_or_default();
        if path.is_empty() || fields.next().is_some() {
            return Err(shape());
        }
        if path.starts_with('%') {
            return Err(Invalid::expected(
                "an absolute path (systemd puts no specifiers into OpenFile=)",
                text,
            ));
        }
        let path = absolute_path(&path)?;
        let last = path.rsplit('/').next().unwrap_or_default();
        let name = descriptor_name(if name.is_empty() { last } else { &name })?;
        if name.is_empty() {
            return Err(shape());
        }
        let (mode, graceful) = parse_options(options)?;
        Ok(Self { path, name, mode, graceful })
    }
}

fn unescape(field: &str) -> Result<String, Invalid> {
    use super::super::word::{self, Escapes};
    if !field.contains('\\') {
        return Ok(field.to_owned());
    }
    // Quotes and spaces mean nothing here, only escapes do: each piece between backslashes is read on its own.
    let quoted = format!("\"{}\"", field.replace('"', "\\\""));
    match word::first(&quoted, Escapes::Strict) {
        Ok(Some((bytes, ""))) => word::text(bytes),
        _ => Err(word::Fault::Escape.in_value(field)),
    }
}

fn parse_options(text: &str) -> Result<(OpenMode, bool), Invalid> {
    let wrong =
        || Invalid::expected("at most one of read-only, append and truncate, and graceful, each once", text);
    let (mut mode, mut graceful) = (None, false);
    for option in text.split(',').filter(|option| !option.is_empty()) {
        let chosen = match option {
            "read-only" => OpenMode::ReadOnly,
            "append" => OpenMode::Append,
            "truncate" => OpenMode::Truncate,
            "graceful" if !graceful => {
                graceful = true;
                continue;
            }
            _ => return Err(wrong()),
        };
        if mode.replace(chosen).is_some() {
            return Err(wrong());
        }
    }
    Ok((mode.unwrap_or_default(), graceful))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        OpenFile::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn refuses_what_is_not_a_path_a_name_and_options() {
        assert_eq!(refusal(""), r#"expected PATH, PATH:NAME or PATH:NAME:OPTIONS, found """#);
        assert_eq!(refusal("/"), r#"expected PATH, PATH:NAME or PATH:NAME:OPTIONS, found "/""#);
        assert_eq!(
            refusal("/a:b:append:c"),
            r#"expected PATH, PATH:NAME or PATH:NAME:OPTIONS, found "/a:b:append:c""#
        );
        assert_eq!(
            refusal("%t/systemd/notify:notify"),
            r#"expected an absolute path (systemd puts no specifiers into OpenFile=), found "%t/systemd/notify:notify""#
        );
        assert_eq!(refusal("a:b"), r#"expected an absolute path without .., found "a""#);
        assert_eq!(
            refusal(r"/a\q"),
            r#"expected an escape such as \n, \x20 or \\ after each backslash, found "/a\\q""#
        );
        for options in
            ["readonly", "append,truncate", "append,append", "graceful,graceful", "read-only, append"]
        {
            assert_eq!(
                refusal(&format!("/a:b:{options}")),
                format!(
                    "expected at most one of read-only, append and truncate, and graceful, each once, found {options:?}"
                )
            );
        }
        assert!(OpenFile::parse("/a:b\u{e4}").is_err());
    }

    #[test]
    fn reads_a_path_its_name_and_its_options() {
        let file = |path: &str, name: &str, mode, graceful| OpenFile {
            path: path.into(),
            name: name.into(),
            mode,
            graceful,
        };
        let cases = [
            ("/run/systemd/notify:notify", file("/run/systemd/notify", "notify", OpenMode::ReadWrite, false)),
            ("/run/systemd/notify", file("/run/systemd/notify", "notify", OpenMode::ReadWrite, false)),
            ("/a b::read-only", file("/a b", "a b", OpenMode::ReadOnly, false)),
            ("/a:x:append,graceful", file("/a", "x", OpenMode::Append, true)),
            ("/a:x:graceful,truncate", file("/a", "x", OpenMode::Truncate, true)),
            (r#"/a\x3ab"c:x"#, file("/a:b\"c", "x", OpenMode::ReadWrite, false)),
        ];
        for (text, expected) in cases {
            assert_eq!(OpenFile::parse(text), Ok(expected), "{text}");
        }
    }
}
