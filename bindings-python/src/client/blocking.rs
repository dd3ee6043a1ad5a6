//! The blocking client: operations run on the calling thread, with the GIL
//! released around each wait.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use memoxide::client::log::Entry;
use memoxide::client::{Answer as Decision, Host, Part, PlainConnector, Runner, Uptake};
use memoxide::protocol::Hits;
use memoxide::{Error, ErrorKind, net};
use pyo3::intern;
use pyo3::types::{PyDict, PyTuple};

use super::calls::{Call, Core};
use super::commands::{commands, names::*};
use super::harvest::{Harvest, not_initialised};
use super::hints::Answer;
use super::keys::KeyIterator;
use crate::errors::Failure;
use crate::log;
use crate::serializer::Serializer;

/// The native half of `memoxide.Client`, which is the class to use.
#[pyclass(frozen, subclass, weakref, module = "memoxide._native")]
pub(crate) struct Client {
    /// Filled by `__init__`, so that subclasses may have one of their own.
    parts: OnceLock<Parts>,
}

#[derive(Debug)]
struct Parts {
    core: Core,
    runner: Arc<Runner>,
    /// A `threading.local` with the dict of cas ids.
    local: Py<PyAny>,
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (*args: "object", **kwargs: "object"))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        let _ = (args, kwargs);
        Self {
            parts: OnceLock::new(),
        }
    }

    /// Prepares the client; nothing is sent.
    #[pyo3(signature = (
        servers,
        options: "dict[str, object]",
        pickle_protocol = None,
        serializer = None,
    ))]
    fn __init__(
        &self,
        py: Python<'_>,
        servers: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        pickle_protocol: Option<i32>,
        serializer: Option<Serializer>,
    ) -> Result<()> {
        let core = Core::new(py, servers, options, pickle_protocol, serializer)?;
        let runner = Runner::for_plan(core.plan(), Box::new(PlainConnector));
        let parts = Parts {
            core,
            runner: Arc::new(runner),
            local: py.import("threading")?.getattr("local")?.call0()?.unbind(),
        };
        self.parts.set(parts).map_err(|_| {
            let message = "the client's __init__ was called twice";
            Error::new(ErrorKind::Config, message).into()
        })
    }

    /// The names of the servers, such as `127.0.0.1:11211`, in their order.
    #[getter]
    fn servers(&self) -> Vec<&str> {
        self.parts
            .get()
            .map_or_else(Vec::new, |parts| parts.core.server_names())
    }

    /// The servers and the options that differ from their default, as JSON; a
    /// password is shown as `***`.
    #[getter]
    fn configuration(&self) -> String {
        self.parts
            .get()
            .map_or_else(String::new, |parts| parts.core.configuration())
    }

    /// How many connections this process has open, in use or idle.
    #[getter]
    fn open_connections(&self) -> usize {
        let parts = self.parts.get();
        parts.map_or(0, |parts| parts.runner.open_connections())
    }

    /// Closes the connections that are not in use; the client can be used on.
    fn disconnect_all(&self, py: Python<'_>) -> Result<()> {
        let parts = self.parts()?;
        py.detach(|| parts.runner.close(false));
        Ok(())
    }

    /// Returns this client for one generation of a namespace; see `namespace`.
    fn _within(&self, py: Python<'_>, name: Key<'_>, generation: u64) -> Result<Self> {
        let parts = self.parts()?;
        let scoped = Parts {
            core: parts.core.scoped(name, generation),
            runner: Arc::clone(&parts.runner),
            local: parts.local.clone_ref(py),
        };
        Ok(Self {
            parts: OnceLock::from(scoped),
        })
    }

    /// Lists the keys that begin with a prefix, by `lru_crawler metadump`.
    ///
    /// It walks through the whole cache of every server: use it to look, not to
    /// work; `iter_keys` needs no more memory than a few keys.
    /// The list is no snapshot, but what is there all the time is listed once;
    /// memcached before 1.6.9 may list a key twice and leave out what was used a
    /// moment ago. Keys are text where they are UTF-8, else bytes; the client's
    /// own prefix is taken off.
    ///
    /// Args:
    ///     prefix: What the keys begin with; nothing by default.
    ///     timeout: Seconds that a server may be silent; the whole list may take
    ///         longer.
    ///     server_key: A key whose server alone is asked.
    ///
    /// Raises:
    ///     UnsupportedError: A server cannot list keys.
    ///     TimeoutError: Also when a server lists for somebody else all the time.
    ///     MemoxideError: As in `get`.
    #[pyo3(signature = (prefix = None, *, timeout = None, server_key = None))]
    fn keys<'py>(
        &self,
        py: Python<'py>,
        prefix: Option<Key<'_>>,
        timeout: Option<Timeout>,
        server_key: Option<Key<'_>>,
    ) -> Result<Answer<'py, KeyList>> {
        let prefix = prefix.map_or(&b""[..], Key::bytes);
        let timeout = self.timeout(timeout)?;
        let make = |core: &Core| core.keys(Uptake::Immediate, prefix, place(server_key), None);
        self.run(py, timeout, Some(timeout), make)
    }

    /// Iterates over the keys that begin with a prefix, as the servers list them
    /// one after the other. Otherwise this is `keys`.
    ///
    /// The list has a connection of its own, which ends with it, with `close()`,
    /// or when nobody holds the iterator. Servers wait while nothing is taken;
    /// those before memcached 1.6.19, which would hold a lock of items meanwhile,
    /// may give a key twice and leave out what was used a moment ago.
    ///
    /// Args:
    ///     prefix: What the keys begin with; nothing by default.
    ///     timeout: Seconds that a server may be silent.
    ///     server_key: A key whose server alone is asked.
    ///
    /// Raises:
    ///     UnsupportedError: A server cannot list keys.
    ///     TimeoutError: Also when a server lists for somebody else all the time.
    ///     MemoxideError: As in `get`. All of them where the iterator is read.
    #[pyo3(signature = (prefix = None, *, timeout = None, server_key = None))]
    fn iter_keys(
        &self,
        prefix: Option<Key<'_>>,
        timeout: Option<Timeout>,
        server_key: Option<Key<'_>>,
    ) -> Result<KeyIterator> {
        let Parts { core, runner, .. } = self.parts()?;
        let prefix = prefix.map_or(&b""[..], Key::bytes);
        let Call { operation, harvest } =
            core.keys(Uptake::Paced, prefix, place(server_key), None)?;
        let patience = self.timeout(timeout)?;
        let reading = runner.begin(operation, patience);
        Ok(KeyIterator::new(core.clone(), reading, harvest))
    }

    /// Closes the client: further calls raise `ClosedError`.
    fn close(&self, py: Python<'_>) {
        if let Some(parts) = self.parts.get() {
            py.detach(|| parts.runner.close(true));
        }
    }
}

