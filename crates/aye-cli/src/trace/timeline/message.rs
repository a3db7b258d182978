//! A message in paragraphs: each of its assignments decoded, with its verdict; descriptors; what is to be done.

use aye::message::ParseError;
use aye::verdict::Effect;
use aye::{Assignment, Dropped};

use super::Look;
use super::beats::{Kind, Run};
use super::course::{Remark, Remarks};
use super::layout::{Paragraph, Tone, cells, cut};
use super::tally::{WITHHELD, have_one_reason};
use super::words::{self, count};
use crate::trace::escape::readable;
use crate::trace::scene::{Line, Outcome, Passed, Said, Word};

/// How many assignments of a message are shown, and how many lines of each.
const ASSIGNMENTS: usize = 16;
const LINES: usize = 6;

impl From<Remark> for Paragraph {
    fn from(remark: Remark) -> Self {
        Self::new(remark.tone, remark.text)
    }
}

/// The kind of a message that is a heartbeat and nothing else.
pub(super) fn heartbeat(said: &Said) -> Option<Kind> {
    let Outcome::Judged(lines) = &said.outcome else {
        return None;
    };
    let [line] = &lines[..] else {
        return None;
    };
    let plain = said.fds.is_empty() && is_passed_on(said);
    let refusal = match line.verdict {
        Word::Accepted(_) => None,
        Word::Ignored => Some(format!("ignored: {}", line.why)),
        Word::Refused => Some(format!("refused: {}", line.why)),
    };
    (plain && words::assignment(&line.text) == Some(Assignment::Watchdog)).then(|| Kind {
        program: words::program(said.command.as_deref()),
        role: words::role(said.role),
        refusal,
    })
}

/// Whether there is nothing to say of how it was passed on.
fn is_passed_on(said: &Said) -> bool {
    matches!(said.passed, Passed::Nowhere | Passed::AsSender | Passed::AsTracer)
}

/// Whether a message is a barrier and nothing else, and did what it is for.
pub(super) fn is_plain_barrier(said: &Said) -> bool {
    is_barrier(said) && is_passed_on(said)
}

/// Heartbeats summed up.
pub(super) fn beats(run: &Run) -> Vec<Paragraph> {
    match &run.kind.refusal {
        None => vec![Paragraph::new(Tone::Plain, run.words())],
        Some(why) => {
            let tone = if why.starts_with("refused") { Tone::Bad } else { Tone::Warn };
            vec![Paragraph::new(tone, run.words()), Paragraph::new(tone, why.clone())]
        }
    }
}

/// Who sent a message: `node[4711] main`, the program cut where there is no room.
pub(super) fn sender(said: &Said, look: Look) -> String {
    let pid = said.sender.map_or("?".to_owned(), |sender| sender.pid.to_string());
    column(&words::program(said.command.as_deref()), &pid, words::role(said.role), look)
}

/// Who sent those heartbeats.
pub(super) fn beating(run: &Run, look: Look) -> String {
    let pid = match run.pid {
        _ if run.several_pids => "*".to_owned(),
        Some(pid) => pid.to_string(),
        None => "?".to_owned(),
    };
    column(&run.kind.program, &pid, run.kind.role, look)
}

fn column(program: &str, pid: &str, role: &str, look: Look) -> String {
    let rest = format!("[{pid}] {role}");
    let room = look.sender_width().saturating_sub(cells(&rest));
    format!("{}{rest}", cut(program, room))
}

/// All of a message.
pub(super) fn paragraphs(said: &Said, remarks: Remarks) -> Vec<Paragraph> {
    let mut shown = match &said.outcome {
        Outcome::Dropped(why) => dropped(said, *why),
        Outcome::Judged(lines) => judged(lines, remarks.of_lines),
    };
    if !said.fds.is_empty() && !is_barrier(said) {
        let what = readable(said.fds.join(", ").as_bytes());
        shown.push(limited(
            Tone::Plain,
            format!("with {}: {what}", count(said.fds.len() as u64, "descriptor")),
        ));
    }
    match &said.passed {
        Passed::Nowhere | Passed::AsSender | Passed::AsTracer => {}
        Passed::AsEnded => shown.push(Paragraph::new(Tone::Warn, ENDED.to_owned())),
        Passed::Withheld => shown.push(Paragraph::new(Tone::Warn, format!("not passed on: {WITHHELD}"))),
        Passed::Failed(why) => {
            shown.push(Paragraph::new(Tone::Bad, format!("not passed on: {}", readable(why.as_bytes()))));
        }
    }
    shown.extend(remarks.beside.into_iter().map(Paragraph::from));
    shown
}

/// Why what was passed on may not have counted.
const ENDED: &str = "its sender had ended when it was passed on: systemd may not know whose it is any more: wait for a barrier before exiting";

