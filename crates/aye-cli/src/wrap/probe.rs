//! What `--ready-on` and `--alive-on` name, parsed: pure, nothing is tried here.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use aye::address::LONGEST;
use regex_lite::Regex;

/// One condition, with the words it was typed in.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    typed: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Something is tried again and again.
    Tried(Target),
    /// Something happens by itself.
    Happens(Event),
}

#[derive(Debug, Clone)]
pub(super) enum Target {
    Tcp(Host),
    Http(Http),
    /// The path of a socket; with a first `@` an abstract name.
    Unix(String),
    File(PathBuf),
    Command(String),
    /// Any port that the process tree has begun to listen on.
    Port,
}

#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A line of output matches.
    Log(Regex),
    /// A newline arrives on that descriptor of the program.
    Newline(i32),
    /// The program speaks sd_notify itself: READY=1, and WATCHDOG=1 as a sign of life.
    Notify(Spot),
}

/// Where the socket is that the program speaks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spot {
    /// Under an abstract name that aye makes up.
    Abstract,
    Path(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

#[derive(Debug, Clone)]
pub(super) struct Http {
    pub(super) host: Host,
    pub(super) path: String,
    pub(super) statuses: Vec<RangeInclusive<u16>>,
    pub(super) body: Option<Regex>,
}

impl Probe {
    pub(super) fn event(&self) -> Option<&Event> {
        match &self.kind {
            Kind::Happens(event) => Some(event),
            Kind::Tried(_) => None,
        }
    }

    pub(super) fn target(&self) -> Option<&Target> {
        match &self.kind {
            Kind::Tried(target) => Some(target),
            Kind::Happens(_) => None,
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl FromStr for Probe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { typed: text.to_owned(), kind: kind(text)? })
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    let target = match (name, rest) {
        ("port", "") => Target::Port,
        ("notify", "") if text == name => return Ok(Kind::Happens(Event::Notify(Spot::Abstract))),
        ("notify", path) => return spot(path).map(|found| Kind::Happens(Event::Notify(found))),
        ("log", pattern) if !pattern.is_empty() => {
            return regex(pattern).map(|found| Kind::Happens(Event::Log(found)));
        }
        ("fd", number) => return descriptor(number).map(|found| Kind::Happens(Event::Newline(found))),
        ("tcp", rest) => Target::Tcp(host(rest, None)?),
        ("http", rest) => Target::Http(http(rest)?),
        ("https", _) => {
            return Err("there is no TLS in aye: probe a plain port, or write cmd:curl -fsS URL".to_owned());
        }
        ("unix", path) if !path.is_empty() => Target::Unix(path.to_owned()),
        ("file", path) if !path.is_empty() => Target::File(path.into()),
        ("cmd", command) if !command.is_empty() => Target::Command(command.to_owned()),
        _ => {
            return Err(
                "expected tcp:HOST:PORT, http://HOST:PORT/PATH, unix:PATH, file:PATH, log:REGEX, fd:N, \
                cmd:COMMAND, port, notify or notify:PATH"
                    .to_owned(),
            );
        }
    };
    Ok(Kind::Tried(target))
}

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| format!("cannot read the pattern {pattern}: {error}"))
}

fn descriptor(number: &str) -> Result<i32, String> {
    let found = number.parse().ok().filter(|number| (3..1024).contains(number));
    found.ok_or_else(|| "expected a descriptor from 3 to 1023, as in fd:3".to_owned())
}

/// Where a socket can be bound and mounted from.
fn spot(path: &str) -> Result<Spot, String> {
    if !path.starts_with('/') || path.ends_with('/') {
        return Err("expected the absolute path of a socket, as in notify:/run/web/notify".to_owned());
    }
    if path.len() > LONGEST {
        return Err(format!(
            "the path is {} bytes long, and a socket's address holds at most {}: give a shorter one",
            path.len(),
            LONGEST
        ));
    }
    Ok(Spot::Path(path.into()))
}

/// Where the program is to speak, if one of the probes is that it does.
pub(super) fn speaks_at<'a>(probes: impl Iterator<Item = &'a Probe>) -> Result<Option<&'a Spot>, String> {
    let mut spots = probes.filter_map(|probe| match probe.event() {
        Some(Event::Notify(spot)) => Some((probe, spot)),
        _ => None,
    });
    let Some((first, spot)) = spots.next() else { return Ok(None) };
    match spots.find(|(_, other)| *other != spot) {
        Some((other, _)) => Err(format!(
            "{first} and {other}: the program has one socket to speak to, so write the same for both"
        )),
        None => Ok(Some(spot)),
    }
}

fn host(text: &str, default: Option<u16>) -> Result<Host, String> {
    let bare_v6 = text.starts_with('[') && text.ends_with(']');
    let (name, port) = match text.rsplit_once(':').filter(|_| !bare_v6) {
        Some((name, port)) => (name, port.parse().ok()),
        None => (text, default),
    };
    let name = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    match port.filter(|port| *port != 0) {
        Some(port) if !name.is_empty() => Ok(Host { name: name.to_owned(), port }),
        _ => Err("expected HOST:PORT, as in 127.0.0.1:8080 or [::1]:8080".to_owned()),
    }
}

