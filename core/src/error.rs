//! What can go wrong, once, for every language.
//!
//! Outcomes such as a miss, a refused `add` or a cas conflict are results and
//! have no place here. Each kind below has one class in Python and one in Node;
//! `tests/errors.json` lists the three side by side and each language checks
//! itself against it.
//!
//! ```
//! use memoxide::{Error, ErrorKind, Sent};
//!
//! let error = Error::new(ErrorKind::ConnectionLost, "peer closed the connection")
//!     .at("127.0.0.1:11211")
//!     .sent(Sent::MaybeApplied);
//! assert!(error.is_ambiguous());
//! assert_eq!(error.to_string(), "peer closed the connection (127.0.0.1:11211)");
//! ```

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`]: whose fault it is and what to do about it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer refused the credentials.
    Auth,
    /// A local limit on queued or open work was reached; nothing was sent.
    Backpressure,
    /// The peer answered `CLIENT_ERROR` to a request that was well formed here.
    Client,
    /// The client, the connection or the embedded server was closed by its owner.
    Closed,
    /// A setting, URL or server list does not parse or contradicts another.
    Config,
    /// An `update` loop gave up: other writers were faster each time.
    Conflict,
    /// The connection could not be opened.
    Connect,
    /// The connection ended before the reply was complete.
    ConnectionLost,
    /// Stored bytes do not match what their flags promise.
    Decode,
    /// The value cannot be expressed in the chosen dialect.
    Encode,
    /// An argument other than the key is of the wrong type or out of range.
    InvalidArgument,
    /// The key is empty, too long, or holds a character that memcached refuses.
    InvalidKey,
    /// No server is configured or every one is out of service.
    NoServers,
    /// The stored value is not a decimal number.
    NotNumeric,
    /// Some servers failed; the results of the others are attached.
    Partial,
    /// The peer answered something that is no answer to what was asked.
    Protocol,
    /// The host name could not be resolved.
    Resolve,
    /// The peer answered `SERVER_ERROR`.
    Server,
    /// The deadline passed; [`Error::phase`] tells where.
    Timeout,
    /// The TLS handshake or a certificate failed.
    Tls,
    /// The peer does not know the command.
    UnknownCommand,
    /// The operation is not available with this server, protocol or build.
    Unsupported,
    /// The value is over the limit, here or at the server.
    ValueTooLarge,
}

impl ErrorKind {
    /// Every kind, in the order of this enum.
    pub const ALL: [Self; 23] = [
        Self::Auth,
        Self::Backpressure,
        Self::Client,
        Self::Closed,
        Self::Config,
        Self::Conflict,
        Self::Connect,
        Self::ConnectionLost,
        Self::Decode,
        Self::Encode,
        Self::InvalidArgument,
        Self::InvalidKey,
        Self::NoServers,
        Self::NotNumeric,
        Self::Partial,
        Self::Protocol,
        Self::Resolve,
        Self::Server,
        Self::Timeout,
        Self::Tls,
        Self::UnknownCommand,
        Self::Unsupported,
        Self::ValueTooLarge,
    ];

    /// Returns the name shared by the three languages, such as `InvalidKey`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "Auth",
            Self::Backpressure => "Backpressure",
            Self::Client => "Client",
            Self::Closed => "Closed",
            Self::Config => "Config",
            Self::Conflict => "Conflict",
            Self::Connect => "Connect",
            Self::ConnectionLost => "ConnectionLost",
            Self::Decode => "Decode",
            Self::Encode => "Encode",
            Self::InvalidArgument => "InvalidArgument",
            Self::InvalidKey => "InvalidKey",
            Self::NoServers => "NoServers",
            Self::NotNumeric => "NotNumeric",
            Self::Partial => "Partial",
            Self::Protocol => "Protocol",
            Self::Resolve => "Resolve",
            Self::Server => "Server",
            Self::Timeout => "Timeout",
            Self::Tls => "Tls",
            Self::UnknownCommand => "UnknownCommand",
            Self::Unsupported => "Unsupported",
            Self::ValueTooLarge => "ValueTooLarge",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a call was when its deadline passed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for a free connection or for an earlier request.
    Queue,
    /// Resolving the host name.
    Resolve,
    /// Opening the connection.
    Connect,
    /// In the TLS handshake.
    Tls,
    /// Authenticating.
    Auth,
    /// Writing the request.
    Write,
    /// Waiting for the reply.
    Read,
}

impl Phase {
    /// Returns the lower-case name, such as `connect`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// Whether a failed request may have taken effect at the server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Sent {
    /// Not one byte left this process: the request had no effect.
    NotSent,
    /// Bytes left this process: the outcome is unknown.
    MaybeApplied,
}

impl Sent {
    /// Returns the name shared by the three languages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::MaybeApplied => "maybe_applied",
        }
    }
}

/// The one error of this crate: a kind, a message, and the endpoint concerned.
///
/// Cheap to move and to clone (one pointer). The message is lower case, without
/// a full stop, and holds neither values nor secrets.
#[derive(Clone, Debug)]
pub struct Error(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    endpoint: Option<Arc<str>>,
    phase: Option<Phase>,
    sent: Option<Sent>,
    raw: Option<(u32, Bytes)>,
    parts: Vec<Error>,
    failed: Vec<usize>,
    reply: Option<Arc<str>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error of `kind`; add what else is known with the methods below.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            endpoint: None,
            phase: None,
            sent: None,
            raw: None,
            parts: Vec::new(),
            failed: Vec::new(),
            reply: None,
            source: None,
        }))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Names the endpoint, unless one is named already.
    #[must_use]
    pub fn at(self, endpoint: impl Into<Arc<str>>) -> Self {
        if self.0.endpoint.is_some() {
            return self;
        }
        self.change(|inner| inner.endpoint = Some(endpoint.into()))
    }

    /// Tells whether the request may have been applied.
    #[must_use]
    pub fn sent(self, sent: Sent) -> Self {
        self.change(|inner| inner.sent = Some(sent))
    }

    /// Tells where the call was when its deadline passed.
    #[must_use]
    pub fn in_phase(self, phase: Phase) -> Self {
        self.change(|inner| inner.phase = Some(phase))
    }

    /// Attaches the flags and bytes that could not be decoded.
    #[must_use]
    pub fn with_raw(self, flags: u32, bytes: Bytes) -> Self {
        self.change(|inner| inner.raw = Some((flags, bytes)))
    }

    /// Attaches the errors of the single servers to a [`ErrorKind::Partial`].
    #[must_use]
    pub fn with_parts(self, parts: Vec<Self>) -> Self {
        self.change(|inner| inner.parts = parts)
    }

    /// Attaches which keys of a call with several were not written, by position.
    #[must_use]
    pub fn with_failed(self, failed: Vec<usize>) -> Self {
        self.change(|inner| inner.failed = failed)
    }

    /// Attaches the line with which the peer refused.
    #[must_use]
    pub fn with_reply(self, line: impl Into<Arc<str>>) -> Self {
        self.change(|inner| inner.reply = Some(line.into()))
    }

    /// Attaches the cause.
    #[must_use]
    pub fn caused_by(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the message without the endpoint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the endpoint concerned, as `host:port` or a path.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// Returns where the call was when its deadline passed.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.0.phase
    }

    /// Returns whether the request may have been applied, for errors of the way.
    #[must_use]
    pub fn was_sent(&self) -> Option<Sent> {
        self.0.sent
    }

    /// Returns the flags and bytes that could not be decoded.
    #[must_use]
    pub fn raw(&self) -> Option<(u32, &Bytes)> {
        self.0.raw.as_ref().map(|(flags, bytes)| (*flags, bytes))
    }

    /// Returns the errors of the single servers of a [`ErrorKind::Partial`].
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        &self.0.parts
    }

    /// Returns which keys of a call with several were not written, by position.
    #[must_use]
    pub fn failed(&self) -> &[usize] {
        &self.0.failed
    }

    /// Returns the line with which the peer refused, if it is one that refused.
    #[must_use]
    pub fn reply(&self) -> Option<&str> {
        self.0.reply.as_deref()
    }

    /// Whether the same call can be made again without risk of doing it twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Backpressure | ErrorKind::Conflict | ErrorKind::NoServers => true,
            ErrorKind::Connect
            | ErrorKind::ConnectionLost
            | ErrorKind::Protocol
            | ErrorKind::Resolve
            | ErrorKind::Timeout
            | ErrorKind::Tls => self.0.sent != Some(Sent::MaybeApplied),
            _ => false,
        }
    }

    /// Whether the request may have been applied although no reply arrived.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.0.sent == Some(Sent::MaybeApplied) || self.0.parts.iter().any(Self::is_ambiguous)
    }

    /// Whether the deadline passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Whether the way to the server failed, rather than the request.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Connect
                | ErrorKind::ConnectionLost
                | ErrorKind::NoServers
                | ErrorKind::Protocol
                | ErrorKind::Resolve
                | ErrorKind::Timeout
                | ErrorKind::Tls
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(endpoint) = &self.0.endpoint {
            write!(f, " ({endpoint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl PartialEq for Error {
    /// Compares what a caller can see; the cause is left out.
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind()
            && self.message() == other.message()
            && self.endpoint() == other.endpoint()
            && self.phase() == other.phase()
            && self.was_sent() == other.was_sent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_endpoint_named_stays() {
        let error = Error::new(ErrorKind::Connect, "connection refused")
            .at("a:1")
            .at("b:2");
        assert_eq!(error.endpoint(), Some("a:1"));
    }

    #[test]
    fn a_write_of_unknown_outcome_is_not_retryable() {
        let lost = Error::new(ErrorKind::ConnectionLost, "peer closed the connection");
        assert!(lost.clone().sent(Sent::NotSent).is_retryable());
        assert!(!lost.sent(Sent::MaybeApplied).is_retryable());
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorKind::ALL.len());
    }
}
