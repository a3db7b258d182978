//! What a person sees after each step, on a terminal of this folder's own.

use proptest::prelude::*;

use super::emulator::Terminal;
use super::*;
use crate::exit::Exit;
use crate::restart::report::{Hook, HookEnd};

/// A run, its terminal and its clock.
struct Stage {
    units: Vec<Shown>,
    rows: Rows,
    terminal: Terminal,
    now: Instant,
    drawings: usize,
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn unit(name: &str, host: Option<&str>) -> Shown {
    let limit = Some(Duration::from_secs(90));
    Shown { name: format!("{name}.service"), host: host.map(str::to_owned), limit }
}

fn web(count: usize) -> Vec<Shown> {
    (1..=count).map(|number| unit(&format!("web@{number}"), None)).collect()
}

impl Stage {
    fn new(units: Vec<Shown>, terminal: Terminal) -> Self {
        let mut stage = Self { units, rows: Rows::new(false), terminal, now: Instant::now(), drawings: 0 };
        stage.tell(&Happening::Plan { ungated: &[], fresh: &[] });
        stage
    }

    fn at(&self) -> Moment {
        Moment { now: self.now, size: self.terminal.size() }
    }

    fn write(&mut self, text: &str) {
        self.drawings += usize::from(!text.is_empty());
        self.terminal.write(text);
    }

    fn tell(&mut self, happening: &Happening<'_>) {
        let text = self.rows.tell(&self.units, happening, self.at());
        self.write(&text);
    }

    fn start(&mut self, index: usize) {
        self.tell(&Happening::Start { index, enqueued: Duration::ZERO });
    }

    fn status(&mut self, index: usize, text: &str) {
        self.tell(&Happening::Status { index, elapsed: Duration::ZERO, text });
    }

    fn ok(&mut self, index: usize, took: u64) {
        let elapsed = millis(took);
        self.tell(&Happening::Ready { index, elapsed, became_active: Duration::ZERO });
        self.tell(&Happening::Ok { index, elapsed });
    }

    fn fail(&mut self, index: usize, reason: &str, log: &[&str]) {
        let log = log.iter().map(|line| (*line).to_owned()).collect();
        let failure = Failure { reason: reason.to_owned(), log, ..Failure::default() };
        self.tell(&Happening::Failed { index, elapsed: Duration::ZERO, failure: &failure });
    }

    /// Lets time pass, as the driver does: once a second, for each unit in flight.
    fn pass(&mut self, seconds: u64, in_flight: &[usize]) {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            for &index in in_flight {
                let enqueued = self.rows.live.iter().find(|row| row.index == index);
                let elapsed = enqueued.map_or(Duration::ZERO, |row| row.since(self.now));
                let text = self.rows.tick(&self.units, index, elapsed, self.at());
                self.write(&text);
            }
        }
    }

    #[track_caller]
    fn shows(&self, expected: &[&str]) {
        assert_eq!(self.terminal.screen(), expected);
    }
}

fn stopped(ready: Vec<usize>, failed: Vec<usize>, not_attempted: Vec<usize>, resume: &str) -> Summary {
    Summary {
        ready,
        failed,
        in_flight: vec![],
        not_attempted,
        took: millis(5000),
        exit: Exit::Failed,
        stopped: None,
        resume: Some(resume.to_owned()),
    }
}

const PLAN: &str = "restarting 8 units: web@1.service web@2.service web@3.service web@4.service web@";

#[test]
fn the_picture_of_the_house() {
    let mut stage = Stage::new(web(8), Terminal::new(80, 24));
    let plan = [PLAN, "5.service web@6.service web@7.service web@8.service"];
    stage.shows(&plan);
    stage.start(0);
    stage.shows(&[plan[0], plan[1], "web@1  starting 0 s of 90 s"]);
    stage.ok(0, 1290);
    let first = "web@1  ready in 1.2 s                                  1/8";
    stage.shows(&[plan[0], plan[1], first]);
    stage.start(1);
    stage.pass(4, &[1]);
    stage.status(1, "loading cache 40%");
    stage.shows(&[plan[0], plan[1], first, "web@2  starting 4 s of 90 s  \"loading cache 40%\""]);
    stage.fail(1, "exited with 1 after 2.0 s", &["Error: listen EADDRINUSE :::3003"]);
    let failed = [
        "web@2  FAILED: exited with 1 after 2.0 s               2/8",
        "         | Error: listen EADDRINUSE :::3003",
    ];
    stage.shows(&[plan[0], plan[1], first, failed[0], failed[1]]);
    stage.tell(&Happening::Summary(&stopped(vec![0], vec![1], (2..8).collect(), "aye restart web@{3..8}")));
    let last = "Stopped: 1 ready, 1 failed, 6 not attempted.  Resume: aye restart web@{3..8}";
    stage.shows(&[plan[0], plan[1], first, failed[0], failed[1], last]);
}

