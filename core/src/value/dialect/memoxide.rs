//! The native dialect: a superset of what Python clients write.
//!
//! | value | flags | payload |
//! |---|---|---|
//! | bytes | 0 | as they are |
//! | text | 16 | UTF-8 |
//! | integer | 2 | decimal, any size |
//! | `null`, bool, float, list, map | 0x10010 | JSON |
//! | Python object | 1 | pickle |
//! | MessagePack | 0x40000 | as it is |
//! | compressed | +8, with zstd +0x20008 | |
//!
//! A 4, which pylibmc writes for integers, is read as 2.

use std::borrow::Cow;

use super::super::codec::Codec;
use super::super::foreign::Format;
use super::super::json::{self, Rules, Shape};
use super::super::{Dialect, Value};
use super::{Draft, Fault, foreign, from_utf8, int, refusal, text};
use crate::error::Result;

pub(super) const PICKLE: u32 = 1;
const INT: u32 = 2;
const LONG: u32 = 4;
pub(super) const COMPRESSED: u32 = 8;
const TEXT: u32 = 16;
const JSON: u32 = 0x1_0000 | TEXT;
pub(super) const ZSTD: u32 = 0x2_0000;
pub(super) const MSGPACK: u32 = 0x4_0000;

pub(super) fn write(value: Value<'_>) -> Result<Draft<'_>> {
    Ok(match value {
        Value::Bytes(bytes) => Draft::new(0, bytes),
        Value::Text(text) => Draft::text(TEXT, text),
        Value::Int(digits) => Draft::short(INT, digits),
        Value::Json(text) => return write_json(text),
        Value::NonFinite(number) => {
            return Err(refusal(
                Dialect::Memoxide,
                number.name(),
                "JSON has no such number",
            ));
        }
        Value::Foreign(_) => return Err(refusal(Dialect::Memoxide, value.kind(), "no flags")),
    })
}

/// A string or an integer that comes as JSON is stored as what it is, so that
/// the way it was handed over leaves no trace.
fn write_json(text: Cow<'_, str>) -> Result<Draft<'_>> {
    match json::check(&text).map_err(json::refused)? {
        Shape::Integer => Ok(Draft::short(INT, trim(text))),
        Shape::String => json::unquote(&text).map(|text| Draft::text(TEXT, Cow::Owned(text))),
        _ => Ok(Draft::text(JSON, text)),
    }
}

pub(super) fn read<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match flags {
        0 => Ok(Value::Bytes(bytes)),
        TEXT => text(bytes),
        INT | LONG => int(bytes),
        JSON => read_json(bytes, Rules::STRICT),
        PICKLE => foreign(codec, Format::Pickle, flags, bytes),
        MSGPACK => foreign(codec, Format::Msgpack, flags, bytes),
        _ => Err(Fault::unknown(bytes)),
    }
}

/// Reads JSON text under `rules`.
pub(super) fn read_json(bytes: Cow<'_, [u8]>, rules: Rules) -> Result<Value<'_>, Fault<'_>> {
    let text = from_utf8(bytes)
        .map_err(|bytes| Fault::new("value is marked as JSON and is not UTF-8", bytes))?;
    match json::scan(&text, rules) {
        Ok(_) => Ok(Value::Json(text)),
        Err(flaw) => Err(Fault::new(
            format!("value is marked as JSON and is refused: {flaw}"),
            super::utf8(text),
        )),
    }
}

/// Drops the space around a number.
pub(super) fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    }
}
