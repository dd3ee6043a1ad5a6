//! Settings of an embedded server before it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::EmbeddedServer;
use crate::Result;
use crate::fork::Origin;
use crate::server::fault::Rule;
#[cfg(feature = "tls")]
use crate::server::listener::Certificates;
use crate::server::listener::{Action, Attention, Control, Limits, Listener, Place, Target};
use crate::server::{Clock, Credential, Settings, Shared};
#[cfg(feature = "tls")]
use crate::tls::ServerTls;

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
    log: usize,
    faults: Vec<Rule>,
    fault_control: bool,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

impl EmbeddedServerBuilder {
    pub(super) fn new() -> Self {
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
            log: 0,
            faults: Vec::new(),
            fault_control: false,
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

    /// Logs the last so many requests; see [`EmbeddedServer::logged_requests`].
    /// Default none.
    pub fn request_log(mut self, capacity: usize) -> Self {
        self.log = capacity;
        self
    }

    /// Starts with this fault rule; may be called again.
    pub fn fault(mut self, rule: Rule) -> Self {
        self.faults.push(rule);
        self
    }

    /// Allows the text command `fault`, by which any client adds and removes
    /// fault rules. Default not.
    pub fn fault_control(mut self, allowed: bool) -> Self {
        self.fault_control = allowed;
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
    /// [`ErrorKind::Connect`](crate::ErrorKind::Connect) if an address cannot be listened on or no thread
    /// is to be had, [`ErrorKind::Config`](crate::ErrorKind::Config) if the TLS settings or a fault rule
    /// cannot be used.
    pub fn start(self) -> Result<EmbeddedServer> {
        #[cfg(feature = "tls")]
        let certificates = self.tls.map(Certificates::new).transpose()?;
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
            settings.tls = certificates.is_some();
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
        let names = targets.iter().map(Target::report_name).collect();
        let (control, orders) = Control::new(engine, limits, names);
        #[cfg(feature = "tls")]
        if let Some(certificates) = certificates {
            control.set_certificates(certificates);
        }
        let has_faults = !self.faults.is_empty();
        for rule in self.faults {
            control.faults.add(rule)?;
        }
        control.attend_to_rules();
        control.keep_log(self.log);
        control.set_attention(Attention::Command, self.fault_control);
        let listener = Listener::start(places, threads, Arc::new(control), orders)?;
        if has_faults {
            listener.perform(Action::Gate)?;
        }
        Ok(EmbeddedServer {
            listener: Arc::new(listener),
            origin: Origin::here(),
            endpoints: targets.iter().map(Target::to_string).collect(),
            targets,
            clock,
        })
    }
}

/// Connections that may wait to be accepted, as in memcached.
const BACKLOG: u32 = 1024;

/// How long a request may take to arrive and a reply to be taken.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes that all connections together may keep.
const BUFFER_LIMIT: usize = 64 << 20;