#[test]
fn a_resuming_command_that_does_not_fit_has_a_line_of_its_own() {
    let mut stage = Stage::new(web(3), Terminal::new(60, 10));
    stage.tell(&Happening::Summary(&stopped(vec![], vec![0], vec![1, 2], "aye restart --user web@2 web@3")));
    let screen = stage.terminal.screen();
    assert_eq!(
        screen[screen.len() - 2..],
        ["Stopped: 0 ready, 1 failed, 2 not attempted.", "Resume: aye restart --user web@2 web@3"]
    );
}

#[test]
fn a_row_keeps_its_place_while_others_come_and_go() {
    let mut stage = Stage::new(web(4), Terminal::new(80, 24));
    let plan = stage.terminal.screen();
    for index in [0, 1, 2] {
        stage.start(index);
    }
    stage.ok(1, 500);
    stage.start(3);
    stage.pass(1, &[0, 2, 3]);
    assert_eq!(
        stage.terminal.screen()[plan.len()..],
        [
            "web@2  ready in 500 ms                                 2/4",
            "web@1  starting 1 s of 90 s",
            "web@3  starting 1 s of 90 s",
            "web@4  starting 1 s of 90 s",
        ]
    );
}

#[test]
fn what_a_hook_wrote_is_shown_with_the_failure() {
    let mut stage = Stage::new(web(1), Terminal::new(80, 24));
    let output = vec!["draining\x1b[2J".to_owned()];
    let (hook, outcome) = (Hook::Before, "exited with 1".to_owned());
    let end = HookEnd { hook, ok: false, outcome, took: millis(20), output };
    stage.pass(2, &[0]);
    stage.shows(&["restarting web@1.service", "web@1  running the before hook"]);
    stage.tell(&Happening::Hook { index: 0, elapsed: Duration::ZERO, end: &end });
    stage.fail(0, "the before-hook exited with 1", &[]);
    stage.shows(&[
        "restarting web@1.service",
        "web@1  FAILED: the before-hook exited with 1           1/1",
        "         before hook exited with 1 after 20 ms",
        "         | draining\u{fffd}[2J",
    ]);
}

#[test]
fn names_on_several_hosts_are_told_apart_and_aligned() {
    let units = vec![unit("web@1", Some("a")), unit("web@1", Some("b.example")), unit("web@2", Some("a"))];
    let mut stage = Stage::new(units, Terminal::new(80, 24));
    stage.start(0);
    stage.start(1);
    stage.tell(&Happening::Lost { host: Some("b.example"), reason: "ssh: timed out\r\n" });
    stage.ok(0, 1000);
    stage.shows(&[
        "restarting 3 units: web@1.service web@2.service on a, web@1.service on b.example",
        "lost b.example, connecting again: ssh: timed out",
        "web@1 on a          ready in 1 s                       1/3",
        "web@1 on b.example  starting 0 s of 90 s, link lost",
    ]);
    stage.tell(&Happening::Regained { host: Some("b.example"), after: millis(3000) });
    let last = stage.terminal.screen().pop().unwrap();
    assert_eq!(last, "web@1 on b.example  starting 0 s of 90 s");
}

#[test]
fn nothing_is_drawn_between_question_and_answer() {
    let mut stage = Stage::new(web(3), Terminal::new(80, 24));
    stage.start(0);
    stage.start(1);
    stage.fail(0, "exited with 1", &[]);
    stage.tell(&Happening::Asking { index: 0 });
    let asking = stage.terminal.screen();
    assert_eq!(asking.last().unwrap(), "web@1 failed. Go on with the rest? [y/N]");
    stage.ok(1, 700);
    stage.pass(3, &[1]);
    assert_eq!(stage.terminal.screen(), asking);
    stage.terminal.write("y\r\n"); // the terminal's echo
    stage.tell(&Happening::Answered { go_on: true });
    stage.start(2);
    let screen = stage.terminal.screen();
    assert_eq!(
        screen[asking.len() - 1..],
        [
            "web@1 failed. Go on with the rest? [y/N] y",
            "web@2  ready in 700 ms                                 2/3",
            "web@3  starting 0 s of 90 s",
        ]
    );
}

