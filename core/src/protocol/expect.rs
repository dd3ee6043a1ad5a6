//! What a codec tells the connection: which reply to expect, and what a line means.

use super::{Item, Reply};
use crate::error::{Error, ErrorKind};

/// The form of the reply that a request has coming.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// The answer to username and password.
    Auth,
    MetaArithmetic,
    MetaDelete,
    MetaRetrieve,
    MetaStore,
    /// Errors of quiet stores, and the end of their batch.
    MetaStoreMany,
    MetaTouch,
    Noop,
    /// The question which codec the peer speaks.
    Probe,
    TextArithmetic,
    TextDelete,
    TextDump,
    /// One of several reads that share a command.
    TextJoined,
    TextOk,
    TextRetrieve {
        cas: bool,
    },
    TextStats,
    TextStore,
    /// As many replies as the batch has items.
    TextStoreMany {
        count: u32,
    },
    TextTouch,
    TextVersion,
}

impl Shape {
    /// Whether the request has data, which a peer that refuses its command may
    /// take for commands.
    pub(super) const fn has_data(self) -> bool {
        matches!(
            self,
            Self::MetaStore | Self::MetaStoreMany | Self::TextStore | Self::TextStoreMany { .. }
        )
    }

    pub(super) const fn is_meta(self) -> bool {
        matches!(
            self,
            Self::MetaArithmetic
                | Self::MetaDelete
                | Self::MetaRetrieve
                | Self::MetaStore
                | Self::MetaStoreMany
                | Self::MetaTouch
                | Self::Noop
        )
    }
}

/// What one line of a reply means.
pub(super) enum Line<'a> {
    /// More lines follow.
    Part(Reply<'a>),
    /// The reply is complete.
    Last(Reply<'a>),
    /// The peer refused the request; `in_step` when what follows is surely a reply.
    Failed { error: Error, in_step: bool },
    /// A value follows, more after it; its key is still to be verified.
    Value {
        key: &'a [u8],
        flags: u32,
        length: usize,
        cas: Option<u64>,
    },
    /// A value follows, and nothing after it.
    Body { length: usize, item: Item<'static> },
    /// A counter's digits follow, and nothing after them.
    NumberBody { length: usize },
}

/// Splits off the text before the first space.
pub(super) fn token(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', line) {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, &[]),
    }
}

/// Reads a decimal number of digits alone.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    atoi_simd::parse_pos::<u64>(digits).ok()
}

/// Reads a decimal number of up to 32 bits that begins at `start` and is followed
/// by `end`; returns it and what stands behind that.
#[inline]
pub(super) fn short_number_before(end: u8, line: &[u8], start: usize) -> Option<(u32, usize)> {
    let mut number = 0_u64;
    let mut at = start;
    while let Some(byte) = line.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            let is_number = *byte == end && at > start && at - start <= 10;
            let number = u32::try_from(number).ok().filter(|_| is_number)?;
            return Some((number, at + 1));
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    None
}

/// Splits off a decimal number of up to 32 bits before a space or the end.
pub(super) fn short_number(line: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = token(line);
    let number = number(digits)?;
    Some((u32::try_from(number).ok()?, rest))
}

/// How the message about such a line begins; behind it is a word of the line.
pub(crate) const UNEXPECTED: &str = "unexpected reply";

/// The error for a line that answers nothing that was asked.
#[cold]
pub(crate) fn bad_line(line: &[u8]) -> Error {
    // The first word tells what came; the rest may hold keys or values.
    let (word, _) = token(line);
    let word = &word[..word.len().min(24)];
    let message = format!("{UNEXPECTED} \"{}\"", word.escape_ascii());
    Error::new(ErrorKind::Protocol, message)
}
