//! A command of a unit, taken apart: the programs that only pass on to the next by exec (`env`, `nice`, `setpriv`), and the
//! program that becomes the process. Pure: nothing is looked up.

use aye_manager::unit::Name;
use aye_manager::unit::command;

use super::setting::Setting;

/// Programs that become the next one, with those of their options that take a word of their own.
const PASSING_ON: [(&str, &str); 16] = [
    ("env", "-u --unset -C --chdir"),
    ("nice", "-n --adjustment"),
    ("ionice", "-c --class -n --classdata"),
    ("chrt", "-T -P -D"),
    ("taskset", ""),
    ("setpriv", "--reuid --regid --groups --bounding-set --inh-caps --ambient-caps --securebits --pdeathsig"),
    ("stdbuf", "-i -o -e"),
    ("nohup", ""),
    ("setsid", ""),
    ("gosu", ""),
    ("su-exec", ""),
    ("prlimit", ""),
    ("numactl", "-N -m -C -i"),
    ("chroot", ""),
    ("systemd-cat", "-t -p"),
    ("exec", "-a"),
];

/// Those of them that take a word before the command which is no option: a user, a mask, a priority, a folder.
const ONE_WORD: [&str; 5] = ["gosu", "su-exec", "taskset", "chrt", "chroot"];

/// One command line of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// The line it stands on.
    pub(crate) setting: Setting,
    /// The executable and its arguments as the unit has them, specifiers and variables not yet put in.
    pub(crate) words: Vec<String>,
    /// What runs at last; never empty.
    pub(crate) inner: Vec<String>,
    /// Whether an `env -i` on the way empties the environment.
    pub(crate) empties_environment: bool,
    /// Variables that an `env` on the way removes.
    pub(crate) removes: Vec<String>,
}

impl Command {
    /// The commands of one `Exec...=` line; none of one that systemd would refuse.
    pub(crate) fn of(setting: &Setting) -> Vec<Self> {
        let parsed = command::parse(&setting.value, &|word| Ok(word.to_owned())).unwrap_or_default();
        parsed.commands.into_iter().map(|command| Self::new(setting, command)).collect()
    }

    fn new(setting: &Setting, command: command::Command) -> Self {
        let mut words = command.arguments;
        match words.first_mut() {
            Some(first) => *first = command.executable,
            None => words.push(command.executable),
        }
        let mut peeled = Peeled { rest: &words, empties_environment: false, removes: Vec::new() };
        while peeled.step() {}
        Self {
            setting: setting.clone(),
            inner: peeled.rest.to_vec(),
            empties_environment: peeled.empties_environment,
            removes: peeled.removes,
            words,
        }
    }

    /// The name of the program that runs at last.
    pub(crate) fn program(&self) -> &str {
        base(&self.inner[0])
    }

    /// Its arguments.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.inner[1..]
    }

    /// Whether one of its words is this.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.arguments().iter().any(|argument| argument == word)
    }

    /// The command with another program and arguments in the place of what runs at last, as a line.
    pub(crate) fn with(&self, inner: &[String]) -> String {
        let before = &self.words[..self.words.len() - self.inner.len()];
        line(&self.setting.written, &[before, inner].concat())
    }
}

/// A setting with a command, quoted as `systemd.service(5)` asks for.
pub(crate) fn line(key: &str, words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("{key}={}", words.join(" "))
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '\t', '"', '\'', ';', '\\']) {
        let escaped = word.replace('\\', "\\\\");
        let has_quote = escaped.contains('\'');
        return if has_quote {
            format!("\"{}\"", escaped.replace('"', "\\\""))
        } else {
            format!("'{escaped}'")
        };
    }
    word.to_owned()
}

/// A file's name without its folders.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

struct Peeled<'a> {
    rest: &'a [String],
    empties_environment: bool,
    removes: Vec<String>,
}

