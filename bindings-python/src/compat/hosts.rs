//! Calls to servers that the caller names by their position in a list, with
//! flags and bytes as they are stored.

use std::cell::Cell;
use std::sync::Arc;

use memoxide::client::log::{Entry, Event};
use memoxide::client::{
    Answer, CasOutcome, Counting, Host, Operation, Options, Outcome, Part, Place, PlainConnector,
    Plan, Runner, ServerAddress,
};
use memoxide::net::Address;
use memoxide::protocol::{Admin, Direction, StoreMode, Want};
use memoxide::route::Preset;
use memoxide::value::Encoded;
use memoxide::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString};

use super::arguments::{FOR_EVER, Mode, Time, Timeout};
use crate::errors::{Failure, Result, exception, kind_named};
use crate::log;

/// The servers of one client in one thread: one connection to each, opened and
/// closed by the caller, who also decides which server is out of service.
///
/// Servers are named by their position. A `timeout` is what that call may take,
/// in seconds; None waits for ever.
///
/// Args:
///     addresses: Host name and port of each server, or the path of its Unix
///         socket and None.
#[pyclass(frozen, module = "memoxide._native")]
pub(crate) struct Hosts {
    plan: Plan,
    runner: Runner,
}

/// Flags, bytes and cas id of an item.
type Stored<'py> = (u32, Bound<'py, PyBytes>, Option<u64>);

/// A found item: its position in the call, its flags and its bytes.
type Found<'py> = (usize, u32, Bound<'py, PyBytes>);

/// The servers that failed, by position, and how.
type Failures<'py> = Vec<(Vec<usize>, Bound<'py, PyAny>)>;

#[pymethods]
impl Hosts {
    #[new]
    fn new(addresses: Vec<(String, Option<u16>)>) -> Result<Self> {
        let server = |(host, port): (String, Option<u16>)| {
            ServerAddress::new(match port {
                Some(port) => Address::Tcp { host, port },
                None => Address::Unix { path: host },
            })
        };
        let servers = addresses.into_iter().map(server).collect();
        let mut options = Options::default();
        // The time of each call alone decides.
        options.connect_timeout = FOR_EVER;
        options.idle_timeout = FOR_EVER;
        options.max_idle = 1;
        options.hashing = Preset::by_name("python-memcached")?;
        // The caller knows which server is out of service.
        options.health.dead_after = u32::MAX;
        let plan = Plan::new(servers, options)?;
        let runner = Runner::for_plan(&plan, Box::new(PlainConnector));
        Ok(Self { plan, runner })
    }

    /// Makes sure that there is a connection and tells whether it is a new one.
    ///
    /// Raises:
    ///     MemoxideError: There is none and none can be opened.
    fn open(&self, py: Python<'_>, host: usize, timeout: Timeout) -> Result<bool> {
        let mut caller = Caller::new(py, |_| Ok(()));
        let result = self.runner.open(host, timeout.deadline(), &mut caller);
        caller.end(result)?.map_err(Failure::Core)
    }

    /// Tells the log that a server is skipped from now on because of an error,
    /// which is told by the name of its kind and its message; without one, that
    /// it is used again.
    fn note(&self, py: Python<'_>, host: usize, error: Option<(String, String)>) -> Result<()> {
        let endpoint = Arc::clone(self.plan.label(host));
        let entry = match error {
            None => Entry::new(Event::ServerBackInService, endpoint),
            Some((kind, message)) => {
                let error = Error::new(kind_named(&kind)?, message);
                Entry::new(Event::ServerOutOfService, endpoint).because(&error)
            }
        };
        Ok(log::tell(py, &[entry])?)
    }

    /// Whether there is a connection.
    fn is_open(&self, host: usize) -> bool {
        self.runner.is_open(host)
    }

    /// Closes the connection, where `quit` with a word to the server.
    fn close(&self, py: Python<'_>, host: usize, quit: bool, timeout: Timeout) {
        let caller = Caller::new(py, |_| Ok(()));
        let deadline = timeout.deadline();
        self.runner.close_endpoint(host, quit, deadline, &caller);
    }

