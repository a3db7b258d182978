//! What is wanted at the cursor, from the words of the line and the verbs and options that clap knows: pure.

use clap::{Arg, ArgAction, Command};

/// A word, and what it means.
pub(super) type Word = (String, String);

/// A line up to the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) verb: String,
    /// The options before the cursor by their ids, with their values.
    pub(super) given: Vec<(String, String)>,
    /// What the word at the cursor has before that which is completed: `--option=`.
    pub(super) prefix: String,
    /// The rest of it.
    pub(super) typed: String,
    pub(super) wishes: Vec<Wish>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// One of these.
    Words(Vec<Word>),
    /// One of what the help calls so: FILE, UNIT.
    Noun(String),
    /// A command of its own, which begins at this word of the line, counted from 0.
    Command(usize),
}

/// Reads the words behind `aye`, the last of which is at the cursor.
pub(super) fn read(aye: &Command, words: &[String]) -> Line {
    let Some((current, before)) = words.split_last() else { return Line::default() };
    let Some((verb, before)) = before.split_first() else {
        let wishes = vec![Wish::Words(verbs(aye)), Wish::Words(options(aye, current, &[]))];
        return Line { typed: current.clone(), wishes, ..Line::default() };
    };
    let Some(verb) = aye.find_subcommand(verb) else { return Line::default() };
    let mut reader = Reader::new(verb);
    for (index, word) in before.iter().enumerate() {
        // The words of the whole line have `aye` and the verb in front of these.
        if reader.is_followed_by_a_command(word) {
            let after_both = reader.has("exec") && before.get(index + 1).is_some_and(|next| next == "--");
            reader.line.wishes = vec![Wish::Command(index + 3 + usize::from(after_both))];
            reader.line.typed.clone_from(current);
            return reader.line;
        }
        reader.take(word);
    }
    reader.finish(current)
}

/// A verb's words, one after another.
struct Reader<'c> {
    verb: &'c Command,
    line: Line,
    /// The option whose value is the next word.
    pending: Option<&'c Arg>,
    positionals: usize,
}

impl<'c> Reader<'c> {
    fn new(verb: &'c Command) -> Self {
        let line = Line { verb: verb.get_name().to_owned(), ..Line::default() };
        Self { verb, line, pending: None, positionals: 0 }
    }

    fn has(&self, id: &str) -> bool {
        self.line.given.iter().any(|(given, _)| given == id)
    }

    /// `--`, where the verb takes a command behind it, and the `;` of notify --exec.
    fn is_followed_by_a_command(&self, word: &str) -> bool {
        let takes = || self.verb.get_positionals().any(Arg::is_last_set) || self.has("fork");
        self.pending.is_none() && ((word == "--" && takes()) || (word == ";" && self.has("exec")))
    }

    fn take(&mut self, word: &str) {
        if let Some(option) = self.pending.take() {
            self.give(option, word);
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let option = self.verb.get_arguments().find(|option| option.get_long() == Some(name));
            self.open(option, value);
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            self.take_letters(letters);
        } else {
            self.positionals += 1;
        }
    }

    /// `-wH host`, `-Hhost`.
    fn take_letters(&mut self, letters: &str) {
        for (index, letter) in letters.char_indices() {
            let option = self.verb.get_arguments().find(|option| option.get_short() == Some(letter));
            let value = &letters[index + letter.len_utf8()..];
            if option.is_some_and(takes_value) && !value.is_empty() {
                return self.open(option, Some(value));
            }
            self.open(option, None);
        }
    }

    fn open(&mut self, option: Option<&'c Arg>, value: Option<&str>) {
        match (option, value) {
            (Some(option), None) if takes_value(option) && !option.is_require_equals_set() => {
                self.pending = Some(option);
            }
            (Some(option), value) => self.give(option, value.unwrap_or_default()),
            (None, _) => {}
        }
    }

    fn give(&mut self, option: &Arg, value: &str) {
        self.line.given.push((option.get_id().to_string(), value.to_owned()));
    }

    fn finish(mut self, current: &str) -> Line {
        current.clone_into(&mut self.line.typed);
        if let Some(option) = self.pending {
            self.line.wishes = wishes(option);
        } else if let Some((name, value)) = current.strip_prefix("--").and_then(|long| long.split_once('=')) {
            let option = self.verb.get_arguments().find(|option| option.get_long() == Some(name));
            self.line.wishes = option.filter(|option| takes_value(option)).map(wishes).unwrap_or_default();
            self.line.prefix = format!("--{name}=");
            value.clone_into(&mut self.line.typed);
        } else if current.starts_with('-') {
            self.line.wishes = vec![Wish::Words(options(self.verb, current, &self.line.given))];
        } else {
            self.line.wishes = self.positional().map(wishes).unwrap_or_default();
        }
        self.line
    }

    /// What a word that is no option would be.
    fn positional(&self) -> Option<&'c Arg> {
        let mut places = self.verb.get_positionals().filter(|place| !place.is_last_set());
        let many = |place: &&Arg| place.get_num_args().is_some_and(|range| range.max_values() > 1);
        let last = self.verb.get_positionals().filter(|place| !place.is_last_set()).last().filter(many);
        places.nth(self.positionals).or(last)
    }
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

