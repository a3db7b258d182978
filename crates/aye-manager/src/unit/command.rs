//! Command lines of `ExecStart=` and its kin: `systemd.service(5)`, "COMMAND LINES". They are parsed when the unit is
//! loaded; variables are put in when the process starts, by [`Command::argv`].

use super::error::Invalid;
use super::word::{self, Escapes, Fault};

/// One command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// An absolute path, or a bare name to look for in `PATH`.
    pub executable: String,
    /// The arguments with `argv[0]`, variables not yet put in.
    pub arguments: Vec<String>,
    /// `-`: a failure counts as success.
    pub ignore_failure: bool,
    /// Whether variables are put in; `:` says no.
    pub expands: bool,
}

/// The commands of one setting, and remarks on what has no effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// In order; more than one when the line has a lone `;`.
    pub commands: Vec<Command>,
    /// Fragments such as `the prefix + is not honoured by aye run`.
    pub remarks: Vec<String>,
}

/// What stands before the executable.
#[derive(Default)]
struct Prefixes {
    ignore_failure: bool,
    own_argv0: bool,
    literal: bool,
    privilege: String,
}

/// Reads a whole command line. `expand` puts specifiers in, word by word, so that a value with spaces stays one word.
pub fn parse(line: &str, expand: &impl Fn(&str) -> Result<String, Invalid>) -> Result<Parsed, Invalid> {
    let mut parsed = Parsed::default();
    let mut rest = line;
    while let Some((first, tail)) = next(rest, line, &mut parsed.remarks)? {
        rest = tail;
        if first == ";" {
            continue;
        }
        let (prefixes, executable) = Prefixes::split(&first);
        if !prefixes.privilege.is_empty() {
            parsed.remarks.push(format!("the prefix {} is not honoured by aye run", prefixes.privilege));
        }
        let executable = checked_executable(&expand(executable)?)?;
        let mut arguments = if prefixes.own_argv0 { Vec::new() } else { vec![executable.clone()] };
        rest = collect(&mut arguments, rest, line, expand, &mut parsed.remarks)?;
        if arguments.first().is_none_or(String::is_empty) {
            return Err(Invalid::expected("a name for the process after the @ command", line));
        }
        let (ignore_failure, expands) = (prefixes.ignore_failure, !prefixes.literal);
        parsed.commands.push(Command { executable, arguments, ignore_failure, expands });
    }
    Ok(parsed)
}

/// The arguments up to the end or a lone `;`; what follows that is returned.
fn collect<'a>(
    arguments: &mut Vec<String>,
    mut rest: &'a str,
    line: &str,
    expand: &impl Fn(&str) -> Result<String, Invalid>,
    remarks: &mut Vec<String>,
) -> Result<&'a str, Invalid> {
    loop {
        if let Some(tail) = lone(rest, ";") {
            return Ok(tail);
        }
        if let Some(tail) = lone(rest, "\\;") {
            arguments.push(";".to_owned());
            rest = tail;
            continue;
        }
        let Some((word, tail)) = next(rest, line, remarks)? else {
            return Ok("");
        };
        arguments.push(expand(&word)?);
        rest = tail;
    }
}

/// What follows `token` when it stands alone at the start of `text`.
fn lone<'a>(text: &'a str, token: &str) -> Option<&'a str> {
    let tail = text.strip_prefix(token)?;
    let trimmed = tail.trim_start_matches([' ', '\t', '\n', '\r']);
    (tail.is_empty() || trimmed.len() < tail.len()).then_some(trimmed)
}

/// The next word. An unknown escape stays as written, with a remark, as systemd does.
fn next<'a>(
    rest: &'a str,
    line: &str,
    remarks: &mut Vec<String>,
) -> Result<Option<(String, &'a str)>, Invalid> {
    let found = match word::first(rest, Escapes::Strict) {
        Err(Fault::Escape) => {
            let found = word::first(rest, Escapes::Lenient);
            if let Ok(Some((word, _))) = &found {
                let word = String::from_utf8_lossy(word).into_owned();
                remarks.push(format!("unknown escape in {}: kept as written", super::error::quoted(&word)));
            }
            found
        }
        other => other,
    };
    match found.map_err(|fault| fault.in_value(line))? {
        Some((word, tail)) => Ok(Some((word::text(word)?, tail))),
        None => Ok(None),
    }
}

