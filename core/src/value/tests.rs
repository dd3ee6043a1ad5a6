//! What holds for every dialect, or only for the native one. The recorded values
//! of other clients are in `tests/interop_values.rs`.

use std::borrow::Cow;

use proptest::prelude::*;

use super::json::{Integers, Rules};
use super::*;
use crate::error::ErrorKind;

fn json(text: &str) -> Value<'_> {
    Value::Json(Cow::Borrowed(text))
}

fn int(digits: &str) -> Value<'_> {
    Value::Int(Cow::Borrowed(digits))
}

fn encoded(codec: &Codec, value: Value<'_>) -> (u32, Vec<u8>) {
    let encoded = codec.encode(value).expect("encodes");
    (encoded.flags, encoded.bytes.into_owned())
}

#[test]
fn the_native_dialect_as_documented() {
    let codec = Codec::default();
    for (value, flags, bytes) in [
        (Value::from(&b"\xff\0"[..]), 0, &b"\xff\0"[..]),
        (Value::from("caf\u{e9}"), 16, b"caf\xc3\xa9"),
        (Value::from(42_i64), 2, b"42"),
        (int("-100000000000000000000"), 2, b"-100000000000000000000"),
        (json("null"), 0x1_0010, b"null"),
        (Value::from(true), 0x1_0010, b"true"),
        (Value::from(1.0), 0x1_0010, b"1.0"),
        (json(r#"{"a":[1,2.5]}"#), 0x1_0010, br#"{"a":[1,2.5]}"#),
    ] {
        assert_eq!(encoded(&codec, value.clone()), (flags, bytes.to_vec()));
        let read = codec.decode(flags, Cow::Borrowed(bytes)).expect("decodes");
        assert_eq!(read, value);
    }
}

#[test]
fn json_scalars_are_stored_as_what_they_are() {
    let codec = Codec::default();
    assert_eq!(encoded(&codec, json(" 12 ")), (2, b"12".to_vec()));
    assert_eq!(
        encoded(&codec, json(r#""a\u00e9\n""#)),
        (16, "a\u{e9}\n".as_bytes().to_vec())
    );
}

#[test]
fn nothing_is_copied_without_compression() {
    for dialect in Dialect::ALL {
        let codec = Codec::new(dialect);
        for value in [
            Value::from(&b"bytes"[..]),
            Value::from("text"),
            Value::Int(Cow::Borrowed("12")),
        ] {
            let Ok(encoded) = codec.encode(value) else {
                assert_eq!(dialect, Dialect::Dalli, "only dalli has no integers");
                continue;
            };
            assert!(matches!(encoded.bytes, Cow::Borrowed(_)), "{dialect}");
            let Cow::Borrowed(bytes) = encoded.bytes else {
                continue;
            };
            let read = codec.decode(encoded.flags, Cow::Borrowed(bytes));
            assert!(
                matches!(
                    read.expect("decodes"),
                    Value::Bytes(Cow::Borrowed(_))
                        | Value::Text(Cow::Borrowed(_))
                        | Value::Int(Cow::Borrowed(_))
                ),
                "{dialect}"
            );
        }
    }
}

#[test]
fn unknown_flags_come_back_with_what_was_stored() {
    for (dialect, flags) in [
        (Dialect::Memoxide, 3),
        (Dialect::Memoxide, 0x2_0000),
        (Dialect::Memoxide, 0x1_0000),
        (Dialect::Memoxide, 32),
        (Dialect::Python, 0x2_0000),
        (Dialect::Pylibmc, 64),
        (Dialect::Php, 8),
        (Dialect::Php, 16),
        (Dialect::Php, 256),
        (Dialect::NodeMemcached, 6),
        (Dialect::MemcacheClient, 6),
        (Dialect::Dalli, 8),
        (Dialect::MetaMemcache, 3),
    ] {
        let error = Codec::new(dialect)
            .decode(flags, Cow::Borrowed(b"xyz"))
            .expect_err("unknown flags");
        assert_eq!(error.kind(), ErrorKind::Decode, "{dialect} {flags:#x}");
        let (raw_flags, raw) = error.raw().expect("attached");
        assert_eq!((raw_flags, &raw[..]), (flags, &b"xyz"[..]));
        assert!(error.message().contains(&format!("{flags:#x}")));
    }
}

#[test]
fn bytes_that_do_not_match_their_flags_are_errors() {
    let codec = Codec::default();
    for (flags, bytes) in [
        (16, &b"\xff"[..]),
        (2, b"twelve"),
        (2, b""),
        (0x1_0010, b"{"),
        (0x1_0010, b"\xff"),
        (0x1_0010, b"[9007199254740992]"),
        (8, b"not zlib"),
        (0x2_0008, b"not zstd"),
    ] {
        for bytes in [Cow::Borrowed(bytes), Cow::Owned(bytes.to_vec())] {
            let error = codec.decode(flags, bytes.clone()).expect_err("a mismatch");
            assert_eq!(
                error.raw().map(|(f, b)| (f, b.to_vec())),
                Some((flags, bytes.into_owned()))
            );
            let expected = if cfg!(not(feature = "compress")) && flags & 8 != 0 {
                ErrorKind::Unsupported
            } else {
                ErrorKind::Decode
            };
            assert_eq!(error.kind(), expected);
        }
    }
}

#[test]
fn foreign_formats_pass_only_where_they_are_named() {
    let pickle = Foreign::new(Format::Pickle, &b"N."[..]);
    let closed = Codec::default();
    let open = Codec {
        foreign: Formats::NONE.with(Format::Pickle),
        ..Codec::default()
    };
    let error = closed
        .decode(1, Cow::Borrowed(b"N."))
        .expect_err("a pickle");
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error
            .message()
            .contains("name pickle in the option foreign")
    );
    assert!(error.raw().is_some());
    let error = closed
        .encode(Value::Foreign(pickle.clone()))
        .expect_err("a pickle");
    assert_eq!(error.kind(), ErrorKind::Encode);

    assert_eq!(encoded(&open, Value::Foreign(pickle)), (1, b"N.".to_vec()));
    let Ok(Value::Foreign(read)) = open.decode(1, Cow::Borrowed(b"N.")) else {
        panic!("a pickle is let through");
    };
    assert_eq!(
        (read.format, read.flags, &*read.bytes),
        (Format::Pickle, 1, &b"N."[..])
    );
    let marshal = Value::Foreign(Foreign::new(Format::Marshal, &b"\x04\x080"[..]));
    let error = open.encode(marshal).expect_err("no flags for it");
    assert!(error.message().contains("no flags for this format"));
}

#[cfg(feature = "compress")]
#[test]
fn what_a_serializer_of_ones_own_made_is_compressed_and_comes_back() {
    let text = b"<row>1</row>".repeat(200);
    for dialect in Dialect::ALL {
        for format in CompressionFormat::ALL {
            let mut codec = Codec::new(dialect);
            codec.compression = Some(Compression { format, above: 100 });
            if codec.check().is_err() {
                continue;
            }
            for own in [0x80000, 0xabcd_0000, 1, 8, 0xffff_ffff, 0x20000] {
                let encoded = codec.encode_own(own, &text[..]).unwrap();
                assert!(codec.is_own(own, encoded.flags));
                let is_packed = encoded.flags != own;
                assert_eq!(
                    is_packed,
                    encoded.bytes.len() < text.len(),
                    "{dialect} {own:#x}"
                );
                // Whoever does not compress reads it too.
                let plain = Codec::new(dialect);
                let bytes = plain.decode_own(own, encoded.flags, encoded.bytes);
                assert_eq!(&*bytes.unwrap(), &text[..], "{dialect} {own:#x}");
                let short = codec.encode_own(own, &text[..50]).unwrap();
                assert_eq!((short.flags, &*short.bytes), (own, &text[..50]));
            }
        }
    }
    // Flags that are apart from the marks are, in the dialects of most.
    let mut codec = Codec::new(Dialect::Memoxide);
    codec.compression = Some(Compression {
        format: CompressionFormat::Zlib,
        above: 100,
    });
    assert_eq!(codec.encode_own(0x80000, &text[..]).unwrap().flags, 0x80008);
    // Taken for compressed by every reader, if it were marked or not.
    assert_eq!(codec.encode_own(8, &text[..]).unwrap().flags, 8);
    assert!(!codec.is_own(8, 0));
    assert!(!codec.is_own(0x80000, 0x80001));
    let broken = codec.decode_own(0x80000, 0x80008, Cow::Borrowed(b"no zlib"));
    let error = broken.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.raw().map(|(flags, _)| flags), Some(0x80008));
}

#[test]
fn opaque_bytes_are_stored_as_given_in_every_dialect() {
    for dialect in Dialect::ALL {
        let value = Value::Foreign(Foreign::opaque(0xdead_beef, &b"\r\n\xff"[..]));
        assert_eq!(
            encoded(&Codec::new(dialect), value),
            (0xdead_beef, b"\r\n\xff".to_vec())
        );
    }
}

#[test]
fn the_size_limit_counts_what_is_stored() {
    let codec = Codec {
        max_value_size: 4,
        ..Codec::default()
    };
    assert!(codec.encode(Value::from("1234")).is_ok());
    let error = codec.encode(Value::from("12345")).expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::ValueTooLarge);
}

#[test]
fn integers_must_be_plain_digits() {
    for digits in ["", "-", "+1", "01", "-0", "1.0", "1e3", " 1", "x"] {
        let error = Codec::default().encode(int(digits)).expect_err(digits);
        assert_eq!(error.kind(), ErrorKind::Encode);
    }
}

#[test]
fn integers_that_javascript_would_round_are_refused() {
    for (digits, fine) in [
        ("9007199254740991", true),
        ("9007199254740992", true),
        ("9007199254740993", false),
        ("-9223372036854775808", true),
        ("9223372036854775807", false),
        // As JavaScript writes 2^63.
        ("9223372036854776000", true),
        ("100000000000000000000", true),
        ("340282366920938463463374607431768211456", false),
    ] {
        for dialect in [Dialect::NodeMemcached, Dialect::MemcacheClient] {
            let written = Codec::new(dialect).encode(int(digits));
            assert_eq!(written.is_ok(), fine, "{dialect} {digits}");
            let number = format!("[{digits}]");
            let inside = Codec::new(dialect).encode(json(&number));
            assert_eq!(inside.is_ok(), digits == "9007199254740991");
        }
    }
}

#[test]
fn options_that_the_dialect_does_not_have_are_found() {
    let codec = |dialect, format, user_flags| Codec {
        compression: Some(Compression { format, above: 10 }),
        user_flags,
        ..Codec::new(dialect)
    };
    for (codec, fine) in [
        (codec(Dialect::Php, CompressionFormat::FastLz, 7), true),
        (
            codec(Dialect::Memoxide, CompressionFormat::FastLz, 0),
            false,
        ),
        (
            codec(Dialect::NodeMemcached, CompressionFormat::Zlib, 0),
            false,
        ),
        (codec(Dialect::Raw, CompressionFormat::Zlib, 0), false),
        (codec(Dialect::Python, CompressionFormat::Zstd, 0), false),
    ] {
        let checked = codec.check().map_err(|error| error.kind());
        assert_eq!(checked, if fine { Ok(()) } else { Err(ErrorKind::Config) });
        let written = codec.encode(Value::from("a value of some length"));
        assert_eq!(written.is_ok(), fine, "{}", codec.dialect);
    }
    let codec = Codec {
        user_flags: 1,
        ..Codec::default()
    };
    assert_eq!(
        codec.check().map_err(|error| error.kind()),
        Err(ErrorKind::Config)
    );
}

#[test]
fn names_lead_back_to_dialects() {
    for dialect in Dialect::ALL {
        assert_eq!(Dialect::by_name(dialect.name()), Ok(dialect));
    }
    let error = Dialect::by_name("pickle").expect_err("no such dialect");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("memoxide"));
}

