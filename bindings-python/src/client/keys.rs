//! Lists of keys that the caller takes as they come: an iterator that waits, and
//! a source for event loops.
//!
//! Servers list no faster than the caller takes: the iterator reads when it has
//! nothing left, and the engine of a loop stops reading while a thousand keys
//! wait.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use std::vec::IntoIter;

use memoxide::client::{Moment, Place, Reading, Ticket, Uptake};
use memoxide::{Error, ErrorKind, net};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::asynchronous::{Parts, running_loop};
use super::blocking::Caller;
use super::calls::{Call, Core};
use super::engine::{Engine, State};
use super::harvest::Harvest;
use super::hints::{Answer, Anything};
use super::pending::{Delivery, Pending};
use crate::errors::{Failure, Result};
use crate::log;

/// Keys that may wait for their caller before a list is paused; those of one
/// read come on top.
const AHEAD: usize = 1024;

/// The keys of `Client.iter_keys`.
#[pyclass(frozen, module = "memoxide._native")]
pub(crate) struct KeyIterator {
    /// Taken out while it is used, because waiting releases the GIL.
    state: Mutex<Option<Listed>>,
}

/// A list under way.
struct Listed {
    core: Core,
    /// `None` when nothing more comes.
    reading: Option<Reading>,
    harvest: Harvest,
    ready: IntoIter<Py<PyAny>>,
}

#[pymethods]
impl KeyIterator {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> Result<Option<Answer<'py, Anything>>> {
        let Some(mut listed) = self.lock().take() else {
            let message = "list of keys is read by another thread";
            return Err(Error::new(ErrorKind::InvalidArgument, message).into());
        };
        let next = listed.next(py);
        *self.lock() = Some(listed);
        let answer = |key: Py<PyAny>| Answer(key.into_bound(py), PhantomData);
        Ok(next?.map(answer))
    }

    /// Ends the list and closes its connection.
    fn close(&self) {
        if let Some(listed) = &mut *self.lock() {
            listed.reading = None;
            listed.ready = Vec::new().into_iter();
        }
    }
}

