//! Two clients of Node: memcached (3rd-Eden) and memcache-client.
//!
//! | value | node-memcached | memcache-client | payload |
//! |---|---|---|---|
//! | text | 0 | 0 | UTF-8 |
//! | bytes | 4 | 8 | see below; as they are |
//! | number | 8 | 4 | as JavaScript writes it |
//! | `null`, list, map | 2 | 2 | JSON |
//! | bool | 2 | (2) | JSON; memcache-client reads it and refuses to write it |
//! | compressed | - | +1 | zlib, gzip or zstd, told apart by the first bytes |
//!
//! node-memcached puts a backslash before each CR and LF of any value and takes
//! it away on reading, and widens bytes: each byte becomes the character of the
//! same number, and the characters UTF-8. Both are done here as there, so the
//! client reads what it would have written.
//!
//! Numbers are doubles in both: an integer that a double does not hold exactly
//! is refused. memcache-client writes `null` for `NaN` and the infinities and
//! reads `NaN` from it; here they are written by name, which it reads rightly.

use std::borrow::Cow;

use memchr::memchr2;

use super::super::codec::Codec;
use super::super::json::{self, Integers, Rules, Shape};
use super::super::{Dialect, NonFinite, Value, number};
use super::memoxide::{read_json, trim};
use super::{Draft, Fault, refusal, text_or_bytes};
use crate::error::Result;

const JSON: u32 = 2;
const NODE_BYTES: u32 = 4;
const NODE_NUMBER: u32 = 8;

pub(super) const COMPRESSED: u32 = 1;
const CLIENT_NUMBER: u32 = 4;
const CLIENT_BYTES: u32 = 8;

pub(super) fn write_node_memcached(value: Value<'_>) -> Result<Draft<'_>> {
    let dialect = Dialect::NodeMemcached;
    Ok(match value {
        Value::Bytes(bytes) => Draft::new(NODE_BYTES, escape(widen(bytes))),
        Value::Text(text) => Draft::new(0, escape(super::utf8(text))),
        Value::Int(digits) => Draft::text(NODE_NUMBER, exact(dialect, digits)?),
        Value::Json(text) => match number_or_json(dialect, text)? {
            Form::Json(text) => Draft::new(JSON, escape(super::utf8(text))),
            Form::Number(text) => Draft::text(NODE_NUMBER, text),
        },
        Value::NonFinite(number) => Draft::text(NODE_NUMBER, Cow::Borrowed(number.name())),
        Value::Foreign(_) => return Err(refusal(dialect, value.kind(), "no flags")),
    })
}

pub(super) fn read_node_memcached<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    let Some(plain) = unescape(&bytes) else {
        return read_unescaped(codec, flags, bytes);
    };
    // An error names what was stored.
    read_unescaped(codec, flags, Cow::Owned(plain)).map_err(|fault| fault.about(bytes))
}

fn read_unescaped<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match flags {
        0 => Ok(text_or_bytes(bytes)),
        JSON => read_json(bytes, lenient(codec)),
        NODE_BYTES => narrow(bytes).map(Value::Bytes).map_err(|bytes| {
            Fault::new("value is marked as bytes and is not widened bytes", bytes)
        }),
        NODE_NUMBER => read_number(bytes),
        _ => Err(Fault::unknown(bytes)),
    }
}

pub(super) fn write_memcache_client(value: Value<'_>) -> Result<Draft<'_>> {
    let dialect = Dialect::MemcacheClient;
    let draft = match value {
        Value::Bytes(bytes) => return Ok(Draft::new(CLIENT_BYTES, bytes)),
        Value::Text(text) => (0, text),
        Value::Int(digits) => (CLIENT_NUMBER, exact(dialect, digits)?),
        Value::Json(text) => match number_or_json(dialect, text)? {
            Form::Json(text) => (JSON, text),
            Form::Number(text) => (CLIENT_NUMBER, text),
        },
        Value::NonFinite(number) => (CLIENT_NUMBER, Cow::Borrowed(number.name())),
        Value::Foreign(_) => return Err(refusal(dialect, value.kind(), "no flags")),
    };
    let (flags, text) = draft;
    // The threshold counts characters as JavaScript does.
    let length = text.encode_utf16().count();
    Ok(Draft {
        length: Some(length),
        ..Draft::text(flags, text)
    })
}

pub(super) fn read_memcache_client<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match flags {
        0 => Ok(text_or_bytes(bytes)),
        JSON => read_json(bytes, lenient(codec)),
        CLIENT_NUMBER if *bytes == *b"null" => Ok(Value::NonFinite(NonFinite::NaN)),
        CLIENT_NUMBER => read_number(bytes),
        CLIENT_BYTES => Ok(Value::Bytes(bytes)),
        _ => Err(Fault::unknown(bytes)),
    }
}

