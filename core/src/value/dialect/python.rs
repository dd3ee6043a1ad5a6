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

/// What python-memcached stores a value as, and takes a stored value for.
///
/// For the module that stands in for it: there the caller brings pickler and
/// compressor, so that no [`Codec`] can do the work.
///
/// ```
/// use memoxide::value::PythonKind;
///
/// assert_eq!(PythonKind::Text.flags(true), 24);
/// // It looks at the flags bit by bit, and at text before anything else.
/// assert_eq!(PythonKind::of(17), Some(PythonKind::Text));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PythonKind {
    /// Bytes as they are.
    Bytes,
    /// A number in decimal digits.
    Int,
    /// Any other object.
    Pickle,
    /// Text in UTF-8.
    Text,
}

impl PythonKind {
    /// Returns the flags of a value, compressed or not.
    #[must_use]
    pub const fn flags(self, compressed: bool) -> u32 {
        let kind = match self {
            Self::Bytes => 0,
            Self::Int => INT,
            Self::Pickle => PICKLE,
            Self::Text => TEXT,
        };
        if compressed { kind | COMPRESSED } else { kind }
    }

    /// Whether a value with these flags is compressed.
    #[must_use]
    pub const fn is_compressed(flags: u32) -> bool {
        flags & COMPRESSED != 0
    }

    /// Returns what a value with these flags is, whether compressed or not;
    /// nothing if python-memcached raises.
    #[must_use]
    pub const fn of(flags: u32) -> Option<Self> {
        let kind = flags & !COMPRESSED;
        Some(if kind == 0 {
            Self::Bytes
        } else if kind & TEXT != 0 {
            Self::Text
        } else if kind & (INT | LONG) != 0 {
            Self::Int
        } else if kind & PICKLE != 0 {
            Self::Pickle
        } else {
            return None;
        })
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// As python-memcached 1.62 read these flags beside the bytes `1`.
    #[test]
    fn flags_are_looked_at_bit_by_bit() {
        for (flags, kind) in [
            (0, Some(PythonKind::Bytes)),
            (1, Some(PythonKind::Pickle)),
            (2, Some(PythonKind::Int)),
            (3, Some(PythonKind::Int)),
            (4, Some(PythonKind::Int)),
            (5, Some(PythonKind::Int)),
            (16, Some(PythonKind::Text)),
            (19, Some(PythonKind::Text)),
            (32, None),
            (33, Some(PythonKind::Pickle)),
            (0x1_0010, Some(PythonKind::Text)),
            (0x8000_0000, None),
        ] {
            assert_eq!(PythonKind::of(flags), kind, "{flags}");
            assert_eq!(PythonKind::of(flags | 8), kind, "{flags}, compressed");
            assert!(PythonKind::is_compressed(flags | 8));
        }
    }
}
