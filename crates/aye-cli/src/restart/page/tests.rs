//! The page against hostile words, places that cannot be written, runs that end early, and large ones.

use std::fs;
use std::path::Path;
use std::time::Duration;

use aye_bus::ActiveState;
use proptest::collection::vec;
use proptest::prelude::*;

use super::Page;
use super::record::Timeline;
use super::row::Kind;
use super::samples::{self, MS, epoch, units};
use crate::exit::Exit;
use crate::restart::report::{Failure, Happening, Hook, HookEnd, Shown, Summary};

/// What a browser would make of a page: its tags with their attributes, and its text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parsed {
    tags: Vec<String>,
    texts: Vec<String>,
}

/// Reads HTML as the page writes it: quoted attributes, text without a bare `<`. The style has neither.
fn parsed(page: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        parsed.texts.push(decoded(&rest[..open]));
        let mut quoted = false;
        let end = rest[open..].find(|c: char| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let end = open + end.expect("a tag has an end");
        parsed.tags.push(rest[open..=end].to_owned());
        rest = &rest[end + 1..];
    }
    parsed.texts.push(decoded(rest));
    parsed
}

fn decoded(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (name, c)| text.replace(name, c))
}

/// The same run each time, with these words in all the places that others have a say in.
fn spoken(words: &[String; 8]) -> String {
    let [name, host, status, log, reason, output, typed, lost] =
        words.clone().map(|word| format!("x{word}x"));
    let mut timeline = Timeline::new(std::slice::from_ref(&typed), &host);
    let units = [
        Shown { name: format!("{name}1.service"), ..Shown::default() },
        Shown { name: format!("{name}2.service"), host: Some(format!("{host}2")), limit: None },
    ];
    let failure = Failure { reason: reason.clone(), result: status.clone(), status, log: vec![log] };
    let end =
        HookEnd { hook: Hook::OnFail, ok: false, outcome: reason.clone(), took: MS, output: vec![output] };
    let host = units[1].host.as_deref();
    let summary = Summary {
        ready: vec![],
        failed: vec![0],
        in_flight: vec![],
        not_attempted: vec![1],
        took: MS * 9,
        exit: Exit::Failed,
        stopped: Some(reason),
        resume: Some(typed),
    };
    for (at, happening) in [
        (0, Happening::Plan { doing: "restarting", ungated: &[0], fresh: std::slice::from_ref(&name) }),
        (1, Happening::Start { index: 0, enqueued: MS }),
        (2, Happening::State { index: 0, elapsed: MS, state: ActiveState::Activating }),
        (3, Happening::Lost { host, reason: &lost }),
        (5, Happening::Failed { index: 0, elapsed: MS * 4, failure: &failure }),
        (6, Happening::Hook { index: 0, elapsed: MS * 5, end: &end }),
        (9, Happening::Summary(&summary)),
    ] {
        timeline.record(&units, &happening, MS * at, epoch());
    }
    super::render::page(&timeline)
}

fn plain() -> [String; 8] {
    std::array::from_fn(|_| "y".to_owned())
}

