//! The engine of the core on one event loop of Python.
//!
//! The driver (`memoxide._driver`) owns sockets and the timer and tells this
//! class what happens; this class tells the core, completes the futures of calls
//! and has the driver do what the core wants done. Futures are completed and
//! Python is called only when the engine's lock is released, because either may
//! run code that calls again.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use memoxide::client::{ConnectionId, Moment, Ticket};
use memoxide::net;
use memoxide::{Error, ErrorKind, Sent, fork};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;

use super::calls::{Call, Core};
use super::futures::Futures;
use super::pending::{Calls, Delivery, Pending, Submission};
use crate::errors::Result;

/// The engine of a client on one event loop; used by the driver only.
#[pyclass(frozen, weakref, module = "memoxide._native")]
pub(crate) struct Engine {
    pub(super) core: Arc<Core>,
    generation: u64,
    pub(super) event_loop: Py<PyAny>,
    pub(super) futures: Futures,
    /// `call_soon` of the loop.
    pub(super) call_soon: Py<PyAny>,
    /// The Python half, set right after construction because it refers back to
    /// the engine. Breaking that circle is up to the collector and its side.
    pub(super) driver: OnceLock<Py<PyAny>>,
    state: Mutex<State>,
    /// Calls that came while the engine was at work: a finalizer made them.
    pub(super) inbox: Mutex<Vec<Submission>>,
    /// Whether the loop is in a callback of ours from which tasks may be woken.
    pub(super) waking: AtomicBool,
    /// Whether tasks are being woken: what they ask for goes out together.
    pub(super) gathering: AtomicBool,
}

pub(super) struct State {
    pub(super) engine: memoxide::client::Engine,
    pub(super) calls: Calls,
    /// What writes on each open connection.
    pub(super) writers: Vec<(ConnectionId, Py<PyAny>)>,
    /// When the driver's timer is due.
    pub(super) armed: Moment,
    /// Whether the loop is going to call `flush`.
    pub(super) flushing: bool,
    /// Whether what is to be written has been gathered.
    pub(super) gathered: bool,
    /// Whether the loop is going to call `watch`, and does not sleep before.
    pub(super) watching: bool,
}

#[pymethods]
impl Engine {
    /// Notes that a connection is open; `write` takes bytes for it. Returns
    /// whether it is still wanted.
    #[pyo3(signature = (connection, write: "object", /))]
    fn connected(&self, py: Python<'_>, connection: u64, write: Py<PyAny>) -> bool {
        self.drop_cancelled(py);
        let id = ConnectionId(connection);
        self.lock().writers.push((id, write));
        let wanted = self.tell(py, |engine, now, delivery| {
            engine.connected(id, now, delivery)
        });
        if !wanted {
            drop(self.take_writer(id));
        }
        self.settle(py);
        wanted
    }

    /// Takes bytes that arrived.
    #[pyo3(signature = (connection, data, /))]
    fn received(&self, py: Python<'_>, connection: u64, data: &[u8]) {
        let id = ConnectionId(connection);
        self.tell(py, |engine, now, delivery| {
            engine.received(id, data, now, delivery)
        });
        self.waking.store(true, Ordering::Relaxed);
        self.settle(py);
        self.waking.store(false, Ordering::Relaxed);
    }

    /// Notes that a connection could not be opened.
    #[pyo3(signature = (connection, reason, /))]
    fn refused(&self, py: Python<'_>, connection: u64, reason: &str) {
        let message = format!("cannot connect: {reason}");
        self.fail(py, connection, Error::new(ErrorKind::Connect, message));
    }

    /// Notes that a connection has ended.
    #[pyo3(signature = (connection, reason, /))]
    pub(super) fn lost(&self, py: Python<'_>, connection: u64, reason: &str) {
        let message = format!("connection lost: {reason}");
        self.fail(
            py,
            connection,
            Error::new(ErrorKind::ConnectionLost, message),
        );
    }

    /// Notes that a connection cannot be encrypted.
    #[pyo3(signature = (connection, reason, /))]
    fn insecure(&self, py: Python<'_>, connection: u64, reason: &str) {
        let message = format!("TLS handshake failed: {reason}");
        self.fail(py, connection, Error::new(ErrorKind::Tls, message));
    }

