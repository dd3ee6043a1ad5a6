//! [`EmbeddedServer`]: a running server, held by a handle.

mod builder;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use builder::EmbeddedServerBuilder;

use super::fault::{FaultStatus, LoggedRequest, Rule};
use super::listener::{Action, Listener, Target};
use super::{Clock, Credential, Shared};
use crate::fork::Origin;
use crate::{Error, ErrorKind, Result};

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

    /// Listens again after [`EmbeddedServer::refuse_connections`], unless a fault
    /// rule still refuses connections.
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

    /// Adds a fault rule and returns its number. It applies to requests received
    /// from now on, on open connections too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a rule that contradicts itself,
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn add_fault(&self, rule: Rule) -> Result<u64> {
        let control = self.here()?.control();
        let id = control.faults.add(rule)?;
        self.rules_changed()?;
        Ok(id)
    }

    /// Adds the rules written in JSON, or a preset by its name, and returns their
    /// numbers; see [`Rule::parse`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it cannot be read, and then none is added;
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn add_faults(&self, json: &str) -> Result<Vec<u64>> {
        let control = self.here()?.control();
        let rules = Rule::parse(json)?;
        let ids = rules
            .into_iter()
            .map(|rule| control.faults.add(rule))
            .collect::<Result<_>>()?;
        self.rules_changed()?;
        Ok(ids)
    }

    /// Removes a fault rule; `false` if there is none with this number.
    /// Connections that it keeps hanging are closed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn remove_fault(&self, id: u64) -> Result<bool> {
        let removed = self.here()?.control().faults.remove(id);
        self.rules_changed()?;
        Ok(removed)
    }

    /// Removes all fault rules.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn clear_faults(&self) -> Result<()> {
        self.here()?.control().faults.clear();
        self.rules_changed()
    }

    /// Returns the fault rules, in the order in which they were added.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultStatus> {
        match self.here() {
            Ok(listener) => listener.control().faults.list(),
            Err(_) => Vec::new(),
        }
    }

    /// Returns how often a fault rule has struck, `None` if it is no more.
    #[must_use]
    pub fn fault_hits(&self, id: u64) -> Option<u64> {
        let faults = self.faults();
        faults
            .iter()
            .find(|status| status.id == id)
            .map(|status| status.hits)
    }

    fn rules_changed(&self) -> Result<()> {
        let listener = self.here()?;
        listener.control().attend_to_rules();
        listener.perform(Action::Gate)
    }

    /// Returns how many requests the server has received since its start.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.listener.control().requests()
    }

    /// Keeps the last `capacity` requests from now on; 0 stops and forgets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn log_requests(&self, capacity: usize) -> Result<()> {
        self.here()?.control().keep_log(capacity);
        Ok(())
    }

    /// Returns the logged requests, oldest first; none unless the log is on.
    #[must_use]
    pub fn logged_requests(&self) -> Vec<LoggedRequest> {
        match self.here() {
            Ok(listener) => listener.control().log.requests(),
            Err(_) => Vec::new(),
        }
    }

    /// Forgets the logged requests and goes on logging.
    pub fn clear_log(&self) {
        if let Ok(listener) = self.here() {
            listener.control().log.clear();
        }
    }

    /// Moves the server's clock forward by whole seconds; a fraction is dropped.
    pub fn advance(&self, duration: Duration) {
        self.clock.advance(duration.as_secs());
    }

    /// Replaces the users of the text protocol; connections that are in stay in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] once the server has stopped.
    pub fn replace_users(&self, users: Vec<Credential>) -> Result<()> {
        self.engine()?.replace_auth_file(users);
        Ok(())
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
