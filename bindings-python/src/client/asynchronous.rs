//! The asyncio client: calls begin at once and return futures of the running
//! loop.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use memoxide::client::TlsOptions;
use memoxide::{Error, ErrorKind, Sent};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use pyo3::{ffi, intern};

use super::calls::{Call, Core};
use super::commands::{commands, names::*};
use super::engine::Engine;
use super::harvest::not_initialised;
use super::hints::{Answer, KeyStream, Promise};
use super::keys::{KeySource, Wanted};
use crate::errors::Failure;
use crate::serializer::Serializer;

/// The native half of `memoxide.AsyncClient`, which is the class to use.
#[pyclass(frozen, subclass, weakref, module = "memoxide._native")]
pub(crate) struct AsyncClient {
    /// Filled by `__init__`, so that subclasses may have one of their own.
    parts: OnceLock<Parts>,
}

#[derive(Clone)]
pub(super) struct Parts {
    pub(super) core: Arc<Core>,
    /// Shared with the clients of namespaces.
    shared: Arc<Shared>,
}

struct Shared {
    /// The core of the client itself, to which the engines belong.
    core: Arc<Core>,
    /// One engine for each loop and process.
    engines: Mutex<Vec<Py<Engine>>>,
    /// The engine that was used last, and what the thread said of its loop.
    recent: Mutex<Option<(Py<PyAny>, Py<Engine>)>>,
    closed: AtomicBool,
    /// The dicts of cas ids by task, in a `WeakKeyDictionary`.
    ids: Py<PyAny>,
    /// The `SSLContext` of connections, where they are encrypted.
    tls: Option<Py<PyAny>>,
}

#[pymethods]
impl AsyncClient {
    #[new]
    #[pyo3(signature = (*args: "object", **kwargs: "object"))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        let _ = (args, kwargs);
        Self {
            parts: OnceLock::new(),
        }
    }

    /// Prepares the client; nothing is sent, and no loop is needed yet.
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
        let ids = py.import("weakref")?.getattr("WeakKeyDictionary")?;
        let core = Arc::new(core);
        let shared = Shared {
            core: Arc::clone(&core),
            engines: Mutex::default(),
            recent: Mutex::default(),
            closed: AtomicBool::new(false),
            ids: ids.call0()?.unbind(),
            tls: tls(py, core.plan().options().tls.as_ref())?,
        };
        let parts = Parts {
            core,
            shared: Arc::new(shared),
        };
        self.parts.set(parts).map_err(|_| {
            let message = "the client's __init__ was called twice";
            Error::new(ErrorKind::Config, message).into()
        })
    }

    /// Returns this client for one generation of a namespace; see `namespace`.
    fn _within(&self, name: Key<'_>, generation: u64) -> Result<Self> {
        let parts = self.parts()?;
        let scoped = Parts {
            core: Arc::new(parts.core.scoped(name, generation)),
            shared: Arc::clone(&parts.shared),
        };
        Ok(Self {
            parts: OnceLock::from(scoped),
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

    /// How many connections this process has open, on all loops.
    #[getter]
    fn open_connections(&self, py: Python<'_>) -> usize {
        let engines = self.engines(py);
        engines
            .iter()
            .map(|engine| engine.get().connections())
            .sum()
    }

    /// Lists the keys that begin with a prefix, by `lru_crawler metadump`.
    ///
    /// Awaited it is a list; `async for` takes the keys as the servers list them,
    /// which wait while nothing is taken. It walks through the whole cache of
    /// every server: use it to look, not to work. The list is no snapshot, but
    /// what is there all the time is listed once; memcached before 1.6.9, and
    /// before 1.6.19 with `async for`, may list a key twice and leave out what was
    /// used a moment ago. Keys are text where they are UTF-8, else bytes; the
    /// client's own prefix is taken off. Nothing is sent before either.
    ///
    /// Args:
    ///     prefix: What the keys begin with; nothing by default.
    ///     timeout: Seconds in which a server lists nothing while more is wanted.
    ///     server_key: A key whose server alone is asked.
    ///
    /// Raises:
    ///     UnsupportedError: A server cannot list keys.
    ///     TimeoutError: Also when a server lists for somebody else all the time.
    ///     MemoxideError: As in `get`. All of them where the list is read.
    #[pyo3(signature = (prefix = None, *, timeout = None, server_key = None))]
    fn keys<'py>(
        &self,
        py: Python<'py>,
        prefix: Option<Key<'_>>,
        timeout: Option<Timeout>,
        server_key: Option<Key<'_>>,
    ) -> Result<Answer<'py, KeyStream>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let parts = self.parts()?;
        let own = parts.core.plan().options().timeout;
        let wanted = Wanted {
            prefix: prefix.map_or_else(Vec::new, |prefix| prefix.bytes().to_vec()),
            server_key: server_key.map(|key| key.bytes().to_vec()),
            patience: timeout.map_or(own, |timeout| timeout.0),
        };
        let source = KeySource::new(parts.clone(), wanted);
        let class = CLASS.import(py, "memoxide.keys", "KeyStream")?;
        Ok(Answer(class.call1((source,))?, PhantomData))
    }

    /// Closes the connections of the running loop that are not in use, and returns
    /// its driver, which knows when they are closed.
    fn _disconnect<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyAny>>> {
        self.parts()?;
        let event_loop = running_loop(py)?;
        let Some(engine) = self.engine_of(py, &event_loop) else {
            return Ok(None);
        };
        engine.get().disconnect(py);
        Ok(engine.get().driver(py))
    }

    /// Closes the client: calls under way and further ones raise `ClosedError`.
    /// Returns the driver of the running loop, if it has one.
    fn _close<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyAny>>> {
        let parts = self.parts()?;
        parts.shared.closed.store(true, Ordering::Relaxed);
        let event_loop = running_loop(py).ok();
        let mut driver = None;
        for engine in self.engines(py) {
            engine.get().close_from(py, &engine, event_loop.as_ref())?;
            if event_loop.as_ref().is_some_and(|it| engine.get().is_of(it)) {
                driver = engine.get().driver(py);
            }
        }
        Ok(driver)
    }
}

