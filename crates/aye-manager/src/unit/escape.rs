//! The three escapes of unit names, each with its inverse: `\x2d` style for strings, the same for paths
//! (`systemd-escape --path`), and `_2e` style for D-Bus object paths.

use super::error::Invalid;

/// What a unit name may hold besides `@`; `systemd.unit(5)`.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b":-_.\\".contains(&byte)
}

/// A string as part of a unit name: `/` becomes `-`, what a name cannot hold becomes `\xNN`. As `systemd-escape`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => escaped.push('-'),
            b'-' | b'\\' => push_hex(&mut escaped, byte),
            b'.' if at == 0 => push_hex(&mut escaped, byte),
            _ if is_name_byte(byte) => escaped.push(char::from(byte)),
            _ => push_hex(&mut escaped, byte),
        }
    }
    escaped
}

fn push_hex(escaped: &mut String, byte: u8) {
    escaped.push_str("\\x");
    escaped.push_str(&hex(byte));
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

/// The inverse of [`escape`], as `systemd-escape --unescape`; `%I`, `%J` and `%P` use it.
pub fn unescape(name: &str) -> Result<String, Invalid> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'-' => bytes.push(b'/'),
            b'\\' => match tail {
                [b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    bytes.push(digit(*high) << 4 | digit(*low));
                    rest = tail;
                }
                _ => {
                    return Err(Invalid::expected("\\xNN after a backslash in a unit name", name));
                }
            },
            _ => bytes.push(*first),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Invalid::expected("a unit name that unescapes to UTF-8 text", name)),
    }
}

/// The value of a hexadecimal digit; the caller has checked that it is one.
fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

/// A path as part of a unit name: `/srv/my app` becomes `srv-my\x20app`, `/` becomes `-`.
pub fn path_escape(path: &str) -> Result<String, Invalid> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(Invalid::expected("a path without ..", path));
    }
    if parts.is_empty() {
        return Ok("-".to_owned());
    }
    Ok(escape(&parts.join("/")))
}

/// The inverse of [`path_escape`]; `%f` uses it.
pub fn path_unescape(name: &str) -> Result<String, Invalid> {
    if name == "-" {
        return Ok("/".to_owned());
    }
    let path = unescape(name)?;
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Invalid::expected("an escaped path, as systemd-escape --path makes it", name));
    }
    Ok(format!("/{path}"))
}

/// A string as one label of a D-Bus object path: `web@1.service` becomes `web_401_2eservice`.
pub fn bus_label(text: &str) -> String {
    if text.is_empty() {
        return "_".to_owned();
    }
    let mut label = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        if byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit()) {
            label.push(char::from(byte));
        } else {
            label.push('_');
            label.push_str(&hex(byte));
        }
    }
    label
}

/// The inverse of [`bus_label`]; `None` for a label it cannot have made.
pub fn bus_unlabel(label: &str) -> Option<String> {
    if label == "_" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(label.len());
    let mut rest = label.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'_', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = tail;
            }
            (byte, _) if byte.is_ascii_alphanumeric() => bytes.push(*byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::testing::tool;
    use proptest::prelude::*;

    #[test]
    fn refuses_names_that_do_not_unescape() {
        for name in ["a\\", "a\\x", "a\\x2", "a\\x2g", "\\y20", "\\xff", "\\x00"] {
            assert!(unescape(name).is_err(), "{name}");
        }
        assert_eq!(
            unescape("a\\y").unwrap_err().to_string(),
            r#"expected \xNN after a backslash in a unit name, found "a\\y""#
        );
    }

    #[test]
    fn refuses_escaped_paths_that_are_not_normalized() {
        for name in ["", "-srv", "srv-", "a--b", "a-\\x2e\\x2e-b", "\\x2e"] {
            assert!(path_unescape(name).is_err(), "{name}");
        }
        assert_eq!(
            path_escape("/a/../b").unwrap_err().to_string(),
            r#"expected a path without .., found "/a/../b""#
        );
    }

    #[test]
    fn refuses_labels_no_escape_makes() {
        for label in ["", "a_", "a_4", "a_4g", "a.b", "web@1"] {
            assert!(label.is_empty() || bus_unlabel(label).is_none(), "{label}");
        }
    }

    #[test]
    fn escapes_a_unit_name_for_the_bus_as_systemd_does() {
        assert_eq!(bus_label("web@1.service"), "web_401_2eservice");
        assert_eq!(bus_label("1.service"), "_31_2eservice");
        assert_eq!(bus_unlabel("_31_2eservice").as_deref(), Some("1.service"));
    }

    const STRINGS: [&str; 8] = ["web", "a/b", ".dot", "my app", "a-b", "a\\b", "grüße", "x@y:z_1"];

    #[test]
    fn agrees_with_systemd_escape_on_strings() {
        for text in STRINGS {
            let theirs = tool("systemd-escape", &["--", text]);
            assert_eq!(escape(text), theirs, "{text}");
            assert_eq!(
                tool("systemd-escape", &["--unescape", "--", &theirs]),
                unescape(&theirs).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn agrees_with_systemd_escape_on_paths() {
        for path in ["/", "//", "/srv", "/srv/", "/srv//my app/./x", "/.hidden/-x", "/a/b\\c"] {
            let theirs = tool("systemd-escape", &["--path", "--", path]);
            assert_eq!(path_escape(path).unwrap(), theirs, "{path}");
            assert_eq!(
                tool("systemd-escape", &["--path", "--unescape", "--", &theirs]),
                path_unescape(&theirs).unwrap(),
                "{path}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_escape_has_its_inverse(text in "[^\0]{0,40}") {
            prop_assert_eq!(unescape(&escape(&text)).unwrap(), text.clone());
            prop_assert_eq!(bus_unlabel(&bus_label(&text)).unwrap(), text);
        }

        #[test]
        fn unescaping_never_panics(text in any::<String>()) {
            let _ = (unescape(&text), path_unescape(&text), bus_unlabel(&text));
        }
    }
}
