//! Reports of servers with their types, as the core knows them.

use std::collections::BTreeMap;

use memoxide::client::stats;
use pyo3::prelude::*;

use crate::errors::Result;
use crate::json;

/// Returns the texts of a report as numbers, truths and texts.
///
/// Raises:
///     InvalidArgumentError: There is no such report.
#[pyfunction]
#[pyo3(signature = (name, texts, /) -> "dict[str, Any]")]
pub(crate) fn typed_report<'py>(
    py: Python<'py>,
    name: &str,
    texts: BTreeMap<String, String>,
) -> Result<Bound<'py, PyAny>> {
    json::read(py, &stats::to_json(name, texts)?)
}
