//! What callers pass: keys, values, times and numbers, read from Python objects.
//!
//! A wrong type is refused here with an error of memoxide; whether a key or a
//! time is one that memcached takes is the core's affair.

use std::borrow::Cow;
use std::slice;
use std::time::Duration;

use memoxide::client::Place;
use memoxide::net::unix_now;
use memoxide::protocol::Expiry;
use memoxide::{Error, ErrorKind};
use pyo3::ffi;
use pyo3::prelude::*;
#[cfg(feature = "stubs")]
use pyo3::type_hint_union;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDelta, PyFloat, PyInt, PyMemoryView, PyString};

use crate::errors::{Failure, Result};

/// A key: text or bytes, borrowed from the caller's object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a>(&'a [u8]);

impl<'a> Key<'a> {
    /// Returns the bytes as the caller gave them.
    pub(crate) const fn bytes(self) -> &'a [u8] {
        self.0
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Key<'a> {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = type_hint_union!(
        pyo3::type_hint_identifier!("builtins", "str"),
        pyo3::type_hint_identifier!("builtins", "bytes")
    );

    #[inline]
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match utf8(object) {
            Some(bytes) => Ok(Self(bytes)),
            None => Self::extract_other(object),
        }
    }
}

/// Returns the UTF-8 of plain text that has one. PyO3 does the same in more steps,
/// which show where a call has a hundred keys.
#[inline(always)]
pub(super) fn utf8<'a>(object: Borrowed<'a, '_, PyAny>) -> Option<&'a [u8]> {
    if !object.is_exact_instance_of::<PyString>() {
        return None;
    }
    let mut length = 0;
    // SAFETY: the object is a str, as was just checked, and the caller is attached
    // to the interpreter.
    let bytes = unsafe { ffi::PyUnicode_AsUTF8AndSize(object.as_ptr(), &raw mut length) };
    if bytes.is_null() {
        // What is wrong is found again by those who look closer.
        drop(PyErr::take(object.py()));
        return None;
    }
    // SAFETY: there are so many bytes, which the str keeps as long as it lives, and
    // that is at least as long as the borrow; nobody changes a str.
    Some(unsafe { slice::from_raw_parts(bytes.cast(), length as usize) })
}

impl<'a> Key<'a> {
    /// Reads what is not plain text. Apart, since most keys are.
    #[inline(never)]
    pub(super) fn extract_other(object: Borrowed<'a, '_, PyAny>) -> PyResult<Self> {
        if !object.is_exact_instance_of::<PyBytes>() {
            match object.extract::<&str>() {
                Ok(text) => return Ok(Self(text.as_bytes())),
                Err(cause) if object.is_instance_of::<PyString>() => {
                    let message = "key has a lone surrogate, which no encoding expresses";
                    let kind = ErrorKind::InvalidKey;
                    return Err(Failure::because(object.py(), kind, message, cause).into());
                }
                Err(_) => {}
            }
        }
        object.extract().map(Self).map_err(|_| {
            refuse(
                ErrorKind::InvalidKey,
                "key is to be str or bytes, not",
                &object,
            )
        })
    }
}

/// Bytes as they are, from anything that has them.
#[derive(Clone, Debug)]
pub(crate) struct Data<'a>(pub(crate) Cow<'a, [u8]>);

impl<'a, 'py> FromPyObject<'a, 'py> for Data<'a> {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = type_hint_union!(
        pyo3::type_hint_identifier!("builtins", "bytes"),
        pyo3::type_hint_identifier!("builtins", "bytearray"),
        pyo3::type_hint_identifier!("builtins", "memoryview")
    );

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.extract::<&[u8]>() {
            return Ok(Self(Cow::Borrowed(bytes)));
        }
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            return Ok(Self(Cow::Owned(bytes.to_vec())));
        }
        if object.is_instance_of::<PyMemoryView>() {
            let bytes: Vec<u8> = object.call_method0("tobytes")?.extract()?;
            return Ok(Self(Cow::Owned(bytes)));
        }
        let message = "data is to be bytes, not";
        Err(refuse(ErrorKind::InvalidArgument, message, &object))
    }
}

/// Returns where a call goes: to the server of `server_key`, else to that of the
/// key itself.
pub(crate) fn place(server_key: Option<Key<'_>>) -> Place<'_> {
    server_key.map_or(Place::Key, |key| Place::ServerKey(key.0))
}

/// A time to live: seconds as memcached counts them, or a `timedelta`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(Expiry);

impl<'a, 'py> FromPyObject<'a, 'py> for Time {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = SECONDS;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let expiry = if let Ok(integer) = object.cast_exact::<PyInt>() {
            // What does not fit is out of memcached's range as well.
            let seconds = integer.extract().unwrap_or_else(|_| {
                let negative = integer.lt(0).unwrap_or_default();
                if negative { i64::MIN } else { i64::MAX }
            });
            Expiry::from_seconds(seconds, unix_now)
        } else if let Ok(delta) = object.cast::<PyDelta>() {
            let seconds: f64 = delta.call_method0("total_seconds")?.extract()?;
            // No time at all is not the 0 that stands for never.
            let seconds = if seconds > 0.0 { seconds.ceil() } else { -1.0 };
            Expiry::from_seconds(seconds as i64, unix_now)
        } else {
            let seconds = number(&object).filter(|seconds| !seconds.is_nan());
            let message = "a time to live is to be seconds or a timedelta, not";
            let seconds =
                seconds.ok_or_else(|| refuse(ErrorKind::InvalidArgument, message, &object))?;
            // Away from the 0 that stands for never.
            let seconds = if seconds < 0.0 {
                seconds.floor()
            } else {
                seconds.ceil()
            };
            Expiry::from_seconds(seconds as i64, unix_now)
        };
        Ok(Self(expiry.map_err(Failure::from)?))
    }
}

