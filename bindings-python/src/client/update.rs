//! An update: what a function of the caller's makes of a value.

use memoxide::client::Answer as Decision;
use memoxide::protocol::Expiry;
use pyo3::prelude::*;

use super::harvest::Found;
use crate::errors::Result;
use crate::value::Conversion;

/// The function, the value it is to change, and what it made.
#[derive(Debug)]
pub(crate) struct Update {
    change: Py<PyAny>,
    expiry: Expiry,
    /// The present value, if there is one.
    pub(crate) found: Option<Found>,
    /// The value that was stored last.
    pub(crate) stored: Option<Py<PyAny>>,
}

impl Update {
    pub(crate) const fn new(change: Py<PyAny>, expiry: Expiry) -> Self {
        Self {
            change,
            expiry,
            found: None,
            stored: None,
        }
    }

    /// Calls the function. Nothing may be held.
    pub(crate) fn decide(&mut self, py: Python<'_>, conversion: &Conversion) -> Result<Decision> {
        let present = match self.found.take() {
            None => py.None().into_bound(py),
            Some(found) => found.value.into_value(py, conversion)?,
        };
        let made = self.change.bind(py).call1((present,))?;
        if made.is_none() {
            return Ok(Decision::Leave);
        }
        let encoded = conversion.encode(&made)?;
        let decision = Decision::Store {
            flags: encoded.flags,
            value: encoded.bytes.to_vec(),
            expiry: self.expiry,
        };
        self.stored = Some(made.unbind());
        Ok(decision)
    }
}
