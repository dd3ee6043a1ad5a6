//! Results: from the pieces that the core gives out to Python objects.
//!
//! Objects are built while a piece still lies in the receive buffer. Code of the
//! caller's never runs there: what is pickled is kept as it came and loaded when
//! the operation is over.

use std::borrow::Cow;
use std::sync::Arc;

use memoxide::client::{Answer as Decision, Outcome, Part, Plan};
use memoxide::protocol::{Hits, Item};
use memoxide::value::Format;
use memoxide::{Error, ErrorKind};
use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyString, PyTuple, PyType};

use super::gathered::Gathered;
use super::ids::Ids;
use super::keys::Queue;
use super::update::Update;
use crate::errors::{Failure, Result, exception};
use crate::value::{Conversion, Decoded};

/// What a call is to return, and what has come of it.
#[derive(Debug)]
pub(crate) struct Harvest {
    wish: Wish,
    failure: Option<Failure>,
}

/// What a call returns.
#[derive(Debug)]
pub(crate) enum Wish {
    /// The keys that were not written, as the caller gave them.
    Failed(Py<PyTuple>),
    /// Yes or no.
    Flag,
    /// A value with all that is known of it.
    Item(Option<Found>),
    /// Items by key: the caller's keys, and the hits by their position; in full,
    /// or as pairs of value and cas id.
    Items {
        keys: Py<PyTuple>,
        found: Vec<(usize, Found)>,
        full: bool,
    },
    /// Keys that the servers list.
    Keys(Listing),
    /// Nothing.
    Nothing,
    /// A number, if there is one.
    Number,
    /// Flags and bytes as they are stored.
    Raw(Option<(u32, Py<PyBytes>)>),
    /// The text that each server answers, by endpoint.
    Reports(Vec<(usize, Py<PyDict>)>),
    /// A value that was removed, or this default.
    Taken(Option<Found>, Option<Py<PyAny>>),
    /// The value that a function of the caller's made.
    Update(Update),
    /// A value, or this default; its cas id is remembered if a place is given.
    Value(Option<Found>, Option<Py<PyAny>>, Option<Ids>),
    /// Values by key.
    Values(Gathered),
    /// The version of each server, by endpoint.
    Versions(Vec<(usize, Py<PyString>)>),
}

/// The keys that servers list, as far as they begin with a prefix.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) plan: Arc<Plan>,
    pub(crate) prefix: Vec<u8>,
    pub(crate) found: Vec<Py<PyAny>>,
    /// Where keys go instead when the caller takes them as they come.
    pub(crate) queue: Option<Arc<Queue>>,
}

/// A hit.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) value: Kept,
    /// The item without its value.
    item: Item<'static>,
}

/// A value, or what it is made of after the operation.
#[derive(Debug)]
pub(crate) enum Kept {
    /// The value.
    Object(Py<PyAny>),
    /// The format, flags and bytes of what Python loads.
    Foreign(Format, u32, Py<PyBytes>),
}

impl Default for Harvest {
    fn default() -> Self {
        Wish::Nothing.into()
    }
}

impl From<Wish> for Harvest {
    fn from(wish: Wish) -> Self {
        Self {
            wish,
            failure: None,
        }
    }
}

