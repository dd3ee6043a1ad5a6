//! Values between JavaScript and the core, as a kind and bytes.
//!
//! `ts/values.ts` decides what a JavaScript type is for the core and hands over
//! the number of the kind with the bytes; on the way back it gets the same two.
//! No JavaScript object is looked at here, so whole batches cross in one call.

use std::borrow::Cow;

use memoxide::value::{Codec, Dialect, Encoded, Foreign, Format, NonFinite, Value, json};
use memoxide::{Error, ErrorKind, Result};
use napi::Env;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::errors::thrown;

/// What a value is for the core; the numbers are those of `Kind` in `ts/values.ts`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Bytes as they are.
    Bytes,
    /// UTF-8.
    Text,
    /// Decimal digits of an integer.
    Integer,
    /// JSON text.
    Json,
    /// `NaN`, `Infinity` or `-Infinity`.
    NonFinite,
    /// What a serializer of the program made. Before the bytes of
    /// [`Format::Opaque`] stand its flags, the least significant first.
    Foreign(Format),
}

/// Where the numbers of foreign formats begin.
const FOREIGN: u32 = 16;

impl Kind {
    const OWN: [Self; 5] = [
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
        let own = Self::OWN.get(number as usize).copied();
        let foreign = || Format::ALL.get(number.checked_sub(FOREIGN)? as usize);
        own.or_else(|| foreign().copied().map(Self::Foreign))
            .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "no such kind of value"))
    }

    /// Returns the number of this kind.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Bytes => 0,
            Self::Text => 1,
            Self::Integer => 2,
            Self::Json => 3,
            Self::NonFinite => 4,
            Self::Foreign(format) => FOREIGN + format as u32,
        }
    }

    /// Takes `bytes` as a value of this kind, without copying them.
    ///
    /// # Errors
    ///
    /// `Encode` when the bytes are no text although the kind is one; TypeScript
    /// lets that not happen.
    fn value(self, bytes: &[u8]) -> Result<Value<'_>> {
        match self {
            Self::Bytes => return Ok(Value::from(bytes)),
            Self::Foreign(format) => return Ok(Value::Foreign(Foreign::new(format, bytes))),
            _ => {}
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Error::new(ErrorKind::Encode, "text is not UTF-8"))?;
        match self {
            Self::Integer => Ok(Value::Int(Cow::Borrowed(text))),
            Self::Json => Ok(Value::Json(Cow::Borrowed(text))),
            Self::NonFinite => text
                .parse()
                .ok()
                .and_then(NonFinite::of)
                .map(Value::NonFinite)
                .ok_or_else(|| Error::new(ErrorKind::Encode, "number is finite or none")),
            _ => Ok(Value::from(text)),
        }
    }

    /// Encodes `bytes`, which are a value of this kind.
    ///
    /// # Errors
    ///
    /// Those of the dialect and of [`value`](Self::value).
    pub(crate) fn encode<'a>(self, codec: &Codec, bytes: &'a [u8]) -> Result<Encoded<'a>> {
        if self == Self::Foreign(Format::Opaque) {
            let (flags, bytes) = bytes
                .split_first_chunk()
                .ok_or_else(|| Error::new(ErrorKind::Encode, "value has no flags"))?;
            return codec.encode_own(u32::from_le_bytes(*flags), bytes);
        }
        codec.encode(self.value(bytes)?)
    }

    /// Splits a value into its kind and its bytes, without copying them.
    pub(crate) fn split(value: Value<'_>) -> (Self, Cow<'_, [u8]>) {
        match value {
            Value::Bytes(bytes) => (Self::Bytes, bytes),
            Value::Text(text) => (Self::Text, into_bytes(text)),
            Value::Int(digits) => (Self::Integer, into_bytes(digits)),
            Value::Json(text) => (Self::Json, into_bytes(text)),
            Value::NonFinite(number) => (Self::NonFinite, number.name().as_bytes().into()),
            Value::Foreign(foreign) => (Self::Foreign(foreign.format), foreign.bytes),
        }
    }
}

/// Returns the names of the formats that a serializer may have, in the order of
/// their numbers from 16.
#[napi]
#[must_use]
pub fn formats() -> Vec<&'static str> {
    Format::ALL.iter().map(|format| format.name()).collect()
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
            .and_then(|kind| kind.encode(&self.0, bytes))
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
            .map(Kind::split)
            .map(|(kind, bytes)| PlainBytes {
                kind: kind.number(),
                bytes: bytes.into_owned().into(),
            })
            .map_err(|error| thrown(&env, &error))
    }
}
