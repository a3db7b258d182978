//! What a person sees after each step, on a terminal of this folder's own.

use super::stage::{Stage, millis, stopped, unit, web};
use super::*;
use crate::restart::report::Hook;
use crate::terminal::emulator::Terminal;

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
fn finished_rows_stay_in_the_history_once_each() {
    let mut stage = Stage::new(web(20), Terminal::new(80, 8));
    for index in 0..20 {
        stage.start(index);
        stage.pass(2, &[index]);
        stage.ok(index, 2000);
    }
    let all = stage.terminal.all();
    let of = |what: &str| all.iter().filter(|line| line.contains(what)).count();
    assert_eq!((of(" ready in 2 s"), of(" starting")), (20, 0), "{all:?}");
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
fn an_on_fail_hook_that_fails_is_shown_after_the_failure() {
    let mut stage = Stage::new(web(1), Terminal::new(80, 24));
    stage.start(0);
    stage.fail(0, "exited with 1", &[]);
    for (ok, outcome) in [(true, ""), (false, "exited with 7")] {
        let (took, output) = (millis(20), vec!["no pager".to_owned()]);
        let end = HookEnd { hook: Hook::OnFail, ok, outcome: outcome.to_owned(), took, output };
        stage.tell(&Happening::Hook { index: 0, elapsed: Duration::ZERO, end: &end });
    }
    stage.shows(&[
        "restarting web@1.service",
        "web@1  FAILED: exited with 1                           1/1",
        "web@1  on-fail hook exited with 7 after 20 ms",
        "         | no pager",
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
fn colour_is_only_where_it_is_wanted() {
    let told = |colour| {
        let mut rows = Rows::new(colour);
        let at = Moment { now: Instant::now(), size: Size::default() };
        rows.tell(&web(1), &Happening::Ok { index: 0, elapsed: millis(5) }, at)
    };
    assert!(told(true).contains("\x1b[32mready in 5 ms\x1b[0m"));
    assert!(!told(false).contains("\x1b[3") && !told(false).contains("\x1b[0m"), "{:?}", told(false));
}
