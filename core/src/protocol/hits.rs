//! Hits that came together.

use std::borrow::Cow;

use super::Item;

/// How many hits are handed out at once, at most.
const MOST: usize = 64;

/// Hits whose values have so many bytes are handed out before there are more.
const ENOUGH: usize = 8 * 1024;

/// A hit that lies in the received chunk, of a retrieval that asked for no more
/// than value and cas id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hit<'c> {
    /// Which of the keys asked for, by position.
    pub index: usize,
    /// The stored flags.
    pub flags: u32,
    /// The cas id, if it was asked for.
    pub cas: Option<u64>,
    /// The stored bytes.
    pub value: &'c [u8],
}

impl<'c> From<Hit<'c>> for Item<'c> {
    #[inline]
    fn from(hit: Hit<'c>) -> Self {
        Self {
            index: hit.index,
            value: Cow::Borrowed(hit.value),
            flags: hit.flags,
            cas: hit.cas,
            ..Self::default()
        }
    }
}

/// Hits that follow each other in the received chunk: up to 64, and no more
/// after 8 KiB of values.
#[derive(Debug)]
pub struct Hits<'c> {
    list: [Hit<'c>; MOST],
    count: usize,
    chunk: &'c [u8],
}

impl<'c> Hits<'c> {
    pub(super) const fn new() -> Self {
        let none = Hit {
            index: 0,
            flags: 0,
            cas: None,
            value: &[],
        };
        Self {
            list: [none; MOST],
            count: 0,
            chunk: &[],
        }
    }

    /// Takes what `next` returns in place of those that were there, as long as it
    /// is something and there is room.
    #[inline(always)]
    pub(super) fn fill(&mut self, mut next: impl FnMut() -> Option<Hit<'c>>) {
        let (mut count, mut bytes) = (0, 0);
        for place in &mut self.list {
            let Some(hit) = next() else {
                break;
            };
            *place = hit;
            count += 1;
            bytes += hit.value.len();
            if bytes >= ENOUGH {
                break;
            }
        }
        self.count = count;
    }

    pub(super) const fn lie_in(&mut self, chunk: &'c [u8]) {
        self.chunk = chunk;
    }

    /// Changes the positions.
    pub(crate) fn renumber(&mut self, position: impl Fn(usize) -> usize) {
        for hit in &mut self.list[..self.count] {
            hit.index = position(hit.index);
        }
    }

    /// Returns the hits, in the order in which they came.
    #[must_use]
    pub fn as_slice(&self) -> &[Hit<'c>] {
        &self.list[..self.count]
    }

    /// Returns the received bytes that the values lie in.
    #[must_use]
    pub const fn chunk(&self) -> &'c [u8] {
        self.chunk
    }
}
