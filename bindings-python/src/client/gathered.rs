//! Values by key: they come one after the other, and are a dict in the end.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::dicts::dict_of;
use super::harvest::Kept;
use super::lists::Keys;
use crate::errors::{Failure, Result};
use crate::value::Conversion;

/// The hits of a call for several keys.
///
/// Keys of the caller's are not compared and nothing is loaded by Python before
/// the operation is over: both may run code of the caller's.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// The caller's keys.
    keys: Py<PyTuple>,
    /// Whether all of them are text.
    are_text: bool,
    /// What came, in order; of values that Python loads, the bytes.
    values: Vec<Py<PyAny>>,
    /// Which key each value is of; nothing as long as the first is of the first
    /// key, the second of the second, and so on.
    positions: Vec<usize>,
    /// What Python loads, by its place among the values.
    foreign: Vec<(usize, Kept)>,
}

impl Gathered {
    /// Prepares for hits of these keys.
    pub(crate) fn new(keys: &Keys<'_>) -> Self {
        let objects = keys.objects();
        Self {
            keys: objects.clone().unbind(),
            are_text: keys.are_text(),
            values: Vec::with_capacity(objects.len()),
            positions: Vec::new(),
            foreign: Vec::new(),
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
        let value = match conversion.decode_verbatim(py, flags, value) {
            Some(value) => value.unbind(),
            None => self.decode(py, conversion, flags, value)?,
        };
        if !self.positions.is_empty() || position != self.values.len() {
            self.note(position);
        }
        self.values.push(value);
        Ok(())
    }

    /// Decodes what is more than bytes or text. Apart, since most hits are those.
    #[inline(never)]
    fn decode(
        &mut self,
        py: Python<'_>,
        conversion: &Conversion,
        flags: u32,
        value: &[u8],
    ) -> Result<Py<PyAny>> {
        match Kept::new(py, conversion, flags, value)? {
            Kept::Object(value) => Ok(value),
            kept => {
                self.foreign.push((self.values.len(), kept));
                Ok(py.None())
            }
        }
    }

    /// Notes which key the next value is of.
    fn note(&mut self, position: usize) {
        if self.positions.is_empty() {
            self.positions.extend(0..self.values.len());
        }
        self.positions.push(position);
    }

    /// Returns the dict. Nothing may be held: Python loads values here. What
    /// cannot be loaded is left out and told in `failure`, the first of it.
    ///
    /// # Errors
    ///
    /// What a key raises when it is hashed or compared.
    pub(crate) fn finish<'py>(
        mut self,
        py: Python<'py>,
        conversion: &Conversion,
        failure: &mut Option<Failure>,
    ) -> Result<Bound<'py, PyDict>> {
        let mut absent = Vec::new();
        for (place, kept) in std::mem::take(&mut self.foreign) {
            match kept.into_value(py, conversion) {
                Ok(value) => self.values[place] = value.unbind(),
                Err(raised) => {
                    failure.get_or_insert(raised);
                    absent.push(place);
                }
            }
        }
        self.drop_values(&absent);
        let keys = self.keys.bind(py);
        let names = if self.positions.is_empty() && self.values.len() == keys.len() {
            keys.clone()
        } else if self.positions.is_empty() {
            keys.get_slice(0, self.values.len())
        } else {
            let names = self.positions.iter();
            let names = names.map(|position| keys.get_item(*position));
            PyTuple::new(py, names.collect::<PyResult<Vec<_>>>()?)?
        };
        Ok(dict_of(&names, self.are_text, self.values)?)
    }

    /// Removes values, whose places ascend.
    fn drop_values(&mut self, places: &[usize]) {
        if places.is_empty() {
            return;
        }
        if self.positions.is_empty() {
            self.positions.extend(0..self.values.len());
        }
        remove(&mut self.positions, places);
        remove(&mut self.values, places);
    }
}

/// Removes what stands at places, which ascend. Linear in the length of the list.
fn remove<T>(list: &mut Vec<T>, places: &[usize]) {
    let mut places = places.iter().peekable();
    let mut place = 0;
    list.retain(|_| {
        let stays = places.next_if_eq(&&place).is_none();
        place += 1;
        stays
    });
}
