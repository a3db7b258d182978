//! How units are called in what people read, and text of others made safe to show.

use crate::output::short;
use crate::restart::report::Shown;
use crate::restart::resume;

/// Up to so many units a list has each name in full, and each finished unit keeps its row.
pub(in crate::restart) const FEW: usize = 30;

/// Whether names alone tell the units of this plan apart.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::restart) struct Naming {
    hosted: bool,
}

impl Naming {
    pub(in crate::restart) fn of(units: &[Shown]) -> Self {
        Self { hosted: units.windows(2).any(|pair| pair[0].host != pair[1].host) }
    }

    /// `web@1.service`, or `web@1.service on b.example`.
    pub(in crate::restart) fn full(self, unit: &Shown) -> String {
        self.at_its_host(&unit.name, unit)
    }

    /// `web@1`, or `web@1 on b.example`.
    pub(in crate::restart) fn short(self, unit: &Shown) -> String {
        self.at_its_host(short(&unit.name), unit)
    }

    fn at_its_host(self, name: &str, unit: &Shown) -> String {
        match &unit.host {
            Some(host) if self.hosted => format!("{name} on {}", printable(host)),
            _ if self.hosted => format!("{name} here"),
            _ => name.to_owned(),
        }
    }

    /// All of these, host by host; of many, instances in a row as a shell would take them: `web@{1..1000}`.
    pub(in crate::restart) fn list(self, units: &[Shown], indices: &[usize]) -> String {
        if !self.hosted {
            return names(units, indices);
        }
        let mut hosts: Vec<(&Option<String>, Vec<usize>)> = Vec::new();
        for &index in indices {
            let host = &units[index].host;
            match hosts.iter_mut().find(|(known, _)| *known == host) {
                Some((_, members)) => members.push(index),
                None => hosts.push((host, vec![index])),
            }
        }
        let on = |host: &Option<String>| {
            host.as_ref().map_or("here".to_owned(), |h| format!("on {}", printable(h)))
        };
        let parts: Vec<_> =
            hosts.iter().map(|(host, members)| format!("{} {}", names(units, members), on(host))).collect();
        parts.join(", ")
    }
}

fn names(units: &[Shown], indices: &[usize]) -> String {
    let names: Vec<&str> = indices.iter().map(|&index| units[index].name.as_str()).collect();
    if names.len() > FEW { resume::words(&names).join(" ") } else { names.join(" ") }
}

/// Text of a service, made safe to show: a control character could redraw the screen or forge a line, and one that turns
/// the direction of writing could make a line read as what it is not.
pub(in crate::restart) fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The same of text that may have several lines, as one.
pub(in crate::restart) fn in_one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    printable(&lines.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(units: &[(&str, Option<&str>)]) -> Vec<Shown> {
        let shown = |(name, host): &(&str, Option<&str>)| Shown {
            name: format!("{name}.service"),
            host: host.map(str::to_owned),
            limit: None,
        };
        units.iter().map(shown).collect()
    }

    #[test]
    fn a_status_cannot_draw_on_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc\td\u{9b}"), "a\u{fffd}[2Jb\u{fffd}c d\u{fffd}");
        assert_eq!(printable("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
    }

    #[test]
    fn several_lines_of_a_reason_are_one() {
        assert_eq!(in_one_line("ssh: no route\r\n\n  to host\n"), "ssh: no route to host");
    }

    #[test]
    fn one_host_for_all_needs_no_mention_and_two_do() {
        let one = units(&[("web@1", Some("a")), ("web@2", Some("a"))]);
        assert_eq!(Naming::of(&one).full(&one[0]), "web@1.service");
        let two = units(&[("web@1", Some("a")), ("web@1", Some("b")), ("web@1", None)]);
        let labels: Vec<_> = two.iter().map(|unit| Naming::of(&two).short(unit)).collect();
        assert_eq!(labels, ["web@1 on a", "web@1 on b", "web@1 here"]);
    }

    #[test]
    fn a_list_goes_host_by_host() {
        let units = units(&[("x", Some("a")), ("x", Some("b")), ("y", Some("a"))]);
        assert_eq!(Naming::of(&units).list(&units, &[0, 1, 2]), "x.service y.service on a, x.service on b");
    }

    #[test]
    fn a_long_list_is_short() {
        let names: Vec<_> = (1..=1000).map(|number| format!("web@{number}")).collect();
        let units = units(&names.iter().map(|name| (name.as_str(), None)).collect::<Vec<_>>());
        let all: Vec<_> = (0..1000).collect();
        assert_eq!(Naming::of(&units).list(&units, &all), "web@{1..1000}");
    }
}
