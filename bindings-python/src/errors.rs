//! Turns errors of the core into Python exceptions, and back for their rules.
//!
//! The classes are Python's (`memoxide.errors`), because a class that derives
//! from two builtins cannot be made here; the predicates are the core's.

use memoxide::{Error, ErrorKind, Sent};
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple, PyType};

/// The result of conversions, in which both worlds can fail.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// An error of the core, or an exception that Python raised meanwhile.
///
/// Functions that Python calls may return it: it becomes the exception.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The core refused or failed.
    Core(Error),
    /// Python raised.
    Python(PyErr),
}

impl Failure {
    /// Returns an error of the core with an exception as its cause; what is no
    /// `Exception`, such as `KeyboardInterrupt`, passes through as it is.
    pub(crate) fn because(
        py: Python<'_>,
        kind: ErrorKind,
        message: &'static str,
        cause: PyErr,
    ) -> Self {
        if cause.is_instance_of::<PyException>(py) {
            Self::Core(Error::new(kind, message).caused_by(cause))
        } else {
            Self::Python(cause)
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Core(error) => Python::attach(|py| exception(py, &error)),
            Failure::Python(error) => error,
        }
    }
}

/// Returns the exception that stands for `error`.
///
/// Where a function of the caller's raised what is no `Exception`, such as
/// `KeyboardInterrupt`, that is it.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    if let Some(cause) = cause(error).filter(|cause| !cause.is_instance_of::<PyException>(py)) {
        return cause.clone_ref(py);
    }
    build(py, error).map_or_else(|failure| failure, PyErr::from_value)
}

fn build<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let class = class(py, error.kind())?;
    let details = PyDict::new(py);
    if let Some(endpoint) = error.endpoint() {
        details.set_item("endpoint", endpoint)?;
    }
    if let Some(sent) = error.was_sent() {
        details.set_item("sent", sent.name())?;
    }
    if let Some(phase) = error.phase() {
        details.set_item("phase", phase.name())?;
    }
    if let Some((flags, bytes)) = error.raw() {
        details.set_item("raw", (flags, PyBytes::new(py, bytes)))?;
    }
    if !error.parts().is_empty() {
        let parts: Vec<_> = error
            .parts()
            .iter()
            .map(|part| build(py, part))
            .collect::<PyResult<_>>()?;
        details.set_item("parts", PyTuple::new(py, parts)?)?;
    }
    let exception = class.call((error.message(),), Some(&details))?;
    if let Some(cause) = cause(error) {
        exception.setattr("__cause__", cause.value(py))?;
    }
    Ok(exception)
}

/// Returns what Python raised, where that is the cause.
fn cause(error: &Error) -> Option<&PyErr> {
    std::error::Error::source(error)?.downcast_ref()
}

fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyType>> {
    let class = py
        .import("memoxide.errors")?
        .getattr(format!("{kind}Error"))?;
    Ok(class.cast_into()?)
}

/// An instance of `memoxide.errors.MemoxideError`, as far as the predicates look
/// at it.
pub(crate) struct Raised(Error);

impl<'py> FromPyObject<'_, 'py> for Raised {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr =
        pyo3::type_hint_identifier!("memoxide.errors", "MemoxideError");

    fn extract(exception: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let name = exception.getattr("kind")?;
        let kind = kind_named(name.extract()?)?;
        let mut error = Error::new(kind, "");
        let sent = exception.getattr("sent")?;
        if let Some(name) = sent.extract()? {
            error = error.sent(named(
                [Sent::NotSent, Sent::MaybeApplied],
                Sent::name,
                name,
            )?);
        }
        let mut parts = Vec::new();
        for part in exception.getattr("parts")?.try_iter()? {
            parts.push(part?.extract::<Self>()?.0);
        }
        Ok(Self(error.with_parts(parts)))
    }
}

fn named<T: Copy, const N: usize>(
    all: [T; N],
    name_of: impl Fn(T) -> &'static str,
    name: &str,
) -> PyResult<T> {
    all.into_iter()
        .find(|&one| name_of(one) == name)
        .ok_or_else(|| PyValueError::new_err(format!("no error is described by {name:?}")))
}

/// Returns the kind of this name.
///
/// # Errors
///
/// `ValueError` when there is none.
pub(crate) fn kind_named(name: &str) -> PyResult<ErrorKind> {
    named(ErrorKind::ALL, ErrorKind::name, name)
}

/// Whether the call behind `error` can be made again without doing it twice.
#[pyfunction]
#[pyo3(signature = (error, /))]
pub(crate) fn is_retryable(error: Raised) -> bool {
    error.0.is_retryable()
}

/// Whether the request behind `error` may have been applied.
#[pyfunction]
#[pyo3(signature = (error, /))]
pub(crate) fn is_ambiguous(error: Raised) -> bool {
    error.0.is_ambiguous()
}

/// Whether the deadline passed.
#[pyfunction]
#[pyo3(signature = (error, /))]
pub(crate) fn is_timeout(error: Raised) -> bool {
    error.0.is_timeout()
}

/// Whether the way to the server failed, rather than the request.
#[pyfunction]
#[pyo3(signature = (error, /))]
pub(crate) fn is_connection(error: Raised) -> bool {
    error.0.is_connection()
}
