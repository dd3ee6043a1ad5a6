//! Every recorded value of every client, all of them, through the codec.
//!
//! `tests/vectors/interop/values` holds what the clients themselves stored; see
//! the README there. A case is checked in one of the ways of [`Check`], and the
//! number of each is asserted, so that none is passed over. What was stored
//! without compression is then encoded again and compared byte for byte; what
//! was compressed is compressed again and must come back ([`Written`]).

#[path = "interop_values/clients.rs"]
mod clients;
#[path = "interop_values/expected.rs"]
mod expected;
#[path = "interop_values/php.rs"]
mod php;
#[path = "interop_values/recorded.rs"]
mod recorded;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use memoxide::value::{
    Codec, Compression, CompressionFormat, Confidence, Dialect, Kind, NonFinite, Value, explain,
};
use serde_json::Value as Json;

use self::clients::{codec, compression, dialect, serializer};
use self::expected::{Expected, Source, expected};
use self::recorded::{expression, files, read_json, stored, text, vectors};

/// How a case was checked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Check {
    /// Against what the same client stored with other settings.
    Alike,
    /// The client has no form for the value: what it made of it must come out as
    /// it was stored.
    Damaged,
    /// Serialized in the client's language: the bytes that come out are compared
    /// with those stored without compression, by this client or by another one
    /// with the same serializer.
    Foreign,
    /// The client has no types: the bytes are compared with the value's text.
    Raw,
    /// The client refused the value, so there is nothing to read.
    Refused,
    /// Against `value_json`, or the value of the source expression.
    Value(Source),
}

/// How a case was written again.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Written {
    /// With compression: the same flags, and the same value read back.
    Compressed,
    /// Rightly, where the client had a defect.
    Mended,
    /// The same flags, byte for byte.
    Same,
}

#[test]
fn every_recorded_value_is_read_and_written() {
    let files = files();
    assert_eq!(files.len(), 49);
    let plain = plain_payloads(&files);
    let mut checks = BTreeMap::new();
    let mut writes = BTreeMap::new();
    for file in &files {
        let id = text(&file["id"]);
        if id.starts_with("php-session") {
            continue;
        }
        let codec = codec(id);
        for case in file["cases"].as_array().expect("cases") {
            let at = format!("{id}: {}", expression(case));
            let Some((flags, bytes)) = stored(case) else {
                assert!(case["error"].is_string(), "{at}");
                *checks.entry(Check::Refused).or_insert(0) += 1;
                continue;
            };
            let value = codec
                .decode(flags, Cow::Borrowed(&bytes))
                .unwrap_or_else(|error| panic!("{at}: {error}"));
            let check = check(&at, id, case, &bytes, &value, &plain);
            *checks.entry(check).or_insert(0) += 1;
            let written = write_again(&at, &codec, flags, &bytes, value);
            *writes.entry(written).or_insert(0) += 1;
        }
    }
    let expected = [
        (Check::Alike, 8),
        (Check::Damaged, 73),
        (Check::Foreign, 596),
        (Check::Raw, 58),
        (Check::Refused, 147),
        (Check::Value(Source::Expression), 410),
        (Check::Value(Source::Json), 488),
    ];
    assert_eq!(Vec::from_iter(checks), expected);
    let expected = [
        (Written::Compressed, 122),
        (Written::Mended, 4),
        (Written::Same, 1507),
    ];
    assert_eq!(Vec::from_iter(writes), expected);
}