/// A barrier and nothing else, which is accepted with one descriptor only.
fn is_barrier(said: &Said) -> bool {
    match &said.outcome {
        Outcome::Judged(lines) => match &lines[..] {
            [line] => {
                matches!(line.verdict, Word::Accepted(_))
                    && words::assignment(&line.text) == Some(Assignment::Barrier)
            }
            _ => false,
        },
        Outcome::Dropped(_) => false,
    }
}

fn limited(tone: Tone, text: String) -> Paragraph {
    Paragraph { lines: LINES, ..Paragraph::new(tone, text) }
}

fn dropped(said: &Said, why: Dropped) -> Vec<Paragraph> {
    let remedy = match why {
        Dropped::TooLarge | Dropped::Malformed(ParseError::TooLarge(_)) => "shorten it",
        Dropped::Malformed(ParseError::Nul) => "end it at the text's end",
        Dropped::Malformed(ParseError::TrailingBackslash) => "double every backslash of a text",
        Dropped::DescriptorsLost => "send fewer descriptors at once",
        _ => "send it from a process that the manager can see",
    };
    let text = if said.bytes.is_empty() { "(empty)".to_owned() } else { readable(&said.bytes) };
    let verdict = format!("lost: systemd drops it whole, because of {}: {remedy}", cause(why));
    vec![limited(Tone::Bad, text), Paragraph::new(Tone::Bad, verdict)]
}

fn cause(why: Dropped) -> String {
    match why {
        Dropped::TooLarge => "its size, over 4096 bytes".to_owned(),
        Dropped::DescriptorsLost => "descriptors that did not all arrive".to_owned(),
        Dropped::NoCredentials => "a sender that nobody can name".to_owned(),
        other => other.to_string(),
    }
}

/// Lines with their verdicts; a reason that holds for all of them is said once, below.
fn judged(lines: &[Line], remarks: Vec<Option<Remark>>) -> Vec<Paragraph> {
    if lines.is_empty() {
        return vec![Paragraph::new(Tone::Plain, "(empty)")];
    }
    let mut remarks = remarks.into_iter();
    let together = lines.len() > 1 && !is_accepted(&lines[0]) && have_one_reason(lines);
    let mut shown = Vec::new();
    for line in lines.iter().take(ASSIGNMENTS) {
        let remark = remarks.next().flatten();
        if together {
            shown.push(limited(tone(line), words::decoded(&line.text)));
        } else {
            shown.extend(verdict(line, remark));
        }
    }
    if lines.len() > ASSIGNMENTS {
        let rest = count((lines.len() - ASSIGNMENTS) as u64, "line");
        shown.push(Paragraph::new(Tone::Plain, format!("… and {rest} more: see --json or --raw")));
    }
    if together {
        let word = if lines[0].verdict == Word::Refused { "refused" } else { "ignored" };
        shown.push(Paragraph::new(tone(&lines[0]), format!("{word}: {}", lines[0].why)));
    }
    shown
}

fn is_accepted(line: &Line) -> bool {
    matches!(line.verdict, Word::Accepted(_))
}

fn tone(line: &Line) -> Tone {
    match line.verdict {
        Word::Accepted(_) => Tone::Plain,
        Word::Ignored if is_private(line) => Tone::Plain,
        Word::Ignored => Tone::Warn,
        Word::Refused => Tone::Bad,
    }
}

/// A key that is meant for others than systemd is no mistake.
fn is_private(line: &Line) -> bool {
    line.text.starts_with(b"X_")
}

/// One line: with its verdict where it is short, and below it where there is more to say.
fn verdict(line: &Line, remark: Option<Remark>) -> Vec<Paragraph> {
    let text = words::decoded(&line.text);
    match (line.verdict, remark) {
        (Word::Accepted(_), Some(remark)) => {
            vec![limited(remark.tone, format!("{text}  accepted: {}", remark.text))]
        }
        (Word::Accepted(Effect::Applies | Effect::Belongs(_)), None) => {
            vec![limited(Tone::Plain, format!("{text}  accepted"))]
        }
        (Word::Accepted(Effect::Resets(why)), None) => {
            vec![limited(Tone::Warn, text), Paragraph::new(Tone::Warn, format!("accepted: {why}"))]
        }
        (Word::Accepted(_), None) => vec![limited(Tone::Plain, format!("{text}  accepted: {}", line.why))],
        // A service that is told to stop says so when systemd knows it: the usual way, and no mistake.
        (Word::Ignored, Some(remark)) => {
            vec![limited(remark.tone, format!("{text}  ignored: {}, {}", line.why, remark.text))]
        }
        (Word::Ignored, None) => {
            vec![limited(tone(line), text), Paragraph::new(tone(line), format!("ignored: {}", line.why))]
        }
        (Word::Refused, _) => {
            vec![limited(Tone::Bad, text), Paragraph::new(Tone::Bad, format!("refused: {}", line.why))]
        }
    }
}