fn wishes(argument: &Arg) -> Vec<Wish> {
    let values = argument.get_possible_values();
    if !values.is_empty() {
        let word = |value: &clap::builder::PossibleValue| {
            let meaning = value.get_help().map(ToString::to_string);
            (value.get_name().to_owned(), meaning.unwrap_or_default())
        };
        return vec![Wish::Words(values.iter().map(word).collect())];
    }
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().flat_map(|name| name.split('|')).map(|noun| Wish::Noun(noun.to_owned())).collect()
}

fn verbs(aye: &Command) -> Vec<Word> {
    let verb = |verb: &Command| (verb.get_name().to_owned(), first_sentence(verb.get_about()));
    aye.get_subcommands().filter(|verb| !verb.is_hide_set()).map(verb).collect()
}

/// The options that may still be given. They come when a `-` asks for them.
fn options(verb: &Command, current: &str, given: &[(String, String)]) -> Vec<Word> {
    if !current.starts_with('-') {
        return Vec::new();
    }
    let is_open = |option: &&Arg| {
        let again = matches!(option.get_action(), ArgAction::Append | ArgAction::Count);
        !option.is_hide_set() && (again || given.iter().all(|(id, _)| id != option.get_id()))
    };
    let word = |option: &Arg| {
        let long = option.get_long().map(|name| format!("--{name}"));
        let name = long.or_else(|| option.get_short().map(|letter| format!("-{letter}")))?;
        Some((name, first_sentence(option.get_help())))
    };
    verb.get_arguments().filter(is_open).filter_map(word).collect()
}

fn first_sentence(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    let sentence = text.split(". ").next().unwrap_or_default().lines().next().unwrap_or_default();
    sentence.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn of(words: &[&str]) -> Line {
        let mut aye = crate::Aye::command();
        aye.build();
        read(&aye, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    fn noun(noun: &str) -> Wish {
        Wish::Noun(noun.to_owned())
    }

    fn offered(line: &Line) -> Vec<&str> {
        let words = line.wishes.iter().filter_map(|wish| match wish {
            Wish::Words(words) => Some(words),
            _ => None,
        });
        words.flatten().map(|(word, _)| word.as_str()).collect()
    }

    #[test]
    fn what_is_no_verb_and_what_is_too_much_have_nothing_to_offer() {
        assert_eq!(of(&[]), Line::default());
        assert_eq!(of(&["nope", ""]).wishes, []);
        assert_eq!(of(&["completions", "bash", ""]).wishes, []);
        assert_eq!(of(&["trace", "web", ""]).wishes, [], "one unit is traced at a time");
        assert_eq!(of(&["wrap", "--nope=", ""]).wishes, []);
    }

    #[test]
    fn a_value_is_no_word_of_the_verb() {
        assert_eq!(of(&["restart", "-H", "web1", ""]).wishes, [noun("UNIT")]);
        assert_eq!(of(&["trace", "--machine", "box", "-o", "file", ""]).wishes, [noun("UNIT")]);
        assert_eq!(of(&["status", "-wH", ""]).wishes, [noun("HOST")]);
        assert_eq!(of(&["check", "a", "b", ""]).wishes, [noun("FILE"), noun("DIR"), noun("UNIT")]);
    }

    #[test]
    fn what_an_option_takes_is_wanted_behind_it_and_behind_its_equals_sign() {
        assert_eq!(of(&["check", "--explain", "notify-"]).wishes, [noun("RULE")]);
        let line = of(&["check", "--junit=out/"]);
        assert_eq!((line.prefix.as_str(), line.typed.as_str()), ("--junit=", "out/"));
        assert_eq!(line.wishes, [noun("FILE")]);
        assert_eq!(
            of(&["status", "--embedded", "we"]).wishes,
            [noun("UNIT")],
            "its folder needs the equals sign"
        );
        assert_eq!(of(&["status", "--embedded=/r"]).wishes, [noun("DIR")]);
        assert_eq!(offered(&of(&["wrap", "--main", ""])), ["aye", "child"]);
    }

    #[test]
    fn the_options_before_the_cursor_are_known() {
        let line = of(&["status", "--user", "-Hweb1", "--host=web2", "a"]);
        let given = [("user", ""), ("host", "web1"), ("host", "web2")];
        assert_eq!(line.given, given.map(|(id, value)| (id.to_owned(), value.to_owned())));
    }

    #[test]
    fn an_option_is_offered_once_unless_it_can_be_repeated() {
        let line = of(&["wrap", "--main=aye", "--ready-on", "port", "--"]);
        assert!(!offered(&line).contains(&"--main") && offered(&line).contains(&"--ready-on"), "{line:?}");
    }

    #[test]
    fn a_command_begins_behind_the_dashes_or_the_semicolon() {
        for (words, index) in [
            (vec!["trace", "--", ""], 3),
            (vec!["wrap", "--ready-on", "port", "--", "node", "server.js", "--"], 5),
            (vec!["notify", "--fork", "--", "ls"], 4),
            (vec!["notify", "--exec", "X=1", ";", "ls"], 5),
            (vec!["notify", "--exec", ";", "--", "ls"], 5),
        ] {
            assert_eq!(of(&words).wishes, [Wish::Command(index)], "{words:?}");
        }
        assert_eq!(of(&["restart", "--", "we"]).wishes, [noun("UNIT")]);
        assert_eq!(of(&["notify", "--status", ";", "--"]).prefix, "");
    }
}
