//! The command that resumes a run, for a shell to read back: options and names quoted, `.service` left out, and three
//! or more instances in a row written as one brace expansion of bash's: `web@{3..8}`.

use aye_bus::quoted;

/// The command that restarts `names` (full ones, in this order) with the words of `options`; `None` when nothing is left.
pub(crate) fn command(options: &[String], names: &[&str]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let mut words = vec!["aye".to_owned(), "restart".to_owned()];
    words.extend(options.iter().map(|option| quoted(option)));
    // Such as -.mount, which would be read as options.
    words.extend(names.iter().any(|name| name.starts_with('-')).then(|| "--".to_owned()));
    words.extend(self::words(names));
    Some(words.join(" "))
}

/// The names as words of bash.
pub(super) fn words(names: &[&str]) -> Vec<String> {
    let parts: Vec<Parts<'_>> = names.iter().map(|name| Parts::of(typed(name))).collect();
    let mut words = Vec::new();
    let mut rest = parts.as_slice();
    while let Some(first) = rest.first() {
        let (run, others) = rest.split_at(run_length(rest));
        match run {
            [_, _, .., last] => words.push(first.up_to(last)),
            few => words.extend(few.iter().map(|parts| quoted(&parts.whole()))),
        }
        rest = others;
    }
    words
}

/// The kinds of units (`man systemd.unit`): a name that ends in one of them is taken as it is.
const KINDS: [&str; 11] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

/// The name as it can be typed: without `.service`, unless another suffix would then stand at the end.
fn typed(name: &str) -> &str {
    let Some(stem) = name.strip_suffix(".service").filter(|stem| !stem.is_empty()) else {
        return name;
    };
    let is_kind = |(_, last): (&str, &str)| KINDS.contains(&last);
    if stem.rsplit_once('.').is_some_and(is_kind) { name } else { stem }
}

/// A name around the number of its instance, if it has one: `backup@`, `07`, `.timer`.
#[derive(Debug, Clone, Copy)]
struct Parts<'a> {
    before: &'a str,
    digits: &'a str,
    after: &'a str,
}

impl<'a> Parts<'a> {
    fn of(name: &'a str) -> Self {
        let none = Self { before: name, digits: "", after: "" };
        let Some(at) = name.find('@') else {
            return none;
        };
        let (before, instance) = name.split_at(at + 1);
        let end = instance.find(|c: char| !c.is_ascii_digit()).unwrap_or(instance.len());
        let (digits, after) = instance.split_at(end);
        // An instance is a number as a whole, or it is none: not 10.0.0.1.
        let whole = KINDS.iter().any(|kind| after.strip_prefix('.') == Some(kind)) || after.is_empty();
        if whole { Self { before, digits, after } } else { none }
    }

    /// The number, where bash counts with it: its integers have 64 bits, sign included.
    fn number(&self) -> Option<u64> {
        if self.digits.len() > 18 { None } else { self.digits.parse().ok() }
    }

    /// Whether this is what bash's expansion gives after `previous`: with a leading zero at either end, bash gives every
    /// number the same width; without, none gets a zero (`man bash`, Brace Expansion).
    fn follows(&self, previous: &Self) -> bool {
        let zero = |parts: &Self| parts.digits.len() > 1 && parts.digits.starts_with('0');
        let padded = zero(previous) || zero(self);
        let consecutive = matches!((previous.number(), self.number()), (Some(a), Some(b)) if b == a + 1);
        consecutive
            && (self.before, self.after) == (previous.before, previous.after)
            && (!padded || self.digits.len() == previous.digits.len())
    }

    fn whole(&self) -> String {
        [self.before, self.digits, self.after].concat()
    }

    fn up_to(&self, last: &Self) -> String {
        let part = |text: &str| if text.is_empty() { String::new() } else { quoted(text) };
        format!("{}{{{}..{}}}{}", part(self.before), self.digits, last.digits, part(self.after))
    }
}