#[test]
fn a_summary_comes_below_a_question_nobody_answered() {
    let mut stage = Stage::new(web(2), Terminal::new(80, 24));
    stage.tell(&Happening::Asking { index: 0 });
    stage.tell(&Happening::Summary(&stopped(vec![], vec![0], vec![1], "aye restart web@2")));
    let screen = stage.terminal.screen();
    assert!(screen[1].ends_with("[y/N]"), "{screen:?}");
    assert!(screen[2].starts_with("Stopped: "), "{screen:?}");
}

#[test]
fn an_echoed_interrupt_is_wiped_out() {
    let mut stage = Stage::new(web(2), Terminal::new(80, 24));
    stage.start(0);
    stage.terminal.write("^C");
    stage.tell(&Happening::Interrupted { in_flight: &[0] });
    stage.shows(&[
        "restarting 2 units: web@1.service web@2.service",
        "interrupted: starting nothing new, finishing web@1.service; once more leaves now",
        "web@1  starting 0 s of 90 s",
    ]);
}

#[test]
fn twenty_columns_and_wide_letters_keep_the_picture() {
    let units = vec![unit("a-service-of-a-long-name@1", None), unit("読み込み", None)];
    let mut stage = Stage::new(units, Terminal::new(20, 10));
    stage.start(0);
    stage.start(1);
    stage.status(1, "読み込み中e\u{301}\u{301} 40%");
    let screen = stage.terminal.screen();
    assert_eq!(screen[screen.len() - 2..], ["a-service…  startin…", "読み込み    startin…"]);
    stage.terminal.resize(48, 10);
    stage.pass(1, &[0, 1]);
    let screen = stage.terminal.screen();
    assert_eq!(
        screen[screen.len() - 2..],
        [
            "a-service-of-a-long-name@1  starting 1 s of 90 s",
            "読み込み                    starting 1 s of 90 …"
        ]
    );
    stage.ok(1, 100);
    let screen = stage.terminal.screen();
    assert_eq!(screen[screen.len() - 2], "読み込み                    ready in 100 ms  2/2");
}

#[test]
fn a_status_cannot_leave_its_row() {
    let mut stage = Stage::new(web(1), Terminal::new(40, 10));
    stage.start(0);
    stage.status(0, &format!("\x1b[H\r\n{}", "x".repeat(5000)));
    stage.shows(&[
        "restarting web@1.service",
        "web@1  starting 0 s of 90 s  \"\u{fffd}[H\u{fffd}\u{fffd}xxxx…",
    ]);
}

#[test]
fn a_thousand_units_are_one_row_that_counts_and_their_failures() {
    let mut stage = Stage::new(web(1000), Terminal::new(100, 12));
    stage.shows(&["restarting 1000 units: web@{1..1000}"]);
    for index in 0..412 {
        stage.start(index);
        stage.now += millis(1200);
        if index == 100 {
            stage.fail(index, "start timed out after 90 s", &["no database"]);
        } else {
            stage.ok(index, 1200);
        }
    }
    stage.start(412);
    stage.pass(1, &[412]);
    stage.shows(&[
        "restarting 1000 units: web@{1..1000}",
        "web@101   FAILED: start timed out after 90 s           101/1000",
        "            | no database",
        "411 of 1000 ready, 1 failed, median 1.2 s, about 12 min left",
        "web@413   starting 1 s of 90 s",
    ]);
    stage.tell(&Happening::Interrupted { in_flight: &[412] });
    stage.ok(412, 1200);
    let rest = (413..1000).collect();
    stage.tell(&Happening::Summary(&stopped(
        (0..412).collect(),
        vec![100],
        rest,
        "aye restart web@{414..1000}",
    )));
    let screen = stage.terminal.screen();
    assert_eq!(
        screen[3..],
        [
            "interrupted: starting nothing new, finishing web@413.service; once more leaves now",
            "Stopped: 412 ready, 1 failed, 587 not attempted.  Resume: aye restart web@{414..1000}",
        ]
    );
}

#[test]
fn many_in_flight_never_exceed_the_screen() {
    let mut stage = Stage::new(web(1000), Terminal::new(80, 10));
    let in_flight: Vec<usize> = (0..100).collect();
    in_flight.iter().for_each(|&index| stage.start(index));
    stage.pass(1, &in_flight);
    let screen = stage.terminal.screen();
    assert_eq!(screen[0], "restarting 1000 units: web@{1..1000}");
    assert_eq!(screen[1], "0 of 1000 ready");
    assert_eq!(
        (screen[2].as_str(), screen[8].as_str()),
        ("web@1     starting 1 s of 90 s", "web@7     starting 1 s of 90 s")
    );
    assert_eq!((screen[9].as_str(), screen.len()), ("and 93 more", 10));
    for (rows, last) in
        [(4, "and 99 more"), (3, "100 units in flight"), (2, "0 of 1000 ready"), (1, "0 of 1000 ready")]
    {
        stage.terminal.resize(80, rows);
        stage.pass(1, &in_flight);
        assert_eq!(stage.terminal.screen().last().unwrap(), last, "{rows} rows");
    }
}

