//! Values between JavaScript and the core, as a kind and bytes.
//!
//! `ts/values.ts` decides what a JavaScript type is for the core and hands over
//! the number of the kind with the bytes; on the way back it gets the same two.
//! No JavaScript object is looked at here, so whole batches cross in one call.

use std::borrow::Cow;

use memoxide::value::{Codec, Dialect, NonFinite, Value, json};
use memoxide::{Error, ErrorKind, Result};
use napi::Env;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::errors::thrown;

/// What a value is for the core; the numbers are those of `Kind` in `ts/values.ts`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Bytes as they are.
    Bytes = 0,
    /// UTF-8.
    Text = 1,
    /// Decimal digits of an integer.
    Integer = 2,
    /// JSON text.
    Json = 3,
    /// `NaN`, `Infinity` or `-Infinity`.
    NonFinite = 4,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Bytes,
        Self::Text,
        Self::Integer,
        Self::Json,
        Self::NonFinite,
    ];

    /// Returns the kind of this number.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a number that names none.
    pub(crate) fn of(number: u32) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| *kind as u32 == number)
            .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "no such kind of value"))
    }

    /// Takes `bytes` as a value of this kind, without copying them.
    ///
    /// # Errors
    ///
    /// `Encode` when the bytes are no text although the kind is one; TypeScript
    /// lets that not happen.
    pub(crate) fn value(self, bytes: &[u8]) -> Result<Value<'_>> {
        if self == Self::Bytes {
            return Ok(Value::from(bytes));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Error::new(ErrorKind::Encode, "text is not UTF-8"))?;
        match self {
            Self::Bytes | Self::Text => Ok(Value::from(text)),
            Self::Integer => Ok(Value::Int(Cow::Borrowed(text))),
            Self::Json => Ok(Value::Json(Cow::Borrowed(text))),
            Self::NonFinite => text
                .parse()
                .ok()
                .and_then(NonFinite::of)
                .map(Value::NonFinite)
                .ok_or_else(|| Error::new(ErrorKind::Encode, "number is finite or none")),
        }
    }

    /// Splits a value into its kind and its bytes, without copying them.
    ///
    /// # Errors
    ///
    /// `Decode` for a format that JavaScript has no reader for.
    pub(crate) fn split(value: Value<'_>) -> Result<(Self, Cow<'_, [u8]>)> {
        Ok(match value {
            Value::Bytes(bytes) => (Self::Bytes, bytes),
            Value::Text(text) => (Self::Text, into_bytes(text)),
            Value::Int(digits) => (Self::Integer, into_bytes(digits)),
            Value::Json(text) => (Self::Json, into_bytes(text)),
            Value::NonFinite(number) => (Self::NonFinite, number.name().as_bytes().into()),
            Value::Foreign(foreign) => {
                let message = format!("value is {}, which is not read here", foreign.format.name());
                let bytes = foreign.bytes.into_owned().into();
                return Err(Error::new(ErrorKind::Decode, message).with_raw(foreign.flags, bytes));
            }
        })
    }
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Returns how many arrays and objects may stand inside each other.
#[napi]
#[must_use]
pub fn max_depth() -> u32 {
    json::MAX_DEPTH as u32
}

/// A dialect with its options, outside of any client.
#[napi]
pub struct ValueCodec(Codec);

/// A value as memcached keeps it.
#[napi(object, object_from_js = false)]
pub struct Stored {
    /// The 32-bit number beside the bytes.
    pub flags: u32,
    /// The bytes.
    pub bytes: Buffer,
}

/// A value as TypeScript takes it.
#[napi(object, object_from_js = false)]
pub struct PlainBytes {
    /// The number of the kind.
    pub kind: u32,
    /// The bytes; UTF-8 for every kind but bytes.
    pub bytes: Buffer,
}

#[napi]
impl ValueCodec {
    /// Returns the codec of the dialect of this name, with every option at its
    /// default except that integers which JavaScript would round are refused.
    ///
    /// # Errors
    ///
    /// `Config` for a name that is no dialect.
    #[napi(constructor)]
    pub fn new(env: Env, dialect: String) -> napi::Result<Self> {
        let dialect = Dialect::by_name(&dialect).map_err(|error| thrown(&env, &error))?;
        Ok(Self(Codec {
            safe_integers: true,
            ..Codec::new(dialect)
        }))
    }

    /// Encodes the value of this kind and these bytes.
    ///
    /// # Errors
    ///
    /// `Encode` and `ValueTooLarge`, as the core's codec.
    #[napi]
    pub fn encode(&self, env: Env, kind: u32, bytes: &[u8]) -> napi::Result<Stored> {
        Kind::of(kind)
            .and_then(|kind| kind.value(bytes))
            .and_then(|value| self.0.encode(value))
            .map(|encoded| Stored {
                flags: encoded.flags,
                bytes: encoded.bytes.into_owned().into(),
            })
            .map_err(|error| thrown(&env, &error))
    }

    /// Decodes what is stored.
    ///
    /// # Errors
    ///
    /// `Decode` with flags and bytes attached, and `Unsupported`, as the core's
    /// codec.
    #[napi]
    pub fn decode(&self, env: Env, flags: u32, bytes: &[u8]) -> napi::Result<PlainBytes> {
        self.0
            .decode(flags, Cow::Borrowed(bytes))
            .and_then(Kind::split)
            .map(|(kind, bytes)| PlainBytes {
                kind: kind as u32,
                bytes: bytes.into_owned().into(),
            })
            .map_err(|error| thrown(&env, &error))
    }
}
