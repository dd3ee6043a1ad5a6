//! Ways to write objects that are neither bytes, text nor integers: Python's
//! pickle, MessagePack, or what the caller brings. All of them run code of
//! Python's, never while something is held.

use memoxide::ErrorKind;
use memoxide::value::Format;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyModule, PyString};

use crate::errors::{Failure, Result};

/// Python's pickle, for those who asked for it by name: reading a pickle runs
/// whatever code its writer put there.
#[derive(Debug)]
pub(crate) struct Pickle {
    module: Py<PyModule>,
    protocol: Option<i32>,
}

impl Pickle {
    /// Returns the pickle module, writing in `protocol` or in Python's default.
    pub(crate) fn new(py: Python<'_>, protocol: Option<i32>) -> PyResult<Self> {
        Ok(Self {
            module: py.import("pickle")?.unbind(),
            protocol,
        })
    }

    pub(crate) fn dumps(&self, object: &Bound<'_, PyAny>) -> Result<Vec<u8>> {
        let py = object.py();
        let dumps = self.module.bind(py).getattr(intern!(py, "dumps"))?;
        dumps
            .call1((object, self.protocol))
            .and_then(|bytes| bytes.extract())
            .map_err(|cause| {
                Failure::because(py, ErrorKind::Encode, "value cannot be pickled", cause)
            })
    }

    pub(crate) fn loads<'py>(&self, bytes: &Bound<'py, PyBytes>) -> Result<Bound<'py, PyAny>> {
        let py = bytes.py();
        let loads = self.module.bind(py).getattr(intern!(py, "loads"))?;
        loads.call1((bytes,)).map_err(|cause| {
            Failure::because(py, ErrorKind::Decode, "stored pickle cannot be read", cause)
        })
    }
}

/// A pair of functions that the caller chose.
#[derive(Debug)]
pub(crate) struct Serializer {
    dumps: Py<PyAny>,
    loads: Py<PyAny>,
    /// The flags of what it writes; those of MessagePack if none.
    flags: Option<u32>,
}

impl<'py> FromPyObject<'_, 'py> for Serializer {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr =
        pyo3::type_hint_identifier!("memoxide.options", "NativeSerializer");

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (dumps, loads, flags) = object.extract()?;
        Ok(Self {
            dumps,
            loads,
            flags,
        })
    }
}

impl Serializer {
    /// Returns the format of what it writes.
    pub(crate) fn format(&self) -> Format {
        match self.flags {
            None => Format::Msgpack,
            Some(_) => Format::Opaque,
        }
    }

    /// Returns the flags of what it writes, where no dialect knows them.
    pub(crate) const fn own_flags(&self) -> Option<u32> {
        self.flags
    }

    /// Returns what stands for an object.
    ///
    /// # Errors
    ///
    /// `Encode` when the function fails or returns neither bytes nor text.
    pub(crate) fn dumps(&self, object: &Bound<'_, PyAny>) -> Result<Vec<u8>> {
        let py = object.py();
        self.dumps
            .bind(py)
            .call1((object,))
            .and_then(|dumped| match dumped.cast::<PyString>() {
                Ok(text) => Ok(text.to_str()?.as_bytes().to_vec()),
                Err(_) => dumped.extract::<Vec<u8>>(),
            })
            .map_err(|cause| {
                let message = "value cannot be serialized";
                Failure::because(py, ErrorKind::Encode, message, cause)
            })
    }

    /// Returns the object that bytes stand for.
    ///
    /// # Errors
    ///
    /// `Decode` when the function fails.
    pub(crate) fn loads<'py>(&self, bytes: &Bound<'py, PyBytes>) -> Result<Bound<'py, PyAny>> {
        let py = bytes.py();
        self.loads.bind(py).call1((bytes,)).map_err(|cause| {
            let message = "stored value cannot be deserialized";
            Failure::because(py, ErrorKind::Decode, message, cause)
        })
    }
}
