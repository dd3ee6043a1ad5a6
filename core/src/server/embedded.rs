//! [`EmbeddedServer`]: a running server, held by a handle.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::listener::{Action, Control, Limits, Listener, Place, Target};
use super::{Clock, Credential, Settings, Shared};
use crate::fork::Origin;
#[cfg(feature = "tls")]
use crate::tls::ServerTls;
use crate::{Error, ErrorKind, Result};

/// Connections that may wait to be accepted, as in memcached.
const BACKLOG: u32 = 1024;

/// How long a request may take to arrive and a reply to be taken.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes that all connections together may keep.
const BUFFER_LIMIT: usize = 64 << 20;

/// A memcached in this process, on a port of its own, until the handle is
/// dropped.
///
/// A server starts in about a millisecond and several run side by side. It
/// listens on 127.0.0.1 unless told otherwise and is made for tests, demos and
/// local work. Dropping the handle closes the port and every connection, and
/// waits for the server's threads to end.
///
/// After a fork the child's copy of a handle does nothing: the server belongs to
/// the parent, and its methods answer with [`ErrorKind::Closed`] in the child.
///
/// ```
/// use std::io::{Read, Write};
/// use memoxide::EmbeddedServer;
///
/// let server = EmbeddedServer::start()?;
/// # #[expect(clippy::disallowed_methods)]
/// let mut socket = std::net::TcpStream::connect(server.endpoint()).unwrap();
/// socket.write_all(b"version\r\nquit\r\n").unwrap();
/// let mut reply = String::new();
/// socket.read_to_string(&mut reply).unwrap();
/// assert_eq!(reply, "VERSION 1.6.45\r\n");
/// # Ok::<(), memoxide::Error>(())
/// ```
pub struct EmbeddedServer {
    listener: Arc<Listener>,
    origin: Origin,
    targets: Vec<Target>,
    endpoints: Vec<String>,
    clock: Clock,
}

impl EmbeddedServer {
    /// Starts a server with the default settings on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Connect`] if no port, thread or event loop is to be had.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// Returns a builder, for other than the default settings.
    pub fn builder() -> EmbeddedServerBuilder {
        EmbeddedServerBuilder::new()
    }

    /// Returns the first address listened on, as clients name it:
    /// `127.0.0.1:PORT`, `[::1]:PORT`, or the path of the unix socket.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoints[0]
    }

    /// Returns every address listened on, in the order they were asked for.
    pub fn endpoints(&self) -> impl ExactSizeIterator<Item = &str> {
        self.endpoints.iter().map(String::as_str)
    }

    /// Returns the first TCP address listened on, `None` with a unix socket only.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.targets.iter().find_map(|target| match target {
            Target::Tcp { address, .. } => Some(*address),
            Target::Unix { .. } => None,
        })
    }

    /// Returns the port of [`EmbeddedServer::address`], 0 without one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address().map_or(0, |address| address.port())
    }

    /// Returns the server's time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns how many connections the server has taken since its start.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.listener.control().accepted()
    }

    /// Returns how many connections are open at the moment.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.listener.control().open()
    }

    /// Returns the engine behind the sessions: settings, store and counters.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn engine(&self) -> Result<Arc<Shared>> {
        Ok(self.here()?.control().engine())
    }

    /// Closes every connection that is open now; new ones are welcome.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn disconnect_all(&self) -> Result<()> {
        self.here()?.perform(Action::Disconnect)
    }

    /// Stops serving without closing anything, as a stopped process does:
    /// connections open and requests are accepted, nothing is answered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn freeze(&self) -> Result<()> {
        self.here()?.control().freeze(true);
        Ok(())
    }

    /// Serves again after [`EmbeddedServer::freeze`]; what has arrived meanwhile
    /// is answered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn thaw(&self) -> Result<()> {
        self.here()?.control().freeze(false);
        Ok(())
    }

    /// Closes the listening sockets, so that new connections are refused; open
    /// ones stay. The port remains the server's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn refuse_connections(&self) -> Result<()> {
        self.here()?.perform(Action::Refuse)
    }

    /// Listens again after [`EmbeddedServer::refuse_connections`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped, and
    /// [`ErrorKind::Timeout`] if the port is taken by now.
    pub fn accept_connections(&self) -> Result<()> {
        self.here()?.perform(Action::Listen)
    }

    /// Does to clients what a restart of memcached does: refuses connections,
    /// closes the open ones, forgets all items and counters, and after `down`
    /// listens again on the same port. Returns once it does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped, and
    /// [`ErrorKind::Timeout`] if the port is taken by now.
    pub fn restart(&self, down: Duration) -> Result<()> {
        self.here()?.perform(Action::Restart { down })
    }

    /// Whether the server still runs: `false` after [`EmbeddedServer::stop`], a
    /// client's `shutdown`, and in a forked child.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.here().is_ok()
    }

    /// Stops the server: closes the port and all connections and waits for its
    /// threads. Dropping the handle does the same; more calls do nothing.
    pub fn stop(&self) {
        self.end(false);
    }

    /// Stops the server like [`EmbeddedServer::stop`], but first lets clients
    /// take the replies that are already written, for at most 5 seconds.
    pub fn stop_gracefully(&self) {
        self.end(true);
    }

    /// Waits until the server has stopped by itself, after a client's `shutdown`.
    pub fn wait(&self) {
        if self.origin.is_here() {
            self.listener.join();
        }
    }

    /// Resolves when the server has stopped by itself, after a client's
    /// `shutdown`.
    #[cfg(feature = "cli")]
    pub(crate) async fn stopped(&self) {
        if let Ok(listener) = self.here() {
            listener.control().stopped().await;
        }
    }

    fn end(&self, graceful: bool) {
        if self.origin.is_here() {
            // An error says that it has stopped before.
            let _ = self.listener.perform(Action::Stop { graceful });
            self.listener.join();
        }
    }

    fn here(&self) -> Result<&Listener> {
        if !self.origin.is_here() {
            return Err(Error::new(
                ErrorKind::Closed,
                "the server belongs to the process that started it",
            ));
        }
        if self.listener.control().is_stopped() {
            return Err(Error::new(ErrorKind::Closed, "the server has stopped"));
        }
        Ok(&self.listener)
    }
}

