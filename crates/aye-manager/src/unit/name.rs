//! Unit names: `web.service`, the template `web@.service` and its instance `web@1.service`, with the rules of
//! `systemd.unit(5)`.

use std::fmt;
use std::str::FromStr;

use super::error::quoted;
use super::escape::{self, is_name_byte};

/// Names of this many bytes and more are refused, as by systemd.
const TOO_LONG: usize = 256;

/// Where systemd serves its units on D-Bus.
const BUS_ROOT: &str = "/org/freedesktop/systemd1/unit/";

/// Suffixes systemd knows and this manager does not run.
const OTHER_KINDS: [&str; 9] =
    ["target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope"];

/// What a unit is, by its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `.service`
    Service,
    /// `.socket`
    Socket,
}

impl Kind {
    /// The suffix without its dot, which is also the name of the unit's drop-in folder for all units of this kind.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Socket => "socket",
        }
    }

    /// The section that only this kind has.
    pub fn section(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::Socket => "Socket",
        }
    }
}

/// A valid unit name.
///
/// ```
/// use aye_manager::unit::{Kind, Name};
///
/// let name: Name = "web@1.service".parse().unwrap();
/// assert_eq!((name.prefix(), name.instance(), name.kind()), ("web", Some("1"), Kind::Service));
/// assert_eq!(name.template().unwrap().to_string(), "web@.service");
/// assert_eq!(name.bus_path(), "/org/freedesktop/systemd1/unit/web_401_2eservice");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    prefix: String,
    instance: Option<String>,
    kind: Kind,
}

impl Name {
    /// `web` of `web@1.service`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// `1` of `web@1.service`; empty for a template, `None` for a plain unit.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Service or socket.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether this is `web@.service`, which cannot be started.
    pub fn is_template(&self) -> bool {
        self.instance.as_deref() == Some("")
    }

    /// Whether this is `web@1.service`.
    pub fn is_instance(&self) -> bool {
        self.instance.as_deref().is_some_and(|instance| !instance.is_empty())
    }

    /// `web@.service` of `web@1.service`; `None` for a plain unit.
    pub fn template(&self) -> Option<Self> {
        self.instance.as_ref().map(|_| Self { instance: Some(String::new()), ..self.clone() })
    }

    /// `web@1.service` of `web@.service` and `1`, or of `web.service` and `1`.
    pub fn with_instance(&self, instance: &str) -> Result<Self, ParseError> {
        format!("{}@{instance}.{}", self.prefix, self.kind.suffix()).parse()
    }

    /// The unit of the same name and another kind: `web@1.socket` of `web@1.service`. Fails only where the longer
    /// suffix makes the name too long.
    pub fn with_kind(&self, kind: Kind) -> Result<Self, ParseError> {
        format!("{}.{}", self.stem(), kind.suffix()).parse()
    }

    /// Everything before the suffix: `web@1` of `web@1.service`.
    pub fn stem(&self) -> String {
        match &self.instance {
            Some(instance) => format!("{}@{instance}", self.prefix),
            None => self.prefix.clone(),
        }
    }

    /// The D-Bus object path of the unit.
    pub fn bus_path(&self) -> String {
        format!("{BUS_ROOT}{}", escape::bus_label(&self.to_string()))
    }

    /// The unit of a D-Bus object path; `None` when it is not the path of a service or socket.
    pub fn from_bus_path(path: &str) -> Option<Self> {
        escape::bus_unlabel(path.strip_prefix(BUS_ROOT)?)?.parse().ok()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.stem(), self.kind.suffix()))
    }
}

impl FromStr for Name {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.is_empty() {
            return Err(ParseError::Empty);
        }
        if text.len() >= TOO_LONG {
            return Err(ParseError::TooLong { length: text.len() });
        }
        let (stem, kind) = split_suffix(text)?;
        if let Some(found) = stem.chars().find(|c| !c.is_ascii() || !(*c == '@' || is_name_byte(*c as u8))) {
            return Err(ParseError::Character { name: text.to_owned(), found });
        }
        let (prefix, instance) = match stem.split_once('@') {
            Some((prefix, instance)) => (prefix, Some(instance)),
            None => (stem, None),
        };
        if prefix.is_empty() {
            return Err(ParseError::NoPrefix { name: text.to_owned() });
        }
        Ok(Self { prefix: prefix.to_owned(), instance: instance.map(str::to_owned), kind })
    }
}

fn split_suffix(text: &str) -> Result<(&str, Kind), ParseError> {
    let no_suffix = || ParseError::Suffix { name: text.to_owned() };
    let (stem, suffix) = text.rsplit_once('.').ok_or_else(no_suffix)?;
    match suffix {
        "service" => Ok((stem, Kind::Service)),
        "socket" => Ok((stem, Kind::Socket)),
        other if OTHER_KINDS.contains(&other) => {
            Err(ParseError::OtherKind { name: text.to_owned(), suffix: other.to_owned() })
        }
        _ => Err(no_suffix()),
    }
}