/// Compares what was read with what it should be.
fn check(
    at: &str,
    id: &str,
    case: &Json,
    stored: &[u8],
    value: &Value<'_>,
    plain: &Plain,
) -> Check {
    let (expected, source) = expected(case);
    let dialect = dialect(id);
    match (&expected, value) {
        (_, Value::Foreign(foreign)) => {
            let (kin, format) = serializer(id);
            assert_eq!(foreign.format, format, "{at}");
            let key = (kin.to_owned(), expression(case).to_owned());
            let payload = plain
                .get(&key)
                .unwrap_or_else(|| panic!("{at}: no payload"));
            assert_eq!(*foreign.bytes, **payload, "{at}");
            return Check::Foreign;
        }
        (Expected::Digests, value) => {
            let key = ("php-memcached".to_owned(), expression(case).to_owned());
            assert_eq!(*value, Value::Bytes(Cow::Borrowed(&plain[&key])), "{at}");
            return Check::Alike;
        }
        // The client made JSON, or text, of an object.
        (Expected::Object, Value::Bytes(bytes)) => assert_eq!(**bytes, *stored, "{at}"),
        (Expected::Object, Value::Json(text)) => assert_eq!(text.as_bytes(), stored, "{at}"),
        (Expected::Object, Value::Text(text)) => {
            let stored: String = serde_json::from_slice(stored).expect("a JSON string");
            assert_eq!(*text, stored, "{at}");
        }
        (Expected::Json(_) | Expected::NonFinite(_), Value::Bytes(bytes)) => {
            assert_eq!(dialect, Dialect::Raw, "{at}");
            assert_eq!(**bytes, *stored, "{at}");
        }
        // memcache-client writes null and reads it as NaN.
        (Expected::NonFinite(_), Value::NonFinite(NonFinite::NaN))
            if dialect == Dialect::MemcacheClient => {}
        (Expected::Text(_) | Expected::Int(_), Value::Bytes(bytes)) => {
            assert_eq!(dialect, Dialect::Raw, "{at}");
            let (Expected::Text(text) | Expected::Int(text)) = &expected else {
                unreachable!("matched above");
            };
            assert_eq!(**bytes, *text.as_bytes(), "{at}");
            return Check::Raw;
        }
        (Expected::Bytes(expected), Value::Bytes(bytes)) => {
            assert_eq!(**bytes, **expected, "{at}");
            return Check::Value(source);
        }
        (Expected::Text(expected), Value::Text(text)) => {
            assert_eq!(text, expected, "{at}");
            return Check::Value(source);
        }
        (Expected::Int(expected), Value::Int(digits)) => {
            assert_eq!(digits, expected, "{at}");
            return Check::Value(source);
        }
        (Expected::Json(expected), Value::Json(text)) => {
            let read: Json = serde_json::from_str(text).expect("JSON");
            assert_eq!(read, *expected, "{at}");
            return Check::Value(source);
        }
        (Expected::NonFinite(expected), Value::NonFinite(number)) => {
            assert_eq!(number.to_f64().to_bits(), expected.to_bits(), "{at}");
            return Check::Value(source);
        }
        (expected, value) => panic!("{at}: {} for {expected:?}", value.kind()),
    }
    Check::Damaged
}

/// Encodes what was read.
fn write_again(at: &str, codec: &Codec, flags: u32, stored: &[u8], value: Value<'_>) -> Written {
    let again = codec.encode(value.clone()).expect(at);
    if (again.flags, &*again.bytes) == (flags, stored) {
        return Written::Same;
    }
    let Some(format) = compression(codec.dialect, flags, stored) else {
        assert_eq!(codec.dialect, Dialect::MemcacheClient, "{at}");
        assert_eq!(value, Value::NonFinite(NonFinite::NaN), "{at}");
        return Written::Mended;
    };
    let codec = Codec {
        compression: Some(Compression { format, above: 1 }),
        ..codec.clone()
    };
    let again = codec.encode(value.clone()).expect(at);
    assert_eq!(again.flags, flags, "{at}");
    let read = codec.decode(again.flags, again.bytes).expect(at);
    assert_eq!(read, value, "{at}");
    Written::Compressed
}

