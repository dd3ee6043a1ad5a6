//! The values that are most likely to come: those of the next keys, whole.
//!
//! Servers answer a text retrieval in the order of its keys, and most values lie
//! in one chunk. Such values are taken here, by comparing what came with the key
//! that is due. Whatever else comes is left to those who look closer: a value
//! that spans chunks, an answer out of order, the end, errors.

use std::borrow::Cow;

use super::remembered::{split_key, take_key};
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
        if let Some(tag) = self.expects_hits(chunk)
            && let Some(front) = self.expected.front()
        {
            if front.shape == (Shape::TextRetrieve { cas: true }) {
                self.take_hits::<true>(tag, chunk, take);
            } else {
                self.take_hits::<false>(tag, chunk, take);
            }
        }
    }

    /// Returns the tag of the oldest request, if `chunk` begins with a hit of it
    /// that [`receive_hits`](Self::receive_hits) may take.
    #[inline]
    #[must_use]
    pub fn expects_hits(&self, chunk: &[u8]) -> Option<T> {
        let front = self.expected.front()?;
        let is_hit = matches!(front.shape, Shape::TextRetrieve { .. })
            && chunk.starts_with(VALUE)
            && self.is_between_lines();
        front.tag.filter(|_| is_hit)
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
        let mut due = Due::of(front, &self.keys[self.keys_head..], &self.seen);
        let mut hits = Hits::new();
        loop {
            let all = *chunk;
            hits.fill(|| due.next::<CAS>(chunk, &self.limits));
            if hits.as_slice().is_empty() {
                return;
            }
            self.received = true;
            note(&mut self.seen, hits.as_slice());
            (front.index, front.cursor) = due.position();
            hits.lie_in(&all[..all.len() - chunk.len()]);
            take(tag, &mut hits);
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
        let mut due = Due::of(front, &self.keys[self.keys_head..], &self.seen);
        let hit = if cas {
            due.next::<true>(chunk, &self.limits)?
        } else {
            due.next::<false>(chunk, &self.limits)?
        };
        note(&mut self.seen, &[hit]);
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
        let line = chunk.strip_prefix(VALUE)?;
        let keys = &self.keys[self.keys_head + cursor..];
        let (behind, rest) = take_key(keys, line)?;
        let next = cursor + keys.len() - behind.len();
        let value = Announced::read(rest, &mut Between::default())?;
        if !value.is_within(&self.limits, chunk)
            || (index > 0 && !self.expected.get(index - 1)?.more)
        {
            return None;
        }
        let tag = self.expected.get_mut(index)?.tag.take()?;
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
    /// The number of the first one that is answered already, which only servers
    /// that go back have: usually there is none.
    until: u32,
    /// How many bytes the keys of the retrieval have, answered ones included.
    asked: usize,
    between: Between,
}

impl<'k> Due<'k> {
    /// The keys of a request, which `keys` begin with, from its cursor on.
    #[inline]
    fn of<T>(request: &Expected<T>, keys: &'k [u8], seen: &[u64]) -> Self {
        let asked = request.key_bytes as usize;
        Self {
            keys: &keys[request.cursor as usize..asked],
            index: request.index,
            until: answered_from(seen, request.index as usize),
            asked,
            between: Between::default(),
        }
    }

    /// Index and cursor of the request whose keys are left.
    #[inline]
    const fn position(&self) -> (u32, u32) {
        (self.index, (self.asked - self.keys.len()) as u32)
    }

    /// Finds the key that a line begins with behind the next one; returns the keys
    /// behind it, the rest of the line, and how many keys there were until then.
    /// Apart, since most keys are the next one.
    #[inline(never)]
    fn pass_over<'l>(&self, line: &'l [u8]) -> Option<(&'k [u8], &'l [u8], u32)> {
        let (mut keys, mut index) = (self.keys, self.index);
        loop {
            (_, keys) = split_key(keys)?;
            index += 1;
            if let Some((keys, rest)) = take_key(keys, line) {
                return Some((keys, rest, index + 1));
            }
        }
    }

    /// Takes the hit that `chunk` begins with, when it is whole. Keys that are
    /// passed over were misses.
    #[inline(always)]
    fn next<'c, const CAS: bool>(
        &mut self,
        chunk: &mut &'c [u8],
        limits: &Limits,
    ) -> Option<Hit<'c>> {
        let line = behind_value(chunk)?;
        let (keys, rest, index) = match take_key(self.keys, line) {
            Some((keys, rest)) => (keys, rest, self.index + 1),
            None => self.pass_over(line)?,
        };
        let value = if CAS {
            Announced::read_with_cas(rest)?
        } else {
            Announced::read(rest, &mut self.between)?
        };
        let number = index as usize - 1;
        if !value.is_within(limits, chunk) || index > self.until {
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

/// Takes off what the announcement of a value begins with.
#[inline(always)]
fn behind_value(chunk: &[u8]) -> Option<&[u8]> {
    // All announcements are longer than the eight bytes, of which six count.
    const BEGINNING: u64 = u64::from_le_bytes(*b"VALUE \0\0");
    let differs = u64::from_le_bytes(*chunk.first_chunk()?) ^ BEGINNING;
    (differs << 16 == 0).then(|| &chunk[VALUE.len()..])
}

/// What stood between the key and the value of the hit before, when that is short:
/// the next one often has the same flags and length.
struct Between {
    /// It, in the lowest bytes.
    text: u64,
    /// Which bytes these are.
    mask: u64,
    /// How many.
    bytes: usize,
    flags: u32,
    length: u32,
}

impl Default for Between {
    /// What stands before an empty value.
    fn default() -> Self {
        Self::of(*b"0 0\r\n\0\0\0", 5, 0, 0)
    }
}

impl Between {
    /// What the first bytes of a text are.
    #[inline]
    const fn of(text: [u8; 8], bytes: usize, flags: u32, length: u32) -> Self {
        Self {
            text: u64::from_le_bytes(text),
            mask: u64::MAX >> (64 - 8 * bytes),
            bytes,
            flags,
            length,
        }
    }

    /// Reads flags and length, and returns what stands behind them.
    #[inline(always)]
    fn read<'l>(&mut self, line: &'l [u8]) -> Option<(u32, u32, &'l [u8])> {
        if let Some(text) = line.first_chunk()
            && (u64::from_le_bytes(*text) ^ self.text) & self.mask == 0
        {
            return Some((self.flags, self.length, &line[self.bytes..]));
        }
        self.read_other(line)
    }

    /// Reads others than those before. Apart, since few hits have none in common.
    #[inline(never)]
    fn read_other<'l>(&mut self, line: &'l [u8]) -> Option<(u32, u32, &'l [u8])> {
        let (flags, rest) = short_number_before(b" ", line)?;
        let (length, rest) = short_number_before(b"\r\n", rest)?;
        let bytes = line.len() - rest.len();
        if let Some(text) = line.first_chunk()
            && bytes <= text.len()
        {
            *self = Self::of(*text, bytes, flags, length);
        }
        Some((flags, length, rest))
    }
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
    fn read(line: &'c [u8], between: &mut Between) -> Option<Self> {
        let (flags, length, line) = between.read(line)?;
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

/// Returns the number of the first key from `index` on that is answered, or one
/// that no key has.
#[inline]
fn answered_from(seen: &[u64], index: usize) -> u32 {
    let (mut word, mut mask) = (index / 64, u64::MAX << (index % 64));
    while let Some(bits) = seen.get(word) {
        if bits & mask != 0 {
            return (word * 64) as u32 + (bits & mask).trailing_zeros();
        }
        (word, mask) = (word + 1, u64::MAX);
    }
    u32::MAX
}

/// Notes that keys are answered, whose numbers ascend.
#[inline]
fn note(seen: &mut Vec<u64>, hits: &[Hit<'_>]) {
    let (Some(first), Some(last)) = (hits.first(), hits.last()) else {
        return;
    };
    let words = last.index / 64 + 1;
    if seen.len() < words {
        seen.resize(words, 0);
    }
    if last.index - first.index == hits.len() - 1 {
        note_run(seen, first.index, last.index);
    } else {
        for hit in hits {
            note_run(seen, hit.index, hit.index);
        }
    }
}

/// The same of the keys from one to another.
#[inline]
fn note_run(seen: &mut [u64], first: usize, last: usize) {
    let (from, to) = (u64::MAX << (first % 64), u64::MAX >> (63 - last % 64));
    match &mut seen[first / 64..=last / 64] {
        [only] => *only |= from & to,
        [head, between @ .., tail] => {
            *head |= from;
            between.fill(u64::MAX);
            *tail |= to;
        }
        [] => {}
    }
}
