//! Splitting a value into words with quotes and C escapes, as `systemd.service(5)` and `systemd.syntax(7)` describe
//! it. Words come as bytes, because `\xNN` names a byte.

use super::error::Invalid;

/// What a backslash does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// C escapes such as `\n` and `\x20`; any other is an error.
    Strict,
    /// C escapes; any other stays as it is written.
    Lenient,
    /// The next character is taken literally; quotes that are never closed are closed at the end.
    Literal,
}

/// How a word cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A quote is never closed.
    Quote,
    /// A backslash is followed by something that is no escape.
    Escape,
}

impl Fault {
    /// The message for the value the fault was found in.
    pub fn in_value(self, value: &str) -> Invalid {
        match self {
            Self::Quote => Invalid::expected("every quote to be closed", value),
            Self::Escape => {
                Invalid::expected(r"an escape such as \n, \x20 or \\ after each backslash", value)
            }
        }
    }
}

/// White space between words.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The first word of `text` and what follows it with its leading white space removed; `None` when there is no word.
pub fn first(text: &str, escapes: Escapes) -> Result<Option<(Vec<u8>, &str)>, Fault> {
    let bytes = text.as_bytes();
    let start = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    if start == bytes.len() {
        return Ok(None);
    }
    let mut word = Vec::new();
    let mut quote = None;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => {
                at += 1 + escape(&bytes[at + 1..], escapes, &mut word)?;
                continue;
            }
            _ if quote == Some(byte) => quote = None,
            b'\'' | b'"' if quote.is_none() => quote = Some(byte),
            _ if quote.is_none() && is_space(byte) => break,
            _ => word.push(byte),
        }
        at += 1;
    }
    if quote.is_some() && escapes != Escapes::Literal {
        return Err(Fault::Quote);
    }
    Ok(Some((word, text[at..].trim_start_matches([' ', '\t', '\n', '\r']))))
}

/// Every word of `text`.
pub fn all(text: &str, escapes: Escapes) -> Result<Vec<Vec<u8>>, Fault> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some((word, tail)) = first(rest, escapes)? {
        words.push(word);
        rest = tail;
    }
    Ok(words)
}

/// A word as text.
pub fn text(word: Vec<u8>) -> Result<String, Invalid> {
    match String::from_utf8(word) {
        Ok(text) if !text.contains('\0') => Ok(text),
        Ok(text) => Err(Invalid::expected("text without NUL", &text)),
        Err(error) => {
            Err(Invalid::expected("escapes that make UTF-8 text", &String::from_utf8_lossy(error.as_bytes())))
        }
    }
}

/// Reads one escape after its backslash, appends what it stands for, and says how many bytes it took.
fn escape(rest: &[u8], escapes: Escapes, word: &mut Vec<u8>) -> Result<usize, Fault> {
    if escapes == Escapes::Literal {
        return Ok(match rest.first() {
            Some(byte) => {
                word.push(*byte);
                1
            }
            None => 0,
        });
    }
    match c_escape(rest, word) {
        Some(length) => Ok(length),
        None if escapes == Escapes::Strict => Err(Fault::Escape),
        None => {
            word.push(b'\\');
            Ok(rest.first().map_or(0, |byte| {
                word.push(*byte);
                1
            }))
        }
    }
}

/// `systemd.service(5)`, table "C escapes supported in command lines and environment variables".
fn c_escape(rest: &[u8], word: &mut Vec<u8>) -> Option<usize> {
    let single = match rest.first()? {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b's' => b' ',
        same @ (b'\\' | b'"' | b'\'') => *same,
        b'x' => return numeric_byte(rest.get(1..3)?, 16, word).map(|()| 3),
        b'u' => return numeric_char(rest.get(1..5)?, word).map(|()| 5),
        b'U' => return numeric_char(rest.get(1..9)?, word).map(|()| 9),
        b'0'..=b'7' => return numeric_byte(rest.get(..3)?, 8, word).map(|()| 3),
        _ => return None,
    };
    word.push(single);
    Some(1)
}

/// NUL is refused, as no argument can hold it.
fn numeric_byte(digits: &[u8], radix: u32, word: &mut Vec<u8>) -> Option<()> {
    word.push(u8::try_from(number(digits, radix)?).ok().filter(|byte| *byte != 0)?);
    Some(())
}

