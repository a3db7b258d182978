//! The words of `Environment=`, and the path of an `EnvironmentFile=`; `systemd.exec(5)`.

use super::super::error::Invalid;
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
        Ok(Self { path: absolute_path(path)?, optional })
    }
}

/// The words of `Environment=`: `NAME=VALUE`, quoted where they hold spaces. `expand` puts specifiers in.
pub fn assignments(
    text: &str,
    expand: &impl Fn(&str) -> Result<String, Invalid>,
) -> Result<Vec<(String, String)>, Invalid> {
    let words = word::all(text, Escapes::Strict).map_err(|fault| fault.in_value(text))?;
    words.into_iter().map(|word| assignment(&expand(&word::text(word)?)?)).collect()
}

fn assignment(word: &str) -> Result<(String, String), Invalid> {
    match word.split_once('=') {
        Some((name, value)) if is_variable(name) && is_value(value) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(Invalid::expected("NAME=VALUE, in quotes where the value has spaces", word)),
    }
}

/// Letters, digits and `_`, not beginning with a digit.
pub(super) fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// No control characters but tab and line feed, as in systemd.
pub(super) fn is_value(value: &str) -> bool {
    !value.bytes().any(|byte| (byte < b' ' && byte != b'\t' && byte != b'\n') || byte == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Result<Vec<(String, String)>, String> {
        assignments(text, &|word| Ok(word.replace("%i", "1 2"))).map_err(|invalid| invalid.to_string())
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
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
                Err(format!("expected NAME=VALUE, in quotes where the value has spaces, found {found:?}"))
            );
        }
        assert_eq!(words("A='b"), Err(r#"expected every quote to be closed, found "A='b""#.to_owned()));
    }

    #[test]
    fn reads_quoted_and_escaped_assignments() {
        let text = r#""A=b c" B='d e' C=f\x20g D=%i E= F=a=b"#;
        let expected = [("A", "b c"), ("B", "d e"), ("C", "f g"), ("D", "1 2"), ("E", ""), ("F", "a=b")];
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
            Ok(EnvironmentFile { path: "/etc/default/web".into(), optional: true })
        );
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[A-Ba=\\\\'\"#; \t\r\nä$]{0,60}") {
            let _ = words(&text);
        }

        #[test]
        fn reading_arbitrary_text_never_panics(text in any::<String>()) {
            let _ = words(&text);
        }
    }
}
