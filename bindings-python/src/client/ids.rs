//! The cas ids that `gets` remembers for `cas`: those of one thread or task.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// Ids that a thread or task keeps at most; the oldest is forgotten first.
const KEPT: usize = 1024;

/// Where the id of one item is remembered, under a mark ([`mark`](super::calls::Core::mark)).
///
/// It is a dict of the thread or task, because it goes when they go, and in
/// insertion order.
#[derive(Debug)]
pub(crate) struct Ids {
    ids: Py<PyDict>,
    mark: Py<PyBytes>,
}

impl Ids {
    /// Returns the place of `mark` among `ids`, and forgets what was there.
    pub(crate) fn cleared(ids: &Bound<'_, PyDict>, mark: &[u8]) -> PyResult<Self> {
        let place = Self {
            mark: PyBytes::new(ids.py(), mark).unbind(),
            ids: ids.clone().unbind(),
        };
        Self::take(ids, mark)?;
        Ok(place)
    }

    /// Remembers an id until it is used.
    pub(crate) fn remember(self, py: Python<'_>, cas: u64) -> PyResult<()> {
        let ids = self.ids.bind(py);
        if ids.len() >= KEPT
            && let Some(oldest) = ids.try_iter()?.next()
        {
            ids.del_item(oldest?)?;
        }
        ids.set_item(self.mark, cas)
    }

    /// Takes the id that is remembered under `mark`.
    pub(crate) fn take(ids: &Bound<'_, PyDict>, mark: &[u8]) -> PyResult<Option<u64>> {
        let mark = PyBytes::new(ids.py(), mark);
        let Some(id) = ids.get_item(&mark)? else {
            return Ok(None);
        };
        ids.del_item(mark)?;
        id.extract().map(Some)
    }
}
