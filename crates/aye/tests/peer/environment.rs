//! One environment, read by libsystemd and by us: the table `tests/peer/environments` says what each makes of it, and
//! why wherever they do not agree.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;

use aye::{Caller, Environment};

use crate::program::{answer, folder, peer};

/// A line of the table.
struct Row {
    given: String,
    before_259: String,
    since_259: String,
    ours: String,
    why: String,
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(folder().join("environments")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(Row::of).collect()
}

impl Row {
    fn of(line: &str) -> Self {
        let mut fields = line.split('\t').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        let (given, before_259, newer, ours, why) = (next(), next(), next(), next(), next());
        let since_259 = if newer == "=" { before_259.clone() } else { newer };
        let ours = if ours == "=" { since_259.clone() } else { ours };
        assert!(!ours.is_empty(), "too few fields: {line}");
        Self { given, before_259, since_259, ours, why }
    }

    /// What this crate makes of it.
    fn answer(&self, caller: Caller) -> String {
        let mut words = self.given.split(' ');
        let call = words.next().unwrap();
        let pairs: Vec<(&str, OsString)> = words
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name, expanded(value, caller)))
            .collect();
        let environment = Environment::of(|wanted| {
            pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone())
        });
        match call {
            "watchdog" => match environment.watchdog(caller.pid) {
                Ok(Some(interval)) => format!("on {}", interval.as_micros()),
                Ok(None) => "off".to_owned(),
                Err(_) => "error".to_owned(),
            },
            "listen" => match environment.listen_names(caller) {
                Ok(names) if names.is_empty() => "none".to_owned(),
                Ok(names) => format!("{} {}", names.len(), names.join(":")),
                Err(_) => "error".to_owned(),
            },
            other => panic!("no such call: {other}"),
        }
    }
}

/// The value with `{pid}`, `{pidfd}` and `\xHH` replaced.
fn expanded(value: &str, caller: Caller) -> OsString {
    let value = value.replace("{pid}", &caller.pid.to_string());
    let value = value.replace("{pidfd}", &caller.pidfd_id.unwrap_or_default().to_string());
    let mut parts = value.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    OsString::from_vec(bytes)
}

#[test]
fn we_read_each_environment_as_the_table_says() {
    let caller = Caller::this_process();
    let rows = rows();
    let answers = rows.iter().map(|row| row.answer(caller));
    let differing = rows.iter().zip(answers).filter(|(row, answer)| row.ours != *answer);
    let differing: Vec<String> =
        differing.map(|(row, answer)| format!("{}: {answer}, and not {}", row.given, row.ours)).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn libsystemd_reads_each_environment_as_the_table_says() {
    let table = File::open(folder().join("environments")).unwrap();
    let answers = answer(peer(&["table"]).stdin(Stdio::from(table)).spawn().unwrap());
    let answers: Vec<&str> = answers.lines().collect();
    let rows = rows();
    assert_eq!(answers.len(), rows.len());
    // Which libsystemd this machine has shows in its answers: it is of one age in all of them.
    let of = |column: fn(&Row) -> &str| rows.iter().map(column).collect::<Vec<_>>() == answers;
    if !of(|row| &row.before_259) && !of(|row| &row.since_259) {
        let differ = |(row, answer): &(&Row, &&str)| row.before_259 != **answer && row.since_259 != **answer;
        let differing: Vec<_> =
            rows.iter().zip(&answers).filter(differ).map(|(row, a)| (&row.given, a)).collect();
        panic!("neither as before 259 nor as since then; in neither column: {differing:?}");
    }
}

#[test]
fn every_difference_has_a_reason_and_no_agreement_has_one() {
    let rows = rows();
    assert!(rows.len() >= 40, "{}", rows.len());
    for row in rows {
        assert_eq!(row.ours != row.since_259, !row.why.is_empty(), "{}", row.given);
    }
}
