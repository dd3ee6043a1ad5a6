//! The calls under way, and what came for them.

use std::task::Waker;

use crate::client::engine::{Handler, Ticket};
use crate::client::operation::{Outcome, Part};
use crate::client::view::Conversation;
use crate::error::Result;
use crate::protocol::Item;

/// Pieces of a stream that may wait for its caller before it is paused; those of
/// one read may come on top.
const PIECES_AHEAD: usize = 1024;

/// The calls under way and what came for them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) slots: Vec<Slot>,
    free: Vec<u32>,
    /// Tasks to wake once the lock is released.
    pub(super) wakers: Vec<Waker>,
    /// Streams whose callers are behind.
    pub(super) behind: Vec<Ticket>,
}

/// What came for one call.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) waker: Option<Waker>,
    pub(super) gathered: Gathered,
    /// Whose pieces are wanted as they come.
    pub(super) stream: Option<Ticket>,
    /// Whether the stream is paused.
    pub(super) paused: bool,
    /// Whose function is to answer.
    pub(super) asked: Option<Ticket>,
    pub(super) result: Option<Result<Outcome>>,
}

/// The pieces of a result. The first lies beside the others, so that a single
/// item costs no list.
#[derive(Debug, Default)]
pub(in crate::client) struct Gathered {
    first: Option<Piece>,
    rest: Vec<Piece>,
}

/// A piece of a result, owned.
#[derive(Debug)]
pub(in crate::client) enum Piece {
    Item(Item<'static>),
    Stat {
        endpoint: usize,
        name: Vec<u8>,
        value: Vec<u8>,
    },
    Version {
        endpoint: usize,
        version: Vec<u8>,
    },
    Line {
        endpoint: usize,
        line: Vec<u8>,
    },
}

impl Gathered {
    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }

    fn push(&mut self, part: Part<'_>) {
        let piece = match part {
            Part::Item(item) => Piece::Item(item.into_owned()),
            Part::Stat {
                endpoint,
                name,
                value,
            } => Piece::Stat {
                endpoint,
                name: name.to_vec(),
                value: value.to_vec(),
            },
            Part::Version { endpoint, version } => Piece::Version {
                endpoint,
                version: version.to_vec(),
            },
            Part::Line { endpoint, line } => Piece::Line {
                endpoint,
                line: line.to_vec(),
            },
            Part::Ok { .. } => return,
        };
        if self.is_empty() {
            self.first = Some(piece);
        } else {
            self.rest.push(piece);
        }
    }

    /// Returns the pieces in the order in which they came.
    pub(in crate::client) fn into_pieces(self) -> impl Iterator<Item = Piece> {
        self.first.into_iter().chain(self.rest)
    }

    /// Gives the pieces away in the order in which they came.
    pub(super) fn replay(self, conversation: &mut dyn Conversation) {
        for piece in self.into_pieces() {
            match piece {
                Piece::Item(item) => conversation.part(Part::Item(item)),
                Piece::Stat {
                    endpoint,
                    name,
                    value,
                } => conversation.part(Part::Stat {
                    endpoint,
                    name: &name,
                    value: &value,
                }),
                Piece::Version { endpoint, version } => conversation.part(Part::Version {
                    endpoint,
                    version: &version,
                }),
                Piece::Line { endpoint, line } => conversation.part(Part::Line {
                    endpoint,
                    line: &line,
                }),
            }
        }
    }
}

impl Handler for Calls {
    fn part(&mut self, token: u64, part: Part<'_>) {
        let slot = &mut self.slots[token as usize];
        slot.gathered.push(part);
        if let Some(ticket) = slot.stream {
            self.wakers.extend(slot.waker.take());
            if !slot.paused && slot.gathered.rest.len() >= PIECES_AHEAD {
                slot.paused = true;
                self.behind.push(ticket);
            }
        }
    }

    fn completed(&mut self, token: u64, result: Result<Outcome>) {
        let slot = &mut self.slots[token as usize];
        slot.result = Some(result);
        self.wakers.extend(slot.waker.take());
    }

    fn ask(&mut self, token: u64, ticket: Ticket) {
        let slot = &mut self.slots[token as usize];
        slot.asked = Some(ticket);
        self.wakers.extend(slot.waker.take());
    }
}

impl Calls {
    pub(super) fn open(&mut self) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        u64::from(index)
    }

    pub(super) fn close(&mut self, token: u64) -> Slot {
        self.free.push(token as u32);
        std::mem::take(&mut self.slots[token as usize])
    }
}