fn numeric_char(digits: &[u8], word: &mut Vec<u8>) -> Option<()> {
    let c = char::from_u32(number(digits, 16)?).filter(|c| *c != '\0')?;
    word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0u32, |number, digit| {
        number.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str, escapes: Escapes) -> Result<Vec<String>, Fault> {
        all(text, escapes)
            .map(|words| words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect())
    }

    #[test]
    fn refuses_open_quotes_and_unknown_escapes() {
        for text in ["a 'b", "\"", "a\"b c"] {
            assert_eq!(words(text, Escapes::Strict), Err(Fault::Quote), "{text}");
            assert_eq!(words(text, Escapes::Lenient), Err(Fault::Quote), "{text}");
        }
        for text in [
            r"\d",
            r"\",
            r"\x1",
            r"\xg0",
            r"\x00",
            r"\400",
            r"\08",
            r"\000",
            r"\ud800",
            r"\U00110000",
            r"\u12",
            r"\ ",
        ] {
            assert_eq!(words(text, Escapes::Strict), Err(Fault::Escape), "{text}");
        }
        assert_eq!(
            Fault::Quote.in_value("a 'b").to_string(),
            r#"expected every quote to be closed, found "a 'b""#
        );
        assert_eq!(
            Fault::Escape.in_value(r"\d").to_string(),
            r#"expected an escape such as \n, \x20 or \\ after each backslash, found "\\d""#
        );
    }

    #[test]
    fn refuses_words_that_are_not_utf8() {
        assert_eq!(
            text(vec![b'a', 0xff]).unwrap_err().to_string(),
            "expected escapes that make UTF-8 text, found \"a\u{fffd}\""
        );
    }

    #[test]
    fn splits_unquotes_and_unescapes() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[]),
            (" \t", &[]),
            ("a  b\tc ", &["a", "b", "c"]),
            (r#"'a b' "c d""#, &["a b", "c d"]),
            (r"a'b 'c", &["ab c"]),
            (r#""" ''"#, &["", ""]),
            (r#""a'b" 'a"b'"#, &["a'b", "a\"b"]),
            (r#"\x41\102\u00e4\U0001f600 \s\t\"\'\\"#, &["ABä😀", " \t\"'\\"]),
            (r"'a\nb'", &["a\nb"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text, Escapes::Strict).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn keeps_unknown_escapes_or_takes_them_literally() {
        assert_eq!(words(r"'\d+' a\", Escapes::Lenient).unwrap(), [r"\d+", r"a\"]);
        assert_eq!(words(r#"\d a\ b "open"#, Escapes::Literal).unwrap(), ["d", "a b", "open"]);
    }

    /// What systemd says about a line of `Environment=` whose words hold no `=`: it complains about each in turn.
    fn complaints(line: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut rest = line;
        loop {
            match first(rest, Escapes::Strict) {
                Ok(Some((word, tail))) => {
                    let word = String::from_utf8(word).unwrap();
                    complaints.push(format!("Invalid environment assignment, ignoring: {word}"));
                    rest = tail;
                }
                Ok(None) => return complaints,
                Err(_) => {
                    complaints.push(format!("Invalid syntax, ignoring: {line}"));
                    return complaints;
                }
            }
        }
    }

    /// Lines of pseudo-random syntax, the same in every run; the last word keeps a backslash from continuing the line.
    fn lines() -> Vec<String> {
        const PIECES: [&str; 14] =
            ["\\", "\\", "'", "\"", " ", " ", "x4", "1", "s", "q", "u0041", "0", "\\x41", "\\'"];
        let mut state = 7u64;
        let mut piece = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            PIECES[usize::try_from(state >> 33).unwrap() % PIECES.len()]
        };
        (0..500).map(|_| format!("a{} z", (0..7).map(|_| piece()).collect::<String>())).collect()
    }

    #[test]
    fn splits_lines_as_systemd_does() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("words.service");
        let settings: Vec<String> = lines().iter().map(|line| format!("Environment={line}\n")).collect();
        let settings = settings.concat();
        std::fs::write(&file, format!("[Service]\nExecStart=/bin/true\n{settings}")).unwrap();
        let output =
            crate::unit::testing::run("systemd-analyze", &["verify", "--man=no", file.to_str().unwrap()]);
        let printed = String::from_utf8(output.stderr).unwrap();
        let theirs: Vec<&str> =
            printed.lines().filter_map(|line| Some(line.split_once(".service:")?.1)).collect();
        let ours: Vec<String> = (3..)
            .zip(lines())
            .flat_map(|(at, line)| complaints(&line).into_iter().map(move |text| format!("{at}: {text}")))
            .collect();
        assert!(ours.iter().filter(|line| line.contains("syntax")).count() > 50, "too few lines are wrong");
        assert_eq!(ours, theirs);
    }

    proptest! {
        #[test]
        fn splitting_never_panics(text in any::<String>()) {
            for escapes in [Escapes::Strict, Escapes::Lenient, Escapes::Literal] {
                let _ = all(&text, escapes);
            }
        }

        #[test]
        fn splitting_text_full_of_syntax_never_panics(text in "[\\\\'\"xuU0-9 äaf;$]{0,40}") {
            for escapes in [Escapes::Strict, Escapes::Lenient, Escapes::Literal] {
                let _ = all(&text, escapes);
            }
        }
    }
}
