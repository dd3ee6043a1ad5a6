//! Hits that came together.

use std::borrow::Cow;

use super::Item;

/// How many hits are handed out at once, at most.
const MOST: usize = 64;

/// Hits with so many bytes are handed out before there are more.
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
/// after 8 KiB.
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

    /// Whether another one may be added to those, which have so many bytes.
    #[inline]
    pub(super) const fn has_room(&self, bytes: usize) -> bool {
        self.count < MOST && bytes < ENOUGH
    }

    #[inline]
    pub(super) const fn push(&mut self, hit: Hit<'c>) {
        self.list[self.count] = hit;
        self.count += 1;
    }

    pub(super) const fn lie_in(&mut self, chunk: &'c [u8]) {
        self.chunk = chunk;
    }

    pub(super) const fn clear(&mut self) {
        self.count = 0;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
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
