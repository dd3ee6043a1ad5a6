//! What callers pass for several items: iterables of keys, mappings of keys to
//! values.

use std::cell::Cell;
use std::ops::Range;

use memoxide::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyMapping, PyString, PyTuple};

use super::arguments::{Key, refuse, utf8};
use crate::errors::{Failure, Result};

/// An iterable of keys.
#[derive(Debug)]
pub(crate) struct Iterable<'py>(Bound<'py, PyAny>);

impl<'py> FromPyObject<'_, 'py> for Iterable<'py> {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Iterable"),
        Key::INPUT_TYPE
    );

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(object.to_owned()))
    }
}

/// A mapping of keys to values.
#[derive(Debug)]
pub(crate) struct Mapping<'py>(Bound<'py, PyAny>);

impl<'py> FromPyObject<'_, 'py> for Mapping<'py> {
    type Error = PyErr;

    // A mapping is invariant in its keys, so that one of a union would not do.
    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Mapping"),
        pyo3::type_hint_identifier!("typing", "Any"),
        pyo3::type_hint_identifier!("typing", "Any")
    );

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(object.to_owned()))
    }
}

/// The keys of one call, with the prefix that the call puts before them.
#[derive(Debug)]
pub(crate) struct Keys<'py> {
    objects: Bound<'py, PyTuple>,
    /// The keys behind their prefix, one after the other, unless there is none.
    joined: Vec<u8>,
    ranges: Vec<Range<usize>>,
    /// Whether a key was found that is not of type str.
    has_others: Cell<bool>,
}

impl<'py> Keys<'py> {
    /// Reads the keys that `objects` iterates over.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when it is a single key or no iterable, `InvalidKey`
    /// when it has something else than text or bytes.
    pub(crate) fn read(Iterable(objects): &Iterable<'py>, prefix: Option<Key<'_>>) -> Result<Self> {
        if objects.is_instance_of::<PyString>() || objects.is_instance_of::<PyBytes>() {
            let message = "keys is one key; give a list of keys";
            return Err(Error::new(ErrorKind::InvalidArgument, message).into());
        }
        let objects = if let Ok(keys) = objects.cast_exact::<PyTuple>() {
            keys.clone()
        } else if let Ok(keys) = objects.cast_exact::<PyList>() {
            keys.to_tuple()
        } else {
            let message = "keys is to be an iterable of keys";
            let iterator = objects.try_iter().map_err(|cause| {
                Failure::because(objects.py(), ErrorKind::InvalidArgument, message, cause)
            })?;
            PyTuple::new(objects.py(), iterator.collect::<PyResult<Vec<_>>>()?)?
        };
        Self::new(objects, prefix)
    }

    fn new(objects: Bound<'py, PyTuple>, prefix: Option<Key<'_>>) -> Result<Self> {
        let mut keys = Self {
            objects,
            joined: Vec::new(),
            ranges: Vec::new(),
            has_others: Cell::new(false),
        };
        let prefix = prefix.map(Key::bytes).filter(|prefix| !prefix.is_empty());
        if let Some(prefix) = prefix {
            for object in keys.objects.iter_borrowed() {
                let start = keys.joined.len();
                let key = Key::extract(object)?.bytes();
                // Else the prefix would be taken for the key.
                if key.is_empty() {
                    return Err(Error::new(ErrorKind::InvalidKey, "key is empty").into());
                }
                keys.joined.extend_from_slice(prefix);
                keys.joined.extend_from_slice(key);
                keys.ranges.push(start..keys.joined.len());
            }
        }
        Ok(keys)
    }

    /// Returns the bytes of each key, prefix included.
    pub(crate) fn bytes(&self) -> Result<Vec<&[u8]>> {
        if self.ranges.is_empty() {
            let mut bytes = Vec::with_capacity(self.objects.len());
            for object in self.objects.iter_borrowed() {
                bytes.push(Key::extract(object)?.bytes());
            }
            return Ok(bytes);
        }
        let ranges = self.ranges.iter().cloned();
        Ok(ranges.map(|range| &self.joined[range]).collect())
    }

    /// Returns the bytes of each key, prefix included; of one that is no key, no
    /// bytes, which no key has, and why in `failure`.
    pub(crate) fn iter<'a, 'f>(
        &'a self,
        failure: &'f Cell<Option<Failure>>,
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a, 'f, 'py> {
        (0..self.objects.len()).map(move |position| match self.bytes_of(position) {
            Ok(bytes) => bytes,
            Err(raised) => {
                failure.set(Some(failure.take().unwrap_or(raised)));
                b""
            }
        })
    }

    /// Returns the bytes of one key, prefix included.
    #[inline(always)]
    fn bytes_of(&self, position: usize) -> Result<&[u8]> {
        if self.ranges.is_empty()
            && let Ok(object) = self.objects.get_borrowed_item(position)
            && let Some(bytes) = utf8(object)
        {
            return Ok(bytes);
        }
        self.other_bytes_of(position)
    }

    /// The same of what is not plain text. Apart, since most keys are.
    #[inline(never)]
    fn other_bytes_of(&self, position: usize) -> Result<&[u8]> {
        if let Some(range) = self.ranges.get(position) {
            return Ok(&self.joined[range.clone()]);
        }
        self.has_others.set(true);
        let object = self.objects.get_borrowed_item(position)?;
        Ok(Key::extract_other(object)?.bytes())
    }

    /// Whether all keys that were looked at are of type str, and stand for
    /// themselves.
    pub(crate) fn are_text(&self) -> bool {
        self.ranges.is_empty() && !self.has_others.get()
    }

    /// Returns the caller's own objects.
    pub(crate) const fn objects(&self) -> &Bound<'py, PyTuple> {
        &self.objects
    }
}

/// The keys and values of one call.
#[derive(Debug)]
pub(crate) struct Pairs<'py> {
    pub(crate) keys: Keys<'py>,
    values: Vec<Bound<'py, PyAny>>,
}

impl<'py> Pairs<'py> {
    /// Reads a mapping.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when it is none, and those of [`Keys::read`].
    pub(crate) fn read(Mapping(mapping): &Mapping<'py>, prefix: Option<Key<'_>>) -> Result<Self> {
        let mut keys = Vec::new();
        let mut values = Vec::new();
        if let Ok(dict) = mapping.cast_exact::<PyDict>() {
            keys.reserve_exact(dict.len());
            values.reserve_exact(dict.len());
            for (key, value) in dict {
                keys.push(key);
                values.push(value);
            }
        } else if let Ok(mapping) = mapping.cast::<PyMapping>() {
            for pair in mapping.items()? {
                let (key, value) = pair.extract()?;
                keys.push(key);
                values.push(value);
            }
        } else {
            let message = "mapping is to be a mapping of keys to values, not";
            return Err(refuse(ErrorKind::InvalidArgument, message, mapping).into());
        }
        Ok(Self {
            keys: Keys::new(PyTuple::new(mapping.py(), keys)?, prefix)?,
            values,
        })
    }

    /// Returns each key, prefix included, with its value.
    pub(crate) fn iter<'a>(
        &'a self,
    ) -> impl ExactSizeIterator<Item = Result<(&'a [u8], &'a Bound<'py, PyAny>)>> {
        let values = self.values.iter().enumerate();
        values.map(|(position, value)| Ok((self.keys.bytes_of(position)?, value)))
    }
}
