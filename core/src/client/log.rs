//! What happens to servers, as an application's log is told.
//!
//! Drivers make an [`Entry`] where something happens and hand it on when they
//! hold no lock: Rust's clients to `tracing` ([`Entry::trace`]), bindings to the
//! log of their language, by [`Host::note`](super::Host::note) and
//! [`Engine::take_entries`](super::Engine::take_entries). Which events there are,
//! their level and their wording are decided here; `tests/vectors/log.json`
//! lists them, and every language checks itself against it.
//!
//! An entry names a server and a reason, never a key, a value or a password. What
//! a server said is not repeated, because it may hold any of them.
//!
//! Nothing of this is made for a call that goes well on an open connection.
//!
//! ```
//! use memoxide::client::log::{Event, Level};
//!
//! let event = Event::ServerOutOfService;
//! assert_eq!(event.level(), Level::Warn);
//! assert_eq!(event.message(), "server is out of service");
//! ```

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::plan::{Place, Plan};
use crate::error::{Error, ErrorKind};
use crate::protocol::UNEXPECTED;

/// How much an entry matters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// For whoever looks into one program.
    Debug,
    /// What an operator may want to know.
    Info,
    /// What an operator should know.
    Warn,
    /// What should not happen at all.
    Error,
}

impl Level {
    /// Returns the lower-case name, such as `warn`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A failing server passed as a miss, as `on_error="miss"` asks for. Told
    /// once a minute and server while that goes on.
    CallDegraded,
    /// A connection ended that nothing waited for: the server closed it, or it
    /// was idle for too long. What the client closes on its owner's word is not
    /// told.
    ConnectionClosed,
    /// A connection could not be opened.
    ConnectionFailed,
    /// A connection ended while replies were owed on it.
    ConnectionLost,
    /// A connection is open.
    ConnectionOpened,
    /// Credentials go over a network unencrypted. Told when a client is made.
    CredentialsInClear,
    /// A lock of Rust's was dropped and could not be given back.
    LockNotReleased,
    /// A server answered something that is no answer to what was asked; the
    /// connection was closed.
    ProtocolViolated,
    /// Requests that a connection left unanswered are made again.
    RequestsRetried,
    /// A server that was out of service answers again.
    ServerBackInService,
    /// A server failed repeatedly, and is left alone for a while.
    ServerOutOfService,
}

impl Event {
    /// Every event, in the order of this enum.
    pub const ALL: [Self; 11] = [
        Self::CallDegraded,
        Self::ConnectionClosed,
        Self::ConnectionFailed,
        Self::ConnectionLost,
        Self::ConnectionOpened,
        Self::CredentialsInClear,
        Self::LockNotReleased,
        Self::ProtocolViolated,
        Self::RequestsRetried,
        Self::ServerBackInService,
        Self::ServerOutOfService,
    ];

    /// Returns the name shared by the three languages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.terms().0
    }

    /// Returns how much it matters.
    #[must_use]
    pub const fn level(self) -> Level {
        self.terms().1
    }

    /// Returns what it is called in the log.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.terms().2
    }

    const fn terms(self) -> (&'static str, Level, &'static str) {
        match self {
            Self::CallDegraded => (
                "call_degraded",
                Level::Warn,
                "failing server passed as a miss",
            ),
            Self::ConnectionClosed => ("connection_closed", Level::Debug, "connection closed"),
            Self::ConnectionFailed => (
                "connection_failed",
                Level::Debug,
                "connection was not opened",
            ),
            Self::ConnectionLost => ("connection_lost", Level::Debug, "connection broke off"),
            Self::ConnectionOpened => ("connection_opened", Level::Debug, "connection opened"),
            Self::CredentialsInClear => (
                "credentials_in_clear",
                Level::Warn,
                "credentials go over the network unencrypted; use TLS, or set plaintext_auth",
            ),
            Self::LockNotReleased => (
                "lock_not_released",
                Level::Warn,
                "lock was not given back; it ends with its time to live",
            ),
            Self::ProtocolViolated => (
                "protocol_violated",
                Level::Error,
                "server broke the protocol",
            ),
            Self::RequestsRetried => ("requests_retried", Level::Debug, "requests are made again"),
            Self::ServerBackInService => (
                "server_back_in_service",
                Level::Info,
                "server is back in service",
            ),
            Self::ServerOutOfService => (
                "server_out_of_service",
                Level::Warn,
                "server is out of service",
            ),
        }
    }
}

