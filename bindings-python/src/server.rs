//! The embedded server as a Python class.
//!
//! The handle holds the server and nothing of what it does. Starting, stopping
//! and waiting happen without the GIL.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use memoxide::server::{Clock, Credential};
use memoxide::tls::{ClientCertificate, Identity, ServerTls};
use memoxide::{Error, ErrorKind};
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
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
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
    ) -> Result<Self> {
        let address: IpAddr = address.parse().map_err(|_| {
            Error::new(
                ErrorKind::Config,
                format!("address {address:?} is no IP address"),
            )
        })?;
        let mut builder = memoxide::EmbeddedServer::builder()
            .address(address)
            .port(port)
            .memory_limit(memory_limit)
            .item_size_limit(item_size_limit)
            .threads(threads)
            .max_connections(max_connections)
            .idle_timeout(idle_timeout.map(seconds).transpose()?)
            .request_timeout(request_timeout.map(seconds).transpose()?)
            .clock(time.map_or_else(Clock::real, Clock::virtual_at));
        if let Some(path) = unix_socket {
            builder = builder.unix_socket(path);
        }
        if let Some(users) = auth {
            builder = builder.auth(credentials(users));
        }
        if let Some(users) = sasl {
            builder = builder.sasl(credentials(users));
        }
        if let Some(tls) = tls(tls_cert, tls_key, tls_client_ca, tls_client_cert)? {
            builder = builder.tls(tls);
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

fn tls(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    client_cert: &str,
) -> memoxide::Result<Option<ServerTls>> {
    let refuse = |message: String| Err(Error::new(ErrorKind::Config, message));
    let (Some(cert), Some(key)) = (&cert, &key) else {
        if cert.is_none() && key.is_none() && client_ca.is_none() {
            return Ok(None);
        }
        return refuse("TLS needs both tls_cert and tls_key".to_owned());
    };
    let client_cert = match client_cert {
        "required" => ClientCertificate::Required,
        "requested" => ClientCertificate::Requested,
        other => {
            return refuse(format!(
                "tls_client_cert is neither \"requested\" nor \"required\": {other:?}"
            ));
        }
    };
    let tls = ServerTls::new(Identity::from_files(cert, key)?);
    match client_ca {
        Some(authorities) => tls.client_ca_file(authorities, client_cert).map(Some),
        None => Ok(Some(tls)),
    }
}

fn credentials(users: HashMap<String, String>) -> impl Iterator<Item = Credential> {
    users
        .into_iter()
        .map(|(name, password)| Credential::new(name, password))
}

/// Returns a duration for a number of seconds from Python.
fn seconds(seconds: f64) -> memoxide::Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|cause| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{seconds} is no number of seconds to wait"),
        )
        .caused_by(cause)
    })
}
