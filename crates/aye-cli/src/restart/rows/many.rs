//! The same with many units, on any terminal: what is drawn stays within the screen, is cheap, and leaves nothing stale.

use proptest::prelude::*;

use super::stage::{Stage, millis, stopped, web};
use super::*;
use crate::terminal::emulator::Terminal;

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
    for &index in &in_flight {
        stage.start(index);
    }
    stage.pass(1, &in_flight);
    let screen = stage.terminal.screen();
    let expected = [
        "restarting 1000 units: web@{1..1000}",
        "0 of 1000 ready",
        "web@1     starting 1 s of 90 s",
        "web@2     starting 1 s of 90 s",
        "web@3     starting 1 s of 90 s",
        "and 97 more",
    ];
    assert_eq!(screen, expected);
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
        for index in 0..100 {
            stage.start(index);
        }
        stage.now += Duration::from_secs(2);
        stage.rows.tick(&stage.units, 0, Duration::from_secs(2), stage.at()).len()
    };
    // But for the digits and the cells that longer names take: not a row more.
    assert!(bytes(100_000) <= bytes(1000) + 24 * 4, "{} and {}", bytes(100_000), bytes(1000));
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
