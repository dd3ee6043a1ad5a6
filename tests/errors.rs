//! Checks the core against `errors.json`, the list that Python and Node check
//! themselves against too.

use memoxide::{ErrorKind, Phase, Sent};
use serde_json::Value;

fn list() -> Value {
    serde_json::from_str(include_str!("errors.json")).expect("errors.json is JSON")
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list[field]
        .as_array()
        .expect("an array")
        .iter()
        .map(|text| text.as_str().expect("a text"))
        .collect()
}

#[test]
fn every_kind_is_listed_in_order() {
    let list = list();
    let listed: Vec<&str> = list["kinds"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| row["kind"].as_str().expect("a kind"))
        .collect();
    let known: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(listed, known);
}

#[test]
fn codes_and_classes_follow_the_kind() {
    for row in list()["kinds"].as_array().expect("an array") {
        let kind = row["kind"].as_str().expect("a kind");
        let mut code = String::from("ERR_MEMOXIDE");
        for letter in kind.chars() {
            if letter.is_ascii_uppercase() {
                code.push('_');
            }
            code.push(letter.to_ascii_uppercase());
        }
        assert_eq!(row["node"]["code"], code.as_str());
        assert_eq!(row["node"]["class"], format!("{kind}Error"));
        assert_eq!(row["python"]["class"], format!("{kind}Error"));
    }
}

#[test]
fn phases_and_outcomes_are_listed() {
    let list = list();
    let phases = [
        Phase::Queue,
        Phase::Resolve,
        Phase::Connect,
        Phase::Tls,
        Phase::Auth,
        Phase::Write,
        Phase::Read,
    ];
    assert_eq!(texts(&list, "phases"), phases.map(Phase::name));
    let outcomes = [Sent::NotSent, Sent::MaybeApplied];
    assert_eq!(texts(&list, "sent"), outcomes.map(Sent::name));
}
