//! How keys, bytes and values are written in scenario files.

use std::borrow::Cow;

use memoxide::value::Value as Cached;
use serde_json::{Value, json};

/// Reads a byte string, or text.
pub(crate) fn bytes(notation: &Value) -> Vec<u8> {
    if let Some(text) = notation.as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(text) = notation["utf8"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(fill) = notation["fill"].as_str() {
        return fill
            .repeat(notation["count"].as_u64().expect("count") as usize)
            .into_bytes();
    }
    let digits = notation["hex"]
        .as_str()
        .unwrap_or_else(|| panic!("no byte string: {notation}"));
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Reads a value.
pub(crate) fn value(notation: &Value) -> Cached<'static> {
    let (kind, inner) = notation
        .as_object()
        .and_then(|map| map.iter().next())
        .expect("a value");
    match kind.as_str() {
        "text" => Cached::Text(Cow::Owned(inner.as_str().expect("text").to_owned())),
        "int" => Cached::Int(Cow::Owned(inner.as_str().expect("digits").to_owned())),
        "bytes" => Cached::Bytes(Cow::Owned(bytes(inner))),
        "json" => Cached::Json(Cow::Owned(inner.to_string())),
        other => panic!("unknown kind of value: {other}"),
    }
}

/// Writes a value, in the form to which [`normal`] brings expectations.
pub(crate) fn written(value: &Cached<'_>) -> Value {
    match value {
        Cached::Text(text) => json!({"text": text}),
        Cached::Int(digits) => json!({"int": digits}),
        Cached::Bytes(bytes) => json!({"bytes": raw(bytes)}),
        Cached::Json(text) => json!({"json": serde_json::from_str::<Value>(text).expect("JSON")}),
        other => panic!("a value of kind {} in a scenario", other.kind()),
    }
}

/// Writes a byte string.
pub(crate) fn raw(bytes: &[u8]) -> Value {
    json!({"hex": hex(bytes)})
}

/// Brings the byte strings in an expectation to hex.
pub(crate) fn normal(expectation: &Value) -> Value {
    match expectation {
        Value::Object(map) => map
            .iter()
            .map(|(name, inner)| match &**name {
                // What JSON a value holds is nobody's notation.
                "json" => (name.clone(), inner.clone()),
                "bytes" => (name.clone(), raw(&bytes(inner))),
                _ => (name.clone(), normal(inner)),
            })
            .collect(),
        other => other.clone(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
