//! The value that is most likely to come: that of the next key, whole.

use std::borrow::Cow;

use super::join::split_key;
use super::{Connection, Received};
use crate::protocol::Reply;
use crate::protocol::expect::{Shape, short_number_before};
use crate::protocol::reply::Item;

impl<T: Copy> Connection<T> {
    /// Takes the value of the next key of a text retrieval when it is all that
    /// `chunk` begins with. Whatever else comes is left to those who look
    /// closer, errors included.
    #[inline]
    pub(super) fn receive_next_value<'c>(
        &mut self,
        shape: Shape,
        chunk: &mut &'c [u8],
    ) -> Option<Received<'c, T>> {
        let joined = match shape {
            Shape::TextJoined => true,
            Shape::TextRetrieve { cas: false } => false,
            _ => return None,
        };
        if !self.carry.is_empty() {
            return None;
        }
        let front = self.expected.front()?;
        let (index, cursor) = (front.index as usize, front.cursor as usize);
        if !joined && cursor >= front.key_bytes as usize {
            return None;
        }
        let (key, _) = split_key(&self.keys[self.keys_head + cursor..])?;
        let rest = chunk.strip_prefix(b"VALUE ")?;
        let rest = rest.strip_prefix(key)?.strip_prefix(b" ")?;
        let (flags, rest) = short_number_before(b' ', rest)?;
        let (length, rest) = short_number_before(b'\r', rest)?;
        let rest = rest.strip_prefix(b"\n")?;
        let header = chunk.len() - rest.len();
        let length = length as usize;
        let (value, end) = rest.split_at_checked(length)?;
        let rest = end.strip_prefix(b"\r\n")?;
        if length > self.limits.value || header > self.limits.line {
            return None;
        }
        let next = cursor + 2 + key.len();
        let tag = if joined {
            if index > 0 && !self.expected.get(index - 1)?.more {
                return None;
            }
            self.expected.get_mut(index)?.tag.take()?
        } else {
            let (word, bit) = (index / 64, 1_u64 << (index % 64));
            if self.seen.len() <= word {
                self.seen.resize(word + 1, 0);
            }
            if self.seen[word] & bit != 0 {
                return None;
            }
            self.seen[word] |= bit;
            self.expected.front()?.tag?
        };
        let front = self.expected.front_mut()?;
        (front.index, front.cursor) = (index as u32 + 1, next as u32);
        *chunk = rest;
        let item = Item {
            index: if joined { 0 } else { index },
            value: Cow::Borrowed(value),
            flags,
            ..Item::default()
        };
        Some(Received {
            tag,
            reply: Reply::Item(item),
            last: joined,
        })
    }
}
