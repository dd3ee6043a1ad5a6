//! PHP's own formats: recorded sessions, and what PHP does with `serialize`, with
//! sessions that change, and with FastLZ (`php.json.gz` in `values-php`).

use std::borrow::Cow;

use memoxide::ErrorKind;
use memoxide::value::php::{Objects, Session, SessionFormat, Tree};
use memoxide::value::{Codec, Compression, CompressionFormat, Dialect, Value};
use serde_json::Value as Json;

use super::recorded::{decoded, expression, files, read_json, stored, text, vectors};

#[test]
fn every_recorded_session_is_read_and_written() {
    let (mut read, mut empty, mut unsupported) = (0, 0, 0);
    for file in files() {
        let id = text(&file["id"]);
        if !id.starts_with("php-session") {
            continue;
        }
        let handler = text(&file["options"]["session.serialize_handler"]);
        for case in file["cases"].as_array().expect("cases") {
            let at = format!("{id}: {}", expression(case));
            let (flags, payload) = stored(&case["item"]).expect("an item");
            assert_eq!(flags, 0, "{at}");
            let Ok(format) = SessionFormat::by_name(handler) else {
                let error = Session::parse(SessionFormat::Php, &payload).expect_err(&at);
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{at}");
                assert!(error.message().contains(handler), "{at}");
                unsupported += 1;
                continue;
            };
            let session = Session::parse(format, &payload).expect(&at);
            assert_eq!(session.serialize().expect(&at), payload, "{at}");
            let detected = SessionFormat::detect(&payload).expect(&at);
            assert_eq!(detected, (!payload.is_empty()).then_some(format), "{at}");
            if payload.is_empty() {
                // Also what `php` makes of a name with a |.
                empty += 1;
                continue;
            }
            check_session(&at, case, &session);
            read += 1;
        }
    }
    assert_eq!((read, empty, unsupported), (33, 7, 16));
}

/// Compares the variables with those that PHP had.
fn check_session(at: &str, case: &Json, session: &Session) {
    let names: Vec<_> = session.names().filter_map(|name| name.as_text()).collect();
    let json = |name: &str| {
        let text = session.json(name).expect(at).expect(at);
        serde_json::from_str::<Json>(&text).expect(at)
    };
    match (text(&case["php_session"]), case.get("value_json")) {
        (_, Some(Json::Object(variables))) => {
            for (name, value) in variables {
                // An integer name is left out by `php` and `php_binary`.
                if session.format() != SessionFormat::PhpSerialize && name == "0" {
                    assert!(session.get(name).is_none(), "{at}");
                    continue;
                }
                assert_eq!(json(name), *value, "{at}");
            }
        }
        (_, Some(variables)) => assert_eq!((variables, session.len()), (&Json::Array(vec![]), 0)),
        ("['obj'=>new U,'std'=>(object)['x'=>1]]", _) => {
            assert_eq!(names, ["obj", "std"], "{at}");
            let object =
                b"O:1:\"U\":3:{s:1:\"n\";s:1:\"x\";s:4:\"\0*\0p\";a:1:{i:0;i:1;}s:4:\"\0U\0q\";N;}";
            let serialized = session.serialized("obj").expect(at).expect(at);
            assert_eq!(serialized, object, "{at}");
            assert!(session.json("obj").is_err(), "{at}");
        }
        ("['s'=>str_repeat('z',5000)]", _) => assert_eq!(json("s"), "z".repeat(5000), "{at}"),
        ("['bin'=>\"\\0\\xff|;}\",'csrf|token'=>'not storable with php handler']", _) => {
            assert_eq!(names, ["bin", "csrf|token"], "{at}");
            assert!(session.json("bin").is_err(), "{at}");
            assert_eq!(json("csrf|token"), "not storable with php handler", "{at}");
        }
        (other, _) => panic!("no value known for {other}"),
    }
}

