//! Trees of Python objects as JSON text and back, without a tree in between.
//!
//! Both directions keep to the profile that the three languages share: keys are
//! text, numbers are finite, no lone surrogates, and a limit on depth. Integers
//! that JavaScript cannot hold are refused when written; when read they arrive
//! exactly, since Python can hold them.
//!
//! Types are checked exactly: a subclass of `dict` or an `IntEnum` would come
//! back as something else than what was stored, so it is refused.

mod read;
mod write;

use pyo3::prelude::*;

pub(crate) use read::read;
pub(crate) use write::write;

use crate::errors::Result;

/// How deep arrays and objects may be nested in each other.
const MAX_DEPTH: usize = 100;

/// The largest integer that every reader of a tree holds exactly, 2^53 - 1.
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Returns `value` as JSON text without white space.
#[pyfunction]
#[pyo3(signature = (value, /))]
pub(crate) fn write_json(value: &Bound<'_, PyAny>) -> Result<String> {
    let mut text = String::new();
    write(&mut text, value)?;
    Ok(text)
}

/// Returns the object that the JSON `text` describes.
#[pyfunction]
#[pyo3(signature = (text, /))]
pub(crate) fn read_json<'py>(py: Python<'py>, text: &str) -> Result<Bound<'py, PyAny>> {
    read(py, text)
}
