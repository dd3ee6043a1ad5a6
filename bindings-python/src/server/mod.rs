//! The embedded server as a Python class.
//!
//! The handle holds the server and nothing of what it does. Starting, stopping
//! and waiting happen without the GIL.

mod faults;
mod options;
mod store;

use std::collections::HashMap;
use std::path::PathBuf;

use faults::Rules;
use memoxide::server::fault::Rule;
use memoxide::server::{Clock, Settings};
use memoxide::{Error, ErrorKind};
use options::seconds;
use pyo3::prelude::*;

use crate::errors::Result;

/// A memcached in this process; `memoxide.EmbeddedServer` is the class to use.
#[pyclass(frozen, subclass, module = "memoxide._native")]
pub(crate) struct EmbeddedServer {
    server: memoxide::EmbeddedServer,
}

#[pymethods]
impl EmbeddedServer {
    #[new]
    #[pyo3(signature = (
        *,
        address = "127.0.0.1",
        port = 0,
        unix_socket = None,
        memory_limit = 64 << 20,
        item_size_limit = 1 << 20,
        threads = 1,
        max_connections = 1024,
        idle_timeout = None,
        request_timeout = 120.0,
        auth = None,
        sasl = None,
        tls_cert = None,
        tls_key = None,
        tls_client_ca = None,
        tls_client_cert = "required",
        time = None,
        listen = Vec::new(),
        listen_plain = Vec::new(),
        protocol = "auto",
        evictions = true,
        cas = true,
        flush_enabled = true,
        shutdown_enabled = false,
        dump_enabled = true,
        watch_enabled = true,
        version = None,
        buffer_limit = 64 << 20,
        backlog = 1024,
        queue_connections = false,
        request_log = 0,
        faults = None,
        fault_control = false,
    ))]
    #[expect(
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "they are keywords in Python"
    )]
    fn new(
        py: Python<'_>,
        address: &str,
        port: u16,
        unix_socket: Option<PathBuf>,
        memory_limit: u64,
        item_size_limit: u32,
        threads: usize,
        max_connections: usize,
        idle_timeout: Option<f64>,
        request_timeout: Option<f64>,
        auth: Option<HashMap<String, String>>,
        sasl: Option<HashMap<String, String>>,
        tls_cert: Option<PathBuf>,
        tls_key: Option<PathBuf>,
        tls_client_ca: Option<PathBuf>,
        tls_client_cert: &str,
        time: Option<u64>,
        listen: Vec<String>,
        listen_plain: Vec<String>,
        protocol: &str,
        evictions: bool,
        cas: bool,
        flush_enabled: bool,
        shutdown_enabled: bool,
        dump_enabled: bool,
        watch_enabled: bool,
        version: Option<String>,
        buffer_limit: usize,
        backlog: u32,
        queue_connections: bool,
        request_log: usize,
        faults: Option<Rules>,
        fault_control: bool,
    ) -> Result<Self> {
        let mut settings = Settings {
            memory_limit,
            item_size_limit,
            threads,
            max_connections,
            evictions,
            cas,
            flush_enabled,
            shutdown_enabled,
            dump_enabled,
            watch_enabled,
            protocol: options::protocol(protocol)?,
            ..Settings::default()
        };
        if let Some(version) = version {
            settings.version = version.into();
        }
        let mut builder = memoxide::EmbeddedServer::builder()
            .settings(settings)
            .address(options::address(address)?)
            .port(port)
            .buffer_limit(buffer_limit)
            .backlog(backlog)
            .idle_timeout(idle_timeout.map(seconds).transpose()?)
            .request_timeout(request_timeout.map(seconds).transpose()?)
            .request_log(request_log)
            .fault_control(fault_control)
            .clock(time.map_or_else(Clock::real, Clock::virtual_at));
        for address in &listen {
            builder = builder.listen(options::socket_address(address)?);
        }
        for address in &listen_plain {
            builder = builder.listen_plain(options::socket_address(address)?);
        }
        if let Some(path) = unix_socket {
            builder = builder.unix_socket(path);
        }
        if queue_connections {
            builder = builder.queue_connections();
        }
        if let Some(users) = auth {
            builder = builder.auth(options::credentials(users));
        }
        if let Some(users) = sasl {
            builder = builder.sasl(options::credentials(users));
        }
        if let Some(tls) = options::tls(tls_cert, tls_key, tls_client_ca, tls_client_cert)? {
            builder = builder.tls(tls);
        }
        let rules = faults.map(|rules| Rule::parse(&rules.0)).transpose()?;
        for rule in rules.into_iter().flatten() {
            builder = builder.fault(rule);
        }
        let server = py.detach(|| builder.start())?;
        Ok(Self { server })
    }

    /// The address as clients name it: `127.0.0.1:PORT`, `[::1]:PORT`, or the
    /// path of the unix socket.
    #[getter]
    fn endpoint(&self) -> &str {
        self.server.endpoint()
    }

    /// Every address listened on, in that form.
    #[getter]
    fn endpoints(&self) -> Vec<&str> {
        self.server.endpoints().collect()
    }

    /// The TCP address and port, as `socket.create_connection` takes them.
    ///
    /// Raises:
    ///     UnsupportedError: The server listens on a unix socket.
    #[getter]
    fn address(&self) -> Result<(String, u16)> {
        let Some(address) = self.server.address() else {
            let message = "the server listens on a unix socket and has no address";
            return Err(Error::new(ErrorKind::Unsupported, message)
                .at(self.endpoint())
                .into());
        };
        Ok((address.ip().to_string(), address.port()))
    }

    /// The TCP port, 0 with a unix socket.
    #[getter]
    fn port(&self) -> u16 {
        self.server.port()
    }

    /// The server's time in seconds since the epoch.
    #[getter]
    fn time(&self) -> u64 {
        self.server.clock().unix_seconds()
    }

    /// Whether the server runs: False after `stop`, after a client's `shutdown`
    /// and in a forked child.
    #[getter]
    fn is_running(&self) -> bool {
        self.server.is_running()
    }

    /// How many connections the server has taken since its start.
    #[getter]
    fn connections(&self) -> u64 {
        self.server.connections()
    }

    /// How many connections are open at the moment.
    #[getter]
    fn open_connections(&self) -> usize {
        self.server.open_connections()
    }

    /// Moves the server's time forward by whole seconds; items expire at once.
    #[pyo3(signature = (seconds, /))]
    fn advance(&self, seconds: i64) -> Result<()> {
        let seconds = u64::try_from(seconds).map_err(|cause| {
            Error::new(
                ErrorKind::InvalidArgument,
                "the server's time does not go back",
            )
            .caused_by(cause)
        })?;
        self.server.clock().advance(seconds);
        Ok(())
    }

    /// Closes every connection that is open now; new ones are welcome.
    fn disconnect_all(&self, py: Python<'_>) -> Result<()> {
        self.with(py, memoxide::EmbeddedServer::disconnect_all)
    }

    /// Stops answering without closing anything, as a stopped process does.
    fn freeze(&self, py: Python<'_>) -> Result<()> {
        self.with(py, memoxide::EmbeddedServer::freeze)
    }

    /// Serves again after `freeze`; what has arrived meanwhile is answered.
    fn thaw(&self, py: Python<'_>) -> Result<()> {
        self.with(py, memoxide::EmbeddedServer::thaw)
    }

    /// Refuses new connections; open ones stay, and the port is kept.
    fn refuse_connections(&self, py: Python<'_>) -> Result<()> {
        self.with(py, memoxide::EmbeddedServer::refuse_connections)
    }

    /// Listens again after `refuse_connections`.
    fn accept_connections(&self, py: Python<'_>) -> Result<()> {
        self.with(py, memoxide::EmbeddedServer::accept_connections)
    }

    /// Does to clients what a restart of memcached does: closes all connections,
    /// forgets all items, stays away for `down` seconds, and listens again on
    /// the same port. Returns once it does.
    #[pyo3(signature = (down = 0.0))]
    fn restart(&self, py: Python<'_>, down: f64) -> Result<()> {
        let down = seconds(down)?;
        self.with(py, |server| server.restart(down))
    }

    /// Closes the port and all connections and waits for the server's threads,
    /// which takes about a millisecond; more calls do nothing, and so does the
    /// copy in a forked child. With `graceful`, clients may take the replies
    /// that are already written first, for at most 5 seconds.
    #[pyo3(signature = (*, graceful = false))]
    fn stop(&self, py: Python<'_>, graceful: bool) {
        py.detach(|| {
            if graceful {
                self.server.stop_gracefully();
            } else {
                self.server.stop();
            }
        });
    }

    fn __repr__(&self) -> String {
        let state = if self.is_running() {
            "running"
        } else {
            "stopped"
        };
        format!("<EmbeddedServer {} {state}>", self.endpoint())
    }
}

impl EmbeddedServer {
    /// Asks the server without the GIL; errors name the endpoint.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&memoxide::EmbeddedServer) -> memoxide::Result<T> + Send,
    ) -> Result<T> {
        let answer = py.detach(|| ask(&self.server));
        Ok(answer.map_err(|error| error.at(self.endpoint()))?)
    }
}