    /// Returns flags, bytes and cas id of an item; None if there is none.
    ///
    /// Raises:
    ///     MemoxideError: The way to the server failed.
    fn get<'py>(
        &self,
        py: Python<'py>,
        host: usize,
        key: &[u8],
        cas: bool,
        timeout: Timeout,
    ) -> Result<Option<Stored<'py>>> {
        let want = if cas {
            Want::VALUE | Want::CAS
        } else {
            Want::VALUE
        };
        let operation = self.plan.retrieve(key, want, None, Place::Endpoint(host))?;
        let mut found = None;
        let result = self.run(py, operation, timeout, |part| {
            if let Part::Item(item) = part {
                found = Some((item.flags, PyBytes::new(py, &item.value), item.cas));
            }
            Ok(())
        })?;
        match refused(result)? {
            Ok(_) => Ok(found),
            // To its users python-memcached shows no difference.
            Err(_refusal) => Ok(None),
        }
    }

    /// Stores an item and returns the server's reply, such as `STORED`.
    ///
    /// Raises:
    ///     MemoxideError: The way to the server failed.
    #[expect(clippy::too_many_arguments, reason = "what a storage command has")]
    fn store(
        &self,
        py: Python<'_>,
        host: usize,
        mode: Mode,
        key: &[u8],
        item: (u32, &[u8]),
        time: Time,
        cas: Option<u64>,
        timeout: Timeout,
    ) -> Result<String> {
        let value = encoded(&item);
        let place = Place::Endpoint(host);
        let operation = self
            .plan
            .store(mode.0, key, value, Some(time.0), cas, place)?;
        let result = self.run(py, operation, timeout, |_| Ok(()))?;
        Ok(match refused(result)? {
            Ok(outcome) if outcome.flag() => "STORED".to_owned(),
            Ok(Outcome::Cas(verdict)) => match verdict {
                CasOutcome::Exists => "EXISTS".to_owned(),
                _ => "NOT_FOUND".to_owned(),
            },
            Ok(_) => "NOT_STORED".to_owned(),
            Err(refusal) => refusal,
        })
    }

    /// Removes an item and returns the server's reply, such as `DELETED`.
    ///
    /// Raises:
    ///     MemoxideError: The way to the server failed.
    fn delete(&self, py: Python<'_>, host: usize, key: &[u8], timeout: Timeout) -> Result<String> {
        let operation = self.plan.delete(key, None, Place::Endpoint(host))?;
        self.change(py, operation, timeout, "DELETED")
    }

    /// Sets the time to live of an item and returns the server's reply, such as
    /// `TOUCHED`.
    ///
    /// Raises:
    ///     MemoxideError: The way to the server failed.
    fn touch(
        &self,
        py: Python<'_>,
        host: usize,
        key: &[u8],
        time: Time,
        timeout: Timeout,
    ) -> Result<String> {
        let operation = self.plan.touch(key, time.0, Place::Endpoint(host))?;
        self.change(py, operation, timeout, "TOUCHED")
    }

    /// Counts up, or down, and returns the new number, None if there is no item,
    /// or the server's refusal.
    ///
    /// Raises:
    ///     MemoxideError: The way to the server failed.
    fn count<'py>(
        &self,
        py: Python<'py>,
        host: usize,
        up: bool,
        key: &[u8],
        delta: u64,
        timeout: Timeout,
    ) -> Result<Option<Counted<'py>>> {
        let direction = if up {
            Direction::Increment
        } else {
            Direction::Decrement
        };
        let place = Place::Endpoint(host);
        let counting = Counting::default();
        let operation = self.plan.count(direction, key, delta, counting, place)?;
        let result = self.run(py, operation, timeout, |_| Ok(()))?;
        Ok(match refused(result)? {
            Ok(outcome) => outcome
                .number()
                .map(|number| Counted::Number(PyInt::new(py, number))),
            Err(refusal) => Some(Counted::Refusal(PyString::new(py, &refusal))),
        })
    }

    /// Reads items, each from the server at its position in `hosts`, and returns
    /// position, flags and bytes of those found, and the servers that failed.
    fn get_multi<'py>(
        &self,
        py: Python<'py>,
        hosts: Vec<usize>,
        keys: Vec<Bound<'py, PyBytes>>,
        timeout: Timeout,
    ) -> Result<(Vec<Found<'py>>, Failures<'py>)> {
        let bytes = keys.iter().map(|key| key.as_bytes());
        let place = Place::Each(&hosts);
        let operation = self.plan.retrieve_many(bytes, Want::VALUE, None, place)?;
        let mut found = Vec::new();
        let result = self.run(py, operation, timeout, |part| {
            if let Part::Item(item) = part {
                found.push((item.index, item.flags, PyBytes::new(py, &item.value)));
            }
            Ok(())
        })?;
        Ok((found, self.failures(py, &hosts, result.as_ref().err())?))
    }

    /// Stores items, each on the server at its position in `hosts`, and returns
    /// the positions of those not confirmed, and the servers that failed.
    fn set_multi<'py>(
        &self,
        py: Python<'py>,
        hosts: Vec<usize>,
        keys: Vec<Bound<'py, PyBytes>>,
        items: Vec<(u32, Bound<'py, PyBytes>)>,
        time: Time,
        timeout: Timeout,
    ) -> Result<(Vec<usize>, Failures<'py>)> {
        let pairs = keys
            .iter()
            .zip(&items)
            .map(|(key, (flags, value))| (key.as_bytes(), encoded(&(*flags, value.as_bytes()))));
        let (mode, place) = (StoreMode::Set, Place::Each(&hosts));
        let operation = self.plan.store_many(mode, pairs, Some(time.0), place)?;
        self.change_many(py, operation, timeout, &hosts)
    }

    /// Removes items, each from the server at its position in `hosts`, and
    /// returns the positions of those not confirmed, and the servers that failed.
    fn delete_multi<'py>(
        &self,
        py: Python<'py>,
        hosts: Vec<usize>,
        keys: Vec<Bound<'py, PyBytes>>,
        timeout: Timeout,
    ) -> Result<(Vec<usize>, Failures<'py>)> {
        let bytes = keys.iter().map(|key| key.as_bytes());
        let operation = self.plan.delete_many(bytes, Place::Each(&hosts))?;
        self.change_many(py, operation, timeout, &hosts)
    }

    /// Returns a report.
    ///
    /// Raises:
    ///     MemoxideError: There is no such report, or the way to the server failed.
    #[pyo3(signature = (host, report, timeout) -> "dict[str, str]")]
    fn stats<'py>(
        &self,
        py: Python<'py>,
        host: usize,
        report: &str,
        timeout: Timeout,
    ) -> Result<Bound<'py, PyDict>> {
        let report = Admin::Stats {
            report: report.as_bytes().into(),
        };
        let operation = self.plan.administer(report, Place::Endpoint(host))?;
        let lines = PyDict::new(py);
        let result = self.run(py, operation, timeout, |part| {
            if let Part::Stat { name, value, .. } = part {
                let text = |bytes| String::from_utf8_lossy(bytes);
                lines.set_item(text(name), text(value))?;
            }
            Ok(())
        })?;
        result?;
        Ok(lines)
    }

    /// Expires all items and returns the server's reply.
    ///
    /// Raises:
    ///     MemoxideError: The way to the server failed.
    fn flush(&self, py: Python<'_>, host: usize, timeout: Timeout) -> Result<String> {
        let place = Place::Endpoint(host);
        let operation = self.plan.administer(Admin::FlushAll { delay: 0 }, place)?;
        let result = self.run(py, operation, timeout, |_| Ok(()))?;
        Ok(refused(result)?.map_or_else(|refusal| refusal, |_| "OK".to_owned()))
    }
}

