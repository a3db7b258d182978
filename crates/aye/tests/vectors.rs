//! The vectors that the JavaScript tests read too: what is given, and the bytes it becomes.

use aye::message::LineBreaks;
use aye::{Assignment, Encoder, Message};
use serde_json::Value;

fn vectors() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/encode.json");
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(vectors.len() >= 11, "{path} has only {} vectors", vectors.len());
    vectors
}

fn pairs(vector: &Value) -> Vec<(&str, &str)> {
    let pairs = vector["assignments"].as_array().unwrap();
    pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
}

#[test]
fn every_vector_is_encoded_to_its_bytes() {
    for vector in vectors() {
        let mut message = Encoder::new().with_line_breaks(LineBreaks::Space);
        for (key, value) in pairs(&vector) {
            message.push(Assignment::Other(key, value)).unwrap();
        }
        assert_eq!(message.bytes(), vector["bytes"].as_str().unwrap().as_bytes(), "{}", vector["name"]);
    }
}

#[test]
fn the_bytes_of_every_vector_are_read_as_what_was_given_with_spaces_for_line_breaks() {
    for vector in vectors() {
        let message = Message::parse(vector["bytes"].as_str().unwrap().as_bytes()).unwrap();
        let found: Vec<(String, String)> = message
            .pairs()
            .map(|(key, value)| {
                (String::from_utf8(key.to_vec()).unwrap(), String::from_utf8(value.to_vec()).unwrap())
            })
            .collect();
        let given: Vec<(String, String)> = pairs(&vector)
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.replace(['\n', '\r'], " ")))
            .collect();
        assert_eq!(found, given, "{}", vector["name"]);
    }
}