/// The rules for JSON that another client wrote.
pub(super) const fn lenient(codec: &Codec) -> Rules {
    Rules::lenient(if codec.safe_integers {
        Integers::Safe
    } else {
        Integers::Any
    })
}

/// JSON text as it is stored: as such, or as a number of its own.
enum Form<'a> {
    Json(Cow<'a, str>),
    Number(Cow<'a, str>),
}

fn number_or_json(dialect: Dialect, text: Cow<'_, str>) -> Result<Form<'_>> {
    Ok(match json::check(&text).map_err(json::refused)? {
        Shape::Integer => Form::Number(exact(dialect, trim(text))?),
        Shape::Float => Form::Number(Cow::Owned(number::javascript(json::float(&text)?))),
        _ => Form::Json(text),
    })
}

/// Lets an integer through that JavaScript holds exactly, or writes itself.
fn exact(dialect: Dialect, digits: Cow<'_, str>) -> Result<Cow<'_, str>> {
    if digits.len() <= 15 {
        return Ok(digits);
    }
    let double = json::float(&digits)?;
    // Beyond 2^127 the cast saturates and the digits do not parse.
    if digits.parse() == Ok(double as i128) || number::javascript(double) == digits {
        return Ok(digits);
    }
    Err(refusal(
        dialect,
        "this integer",
        "JavaScript would round it",
    ))
}

fn read_number(bytes: Cow<'_, [u8]>) -> Result<Value<'_>, Fault<'_>> {
    let bytes = match number::decimal(bytes) {
        Ok(digits) => return Ok(Value::Int(digits)),
        Err(bytes) => bytes,
    };
    if let Some(number) = NonFinite::by_name(&bytes) {
        return Ok(Value::NonFinite(number));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) if json::scan(text, Rules::STRICT) == Ok(Shape::Float) => {
            Ok(Value::Json(Cow::Owned(text.trim_ascii().to_owned())))
        }
        _ => Err(Fault::new("value is marked as a number and is none", bytes)),
    }
}

/// Puts a backslash before each CR and LF.
fn escape(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if memchr2(b'\r', b'\n', &bytes).is_none() {
        return bytes;
    }
    let mut escaped = Vec::with_capacity(bytes.len() + bytes.len() / 16 + 16);
    for &byte in &*bytes {
        if matches!(byte, b'\r' | b'\n') {
            escaped.push(b'\\');
        }
        escaped.push(byte);
    }
    Cow::Owned(escaped)
}

/// Takes away the backslash before each CR and LF, if there is any.
fn unescape(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_escape = |pair: &[u8]| matches!(pair, [b'\\', b'\r' | b'\n']);
    memchr2(b'\r', b'\n', bytes)?;
    if !bytes.windows(2).any(is_escape) {
        return None;
    }
    let mut plain = Vec::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = bytes.get(at..at + 2).is_some_and(is_escape);
        if !escape {
            plain.push(byte);
        }
    }
    Some(plain)
}

/// Turns each byte into the character of the same number.
fn widen(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if bytes.is_ascii() {
        return bytes;
    }
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    Cow::Owned(text.into_bytes())
}

/// Turns each character into the byte of the same number.
fn narrow(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, Cow<'_, [u8]>> {
    if bytes.is_ascii() {
        return Ok(bytes);
    }
    let narrowed = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.chars().map(|c| u8::try_from(c).ok()).collect());
    match narrowed {
        Some(narrowed) => Ok(Cow::Owned(narrowed)),
        None => Err(bytes),
    }
}