commands!(AsyncClient, Promise);

impl AsyncClient {
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

    /// Returns the cas ids of this task; outside of any, those of the loop.
    fn ids<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyDict>> {
        static CURRENT_TASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let current = CURRENT_TASK
            .import(py, "asyncio", "current_task")?
            .call0()?;
        let owner = if current.is_none() {
            running_loop(py)?
        } else {
            current
        };
        let ids = self.parts()?.shared.ids.bind(py);
        let found = ids.call_method1(intern!(py, "get"), (&owner,))?;
        if !found.is_none() {
            return Ok(found.cast_into().map_err(PyErr::from)?);
        }
        let found = PyDict::new(py);
        ids.set_item(owner, &found)?;
        Ok(found)
    }

    /// Begins a call and returns its future.
    fn call<'a, 'py, T>(
        &self,
        py: Python<'py>,
        timeout: Option<Timeout>,
        make: impl FnOnce(&Core) -> Result<Call<'a>>,
    ) -> Result<Promise<'py, T>> {
        let parts = self.parts()?;
        let engine = parts.engine(py)?;
        let call = make(&parts.core)?;
        let timeout =
            timeout.map_or_else(|| parts.core.plan().options().timeout, |timeout| timeout.0);
        let future = engine.get().submit(py, call, timeout)?;
        Ok(Promise(future, PhantomData))
    }

    fn engine_of<'py>(
        &self,
        py: Python<'py>,
        event_loop: &Bound<'py, PyAny>,
    ) -> Option<Bound<'py, Engine>> {
        self.parts.get()?.engine_of(py, event_loop)
    }

    fn engines<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, Engine>> {
        let parts = self.parts.get();
        parts.map_or_else(Vec::new, |parts| parts.engines(py))
    }
}