impl Prefixes {
    /// Each prefix counts once, of `+`, `!` and `!!` only one; what comes after belongs to the executable.
    fn split(word: &str) -> (Self, &str) {
        let mut prefixes = Self::default();
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            match first {
                '-' if !prefixes.ignore_failure => prefixes.ignore_failure = true,
                '@' if !prefixes.own_argv0 => prefixes.own_argv0 = true,
                ':' if !prefixes.literal => prefixes.literal = true,
                '+' if prefixes.privilege.is_empty() => prefixes.privilege.push('+'),
                '!' if matches!(prefixes.privilege.as_str(), "" | "!") => {
                    prefixes.privilege.push('!');
                }
                _ => break,
            }
            rest = &rest[1..];
        }
        (prefixes, rest)
    }
}

fn checked_executable(executable: &str) -> Result<String, Invalid> {
    let what = "an absolute path or the name of a program";
    let bad = executable.is_empty()
        || executable.starts_with('|')
        || executable.ends_with('/')
        || executable.contains(|c: char| c.is_control() || "\\\"'".contains(c))
        || (executable.contains('/') && !executable.starts_with('/'))
        || matches!(executable, "." | "..");
    if bad { Err(Invalid::expected(what, executable)) } else { Ok(executable.to_owned()) }
}

impl Command {
    /// The arguments to start the process with: `$NAME` as a word of its own becomes the words of its value, or nothing;
    /// `${NAME}` anywhere becomes the value as it is, or nothing; `$$` becomes `$`.
    ///
    /// ```
    /// use aye_manager::unit::command;
    ///
    /// let parsed = command::parse("/bin/echo $WORDS ${WORDS} a$$b", &|word| Ok(word.to_owned())).unwrap();
    /// let env = |name: &str| (name == "WORDS").then(|| "one two".to_owned());
    /// assert_eq!(parsed.commands[0].argv(&env), ["/bin/echo", "one", "two", "one two", "a$b"]);
    /// ```
    pub fn argv(&self, env: &impl Fn(&str) -> Option<String>) -> Vec<String> {
        if !self.expands {
            return self.arguments.clone();
        }
        let mut argv = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            match argument.strip_prefix('$') {
                Some(name) if !name.starts_with(['{', '$']) => argv.extend(words_of(env(name))),
                _ => argv.push(braced(argument, env)),
            }
        }
        argv
    }
}

/// A variable's value as words; quotes are removed, and closed at the end when they are left open.
fn words_of(value: Option<String>) -> Vec<String> {
    let words = word::all(&value.unwrap_or_default(), Escapes::Literal).unwrap_or_default();
    words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned()).collect()
}

