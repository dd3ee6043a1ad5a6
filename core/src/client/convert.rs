//! Rust values to cached values and back.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::shelf::Shelf;
use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "msgpack")]
use crate::value::Format;
use crate::value::{Foreign, Value};

/// A Rust value that can be cached.
pub trait ToValue {
    /// Returns the value as the core encodes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`] when it cannot be expressed.
    fn to_value(&self) -> Result<Value<'_>>;
}

/// A Rust value that a cached value can become.
pub trait FromValue: Sized {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when the cached value is of another type.
    fn from_value(value: Value<'_>) -> Result<Self>;

    /// Reads one of several values of a call, which may share their memory.
    #[doc(hidden)]
    #[inline]
    fn from_several(value: Value<'_>, shelf: &mut Shelf<'_>) -> Result<Self> {
        let _ = shelf;
        Self::from_value(value)
    }
}

/// Any type that serde knows, stored as JSON.
///
/// ```
/// use memoxide::{FromValue, Json, ToValue};
///
/// let value = Json(vec![1, 2, 3]);
/// let read = Json::<Vec<u32>>::from_value(value.to_value()?)?;
/// assert_eq!(read.0, [1, 2, 3]);
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Json<T>(pub T);

impl<T: Serialize> ToValue for Json<T> {
    fn to_value(&self) -> Result<Value<'_>> {
        let text = serde_json::to_string(&self.0).map_err(|error| {
            Error::new(ErrorKind::Encode, "value cannot be written as JSON").caused_by(error)
        })?;
        Ok(Value::Json(Cow::Owned(text)))
    }
}

impl<T: DeserializeOwned> FromValue for Json<T> {
    fn from_value(value: Value<'_>) -> Result<Self> {
        let read = match &value {
            Value::Json(text) => serde_json::from_str(text),
            // An integer alone is stored as one; so is a text.
            Value::Int(digits) => serde_json::from_str(digits),
            Value::Text(text) => {
                serde_json::to_string(text).and_then(|json| serde_json::from_str(&json))
            }
            _ => return Err(mismatch(&value, "JSON")),
        };
        read.map(Self).map_err(|error| {
            Error::new(
                ErrorKind::Decode,
                "cached JSON is not of the type asked for",
            )
            .caused_by(error)
        })
    }
}

/// Any type that serde knows, stored as MessagePack with names of fields.
///
/// The option `foreign` must name `msgpack`, for writing as for reading.
///
/// ```
/// use memoxide::client::{Builder, Setting};
/// use memoxide::{FromValue, MsgPack, ToValue};
///
/// let builder = Builder::default().option("foreign", &Setting::Text("msgpack"))?;
/// let value = MsgPack((1, "two"));
/// let read = MsgPack::<(u8, String)>::from_value(value.to_value()?)?;
/// assert_eq!(read.0, (1, "two".to_owned()));
/// # Ok::<(), memoxide::Error>(())
/// ```
#[cfg(feature = "msgpack")]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct MsgPack<T>(pub T);

#[cfg(feature = "msgpack")]
impl<T: Serialize> ToValue for MsgPack<T> {
    fn to_value(&self) -> Result<Value<'_>> {
        let bytes = rmp_serde::to_vec_named(&self.0).map_err(|error| {
            let message = "value cannot be written as MessagePack";
            Error::new(ErrorKind::Encode, message).caused_by(error)
        })?;
        Ok(Value::Foreign(Foreign::new(Format::Msgpack, bytes)))
    }
}

#[cfg(feature = "msgpack")]
impl<T: DeserializeOwned> FromValue for MsgPack<T> {
    fn from_value(value: Value<'_>) -> Result<Self> {
        let bytes = match &value {
            Value::Foreign(foreign) if foreign.format == Format::Msgpack => &foreign.bytes,
            _ => return Err(mismatch(&value, "MessagePack")),
        };
        rmp_serde::from_slice(bytes).map(Self).map_err(|error| {
            let message = "cached MessagePack is not of the type asked for";
            Error::new(ErrorKind::Decode, message).caused_by(error)
        })
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Result<Value<'_>> {
        (**self).to_value()
    }
}

