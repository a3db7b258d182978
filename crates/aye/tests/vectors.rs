//! The vectors of tests/vectors: how each datagram is read, and what the verdict says of it on its ground by every version
//! of systemd, which the live case `vectors` holds against systemd itself. The JavaScript tests read the same file.

#[path = "../examples/vectors/vector.rs"]
mod vector;

use aye::message::{LineBreaks, ParseError};
use aye::verdict::judge;
use aye::{Assignment, Encoder, Message};
use serde_json::{Value, json};

use vector::{Names, PROPERTIES, Shown, Vector, by_version, changes, from_hex};

const VERSIONS: [u16; 4] = [247, 252, 257, 262];

fn file(name: &str) -> String {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn vectors() -> Vec<Vector> {
    let vectors = vector::read(&file("messages.json"));
    assert!(vectors.len() >= 150, "only {} vectors", vectors.len());
    vectors
}

/// Processes as any live run has them.
fn names() -> Names {
    Names::from([
        ("MAIN", "1001".to_owned()),
        ("CHILD", "1002".to_owned()),
        ("CHILDHEX", "0x3ea".to_owned()),
        ("CHILDID", "77".to_owned()),
        ("CONTROL", "1003".to_owned()),
        ("FOREIGN", "1004".to_owned()),
        ("BEGAN", "5000".to_owned()),
        ("NOW", "6000".to_owned()),
    ])
}

/// A text, or bytes in hexadecimal digits.
fn bytes(value: &Value) -> Vec<u8> {
    value["hex"].as_str().map_or_else(|| value.as_str().unwrap().as_bytes().to_vec(), from_hex)
}

/// What is shown on the vector's ground, before its message.
fn baseline(vector: &Vector, version: u16, names: &Names) -> Shown {
    let ground = &vector.ground;
    let known = PROPERTIES.iter().filter(|(_, since)| version >= *since);
    let mut shown: Shown = known.map(|(name, _)| ((*name).to_owned(), String::new())).collect();
    for (name, value) in [
        ("SubState", ground.state_in(version).as_str()),
        ("StatusErrno", "0"),
        ("NotifyAccess", ground.access.as_str()),
        ("WatchdogUSec", if ground.watchdog { "30s" } else { "0" }),
        ("MainPID", names["MAIN"].as_str()),
        ("NFileDescriptorStore", &ground.stored().len().to_string()),
        ("Result", "success"),
    ] {
        shown.insert(name.to_owned(), value.to_owned());
    }
    for sent in &ground.before {
        let message = Message::parse(&sent.bytes(names)).unwrap();
        if let Some(status) = message.value("STATUS") {
            shown.insert("StatusText".to_owned(), String::from_utf8(status.to_vec()).unwrap());
        }
    }
    shown
}

#[test]
fn every_datagram_is_dropped_or_read_as_it_says() {
    let none = Names::new();
    for vector in vectors() {
        let read = Message::parse(&vector.sent.bytes(&none));
        match (vector.data["dropped"].as_str(), &read) {
            (Some("too large"), Err(ParseError::TooLarge(_)))
            | (Some("nul"), Err(ParseError::Nul))
            | (Some("trailing backslash"), Err(ParseError::TrailingBackslash)) => {}
            (None, Ok(message)) => {
                let lines: Vec<Vec<u8>> = message.lines().map(<[u8]>::to_vec).collect();
                let Some(pairs) = vector.data["pairs"].as_array() else {
                    continue; // a padded one
                };
                let parts = |pair: &Value| pair.as_array().unwrap().iter().map(bytes).collect::<Vec<_>>();
                let expected: Vec<Vec<u8>> = pairs.iter().map(|pair| parts(pair).join(&b'=')).collect();
                assert_eq!(lines, expected, "{}", vector.name);
            }
            (expected, _) => panic!("{}: {expected:?} is expected, and it is {read:?}", vector.name),
        }
    }
}

#[test]
fn every_verdict_and_all_that_follows_from_it_is_what_live_systemd_showed() {
    let names = names();
    for vector in vectors() {
        for version in VERSIONS.into_iter().filter(|version| vector.is_for(*version)) {
            let seen = by_version(&vector.data["seen"], version)
                .unwrap_or_else(|| panic!("{}: nothing was recorded of {version}", vector.name));
            let sent = vector.sent.bytes(&names);
            let message = Message::parse(&sent).unwrap_or_default();
            let judged = judge(&message, &vector.context(version, &names));
            let words: Vec<_> = judged.iter().map(|judged| judged.verdict.word()).collect();
            let before = baseline(&vector, version, &names);
            let after = vector.predict(version, &before, &judged, &names);
            assert_eq!(
                (json!(words), json!(changes(&before, &after, &names))),
                (seen["verdicts"].clone(), seen["changes"].clone()),
                "{} in {version}: {judged:?}",
                vector.name
            );
        }
    }
}

fn encode_vectors() -> Vec<Value> {
    let vectors: Vec<Value> = serde_json::from_str(&file("encode.json")).unwrap();
    assert!(vectors.len() >= 11, "only {} vectors", vectors.len());
    vectors
}

fn pairs(vector: &Value) -> Vec<(&str, &str)> {
    let pairs = vector["assignments"].as_array().unwrap();
    pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
}

#[test]
fn what_is_given_is_encoded_to_the_bytes_of_its_vector() {
    for vector in encode_vectors() {
        let mut message = Encoder::new().with_line_breaks(LineBreaks::Space);
        for (key, value) in pairs(&vector) {
            message.push(Assignment::Other(key, value)).unwrap();
        }
        assert_eq!(message.bytes(), vector["bytes"].as_str().unwrap().as_bytes(), "{}", vector["name"]);
    }
}

#[test]
fn what_was_encoded_is_read_as_it_was_given_with_spaces_for_line_breaks() {
    for vector in encode_vectors() {
        let message = Message::parse(vector["bytes"].as_str().unwrap().as_bytes()).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let found: Vec<_> = message.pairs().map(|(key, value)| (text(key), text(value))).collect();
        let given: Vec<_> = pairs(&vector)
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.replace(['\n', '\r'], " ")))
            .collect();
        assert_eq!(found, given, "{}", vector["name"]);
    }
}

/// A message of typed assignments, where a datagram is one, encodes to that datagram: nothing is lost on the way.
#[test]
fn a_datagram_that_is_written_plainly_is_encoded_as_it_was_read() {
    let names = names();
    let mut plain = 0;
    for vector in vectors() {
        let sent = vector.sent.bytes(&names);
        let Ok(message) = Message::parse(&sent) else { continue };
        let mut encoder = Encoder::new();
        let said: Option<Vec<_>> = message.assignments().map(Result::ok).collect();
        let Some(said) = said.filter(|said| said.len() == message.lines().len()) else { continue };
        if said.into_iter().any(|assignment| encoder.push(assignment).is_err()) {
            continue;
        }
        let again = Message::parse(encoder.bytes()).unwrap();
        assert!(again.assignments().eq(message.assignments()), "{}", vector.name);
        plain += usize::from(encoder.bytes() == sent);
    }
    assert!(plain >= 150, "only {plain} datagrams are written plainly");
}
