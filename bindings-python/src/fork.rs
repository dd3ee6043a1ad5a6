//! Tells the core of each fork, so that a child leaves its parent's sockets and
//! servers alone.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Registers the hook that runs in each child right after `os.fork`.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    // Windows has neither forks nor the hook.
    if let Some(register) = os.getattr_opt(intern!(py, "register_at_fork"))? {
        let hooks = PyDict::new(py);
        hooks.set_item("after_in_child", wrap_pyfunction!(raise_generation, py)?)?;
        register.call((), Some(&hooks))?;
    }
    Ok(())
}

#[pyfunction]
fn raise_generation() {
    memoxide::fork::raise();
}

/// Returns the number of forks between the first process and this one.
///
/// Whoever keeps a socket compares it with the number at the time the socket
/// was opened.
#[pyfunction]
pub(crate) fn fork_generation() -> u64 {
    memoxide::fork::generation()
}