/// Why a text is not the name of a unit we could run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing at all.
    #[error("expected a unit name such as web.service, found nothing")]
    Empty,
    /// 256 bytes or more.
    #[error("expected a unit name of at most 255 bytes, found one of {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Neither `.service` nor `.socket` at the end.
    #[error("expected a unit name that ends in .service or .socket, found {}", quoted(name))]
    Suffix {
        /// The text.
        name: String,
    },
    /// A kind of unit that systemd has and this manager does not run.
    #[error("expected a .service or a .socket, found {}: aye run has no .{suffix} units", quoted(name))]
    OtherKind {
        /// The text.
        name: String,
        /// Its suffix.
        suffix: String,
    },
    /// A character that no unit name holds.
    #[error("expected letters, digits and @:-_.\\ in a unit name, found {found:?} in {}", quoted(name))]
    Character {
        /// The text.
        name: String,
        /// The first character that does not belong.
        found: char,
    },
    /// `@1.service`, `.service`.
    #[error("expected a name before the {} of {}", if name.starts_with('@') { "@" } else { "suffix" }, quoted(name))]
    NoPrefix {
        /// The text.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        text.parse::<Name>().unwrap_err().to_string()
    }

    #[test]
    fn refuses_what_is_not_a_unit_name_and_says_what_one_is() {
        assert_eq!(refusal(""), "expected a unit name such as web.service, found nothing");
        assert_eq!(refusal("web"), r#"expected a unit name that ends in .service or .socket, found "web""#);
        assert_eq!(
            refusal("web.serv"),
            r#"expected a unit name that ends in .service or .socket, found "web.serv""#
        );
        assert_eq!(
            refusal("web.timer"),
            r#"expected a .service or a .socket, found "web.timer": aye run has no .timer units"#
        );
        assert_eq!(
            refusal("we b.service"),
            r#"expected letters, digits and @:-_.\ in a unit name, found ' ' in "we b.service""#
        );
        assert_eq!(
            refusal("ü.service"),
            r#"expected letters, digits and @:-_.\ in a unit name, found 'ü' in "ü.service""#
        );
        assert_eq!(refusal("@1.service"), r#"expected a name before the @ of "@1.service""#);
        assert_eq!(refusal(".service"), r#"expected a name before the suffix of ".service""#);
        assert_eq!(
            refusal("../x.service"),
            r#"expected letters, digits and @:-_.\ in a unit name, found '/' in "../x.service""#
        );
    }

    #[test]
    fn refuses_a_name_of_256_bytes_and_takes_one_of_255() {
        let name = |length: usize| format!("{}.service", "x".repeat(length - ".service".len()));
        assert_eq!(refusal(&name(256)), "expected a unit name of at most 255 bytes, found one of 256");
        assert!(name(255).parse::<Name>().is_ok());
    }

    #[test]
    fn refuses_a_bus_path_of_something_else() {
        assert_eq!(Name::from_bus_path("/org/freedesktop/systemd1/unit/web_2etimer"), None);
        assert_eq!(Name::from_bus_path("/org/freedesktop/systemd1/job/1"), None);
    }

    #[test]
    fn tells_plain_template_and_instance_apart() {
        let cases = [
            ("web.service", "web", None, Kind::Service),
            ("web@.service", "web", Some(""), Kind::Service),
            ("web@1.service", "web", Some("1"), Kind::Service),
            ("web@a@b.socket", "web", Some("a@b"), Kind::Socket),
            ("a.b-c\\x2d:_@x.y.service", "a.b-c\\x2d:_", Some("x.y"), Kind::Service),
        ];
        for (text, prefix, instance, kind) in cases {
            let name: Name = text.parse().unwrap();
            assert_eq!((name.prefix(), name.instance(), name.kind()), (prefix, instance, kind));
            assert_eq!(
                (name.is_template(), name.is_instance()),
                (instance == Some(""), instance.is_some_and(|i| !i.is_empty()))
            );
            assert_eq!(name.to_string(), text);
            assert_eq!(Name::from_bus_path(&name.bus_path()), Some(name));
        }
    }

    #[test]
    fn goes_from_template_to_instance_and_back() {
        let template: Name = "web@.service".parse().unwrap();
        let instance = template.with_instance("1").unwrap();
        assert_eq!(instance.to_string(), "web@1.service");
        assert_eq!(instance.template(), Some(template.clone()));
        assert_eq!(instance.with_kind(Kind::Socket).unwrap().to_string(), "web@1.socket");
        assert_eq!("web.service".parse::<Name>().unwrap().template(), None);
        assert!(template.with_instance("a b").is_err());
    }

    proptest! {
        #[test]
        fn what_parses_displays_as_it_was(text in "[a-z@.:_-]{1,12}\\.(service|socket)") {
            if let Ok(name) = text.parse::<Name>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }

        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = text.parse::<Name>();
        }
    }
}