#[test]
fn php_data_is_what_php_makes_of_it() {
    let file = read_json(&vectors().join("values-php/php.json.gz"));
    let mut with_json = 0;
    let cases = file["serialize"].as_array().expect("cases");
    for case in cases {
        let at = text(&case["php"]);
        let bytes = decoded(&case["serialized_base64"]);
        let tree = Tree::parse(&bytes).expect(at);
        assert_eq!(tree.serialize().expect(at), bytes, "{at}");
        let Some(json) = case["json"].as_str() else {
            assert!(tree.to_json(Objects::Refuse).is_err(), "{at}");
            continue;
        };
        with_json += 1;
        let parse = |text: &str| serde_json::from_str::<Json>(text).expect(at);
        let shown = tree.to_json(Objects::Refuse).expect(at);
        assert_eq!(parse(&shown), parse(json), "{at}");
        if !shared(&bytes) {
            // Both texts lead back to the same data, floats and keys included.
            for json in [&shown, json] {
                let again = Tree::from_json(json).and_then(|tree| tree.serialize());
                assert_eq!(again.expect(at), bytes, "{at}");
            }
        }
    }
    assert_eq!((cases.len(), with_json), (50, 35));

    let refused = file["refused_base64"].as_array().expect("cases");
    for case in refused {
        let bytes = decoded(case);
        let error = Tree::parse(&bytes).expect_err("refused by PHP");
        assert_eq!(error.kind(), ErrorKind::Decode);
    }
    assert_eq!(refused.len(), 30);
}

/// Whether data has a reference.
fn shared(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|part| part == b";R:")
}

#[test]
fn sessions_are_changed_as_php_changes_them() {
    let file = read_json(&vectors().join("values-php/php.json.gz"));
    let cases = file["sessions"].as_array().expect("cases");
    for case in cases {
        let format = SessionFormat::by_name(text(&case["handler"])).expect("a format");
        let at = format!("{} {} {}", format.name(), case["php"], case["steps"]);
        let before = decoded(&case["before_base64"]);
        let mut session = Session::parse(format, &before).expect(&at);
        for step in case["steps"].as_array().expect("steps") {
            let name = text(&step[1]);
            match text(&step[0]) {
                "remove" => {
                    session.remove(name);
                }
                "set_json" => session.set_json(name, text(&step[2])).expect(&at),
                other => panic!("an unknown step {other}"),
            }
        }
        let after = decoded(&case["after_base64"]);
        let written = session.serialize().expect(&at);
        assert_eq!(
            written.escape_ascii().to_string(),
            after.escape_ascii().to_string(),
            "{at}"
        );
    }
    assert_eq!(cases.len(), 90);
}

#[test]
fn what_php_compressed_is_inflated_and_compressed_again() {
    let file = read_json(&vectors().join("values-php/php.json.gz"));
    let cases = file["compressed"].as_array().expect("cases");
    for case in cases {
        let at = format!("{} {}", case["type"], case["label"]);
        let times = case["times"].as_u64().expect("times") as usize;
        let plain = decoded(&case["block_base64"]).repeat(times);
        let (flags, bytes) = stored(case).expect("stored");
        let format = CompressionFormat::by_name(text(&case["type"])).expect("a format");
        let codec = Codec {
            compression: Some(Compression {
                format,
                above: 2000,
            }),
            ..Codec::new(Dialect::Php)
        };
        let again = codec.encode(Value::from(&plain[..])).expect(&at);
        assert_eq!(again.flags, flags, "{at}");
        // No more than a hundredth longer than PHP's.
        let most = bytes.len() + bytes.len() / 100 + 8;
        assert!(
            again.bytes.len() <= most,
            "{at}: {} bytes",
            again.bytes.len()
        );
        for bytes in [Cow::Borrowed(&bytes[..]), again.bytes] {
            match codec.decode(flags, bytes).expect(&at) {
                Value::Text(text) => assert!(text.as_bytes() == plain, "{at}"),
                value => panic!("{at}: {}", value.kind()),
            }
        }
    }
    assert_eq!(cases.len(), 14);
}
