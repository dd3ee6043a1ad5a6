//! The values that are most likely to come: those of the next keys, whole.
//!
//! Servers answer a text retrieval in the order of its keys, and most values lie
//! in one chunk. Such values are taken here, by comparing what came with the key
//! that is due. Whatever else comes is left to those who look closer: a value
//! that spans chunks, an answer out of order, the end, errors.

use std::borrow::Cow;

use super::join::split_key;
use super::{Connection, Expected, Received};
use crate::protocol::expect::{Shape, number, short_number_before};
use crate::protocol::hits::{Hit, Hits};
use crate::protocol::{Item, Limits, Reply};

/// What the announcement of a value begins with.
const VALUE: &[u8; 6] = b"VALUE ";

impl<T: Copy> Connection<T> {
    /// Takes values from the front of `chunk` that answer the oldest request,
    /// and gives them to `take` with its tag, several at a time, as long as they
    /// are hits of a text retrieval and whole.
    ///
    /// This is the short way of [`receive`](Self::receive) for many values, and
    /// need not be taken: that returns the same hits one by one, and all that is
    /// left here. Call it when this returns.
    #[inline]
    pub fn receive_hits<'c>(&mut self, chunk: &mut &'c [u8], take: impl FnMut(T, &mut Hits<'c>)) {
        if let Some(front) = self.expected.front()
            && let (Shape::TextRetrieve { cas }, Some(tag)) = (front.shape, front.tag)
            && chunk.starts_with(VALUE)
            && self.is_between_lines()
        {
            if cas {
                self.take_hits::<true>(tag, chunk, take);
            } else {
                self.take_hits::<false>(tag, chunk, take);
            }
        }
    }

    /// Whether the next byte begins a line of the oldest request's reply.
    fn is_between_lines(&self) -> bool {
        !self.broken
            && self.body.is_none()
            && self.closing.is_none()
            && self.carry.is_empty()
            && self.refused.is_empty()
    }

    /// Takes hits of the oldest request. Apart, since other replies are not to
    /// pay for the room that hits need.
    #[inline(never)]
    fn take_hits<'c, const CAS: bool>(
        &mut self,
        tag: T,
        chunk: &mut &'c [u8],
        mut take: impl FnMut(T, &mut Hits<'c>),
    ) {
        let Some(front) = self.expected.front_mut() else {
            return;
        };
        let mut due = Due::of(front, &self.keys[self.keys_head..]);
        let mut hits = Hits::new();
        loop {
            let all = *chunk;
            while hits.has_room(all.len() - chunk.len())
                && let Some(hit) = due.next::<CAS>(chunk, &self.limits, &mut self.seen)
            {
                hits.push(hit);
            }
            if hits.is_empty() {
                return;
            }
            self.received = true;
            (front.index, front.cursor) = due.position();
            hits.lie_in(&all[..all.len() - chunk.len()]);
            take(tag, &mut hits);
            hits.clear();
        }
    }

    /// Takes the value of the next key of a text retrieval when it is all that
    /// `chunk` begins with.
    #[inline]
    pub(super) fn receive_next_value<'c>(
        &mut self,
        shape: Shape,
        chunk: &mut &'c [u8],
    ) -> Option<Received<'c, T>> {
        if !self.carry.is_empty() {
            return None;
        }
        match shape {
            Shape::TextJoined => self.receive_next_joined(chunk),
            Shape::TextRetrieve { cas } => self.receive_next_hit(cas, chunk),
            _ => None,
        }
    }

    /// The same of a retrieval of several keys.
    fn receive_next_hit<'c>(&mut self, cas: bool, chunk: &mut &'c [u8]) -> Option<Received<'c, T>> {
        let front = self.expected.front_mut()?;
        let tag = front.tag?;
        let mut due = Due::of(front, &self.keys[self.keys_head..]);
        let hit = if cas {
            due.next::<true>(chunk, &self.limits, &mut self.seen)?
        } else {
            due.next::<false>(chunk, &self.limits, &mut self.seen)?
        };
        (front.index, front.cursor) = due.position();
        Some(Received {
            tag,
            reply: Reply::Item(hit.into()),
            last: false,
        })
    }

    /// The same of one of the reads that share a reply.
    fn receive_next_joined<'c>(&mut self, chunk: &mut &'c [u8]) -> Option<Received<'c, T>> {
        let front = self.expected.front()?;
        let (index, cursor) = (front.index as usize, front.cursor as usize);
        let (key, _) = split_key(&self.keys[self.keys_head + cursor..])?;
        let line = chunk.strip_prefix(VALUE)?;
        let rest = line.strip_prefix(key)?.strip_prefix(b" ")?;
        let value = Announced::read(rest)?;
        if !value.is_within(&self.limits, chunk)
            || (index > 0 && !self.expected.get(index - 1)?.more)
        {
            return None;
        }
        let tag = self.expected.get_mut(index)?.tag.take()?;
        let next = cursor + 2 + key.len();
        let front = self.expected.front_mut()?;
        (front.index, front.cursor) = (index as u32 + 1, next as u32);
        *chunk = value.rest;
        let item = Item {
            value: Cow::Borrowed(value.bytes),
            flags: value.flags,
            ..Item::default()
        };
        Some(Received {
            tag,
            reply: Reply::Item(item),
            last: true,
        })
    }
}

