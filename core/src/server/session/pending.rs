//! A value on its way in, collected in the very form in which it is stored.
//!
//! The buffer grows with what arrives, never with what a header claims: a lie
//! costs at most [`FIRST_PIECE`] bytes. What it takes counts against the memory
//! limit.

use super::meta_update::MetaReply;
use super::storing::{Answer, Order, answer};
use crate::server::shared::Access;
use crate::server::store::commands::{Terms, Value};
use crate::server::store::item::{BINARY_KEY, Draft, Item};

/// Bytes that are reserved before anything has arrived.
const FIRST_PIECE: usize = 64 << 10;

/// How far feeding has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fed {
    /// More is to come.
    More,
    /// The data block is complete.
    Full,
    /// The data block does not end in CR LF.
    BadData,
    /// The memory limit leaves no room; so many bytes are still to come.
    NoMemory(usize),
}

/// See the [module docs](self).
pub(super) struct Pending {
    /// The item, up to the part of the value that has arrived.
    buffer: Vec<u8>,
    /// Bytes of the whole item.
    size: usize,
    hash: u64,
    terms: Terms,
    answer: OwnedAnswer,
    /// Bytes that count against the limit.
    reserved: usize,
    /// Bytes of the line end that have arrived, and whether they were right.
    line_end: (usize, bool),
}

enum OwnedAnswer {
    Borrowed(Answer<'static>),
    Meta {
        flags: Box<[u8]>,
        quiet: bool,
        binary_key: bool,
    },
}

impl Pending {
    /// Begins to collect; `None` when the memory limit leaves no room.
    pub(super) fn begin(access: &mut Access<'_>, order: &Order<'_>) -> Option<Self> {
        let size = order.draft.size(order.length);
        let reserved = size.min(FIRST_PIECE);
        if !access.store(order.hash).reserve_pending(reserved) {
            return None;
        }
        let mut buffer = Vec::with_capacity(reserved);
        buffer.resize(order.draft.size(0), 0);
        order.draft.write_head(&mut buffer, order.length, 0, 0);
        let answer = match order.answer {
            Answer::Binary(header) => OwnedAnswer::Borrowed(Answer::Binary(header)),
            Answer::Text { noreply } => OwnedAnswer::Borrowed(Answer::Text { noreply }),
            Answer::Meta(meta) => OwnedAnswer::Meta {
                flags: meta.flags.into(),
                quiet: meta.quiet,
                binary_key: meta.binary_key,
            },
        };
        Some(Self {
            buffer,
            size,
            hash: order.hash,
            terms: order.terms,
            answer,
            reserved,
            line_end: (0, true),
        })
    }

    /// Takes from `input` what belongs to the data block.
    pub(super) fn feed(&mut self, access: &mut Access<'_>, input: &[u8]) -> (usize, Fed) {
        let wanted = (self.size - self.buffer.len()).min(input.len());
        if self.buffer.len() + wanted > self.reserved {
            let more = self.size - self.reserved;
            if !access.store(self.hash).reserve_pending(more) {
                let left = self.size - self.buffer.len() + self.answer().line_end();
                return (0, Fed::NoMemory(left));
            }
            self.reserved += more;
            self.buffer.reserve_exact(self.size - self.buffer.len());
        }
        self.buffer.extend_from_slice(&input[..wanted]);
        if self.buffer.len() < self.size {
            return (wanted, Fed::More);
        }
        let mut used = wanted;
        let end_length = self.answer().line_end();
        let (seen, right) = &mut self.line_end;
        while *seen < end_length {
            let Some(byte) = input.get(used) else {
                return (used, Fed::More);
            };
            *right &= *byte == b"\r\n"[*seen];
            *seen += 1;
            used += 1;
        }
        (used, if *right { Fed::Full } else { Fed::BadData })
    }

    /// Returns how many bytes are still to come, line end included.
    pub(super) fn left(&self) -> usize {
        let (seen, _) = self.line_end;
        self.size - self.buffer.len() + self.answer().line_end() - seen
    }

    /// Stores the value and answers.
    pub(super) fn store(self, access: &mut Access<'_>, output: &mut Vec<u8>) {
        let item = Item::new(&self.buffer);
        let (key, length) = (item.key().to_vec(), item.length());
        let draft = Draft {
            key: &key,
            flags: item.flags(),
            expires: item.expires(),
            marks: item.marks() & BINARY_KEY,
        };
        let (wanted, terms) = (self.answer, self.terms);
        let store = access.store(self.hash);
        store.release_pending(self.reserved);
        let stored = store.store(self.hash, draft, terms, Value::Built(self.buffer));
        answer(wanted.as_answer(), &key, stored, length, output);
    }

    /// Gives up the value.
    pub(super) fn release(&self, access: &mut Access<'_>) {
        access.store(self.hash).release_pending(self.reserved);
    }

    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn key(&self) -> &[u8] {
        Item::new(&self.buffer).key()
    }

    pub(super) fn answer(&self) -> Answer<'_> {
        self.answer.as_answer()
    }
}

impl OwnedAnswer {
    fn as_answer(&self) -> Answer<'_> {
        match self {
            Self::Borrowed(answer) => *answer,
            Self::Meta {
                flags,
                quiet,
                binary_key,
            } => Answer::Meta(MetaReply {
                flags,
                quiet: *quiet,
                binary_key: *binary_key,
            }),
        }
    }
}
