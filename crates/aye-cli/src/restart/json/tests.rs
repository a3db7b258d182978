//! The lines as a program reads them, byte for byte.

use super::*;
use crate::exit::Exit;
use crate::restart::report::Hook;

fn told(happening: &Happening<'_>) -> String {
    told_of([None, None], happening)
}

fn told_of(hosts: [Option<&str>; 2], happening: &Happening<'_>) -> String {
    let shown = |name: &str, host: Option<&str>| Shown {
        name: name.to_owned(),
        host: host.map(str::to_owned),
        ..Shown::default()
    };
    let units = [shown("web@1.service", hosts[0]), shown("web@2.service", hosts[1])];
    let mut json = Json::new(Vec::new(), "box".to_owned());
    let now = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_007);
    json.tell(&units, happening, now).unwrap();
    String::from_utf8(json.out).unwrap()
}

#[test]
fn a_line_break_in_a_status_stays_inside_its_line() {
    let elapsed = Duration::from_millis(3);
    let line = told(&Happening::Status { index: 0, elapsed, text: "a\nb\"" });
    assert_eq!(line.lines().count(), 1);
    assert!(line.contains(r#""status":"a\nb\"""#), "{line}");
}

#[test]
fn a_failure_carries_its_reason_and_its_log() {
    let failure = Failure {
        reason: "exited with 1 after 2.0 s".to_owned(),
        result: "exit-code".to_owned(),
        status: "loading".to_owned(),
        log: vec!["boom".to_owned()],
    };
    let elapsed = Duration::from_millis(2040);
    assert_eq!(
        told(&Happening::Failed { index: 1, elapsed, failure: &failure }),
        concat!(
            r#"{"v":1,"ts":1700000000000007,"event":"unit_failed","host":"box","unit":"web@2.service","index":2,"#,
            r#""total":2,"elapsed_ms":2040,"status":"loading","reason":"exited with 1 after 2.0 s","#,
            r#""result":"exit-code","log":["boom"]}"#,
            "\n"
        )
    );
}

#[test]
fn a_start_has_the_stamp_of_the_reply() {
    let line = told(&Happening::Start { index: 0, enqueued: Duration::from_micros(42) });
    assert_eq!(
        line,
        concat!(
            r#"{"v":1,"ts":1700000000000007,"event":"unit_start","host":"box","unit":"web@1.service","index":1,"#,
            r#""total":2,"elapsed_ms":0,"enqueued_monotonic_usec":42}"#,
            "\n"
        )
    );
}

#[test]
fn the_summary_lists_every_unit_and_the_exit_code() {
    let summary = Summary {
        ready: vec![0],
        failed: vec![],
        in_flight: vec![],
        not_attempted: vec![1],
        stopped: None,
        took: Duration::from_millis(5),
        exit: Exit::Interrupted,
        resume: Some("aye restart web@2.service".to_owned()),
    };
    assert_eq!(
        told(&Happening::Summary(&summary)),
        concat!(
            r#"{"v":1,"ts":1700000000000007,"event":"summary","host":"box","total":2,"elapsed_ms":5,"#,
            r#""ok":["web@1.service"],"failed":[],"in_flight":[],"not_attempted":["web@2.service"],"#,
            r#""resume":"aye restart web@2.service","exit":130}"#,
            "\n"
        )
    );
}

#[test]
fn what_only_people_are_told_is_no_event() {
    let elapsed = Duration::ZERO;
    for happening in [
        Happening::Check { index: 0, elapsed },
        Happening::Lost { host: Some("a"), reason: "gone" },
        Happening::Regained { host: None, after: elapsed },
        Happening::Asking { index: 0 },
        Happening::Answered { go_on: true },
        Happening::Interrupted { in_flight: &[0] },
    ] {
        assert_eq!(told(&happening), "", "{happening:?}");
    }
}

#[test]
fn a_failed_hook_carries_what_it_wrote() {
    let end = HookEnd {
        hook: Hook::OnFail,
        ok: false,
        outcome: "exited with 1".to_owned(),
        took: Duration::from_millis(7),
        output: vec!["no route".to_owned()],
    };
    let line = told(&Happening::Hook { index: 0, elapsed: Duration::from_secs(1), end: &end });
    let expected = concat!(
        r#""elapsed_ms":1000,"hook":"on-fail","ok":false,"outcome":"exited with 1","took_ms":7,"#,
        r#""output":["no route"]}"#,
        "\n"
    );
    assert!(line.ends_with(expected), "{line}");
}

#[test]
fn a_line_has_the_host_of_its_unit_and_the_plan_that_of_each() {
    let hosts = [Some("b.example"), None];
    let soak = |index| Happening::Soak { index, elapsed: Duration::ZERO, lasts: Duration::from_secs(5) };
    assert!(told_of(hosts, &soak(0)).contains(r#""host":"b.example","unit":"web@1.service""#));
    assert!(told_of(hosts, &soak(1)).contains(r#""host":"box","unit":"web@2.service""#));
    let plan = told_of(
        hosts,
        &Happening::Plan { doing: "restarting", ungated: &[], fresh: &["web@3.service".to_owned()] },
    );
    let expected = concat!(
        r#""elapsed_ms":0,"units":["web@1.service","web@2.service"],"hosts":["b.example","box"],"#,
        r#""without_readiness":[],"fresh":["web@3.service"]}"#,
        "\n"
    );
    assert!(plan.ends_with(expected), "{plan}");
}

#[test]
fn a_local_plan_names_no_hosts() {
    let plan = told(&Happening::Plan { doing: "restarting", ungated: &[1], fresh: &[] });
    let expected =
        concat!(r#""units":["web@1.service","web@2.service"],"without_readiness":["web@2.service"]}"#, "\n");
    assert!(plan.ends_with(expected), "{plan}");
}

#[test]
fn a_summary_over_hosts_tells_units_of_one_name_by_their_places() {
    let summary = Summary {
        ready: vec![0],
        failed: vec![],
        in_flight: vec![],
        not_attempted: vec![1],
        stopped: Some("b.example cannot be reached".to_owned()),
        took: Duration::ZERO,
        exit: Exit::Unreachable,
        resume: None,
    };
    let line = told_of([None, Some("b.example")], &Happening::Summary(&summary));
    let expected = concat!(
        r#""not_attempted":["web@2.service"],"#,
        r#""indices":{"ok":[1],"failed":[],"in_flight":[],"not_attempted":[2]},"#,
        r#""stopped":"b.example cannot be reached","exit":69}"#,
        "\n"
    );
    assert!(line.ends_with(expected), "{line}");
}