commands!(Client, Answer);

impl Client {
    fn parts(&self) -> Result<&Parts> {
        self.parts.get().ok_or_else(not_initialised)
    }

    fn core(&self) -> Result<&Core> {
        Ok(&self.parts()?.core)
    }

    /// Returns the servers and options.
    pub(crate) fn plan(&self) -> Result<&memoxide::client::Plan> {
        Ok(self.core()?.plan())
    }

    /// Returns the cas ids of this thread.
    fn ids<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyDict>> {
        let local = self.parts()?.local.bind(py);
        let name = intern!(py, "ids");
        if let Some(ids) = local.getattr_opt(name)? {
            return Ok(ids.cast_into().map_err(PyErr::from)?);
        }
        let ids = PyDict::new(py);
        local.setattr(name, &ids)?;
        Ok(ids)
    }

    /// Runs a call to its end.
    fn call<'a, 'py, T>(
        &self,
        py: Python<'py>,
        timeout: Option<Timeout>,
        make: impl FnOnce(&Core) -> Result<Call<'a>>,
    ) -> Result<Answer<'py, T>> {
        self.run(py, self.timeout(timeout)?, None, make)
    }

    /// Returns what a call may take.
    fn timeout(&self, timeout: Option<Timeout>) -> Result<Duration> {
        match timeout {
            Some(Timeout(timeout)) => Ok(timeout),
            None => Ok(self.core()?.plan().options().timeout),
        }
    }

    /// Runs a call to its end; with `patience` as long as it goes on.
    fn run<'a, 'py, T>(
        &self,
        py: Python<'py>,
        timeout: Duration,
        patience: Option<Duration>,
        make: impl FnOnce(&Core) -> Result<Call<'a>>,
    ) -> Result<Answer<'py, T>> {
        let Parts { core, runner, .. } = self.parts()?;
        let Call { operation, harvest } = make(core)?;
        let mut caller = Caller {
            py,
            core,
            harvest,
            patience,
            raised: Cell::new(None),
            entries: Vec::new(),
        };
        let result = runner.run(operation, deadline(timeout), &mut caller);
        let told = log::tell(py, &caller.entries);
        if let Some(raised) = caller.raised.take() {
            return Err(Failure::Python(raised));
        }
        told?;
        let object = core.finish(py, caller.harvest, result)?;
        Ok(Answer(object, PhantomData))
    }
}

/// Returns the moment `timeout` from now.
fn deadline(timeout: Duration) -> u64 {
    let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    net::now().saturating_add(timeout)
}

/// The thread that runs a call.
pub(super) struct Caller<'c, 'py> {
    pub(super) py: Python<'py>,
    pub(super) core: &'c Core,
    pub(super) harvest: Harvest,
    /// What each piece may take, where the whole has no deadline.
    pub(super) patience: Option<Duration>,
    /// What a signal handler raised.
    pub(super) raised: Cell<Option<PyErr>>,
    /// What the log is to be told after the call.
    pub(super) entries: Vec<Entry>,
}

impl Host for Caller<'_, '_> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.py.detach(work)
    }

    fn interrupted(&self) -> memoxide::Result<()> {
        self.py.check_signals().map_err(|raised| {
            self.raised.set(Some(raised));
            Error::new(ErrorKind::Closed, "a signal handler raised")
        })
    }

    fn ask(&mut self) -> memoxide::Result<Decision> {
        self.core
            .decide(self.py, &mut self.harvest)
            .map_err(|failure| match failure {
                Failure::Core(error) => error,
                Failure::Python(raised) => {
                    self.raised.set(Some(raised));
                    Error::new(ErrorKind::Closed, "the caller's function raised")
                }
            })
    }

    fn part(&mut self, part: Part<'_>) {
        self.core.part(self.py, &mut self.harvest, part);
    }

    fn hits(&mut self, hits: &Hits<'_>) {
        self.core.hits(self.py, &mut self.harvest, hits);
    }

    fn patience(&self) -> Option<Duration> {
        self.patience
    }

    fn note(&mut self, entry: Entry) {
        self.entries.push(entry);
    }
}
