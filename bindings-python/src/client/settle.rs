//! What the engine wants done, done without its lock.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use memoxide::client::log::Entry;
use memoxide::client::{Action, ConnectionId, Moment, Outcome, Ticket};
use memoxide::net::{self, Address};
use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::engine::{Engine, State};
use super::harvest::Harvest;
use super::keys::Queue;
use super::pending::{Pending, Submission};
use crate::log;

/// One thing to do.
enum Task {
    Act(Action),
    Log(Vec<Entry>),
    Arm(Duration),
    Ask(u64, Ticket),
    Complete(Vec<(Pending, memoxide::Result<Outcome>)>),
    Serve(Arc<Queue>),
    ScheduleFlush,
    Submit(Vec<Submission>),
    Watch,
    WriteAll,
}

impl State {
    fn next_task(&mut self) -> Option<Task> {
        // Before anything is served, which may resume them.
        while let Some(ticket) = self.calls.behind.pop() {
            self.engine.pause(ticket);
        }
        // Who is told of a failure finds it in the log.
        if self.engine.has_entries() {
            return Some(Task::Log(self.engine.take_entries()));
        }
        if !self.calls.completed.is_empty() {
            return Some(Task::Complete(std::mem::take(&mut self.calls.completed)));
        }
        if let Some(queue) = self.calls.listed.pop() {
            return Some(Task::Serve(queue));
        }
        if let Some((token, ticket)) = self.calls.asked.pop() {
            return Some(Task::Ask(token, ticket));
        }
        if let Some(action) = self.engine.next_action() {
            return Some(Task::Act(action));
        }
        let gathered = std::mem::take(&mut self.gathered);
        if self.engine.is_urgent() || gathered && self.engine.has_writes() {
            return Some(Task::WriteAll);
        }
        if self.engine.has_writes() && !self.flushing {
            self.flushing = true;
            return Some(Task::ScheduleFlush);
        }
        let deadline = self.engine.deadline();
        if deadline < self.armed {
            self.armed = deadline;
            return Some(Task::Arm(deadline.since(Moment(net::now()))));
        }
        if !self.watching && self.engine.awake_until().is_some() {
            self.watching = true;
            return Some(Task::Watch);
        }
        None
    }
}

impl Engine {
    /// Does what the core wants done.
    pub(super) fn settle(&self, py: Python<'_>) {
        loop {
            let task = self.lock().next_task();
            let Some(task) = task.or_else(|| self.submitted()) else {
                return;
            };
            if let Err(raised) = self.carry_out(py, task) {
                raised.write_unraisable(py, None);
            }
        }
    }