/// Returns the time to live of a call that takes it under two names; without
/// one, the client's default applies.
///
/// # Errors
///
/// `InvalidArgument` when both are given.
pub(crate) fn expiry(time: Option<Time>, ttl: Option<Time>) -> Result<Option<Expiry>> {
    if time.is_some() && ttl.is_some() {
        let message = "time and ttl are two names of one argument; give one";
        return Err(Error::new(ErrorKind::InvalidArgument, message).into());
    }
    Ok(time.or(ttl).map(|time| time.0))
}

/// How long a call may take: seconds above 0, or a `timedelta`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeout(pub(crate) Duration);

impl<'a, 'py> FromPyObject<'a, 'py> for Timeout {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = SECONDS;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let seconds = seconds(&object)?;
        let message = "timeout is to be seconds above 0 or a timedelta, not";
        let refuse = || refuse(ErrorKind::InvalidArgument, message, &object);
        match Duration::try_from_secs_f64(seconds.ok_or_else(refuse)?) {
            Ok(timeout) if !timeout.is_zero() => Ok(Self(timeout)),
            _ => {
                let message = "timeout is to be above 0 seconds";
                Err(Failure::from(Error::new(ErrorKind::InvalidArgument, message)).into())
            }
        }
    }
}

/// How long until something happens: seconds from 0, or a `timedelta`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delay(pub(crate) Duration);

impl Delay {
    pub(crate) const NONE: Self = Self(Duration::ZERO);
}

impl<'a, 'py> FromPyObject<'a, 'py> for Delay {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = SECONDS;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let message = "delay is to be seconds or a timedelta, not";
        let seconds = seconds(&object)?
            .ok_or_else(|| refuse(ErrorKind::InvalidArgument, message, &object))?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| {
            let message = "delay is to be from 0 seconds on";
            Failure::from(Error::new(ErrorKind::InvalidArgument, message)).into()
        })
    }
}

/// Returns the seconds that a number or a `timedelta` stands for.
fn seconds(object: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    Ok(match object.cast::<PyDelta>() {
        Ok(delta) => Some(delta.call_method0("total_seconds")?.extract()?),
        Err(_) => number(object),
    })
}

#[cfg(feature = "stubs")]
const SECONDS: pyo3::inspect::PyStaticExpr = type_hint_union!(
    pyo3::type_hint_identifier!("builtins", "float"),
    pyo3::type_hint_identifier!("datetime", "timedelta")
);

/// A whole number from 0 to 2^64 - 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count(pub(crate) u64);

impl<'a, 'py> FromPyObject<'a, 'py> for Count {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_identifier!("builtins", "int");

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let count = if object.is_instance_of::<PyBool>() {
            None
        } else {
            object.extract().ok()
        };
        let message = "a number from 0 to 2^64 - 1 is wanted, not";
        let refuse = || match object.cast_exact::<PyInt>() {
            Ok(integer) => {
                let amount = if integer.lt(0).unwrap_or_default() {
                    "a negative one"
                } else {
                    "a larger one"
                };
                let message = format!("{message} {amount}");
                Failure::from(Error::new(ErrorKind::InvalidArgument, message)).into()
            }
            Err(_) => refuse(ErrorKind::InvalidArgument, message, &object),
        };
        Ok(Self(count.ok_or_else(refuse)?))
    }
}

impl Count {
    /// Returns the number if it fits.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when it does not.
    pub(crate) fn small(self) -> Result<u32> {
        u32::try_from(self.0).map_err(|_| {
            let message = format!("{} is over 2^32 - 1", self.0);
            Error::new(ErrorKind::InvalidArgument, message).into()
        })
    }
}

/// Makes sure that an argument can be called.
///
/// # Errors
///
/// `InvalidArgument` when it cannot.
pub(crate) fn callable(name: &str, object: &Bound<'_, PyAny>) -> Result<()> {
    if object.is_callable() {
        return Ok(());
    }
    let message = format!("{name} is to be a function, not");
    Err(refuse(ErrorKind::InvalidArgument, &message, object).into())
}

/// Returns a number that is no truth value.
pub(super) fn number(object: &Bound<'_, PyAny>) -> Option<f64> {
    if let Ok(float) = object.cast::<PyFloat>() {
        return Some(float.value());
    }
    if object.is_instance_of::<PyBool>() || object.is_instance_of::<PyString>() {
        return None;
    }
    object.extract().ok()
}

#[cold]
pub(crate) fn refuse(kind: ErrorKind, message: &str, object: &Bound<'_, PyAny>) -> PyErr {
    let name = object.get_type().name();
    let name = name.map_or_else(|_| "this".to_owned(), |name| name.to_string());
    Failure::from(Error::new(kind, format!("{message} {name}"))).into()
}
