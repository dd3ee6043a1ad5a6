//! Conversations recorded from memcached 1.6.45, as tutorials have them.

use memoxide::server::{Credential, Next, Settings};
use serde_json::Value;

use crate::Pair;

/// Seconds by which recorded times may lag, since recording took time.
const LAG: i64 = 20;

fn bytes(value: &Value) -> Vec<u8> {
    if let Some(text) = value["utf8"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(hex) = value["hex"].as_str() {
        return (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits"))
            .collect();
    }
    let repeat = &value["repeat"];
    let text = |name: &str| repeat[name].as_str().expect("text").as_bytes().to_vec();
    let count = repeat["count"].as_u64().expect("a count") as usize;
    [text("before"), text("byte").repeat(count), text("after")].concat()
}

fn settings(value: &Value) -> Settings {
    let mut settings = Settings::default();
    let Some(changes) = value.as_object() else {
        return settings;
    };
    for (name, value) in changes {
        let on = value.as_bool().unwrap_or_default();
        match name.as_str() {
            "auth_file" => {
                let users = value.as_array().expect("a list of users");
                let user = |pair: &Value| {
                    let part = |at: usize| pair[at].as_str().expect("text").as_bytes().to_vec();
                    Credential::new(part(0), part(1))
                };
                settings.auth_file = Some(users.iter().map(user).collect());
            }
            "cas" => settings.cas = on,
            "dump_enabled" => settings.dump_enabled = on,
            "flush_enabled" => settings.flush_enabled = on,
            other => panic!("unknown setting {other}"),
        }
    }
    settings
}

/// Whether two words are the same but for a recorded time.
fn same_word(ours: &[u8], theirs: &[u8]) -> bool {
    if ours == theirs {
        return true;
    }
    [&b"t"[..], b"l", b"exp=", b"la="].iter().any(|name| {
        let number = |word: &[u8]| {
            let digits = word.strip_prefix(*name)?;
            std::str::from_utf8(digits)
                .ok()?
                .trim_end()
                .parse::<i64>()
                .ok()
        };
        match (number(ours), number(theirs)) {
            // Times of dumps are absolute, and ours is a clock of its own.
            (Some(ours), Some(theirs)) => {
                (ours - theirs).abs() <= LAG || (ours > 1 << 30 && theirs > 1 << 30)
            }
            _ => false,
        }
    })
}

fn same(ours: &[u8], theirs: &[u8]) -> bool {
    let words = |bytes: &[u8]| -> Vec<Vec<u8>> {
        bytes
            .split(|byte| *byte == b' ')
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (ours, theirs) = (words(ours), words(theirs));
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(&theirs)
            .all(|(ours, theirs)| same_word(ours, theirs))
}

#[test]
fn recorded_conversations_go_the_same_way() {
    let file: Value = serde_json::from_str(include_str!("../vectors/server/transcripts.json"))
        .expect("the transcripts are valid");
    let transcripts = file["transcripts"].as_array().expect("a list");
    assert!(transcripts.len() >= 30);
    for transcript in transcripts {
        let name = transcript["name"].as_str().expect("a name");
        let mut pair = Pair::new(settings(&transcript["settings"]));
        for step in transcript["steps"].as_array().expect("a list") {
            let (send, expected) = (bytes(&step["send"]), bytes(&step["expect"]));
            let mut answer = pair.line.send(&send);
            if pair.line.next == Next::Stream {
                answer.extend(crate::streams::read(&mut pair.line));
            }
            assert!(
                same(&answer, &expected),
                "{name}: after {}\nours:   {}\ntheirs: {}",
                send[..send.len().min(200)].escape_ascii(),
                answer.escape_ascii(),
                expected.escape_ascii(),
            );
            let closed = step["closed"].as_bool().unwrap_or_default();
            assert_eq!(pair.line.next == Next::Close, closed, "{name}: close");
        }
    }
}

#[test]
fn recorded_conversations_survive_any_cut() {
    let file: Value = serde_json::from_str(include_str!("../vectors/server/transcripts.json"))
        .expect("the transcripts are valid");
    for transcript in file["transcripts"].as_array().expect("a list") {
        let name = transcript["name"].as_str().expect("a name");
        // Dumps and limits depend on what arrives together.
        if name.contains("list") || name.contains("too large") || name.contains("an end") {
            continue;
        }
        let mut pair = Pair::new(settings(&transcript["settings"]));
        for step in transcript["steps"].as_array().expect("a list") {
            let (send, expected) = (bytes(&step["send"]), bytes(&step["expect"]));
            let mut answer = Vec::new();
            for byte in send {
                answer.extend(pair.line.send(&[byte]));
                if pair.line.next == Next::Close {
                    break;
                }
            }
            assert!(
                same(&answer, &expected),
                "{name}\nours:   {}\ntheirs: {}",
                answer.escape_ascii(),
                expected.escape_ascii(),
            );
        }
    }
}