impl Harvest {
    /// Returns where keys go that the caller takes as they come.
    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        match &self.wish {
            Wish::Keys(listing) => listing.queue.as_ref(),
            _ => None,
        }
    }

    /// Returns what went wrong with a piece.
    pub(crate) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// Returns the keys that have come since the last time.
    pub(crate) fn take_keys(&mut self) -> Vec<Py<PyAny>> {
        match &mut self.wish {
            Wish::Keys(listing) => std::mem::take(&mut listing.found),
            _ => Vec::new(),
        }
    }

    /// Takes a piece of the result. A read that is made again may give one twice.
    pub(crate) fn part(&mut self, py: Python<'_>, conversion: &Conversion, part: Part<'_>) {
        if let Err(failure) = self.take(py, conversion, part) {
            self.failure.get_or_insert(failure);
        }
    }

    /// Takes hits that came together.
    pub(crate) fn hits(&mut self, py: Python<'_>, conversion: &Conversion, hits: &Hits<'_>) {
        let Wish::Values(values) = &mut self.wish else {
            for hit in hits.as_slice() {
                self.part(py, conversion, Part::Item((*hit).into()));
            }
            return;
        };
        for hit in hits.as_slice() {
            let taken = values.take(py, conversion, hit.index, hit.flags, hit.value);
            if let Err(failure) = taken {
                self.failure.get_or_insert(failure);
            }
        }
    }

    fn take(&mut self, py: Python<'_>, conversion: &Conversion, part: Part<'_>) -> Result<()> {
        match (&mut self.wish, part) {
            (
                Wish::Value(found, ..) | Wish::Item(found) | Wish::Taken(found, _),
                Part::Item(item),
            ) => *found = Some(Found::new(py, conversion, item)?),
            (Wish::Update(update), Part::Item(item)) => {
                update.found = Some(Found::new(py, conversion, item)?);
            }
            (Wish::Items { found, .. }, Part::Item(item)) => {
                found.push((item.index, Found::new(py, conversion, item)?));
            }
            (Wish::Raw(found), Part::Item(item)) => {
                *found = Some((item.flags, PyBytes::new(py, &item.value).unbind()));
            }
            (Wish::Keys(listing), Part::Line { line, .. }) => {
                if let Some(listed) = listing.plan.listed(line, &listing.prefix)? {
                    // Text where it is text, as most keys are.
                    let key = match std::str::from_utf8(&listed.key) {
                        Ok(text) => PyString::new(py, text).into_any(),
                        Err(_) => PyBytes::new(py, &listed.key).into_any(),
                    };
                    match &listing.queue {
                        Some(queue) => queue.push(key.unbind()),
                        None => listing.found.push(key.unbind()),
                    }
                }
            }
            (Wish::Values(values), Part::Item(item)) => {
                values.take(py, conversion, item.index, item.flags, &item.value)?
            }
            (
                Wish::Reports(reports),
                Part::Stat {
                    endpoint,
                    name,
                    value,
                },
            ) => {
                if let Some((_, report)) = reports.iter().find(|(known, _)| *known == endpoint) {
                    report.bind(py).set_item(text(py, name), text(py, value))?;
                }
            }
            (Wish::Versions(versions), Part::Version { endpoint, version }) => {
                versions.retain(|(known, _)| *known != endpoint);
                versions.push((endpoint, text(py, version).unbind()));
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns what the caller's function makes of the item that an update read.
    pub(crate) fn decide(&mut self, py: Python<'_>, conversion: &Conversion) -> Result<Decision> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        match &mut self.wish {
            Wish::Update(update) => update.decide(py, conversion),
            _ => {
                let message = "operation asks for a function that was not given";
                Err(Error::new(ErrorKind::InvalidArgument, message).into())
            }
        }
    }

    /// Returns the result of the call. Nothing may be held: Python loads values here.
    pub(crate) fn finish<'py>(
        self,
        py: Python<'py>,
        plan: &Plan,
        conversion: &Conversion,
        result: memoxide::Result<Outcome>,
    ) -> Result<Bound<'py, PyAny>> {
        let Self { wish, mut failure } = self;
        let (outcome, error) = match result {
            Ok(outcome) => (outcome, None),
            Err(error) => (
                Outcome::Many {
                    failed: error.failed().to_vec(),
                },
                Some(error),
            ),
        };
        let is_partial = error
            .as_ref()
            .is_some_and(|error| error.kind() == ErrorKind::Partial);
        let object = match wish {
            _ if error.is_some() && !is_partial => py.None().into_bound(py),
            Wish::Failed(keys) => {
                let failed = outcome.into_failed().into_iter();
                let failed = failed.map(|position| keys.bind(py).get_item(position));
                PyList::new(py, failed.collect::<PyResult<Vec<_>>>()?)?.into_any()
            }
            Wish::Flag => PyBool::new(py, outcome.flag()).to_owned().into_any(),
            Wish::Item(found) => match found {
                None => py.None().into_bound(py),
                Some(found) => found.into_item(py, conversion)?,
            },
            Wish::Items { keys, found, full } => {
                let items = PyDict::new(py);
                for (position, found) in found {
                    let cas = found.item.cas;
                    let item = if full {
                        found.into_item(py, conversion)
                    } else {
                        let value = found.value.into_value(py, conversion);
                        value.and_then(|value| Ok((value, cas).into_bound_py_any(py)?))
                    };
                    match item {
                        Ok(item) => items.set_item(keys.bind(py).get_item(position)?, item)?,
                        Err(raised) => drop(failure.get_or_insert(raised)),
                    }
                }
                items.into_any()
            }
            Wish::Keys(listing) => PyList::new(py, listing.found)?.into_any(),
            Wish::Raw(found) => found.into_bound_py_any(py)?,
            Wish::Taken(found, default) => match found.filter(|_| outcome.flag()) {
                None => default.map_or_else(|| py.None().into_bound(py), |it| it.into_bound(py)),
                Some(found) => found.value.into_value(py, conversion)?,
            },
            Wish::Update(update) => match update.stored.filter(|_| outcome.flag()) {
                None => py.None().into_bound(py),
                Some(stored) => stored.into_bound(py),
            },
            Wish::Nothing => py.None().into_bound(py),
            Wish::Number => match outcome.number() {
                None => py.None().into_bound(py),
                Some(number) => PyInt::new(py, number).into_any(),
            },
            Wish::Reports(reports) => {
                let named = |(endpoint, report): (usize, _)| (&**plan.label(endpoint), report);
                PyList::new(py, reports.into_iter().map(named).collect::<Vec<_>>())?.into_any()
            }
            Wish::Value(found, default, ids) => match found {
                None => default.map_or_else(|| py.None().into_bound(py), |it| it.into_bound(py)),
                Some(found) => {
                    if let (Some(ids), Some(cas)) = (ids, found.item.cas) {
                        ids.remember(py, cas)?;
                    }
                    found.value.into_value(py, conversion)?
                }
            },
            Wish::Values(values) => values.finish(py, conversion, &mut failure)?.into_any(),
            Wish::Versions(mut versions) => {
                versions.sort_unstable_by_key(|(endpoint, _)| *endpoint);
                let named = |(endpoint, version): (usize, _)| (&**plan.label(endpoint), version);
                PyList::new(py, versions.into_iter().map(named).collect::<Vec<_>>())?.into_any()
            }
        };
        match (error, failure) {
            (None, None) => Ok(object),
            (None, Some(failure)) => Err(failure),
            (Some(error), _) if is_partial => {
                let raised = exception(py, &error);
                raised.value(py).setattr(intern!(py, "results"), object)?;
                Err(Failure::Python(raised))
            }
            (Some(error), _) => Err(Failure::Core(error)),
        }
    }
}