impl Parts {
    /// Returns the engine of the running loop, a new one if there is none.
    pub(super) fn engine<'py>(&self, py: Python<'py>) -> Result<Bound<'py, Engine>> {
        if self.shared.closed.load(Ordering::Relaxed) {
            let error = Error::new(ErrorKind::Closed, "client is closed");
            return Err(error.sent(Sent::NotSent).into());
        }
        let mark = loop_mark(py);
        if let Some(mark) = &mark {
            let recent = self
                .shared
                .recent
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some((known, engine)) = &*recent
                && known.is(mark)
                && engine.get().is_here()
            {
                return Ok(engine.bind(py).clone());
            }
        }
        let event_loop = running_loop(py)?;
        let engine = match self.engine_of(py, &event_loop) {
            Some(engine) => engine,
            None => self.new_engine(py, &event_loop)?,
        };
        if let Some(mark) = mark {
            let recent = (mark.unbind(), engine.clone().unbind());
            let mut place = self
                .shared
                .recent
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let old = place.replace(recent);
            drop(place);
            // Without the lock: this may run finalizers.
            drop(old);
        }
        Ok(engine)
    }

    fn new_engine<'py>(
        &self,
        py: Python<'py>,
        event_loop: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, Engine>> {
        let mut kept = Vec::new();
        for engine in self.engines(py) {
            if !engine.get().is_over(py)? {
                kept.push(engine.unbind());
            }
        }
        let engine = Engine::new(py, &self.shared.core, event_loop, self.shared.tls.as_ref())?;
        kept.insert(0, engine.clone().unbind());
        let mut engines = self
            .shared
            .engines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *engines, kept);
        drop(engines);
        // Without the lock: this may run finalizers.
        drop(old);
        Ok(engine)
    }

    fn engine_of<'py>(
        &self,
        py: Python<'py>,
        event_loop: &Bound<'py, PyAny>,
    ) -> Option<Bound<'py, Engine>> {
        let engines = self
            .shared
            .engines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let engine = engines.iter().find(|engine| engine.get().is_of(event_loop));
        engine.map(|engine| engine.bind(py).clone())
    }

    fn engines<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, Engine>> {
        let engines = self
            .shared
            .engines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        engines
            .iter()
            .map(|engine| engine.bind(py).clone())
            .collect()
    }
}

/// Returns what encrypts connections on event loops, if something is to.
///
/// # Errors
///
/// `Config` when a certificate is of no use.
fn tls(py: Python<'_>, options: Option<&TlsOptions>) -> Result<Option<Py<PyAny>>> {
    let Some(options) = options else {
        return Ok(None);
    };
    let make = py.import("memoxide._tls")?.getattr("context")?;
    let arguments = (&options.ca, &options.cert, &options.key, options.verify);
    let context = make
        .call1(arguments)
        .map_err(|cause| Failure::because(py, ErrorKind::Config, "TLS cannot be set up", cause))?;
    Ok(Some(context.unbind()))
}

/// Returns what CPython notes on a thread while a loop runs on it: the same object
/// as before means the same loop. Asking for the loop itself costs a system call
/// up to Python 3.11, because CPython makes sure that it was not forked.
fn loop_mark(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: the GIL is held; the dict, or null, is borrowed from the thread.
    let noted = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyThreadState_GetDict()) }?;
    let noted = noted.cast_into::<PyDict>().ok()?;
    let mark = noted.get_item(intern!(py, "__asyncio_running_event_loop__"));
    mark.ok()?.filter(|mark| !mark.is_none())
}

/// Returns the loop that runs on this thread.
///
/// # Errors
///
/// Python's own `RuntimeError` when there is none.
pub(super) fn running_loop(py: Python<'_>) -> Result<Bound<'_, PyAny>> {
    static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(GET.import(py, "asyncio", "get_running_loop")?.call0()?)
}
