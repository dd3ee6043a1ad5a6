//! Fault rules and the log of requests. Rules cross as JSON: what one may say is
//! the core's to know.

use std::borrow::Cow;

use memoxide::ErrorKind;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::EmbeddedServer;
use crate::errors::{Failure, Result};

/// Rules in JSON, or the name of a preset.
pub(super) struct Rules(pub(super) String);

impl<'py> FromPyObject<'_, 'py> for Rules {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr =
        pyo3::type_hint_identifier!("memoxide.faults", "FaultRules");

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return object.extract().map(Self);
        }
        let py = object.py();
        let dumps = py.import("json")?.getattr(intern!(py, "dumps"))?;
        let options = PyDict::new(py);
        options.set_item(intern!(py, "allow_nan"), false)?;
        let json = dumps.call((object,), Some(&options)).map_err(|cause| {
            let message = "fault rule has no form in JSON";
            PyErr::from(Failure::because(py, ErrorKind::Config, message, cause))
        })?;
        json.extract().map(Self)
    }
}

#[pymethods]
impl EmbeddedServer {
    /// Adds fault rules and returns their numbers. They apply to what is received
    /// from now on, on open connections too.
    ///
    /// Args:
    ///     rules: The name of a preset (`slow`, `flaky`, `drip`, `liar`, `dead`,
    ///         `restarting`), a rule as a dict, a list of either, or JSON of that;
    ///         `docs/faults.md` tells what a rule may say.
    ///
    /// Raises:
    ///     ConfigError: A rule cannot be read or contradicts itself; none is added.
    ///     ClosedError: The server has stopped.
    #[pyo3(signature = (rules, /))]
    fn add_faults(&self, py: Python<'_>, rules: Rules) -> Result<Vec<u64>> {
        self.with(py, |server| server.add_faults(&rules.0))
    }

    /// Removes the fault rule with this number, and returns whether there was
    /// one. Connections that it kept hanging are closed.
    #[pyo3(signature = (id, /))]
    fn remove_fault(&self, py: Python<'_>, id: u64) -> Result<bool> {
        self.with(py, |server| server.remove_fault(id))
    }

    /// Removes all fault rules.
    fn clear_faults(&self, py: Python<'_>) -> Result<()> {
        self.with(py, memoxide::EmbeddedServer::clear_faults)
    }

    /// The fault rules: number, JSON and hits of each.
    fn _faults(&self) -> Vec<(u64, String, u64)> {
        let faults = self.server.faults().into_iter();
        faults
            .map(|status| (status.id, status.rule.to_json(), status.hits))
            .collect()
    }

    /// Returns how often the fault rule with this number has struck, None if it
    /// is no more.
    #[pyo3(signature = (id, /))]
    fn fault_hits(&self, id: u64) -> Option<u64> {
        self.server.fault_hits(id)
    }

    /// How many requests the server has received since its start.
    #[getter]
    fn requests(&self) -> u64 {
        self.server.requests()
    }

    /// Keeps the last `capacity` requests from now on; 0 stops and forgets.
    #[pyo3(signature = (capacity = 1000, /))]
    fn log_requests(&self, py: Python<'_>, capacity: usize) -> Result<()> {
        self.with(py, |server| server.log_requests(capacity))
    }

    /// The logged requests, field by field, oldest first.
    #[expect(clippy::type_complexity, reason = "the fields of one Python class")]
    fn _logged_requests(
        &self,
    ) -> Vec<(
        u64,
        u64,
        String,
        String,
        Cow<'static, [u8]>,
        usize,
        usize,
        Vec<u64>,
    )> {
        let requests = self.server.logged_requests().into_iter();
        requests
            .map(|request| {
                (
                    request.connection,
                    request.request,
                    request.command,
                    request.key,
                    request.head.into(),
                    request.length,
                    request.reply_length,
                    request.faults,
                )
            })
            .collect()
    }

    /// Forgets the logged requests and goes on logging.
    fn clear_log(&self) {
        self.server.clear_log();
    }
}
