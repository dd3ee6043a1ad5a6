//! Reading: received bytes in, replies out.

use std::borrow::Cow;

use super::join::Closing;
use super::remembered::split_key;
use super::{Body, Connection, Expected, FIRST_RESERVATION, KEPT_KEYS, RESERVED_AHEAD, Received};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::expect::{Line, Shape, number};
use crate::protocol::reply::{self, Item};
use crate::protocol::{Codec, Reply, credentials, dump, meta, text};

/// What a line holds.
enum Found<'l> {
    /// What concerns the connection alone.
    Nothing,
    /// A reply, or a part of one, and whether it is the last.
    Reply(Reply<'l>, bool),
    /// The announcement of a value.
    Value(Body),
}

impl<T: Copy> Connection<T> {
    /// Takes received bytes from the front of `chunk` and returns the next reply.
    ///
    /// `None` means that the chunk is used up. Values that lie in the chunk are
    /// borrowed from it; a value that spans chunks is collected once and owned.
    /// Time is linear in the bytes received.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when the bytes are no answer to what was asked,
    /// or over a limit.
    pub fn receive<'c>(&mut self, chunk: &mut &'c [u8]) -> Result<Option<Received<'c, T>>> {
        loop {
            if let Some((tag, error)) = self.refused.pop_front() {
                return Ok(Some(Received {
                    tag,
                    reply: Reply::Failed(error),
                    last: true,
                }));
            }
            if self.broken {
                let message = "connection was given up after an error reply";
                return Err(Error::new(ErrorKind::ConnectionLost, message));
            }
            if let Some(body) = self.body.take() {
                return self.receive_body(body, chunk);
            }
            if let Some(closing) = self.closing.take() {
                if let Some(received) = self.close_run(closing) {
                    return Ok(Some(received));
                }
                continue;
            }
            if chunk.is_empty() {
                return Ok(None);
            }
            let Some(front) = self.expected.front() else {
                return Err(protocol_error("server sent bytes that nobody asked for"));
            };
            let (shape, opaque) = (front.shape, front.opaque);
            self.received = true;
            if let Some(received) = self.receive_next_value(shape, chunk) {
                return Ok(Some(received));
            }
            let Some(feed) = memchr::memchr(b'\n', chunk) else {
                self.check_line(chunk.len())?;
                self.carry.extend_from_slice(chunk);
                *chunk = &[];
                return Ok(None);
            };
            self.check_line(feed)?;
            let (head, tail) = chunk.split_at(feed + 1);
            *chunk = tail;
            let found = if self.carry.is_empty() {
                self.take_line(shape, opaque, trim(head))?
            } else {
                // A line that spans chunks is rare: what it borrows is copied.
                let mut carry = std::mem::take(&mut self.carry);
                carry.extend_from_slice(head);
                let found = match self.take_line(shape, opaque, trim(&carry))? {
                    Found::Reply(reply, last) => Found::Reply(reply.into_owned(), last),
                    Found::Value(body) => Found::Value(body),
                    Found::Nothing => Found::Nothing,
                };
                carry.clear();
                self.carry = carry;
                found
            };
            let (reply, last) = match found {
                Found::Reply(reply, last) => (reply, last),
                Found::Value(body) => return self.receive_body(body, chunk),
                Found::Nothing => continue,
            };
            let tag = if last {
                self.pop()
            } else {
                self.expected.front().and_then(|front| front.tag)
            };
            let Some(tag) = tag else {
                return Err(protocol_error(
                    "a reply to a question of the connection's own",
                ));
            };
            return Ok(Some(Received { tag, reply, last }));
        }
    }

    /// Reads one line.
    fn take_line<'l>(&mut self, shape: Shape, opaque: u32, line: &'l [u8]) -> Result<Found<'l>> {
        if shape == Shape::Auth {
            credentials::parse(line)?;
            self.authenticating = false;
            // What is known so far says nothing about the codec.
            self.received = false;
            self.pop();
            self.release_held();
            return Ok(Found::Nothing);
        }
        if shape == Shape::Probe {
            self.codec = Some(if line == b"MN" {
                Codec::Meta
            } else {
                Codec::Text
            });
            self.pop();
            self.release_held();
            return Ok(Found::Nothing);
        }
        if shape == Shape::MetaStoreMany && line == b"HD" {
            // A peer that does not know how to be quiet.
            return Ok(Found::Nothing);
        }
        let body = match parse(shape, opaque, line)? {
            Line::Part(reply) => return Ok(Found::Reply(reply, false)),
            Line::Last(_) if shape == Shape::TextJoined => {
                self.closing = Some(Closing::Missed);
                return Ok(Found::Nothing);
            }
            Line::Last(reply) => return Ok(Found::Reply(reply, self.completes(shape))),
            Line::Failed { error, .. } if shape == Shape::TextJoined => {
                self.closing = Some(Closing::Failed(error));
                return Ok(Found::Nothing);
            }
            Line::Failed { error, in_step } => {
                if in_step && shape == Shape::MetaStoreMany {
                    return Ok(Found::Reply(Reply::Refused(error), false));
                }
                // The data block may be taken for commands now.
                self.broken = shape.has_data() && !in_step;
                let last = self.broken || self.completes(shape);
                return Ok(Found::Reply(Reply::Failed(error), last));
            }
            Line::Value {
                key,
                flags,
                length,
                cas,
            } => {
                let joined = shape == Shape::TextJoined;
                let found = if joined {
                    self.find_member(key)
                } else {
                    self.find_key(key)
                };
                let index = found.ok_or_else(|| {
                    protocol_error("server sent a value for a key that was not asked for")
                })?;
                let item = Item {
                    index: if joined { 0 } else { index },
                    flags,
                    cas,
                    ..Item::default()
                };
                Body {
                    item,
                    length,
                    buffer: Vec::new(),
                    last: joined,
                    number: false,
                    member: joined.then_some(index),
                }
            }
            Line::Body { length, item } => Body {
                item,
                length,
                buffer: Vec::new(),
                last: true,
                number: false,
                member: None,
            },
            Line::NumberBody { length } => Body {
                item: Item::default(),
                length,
                buffer: Vec::new(),
                last: true,
                number: true,
                member: None,
            },
        };
        if body.length > self.limits.value {
            let message = format!(
                "server announced a value of {} bytes, the limit is {}",
                body.length, self.limits.value
            );
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        Ok(Found::Value(body))
    }

    /// Notes a reply, and tells whether it is the last one of its request.
    fn completes(&mut self, shape: Shape) -> bool {
        let (Shape::TextStoreMany { count }, Some(front)) = (shape, self.expected.front_mut())
        else {
            return true;
        };
        front.index += 1;
        front.index >= count
    }

    fn check_line(&self, more: usize) -> Result<()> {
        if self.carry.len() + more > self.limits.line {
            let message = format!("a reply line is over {} bytes long", self.limits.line);
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        Ok(())
    }

    /// Takes the value in progress, or what the chunk holds of it.
    fn receive_body<'c>(
        &mut self,
        mut body: Body,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Received<'c, T>>> {
        let total = body.length + 2;
        let value = if body.buffer.is_empty() && chunk.len() >= total {
            let (value, tail) = chunk.split_at(total);
            *chunk = tail;
            check_end(value)?;
            Cow::Borrowed(&value[..body.length])
        } else {
            self.received |= !chunk.is_empty();
            let missing = total - body.buffer.len();
            let (part, tail) = chunk.split_at(missing.min(chunk.len()));
            *chunk = tail;
            if body.buffer.capacity() - body.buffer.len() < part.len() {
                // Never the claimed length at once: it may be a lie.
                let room = (body.buffer.len() + part.len()).saturating_mul(RESERVED_AHEAD);
                let room = room.max(FIRST_RESERVATION);
                body.buffer.reserve_exact(room.min(missing).max(part.len()));
            }
            body.buffer.extend_from_slice(part);
            if body.buffer.len() < total {
                self.body = Some(body);
                return Ok(None);
            }
            check_end(&body.buffer)?;
            body.buffer.truncate(body.length);
            Cow::Owned(std::mem::take(&mut body.buffer))
        };
        let (last, member) = (body.last, body.member);
        let reply = if body.number {
            let digits = number(value.trim_ascii_end());
            Reply::Number(digits.ok_or_else(|| protocol_error("a counter's reply is no number"))?)
        } else {
            Reply::Item(Item { value, ..body.item })
        };
        let tag = match member {
            Some(member) => self.answer_member(member),
            None if last => self.pop(),
            None => self.expected.front().and_then(|front| front.tag),
        };
        let Some(tag) = tag else {
            return Err(protocol_error("a value without a request"));
        };
        Ok(Some(Received { tag, reply, last }))
    }

    /// Forgets the oldest request, which is answered.
    fn pop(&mut self) -> Option<T> {
        self.pop_expected()?.tag
    }

    pub(super) fn pop_expected(&mut self) -> Option<Expected<T>> {
        let done = self.expected.pop_front()?;
        self.keys_head += done.key_bytes as usize;
        if self.keys_head == self.keys.len() {
            self.keys.clear();
            self.keys_head = 0;
        } else if self.keys_head > KEPT_KEYS {
            // On a connection that never runs dry the buffer would grow for ever.
            self.keys.drain(..self.keys_head);
            self.keys_head = 0;
        }
        self.seen.clear();
        Some(done)
    }

    /// Finds which of the keys asked for is answered: usually the next one,
    /// since servers answer in order; proxies may not.
    fn find_key(&mut self, key: &[u8]) -> Option<usize> {
        let front = self.expected.front_mut()?;
        let keys = &self.keys[self.keys_head..][..front.key_bytes as usize];
        let seen = &mut self.seen;
        let mut search = |mut offset: usize, mut index: usize, until: usize| {
            while offset < until {
                let (own, _) = split_key(&keys[offset..])?;
                let next = offset + own.len() + 1;
                let (word, bit) = (index / 64, 1_u64 << (index % 64));
                if own == key && seen.get(word).is_none_or(|w| w & bit == 0) {
                    if seen.len() <= word {
                        seen.resize(word + 1, 0);
                    }
                    seen[word] |= bit;
                    return Some((index, next));
                }
                offset = next;
                index += 1;
            }
            None
        };
        let cursor = front.cursor as usize;
        let (index, next) =
            search(cursor, front.index as usize, keys.len()).or_else(|| search(0, 0, cursor))?;
        front.cursor = next as u32;
        front.index = index as u32 + 1;
        Some(index)
    }
}

fn parse<'a>(shape: Shape, opaque: u32, line: &'a [u8]) -> Result<Line<'a>> {
    // The first letters of error lines; "STORED" and "EN" share one with them.
    if matches!(line.first(), Some(b'S' | b'C' | b'E' | b'B' | b'M'))
        && line.len() > 4
        && let Some((error, in_step)) = reply::failure(line)
    {
        let error = match shape {
            Shape::TextDump => dump::refusal(error),
            _ => error,
        };
        return Ok(Line::Failed { error, in_step });
    }
    if shape.is_meta() {
        meta::parse(shape, opaque, line)
    } else {
        text::parse(shape, line)
    }
}

fn check_end(value: &[u8]) -> Result<()> {
    if value.ends_with(b"\r\n") {
        return Ok(());
    }
    Err(protocol_error("a value does not end where its length says"))
}

fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cold]
fn protocol_error(message: &'static str) -> Error {
    Error::new(ErrorKind::Protocol, message)
}
