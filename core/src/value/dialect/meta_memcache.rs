//! meta-memcache for Python: text and bytes the other way round.
//!
//! | value | flags | payload |
//! |---|---|---|
//! | text | 0 | UTF-8 |
//! | bytes | 16 | as they are |
//! | integer | 2 (4 is read too) | decimal, any size |
//! | everything else | 1 | pickle |
//! | compressed | +8 | zlib |
//! | compressed | +32 | a zstd frame without its magic number |
//!
//! Flags 0 with bytes that are not UTF-8, which this client did not write, are
//! read as bytes.

use std::borrow::Cow;

use super::super::codec::Codec;
use super::super::foreign::Format;
use super::super::{Dialect, Value};
use super::python::wants_pickle;
use super::{Draft, Fault, foreign, int, text_or_bytes};
use crate::error::Result;

pub(super) const PICKLE: u32 = 1;
const INT: u32 = 2;
const LONG: u32 = 4;
pub(super) const ZLIB: u32 = 8;
const BYTES: u32 = 16;
pub(super) const ZSTD: u32 = 32;

pub(super) fn write(value: Value<'_>) -> Result<Draft<'_>> {
    Ok(match value {
        Value::Bytes(bytes) => Draft::new(BYTES, bytes),
        Value::Text(text) => Draft::text(0, text),
        Value::Int(digits) => Draft::text(INT, digits),
        value => return Err(wants_pickle(Dialect::MetaMemcache, &value)),
    })
}

pub(super) fn read<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match flags {
        0 => Ok(text_or_bytes(bytes)),
        BYTES => Ok(Value::Bytes(bytes)),
        INT | LONG => int(bytes),
        PICKLE => foreign(codec, Format::Pickle, flags, bytes),
        _ => Err(Fault::unknown(bytes)),
    }
}
