//! The objects, each as it is written.

use aye::Dropped;
use aye::verdict::{Context, State};
use proptest::prelude::*;

use super::*;
use crate::trace::samples::{at, began, ended, message, note, of_nobody, said, said_in, scene, signalled};

fn parsed(event: &Event) -> Value {
    serde_json::from_str(&line(event, &scene())).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(bytes) => {
            bytes.iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect()
        }
        other => panic!("neither text nor bytes: {other}"),
    }
}

#[test]
fn a_datagram_that_is_dropped_has_its_bytes_and_no_lines() {
    let object = parsed(&of_nobody(7, b"READY=1\0\xff"));
    assert_eq!(object["data"], json!([82, 69, 65, 68, 89, 61, 49, 0, 255]));
    assert_eq!((&object["pid"], &object["lines"]), (&Value::Null, &json!([])));
    assert_eq!(object["dropped"], Dropped::NoCredentials.to_string());
}

#[test]
fn a_message_that_could_not_be_passed_on_says_why() {
    let mut event = said(1, b"READY=1");
    let Happening::Said(message) = &mut event.what else { panic!() };
    message.passed = Passed::Failed("connection refused".to_owned());
    let object = parsed(&event);
    assert_eq!((&object["passed"], &object["passed_why"]), (&json!("failed"), &json!("connection refused")));
}

#[test]
fn every_object_begins_with_version_time_and_event() {
    let state = Happening::State { active: "active".into(), sub: "running".into(), result: "success".into() };
    let table = [
        (
            began(0),
            "{\"v\":1,\"ts\":1800000000000000,\"event\":\"began\",\"at_us\":0,\"notify_access\":\"main\",\"pid\":4711,\
             \"subject\":\"node server.js\",\"systemd\":262,\"timeout_start_us\":90000000,\
             \"timeout_stop_us\":90000000,\"type\":\"notify\",\"unit\":\"web.service\",\"watchdog_us\":10000000}",
        ),
        (
            said_in(1310, State::Start, b"READY=1"),
            "{\"v\":1,\"ts\":1800000001310000,\"event\":\"message\",\"at_us\":1310000,\"command\":\"node server.js\",\
             \"data\":\"READY=1\",\"dropped\":null,\"fds\":[],\"gid\":0,\"lines\":[{\"text\":\"READY=1\",\
             \"verdict\":\"accepted\",\"why\":\"the service is up\"}],\"passed\":\"as-sender\",\
             \"passed_why\":null,\"pid\":4711,\"role\":\"main\",\"uid\":0}",
        ),
        (
            signalled(1, 15),
            "{\"v\":1,\"ts\":1800000000001000,\"event\":\"signal\",\"at_us\":1000,\"name\":\"SIGTERM\",\"signal\":15}",
        ),
        (
            at(2, state),
            "{\"v\":1,\"ts\":1800000000002000,\"event\":\"state\",\"at_us\":2000,\"active\":\"active\",\
             \"result\":\"success\",\"sub\":\"running\"}",
        ),
        (
            ended(3, -9),
            "{\"v\":1,\"ts\":1800000000003000,\"event\":\"ended\",\"at_us\":3000,\"code\":null,\"signal\":9}",
        ),
        (note(4, "n"), "{\"v\":1,\"ts\":1800000000004000,\"event\":\"note\",\"at_us\":4000,\"text\":\"n\"}"),
    ];
    for (event, expected) in table {
        assert_eq!(line(&event, &scene()), expected);
    }
}

#[test]
fn the_summary_has_counts_and_findings() {
    let mut tally = Tally::new(scene());
    for event in [
        began(0),
        message(500, &Context { role: aye::verdict::Role::Other, ..Context::default() }, "sh", 9, b"READY=1"),
        said_in(1310, State::Start, b"READY=1\nSTATUS=up"),
        said(6310, b"WATCHDOG=1"),
        said(11_310, b"WATCHDOG=1"),
        said(17_310, b"WATCHDOG=1"),
        said(17_400, b"A\\"),
        ended(18_000, 0),
    ] {
        tally.feed(&event);
    }
    let text = summary(&tally, Duration::from_secs(18), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    let object: Value = serde_json::from_str(&text).unwrap();
    assert!(text.starts_with("{\"v\":1,\"ts\":1000000,\"event\":\"summary\",\"at_us\":18000000,"), "{text}");
    assert_eq!((&object["messages"], &object["ready_after_us"]), (&json!(6), &json!(1_310_000)));
    assert_eq!(object["heartbeats"], json!({ "count": 3, "every_us": 5_500_000, "margin_us": 4_000_000 }));
    assert_eq!(object["said"][0], json!({ "name": "READY=1", "accepted": 1, "ignored": 0, "refused": 1 }));
    assert_eq!(object["dropped"], json!([{ "why": "a lone backslash at its end", "count": 1 }]));
    let names: Vec<_> =
        object["findings"].as_array().unwrap().iter().map(|found| found["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["refused", "dropped", "no-stopping"]);
}

#[test]
fn every_field_is_described_in_docs_trace_md() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/trace.md")).unwrap();
    let state = Happening::State { active: "active".into(), sub: "running".into(), result: "success".into() };
    let mut tally = Tally::new(scene());
    let mut objects = Vec::new();
    for event in [began(0), said(1, b"STATUS=a"), signalled(2, 1), at(3, state), note(4, "n"), ended(5, 0)] {
        tally.feed(&event);
        objects.push(parsed(&event));
    }
    objects.push(serde_json::from_str(&summary(&tally, Duration::ZERO, SystemTime::UNIX_EPOCH)).unwrap());
    for object in objects {
        let fields = object.as_object().unwrap();
        assert!(page.contains(&format!("`{}`", fields["event"].as_str().unwrap())), "{object}");
        for field in fields.keys() {
            assert!(page.contains(&format!("`{field}`")), "{field} of {object}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_and_come_back(data in any::<Vec<u8>>()) {
        let event = said(1, &data);
        let text = line(&event, &scene());
        prop_assert!(!text.contains('\n'));
        let object: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(bytes(&object["data"]), data);
        let Happening::Said(message) = &event.what else { panic!() };
        if let Outcome::Judged(lines) = &message.outcome {
            let read: Vec<_> = object["lines"].as_array().unwrap().iter().map(|line| bytes(&line["text"])).collect();
            prop_assert_eq!(read, lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>());
        }
    }
}
