//! What a value becomes in memcached, and back.
//!
//! memcached stores bytes and one 32-bit number, the flags. Every client family
//! uses the flags in its own way to remember whether the bytes are text, a
//! number, a serialized object or compressed; such a way is a [`Dialect`]. A
//! [`Codec`] is a dialect with its options, and has two verbs: it encodes a
//! [`Value`] into flags and bytes, and decodes flags and bytes into a value.
//!
//! Values without compression are borrowed in both directions: text, bytes and
//! integers are neither copied nor allocated.
//!
//! Left to others: objects of the host language (the bindings turn them into
//! JSON text or a pickle before, and back after), and the key and its server.
//! Nothing stored is ever executed: pickles, Marshal data and the like come out
//! as [`Foreign`] bytes, and only where [`Codec::foreign`] names their format.
//!
//! ```
//! use memoxide::value::{Codec, Dialect, Value};
//!
//! let codec = Codec::new(Dialect::Memoxide);
//! let encoded = codec.encode(Value::from("hello"))?;
//! assert_eq!((encoded.flags, &*encoded.bytes), (16, &b"hello"[..]));
//! assert_eq!(codec.decode(16, encoded.bytes)?, Value::from("hello"));
//! # Ok::<(), memoxide::Error>(())
//! ```

mod codec;
mod compress;
mod dialect;
mod explain;
mod flaw;
mod foreign;
pub mod json;
mod number;
pub mod php;

use std::borrow::Cow;

pub use codec::{Codec, DEFAULT_MAX_DECOMPRESSED_SIZE, DEFAULT_MAX_VALUE_SIZE, Serializer};
pub use compress::{Compression, CompressionFormat};
pub use dialect::{Dialect, PythonKind};
pub use explain::{Confidence, Guess, Kind, explain};
pub use flaw::Flaw;
pub use foreign::{Foreign, Format, Formats};

/// A value as it crosses the border between the core and the application.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Value<'a> {
    /// Bytes as they are.
    Bytes(Cow<'a, [u8]>),
    /// Text.
    Text(Cow<'a, str>),
    /// An integer of any size in decimal digits, with a `-` in front when it is
    /// negative, without leading zeros.
    Int(Cow<'a, str>),
    /// JSON text of what has no variant of its own: `null`, `true`, `1.5`, a
    /// list or a map.
    Json(Cow<'a, str>),
    /// A floating-point number that JSON has no text for.
    NonFinite(NonFinite),
    /// Bytes in a format of one language, opaque to the core.
    Foreign(Foreign<'a>),
}

impl Value<'_> {
    /// Returns the name of the variant in lower case, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "text",
            Self::Int(_) => "integer",
            Self::Json(_) => "json",
            Self::NonFinite(_) => "non-finite number",
            Self::Foreign(_) => "foreign",
        }
    }

    /// Copies what is borrowed, so that the value can outlive its source.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Int(digits) => Value::Int(Cow::Owned(digits.into_owned())),
            Self::Json(text) => Value::Json(Cow::Owned(text.into_owned())),
            Self::NonFinite(number) => Value::NonFinite(number),
            Self::Foreign(foreign) => Value::Foreign(foreign.into_owned()),
        }
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Cow::Owned(itoa::Buffer::new().format(number).to_owned()))
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Int(Cow::Owned(itoa::Buffer::new().format(number).to_owned()))
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Json(Cow::Borrowed(if truth { "true" } else { "false" }))
    }
}

impl From<f64> for Value<'_> {
    /// A finite number keeps its fraction (`1.0` stays `1.0`), so that it comes
    /// back as a floating-point number.
    fn from(number: f64) -> Self {
        match NonFinite::of(number) {
            Some(number) => Self::NonFinite(number),
            None => Self::Json(Cow::Owned(format!("{number:?}"))),
        }
    }
}

/// A floating-point number without a JSON text.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NonFinite {
    /// Not a number.
    NaN,
    /// Positive infinity.
    Infinity,
    /// Negative infinity.
    NegativeInfinity,
}

impl NonFinite {
    /// Returns the variant for `number`, or nothing when it is finite.
    #[must_use]
    pub const fn of(number: f64) -> Option<Self> {
        if number.is_finite() {
            None
        } else if number.is_nan() {
            Some(Self::NaN)
        } else if number > 0.0 {
            Some(Self::Infinity)
        } else {
            Some(Self::NegativeInfinity)
        }
    }

    /// Returns the name that JavaScript, PHP's memcached extension and Ruby's
    /// JSON share.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NaN => "NaN",
            Self::Infinity => "Infinity",
            Self::NegativeInfinity => "-Infinity",
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn to_f64(self) -> f64 {
        match self {
            Self::NaN => f64::NAN,
            Self::Infinity => f64::INFINITY,
            Self::NegativeInfinity => f64::NEG_INFINITY,
        }
    }

    /// Returns the variant whose [`name`](Self::name) this is.
    pub(crate) fn by_name(name: &[u8]) -> Option<Self> {
        [Self::NaN, Self::Infinity, Self::NegativeInfinity]
            .into_iter()
            .find(|number| number.name().as_bytes() == name)
    }
}

/// A value ready to be stored.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Encoded<'a> {
    /// The 32-bit number that memcached keeps beside the bytes.
    pub flags: u32,
    /// The bytes, compressed where the codec says so.
    pub bytes: Cow<'a, [u8]>,
}

#[cfg(test)]
mod tests;
