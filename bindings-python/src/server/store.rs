//! What the server holds, and its users and time, without a client's connection.

use std::collections::{BTreeMap, HashMap};

use pyo3::prelude::*;

use super::{EmbeddedServer, options};
use crate::errors::Result;

#[pymethods]
impl EmbeddedServer {
    /// How many items there are, with expired ones that nobody asked for since.
    #[getter]
    fn items(&self, py: Python<'_>) -> Result<usize> {
        self.with(py, |server| Ok(server.engine()?.items()))
    }

    /// The bytes that count against `memory_limit`, used or not.
    #[getter]
    fn footprint(&self, py: Python<'_>) -> Result<usize> {
        self.with(py, |server| Ok(server.engine()?.footprint()))
    }

    /// Returns a report as `stats` sends it: the general one by default, or
    /// `settings`, `items`, `slabs`, `sizes` or `conns`; empty for another name.
    #[pyo3(signature = (report = ""))]
    fn statistics(&self, py: Python<'_>, report: &str) -> Result<BTreeMap<String, String>> {
        self.with(py, |server| {
            Ok(server.engine()?.statistics(report).into_iter().collect())
        })
    }

    /// Evicts up to `count` items, those unused for longest first, and returns
    /// how many there were.
    #[pyo3(signature = (count, /))]
    fn evict(&self, py: Python<'_>, count: usize) -> Result<usize> {
        self.with(py, |server| Ok(server.engine()?.evict(count)))
    }

    /// Lets all items expire, at once or in `delay` seconds.
    #[pyo3(signature = (delay = 0))]
    fn flush_all(&self, py: Python<'_>, delay: u32) -> Result<()> {
        self.with(py, |server| {
            server.engine()?.flush_all(delay);
            Ok(())
        })
    }

    /// Removes all items, as a restart does; statistics stay.
    fn clear(&self, py: Python<'_>) -> Result<()> {
        self.with(py, |server| {
            server.engine()?.clear();
            Ok(())
        })
    }

    /// Replaces the users of the text protocol, passwords by name; connections
    /// that are in stay in.
    #[pyo3(signature = (users, /))]
    fn replace_users(&self, py: Python<'_>, users: HashMap<String, String>) -> Result<()> {
        let users = options::credentials(users).collect();
        self.with(py, |server| server.replace_users(users))
    }

    /// Stops the server's time; `advance` still moves it.
    fn pause_time(&self) {
        self.server.clock().pause();
    }

    /// Lets a time that was stopped go on, at the machine's.
    fn resume_time(&self) {
        self.server.clock().resume();
    }
}