/// Each dialect with everything let through, and its compression if it has one.
fn open_codecs() -> Vec<Codec> {
    let mut codecs = Vec::new();
    for dialect in Dialect::ALL {
        let codec = Codec {
            foreign: Formats::ALL,
            max_decompressed_size: 10_000,
            ..Codec::new(dialect)
        };
        for format in CompressionFormat::ALL {
            let compressing = Codec {
                compression: Some(Compression { format, above: 10 }),
                ..codec.clone()
            };
            if compressing.check().is_ok() {
                codecs.push(compressing);
            }
        }
        if matches!(dialect, Dialect::Dalli | Dialect::Php) {
            for serializer in [Serializer::Json, Serializer::Native] {
                codecs.push(Codec {
                    serializer,
                    ..codec.clone()
                });
            }
        }
        codecs.push(codec);
    }
    codecs
}

/// Flags that some dialect knows.
fn known_flags() -> impl Strategy<Value = u32> {
    let bits = proptest::sample::subsequence(
        vec![1, 2, 4, 8, 16, 32, 64, 128, 0x1_0000, 0x2_0000, 0x1234_0000],
        0..4,
    );
    bits.prop_map(|bits| bits.into_iter().fold(0, |flags, bit| flags | bit))
}

/// Text made of the parts of JSON.
fn almost_json() -> impl Strategy<Value = String> {
    let part = proptest::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude80\"",
        "\"\\ud83d\"",
        "\"\\udc00\"",
        "\"\\n\"",
        "\"\\x\"",
        "\"",
        "\\",
        "\u{e9}",
        "1",
        "0",
        "-",
        "1.5",
        ".",
        "e5",
        "E+400",
        "true",
        "null",
        "false",
        "nul",
        " ",
        "\n",
        "\t",
        "9007199254740993",
        "\u{1}",
        "[]",
        "{}",
        "\"k\":",
    ]);
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn json_is_judged_as_by_another_parser(text in almost_json()) {
        let rules = Rules {
            integers: Integers::Any,
            ..Rules::STRICT
        };
        let other = serde_json::from_str::<serde_json::Value>(&text);
        prop_assert_eq!(json::scan(&text, rules).is_ok(), other.is_ok(), "{:?}", other);
        // What is stricter accepts nothing more.
        if json::check(&text).is_ok() {
            prop_assert!(json::scan(&text, rules).is_ok());
            prop_assert!(json::scan(&text, Rules::lenient(Integers::Any)).is_ok());
        }
    }

    #[test]
    fn what_is_encoded_is_decoded(
        bytes in any::<Vec<u8>>(),
        text in any::<String>(),
        number in any::<i64>(),
        float in any::<f64>(),
    ) {
        for codec in open_codecs() {
            for value in [
                Value::from(&bytes[..]),
                Value::from(&text[..]),
                Value::from(number),
                Value::from(float),
                Value::from(true),
            ] {
                let Ok(encoded) = codec.encode(value.clone()) else {
                    continue;
                };
                let read = codec.decode(encoded.flags, encoded.bytes).expect("its own");
                prop_assert!(alike(&codec, &value, &read), "{:?}: {value:?} {read:?}", codec);
            }
        }
    }

    #[test]
    fn anything_stored_is_read_or_refused(
        flags in prop_oneof![known_flags(), any::<u32>()],
        bytes in prop_oneof![any::<Vec<u8>>(), almost_json().prop_map(String::into_bytes)],
    ) {
        for codec in open_codecs() {
            match codec.decode(flags, Cow::Borrowed(&bytes)) {
                Ok(value) => {
                    let Ok(encoded) = codec.encode(value.clone()) else {
                        continue;
                    };
                    let again = codec.decode(encoded.flags, encoded.bytes).expect("its own");
                    prop_assert!(alike(&codec, &value, &again), "{:?}: {value:?} {again:?}", codec);
                }
                Err(error) => {
                    let (raw_flags, raw) = error.raw().expect("attached");
                    prop_assert_eq!((raw_flags, &raw[..]), (flags, &bytes[..]));
                }
            }
        }
        prop_assert!(!explain(flags, &bytes).is_empty());
    }
}

