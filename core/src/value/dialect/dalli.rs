//! dalli for Ruby.
//!
//! | value | flags | payload |
//! |---|---|---|
//! | any, by default | 1 | Marshal, opaque here |
//! | any, with `serializer: JSON` | 1 | JSON |
//! | text, with `string_fastpath` | 4 | UTF-8 |
//! | bytes, with `string_fastpath`; anything with `raw: true` | 0 | as they are |
//! | compressed | +2 | zlib or gzip, told apart by the first bytes |
//!
//! Written are bytes (0) and text (4), which every dalli reads, and with
//! [`Serializer::Json`] text, numbers and trees as JSON (1). Marshal data starts
//! with two bytes that JSON cannot start with, so both are read in either
//! setting.

use std::borrow::Cow;

use super::super::codec::{Codec, Serializer};
use super::super::foreign::Format;
use super::super::json::{self, Rules, Shape};
use super::super::{Dialect, NonFinite, Value};
use super::memoxide::{read_json, trim};
use super::node::lenient;
use super::{Draft, Fault, foreign, refusal, text};
use crate::error::{Error, Result};

pub(super) const SERIALIZED: u32 = 1;
pub(super) const COMPRESSED: u32 = 2;
const UTF8: u32 = 4;

/// The version that starts every Marshal stream since Ruby 1.8.
const MARSHAL: [u8; 2] = [4, 8];

pub(super) fn write<'a>(codec: &Codec, value: Value<'a>) -> Result<Draft<'a>> {
    let text = match value {
        Value::Bytes(bytes) => return Ok(Draft::new(0, bytes)),
        value if codec.serializer == Serializer::Native => match value {
            Value::Text(text) => return Ok(Draft::text(UTF8, text)),
            value => return Err(wants_marshal(&value)),
        },
        Value::Text(text) => Cow::Owned(json::quote(&text)),
        Value::Int(digits) => digits,
        Value::Json(text) => {
            let rules = Rules {
                integers: json::Integers::Any,
                ..Rules::STRICT
            };
            json::scan(&text, rules).map_err(json::refused)?;
            text
        }
        Value::NonFinite(number) => Cow::Borrowed(number.name()),
        Value::Foreign(_) => return Err(wants_marshal(&value)),
    };
    Ok(Draft::text(SERIALIZED, text))
}

pub(super) fn read<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match flags {
        0 => Ok(Value::Bytes(bytes)),
        UTF8 => text(bytes),
        SERIALIZED if bytes.starts_with(&MARSHAL) => foreign(codec, Format::Marshal, flags, bytes),
        SERIALIZED => read_serialized_json(codec, bytes),
        _ => Err(Fault::unknown(bytes)),
    }
}

/// Reads what Ruby's JSON writes: also text, integers and the names of numbers
/// that JSON does not have.
fn read_serialized_json<'a>(codec: &Codec, bytes: Cow<'a, [u8]>) -> Result<Value<'a>, Fault<'a>> {
    if let Some(number) = NonFinite::by_name(&bytes) {
        return Ok(Value::NonFinite(number));
    }
    let value = read_json(bytes, lenient(codec)).map_err(|fault| {
        Fault::new(
            "value is marked as serialized and is neither Marshal data nor JSON",
            fault.bytes,
        )
    })?;
    let Value::Json(text) = value else {
        return Ok(value);
    };
    match json::scan(&text, Rules::STRICT) {
        Ok(Shape::Integer) => Ok(Value::Int(trim(text))),
        Ok(Shape::String) => match json::unquote(&text) {
            Ok(text) => Ok(Value::Text(Cow::Owned(text))),
            Err(_) => Ok(Value::Json(text)),
        },
        _ => Ok(Value::Json(text)),
    }
}

#[cold]
fn wants_marshal(value: &Value<'_>) -> Error {
    refusal(
        Dialect::Dalli,
        value.kind(),
        "Ruby marshals such values; hand over Marshal data or set serializer to json",
    )
}