#[test]
fn recorded_thresholds_are_kept() {
    let mut checked = 0;
    for file in files() {
        let id = text(&file["id"]);
        let (format, above) = match id {
            "python-memcached-min_compress_len-100" => (CompressionFormat::Zlib, 100),
            "pylibmc-min_compress_len-100" | "pylibmc-min_compress_len-100-level-9" => {
                (CompressionFormat::Zlib, 100)
            }
            "pymemcache-compressed_serde" => (CompressionFormat::Zlib, 400),
            "meta-memcache-mixed" => (CompressionFormat::Zlib, 128),
            "meta-memcache-zstd" => (CompressionFormat::Zstd, 128),
            "memcache-client-compress-deflate" => (CompressionFormat::Zlib, 100),
            "php-memcached" => (CompressionFormat::FastLz, 2000),
            "php-memcached-zlib" => (CompressionFormat::Zlib, 2000),
            "dalli" | "dalli5-string_fastpath" => (CompressionFormat::Zlib, 4096),
            "dalli-gzip" => (CompressionFormat::Gzip, 4096),
            _ => continue,
        };
        let plain = codec(id);
        let codec = Codec {
            compression: Some(Compression { format, above }),
            ..plain.clone()
        };
        codec.check().expect("a format of the dialect");
        for case in file["cases"].as_array().expect("cases") {
            let Some((flags, bytes)) = stored(case) else {
                continue;
            };
            let at = format!("{id}: {}", expression(case));
            let value = plain.decode(flags, Cow::Borrowed(&bytes)).expect(&at);
            if let Value::NonFinite(_) = value {
                continue;
            }
            assert_eq!(codec.encode(value).expect(&at).flags, flags, "{at}");
            checked += 1;
        }
    }
    assert_eq!(checked, 510);
}

#[test]
fn explain_names_the_dialect_of_every_recorded_value() {
    let mut places = BTreeMap::new();
    let mut sessions = 0;
    for file in files() {
        let id = text(&file["id"]);
        for case in file["cases"].as_array().expect("cases") {
            if let Some((flags, bytes)) = stored(&case["item"]) {
                let first = &explain(flags, &bytes)[0];
                sessions += usize::from(matches!(first.kind, Kind::Session(_)));
                continue;
            }
            let Some((flags, bytes)) = stored(case) else {
                continue;
            };
            let guesses = explain(flags, &bytes);
            let best = guesses[0].confidence;
            let dialect = dialect(id);
            let found = guesses.iter().find(|guess| guess.dialect == dialect);
            let found = found.unwrap_or_else(|| panic!("{id}: {}", expression(case)));
            let place = (found.confidence, found.confidence == best);
            *places.entry(place).or_insert(0) += 1;
        }
    }
    let expected = [
        // memcache-client writes null for NaN; memoxide does not.
        ((Confidence::Unlikely, false), 4),
        // meta-memcache marks bytes as others mark text, and these are ASCII.
        ((Confidence::Possible, false), 4),
        ((Confidence::Possible, true), 315),
        ((Confidence::Likely, true), 1310),
    ];
    assert_eq!(Vec::from_iter(places), expected);
    assert_eq!(sessions, 33);
}

/// Payloads stored without compression, by file and expression.
type Plain = HashMap<(String, String), Vec<u8>>;

fn plain_payloads(files: &[Json]) -> Plain {
    let extra = read_json(&vectors().join("values-php/php.json.gz"));
    let mut plain = Plain::new();
    let serializers = extra["serializers"].as_array().expect("serializers");
    let cases = files.iter().flat_map(|file| {
        let cases = file["cases"].as_array().expect("cases");
        cases.iter().map(|case| (text(&file["id"]), case))
    });
    let extra = serializers.iter().map(|case| (text(&case["id"]), case));
    for (id, case) in cases.chain(extra) {
        if id.starts_with("php-session") {
            continue;
        }
        if let Some((flags, bytes)) = stored(case)
            && compression(dialect(id), flags, &bytes).is_none()
        {
            plain.insert((id.to_owned(), expression(case).to_owned()), bytes);
        }
    }
    plain
}