    /// Passes on the addresses of a host name.
    #[pyo3(signature = (endpoint, addresses, /))]
    fn resolved(&self, py: Python<'_>, endpoint: usize, addresses: Vec<(String, u16)>) {
        self.drop_cancelled(py);
        let address = |(ip, port): &(String, u16)| {
            // Link-local addresses come with the name of their interface.
            let ip = ip.split('%').next().unwrap_or_default();
            Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, *port))
        };
        let addresses = Ok(addresses.iter().filter_map(address).collect());
        self.tell(py, |engine, now, delivery| {
            engine.resolved(endpoint, addresses, now, delivery);
        });
        self.settle(py);
    }

    /// Notes that a host name has no addresses.
    #[pyo3(signature = (endpoint, reason, /))]
    fn unresolved(&self, py: Python<'_>, endpoint: usize, reason: &str) {
        let message = format!("host name does not resolve: {reason}");
        let error = Error::new(ErrorKind::Resolve, message).sent(Sent::NotSent);
        self.tell(py, |engine, now, delivery| {
            engine.resolved(endpoint, Err(error), now, delivery);
        });
        self.settle(py);
    }

    /// Notes that the socket of a connection takes no more bytes.
    #[pyo3(signature = (connection, /))]
    fn blocked(&self, connection: u64) {
        self.lock().engine.blocked(ConnectionId(connection));
    }

    /// Notes that the socket of a connection takes bytes again.
    #[pyo3(signature = (connection, /))]
    fn writable(&self, py: Python<'_>, connection: u64) {
        self.lock().engine.writable(ConnectionId(connection));
        self.settle(py);
    }

    /// Notes that the timer is due.
    fn tick(&self, py: Python<'_>) {
        self.drop_cancelled(py);
        self.lock().armed = Moment::NEVER;
        self.tell(py, |engine, now, delivery| engine.tick(now, delivery));
        self.settle(py);
    }

    /// Writes what has gathered in this turn of the loop.
    fn flush(&self, py: Python<'_>) {
        self.lock().flushing = false;
        self.write_all(py);
        self.settle(py);
    }

    /// Keeps the loop awake for another turn, as long as the core wants it.
    fn watch(&self, py: Python<'_>) -> PyResult<()> {
        let mut state = self.lock();
        let until = state.engine.awake_until();
        state.watching = until.is_some_and(|until| Moment(net::now()) < until);
        let watches = state.watching;
        drop(state);
        if watches { self.watch_soon(py) } else { Ok(()) }
    }

    /// Ends every call with `ClosedError` and closes every connection.
    pub(crate) fn close(&self, py: Python<'_>) {
        self.tell(py, |engine, _, delivery| engine.close(true, delivery));
        self.settle(py);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        self.futures.traverse(&visit)?;
        visit.call(&self.call_soon)?;
        if let Some(driver) = self.driver.get() {
            visit.call(driver)?;
        }
        if let Ok(state) = self.state.try_lock() {
            for (_, write) in &state.writers {
                visit.call(write)?;
            }
            for pending in state.calls.slots.iter().flatten() {
                visit.call(&pending.future)?;
                if let Some(queue) = pending.harvest.queue() {
                    queue.traverse(&visit)?;
                }
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Creates the engine of a client on the loop that is running.
    pub(crate) fn new<'py>(
        py: Python<'py>,
        core: &Arc<Core>,
        event_loop: &Bound<'py, PyAny>,
        tls: Option<&Py<PyAny>>,
    ) -> PyResult<Bound<'py, Self>> {
        let state = State {
            engine: memoxide::client::Engine::for_plan(core.plan(), net::now()),
            calls: Calls::default(),
            writers: Vec::new(),
            armed: Moment::NEVER,
            flushing: false,
            gathered: false,
            watching: false,
        };
        let engine = Self {
            core: Arc::clone(core),
            generation: fork::generation(),
            futures: Futures::new(py, event_loop)?,
            call_soon: event_loop.getattr(intern!(py, "call_soon"))?.unbind(),
            event_loop: event_loop.clone().unbind(),
            driver: OnceLock::new(),
            state: Mutex::new(state),
            inbox: Mutex::default(),
            waking: AtomicBool::new(false),
            gathering: AtomicBool::new(false),
        };
        let engine = Bound::new(py, engine)?;
        let class = py.import("memoxide._driver")?.getattr("Driver")?;
        let driver = class.call1((&engine, event_loop, tls))?.unbind();
        drop(engine.get().driver.set(driver));
        Ok(engine)
    }

    /// Whether the engine belongs to this loop and this process.
    pub(crate) fn is_of(&self, event_loop: &Bound<'_, PyAny>) -> bool {
        self.event_loop.is(event_loop) && self.generation == fork::generation()
    }

    /// Whether the engine belongs to this process.
    pub(crate) fn is_here(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Whether the engine is of no use any more: its loop was closed. One that
    /// another process left behind is kept, because dropping it would close
    /// that process's sockets with noise.
    pub(crate) fn is_over(&self, py: Python<'_>) -> PyResult<bool> {
        if self.generation != fork::generation() {
            return Ok(false);
        }
        let is_closed = self.event_loop.bind(py).call_method0("is_closed")?;
        is_closed.is_truthy()
    }

    /// Returns the object that owns sockets and the timer.
    pub(crate) fn driver<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.driver.get().map(|driver| driver.bind(py).clone())
    }

    /// Returns how many connections are open or being opened, as far as this
    /// process owns them.
    pub(crate) fn connections(&self) -> usize {
        if self.generation != fork::generation() {
            return 0;
        }
        // Not our own loop's thread may be asking.
        self.state
            .try_lock()
            .map_or(0, |state| state.engine.connections())
    }

    /// Has a caller's function answer, without the lock. What it raises ends the
    /// call.
    pub(super) fn ask(&self, py: Python<'_>, token: u64, ticket: Ticket) {
        // The harvest is out of its place meanwhile, so that the function may call.
        let harvest = self.lock().calls.borrow(token);
        let Some(mut harvest) = harvest else { return };
        let decision = self.core.decide(py, &mut harvest);
        let mut state = self.lock();
        state.calls.give_back(token, harvest);
        let State { engine, calls, .. } = &mut *state;
        match decision {
            Ok(decision) => {
                let now = Moment(net::now());
                let mut delivery = Delivery {
                    py,
                    core: &self.core,
                    calls,
                };
                engine.answer(ticket, decision, now, &mut delivery);
            }
            Err(failure) => {
                engine.cancel(ticket);
                if let Some(pending) = calls.remove(token) {
                    drop(state);
                    let raised = PyErr::from(failure).into_value(py);
                    if let Some(future) = pending.future {
                        // Its caller may have been faster and cancelled it.
                        drop(future.call_method1(py, intern!(py, "set_exception"), (raised,)));
                    }
                }
            }
        }
    }

    /// Begins a call and returns its future.
    pub(crate) fn submit<'py>(
        &self,
        py: Python<'py>,
        call: Call<'_>,
        timeout: Duration,
    ) -> Result<Bound<'py, PyAny>> {
        let future = self.futures.make(py)?;
        let now = Moment(net::now());
        let submission = Submission {
            operation: call.operation.into_owned(),
            deadline: now.after(timeout),
            pending: Pending {
                future: Some(future.clone().unbind()),
                harvest: call.harvest,
                ticket: None,
            },
        };
        match self.state.try_lock() {
            Ok(mut state) => self.begin(py, &mut state, submission, now),
            Err(TryLockError::Poisoned(poisoned)) => {
                self.begin(py, &mut poisoned.into_inner(), submission, now);
            }
            Err(TryLockError::WouldBlock) => {
                // Whoever holds the lock looks here before it is done.
                let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
                inbox.push(submission);
                return Ok(future);
            }
        }
        if !self.gathering.load(Ordering::Relaxed) {
            self.settle(py);
        }
        Ok(future)
    }

    /// Closes the connections that nothing waits for.
    pub(crate) fn disconnect(&self, py: Python<'_>) {
        self.lock().engine.disconnect();
        self.settle(py);
    }

    /// Closes the engine: at once if this is its loop, `event_loop`, and else in
    /// a turn of its own.
    pub(crate) fn close_from<'py>(
        &self,
        py: Python<'py>,
        this: &Bound<'py, Self>,
        event_loop: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        if self.generation != fork::generation() || self.is_over(py)? {
            return Ok(());
        }
        let is_here = event_loop.is_some_and(|event_loop| self.is_of(event_loop));
        // The lock is held when a finalizer closes the client.
        if is_here && self.state.try_lock().is_ok() {
            self.close(py);
            return Ok(());
        }
        let close = this.getattr(intern!(py, "close"))?;
        let event_loop = self.event_loop.bind(py);
        event_loop.call_method1(intern!(py, "call_soon_threadsafe"), (close,))?;
        Ok(())
    }

    pub(super) fn begin(
        &self,
        py: Python<'_>,
        state: &mut State,
        submission: Submission,
        now: Moment,
    ) {
        let Submission {
            operation,
            deadline,
            pending,
        } = submission;
        let token = state.calls.insert(pending);
        let mut delivery = Delivery {
            py,
            core: &self.core,
            calls: &mut state.calls,
        };
        let engine = &mut state.engine;
        let ticket = engine.submit(token, operation, deadline, now, &mut delivery);
        if let Some(Some(pending)) = state.calls.slots.get_mut(token as usize) {
            pending.ticket = Some(ticket);
        }
    }

    fn fail(&self, py: Python<'_>, connection: u64, error: Error) {
        let id = ConnectionId(connection);
        drop(self.take_writer(id));
        self.tell(py, |engine, now, delivery| {
            engine.lost(id, error, now, delivery)
        });
        self.settle(py);
    }

    /// Forgets what writes on a connection. Dropping it may run finalizers, which
    /// may call: not under the lock.
    pub(super) fn take_writer(&self, id: ConnectionId) -> Option<Py<PyAny>> {
        let writers = &mut self.lock().writers;
        let index = writers.iter().position(|(known, _)| *known == id)?;
        Some(writers.swap_remove(index).1)
    }

    /// Gives up calls whose future was cancelled, so that what has not been sent
    /// is not sent any more. Asked when connections open and when the timer is
    /// due: a callback on each future would cost every call a turn of the loop.
    fn drop_cancelled(&self, py: Python<'_>) {
        let mut futures = Vec::new();
        for (token, pending) in self.lock().calls.slots.iter().enumerate() {
            if let Some(future) = pending.as_ref().and_then(|it| it.future.as_ref()) {
                futures.push((token as u64, future.clone_ref(py)));
            }
        }
        futures.retain(|(_, future)| {
            let done = future.call_method0(py, intern!(py, "done"));
            done.is_ok_and(|done| done.is_truthy(py).unwrap_or_default())
        });
        let mut dropped = Vec::new();
        let mut state = self.lock();
        for (token, future) in futures {
            // Nothing ran in between but `done`; still the slot may have changed.
            let slot = state.calls.slots.get(token as usize);
            let known = slot
                .and_then(Option::as_ref)
                .and_then(|it| it.future.as_ref());
            if !known.is_some_and(|known| known.is(&future)) {
                continue;
            }
            if let Some(pending) = state.calls.remove(token) {
                if let Some(ticket) = pending.ticket {
                    state.engine.cancel(ticket);
                }
                dropped.push(pending);
            }
        }
        drop(state);
    }

    /// Tells the core something. Call [`settle`](Self::settle) after it.
    fn tell<'py, R>(
        &self,
        py: Python<'py>,
        tell: impl FnOnce(&mut memoxide::client::Engine, Moment, &mut Delivery<'_, 'py>) -> R,
    ) -> R {
        let mut state = self.lock();
        let State { engine, calls, .. } = &mut *state;
        let mut delivery = Delivery {
            py,
            core: &self.core,
            calls,
        };
        tell(engine, Moment(net::now()), &mut delivery)
    }

    /// Locks the state. Only the loop's own thread does, and not while it holds
    /// the lock; others and finalizers try.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
