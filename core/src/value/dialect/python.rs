//! python-memcached and pymemcache, and pylibmc with other numbers for two
//! types.
//!
//! | value | python | pylibmc | payload |
//! |---|---|---|---|
//! | bytes | 0 | 0 | as they are |
//! | text | 16 | 16 | UTF-8 |
//! | integer | 2 | 4 | decimal, any size |
//! | bool | 1 | 2 | pickle; `1` or `0` |
//! | everything else | 1 | 1 | pickle |
//! | compressed | +8 | +8 | zlib |
//!
//! Reading `python` takes both 2 and 4 for integers. JSON of the dialect
//! `memoxide` is read as its text, as these clients do.

use std::borrow::Cow;

use super::super::codec::Codec;
use super::super::foreign::Format;
use super::super::{Dialect, Value};
use super::{Draft, Fault, foreign, int, refusal, text};
use crate::error::{Error, Result};

pub(super) const PICKLE: u32 = 1;
const INT: u32 = 2;
const LONG: u32 = 4;
pub(super) const COMPRESSED: u32 = 8;
const TEXT: u32 = 16;
const MEMOXIDE_JSON: u32 = 0x1_0010;

pub(super) fn write(value: Value<'_>) -> Result<Draft<'_>> {
    Ok(match value {
        Value::Bytes(bytes) => Draft::new(0, bytes),
        Value::Text(text) => Draft::text(TEXT, text),
        Value::Int(digits) => Draft::short(INT, digits),
        value => return Err(wants_pickle(Dialect::Python, &value)),
    })
}

pub(super) fn write_pylibmc(value: Value<'_>) -> Result<Draft<'_>> {
    Ok(match value {
        Value::Bytes(bytes) => Draft::new(0, bytes),
        Value::Text(text) => Draft::text(TEXT, text),
        Value::Int(digits) => Draft::short(LONG, digits),
        Value::Json(text) => match text.trim_ascii() {
            "true" => Draft::short(INT, Cow::Borrowed("1")),
            "false" => Draft::short(INT, Cow::Borrowed("0")),
            _ => return Err(wants_pickle(Dialect::Pylibmc, &Value::Json(text))),
        },
        value => return Err(wants_pickle(Dialect::Pylibmc, &value)),
    })
}

pub(super) fn read<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match flags {
        0 => Ok(Value::Bytes(bytes)),
        TEXT | MEMOXIDE_JSON => text(bytes),
        INT | LONG => int(bytes),
        PICKLE => foreign(codec, Format::Pickle, flags, bytes),
        _ => Err(Fault::unknown(bytes)),
    }
}

pub(super) fn read_pylibmc<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match (flags, &*bytes) {
        (INT, b"1") => Ok(Value::from(true)),
        (INT, b"0") => Ok(Value::from(false)),
        _ => read(codec, flags, bytes),
    }
}

/// The error for what these clients pickle; also for meta-memcache.
#[cold]
pub(super) fn wants_pickle(dialect: Dialect, value: &Value<'_>) -> Error {
    refusal(
        dialect,
        value.kind(),
        "its clients pickle such values; hand over a pickle or choose another dialect",
    )
}
