//! Values as python-memcached stores them, with pickler and compressor of the
//! caller's.

use memoxide::value::PythonKind;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};

/// Returns the flags and bytes that stand for a value.
///
/// Args:
///     value: Any object; types are looked at exactly.
///     dump: A function that pickles what is neither bytes, text nor an integer.
///     above: Bytes beyond which the value is compressed; 0 or None for never.
///     compress: A function that compresses.
#[pyfunction(name = "python_memcached_encode")]
pub(crate) fn encode<'py>(
    value: Bound<'py, PyAny>,
    dump: &Bound<'py, PyAny>,
    above: &Bound<'py, PyAny>,
    compress: &Bound<'py, PyAny>,
) -> PyResult<(u32, Bound<'py, PyBytes>)> {
    let py = value.py();
    let (kind, bytes) = if value.is_exact_instance_of::<PyBytes>() {
        (PythonKind::Bytes, value.cast_into()?)
    } else if let Ok(text) = value.cast_exact::<PyString>() {
        (
            PythonKind::Text,
            PyBytes::new(py, text.to_str()?.as_bytes()),
        )
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        let digits = PyBytes::new(py, number.str()?.to_str()?.as_bytes());
        // Not worth compressing, however long.
        return Ok((PythonKind::Int.flags(false), digits));
    } else {
        (PythonKind::Pickle, dump.call1((value,))?.cast_into()?)
    };
    if above.is_truthy()? && bytes.len()?.into_pyobject(py)?.gt(above)? {
        let packed: Bound<'_, PyBytes> = compress.call1((&bytes,))?.cast_into()?;
        if packed.as_bytes().len() < bytes.as_bytes().len() {
            return Ok((kind.flags(true), packed));
        }
    }
    Ok((kind.flags(false), bytes))
}

/// Returns the value that flags and bytes stand for, and raises what Python
/// raises when they do not fit.
///
/// Args:
///     flags: The flags.
///     data: The bytes.
///     load: A function that loads a pickle.
///     decompress: A function that decompresses.
///     refuse: A function that is given flags without a meaning, and raises.
#[pyfunction(name = "python_memcached_decode")]
pub(crate) fn decode<'py>(
    flags: u32,
    data: Bound<'py, PyBytes>,
    load: &Bound<'py, PyAny>,
    decompress: &Bound<'py, PyAny>,
    refuse: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = data.py();
    let data = if PythonKind::is_compressed(flags) {
        decompress.call1((data,))?
    } else {
        data.into_any()
    };
    match PythonKind::of(flags) {
        Some(PythonKind::Bytes) => Ok(data),
        Some(PythonKind::Text) => text(&data),
        Some(PythonKind::Int) => py.get_type::<PyInt>().call1((data,)),
        Some(PythonKind::Pickle) => load.call1((data,)),
        // That raises.
        None => refuse.call1((flags & !PythonKind::Bytes.flags(true),)),
    }
}

/// Returns text; Python's own decoder has the right exception for others.
fn text<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = data.py();
    let bytes = data.cast::<PyBytes>().map(|data| data.as_bytes());
    match bytes.map(std::str::from_utf8) {
        Ok(Ok(text)) => Ok(PyString::new(py, text).into_any()),
        _ => data.call_method1(intern!(py, "decode"), (intern!(py, "utf-8"),)),
    }
}