macro_rules! convert {
    ($($type:ty, $self:ident => $to:expr;)*) => {$(
        impl ToValue for $type {
            fn to_value(&$self) -> Result<Value<'_>> {
                Ok($to)
            }
        }
    )*};
}

convert! {
    [u8], self => Value::from(self);
    Vec<u8>, self => Value::from(self.as_slice());
    Bytes, self => Value::from(&self[..]);
    str, self => Value::from(self);
    String, self => Value::from(self.as_str());
    i64, self => Value::from(*self);
    i32, self => Value::from(i64::from(*self));
    u64, self => Value::from(*self);
    u32, self => Value::from(u64::from(*self));
    usize, self => Value::from(*self as u64);
    bool, self => Value::from(*self);
    f64, self => Value::from(*self);
    Value<'_>, self => reborrow(self);
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Result<Value<'_>> {
        Ok(Value::from(&self[..]))
    }
}

impl FromValue for Value<'static> {
    fn from_value(value: Value<'_>) -> Result<Self> {
        Ok(value.into_owned())
    }
}

impl FromValue for Vec<u8> {
    /// Takes bytes and text.
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.into_owned()),
            Value::Text(text) => Ok(text.into_owned().into_bytes()),
            value => Err(mismatch(&value, "bytes")),
        }
    }
}

impl FromValue for Bytes {
    /// Takes bytes and text.
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self> {
        Vec::from_value(value).map(Self::from)
    }

    #[inline]
    fn from_several(value: Value<'_>, shelf: &mut Shelf<'_>) -> Result<Self> {
        match value {
            Value::Bytes(Cow::Borrowed(bytes)) => Ok(shelf.share(bytes)),
            Value::Text(Cow::Borrowed(text)) => Ok(shelf.share(text.as_bytes())),
            value => Self::from_value(value),
        }
    }
}

impl FromValue for String {
    /// Takes text, and bytes that are UTF-8.
    fn from_value(value: Value<'_>) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text.into_owned()),
            Value::Bytes(bytes) => Self::from_utf8(bytes.into_owned()).map_err(|error| {
                Error::new(ErrorKind::Decode, "cached bytes are not UTF-8").caused_by(error)
            }),
            value => Err(mismatch(&value, "text")),
        }
    }
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl FromValue for $type {
            /// Takes integers that fit, and text or bytes of decimal digits, as
            /// other clients store counters.
            fn from_value(value: Value<'_>) -> Result<Self> {
                let digits = match &value {
                    Value::Int(digits) | Value::Text(digits) => digits.as_ref(),
                    Value::Bytes(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
                    _ => return Err(mismatch(&value, "an integer")),
                };
                digits.trim_end().parse().map_err(|error| {
                    Error::new(ErrorKind::Decode, concat!("cached number is no ", stringify!($type)))
                        .caused_by(error)
                })
            }
        }
    )*};
}

integer!(i32, i64, u32, u64, usize);

impl FromValue for f64 {
    fn from_value(value: Value<'_>) -> Result<Self> {
        let parsed = match &value {
            Value::Int(text) | Value::Json(text) => text.parse().ok(),
            Value::NonFinite(number) => Some(number.to_f64()),
            _ => None,
        };
        parsed.ok_or_else(|| mismatch(&value, "a number"))
    }
}

impl FromValue for bool {
    fn from_value(value: Value<'_>) -> Result<Self> {
        match &value {
            Value::Json(text) if text == "true" => Ok(true),
            Value::Json(text) if text == "false" => Ok(false),
            _ => Err(mismatch(&value, "a truth value")),
        }
    }
}

/// Borrows from a value what it borrows or owns.
fn reborrow<'a>(value: &'a Value<'_>) -> Value<'a> {
    match value {
        Value::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::Int(digits) => Value::Int(Cow::Borrowed(digits)),
        Value::Json(text) => Value::Json(Cow::Borrowed(text)),
        Value::NonFinite(number) => Value::NonFinite(*number),
        Value::Foreign(foreign) => Value::Foreign(Foreign {
            format: foreign.format,
            flags: foreign.flags,
            bytes: Cow::Borrowed(&foreign.bytes),
        }),
    }
}

#[cold]
fn mismatch(value: &Value<'_>, wanted: &str) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("cached value is {}, not {wanted}", value.kind()),
    )
}