    /// Returns the calls that came while the lock was held.
    fn submitted(&self) -> Option<Task> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.is_empty() {
            return None;
        }
        Some(Task::Submit(std::mem::take(&mut inbox)))
    }

    fn carry_out(&self, py: Python<'_>, task: Task) -> PyResult<()> {
        let Some(driver) = self.driver.get() else {
            return Ok(());
        };
        match task {
            Task::Act(action) => self.act(py, action)?,
            Task::Ask(token, ticket) => self.ask(py, token, ticket),
            Task::Arm(delay) => {
                let arm = intern!(py, "arm");
                driver.call_method1(py, arm, (delay.as_secs_f64(),))?;
            }
            Task::Complete(mut completed) => {
                // Tasks that are woken may get here again, and wake none then.
                let waking = self.waking.swap(false, Ordering::Relaxed);
                let wakes = waking && self.futures.may_wake(py);
                // Alone, what a task asks for next goes out at once.
                let gathers = wakes && completed.len() > 1;
                let gathering = self.gathering.fetch_or(gathers, Ordering::Relaxed);
                for (pending, result) in completed.drain(..) {
                    if let Err(raised) = self.complete(py, pending, result, wakes) {
                        // Whatever it was, the others are to get their results.
                        raised.write_unraisable(py, None);
                    }
                }
                self.gathering.store(gathering, Ordering::Relaxed);
                self.waking.store(waking, Ordering::Relaxed);
                let mut state = self.lock();
                state.gathered |= gathers;
                // Most turns complete calls: keep the room for the next one.
                if state.calls.completed.capacity() == 0 {
                    state.calls.completed = completed;
                }
            }
            Task::Log(entries) => {
                if let Err(raised) = log::tell(py, &entries) {
                    self.raise_in_loop(py, raised)?;
                }
            }
            Task::ScheduleFlush => {
                let flush = driver.getattr(py, intern!(py, "flush"))?;
                self.call_soon.call1(py, (flush,))?;
            }
            Task::Serve(queue) => self.serve(py, &queue)?,
            Task::Submit(submissions) => {
                let now = Moment(net::now());
                for submission in submissions {
                    self.begin(py, &mut self.lock(), submission, now);
                }
            }
            Task::Watch => self.watch_soon(py)?,
            Task::WriteAll => self.write_all(py),
        }
        Ok(())
    }

    /// Has the loop call `watch` in its next turn: it looks for events without
    /// sleeping before.
    pub(super) fn watch_soon(&self, py: Python<'_>) -> PyResult<()> {
        let Some(driver) = self.driver.get() else {
            return Ok(());
        };
        let watch = driver.getattr(py, intern!(py, "watch"))?;
        self.call_soon.call1(py, (watch,)).map(drop)
    }

    fn complete(
        &self,
        py: Python<'_>,
        pending: Pending,
        result: memoxide::Result<Outcome>,
        wakes: bool,
    ) -> PyResult<()> {
        let Some(future) = pending.future else {
            return self.end_list(py, pending.harvest, result);
        };
        let future = future.bind(py);
        let told = match self.core.finish(py, pending.harvest, result) {
            Ok(object) => self.futures.set_result(future, object, wakes),
            Err(failure) => {
                let raised = PyErr::from(failure).into_value(py);
                let told = future.call_method1(intern!(py, "set_exception"), (raised,));
                told.map(|_| None)
            }
        };
        match told {
            // Its caller was faster and cancelled it.
            Err(_) if future.call_method0(intern!(py, "done"))?.is_truthy()? => Ok(()),
            // Only what is to end the loop gets out of a task: the loop shall see it.
            Ok(Some(raised)) => self.raise_in_loop(py, raised),
            told => told.map(drop),
        }
    }

    /// Raises in the loop, from a turn of its own.
    fn raise_in_loop(&self, py: Python<'_>, raised: PyErr) -> PyResult<()> {
        let reraise = self.driver(py).map(|driver| driver.getattr("reraise"));
        let arguments = (reraise.transpose()?, raised.into_value(py));
        self.call_soon.call1(py, arguments).map(drop)
    }

    /// Tells the caller of a list of keys that no more comes.
    fn end_list(
        &self,
        py: Python<'_>,
        harvest: Harvest,
        result: memoxide::Result<Outcome>,
    ) -> PyResult<()> {
        let Some(queue) = harvest.queue().map(Arc::clone) else {
            return Ok(());
        };
        queue.end(self.core.finish(py, harvest, result).err());
        self.serve(py, &queue)
    }

    fn act(&self, py: Python<'_>, action: Action) -> PyResult<()> {
        let Some(driver) = self.driver.get() else {
            return Ok(());
        };
        let driver = driver.bind(py);
        match action {
            Action::Close(id) => {
                drop(self.take_writer(id));
                driver.call_method1(intern!(py, "close"), (id.0,))?;
            }
            Action::Connect {
                connection,
                endpoint,
                address,
            } => {
                let address = match address {
                    Some(address) => {
                        (address.ip().to_string(), address.port()).into_bound_py_any(py)?
                    }
                    None => match self.lock().engine.address(endpoint) {
                        Address::Unix { path } => path.into_bound_py_any(py)?,
                        _ => return Ok(()),
                    },
                };
                let arguments = (connection.0, address, self.name_of(endpoint));
                driver.call_method1(intern!(py, "connect"), arguments)?;
            }
            Action::Pause(id) => {
                driver.call_method1(intern!(py, "pause"), (id.0,))?;
            }
            Action::Resume(id) => {
                driver.call_method1(intern!(py, "resume"), (id.0,))?;
            }
            Action::Resolve { endpoint } => {
                let (host, port) = match self.lock().engine.address(endpoint) {
                    Address::Tcp { host, port } => (host.clone(), *port),
                    _ => return Ok(()),
                };
                driver.call_method1(intern!(py, "resolve"), (endpoint, host, port))?;
            }
        }
        Ok(())
    }

    /// Returns the name that the certificate of a server must carry, where
    /// connections are encrypted.
    fn name_of(&self, endpoint: usize) -> Option<String> {
        let tls = self.core.plan().options().tls.as_ref()?;
        let name = tls.server_name.clone();
        name.or_else(|| match self.lock().engine.address(endpoint) {
            Address::Tcp { host, .. } => Some(host.clone()),
            _ => None,
        })
    }

    /// Hands everything that is to be written to the sockets.
    pub(super) fn write_all(&self, py: Python<'_>) {
        while let Some((id, write, bytes)) = self.next_write(py) {
            if let Err(raised) = write.call1(py, (bytes,)) {
                // A closed transport: whatever it was will not be answered.
                self.lost(py, id.0, &raised.to_string());
            }
        }
    }

    fn next_write(&self, py: Python<'_>) -> Option<(ConnectionId, Py<PyAny>, Py<PyBytes>)> {
        let mut state = self.lock();
        let id = state.engine.next_write()?;
        let bytes = PyBytes::new(py, state.engine.output(id)).unbind();
        state.engine.written(id, bytes.as_bytes(py).len());
        let (_, write) = state.writers.iter().find(|(known, _)| *known == id)?;
        Some((id, write.clone_ref(py), bytes))
    }
}
