//! Values by key, put into their dict while they come.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::harvest::Kept;
use crate::errors::{Failure, Result};
use crate::value::Conversion;

/// The hits of a call for several keys.
///
/// A value goes into the dict at once, as long as that runs no code of the
/// caller's: neither to load the value nor to compare keys. From the first one on
/// of which this cannot be said all wait, so that they stand in the order in
/// which they came, and the last value of a key wins.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// The caller's keys.
    keys: Py<PyTuple>,
    values: Py<PyDict>,
    /// Hits by position that are put in when the operation is over.
    later: Vec<(usize, Kept)>,
}

impl Gathered {
    /// Prepares for hits of these keys.
    pub(crate) fn new(keys: &Bound<'_, PyTuple>) -> Self {
        Self {
            keys: keys.clone().unbind(),
            values: PyDict::new(keys.py()).unbind(),
            later: Vec::new(),
        }
    }

    /// Takes the hit of the key at a position.
    ///
    /// # Errors
    ///
    /// `Decode` as of [`Conversion::decode_or_keep`].
    #[inline(always)]
    pub(crate) fn take(
        &mut self,
        py: Python<'_>,
        conversion: &Conversion,
        position: usize,
        flags: u32,
        value: &[u8],
    ) -> Result<()> {
        if self.later.is_empty()
            && let Some(value) = conversion.decode_verbatim(py, flags, value)
        {
            return self.put(position, value);
        }
        self.take_other(py, conversion, position, flags, value)
    }

    /// Takes what is more than bytes or text. Apart, since most hits are those.
    #[inline(never)]
    fn take_other(
        &mut self,
        py: Python<'_>,
        conversion: &Conversion,
        position: usize,
        flags: u32,
        value: &[u8],
    ) -> Result<()> {
        match Kept::new(py, conversion, flags, value)? {
            Kept::Object(value) if self.later.is_empty() => {
                self.put(position, value.into_bound(py))
            }
            kept => {
                self.later.push((position, kept));
                Ok(())
            }
        }
    }

    /// Puts a value into the dict, or aside if its key may run the caller's code.
    #[inline(always)]
    fn put(&mut self, position: usize, value: Bound<'_, PyAny>) -> Result<()> {
        let py = value.py();
        let key = self.keys.bind(py).get_borrowed_item(position)?;
        if key.is_exact_instance_of::<PyString>() || key.is_exact_instance_of::<PyBytes>() {
            return Ok(self.values.bind(py).set_item(key, value)?);
        }
        self.later.push((position, Kept::Object(value.unbind())));
        Ok(())
    }

    /// Returns the dict. Nothing may be held: Python loads values here. What
    /// cannot be loaded is left out and told in `failure`, the first of it.
    ///
    /// # Errors
    ///
    /// What a key raises when it is compared.
    pub(crate) fn finish<'py>(
        self,
        py: Python<'py>,
        conversion: &Conversion,
        failure: &mut Option<Failure>,
    ) -> Result<Bound<'py, PyDict>> {
        let (keys, values) = (self.keys.bind(py), self.values.into_bound(py));
        for (position, kept) in self.later {
            match kept.into_value(py, conversion) {
                Ok(value) => values.set_item(keys.get_borrowed_item(position)?, value)?,
                Err(raised) => drop(failure.get_or_insert(raised)),
            }
        }
        Ok(values)
    }
}
