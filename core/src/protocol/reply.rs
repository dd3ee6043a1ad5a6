//! What a server can answer, independent of how it was written.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind};

/// A reply, or one part of a reply that has several.
///
/// Bytes are borrowed from the received chunk where the whole part lay in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply<'a> {
    /// The item was removed.
    Deleted,
    /// The retrieval, report or list is complete.
    End,
    /// The item changed since its cas id was read.
    Exists,
    /// The peer refused the request.
    Failed(Error),
    /// One hit of a retrieval.
    Item(Item<'a>),
    /// One line of a list of keys.
    Line(Cow<'a, [u8]>),
    /// There is no such item.
    NotFound,
    /// The condition of add, replace, append or prepend was not met.
    NotStored,
    /// The counter's new number.
    Number(u64),
    /// The administrative command was carried out.
    Ok,
    /// The peer refused one item of a batch whose replies name none; the reply
    /// to the batch goes on.
    Refused(Error),
    /// One line of a report.
    Stat {
        /// The name of the figure.
        name: Cow<'a, [u8]>,
        /// Its value, as text.
        value: Cow<'a, [u8]>,
    },
    /// The item was stored.
    Stored,
    /// The item's expiry was changed.
    Touched,
    /// The version of the peer.
    Version(Cow<'a, [u8]>),
}

impl Reply<'_> {
    /// Copies what is borrowed.
    #[must_use]
    pub fn into_owned(self) -> Reply<'static> {
        fn own(bytes: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
            Cow::Owned(bytes.into_owned())
        }
        match self {
            Self::Deleted => Reply::Deleted,
            Self::End => Reply::End,
            Self::Exists => Reply::Exists,
            Self::Failed(error) => Reply::Failed(error),
            Self::Item(item) => Reply::Item(item.into_owned()),
            Self::Line(line) => Reply::Line(own(line)),
            Self::NotFound => Reply::NotFound,
            Self::NotStored => Reply::NotStored,
            Self::Number(number) => Reply::Number(number),
            Self::Ok => Reply::Ok,
            Self::Refused(error) => Reply::Refused(error),
            Self::Stat { name, value } => Reply::Stat {
                name: own(name),
                value: own(value),
            },
            Self::Stored => Reply::Stored,
            Self::Touched => Reply::Touched,
            Self::Version(version) => Reply::Version(own(version)),
        }
    }
}

/// One hit of a retrieval. Figures that were not asked for are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item<'a> {
    /// Which of the keys asked for, by position.
    pub index: usize,
    /// The stored bytes.
    pub value: Cow<'a, [u8]>,
    /// The stored flags.
    pub flags: u32,
    /// The cas id.
    pub cas: Option<u64>,
    /// The remaining time to live in seconds, -1 for none.
    pub ttl: Option<i64>,
    /// The size of the value in bytes.
    pub size: Option<u64>,
    /// Seconds since the last access.
    pub last_access: Option<u64>,
    /// Whether the item was read before.
    pub hit_before: Option<bool>,
    /// Whether the item is marked stale.
    pub stale: bool,
    /// Whether this caller was chosen to make a fresh value.
    pub won: bool,
}

impl Item<'_> {
    /// Copies the value if it is borrowed.
    #[must_use]
    pub fn into_owned(self) -> Item<'static> {
        Item {
            value: Cow::Owned(self.value.into_owned()),
            ..self
        }
    }
}

/// Turns an error line into a typed error, and tells whether the peer is known
/// to be in step afterwards (`memcached-protocol.md` §3).
pub(super) fn failure(line: &[u8]) -> Option<(Error, bool)> {
    let (error, in_step) = refusal(line)?;
    Some((error.with_reply(text(line)), in_step))
}

fn refusal(line: &[u8]) -> Option<(Error, bool)> {
    if let Some(rest) = line.strip_prefix(b"SERVER_ERROR") {
        let kind = if rest.starts_with(b" object too large") {
            ErrorKind::ValueTooLarge
        } else {
            ErrorKind::Server
        };
        let message = match kind {
            ErrorKind::ValueTooLarge => "value is over the item size limit of the server, \
                which also drops the value stored before"
                .to_owned(),
            _ => format!("server error: {}", text(rest)),
        };
        return Some((Error::new(kind, message), true));
    }
    if let Some(rest) = line.strip_prefix(b"CLIENT_ERROR") {
        if rest.starts_with(b" cannot increment or decrement") {
            let message = "stored value is not a decimal number";
            return Some((Error::new(ErrorKind::NotNumeric, message), true));
        }
        let kind = if contains(rest, b"unauthenticated") || contains(rest, b"authentication") {
            ErrorKind::Auth
        } else {
            ErrorKind::Client
        };
        return Some((
            Error::new(kind, format!("client error: {}", text(rest))),
            false,
        ));
    }
    if line == b"ERROR" {
        let message = "server does not know the command";
        return Some((Error::new(ErrorKind::UnknownCommand, message), false));
    }
    if let Some(rest) = line.strip_prefix(b"ERROR ") {
        return Some((
            Error::new(ErrorKind::Server, format!("server error: {}", text(rest))),
            false,
        ));
    }
    if line.starts_with(b"BUSY")
        || line.starts_with(b"BADCLASS")
        || line.starts_with(b"MEMLIMIT_TOO_SMALL")
    {
        return Some((
            Error::new(ErrorKind::Server, format!("server error: {}", text(line))),
            true,
        ));
    }
    None
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}
