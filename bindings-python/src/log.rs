//! Hands what happens to servers to Python's `logging`.
//!
//! The core makes the entries and says how they are worded; here they become
//! records of the logger `memoxide`. Nobody holds a lock meanwhile, because
//! handlers are the program's: they may call the client that the record is of.

use memoxide::client::log::{Entry, Level};
use memoxide::error::ErrorKind;
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// Tells the logger, on the calling thread.
///
/// # Errors
///
/// What a handler raised that is no `Exception`, such as `KeyboardInterrupt`.
/// Exceptions are reported as those of a finalizer are: the call went on without
/// them.
pub(crate) fn tell(py: Python<'_>, entries: &[Entry]) -> PyResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let logger = logger(py)?;
    for entry in entries {
        match record(logger, entry) {
            Err(raised) if raised.is_instance_of::<PyException>(py) => {
                raised.write_unraisable(py, Some(logger));
            }
            told => told?,
        }
    }
    Ok(())
}

fn record(logger: &Bound<'_, PyAny>, entry: &Entry) -> PyResult<()> {
    let py = logger.py();
    let level = number(entry.level());
    let enabled = logger.call_method1(intern!(py, "isEnabledFor"), (level,))?;
    if !enabled.is_truthy()? {
        return Ok(());
    }
    // Always the same names, so that a format may use them.
    let fields = PyDict::new(py);
    fields.set_item(intern!(py, "event"), entry.event().name())?;
    fields.set_item(intern!(py, "endpoint"), entry.endpoint())?;
    fields.set_item(intern!(py, "reason"), entry.reason())?;
    fields.set_item(intern!(py, "kind"), entry.kind().map(ErrorKind::name))?;
    fields.set_item(intern!(py, "requests"), entry.requests())?;
    let keywords = PyDict::new(py);
    keywords.set_item(intern!(py, "extra"), fields)?;
    let arguments = (level, entry.to_string());
    logger.call_method(intern!(py, "log"), arguments, Some(&keywords))?;
    Ok(())
}

fn logger(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let logger = LOGGER.get_or_try_init(py, || {
        let logging = py.import("logging")?;
        logging
            .call_method1("getLogger", ("memoxide",))
            .map(Bound::unbind)
    })?;
    Ok(logger.bind(py))
}

/// The level of `logging`.
const fn number(level: Level) -> u8 {
    match level {
        Level::Debug => 10,
        Level::Info => 20,
        Level::Warn => 30,
        Level::Error => 40,
    }
}
