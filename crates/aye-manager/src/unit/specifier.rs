//! Specifiers: `%i` and its kin, of `systemd.unit(5)`. What depends on the unit is computed from its name; what depends
//! on the host and the user is handed in as a [`Specifiers`] (made by [`super::host`], or by a test).

use std::collections::BTreeMap;
use std::path::Path;

use super::error::Invalid;
use super::escape::{path_unescape, unescape};
use super::name::Name;

/// The values of the host's and the user's specifiers, by letter: `t` the runtime folder, `h` the home folder, `u` the
/// user's name and so on. The default knows none of them; those of the unit's name work all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Specifiers {
    values: BTreeMap<char, String>,
}

impl Specifiers {
    /// Letters that have a value from outside the unit.
    pub const OF_THE_HOST: &str = "aAbBCDdEgGhHlLmMoqsStTuUvVwW";

    /// Sets the value of one letter.
    #[must_use]
    pub fn with(mut self, letter: char, value: impl Into<String>) -> Self {
        self.values.insert(letter, value.into());
        self
    }

    /// The value of one letter, if it is known.
    pub fn get(&self, letter: char) -> Option<&str> {
        self.values.get(&letter).map(String::as_str)
    }

    /// `text` with every specifier replaced. A `%` at the end, or before something that is neither a letter nor a digit,
    /// stays, as in systemd.
    pub fn expand(&self, text: &str, name: &Name, fragment: &Path) -> Result<String, Invalid> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            expanded.push_str(before);
            rest = after;
            match after.chars().next() {
                Some('%') => expanded.push('%'),
                Some(letter) if letter.is_ascii_alphanumeric() => {
                    expanded.push_str(&self.value(letter, name, fragment)?);
                }
                _ => {
                    expanded.push('%');
                    continue;
                }
            }
            rest = &after[1..];
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn value(&self, letter: char, name: &Name, fragment: &Path) -> Result<String, Invalid> {
        let instance = name.instance().unwrap_or_default();
        match letter {
            'n' => Ok(name.to_string()),
            'N' => Ok(name.stem()),
            'p' => Ok(name.prefix().to_owned()),
            'P' => unescape(name.prefix()),
            'i' => Ok(instance.to_owned()),
            'I' => unescape(instance),
            'j' => Ok(last_part(name).to_owned()),
            'J' => unescape(last_part(name)),
            'f' if name.is_instance() => path_unescape(instance),
            'f' => path_unescape(name.prefix()),
            'y' => text(fragment),
            'Y' => fragment.parent().map_or_else(|| Ok(String::new()), text),
            _ => self.get(letter).map(str::to_owned).ok_or_else(|| unknown(letter)),
        }
    }
}

/// `c` of `a-b-c@1.service`.
fn last_part(name: &Name) -> &str {
    name.prefix().rsplit('-').next().unwrap_or_default()
}

fn text(path: &Path) -> Result<String, Invalid> {
    match path.to_str() {
        Some(path) => Ok(path.to_owned()),
        None => Err(Invalid::expected("a unit file with a UTF-8 path", &path.to_string_lossy())),
    }
}

fn unknown(letter: char) -> Invalid {
    if Specifiers::OF_THE_HOST.contains(letter) {
        return Invalid::because(format!("the specifier %{letter} has no value here"));
    }
    Invalid::because(format!("unknown specifier %{letter} (write %% for a percent sign)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expand(name: &str, text: &str) -> Result<String, String> {
        Specifiers::default()
            .with('t', "/run/user/1000")
            .expand(text, &name.parse().unwrap(), Path::new("/srv/units/web@.service"))
            .map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn refuses_unknown_specifiers_and_those_without_a_value() {
        assert_eq!(
            expand("a.service", "50%x").unwrap_err(),
            "unknown specifier %x (write %% for a percent sign)"
        );
        assert_eq!(
            expand("a.service", "%1").unwrap_err(),
            "unknown specifier %1 (write %% for a percent sign)"
        );
        assert_eq!(expand("a.service", "%m").unwrap_err(), "the specifier %m has no value here");
    }

    #[test]
    fn refuses_an_instance_that_is_no_escaped_path() {
        assert_eq!(
            expand("a@-x.service", "%f").unwrap_err(),
            r#"expected an escaped path, as systemd-escape --path makes it, found "-x""#
        );
    }

    #[test]
    fn expands_what_the_unit_gives() {
        let name = "my-web\\x20app@a-b\\x2d1.service";
        let cases = [
            ("%n", name),
            ("%N", "my-web\\x20app@a-b\\x2d1"),
            ("%p", "my-web\\x20app"),
            ("%P", "my/web app"),
            ("%i", "a-b\\x2d1"),
            ("%I", "a/b-1"),
            ("%j", "web\\x20app"),
            ("%J", "web app"),
            ("%f", "/a/b-1"),
            ("%y", "/srv/units/web@.service"),
            ("%Y", "/srv/units"),
            ("%t/x", "/run/user/1000/x"),
            ("100%% %", "100% %"),
            ("%ä% -", "%ä% -"),
            ("%%%i%%", "%a-b\\x2d1%"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(name, text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_plain_unit_has_an_empty_instance_and_its_prefix_as_path() {
        assert_eq!(expand("srv-web.service", "[%i%I] %f %j").as_deref(), Ok("[] /srv/web web"));
    }

    proptest! {
        #[test]
        fn expanding_never_panics(text in "[%a-zA-Zä -]{0,40}") {
            let _ = expand("web@1.service", &text);
        }

        #[test]
        fn text_with_its_percent_signs_doubled_stays_the_same(text in any::<String>()) {
            prop_assert_eq!(expand("web@1.service", &text.replace('%', "%%")), Ok(text));
        }
    }
}