impl Hosts {
    /// Runs an operation. The outer failure is an exception of the caller's.
    fn run<'py>(
        &self,
        py: Python<'py>,
        operation: Operation<'_>,
        timeout: Timeout,
        part: impl FnMut(Part<'_>) -> PyResult<()>,
    ) -> PyResult<memoxide::Result<Outcome>> {
        let mut caller = Caller::new(py, part);
        let result = self.runner.run(operation, timeout.deadline(), &mut caller);
        caller.end(result)
    }

    /// Runs a change of one item.
    fn change(
        &self,
        py: Python<'_>,
        operation: Operation<'_>,
        timeout: Timeout,
        done: &str,
    ) -> Result<String> {
        let result = self.run(py, operation, timeout, |_| Ok(()))?;
        Ok(match refused(result)? {
            Ok(outcome) if outcome.flag() => done.to_owned(),
            Ok(_) => "NOT_FOUND".to_owned(),
            Err(refusal) => refusal,
        })
    }

    /// Runs a change of several items.
    fn change_many<'py>(
        &self,
        py: Python<'py>,
        operation: Operation<'_>,
        timeout: Timeout,
        hosts: &[usize],
    ) -> Result<(Vec<usize>, Failures<'py>)> {
        let result = self.run(py, operation, timeout, |_| Ok(()))?;
        let failures = self.failures(py, hosts, result.as_ref().err())?;
        let failed = match result {
            Ok(outcome) => outcome.into_failed(),
            Err(error) => error.failed().to_vec(),
        };
        Ok((failed, failures))
    }

    /// Returns the servers that failed in a call to several. A server that only
    /// refused is not among them.
    fn failures<'py>(
        &self,
        py: Python<'py>,
        hosts: &[usize],
        error: Option<&Error>,
    ) -> Result<Failures<'py>> {
        let Some(error) = error else {
            return Ok(Vec::new());
        };
        let parts = match error.kind() {
            ErrorKind::Partial => error.parts(),
            _ => std::slice::from_ref(error),
        };
        let mut failures = Vec::new();
        for part in parts.iter().filter(|part| part.reply().is_none()) {
            let Some(endpoint) = part.endpoint() else {
                return Err(part.clone().into());
            };
            let mut named: Vec<_> = hosts.to_vec();
            named.sort_unstable();
            named.dedup();
            named.retain(|host| **self.plan.label(*host) == *endpoint);
            failures.push((
                named,
                exception(py, part).into_value(py).into_bound(py).into_any(),
            ));
        }
        Ok(failures)
    }
}

