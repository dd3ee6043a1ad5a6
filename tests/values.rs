//! The dialect `memoxide`, from the vectors that the three languages share.

use std::borrow::Cow;

use memoxide::value::{Codec, Dialect, Value, json};
use memoxide::{ErrorKind, Result};
use serde_json::Value as Json;

const VECTORS: &str = include_str!("vectors/values.json");

#[test]
fn values_are_read_and_written_as_listed() {
    let vectors = vectors();
    let codec = codec(&vectors);
    let values = list(&vectors, "values");
    let mut written = 0;
    for case in values {
        let name = text(case, "name");
        let (flags, payload) = (flags(case), bytes(case));
        if cfg!(not(feature = "compress")) && case["compression"].is_string() {
            let error = codec
                .decode(flags, Cow::Borrowed(&payload))
                .expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
            continue;
        }
        let value = codec.decode(flags, Cow::Borrowed(&payload)).expect(name);
        match (text(case, "type"), &value) {
            ("bytes", Value::Bytes(read)) => assert_eq!(**read, *bytes(&case["value"]), "{name}"),
            ("text", Value::Text(read)) => assert_eq!(read, text(case, "value"), "{name}"),
            ("int", Value::Int(read)) => assert_eq!(read, text(case, "value"), "{name}"),
            ("json", Value::Json(read)) => {
                let read: Json = serde_json::from_str(read).expect(name);
                assert_eq!(read, case["value"], "{name}");
            }
            (kind, value) => panic!("{name}: {} for {kind}", value.kind()),
        }
        if case["read_only"] != true {
            let encoded = codec.encode(value).expect(name);
            assert_eq!(
                (encoded.flags, &*encoded.bytes),
                (flags, &payload[..]),
                "{name}"
            );
            written += 1;
        }
    }
    assert_eq!((values.len(), written), (53, 38));
}

#[test]
fn refused_json_is_neither_written_nor_read() {
    let vectors = vectors();
    let codec = codec(&vectors);
    let refused = list(&vectors, "refused");
    for case in refused {
        let (name, text) = (text(case, "name"), text(case, "text"));
        assert!(json::check(text).is_err(), "{name}");
        let kind = |result: Result<()>| result.expect_err(name).kind();
        let written = codec.encode(Value::Json(Cow::Borrowed(text)));
        assert_eq!(kind(written.map(drop)), ErrorKind::Encode, "{name}");
        let read = codec.decode(0x1_0010, Cow::Borrowed(text.as_bytes()));
        assert_eq!(kind(read.map(drop)), ErrorKind::Decode, "{name}");
    }
    assert_eq!(refused.len(), 46);
}

#[test]
fn unreadable_values_are_errors_with_what_was_stored() {
    let vectors = vectors();
    let codec = codec(&vectors);
    let unreadable = list(&vectors, "unreadable");
    for case in unreadable {
        let name = text(case, "name");
        let (flags, payload) = (flags(case), bytes(case));
        let error = codec
            .decode(flags, Cow::Borrowed(&payload))
            .expect_err(name);
        let expected = if cfg!(not(feature = "compress")) && flags & 8 != 0 {
            ErrorKind::Unsupported
        } else {
            ErrorKind::Decode
        };
        assert_eq!(error.kind(), expected, "{name}");
        let (raw_flags, raw) = error.raw().expect(name);
        assert_eq!((raw_flags, &raw[..]), (flags, &payload[..]), "{name}");
    }
    assert_eq!(unreadable.len(), 19);
}

fn vectors() -> Json {
    serde_json::from_str(VECTORS).expect("JSON")
}

fn codec(vectors: &Json) -> Codec {
    Codec::new(Dialect::by_name(text(vectors, "dialect")).expect("a dialect"))
}

fn list<'a>(vectors: &'a Json, name: &str) -> &'a [Json] {
    vectors[name].as_array().expect("a list")
}

fn text<'a>(case: &'a Json, field: &str) -> &'a str {
    case[field].as_str().expect("text")
}

fn flags(case: &Json) -> u32 {
    let flags = case["flags"].as_u64().expect("flags");
    u32::try_from(flags).expect("32 bits")
}

fn bytes(case: &Json) -> Vec<u8> {
    let digits = text(case, "hex").as_bytes();
    digits
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("hex digits")
        })
        .collect()
}