/// How many of the names, from the first on, are one expansion. A width once begun is kept: 08 09 10 is one, 9 10 is one,
/// and 098 099 100 101 is one, too, but 99 100 after 098 would not be.
fn run_length(parts: &[Parts<'_>]) -> usize {
    let first = &parts[0];
    let width = first.digits.len();
    let padded = width > 1 && first.digits.starts_with('0');
    let goes_on =
        |pair: &[Parts<'_>]| pair[1].follows(&pair[0]) && (!padded || pair[1].digits.len() == width);
    1 + parts.windows(2).take_while(|pair| goes_on(pair)).count()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn resume(names: &[&str]) -> String {
        command(&[], names).unwrap().strip_prefix("aye restart ").unwrap().to_owned()
    }

    #[test]
    fn nothing_left_needs_no_resuming() {
        assert_eq!(command(&["--user".to_owned()], &[]), None);
    }

    #[test]
    fn a_name_that_would_become_another_unit_keeps_its_suffix() {
        assert_eq!(resume(&["a.mount.service", "b.service", "c.d.service"]), "a.mount.service b c.d");
        assert_eq!(resume(&[".service"]), ".service");
    }

    #[test]
    fn a_name_like_an_option_comes_after_two_dashes() {
        assert_eq!(resume(&["-.mount", "a.service"]), "-- -.mount a");
    }

    #[test]
    fn options_and_names_are_quoted_where_a_shell_would_change_them() {
        let options = ["--check", "curl $URL; it's", "--after="].map(str::to_owned);
        let names = [r"a\x2db@1.service", r"a\x2db@2.service", r"a\x2db@3.service", r"a\x2db@x.service"];
        let expected = r"aye restart --check 'curl $URL; it'\''s' --after= 'a\x2db@'{1..3} 'a\x2db@x'";
        assert_eq!(command(&options, &names).unwrap(), expected);
    }

    #[test]
    fn only_what_bash_expands_to_the_same_names_is_braced() {
        let table: &[(&[&str], &str)] = &[
            (&["3", "4", "5", "6", "7", "8"], "web@{3..8}"),
            (&["3", "4"], "web@3 web@4"),
            (&["8", "9", "10"], "web@{8..10}"),
            (&["08", "09", "10"], "web@{08..10}"),
            (&["098", "099", "100", "101"], "web@{098..101}"),
            (&["98", "99", "100"], "web@{98..100}"),
            (&["08", "09", "10", "100"], "web@{08..10} web@100"),
            (&["07", "8", "9", "10"], "web@07 web@{8..10}"),
            (&["0", "1", "2"], "web@{0..2}"),
            (&["00", "01", "02"], "web@{00..02}"),
            (&["1", "2", "3", "5", "6", "7", "9"], "web@{1..3} web@{5..7} web@9"),
            (&["3", "2", "1"], "web@3 web@2 web@1"),
            (&["10.0.0.1", "10.0.0.2", "10.0.0.3"], "web@10.0.0.1 web@10.0.0.2 web@10.0.0.3"),
            (&["", "1", "2"], "web@ web@1 web@2"),
        ];
        for (instances, expected) in table {
            let names: Vec<_> = instances.iter().map(|instance| format!("web@{instance}.service")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            assert_eq!(resume(&names), *expected);
        }
    }

    #[test]
    fn another_kind_keeps_its_suffix_behind_the_brace() {
        assert_eq!(resume(&["b@1.timer", "b@2.timer", "b@3.timer"]), "b@{1..3}.timer");
        assert_eq!(resume(&["b@1.timer", "b@2.socket", "b@3.timer"]), "b@1.timer b@2.socket b@3.timer");
    }

    /// What bash makes of the words, one a line.
    fn expanded(words: &[String]) -> Vec<String> {
        let script = format!("printf '%s\\n' {}", words.join(" "));
        let output = Command::new("bash").arg("-c").arg(script).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().split_terminator('\n').map(str::to_owned).collect()
    }

    /// Stretches of instances, padded or not, between names of all that systemd allows in one.
    fn names() -> impl Strategy<Value = Vec<String>> {
        let stem = r"[a-zA-Z0-9:_.\\@-]{1,6}";
        let kind = prop_oneof![Just("service"), Just("timer"), Just("mount.service")];
        let stretch = (r"[a-z\\.]{1,3}", 0u64..1100, 1usize..6, 0usize..5, kind.clone()).prop_map(
            |(stem, from, count, width, kind)| {
                let instances = from..from + count as u64;
                instances.map(|number| format!("{stem}@{number:0width$}.{kind}")).collect::<Vec<_>>()
            },
        );
        let single = (stem, kind).prop_map(|(stem, kind)| vec![format!("{stem}.{kind}")]);
        prop::collection::vec(prop_oneof![3 => stretch, 1 => single], 1..5)
            .prop_map(|names| names.into_iter().flatten().collect())
    }

    proptest! {
        #[test]
        fn bash_gives_back_exactly_the_names(names in names()) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let typed: Vec<&str> = names.iter().map(|name| typed(name)).collect();
            prop_assert_eq!(expanded(&words(&names)), typed);
        }

        #[test]
        fn bash_gives_back_exactly_the_options(options in prop::collection::vec("[^\0\n]{0,8}", 1..5)) {
            let words: Vec<String> = options.iter().map(|option| quoted(option)).collect();
            prop_assert_eq!(expanded(&words), options);
        }
    }
}