/// A counter's number, or why there is none.
#[derive(Debug, IntoPyObject)]
pub(crate) enum Counted<'py> {
    /// The number.
    Number(Bound<'py, PyInt>),
    /// The server's reply.
    Refusal(Bound<'py, PyString>),
}

fn encoded<'a>(item: &(u32, &'a [u8])) -> Encoded<'a> {
    let (flags, bytes) = *item;
    Encoded {
        flags,
        bytes: bytes.into(),
    }
}

/// Takes the refusal of a server out of a result.
fn refused(result: memoxide::Result<Outcome>) -> Result<std::result::Result<Outcome, String>> {
    match result {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(error) => match error.reply() {
            Some(line) => Ok(Err(line.to_owned())),
            None => Err(error.into()),
        },
    }
}

/// The thread that runs a call.
struct Caller<'py, F> {
    py: Python<'py>,
    part: F,
    /// What a signal handler or a part raised.
    raised: Cell<Option<PyErr>>,
    /// What the log is to be told after the call.
    entries: Vec<Entry>,
}

impl<'py, F: FnMut(Part<'_>) -> PyResult<()>> Caller<'py, F> {
    fn new(py: Python<'py>, part: F) -> Self {
        Self {
            py,
            part,
            raised: Cell::new(None),
            entries: Vec::new(),
        }
    }

    /// Returns the result of a call, unless something was raised meanwhile. The
    /// log is told what happened in it.
    fn end<T>(&self, result: memoxide::Result<T>) -> PyResult<memoxide::Result<T>> {
        let told = log::tell(self.py, &self.entries);
        match self.raised.take() {
            Some(raised) => Err(raised),
            None => told.map(|()| result),
        }
    }
}

impl<F: FnMut(Part<'_>) -> PyResult<()>> Host for Caller<'_, F> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.py.detach(work)
    }

    fn interrupted(&self) -> memoxide::Result<()> {
        self.py.check_signals().map_err(|raised| {
            self.raised.set(Some(raised));
            Error::new(ErrorKind::Closed, "a signal handler raised")
        })
    }

    fn ask(&mut self) -> memoxide::Result<Answer> {
        let message = "operation asks for a function that was not given";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    fn part(&mut self, part: Part<'_>) {
        if let Err(raised) = (self.part)(part) {
            self.raised.set(Some(raised));
        }
    }

    fn note(&mut self, entry: Entry) {
        self.entries.push(entry);
    }
}