#[test]
fn a_storm_of_events_is_drawn_ten_times_a_second() {
    let mut stage = Stage::new(web(1000), Terminal::new(80, 24));
    stage.drawings = 0;
    for index in 0..1000 {
        stage.start(index);
        stage.status(index, "loading");
        stage.now += millis(5);
        stage.ok(index, 5);
    }
    assert!((40..=60).contains(&stage.drawings), "{} drawings in 5 s", stage.drawings);
    let screen = stage.terminal.screen();
    assert!(screen.iter().any(|line| line.contains(" of 1000 ready, median 5 ms")), "{screen:?}");
}

#[test]
fn a_drawing_costs_the_same_for_any_number_of_units() {
    let bytes = |count: usize| {
        let mut stage = Stage::new(web(count), Terminal::new(80, 24));
        (0..100).for_each(|index| stage.start(index));
        stage.now += Duration::from_secs(2);
        stage.rows.tick(&stage.units, 0, Duration::from_secs(2), stage.at()).len()
    };
    // But for the digits and the cells that longer names take: not a row more.
    assert!(bytes(100_000) <= bytes(1000) + 24 * 4, "{} and {}", bytes(100_000), bytes(1000));
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let told = |colour| {
        let mut rows = Rows::new(colour);
        let at = Moment { now: Instant::now(), size: Size::default() };
        rows.tell(&web(1), &Happening::Ok { index: 0, elapsed: millis(5) }, at)
    };
    assert!(told(true).contains("\x1b[32mready in 5 ms\x1b[0m"));
    assert!(!told(false).replace("\x1b[J", "").contains('\x1b'));
}

/// What happens to a run on a terminal.
#[derive(Debug, Clone)]
enum Step {
    Start,
    Ok(usize),
    Fail(usize),
    Status(usize, String),
    Resize(u16, u16),
    Second,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Start),
        2 => any::<usize>().prop_map(Step::Ok),
        1 => any::<usize>().prop_map(Step::Fail),
        2 => (any::<usize>(), "[a-z 読\u{301}\x1b]{0,60}").prop_map(|(which, text)| Step::Status(which, text)),
        2 => (1u16..100, 1u16..30).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        2 => Just(Step::Second),
    ];
    prop::collection::vec(step, 1..60)
}

fn play(stage: &mut Stage, steps: &[Step]) -> Result<(), TestCaseError> {
    let (mut next, mut in_flight) = (0, Vec::new());
    for step in steps {
        match step {
            Step::Start if next < stage.units.len() => {
                in_flight.push(next);
                stage.start(next);
                next += 1;
            }
            Step::Ok(which) if !in_flight.is_empty() => {
                let index = in_flight.remove(which % in_flight.len());
                stage.ok(index, 100);
            }
            Step::Fail(which) if !in_flight.is_empty() => {
                let index = in_flight.remove(which % in_flight.len());
                stage.fail(index, "exited with 1", &["a line of the log", "読み込み"]);
            }
            Step::Status(which, text) if !in_flight.is_empty() => {
                stage.status(in_flight[which % in_flight.len()], text);
            }
            Step::Resize(columns, rows) => stage.terminal.resize(*columns, *rows),
            _ => {}
        }
        stage.pass(1, &in_flight);
        if in_flight.is_empty() {
            continue;
        }
        let expected: Vec<String> =
            stage.rows.moving(&stage.units, stage.at()).iter().map(|row| row.trim_end().to_owned()).collect();
        let screen = stage.terminal.screen();
        let (above, rows) = screen.split_at(stage.terminal.cursor());
        prop_assert_eq!(rows, &expected[..], "after {:?} of {:?}", step, screen);
        prop_assert!(expected.len() <= stage.terminal.size().rows);
        if stage.terminal.pushed {
            continue;
        }
        let stale = above.iter().find(|line| line.contains(" startin") || line.contains(" in flight"));
        prop_assert_eq!(stale, None, "after {:?}", step);
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_row_is_stale_on_a_terminal_that_wraps_anew(steps in steps(), units in 1usize..60) {
        play(&mut Stage::new(web(units), Terminal::new(80, 24)), &steps)?;
    }

    #[test]
    fn no_row_is_stale_on_a_terminal_that_cuts(steps in steps(), units in 1usize..60) {
        play(&mut Stage::new(web(units), Terminal::cutting(80, 24)), &steps)?;
    }
}