/// One thing that happened to one server.
#[derive(Clone, Debug)]
pub struct Entry {
    event: Event,
    endpoint: Arc<str>,
    error: Option<Error>,
    requests: Option<usize>,
}

impl Entry {
    /// Begins an entry of a server, named as `host:port` or by its path. For
    /// drivers that know of an event by themselves; the core makes the others.
    #[must_use]
    pub fn new(event: Event, endpoint: impl Into<Arc<str>>) -> Self {
        Self {
            event,
            endpoint: endpoint.into(),
            error: None,
            requests: None,
        }
    }

    /// The entry for a lock that was dropped while it was held.
    pub(super) fn of_lock(plan: &Plan, key: &[u8], place: Place<'_>) -> Option<Self> {
        // The lock was taken there, so there is such a place.
        let index = plan.place(key, place).ok()?;
        let endpoint = Arc::clone(plan.label(index));
        Some(Self::new(Event::LockNotReleased, endpoint))
    }

    /// Tells why.
    #[must_use]
    pub fn because(mut self, error: &Error) -> Self {
        self.error = Some(error.clone());
        self
    }

    /// Tells how many requests it concerns.
    pub(super) const fn concerning(mut self, requests: usize) -> Self {
        self.requests = Some(requests);
        self
    }

    /// The entry for a connection that ended because of `error`, by itself or
    /// because a reply made no sense, with or without requests `waiting` for it.
    pub(super) fn ended(endpoint: &Arc<str>, error: &Error, waiting: bool) -> Self {
        let event = match error.kind() {
            ErrorKind::Protocol => Event::ProtocolViolated,
            _ if waiting => Event::ConnectionLost,
            _ => Event::ConnectionClosed,
        };
        Self::new(event, Arc::clone(endpoint)).because(error)
    }

    /// Returns what happened.
    #[must_use]
    pub const fn event(&self) -> Event {
        self.event
    }

    /// Returns how much it matters.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.event.level()
    }

    /// Returns what happened in words, which are always the same for an event.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        self.event.message()
    }

    /// Returns the server that it happened to, as `host:port` or a path.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns why it happened, where there is a reason to tell.
    #[must_use]
    pub fn reason(&self) -> Option<Cow<'_, str>> {
        let error = self.error.as_ref()?;
        let message = error.message();
        Some(match error.kind() {
            ErrorKind::Protocol if message.starts_with(UNEXPECTED) => UNEXPECTED.into(),
            // Their messages are the peer's.
            ErrorKind::Client => "client error".into(),
            ErrorKind::Server if !message.ends_with(": out of memory storing object") => {
                "server error".into()
            }
            _ => message.into(),
        })
    }

    /// Returns the kind of error that is the reason.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.error.as_ref().map(Error::kind)
    }

    /// Returns how many requests it concerns, of an event that says so.
    #[must_use]
    pub const fn requests(&self) -> Option<usize> {
        self.requests
    }

    /// Tells `tracing`, under the target `memoxide`. Costs next to nothing where
    /// nobody listens.
    pub fn trace(&self) {
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    target: "memoxide",
                    event = self.event.name(),
                    endpoint = self.endpoint(),
                    reason = self.reason().as_deref(),
                    kind = self.kind().map(ErrorKind::name),
                    requests = self.requests,
                    "{}",
                    self.message(),
                )
            };
        }
        match self.level() {
            Level::Debug => tell!(debug),
            Level::Info => tell!(info),
            Level::Warn => tell!(warn),
            Level::Error => tell!(error),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.endpoint)?;
        match self.reason() {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(kind: ErrorKind, message: &'static str) -> String {
        let entry = Entry::new(Event::CallDegraded, "a:1");
        entry.because(&Error::new(kind, message)).to_string()
    }

    #[test]
    fn what_a_server_said_is_not_repeated() {
        for (kind, message, told) in [
            (
                ErrorKind::Protocol,
                "unexpected reply \"secret\"",
                "unexpected reply",
            ),
            (ErrorKind::Client, "client error: secret", "client error"),
            (ErrorKind::Server, "server error: secret", "server error"),
        ] {
            let expected = format!("failing server passed as a miss (a:1): {told}");
            assert_eq!(reason_of(kind, message), expected);
        }
        let known = "server error: out of memory storing object";
        assert!(reason_of(ErrorKind::Server, known).ends_with(known));
    }

    #[test]
    fn what_the_wire_says_is_recognised() {
        let error = crate::protocol::unexpected(b"secret value");
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let entry = Entry::ended(&"a:1".into(), &error, true);
        assert_eq!(entry.reason().as_deref(), Some("unexpected reply"));
    }
}