/// What follows `http:`. A fragment is never sent, so what follows `#` says what is wanted of the answer.
fn http(text: &str) -> Result<Http, String> {
    let text = text.strip_prefix("//").ok_or("expected http://HOST:PORT/PATH")?;
    let (address, wanted) = text.split_once('#').unwrap_or((text, ""));
    let end = address.find(['/', '?']).unwrap_or(address.len());
    let (authority, path) = address.split_at(end);
    if path.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err("a path holds no blanks: write %20".to_owned());
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let mut http = Http { host: host(authority, Some(80))?, path, statuses: vec![200..=299], body: None };
    let mut rest = wanted;
    while !rest.is_empty() {
        if let Some(pattern) = rest.strip_prefix("body=") {
            http.body = Some(regex(pattern)?);
            break;
        }
        let (part, others) = rest.split_once('&').unwrap_or((rest, ""));
        let ranges =
            part.strip_prefix("status=").ok_or("expected #status=200-399,404 or #body=REGEX, body last")?;
        http.statuses = ranges.split(',').map(status_range).collect::<Result<_, _>>()?;
        rest = others;
    }
    Ok(http)
}

fn status_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let status = |text: &str| text.parse().ok().filter(|status| (100..=599).contains(status));
    match (status(first), status(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(format!("{text} is no HTTP status: expected 200 or 200-399")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Kind {
        text.parse::<Probe>().unwrap_or_else(|error| panic!("{text}: {error}")).kind
    }

    #[test]
    fn refuses_what_is_no_probe_and_says_what_to_write() {
        for (text, says) in [
            ("", "expected tcp:HOST:PORT"),
            ("8080", "expected tcp:HOST:PORT"),
            ("log:", "expected tcp:HOST:PORT"),
            ("port:80", "expected tcp:HOST:PORT"),
            ("tcp:localhost", "expected HOST:PORT"),
            ("tcp::80", "expected HOST:PORT"),
            ("tcp:h:0", "expected HOST:PORT"),
            ("tcp:h:65536", "expected HOST:PORT"),
            ("http:h/", "expected http://"),
            ("http://h/a b", "%20"),
            ("http://h/#status=20", "20 is no HTTP status"),
            ("http://h/#status=300-200", "300-200 is no HTTP status"),
            ("http://h/#colour=red", "expected #status="),
            ("https://h/", "no TLS"),
            ("log:(", "cannot read the pattern ("),
            ("fd:2", "from 3"),
            ("fd:x", "from 3"),
            ("notify:", "expected the absolute path of a socket"),
            ("notify:web/notify", "expected the absolute path of a socket"),
            ("notify:@web", "expected the absolute path of a socket"),
            ("notify:/run/web/", "expected the absolute path of a socket"),
        ] {
            let error = text.parse::<Probe>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn hosts_are_names_and_both_kinds_of_addresses() {
        for (text, name, port) in [("tcp:localhost:80", "localhost", 80), ("tcp:[::1]:8080", "::1", 8080)] {
            let Kind::Tried(Target::Tcp(found)) = parsed(text) else { panic!("{text}") };
            assert_eq!(found, Host { name: name.to_owned(), port });
        }
    }

    #[test]
    fn a_fragment_says_what_is_wanted_of_the_answer() {
        let Kind::Tried(Target::Http(http)) = parsed("http://[::1]/a?b#status=200-399,404&body=a&b#c") else {
            panic!()
        };
        assert_eq!((http.host.name.as_str(), http.host.port, http.path.as_str()), ("::1", 80, "/a?b"));
        assert_eq!(http.statuses, [200..=399, 404..=404]);
        assert_eq!(http.body.unwrap().as_str(), "a&b#c");
        let Kind::Tried(Target::Http(http)) = parsed("http://h:8080?q") else { panic!() };
        assert_eq!((http.host.port, http.path.as_str(), http.statuses), (8080, "/?q", vec![200..=299]));
    }

    #[test]
    fn a_path_for_the_programs_socket_has_room_in_its_address() {
        let longest = format!("/{}", "a".repeat(106));
        let Kind::Happens(Event::Notify(found)) = parsed(&format!("notify:{longest}")) else { panic!() };
        assert_eq!(found, Spot::Path(longest.clone().into()));
        let error = format!("notify:{longest}a").parse::<Probe>().unwrap_err();
        assert_eq!(
            error,
            "the path is 108 bytes long, and a socket's address holds at most 107: give a shorter one"
        );
    }

    #[test]
    fn a_program_has_one_socket_to_speak_to() {
        let probes = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Probe>>();
        for different in [["notify", "notify:/a"], ["notify:/a", "notify"], ["notify:/a", "notify:/b"]] {
            let [first, second] = different;
            let error = speaks_at(probes(&[first, "port", second]).iter()).unwrap_err();
            assert!(
                error.starts_with(&format!("{first} and {second}: the program has one socket")),
                "{error}"
            );
        }
        for (same, spot) in [
            (["port", "port"], None),
            (["notify", "notify"], Some(Spot::Abstract)),
            (["notify:/a", "notify:/a"], Some(Spot::Path("/a".into()))),
        ] {
            assert_eq!(speaks_at(probes(&same).iter()).unwrap(), spot.as_ref(), "{same:?}");
        }
    }
}