impl Kept {
    #[inline]
    pub(super) fn new(
        py: Python<'_>,
        conversion: &Conversion,
        flags: u32,
        value: &[u8],
    ) -> Result<Self> {
        Ok(match conversion.decode_or_keep(py, flags, value)? {
            Decoded::Object(object) => Self::Object(object.unbind()),
            Decoded::Foreign(format, bytes) => Self::Foreign(format, flags, bytes.unbind()),
        })
    }

    pub(crate) fn into_value<'py>(
        self,
        py: Python<'py>,
        conversion: &Conversion,
    ) -> Result<Bound<'py, PyAny>> {
        match self {
            Self::Object(object) => Ok(object.into_bound(py)),
            Self::Foreign(format, flags, bytes) => conversion.load(format, flags, bytes.bind(py)),
        }
    }
}

impl Found {
    fn new(py: Python<'_>, conversion: &Conversion, item: Item<'_>) -> Result<Self> {
        let value = Kept::new(py, conversion, item.flags, &item.value)?;
        let item = Item {
            value: Cow::default(),
            ..item
        };
        Ok(Self { value, item })
    }

    fn into_item<'py>(self, py: Python<'py>, conversion: &Conversion) -> Result<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let item = self.item;
        // -1 stands for never.
        let ttl = item.ttl.filter(|seconds| *seconds >= 0);
        let fields = (
            self.value.into_value(py, conversion)?,
            item.flags,
            item.cas,
            ttl,
            item.size,
            item.last_access,
            item.hit_before,
        );
        Ok(CLASS.import(py, "memoxide.item", "Item")?.call1(fields)?)
    }
}

/// Returns text of a server's. It is ASCII, but not for us to rely on.
fn text<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, &String::from_utf8_lossy(bytes))
}

/// Returns the error of a call whose client was never given its servers.
#[cold]
pub(crate) fn not_initialised() -> Failure {
    let message = "the client's __init__ was not called";
    Error::new(ErrorKind::Closed, message).into()
}