impl KeyIterator {
    /// Prepares a list; nothing is sent before the first key is wanted.
    pub(super) fn new(core: Core, reading: Reading, harvest: Harvest) -> Self {
        Self {
            state: Mutex::new(Some(Listed {
                core,
                reading: Some(reading),
                harvest,
                ready: Vec::new().into_iter(),
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Listed>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    fn next(&mut self, py: Python<'_>) -> Result<Option<Py<PyAny>>> {
        loop {
            if let Some(key) = self.ready.next() {
                return Ok(Some(key));
            }
            let Some(reading) = &mut self.reading else {
                return Ok(None);
            };
            let mut caller = Caller {
                py,
                core: &self.core,
                harvest: std::mem::take(&mut self.harvest),
                patience: None,
                raised: Cell::new(None),
                entries: Vec::new(),
            };
            let read = reading.next(&mut caller);
            let raised = caller.raised.take();
            let told = log::tell(py, &caller.entries);
            self.harvest = caller.harvest;
            self.ready = self.harvest.take_keys().into_iter();
            told?;
            let failure = match read {
                Ok(true) => continue,
                Ok(false) => self.harvest.take_failure(),
                Err(error) => Some(raised.map_or(Failure::Core(error), Failure::Python)),
            };
            self.reading = None;
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
    }
}

/// The keys of `AsyncClient.keys`, some at a time; used by `memoxide.keys` only.
#[pyclass(frozen, module = "memoxide._native")]
pub(crate) struct KeySource {
    parts: Parts,
    /// What is to begin.
    wanted: Mutex<Option<Wanted>>,
    queue: Arc<Queue>,
    engine: OnceLock<Py<Engine>>,
}

/// A list that has not begun.
pub(super) struct Wanted {
    pub(super) prefix: Vec<u8>,
    pub(super) server_key: Option<Vec<u8>>,
    /// What each step may take.
    pub(super) patience: Duration,
}

#[pymethods]
impl KeySource {
    /// Returns a future of the keys that come next, of none at the end. The first
    /// call says whether all are taken at once.
    #[pyo3(signature = (collects) -> "Future[list[Any]]")]
    fn next<'py>(&self, py: Python<'py>, collects: bool) -> Result<Bound<'py, PyAny>> {
        let engine = self.begin(py, collects)?;
        let future = engine.get().futures.make(py)?;
        self.queue.lock().waiter = Some(future.clone().unbind());
        engine.get().serve(py, &self.queue)?;
        Ok(future)
    }

    /// Ends the list and closes its connections.
    fn close(&self, py: Python<'_>) {
        let begun = self.engine.get();
        let call = {
            let mut waiting = self.queue.lock();
            // What has come and was not taken is not wanted any more.
            waiting.keys.clear();
            waiting.end.get_or_insert(None);
            waiting.call
        };
        if let (Some(engine), Some((token, ticket))) = (begun, call) {
            engine.get().give_up(py, token, ticket);
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        match self.engine.get() {
            Some(engine) => visit.call(engine),
            None => Ok(()),
        }
    }
}

impl KeySource {
    /// Prepares a list; nothing is sent before the first keys are wanted.
    pub(super) fn new(parts: Parts, wanted: Wanted) -> Self {
        Self {
            parts,
            wanted: Mutex::new(Some(wanted)),
            queue: Arc::default(),
            engine: OnceLock::new(),
        }
    }

    /// Begins the list if it has not begun, and returns its engine.
    fn begin<'py>(&self, py: Python<'py>, collects: bool) -> Result<Bound<'py, Engine>> {
        let wanted = self
            .wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(wanted) = wanted {
            let uptake = match collects {
                true => Uptake::Immediate,
                false => Uptake::Paced,
            };
            let place = wanted
                .server_key
                .as_deref()
                .map_or(Place::Key, Place::ServerKey);
            let queue = Some(Arc::clone(&self.queue));
            let call = self.parts.core.keys(uptake, &wanted.prefix, place, queue)?;
            let engine = self.parts.engine(py)?;
            let patience = wanted.patience;
            engine.get().submit_stream(py, call, patience, &self.queue);
            drop(self.engine.set(engine.clone().unbind()));
            return Ok(engine);
        }
        let event_loop = running_loop(py)?;
        match self.engine.get() {
            Some(engine) if engine.get().is_of(&event_loop) => Ok(engine.bind(py).clone()),
            _ => {
                let message = "list of keys belongs to another event loop";
                Err(Error::new(ErrorKind::Closed, message).into())
            }
        }
    }
}

/// Keys on their way from an engine to a caller that takes them as they come.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    keys: Vec<Py<PyAny>>,
    /// The future that the caller waits for.
    waiter: Option<Py<PyAny>>,
    call: Option<(u64, Ticket)>,
    paused: bool,
    end: Option<Option<Failure>>,
}

impl Queue {
    /// Adds a key.
    pub(super) fn push(&self, key: Py<PyAny>) {
        self.lock().keys.push(key);
    }

    /// Whether the caller waits for something that has come.
    pub(super) fn is_awaited(&self) -> bool {
        let waiting = self.lock();
        waiting.waiter.is_some() && waiting.keys.len() == 1
    }

    /// Whether the list is to be paused; true once.
    pub(super) fn is_behind(&self) -> bool {
        let mut waiting = self.lock();
        let is_behind = waiting.keys.len() >= AHEAD && !waiting.paused;
        waiting.paused |= is_behind;
        is_behind
    }

    /// Notes which call fills the queue.
    pub(super) fn set_call(&self, token: u64, ticket: Ticket) {
        self.lock().call = Some((token, ticket));
    }

    /// Notes that no more comes.
    pub(super) fn end(&self, failure: Option<Failure>) {
        self.lock().end = Some(failure);
    }

    /// Visits what the collector is to know.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        match self.0.try_lock() {
            Ok(waiting) => visit.call(&waiting.waiter),
            Err(_) => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Begins a list of keys, which go to `queue`.
    fn submit_stream(
        &self,
        py: Python<'_>,
        call: Call<'static>,
        patience: Duration,
        queue: &Queue,
    ) {
        let mut state = self.lock();
        let token = state.calls.insert(Pending {
            future: None,
            harvest: call.harvest,
            ticket: None,
        });
        let ticket = {
            let State { engine, calls, .. } = &mut *state;
            let mut delivery = Delivery {
                py,
                core: &self.core,
                calls,
            };
            let now = Moment(net::now());
            engine.submit_stream(token, call.operation, patience, now, &mut delivery)
        };
        queue.set_call(token, ticket);
        if let Some(Some(pending)) = state.calls.slots.get_mut(token as usize) {
            pending.ticket = Some(ticket);
        }
        drop(state);
        self.settle(py);
    }

    /// Lets the keys of a list come again.
    fn resume(&self, py: Python<'_>, ticket: Ticket) {
        self.lock().engine.resume(ticket, Moment(net::now()));
        self.settle(py);
    }

    /// Gives up a list of keys.
    fn give_up(&self, py: Python<'_>, token: u64, ticket: Ticket) {
        let mut state = self.lock();
        let slot = state.calls.slots.get(token as usize);
        let is_there = matches!(slot, Some(Some(pending)) if pending.ticket == Some(ticket));
        if !is_there {
            return;
        }
        state.engine.cancel(ticket);
        let pending = state.calls.remove(token);
        drop(state);
        drop(pending);
        self.settle(py);
    }

    /// Gives what has come to the caller, if it waits, and lets more come.
    pub(super) fn serve(&self, py: Python<'_>, queue: &Queue) -> PyResult<()> {
        let mut waiting = queue.lock();
        if waiting.keys.is_empty() && waiting.end.is_none() {
            return Ok(());
        }
        let Some(waiter) = waiting.waiter.take() else {
            return Ok(());
        };
        let waiter = waiter.bind(py);
        if waiter.call_method0(intern!(py, "done"))?.is_truthy()? {
            // It was cancelled: what has come is for the next one.
            return Ok(());
        }
        let keys = std::mem::take(&mut waiting.keys);
        let failure = match (&mut waiting.end, keys.is_empty()) {
            (Some(failure), true) => failure.take(),
            _ => None,
        };
        let paused = std::mem::take(&mut waiting.paused);
        let resumed = waiting.call.filter(|_| paused);
        drop(waiting);
        match failure {
            None => {
                let keys = PyList::new(py, keys)?;
                waiter.call_method1(intern!(py, "set_result"), (keys,))?;
            }
            Some(failure) => {
                let raised = PyErr::from(failure).into_value(py);
                waiter.call_method1(intern!(py, "set_exception"), (raised,))?;
            }
        }
        if let Some((_, ticket)) = resumed {
            self.resume(py, ticket);
        }
        Ok(())
    }
}
