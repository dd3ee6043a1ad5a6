//! Joining: plain reads of single items that gather in the output become one
//! command.
//!
//! A memcached answers `get` with many keys at a fraction of what as many
//! commands cost it, but each `get` costs it more than an `mg`. So a few reads go
//! out as `mg` each, and from [`JOINED_FROM`] on as one line, which grows until
//! it is written. Each value of the common reply names its key and is given to
//! the first read that asked for it and has none yet; the end of the reply is a
//! miss to the others, and an error is one to all that were not answered.

use xxhash_rust::xxh3::xxh3_64;

use super::remembered::{remember_key, split_key};
use super::{Connection, Received};
use crate::error::Error;
use crate::protocol::expect::Shape;
use crate::protocol::{Codec, Reply, meta};

/// How many reads go into one command at least, where the peer knows `mg`:
/// measured, memcached 1.6.18 takes as long for 13 of them either way.
const JOINED_FROM: usize = 16;

/// Bytes of a command at most: what every server takes as one line.
const LONGEST_LINE: usize = 2000;

/// The reads at the end of the output that may be asked for together.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Position of their first byte in the stream of output.
    start: u64,
    /// How many they are.
    count: usize,
    /// Whether they are one command already.
    joined: bool,
    /// Which hashes their keys have, one bit each.
    hashes: [u64; 16],
}

/// How reads end whose common reply is complete.
#[derive(Debug)]
pub(super) enum Closing {
    /// Those that got no value were misses.
    Missed,
    /// Those that got no value failed.
    Failed(Error),
}

impl<T: Copy> Connection<T> {
    /// Appends a plain read of one item to the output.
    pub(super) fn write_read(&mut self, tag: T, key: &[u8]) {
        let hash = xxh3_64(key);
        if !self.joins(key, hash) {
            self.run = Run {
                start: self.position(),
                ..Run::default()
            };
        }
        let run = &mut self.run;
        run.count += 1;
        run.hashes[(hash >> 6) as usize % 16] |= 1 << (hash % 64);
        let (start, is_meta) = (run.start, self.codec == Some(Codec::Meta));
        if run.joined {
            self.output.truncate(self.output.len() - 2);
            self.output.push(b' ');
            self.output.extend_from_slice(key);
            self.output.extend_from_slice(b"\r\n");
            if let Some(last) = self.expected.back_mut() {
                last.more = true;
            }
            self.expect(Some(tag), Shape::TextJoined, 0, start);
        } else if is_meta {
            self.opaque = self.opaque.wrapping_add(1);
            let start = self.position();
            meta::encode_read(key, self.opaque, &mut self.output);
            self.expect(Some(tag), Shape::MetaRetrieve, self.opaque, start);
        } else {
            self.output.extend_from_slice(b"get ");
            self.output.extend_from_slice(key);
            self.output.extend_from_slice(b"\r\n");
            self.run.joined = true;
            self.expect(Some(tag), Shape::TextJoined, 0, start);
        }
        remember_key(&mut self.keys, key);
        if let Some(expected) = self.expected.back_mut() {
            expected.key_bytes = key.len() as u32 + 1;
        }
        if self.run.count == JOINED_FROM && !self.run.joined {
            self.join();
        }
    }

    /// Whether a read can go with those at the end of the output.
    fn joins(&self, key: &[u8], hash: u64) -> bool {
        let run = &self.run;
        let is_written = self.written > run.start;
        let length = (self.position() - run.start) as usize + key.len() + 1;
        if run.count == 0 || is_written || length > LONGEST_LINE {
            return false;
        }
        // A key that is asked for twice has to be answered twice. memcached does
        // that; a proxy that knows no meta commands may not.
        if self.codec == Some(Codec::Meta) {
            return true;
        }
        let is_new = run.hashes[(hash >> 6) as usize % 16] & 1 << (hash % 64) == 0;
        is_new || self.keys_of_run().all(|other| other != key)
    }

    /// The keys of the reads at the end of the output.
    fn keys_of_run(&self) -> impl Iterator<Item = &[u8]> {
        let first = self.expected.len() - self.run.count;
        let bytes: u32 = self
            .expected
            .range(first..)
            .map(|read| read.key_bytes)
            .sum();
        let mut keys = &self.keys[self.keys.len() - bytes as usize..];
        std::iter::from_fn(move || {
            let (key, rest) = split_key(keys)?;
            keys = rest;
            Some(key)
        })
    }

    /// Writes the reads at the end of the output as one command instead.
    fn join(&mut self) {
        let start = self.run.start;
        let mut line = b"get".to_vec();
        for key in self.keys_of_run() {
            line.push(b' ');
            line.extend_from_slice(key);
        }
        line.extend_from_slice(b"\r\n");
        let unwritten = (start - self.written) as usize;
        self.output.truncate(self.consumed + unwritten);
        self.output.extend_from_slice(&line);
        let first = self.expected.len() - self.run.count;
        for read in self.expected.range_mut(first..) {
            read.shape = Shape::TextJoined;
            read.start = start;
            read.more = true;
        }
        if let Some(last) = self.expected.back_mut() {
            last.more = false;
        }
        self.run.joined = true;
    }

    /// Finds which of the reads that share the reply in progress a value is for:
    /// usually the next one, since servers answer in order; proxies may not.
    pub(super) fn find_member(&mut self, key: &[u8]) -> Option<usize> {
        let front = self.expected.front()?;
        let (first, offset) = (front.index as usize, front.cursor as usize);
        let found = self
            .search(key, first, offset)
            .or_else(|| self.search(key, 0, 0))?;
        let front = self.expected.front_mut()?;
        (front.index, front.cursor) = (found.0 as u32 + 1, found.1 as u32);
        Some(found.0)
    }

    /// Looks through the members from one on; returns its number and the offset
    /// of the next one's key.
    fn search(&self, key: &[u8], first: usize, offset: usize) -> Option<(usize, usize)> {
        let mut keys = &self.keys[self.keys_head + offset..];
        let length = keys.len() + offset;
        let previous_ends = first > 0 && !self.expected.get(first - 1)?.more;
        let mut over = previous_ends;
        for (index, member) in self.expected.iter().enumerate().skip(first) {
            if over {
                return None;
            }
            let (own, rest) = split_key(keys)?;
            keys = rest;
            if own == key && member.tag.is_some() {
                return Some((index, length - keys.len()));
            }
            over = !member.more;
        }
        None
    }

    /// Notes that a member has its value, and returns whose it is.
    pub(super) fn answer_member(&mut self, member: usize) -> Option<T> {
        self.expected.get_mut(member)?.tag.take()
    }

    /// Ends the next of the reads whose common reply is complete.
    pub(super) fn close_run<'c>(&mut self, closing: Closing) -> Option<Received<'c, T>> {
        while let Some(read) = self.pop_expected() {
            let reply = read.tag.map(|tag| {
                let reply = match &closing {
                    Closing::Missed => Reply::End,
                    Closing::Failed(error) => Reply::Failed(error.clone()),
                };
                Received {
                    tag,
                    reply,
                    last: true,
                }
            });
            if reply.is_some() {
                self.closing = read.more.then_some(closing);
                return reply;
            }
            if !read.more {
                return None;
            }
        }
        None
    }
}