/// The keys of a retrieval that are to be answered next.
struct Due<'k> {
    keys: &'k [u8],
    /// The number of the first one.
    index: u32,
    /// How many bytes the keys of the retrieval have, answered ones included.
    asked: usize,
}

impl<'k> Due<'k> {
    /// The keys of a request, which `keys` begin with, from its cursor on.
    #[inline]
    fn of<T>(request: &Expected<T>, keys: &'k [u8]) -> Self {
        let asked = request.key_bytes as usize;
        Self {
            keys: &keys[request.cursor as usize..asked],
            index: request.index,
            asked,
        }
    }

    /// Index and cursor of the request whose keys are left.
    #[inline]
    const fn position(&self) -> (u32, u32) {
        (self.index, (self.asked - self.keys.len()) as u32)
    }

    /// Takes the hit that `chunk` begins with, when it is whole. Keys that are
    /// passed over were misses.
    #[inline(always)]
    fn next<'c, const CAS: bool>(
        &mut self,
        chunk: &mut &'c [u8],
        limits: &Limits,
        seen: &mut Vec<u64>,
    ) -> Option<Hit<'c>> {
        let line = chunk.strip_prefix(VALUE)?;
        let (mut keys, mut index) = (self.keys, self.index);
        let rest = loop {
            let (key, behind) = split_key(keys)?;
            keys = behind;
            index += 1;
            if let Some((named, [b' ', rest @ ..])) = line.split_at_checked(key.len())
                && are_equal(named, key)
            {
                break rest;
            }
        };
        let value = if CAS {
            Announced::read_with_cas(rest)?
        } else {
            Announced::read(rest)?
        };
        let number = index as usize - 1;
        if !value.is_within(limits, chunk) || !note(seen, number) {
            return None;
        }
        (self.keys, self.index) = (keys, index);
        *chunk = value.rest;
        Some(Hit {
            index: number,
            flags: value.flags,
            cas: value.cas,
            value: value.bytes,
        })
    }
}

/// Whether two keys of one length are the same: most are too short for the call
/// of a function to pay.
#[inline(always)]
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let (Some(end), Some(other_end)) = (one.last_chunk::<8>(), other.last_chunk::<8>()) else {
        return one.iter().zip(other).all(|(one, other)| one == other);
    };
    // The last eight are looked at whole, some of them twice.
    let words = one.as_chunks::<8>().0.iter().zip(other.as_chunks().0);
    end == other_end && words.into_iter().all(|(one, other)| one == other)
}

/// What stands behind the key of a value.
struct Announced<'c> {
    flags: u32,
    cas: Option<u64>,
    bytes: &'c [u8],
    /// What stands behind the value.
    rest: &'c [u8],
}

impl<'c> Announced<'c> {
    /// Reads `<flags> <length>`, and the value when it is whole.
    #[inline(always)]
    fn read(line: &'c [u8]) -> Option<Self> {
        let (flags, line) = short_number_before(b" ", line)?;
        let (length, line) = short_number_before(b"\r\n", line)?;
        Self::new(flags, length, None, line)
    }

    /// Reads `<flags> <length> <cas>`, and the value when it is whole.
    #[inline(always)]
    fn read_with_cas(line: &'c [u8]) -> Option<Self> {
        let (flags, line) = short_number_before(b" ", line)?;
        let (length, line) = short_number_before(b" ", line)?;
        let end = line.iter().take(21).position(|byte| *byte == b'\r')?;
        let (cas, line) = line.split_at(end);
        Self::new(
            flags,
            length,
            Some(number(cas)?),
            line.strip_prefix(b"\r\n")?,
        )
    }

    /// What `line` announces, whose own end is taken off.
    #[inline(always)]
    fn new(flags: u32, length: u32, cas: Option<u64>, line: &'c [u8]) -> Option<Self> {
        let (block, rest) = line.split_at_checked((length as usize).checked_add(2)?)?;
        let (bytes, end) = block.split_last_chunk()?;
        (end == b"\r\n").then_some(Self {
            flags,
            cas,
            bytes,
            rest,
        })
    }

    /// Whether the value that `chunk` begins with and its line keep to the limits.
    #[inline]
    fn is_within(&self, limits: &Limits, chunk: &[u8]) -> bool {
        let line = chunk.len() - self.rest.len() - self.bytes.len() - 2;
        self.bytes.len() <= limits.value && line <= limits.line
    }
}

/// Notes that a key is answered; tells whether it was not.
#[inline(always)]
fn note(seen: &mut Vec<u64>, index: usize) -> bool {
    let (word, bit) = (index / 64, 1_u64 << (index % 64));
    let Some(word) = seen.get_mut(word) else {
        return note_further(seen, word, bit);
    };
    let is_new = *word & bit == 0;
    *word |= bit;
    is_new
}

/// The same of a key behind all that were answered.
#[cold]
#[inline(never)]
fn note_further(seen: &mut Vec<u64>, word: usize, bit: u64) -> bool {
    seen.resize(word, 0);
    seen.push(bit);
    true
}
