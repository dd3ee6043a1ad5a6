//! The values that are most likely to come: those of the next keys, whole.
//!
//! Servers answer a text retrieval in the order of its keys, and most values lie
//! in one chunk. Such values are taken here, by comparing what came with the key
//! that is due. Whatever else comes is left to those who look closer: a value
//! that spans chunks, an answer out of order, the end, errors.

use std::borrow::Cow;

use super::join::split_key;
use super::{Connection, Received};
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
    pub fn receive_hits<'c>(
        &mut self,
        chunk: &mut &'c [u8],
        mut take: impl FnMut(T, &mut Hits<'c>),
    ) {
        let Some(front) = self.expected.front() else {
            return;
        };
        let Shape::TextRetrieve { cas } = front.shape else {
            return;
        };
        let Some(tag) = front.tag else {
            return;
        };
        if self.broken
            || self.body.is_some()
            || self.closing.is_some()
            || !self.carry.is_empty()
            || !self.refused.is_empty()
            || !chunk.starts_with(VALUE)
        {
            return;
        }
        let mut hits = Hits::new();
        loop {
            let all = *chunk;
            while hits.has_room(all.len() - chunk.len())
                && let Some(hit) = self.next_hit(cas, chunk)
            {
                hits.push(hit);
            }
            if hits.is_empty() {
                return;
            }
            hits.lie_in(&all[..all.len() - chunk.len()]);
            take(tag, &mut hits);
            hits.clear();
        }
    }

    /// Takes a hit of the text retrieval that is being answered, between two
    /// lines of its reply.
    #[inline(always)]
    fn next_hit<'c>(&mut self, cas: bool, chunk: &mut &'c [u8]) -> Option<Hit<'c>> {
        let line = chunk.strip_prefix(VALUE)?;
        let front = self.expected.front_mut()?;
        let asked = &self.keys[self.keys_head..][..front.key_bytes as usize];
        let mut keys = &asked[front.cursor as usize..];
        let mut index = front.index;
        // Keys that are passed over were misses.
        let rest = loop {
            let (key, behind) = split_key(keys)?;
            keys = behind;
            index += 1;
            if let Some([b' ', rest @ ..]) = line.strip_prefix(key) {
                break rest;
            }
        };
        let value = Announced::read(rest, cas)?;
        if !value.is_within(&self.limits, chunk) || !note(&mut self.seen, index as usize - 1) {
            return None;
        }
        *chunk = value.rest;
        self.received = true;
        (front.index, front.cursor) = (index, (asked.len() - keys.len()) as u32);
        Some(Hit {
            index: index as usize - 1,
            flags: value.flags,
            cas: value.cas,
            value: value.bytes,
        })
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
            Shape::TextRetrieve { cas } => {
                let tag = self.expected.front()?.tag?;
                let hit = self.next_hit(cas, chunk)?;
                Some(Received {
                    tag,
                    reply: Reply::Item(hit.into()),
                    last: false,
                })
            }
            _ => None,
        }
    }

    /// The same of one of the reads that share a reply.
    fn receive_next_joined<'c>(&mut self, chunk: &mut &'c [u8]) -> Option<Received<'c, T>> {
        let front = self.expected.front()?;
        let (index, cursor) = (front.index as usize, front.cursor as usize);
        let (key, _) = split_key(&self.keys[self.keys_head + cursor..])?;
        let line = chunk.strip_prefix(VALUE)?;
        let rest = line.strip_prefix(key)?.strip_prefix(b" ")?;
        let value = Announced::read(rest, false)?;
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

/// What stands behind the key of a value.
struct Announced<'c> {
    flags: u32,
    cas: Option<u64>,
    bytes: &'c [u8],
    /// What stands behind the value.
    rest: &'c [u8],
}

impl<'c> Announced<'c> {
    /// Reads `<flags> <length>[ <cas>]`, and the value when it is whole.
    #[inline(always)]
    fn read(line: &'c [u8], cas: bool) -> Option<Self> {
        let (flags, mut at) = short_number_before(b' ', line, 0)?;
        let length;
        let mut id = None;
        if cas {
            (length, at) = short_number_before(b' ', line, at)?;
            let rest = &line[at..];
            let end = rest.iter().take(21).position(|byte| *byte == b'\r')?;
            id = Some(number(&rest[..end])?);
            at += end + 1;
        } else {
            (length, at) = short_number_before(b'\r', line, at)?;
        }
        if line.get(at) != Some(&b'\n') {
            return None;
        }
        let (bytes, end) = line[at + 1..].split_at_checked(length as usize)?;
        let [b'\r', b'\n', rest @ ..] = end else {
            return None;
        };
        Some(Self {
            flags,
            cas: id,
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
#[inline]
fn note(seen: &mut Vec<u64>, index: usize) -> bool {
    let (word, bit) = (index / 64, 1_u64 << (index % 64));
    if seen.len() <= word {
        seen.resize(word + 1, 0);
    }
    let is_new = seen[word] & bit == 0;
    seen[word] |= bit;
    is_new
}
