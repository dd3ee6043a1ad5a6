//! The verdicts on keys, checked against `vectors/keys.json`, which the other
//! languages check too.

use memoxide::client::{Builder, Place, Setting};
use memoxide::{ErrorKind, Result};
use serde_json::Value;

fn bytes(notation: &Value) -> Vec<u8> {
    if let Some(text) = notation["utf8"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(fill) = notation["fill"].as_str() {
        let count = notation["count"].as_u64().expect("a count");
        return fill.repeat(count as usize).into_bytes();
    }
    let digits = notation["hex"].as_str().expect("a byte string");
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Finds the server of a key behind a prefix, which checks both.
fn verdict(key: &[u8], prefix: &Value) -> Result<usize> {
    let mut builder = Builder::default().server("127.0.0.1")?;
    let prefix = match prefix {
        Value::Null => Vec::new(),
        Value::String(text) => text.as_bytes().to_vec(),
        notation => bytes(notation),
    };
    builder = builder.option("prefix", &Setting::Bytes(&prefix))?;
    builder.plan()?.place(key, Place::Key)
}

#[test]
fn every_language_takes_the_same_keys() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys.json");
    let text = std::fs::read_to_string(path).expect("vectors");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let cases = file["keys"].as_array().expect("cases");
    for case in cases {
        let key = bytes(&case["key"]);
        match verdict(&key, &case["prefix"]) {
            Ok(_) => assert_eq!(case["valid"], true, "{case}: was taken"),
            Err(error) => {
                assert_eq!(case["valid"], false, "{case}: {error}");
                let kind = error.kind();
                let expected = [ErrorKind::InvalidKey, ErrorKind::Config];
                assert!(expected.contains(&kind), "{case}: {kind}");
                assert!(error.message().len() < 200, "{case}: {error}");
            }
        }
    }
    assert!(cases.len() > 60);
}
