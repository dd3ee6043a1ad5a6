//! Which server a key goes to, over a list of servers that Python holds.

use memoxide::route::{HashNumber, Node, Preset, Router, hash};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyTuple};

use crate::errors::{Failure, Result};

/// Finds servers as python-memcached does in its `buckets`: a list in which each
/// server stands as often as its weight says.
///
/// Args:
///     size: The length of the list.
#[pyclass(frozen, module = "memoxide._native")]
pub(crate) struct Placement {
    size: usize,
    crc15: Router,
    crc32: Router,
}

#[pymethods]
impl Placement {
    #[new]
    fn new(size: usize) -> Result<Self> {
        // Slots and not servers are routed to, so that all have the same weight.
        let nodes = vec![Node::new("", 0); size];
        let router = |preset| Router::new(Preset::by_name(preset)?, &nodes);
        Ok(Self {
            size,
            crc15: router("python-memcached")?,
            crc32: router("python-memcached-crc32")?,
        })
    }

    /// The length of the list that this is for.
    #[getter]
    const fn size(&self) -> usize {
        self.size
    }

    /// Returns for each key the first server tried whose `connect()` is true; None
    /// if that is none of the ten. A server is asked once.
    ///
    /// Args:
    ///     buckets: The list.
    ///     keys: The keys, prefix included: bytes, or tuples of a number that
    ///         takes the place of the key's hash, and bytes.
    ///     hash: The hash function: `"crc15"`, `"crc32"`, or one of the caller's.
    ///
    /// Raises:
    ///     TypeError: A hash is no integer.
    #[pyo3(signature = (buckets: "list[Any]", keys: "list[Any]", hash))]
    fn find<'py>(
        &self,
        buckets: &Bound<'py, PyList>,
        keys: &Bound<'py, PyList>,
        hash: &Bound<'py, PyAny>,
    ) -> Result<Vec<Option<Bound<'py, PyAny>>>> {
        let mut connected = vec![None; self.size];
        let mut connects = |slot: usize| {
            if let Some(connected) = connected[slot] {
                return Ok(connected);
            }
            let host = buckets.get_item(slot)?;
            let answer = host
                .call_method0(intern!(host.py(), "connect"))?
                .is_truthy()?;
            connected[slot] = Some(answer);
            Ok(answer)
        };
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let (number, key) = match key.cast::<PyTuple>() {
                Ok(pair) => {
                    let (number, key) = pair.extract()?;
                    (Some(digits(number)?), key)
                }
                Err(_) => (None, key),
            };
            let bytes = key.extract().map_err(PyErr::from)?;
            let slot = self.slot(bytes, number, hash, &mut connects)?;
            found.push(slot.map(|slot| buckets.get_item(slot)).transpose()?);
        }
        Ok(found)
    }
}

impl Placement {
    /// Returns the first slot tried for a key that `connects`.
    fn slot(
        &self,
        key: &[u8],
        number: Option<String>,
        hash: &Bound<'_, PyAny>,
        mut connects: impl FnMut(usize) -> PyResult<bool>,
    ) -> Result<Option<usize>> {
        let router = match hash.extract() {
            Ok("crc15") => &self.crc15,
            Ok("crc32") => &self.crc32,
            _ => {
                let hashed = |key: &[u8]| digits(hash.call1((PyBytes::new(hash.py(), key),))?);
                let number = number.map_or_else(|| hashed(key), Ok)?;
                let rehashed = |text: String| Ok(hashed(text.as_bytes())?);
                let connects = |slot| Ok::<_, Failure>(connects(slot)?);
                return self.crc15.route_rehashing(number, connects, rehashed);
            }
        };
        // An exception ends the search as a living server would.
        let mut raised = None;
        let live = |slot| {
            connects(slot).unwrap_or_else(|error| {
                raised = Some(error);
                true
            })
        };
        let slot = match &number {
            None => router.route_live(key, live),
            Some(number) => router.route_number(HashNumber::parse(number)?, live),
        };
        match raised {
            Some(raised) => Err(raised.into()),
            None => Ok(slot),
        }
    }
}

/// Returns the decimal text of a hash.
fn digits(number: Bound<'_, PyAny>) -> PyResult<String> {
    let Ok(number) = number.cast::<PyInt>() else {
        let name = number.get_type().name()?;
        let message = format!("a hash is to be an int, not {name}");
        return Err(PyTypeError::new_err(message));
    };
    // A truth value counts as its number.
    Ok(number
        .call_method0("__index__")?
        .str()?
        .to_str()?
        .to_owned())
}

/// Hashes a key as python-memcached does.
#[pyfunction]
#[pyo3(signature = (key, /))]
pub(crate) fn cmemcache_hash(key: &[u8]) -> u32 {
    hash::crc15(key)
}
