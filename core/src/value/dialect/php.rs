//! PHP's memcached extension.
//!
//! The low four bits are the type, the next twelve tell about compression, the
//! upper sixteen belong to the user and are ignored on reading.
//!
//! | value | type | payload |
//! |---|---|---|
//! | text and bytes | 0 | as they are |
//! | integer of 64 bits | 1 | decimal |
//! | float | 2 | shortest digits, `.5`, `1e+15`, `Infinity`, `NaN` |
//! | bool | 3 | `1` or nothing |
//! | `null`, list, map | 4 | PHP `serialize` ([`Serializer::Native`]) |
//! | the same | 6 | JSON ([`Serializer::Json`]) |
//! | igbinary, msgpack | 5, 7 | opaque here |
//! | compressed | +16, with zlib +32, FastLZ +64, zstd +128 | length, stream |

use std::borrow::Cow;

use super::super::codec::{Codec, Serializer};
use super::super::compress::{Packing, Stream};
use super::super::foreign::Format;
use super::super::json::{self, Integers, Rules, Shape};
use super::super::php::{Objects, Tree};
use super::super::{Dialect, NonFinite, Value, number};
use super::memoxide::{read_json, trim};
use super::node::lenient;
use super::{Draft, Fault, foreign, int, refusal, text_or_bytes};
use crate::error::Result;

const STRING: u32 = 0;
const LONG: u32 = 1;
const DOUBLE: u32 = 2;
const BOOL: u32 = 3;
pub(super) const SERIALIZED: u32 = 4;
pub(super) const IGBINARY: u32 = 5;
const JSON: u32 = 6;
pub(super) const MSGPACK: u32 = 7;

pub(super) const COMPRESSED: u32 = 16;
pub(super) const ZLIB: u32 = 32;
pub(super) const FASTLZ: u32 = 64;
pub(super) const ZSTD: u32 = 128;

/// The bits that PHP looks at.
const INTERNAL: u32 = 0xffff;

pub(super) fn write<'a>(codec: &Codec, value: Value<'a>) -> Result<Draft<'a>> {
    let draft = match value {
        Value::Bytes(bytes) => Draft::new(STRING, bytes),
        Value::Text(text) => Draft::text(STRING, text),
        Value::Int(digits) => Draft::short(LONG, signed_64(digits)?),
        Value::Json(text) => write_json(codec, text)?,
        Value::NonFinite(number) => Draft::short(DOUBLE, Cow::Borrowed(number.name())),
        Value::Foreign(_) => return Err(refusal(Dialect::Php, value.kind(), "no flags")),
    };
    Ok(marked(codec, draft))
}

/// Adds the user's flags.
pub(super) fn marked<'a>(codec: &Codec, draft: Draft<'a>) -> Draft<'a> {
    Draft {
        flags: draft.flags | u32::from(codec.user_flags) << 16,
        ..draft
    }
}

fn write_json<'a>(codec: &Codec, text: Cow<'a, str>) -> Result<Draft<'a>> {
    let rules = Rules {
        integers: Integers::Signed64,
        ..Rules::STRICT
    };
    Ok(match json::scan(&text, rules).map_err(json::refused)? {
        Shape::Integer => Draft::short(LONG, signed_64(trim(text))?),
        Shape::Float => {
            let number = number::php_memcached(json::float(&text)?);
            Draft::short(DOUBLE, Cow::Owned(number))
        }
        Shape::Bool if text.trim_ascii() == "true" => Draft::short(BOOL, Cow::Borrowed("1")),
        Shape::Bool => Draft::short(BOOL, Cow::Borrowed("")),
        Shape::String => Draft::text(STRING, Cow::Owned(json::unquote(&text)?)),
        Shape::Array | Shape::Null | Shape::Object => match codec.serializer {
            Serializer::Json => Draft::text(JSON, text),
            Serializer::Native => Draft::new(SERIALIZED, Tree::from_json(&text)?.serialize()?),
        },
    })
}

pub(super) fn read<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match flags & INTERNAL {
        STRING => Ok(text_or_bytes(bytes)),
        LONG => int(bytes),
        DOUBLE => read_double(bytes),
        BOOL => Ok(Value::from(bytes.first() == Some(&b'1'))),
        SERIALIZED => read_serialized(codec, flags, bytes),
        IGBINARY => foreign(codec, Format::Igbinary, flags, bytes),
        JSON => read_json(bytes, lenient(codec)),
        MSGPACK => foreign(codec, Format::Msgpack, flags, bytes),
        _ => Err(Fault::unknown(bytes)),
    }
}

/// How a value with these flags is compressed, if it is, and the other flags.
pub(super) const fn packed(flags: u32) -> Option<(Packing, u32)> {
    const STREAMS: u32 = ZLIB | FASTLZ | ZSTD;
    if flags & COMPRESSED == 0 {
        return None;
    }
    let stream = match flags & STREAMS {
        ZLIB => Stream::Zlib,
        FASTLZ => Stream::FastLz,
        ZSTD => Stream::Zstd,
        _ => return None,
    };
    Some((Packing::prefixed(stream), flags & !(COMPRESSED | STREAMS)))
}

/// Lets an integer through that fits PHP's.
fn signed_64(digits: Cow<'_, str>) -> Result<Cow<'_, str>> {
    if digits.len() < 19 || digits.parse::<i64>().is_ok() {
        return Ok(digits);
    }
    Err(refusal(
        Dialect::Php,
        "this integer",
        "PHP's integers have 64 bits",
    ))
}

/// Reads a double; PHP leaves out a zero before the point.
fn read_double(bytes: Cow<'_, [u8]>) -> Result<Value<'_>, Fault<'_>> {
    if let Some(number) = NonFinite::by_name(&bytes) {
        return Ok(Value::NonFinite(number));
    }
    let number = std::str::from_utf8(number::trimmed(&bytes))
        .ok()
        .filter(|text| {
            text.bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
        })
        .and_then(|text| text.parse::<f64>().ok());
    match number.map(Value::from) {
        Some(value @ Value::Json(_)) => Ok(value),
        _ => Err(Fault::new("value is marked as a float and is none", bytes)),
    }
}

/// Reads a value in PHP's own format: as plain data where the codec asks for it
/// and the value is that, else as bytes where the codec lets them through.
fn read_serialized<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    if codec.serializer == Serializer::Json {
        return foreign(codec, Format::PhpSerialized, flags, bytes);
    }
    match Tree::scan(&bytes) {
        Ok(tree) => match tree.to_json(Objects::Refuse) {
            Ok(text) => read_json(Cow::Owned(text.into_bytes()), lenient(codec))
                .map_err(|fault| fault.about(bytes)),
            Err(_) if codec.allows(Format::PhpSerialized) => {
                foreign(codec, Format::PhpSerialized, flags, bytes)
            }
            Err(error) => Err(Fault::new(error.message().to_owned(), bytes)),
        },
        Err(flaw) => Err(Fault::new(
            format!("value is marked as php data and is refused: {flaw}"),
            bytes,
        )),
    }
}
