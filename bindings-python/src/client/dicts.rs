//! Dicts that are made in their size.
//!
//! A dict that grows to a hundred items is built anew five times on the way, and
//! the stable ABI has no way to say its size before. But Python makes a dict of
//! the keyword arguments of a call, all at once: a function that returns what it
//! was given so is all that it takes.

use std::ffi::c_void;
use std::mem::transmute;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

/// Dicts of so many items pay for the call: one of fewer never grows.
const MANY: usize = 6;

/// `PyObject_Vectorcall`.
type Vectorcall = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// Returns a dict of keys and as many values; the last value of a key counts.
/// `are_text` tells that all keys are of type str. Linear in their number.
///
/// # Errors
///
/// What a key raises when it is hashed or compared.
pub(super) fn dict_of<'py>(
    keys: &Bound<'py, PyTuple>,
    are_text: bool,
    values: Vec<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = keys.py();
    assert_eq!(keys.len(), values.len(), "a value for each key");
    if are_text
        && values.len() >= MANY
        && let Some(call) = vectorcall()
    {
        let function = keyword_function(py)?.as_ptr();
        let first = values.as_ptr().cast();
        // `Py` is a pointer to an object. What comes back is a new reference, or null
        // with an exception set.
        // SAFETY: the caller is attached; the names are text, and a value that `values`
        // owns lies behind the pointer for each, which was asserted.
        let made = unsafe {
            let made = call(function, first, 0, keys.as_ptr());
            Bound::from_owned_ptr_or_err(py, made)
        };
        for value in values {
            drop(value.into_bound(py));
        }
        return Ok(made?.cast_into()?);
    }
    let made = PyDict::new(py);
    for (key, value) in keys.iter_borrowed().zip(values) {
        made.set_item(key, value.into_bound(py))?;
    }
    Ok(made)
}

/// Returns the function that returns its keyword arguments.
fn keyword_function<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyCFunction>> {
    static FUNCTION: PyOnceLock<Py<PyCFunction>> = PyOnceLock::new();
    let function = FUNCTION.get_or_try_init(py, || {
        let (name, doc) = (c"keywords", c"Returns its keyword arguments.");
        PyCFunction::new_with_keywords(py, keywords, name, doc, None).map(Bound::unbind)
    })?;
    Ok(function.bind(py))
}

/// Returns its keyword arguments, which is a dict of this call's own.
unsafe extern "C" fn keywords(
    _module: *mut ffi::PyObject,
    _arguments: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: Python passes the dict, or null if there is none, and is attached.
    // Null without an exception is an error of Python's own; it is never called so.
    unsafe {
        ffi::Py_XINCREF(keywords);
    }
    keywords
}

/// Returns `PyObject_Vectorcall`, which is part of the stable ABI from 3.12 on and
/// a function of the library in 3.11. In 3.10 it is no function.
fn vectorcall() -> Option<Vectorcall> {
    static FOUND: OnceLock<Option<Vectorcall>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let found = symbol()?;
        // SAFETY: the function of this name has had this signature ever since it
        // was made public in Python 3.9.
        Some(unsafe { transmute::<*mut c_void, Vectorcall>(found) })
    })
}

/// Looks for the function in what is loaded.
#[cfg(unix)]
fn symbol() -> Option<*mut c_void> {
    // SAFETY: the name ends with a null byte.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"PyObject_Vectorcall".as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// There is no such thing as all that is loaded.
#[cfg(not(unix))]
fn symbol() -> Option<*mut c_void> {
    None
}
