//! Requests, replies, the codecs and the pure connection.
//!
//! This room turns a [`Request`] into bytes and received bytes into a
//! [`Reply`]. It opens no socket, reads no clock, retries nothing and counts
//! nothing; that is left to `net` and `client`.
//!
//! ```
//! use memoxide::protocol::{Codec, Connection, Limits, Reply, Request};
//!
//! let mut connection = Connection::new(Some(Codec::Text), Limits::default());
//! connection.enqueue(7, &Request::get(b"greeting"))?;
//! assert_eq!(connection.output(), b"get greeting\r\n");
//!
//! let mut chunk = &b"VALUE greeting 0 5\r\nhello\r\nEND\r\n"[..];
//! let received = connection.receive(&mut chunk)?.expect("a value");
//! assert!(received.last && received.tag == 7);
//! assert!(matches!(received.reply, Reply::Item(item) if &*item.value == b"hello"));
//!
//! // What ends the reply is read too, and tells the caller nothing new.
//! assert!(connection.receive(&mut chunk)?.is_none());
//! assert_eq!(connection.outstanding(), 0);
//! # Ok::<(), memoxide::Error>(())
//! ```

mod batch;
mod connection;
mod credentials;
mod dump;
mod expect;
mod expiry;
mod hits;
mod keys;
mod meta;
mod reply;
mod request;
mod text;

pub use batch::{BatchItem, StoreMany};
pub use connection::{Connection, Received, Unanswered};
pub use credentials::Credentials;
pub use dump::DumpedKey;
pub(crate) use expect::UNEXPECTED;
#[cfg(test)]
pub(crate) use expect::bad_line as unexpected;
pub use expiry::Expiry;
pub use hits::{Hit, Hits};
pub use keys::{KeyList, Keys};
pub use reply::{Item, Reply};
pub use request::{
    Admin, Arithmetic, Delete, Direction, Request, Retrieve, Store, StoreMode, Touch, Walk, Want,
};

/// Tells a server that nothing more will come; it answers by closing. The same
/// in both codecs.
pub(crate) const QUIT: &[u8] = b"quit\r\n";

/// How requests are written and replies are read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Codec {
    /// Meta commands for single keys, text for the rest (memcached 1.6 and later).
    Meta,
    /// The classic text protocol, spoken by every server and proxy.
    Text,
}

impl Codec {
    /// Returns the name used in options and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Text => "text",
        }
    }
}

/// What a connection accepts from its peer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest reply line, in bytes. Default 2 KiB.
    pub line: usize,
    /// The largest value, in bytes. Default 64 MiB, well above any server's item size.
    pub value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 2048,
            value: 64 << 20,
        }
    }
}
