//! Arguments of calls to single servers.

use std::time::Duration;

use memoxide::net;
use memoxide::protocol::{Expiry, StoreMode};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
#[cfg(feature = "stubs")]
use pyo3::type_hint_union;
use pyo3::types::PyInt;

/// A time that is as good as none at all: a year.
pub(super) const FOR_EVER: Duration = Duration::from_secs(31_536_000);

/// How an item is stored, by the name of the text command.
pub(crate) struct Mode(pub(super) StoreMode);

impl<'a, 'py> FromPyObject<'a, 'py> for Mode {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_identifier!("builtins", "str");

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(match object.extract::<&str>()? {
            "add" => StoreMode::Add,
            "append" => StoreMode::Append,
            "prepend" => StoreMode::Prepend,
            "replace" => StoreMode::Replace,
            // With a cas id it is `cas`.
            "cas" | "set" => StoreMode::Set,
            _ => return Err(PyValueError::new_err("there is no such way to store")),
        }))
    }
}

/// A time to live as memcached reads it: 32 bits of whatever was written.
#[derive(Clone, Copy)]
pub(crate) struct Time(pub(super) Expiry);

impl<'a, 'py> FromPyObject<'a, 'py> for Time {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_identifier!("builtins", "int");

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        // Beyond 64 bits a server refuses the command; here the item is gone.
        let number = object.cast::<PyInt>()?.extract::<i64>().unwrap_or(-1);
        Ok(Self(Expiry::from_wire(number as i32)))
    }
}

/// Seconds that a call may take; none for no limit.
#[derive(Clone, Copy)]
pub(crate) struct Timeout(Duration);

impl Timeout {
    /// Returns the moment at which the time is over.
    pub(super) fn deadline(self) -> u64 {
        let nanoseconds = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        net::now().saturating_add(nanoseconds)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Timeout {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = type_hint_union!(
        pyo3::type_hint_identifier!("builtins", "float"),
        pyo3::type_hint_identifier!("builtins", "None")
    );

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let Some(seconds) = object.extract::<Option<f64>>()? else {
            return Ok(Self(FOR_EVER));
        };
        // As sockets say it.
        let refuse = |_| PyValueError::new_err("Timeout value out of range");
        Duration::try_from_secs_f64(seconds)
            .map(Self)
            .map_err(refuse)
    }
}
