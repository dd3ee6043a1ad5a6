//! How many keys would move.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use memoxide::client::tools::{Comparison, Flow, Relocation, Share};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::keys::{Raised, Source};
use super::{AnyClient, make, text};
use crate::client::{Answer, Count, PlacementComparison};
use crate::errors::Result;

/// Counts the keys that belong to another server after a change of placement or
/// of the server list. The GIL is released meanwhile.
///
/// Args:
///     old: A client with the servers and the `hashing` as they are.
///     new: A client with the servers and the `hashing` as they would be.
///     keys: The keys, or the path of a file (a `pathlib.Path`) with a key on
///         each line, as it is or as `lru_crawler metadump` lists it. By default
///         the keys that the servers of `old` list.
///     limit: How many of the keys that move are returned at most.
///
/// Raises:
///     InvalidArgumentError: The file cannot be read.
///     UnsupportedError: A server cannot list its keys.
///     MemoxideError: A server cannot be reached.
///
/// Example:
///     >>> import memoxide
///     >>> old = memoxide.Client("a,b,c")
///     >>> new = memoxide.Client("a,b,c,d")
///     >>> keys = (f"user:{number}" for number in range(10_000))
///     >>> comparison = memoxide.compare_placements(old, new, keys)
///     >>> comparison.keys, round(comparison.share, 2)
///     (10000, 0.22)
#[pyfunction]
#[pyo3(signature = (old, new, keys = None, *, limit = Count(1000)))]
pub(crate) fn compare_placements<'py>(
    py: Python<'py>,
    old: AnyClient<'py>,
    new: AnyClient<'py>,
    keys: Option<Source>,
    limit: Count,
) -> Result<Answer<'py, PlacementComparison>> {
    let mut comparison = Comparison::new(old.plan()?, new.plan()?);
    let mut moving = Vec::new();
    let raised = Raised::default();
    let result = py.detach(|| {
        let mut each = |key: &[u8], relocation: &Relocation| {
            if relocation.moves() && (moving.len() as u64) < limit.0 {
                moving.push(key.to_vec());
            }
            ControlFlow::Continue(())
        };
        match keys {
            Some(keys) => comparison.add_all(keys.keys(&raised)?, &mut each),
            None => comparison.add_listed(&mut each, &|| {
                Python::attach(|py| py.check_signals()).map_err(|error| raised.keep(error))
            }),
        }
    });
    raised.settle(result)?;

    let flow = |Flow { from, to, keys }| {
        let fields = PyDict::new(py);
        fields.set_item("from_server", text(py, &from))?;
        fields.set_item("to_server", text(py, &to))?;
        fields.set_item("keys", keys)?;
        make(py, "Flow", &fields)
    };
    let share = |Share {
                     server,
                     before,
                     after,
                 }| {
        let fields = PyDict::new(py);
        fields.set_item("server", text(py, &server))?;
        fields.set_item("before", before)?;
        fields.set_item("after", after)?;
        make(py, "Share", &fields)
    };
    let flows = comparison.flows().into_iter().map(flow);
    let shares = comparison.shares().into_iter().map(share);
    let moving = moving.iter().map(|key| PyBytes::new(py, key));
    let fields = PyDict::new(py);
    fields.set_item("keys", comparison.keys())?;
    fields.set_item("moved", comparison.moved())?;
    fields.set_item("passed_over", comparison.passed_over())?;
    fields.set_item(
        "flows",
        PyTuple::new(py, flows.collect::<PyResult<Vec<_>>>()?)?,
    )?;
    fields.set_item(
        "shares",
        PyTuple::new(py, shares.collect::<PyResult<Vec<_>>>()?)?,
    )?;
    fields.set_item("moving", PyTuple::new(py, moving.collect::<Vec<_>>())?)?;
    Ok(Answer(
        make(py, "PlacementComparison", &fields)?,
        PhantomData,
    ))
}