/// Letters that mean something in HTML, in CSS or to a terminal, and any other.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("<script>alert(1)</script>".to_owned()),
        Just("</pre></style></title><!--".to_owned()),
        Just("\" onmouseover=\"x()".to_owned()),
        Just("' style='position:fixed".to_owned()),
        Just("&lt;img src=x&gt;&amp;".to_owned()),
        Just("\u{202e}\0\r\n\x1b[2J".to_owned()),
        any::<String>(),
        "[<>\"'&=/ -]{0,6}",
    ];
    vec(pieces, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_of_others_becomes_markup(words in prop::array::uniform8(hostile())) {
        let (page, expected) = (parsed(&spoken(&words)), parsed(&spoken(&plain())));
        // The width of the column of names is the one thing that a name may change.
        let known = |tags: &[String]| -> Vec<String> {
            tags.iter().filter(|tag| !tag.starts_with("<div class=\"chart\"")).cloned().collect()
        };
        prop_assert_eq!(known(&page.tags), known(&expected.tags));
        prop_assert!(page.tags.iter().all(|tag| !tag.contains('\n')));
    }

    #[test]
    fn every_text_of_others_is_shown_as_it_is(words in prop::array::uniform8("[!-~äλ→]{0,30}")) {
        let page = parsed(&spoken(&words));
        let all = page.texts.concat();
        // The second is the name of this machine, the seventh is quoted for a shell where it is typed, but not to resume.
        for word in &words {
            let word = format!("x{word}x");
            prop_assert!(all.contains(&word), "{word} is not in {all}");
        }
    }

    #[test]
    fn spans_of_any_run_follow_one_another_inside_of_it(
        script in vec((0_usize..9, 0_u32..50, 0_u32..60), 1..120),
    ) {
        let units = units(None, ["a".to_owned()]);
        let mut timeline = Timeline::new(&[], "here");
        let mut at = Duration::ZERO;
        for (what, later, took) in script {
            at += MS * later;
            let (index, elapsed) = (0, at);
            let end = HookEnd { hook: Hook::After, ok: true, outcome: String::new(), took: MS * took, output: vec![] };
            let happening = match what {
                0 => Happening::Start { index, enqueued: at },
                1 => Happening::State { index, elapsed, state: ActiveState::Deactivating },
                2 => Happening::State { index, elapsed, state: ActiveState::Activating },
                3 => Happening::State { index, elapsed, state: ActiveState::Failed },
                4 => Happening::Ready { index, elapsed, became_active: at },
                5 => Happening::Check { index, elapsed },
                6 => Happening::Soak { index, elapsed, lasts: MS },
                7 => Happening::Hook { index, elapsed, end: &end },
                _ => Happening::Ok { index, elapsed },
            };
            timeline.record(&units, &happening, at, epoch());
        }
        timeline.close();
        let spans = &timeline.rows[0].spans;
        prop_assert!(spans.windows(2).all(|pair| pair[0].to <= pair[1].from));
        prop_assert!(spans.iter().all(|span| span.from <= span.to && span.to <= timeline.end));
        prop_assert!(spans.len() <= 40);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_known_before_anything_is_told() {
    for path in ["/nonexistent/report.html", "/proc/report.html", "/"] {
        assert!(Page::new(Path::new(path), &[], "here").is_err(), "{path}");
    }
}

#[test]
fn a_run_that_never_began_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    drop(Page::new(&folder.path().join("report.html"), &[], "here").unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_ends_early_leaves_what_is_known_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let units = units(None, ["web@1.service".to_owned()]);
    let mut page = Page::new(&path, &[], "here").unwrap();
    page.tell(&units, &Happening::Start { index: 0, enqueued: MS }, MS, epoch()).unwrap();
    drop(page);
    let page = fs::read_to_string(&path).unwrap();
    assert!(page.contains("<h1>The run ended before its summary</h1>"), "{page}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_older_report_stays_until_the_new_one_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    fs::write(&path, "old").unwrap();
    let run = samples::Run::begin(&path, &["aye"], units(None, ["a".to_owned()]));
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    run.end(MS, Exit::Done, None);
    assert!(fs::read_to_string(&path).unwrap().starts_with("<!doctype html>"));
}

#[test]
fn what_is_no_regular_file_is_written_to_and_never_replaced() {
    let run = samples::Run::begin(Path::new("/dev/null"), &["aye"], units(None, ["a".to_owned()]));
    run.end(MS, Exit::Done, None);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_symbolic_link_goes_on_pointing_to_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    samples::Run::begin(&link, &["aye"], units(None, ["a".to_owned()])).end(MS, Exit::Done, None);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().starts_with("<!doctype html>"));
}

#[test]
fn a_thousand_units_stay_under_a_megabyte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    samples::thousand(&path);
    let size = fs::metadata(&path).unwrap().len();
    assert!(size < 1_000_000, "{size} bytes");
}

#[test]
fn a_thousand_long_logs_stay_under_a_megabyte_and_a_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let mut run = samples::Run::begin(&path, &["aye"], units(None, (0..1000).map(|n| format!("web@{n}"))));
    let failure = Failure { log: vec!["<".repeat(5_000); 10], ..samples::refused() };
    for index in 0..1000 {
        run.fail(index, MS, 50, &failure);
    }
    run.end(MS * 60, Exit::Failed, None);
    let size = fs::metadata(&path).unwrap().len();
    assert!(size < 1_500_000, "{size} bytes");
    assert!(fs::read_to_string(&path).unwrap().contains("are left out here, to keep this page small"));
}

#[test]
fn a_unit_is_stopping_from_the_enqueuing_on_though_its_state_comes_later() {
    let units = units(None, ["a".to_owned()]);
    let mut timeline = Timeline::new(&[], "here");
    for (at, happening) in [
        (10, Happening::Start { index: 0, enqueued: MS }),
        (15, Happening::State { index: 0, elapsed: MS * 5, state: ActiveState::Activating }),
        (30, Happening::Ready { index: 0, elapsed: MS * 20, became_active: MS }),
    ] {
        timeline.record(&units, &happening, MS * at, epoch());
    }
    let spans: Vec<_> = timeline.rows[0].spans.iter().map(|span| (span.kind, span.from, span.to)).collect();
    assert_eq!(spans, [(Kind::Stopping, MS * 10, MS * 15), (Kind::Starting, MS * 15, MS * 30)]);
}

#[test]
fn a_job_of_which_no_state_is_told_is_one_span() {
    let units = units(None, ["a".to_owned()]);
    let mut timeline = Timeline::new(&[], "here");
    timeline.record(&units, &Happening::Start { index: 0, enqueued: MS }, MS, epoch());
    let ready = Happening::Ready { index: 0, elapsed: MS * 3, became_active: MS };
    timeline.record(&units, &ready, MS * 9, epoch());
    let row = &timeline.rows[0];
    assert_eq!((row.spans.len(), row.spans[0].kind, row.spans[0].to), (1, Kind::Job, MS * 4));
    assert_eq!(row.ready, Some((MS * 4, MS * 3)));
}