impl std::fmt::Debug for EmbeddedServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedServer")
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        self.stop();
        if !self.origin.is_here() {
            // Threads, locks and sockets are the parent's: not even their
            // destructors may run here.
            std::mem::forget(Arc::clone(&self.listener));
        }
    }
}

/// Settings of an [`EmbeddedServer`] before it starts.
///
/// ```
/// use std::time::Duration;
/// use memoxide::EmbeddedServer;
///
/// let server = EmbeddedServer::builder()
///     .memory_limit(8 << 20)
///     .max_connections(10)
///     .start()?;
/// assert_ne!(server.port(), 0);
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a server starts with `start`"]
pub struct EmbeddedServerBuilder {
    settings: Settings,
    address: IpAddr,
    port: u16,
    targets: Vec<Target>,
    places: Vec<Arc<Place>>,
    clock: Option<Clock>,
    limits: Limits,
    backlog: u32,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

impl EmbeddedServerBuilder {
    fn new() -> Self {
        let settings = Settings::default();
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            targets: Vec::new(),
            places: Vec::new(),
            clock: None,
            limits: Limits {
                connections: settings.max_connections,
                refuse_fast: true,
                idle: None,
                request: Some(REQUEST_TIMEOUT),
                buffered: BUFFER_LIMIT,
            },
            backlog: BACKLOG,
            settings,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Listens on this address. Default 127.0.0.1.
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// Listens on this port; 0, the default, lets the system choose.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Listens on a unix socket, and on TCP only where [`Self::listen`] says so.
    /// A socket left over at `path` is replaced; the file is removed at the end.
    /// Its permissions are [`Settings::unix_socket_mask`], 0o700 by default.
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        let (path, mode) = (path.into(), self.settings.unix_socket_mask);
        self.targets.push(Target::Unix { path, mode });
        self
    }

    /// Listens on this address too; the first call replaces the address and the
    /// port set before. With TLS settings it speaks TLS.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.targets.push(Target::Tcp { address, tls: true });
        self
    }

    /// Listens on this address too, without TLS even if there are TLS settings.
    pub fn listen_plain(mut self, address: SocketAddr) -> Self {
        let tls = false;
        self.targets.push(Target::Tcp { address, tls });
        self
    }

