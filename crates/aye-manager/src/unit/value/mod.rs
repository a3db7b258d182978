//! What stands right of the `=`: booleans, numbers, time spans, signals, environment, files to open, addresses to
//! listen on. Each parser takes the text and gives a value or an [`Invalid`] that says what was expected.

mod environment;
mod environment_file;
mod listen;
mod open_file;
mod signal;
mod span;

pub use environment::{EnvironmentFile, assignments};
pub use environment_file::{EnvironmentText, environment_file};
pub use listen::Listen;
pub use open_file::{OpenFile, OpenMode};
pub use signal::{signal, signal_name};
pub use span::{finite, span};

use super::error::Invalid;

/// `1 yes y true t on` and `0 no n false f off`, in any case; `systemd.syntax(7)`.
pub fn boolean(text: &str) -> Result<bool, Invalid> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Ok(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Ok(false),
        _ => Err(Invalid::expected("yes or no", text)),
    }
}

/// A decimal number without a sign.
pub fn number(text: &str) -> Result<u32, Invalid> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| Invalid::expected("a number from 0 to 4294967295", text))
}

/// An octal access mode such as `0660`.
pub fn mode(text: &str) -> Result<u32, Invalid> {
    let octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| octal && *mode <= 0o7777)
        .ok_or_else(|| Invalid::expected("an octal mode such as 0660", text))
}

/// The name of a passed descriptor, as in `$LISTEN_FDNAMES`: printable ASCII without a colon, at most 255 bytes.
pub fn descriptor_name(text: &str) -> Result<String, Invalid> {
    let good = text.len() <= 255 && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b':');
    if good {
        return Ok(text.to_owned());
    }
    Err(Invalid::expected(
        "a descriptor name of at most 255 printable ASCII characters without a colon",
        text,
    ))
}

/// An absolute path, with doubled and trailing slashes and `.` removed, without `..`.
pub fn absolute_path(text: &str) -> Result<String, Invalid> {
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if !text.starts_with('/') || text.contains('\0') || parts.contains(&"..") {
        return Err(Invalid::expected("an absolute path without ..", text));
    }
    Ok(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_boolean_number_mode_name_or_path() {
        let cases = [
            (boolean("maybe").unwrap_err(), r#"expected yes or no, found "maybe""#),
            (boolean("").unwrap_err(), r#"expected yes or no, found """#),
            (number("+5").unwrap_err(), r#"expected a number from 0 to 4294967295, found "+5""#),
            (number("").unwrap_err(), r#"expected a number from 0 to 4294967295, found """#),
            (
                number("4294967296").unwrap_err(),
                r#"expected a number from 0 to 4294967295, found "4294967296""#,
            ),
            (mode("0888").unwrap_err(), r#"expected an octal mode such as 0660, found "0888""#),
            (mode("10000").unwrap_err(), r#"expected an octal mode such as 0660, found "10000""#),
            (
                descriptor_name("a:b").unwrap_err(),
                r#"expected a descriptor name of at most 255 printable ASCII characters without a colon, found "a:b""#,
            ),
            (absolute_path("x/y").unwrap_err(), r#"expected an absolute path without .., found "x/y""#),
            (
                absolute_path("/x/../y").unwrap_err(),
                r#"expected an absolute path without .., found "/x/../y""#,
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found.to_string(), expected);
        }
        assert!(descriptor_name(&"x".repeat(256)).is_err());
    }

    #[test]
    fn reads_booleans_numbers_modes_names_and_paths() {
        for text in ["1", "yes", "Y", "TRUE", "t", "on"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "no", "N", "False", "f", "OFF"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        assert_eq!((number("0"), number("4294967295")), (Ok(0), Ok(u32::MAX)));
        assert_eq!((mode("0660"), mode("7777")), (Ok(0o660), Ok(0o7777)));
        assert_eq!(descriptor_name("").as_deref(), Ok(""));
        assert_eq!(absolute_path("//srv/./my app//").as_deref(), Ok("/srv/my app"));
        assert_eq!(absolute_path("/").as_deref(), Ok("/"));
    }
}