/// Whether a value came back as it was, as far as the dialect tells apart.
fn alike(codec: &Codec, written: &Value<'_>, read: &Value<'_>) -> bool {
    let bytes = |value: &Value<'_>| match value {
        Value::Bytes(bytes) => Some(bytes.to_vec()),
        Value::Text(text) => Some(text.as_bytes().to_vec()),
        Value::Int(digits) if codec.dialect == Dialect::Raw => Some(digits.as_bytes().to_vec()),
        _ => None,
    };
    let number = |value: &Value<'_>| match value {
        Value::Json(text) | Value::Int(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    if let (Value::Foreign(written), Value::Foreign(read)) = (written, read) {
        return (written.format, &written.bytes) == (read.format, &read.bytes);
    }
    // PHP has one kind of array: a map with the keys 0, 1, 2, … is a list.
    if (codec.dialect, codec.serializer) == (Dialect::Php, Serializer::Native)
        && matches!((written, read), (Value::Json(_), Value::Json(_)))
    {
        return true;
    }
    // JSON of a string or an integer is stored as text or an integer.
    if let (Value::Json(text), Value::Text(read)) = (written, read) {
        return serde_json::from_str::<String>(text).is_ok_and(|text| text == *read);
    }
    if written == read || number(written).is_some_and(|n| number(read) == Some(n)) {
        return true;
    }
    // Flags 0 do not tell text from bytes.
    let untyped = !matches!(
        codec.dialect,
        Dialect::Memoxide | Dialect::Python | Dialect::Pylibmc
    );
    untyped && bytes(written).is_some() && bytes(written) == bytes(read)
}

#[test]
fn what_is_verbatim_is_written_and_read_as_it_is() {
    for dialect in Dialect::ALL {
        let Some((bytes, text)) = dialect.verbatim() else {
            continue;
        };
        let codec = Codec::new(dialect);
        for content in [&b""[..], b"1", b"null", b"\"x\"", b"a:0:{}", b" 7 "] {
            let string = std::str::from_utf8(content).expect("text");
            for (flags, value) in [
                (bytes, Value::Bytes(content.into())),
                (text, Value::Text(string.into())),
            ] {
                let encoded = codec.encode(value.clone()).expect("a place");
                assert_eq!((encoded.flags, &*encoded.bytes), (flags, content));
                assert_eq!(codec.decode(flags, content.into()), Ok(value));
            }
        }
        let binary = codec.decode(bytes, b"\xff"[..].into());
        assert_eq!(binary, Ok(Value::Bytes(b"\xff"[..].into())));
        assert!(codec.decode(text, b"\xff"[..].into()).is_err());
    }
}