    /// Lets items take this many bytes. Default 64 MiB.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.settings.memory_limit = bytes;
        self
    }

    /// Lets one item take this many bytes, key and header included. Default 1 MiB.
    pub fn item_size_limit(mut self, bytes: u32) -> Self {
        self.settings.item_size_limit = bytes;
        self
    }

    /// Serves with this many threads. Default 1.
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = threads.max(1);
        self
    }

    /// Refuses connections beyond this many. Default 1024.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// Leaves connections beyond the limit waiting until there is room, instead
    /// of answering `ERROR Too many open connections`.
    pub fn queue_connections(mut self) -> Self {
        self.limits.refuse_fast = false;
        self
    }

    /// Lets this many connections wait to be accepted. Default 1024.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Closes connections that are silent for this long between requests.
    /// Default never.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.limits.idle = timeout;
        self
    }

    /// Closes connections that take longer than this to send one request, or
    /// that take no part of a reply for as long. Default 120 seconds.
    pub fn request_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.limits.request = timeout;
        self
    }

    /// Lets unfinished requests and unread replies of all connections together
    /// take this many bytes; connections that need more are closed. Default 64 MiB.
    pub fn buffer_limit(mut self, bytes: usize) -> Self {
        self.limits.buffered = bytes;
        self
    }

    /// Asks for a user and a password in the text protocol (memcached's `-Y`).
    pub fn auth(mut self, users: impl IntoIterator<Item = Credential>) -> Self {
        self.settings.auth_file = Some(users.into_iter().collect());
        self
    }

    /// Asks for SASL in the binary protocol and turns the text protocol off
    /// (memcached's `-S`).
    pub fn sasl(mut self, users: impl IntoIterator<Item = Credential>) -> Self {
        self.settings.sasl = Some(users.into_iter().collect());
        self
    }

    /// Speaks TLS on TCP.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Ages items by this clock. Default the machine's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Replaces every setting of the engine, those set before included.
    pub fn settings(mut self, settings: Settings) -> Self {
        if settings.idle_timeout > 0 {
            self.limits.idle = Some(Duration::from_secs(u64::from(settings.idle_timeout)));
        }
        self.settings = settings;
        self
    }

    /// Listens at places that are bound already.
    #[cfg(feature = "cli")]
    pub(crate) fn places(mut self, places: Vec<Arc<Place>>) -> Self {
        self.places = places;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Connect`] if an address cannot be listened on or no thread
    /// is to be had, [`ErrorKind::Config`] if the TLS settings cannot be used.
    pub fn start(self) -> Result<EmbeddedServer> {
        #[cfg(feature = "tls")]
        let tls = self.tls.as_ref().map(ServerTls::config).transpose()?;
        let mut targets = self.targets;
        let mut places = self.places;
        if targets.is_empty() && places.is_empty() {
            let address = SocketAddr::new(self.address, self.port);
            targets.push(Target::Tcp { address, tls: true });
        }
        for target in targets {
            places.push(Arc::new(Place::bind(target, self.backlog)?));
        }
        let targets: Vec<Target> = places.iter().map(|place| place.target().clone()).collect();

        let mut settings = self.settings;
        #[cfg(feature = "tls")]
        {
            settings.tls = tls.is_some();
        }
        settings.idle_timeout = self.limits.idle.map_or(0, |idle| {
            u32::try_from(idle.as_secs().max(1)).unwrap_or(u32::MAX)
        });
        for target in targets.iter().rev() {
            match target {
                Target::Tcp { address, .. } => {
                    settings.tcp_port = address.port();
                    settings.interface = Some(address.ip().to_string());
                }
                Target::Unix { path, .. } => {
                    settings.unix_socket = Some(path.display().to_string());
                }
            }
        }
        let limits = Limits {
            connections: settings.max_connections,
            ..self.limits
        };
        let threads = settings.threads;
        let clock = self.clock.unwrap_or_else(Clock::real);
        let engine = Shared::new(settings, clock.clone());
        let (control, orders) = Control::new(engine, limits);
        #[cfg(feature = "tls")]
        if let Some(config) = tls {
            control.set_tls(config);
        }
        let listener = Listener::start(places, threads, Arc::new(control), orders)?;
        Ok(EmbeddedServer {
            listener: Arc::new(listener),
            origin: Origin::here(),
            endpoints: targets.iter().map(Target::to_string).collect(),
            targets,
            clock,
        })
    }
}