/// `${NAME}` and `$$` inside a word. A `$` before anything else, and a brace that is never closed, stay.
fn braced(argument: &str, env: &impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(argument.len());
    let mut rest = argument;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(tail) = after.strip_prefix('$') {
            expanded.push('$');
            rest = tail;
        } else if let Some((name, tail)) = after.strip_prefix('{').and_then(closed_name) {
            expanded.push_str(&env(name).unwrap_or_default());
            rest = tail;
        } else {
            expanded.push('$');
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded
}

/// The name before the closing brace. With a colon it would be an expression that command lines do not have.
fn closed_name(text: &str) -> Option<(&str, &str)> {
    text.split_once('}').filter(|(name, _)| !name.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Result<Parsed, String> {
        parse(line, &|word| Ok(word.replace("%i", "a b"))).map_err(|invalid| invalid.to_string())
    }

    fn one(line: &str) -> Command {
        let parsed = read(line).unwrap();
        assert_eq!((parsed.commands.len(), parsed.remarks.len()), (1, 0), "{parsed:?}");
        parsed.commands[0].clone()
    }

    #[test]
    fn refuses_what_cannot_be_an_executable() {
        let cases = [
            ("bin/x", "bin/x"),
            ("./x", "./x"),
            ("/srv/", "/srv/"),
            ("-", ""),
            ("@", ""),
            ("..", ".."),
            ("|ls", "|ls"),
            ("''", ""),
        ];
        for (line, found) in cases {
            let expected = format!("expected an absolute path or the name of a program, found {found:?}");
            assert_eq!(read(line), Err(expected), "{line}");
        }
    }

    #[test]
    fn refuses_open_quotes_and_an_at_without_a_name() {
        assert_eq!(
            read("/bin/sh -c 'x"),
            Err(r#"expected every quote to be closed, found "/bin/sh -c 'x""#.into())
        );
        assert_eq!(
            read("@/bin/sh"),
            Err(r#"expected a name for the process after the @ command, found "@/bin/sh""#.into())
        );
        assert_eq!(
            read("@/bin/sh ; x"),
            Err(r#"expected a name for the process after the @ command, found "@/bin/sh ; x""#.into())
        );
    }

    #[test]
    fn says_what_has_no_effect() {
        for (line, prefix) in [("+/bin/x", "+"), ("!/bin/x", "!"), ("-!!/bin/x", "!!")] {
            let parsed = read(line).unwrap();
            assert_eq!(parsed.remarks, [format!("the prefix {prefix} is not honoured by aye run")]);
            assert_eq!(parsed.commands[0].executable, "/bin/x");
        }
        let parsed = read(r"/bin/grep '\d+'").unwrap();
        assert_eq!(parsed.remarks, [r#"unknown escape in "\\d+": kept as written"#]);
        assert_eq!(parsed.commands[0].arguments[1], r"\d+");
    }

    #[test]
    fn reads_prefixes_in_any_order_once() {
        let command = one("-:@node worker --x");
        assert_eq!((command.ignore_failure, command.expands), (true, false));
        assert_eq!(
            (command.executable.as_str(), command.arguments),
            ("node", vec!["worker".into(), "--x".into()])
        );
        assert_eq!(one("--x").executable, "-x");
    }

    #[test]
    fn a_lone_semicolon_separates_and_an_escaped_one_is_an_argument() {
        let executables =
            |line: &str| read(line).unwrap().commands.into_iter().map(|c| c.arguments).collect::<Vec<_>>();
        let cases: [(&str, &[&[&str]]); 6] = [
            ("/a x ; /b y", &[&["/a", "x"], &["/b", "y"]]),
            ("/a x; y", &[&["/a", "x;", "y"]]),
            (r"/a \; y", &[&["/a", ";", "y"]]),
            (r#"/a ";" y"#, &[&["/a", ";", "y"]]),
            ("; /a ;", &[&["/a"]]),
            ("", &[]),
        ];
        for (line, expected) in cases {
            assert_eq!(executables(line), expected, "{line}");
        }
    }

    #[test]
    fn a_specifier_with_spaces_stays_one_word() {
        assert_eq!(one("/a %i 'x %i'").arguments, ["/a", "a b", "x a b"]);
    }

    #[test]
    fn puts_variables_in_as_the_manual_shows() {
        let env = |name: &str| match name {
            "ONE" => Some("one".to_owned()),
            "TWO" => Some("two two".to_owned()),
            "QUOTED" => Some(r#""a b" c\ d 'open"#.to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let cases: [(&str, &[&str]); 12] = [
            ("/e $ONE $TWO ${TWO}", &["/e", "one", "two", "two", "two two"]),
            ("/e ${ONE} ${TWO} ${THREE}", &["/e", "one", "two two", ""]),
            ("/e $THREE $EMPTY x", &["/e", "x"]),
            ("/e a${ONE}b${TWO}c", &["/e", "aonebtwo twoc"]),
            ("/e a$ONE", &["/e", "a$ONE"]),
            ("/e '$TWO'", &["/e", "two", "two"]),
            ("/e $$ONE $$ a$$b", &["/e", "$ONE", "$", "a$b"]),
            ("/e $QUOTED", &["/e", "a b", "c d", "open"]),
            ("/e ${ONE x$ a${", &["/e", "${ONE", "x$", "a${"]),
            ("/e $ ${ONE:-x}", &["/e", "${ONE:-x}"]),
            (":/e $ONE ${TWO} $$", &["/e", "$ONE", "${TWO}", "$$"]),
            ("@/e ${ONE} x", &["one", "x"]),
        ];
        for (line, expected) in cases {
            assert_eq!(one(line).argv(&env), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn parsing_and_expanding_never_panic(line in "[-@:+!/a-c$\\{\\};'\"\\\\ %i0xä]{0,40}") {
            if let Ok(parsed) = read(&line) {
                for command in parsed.commands {
                    let _ = command.argv(&|_| Some("x 'y".to_owned()));
                }
            }
        }

        #[test]
        fn quoted_words_come_back_as_they_were(words in proptest::collection::vec("[^\0\\\\\"%$]{1,10}", 1..5)) {
            let line = words.iter().fold("/e".to_owned(), |line, word| format!("{line} \"{word}\""));
            prop_assert_eq!(&one(&line).argv(&|_| None)[1..], &words[..]);
        }
    }
}