impl Peeled<'_> {
    /// Goes from a program that passes on to the next; says whether there was one.
    fn step(&mut self) -> bool {
        let Some((first, words)) = self.rest.split_first() else { return false };
        let name = base(first);
        if name == "aye" && words.first().is_some_and(|verb| verb == "wrap") {
            return self.wrap(words);
        }
        let Some((_, with_value)) = PASSING_ON.iter().find(|(program, _)| *program == name) else {
            return false;
        };
        let mut at = 0;
        while let Some(word) = words.get(at).filter(|word| word.starts_with('-') || is_variable(name, word)) {
            self.empties_environment |=
                name == "env" && matches!(word.as_str(), "-i" | "-" | "--ignore-environment");
            let taken = usize::from(with_value.split(' ').any(|option| option == word));
            if name == "env" && matches!(word.as_str(), "-u" | "--unset") {
                self.removes.extend(words.get(at + 1).cloned());
            }
            at += 1 + taken;
            if word == "--" {
                break;
            }
        }
        at += usize::from(ONE_WORD.contains(&name));
        match words.get(at..).filter(|rest| !rest.is_empty()) {
            Some(rest) => self.rest = rest,
            None => return false,
        }
        true
    }

    /// `aye wrap -- CMD` becomes CMD; with probes it stays and speaks for it.
    fn wrap<'a>(&mut self, words: &'a [String]) -> bool
    where
        Self: 'a,
    {
        let at = words.iter().position(|word| word == "--");
        match at {
            Some(1) if words.len() > 2 => {
                self.rest = &self.rest[3..];
                true
            }
            _ => false,
        }
    }
}

fn is_variable(program: &str, word: &str) -> bool {
    program == "env" && word.contains('=')
}

/// Whether a text has one of a unit's specifiers that tell instances apart.
pub(crate) fn names_the_instance(text: &str) -> bool {
    ["%i", "%I", "%n", "%N", "%j", "%J", "%f"].iter().any(|specifier| text.contains(specifier))
}

/// A text with the specifiers of the unit's name put in; any other stays as it is.
pub(crate) fn expanded(text: &str, name: &Name) -> String {
    let instance = name.instance().unwrap_or_default();
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        let letter = after.chars().next();
        match letter {
            Some('n') => expanded.push_str(&name.to_string()),
            Some('N') => expanded.push_str(&name.stem()),
            Some('p') => expanded.push_str(name.prefix()),
            Some('i' | 'I') => expanded.push_str(instance),
            Some('%') => expanded.push('%'),
            Some('t') => expanded.push_str("/run"),
            Some('S') => expanded.push_str("/var/lib"),
            Some('E') => expanded.push_str("/etc"),
            _ => {
                expanded.push('%');
                rest = after;
                continue;
            }
        }
        rest = &after[1..];
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn commands(value: &str) -> Vec<Command> {
        let setting = Setting {
            section: "Service".into(),
            key: "ExecStart".into(),
            written: "ExecStart".into(),
            value: value.into(),
            file: "a.service".into(),
            line: 1,
        };
        Command::of(&setting)
    }

    #[test]
    fn what_runs_at_last_is_found_behind_those_that_pass_on() {
        let table = [
            ("/usr/bin/npm start", "/usr/bin/npm start"),
            ("-/usr/bin/env -u X A=1 node a.js", "node a.js"),
            ("/usr/bin/nice -n 5 /usr/bin/ionice -c3 /bin/sh -c 'a; b'", "/bin/sh -c a; b"),
            ("gosu web node a.js", "node a.js"),
            ("/usr/bin/aye wrap -- node a.js", "node a.js"),
            (
                "/usr/bin/aye wrap --ready-on port -- node a.js",
                "/usr/bin/aye wrap --ready-on port -- node a.js",
            ),
            ("/usr/bin/env", "/usr/bin/env"),
        ];
        for (line, inner) in table {
            assert_eq!(commands(line)[0].inner.join(" "), inner, "{line}");
        }
        assert!(commands("env -i node a.js")[0].empties_environment);
    }

    #[test]
    fn a_command_is_written_again_with_its_quotes() {
        let command = &commands("nice -n 5 sh -c 'a b'")[0];
        assert_eq!(
            command.with(&["sh".into(), "-c".into(), "exec a b".into()]),
            "ExecStart=nice -n 5 sh -c 'exec a b'"
        );
    }

    #[test]
    fn specifiers_of_the_name_are_put_in() {
        let name: Name = "web@3.service".parse().unwrap();
        assert_eq!(expanded("/srv/%p/%i-%%-%h", &name), "/srv/web/3-%-%h");
    }
}
