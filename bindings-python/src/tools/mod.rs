//! For those who run a cluster: where keys are, what values mean, and moving
//! items to another placement.

mod compare;
mod explain;
mod keys;
mod migration;

use memoxide::ErrorKind;
use memoxide::client::Plan;
use pyo3::prelude::*;
#[cfg(feature = "stubs")]
use pyo3::type_hint_union;
use pyo3::types::{PyDict, PyString};

pub(crate) use compare::compare_placements;
pub(crate) use explain::{explain_key, explain_value};
pub(crate) use migration::migrate;

use crate::client::{AsyncClient, Client, refuse};
use crate::errors::Result;

/// A client of either kind, of which only servers and options count.
pub(crate) enum AnyClient<'py> {
    Async(Bound<'py, AsyncClient>),
    Blocking(Bound<'py, Client>),
}

impl AnyClient<'_> {
    fn plan(&self) -> Result<&Plan> {
        match self {
            Self::Async(client) => client.get().plan(),
            Self::Blocking(client) => client.get().plan(),
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for AnyClient<'py> {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = type_hint_union!(
        <AsyncClient as pyo3::PyTypeInfo>::TYPE_HINT,
        <Client as pyo3::PyTypeInfo>::TYPE_HINT
    );

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(client) = object.cast::<Client>() {
            return Ok(Self::Blocking(client.to_owned()));
        }
        if let Ok(client) = object.cast::<AsyncClient>() {
            return Ok(Self::Async(client.to_owned()));
        }
        let message = "a Client or AsyncClient is wanted, not";
        Err(refuse(ErrorKind::InvalidArgument, message, &object))
    }
}

/// Names of servers.
#[derive(Default)]
pub(crate) struct Names(Vec<String>);

impl<'py> FromPyObject<'_, 'py> for Names {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Iterable"),
        pyo3::type_hint_identifier!("builtins", "str")
    );

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let message = "a list of names of servers is wanted, not";
        let refuse = || refuse(ErrorKind::InvalidArgument, message, &object);
        if object.is_instance_of::<PyString>() {
            return Err(refuse());
        }
        let names = object.try_iter().map_err(|_| refuse())?;
        let name = |name: PyResult<Bound<'py, PyAny>>| name?.extract();
        Ok(Self(names.map(name).collect::<PyResult<_>>()?))
    }
}

/// Makes an instance of a class of `memoxide.tools`.
fn make<'py>(
    py: Python<'py>,
    class: &str,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import("memoxide.tools")?.getattr(class)?;
    class.call((), Some(fields))
}

/// Returns the name of a server.
fn text<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyString> {
    PyString::new(py, name)
}
