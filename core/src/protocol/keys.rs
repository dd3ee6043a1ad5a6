//! The keys of a retrieval.

use std::borrow::Cow;

use crate::key::{MAX_KEY_LENGTH, spaces_between};

/// Room for a key and its space, to begin with, in bytes.
const USUAL: usize = 32;

/// What stands before each key of a list; no key has one.
const BEFORE: u8 = b' ';

/// The keys of a retrieval.
#[derive(Clone, Debug, PartialEq)]
pub enum Keys<'a> {
    /// One key.
    One(Cow<'a, [u8]>),
    /// Several keys of one server.
    Many(KeyList),
}

impl Keys<'_> {
    /// Returns the keys in order, with a space between one and the next.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::One(key) => key,
            Self::Many(keys) => keys.as_bytes(),
        }
    }

    /// Copies what is borrowed.
    pub(super) fn into_owned(self) -> Keys<'static> {
        match self {
            Self::One(key) => Keys::One(Cow::Owned(key.into_owned())),
            Self::Many(keys) => Keys::Many(keys),
        }
    }
}

/// Several keys of one server, in the form in which a command names them: one
/// after the other, with a space before each. They are copied at once then,
/// wherever they go.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyList {
    text: Vec<u8>,
    lengths: Vec<u8>,
    /// Whether each key has a length that memcached takes.
    are_sized: bool,
}

impl Default for KeyList {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl KeyList {
    /// Creates an empty list with room for so many keys of the usual length.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self {
            text: Vec::with_capacity(count * USUAL),
            lengths: Vec::with_capacity(count),
            are_sized: true,
        }
    }

    /// Adds a key.
    #[inline(always)]
    pub fn push(&mut self, key: &[u8]) {
        self.are_sized &= (1..=MAX_KEY_LENGTH).contains(&key.len());
        // All lengths that memcached takes fit.
        self.lengths.push(key.len() as u8);
        match short(key) {
            Some(text) => {
                let end = self.text.len() + 1 + key.len();
                self.text.extend_from_slice(&text);
                self.text.truncate(end);
            }
            None => {
                self.text.push(BEFORE);
                self.text.extend_from_slice(key);
            }
        }
    }

    /// Adds a key with a prefix before it.
    pub fn push_behind(&mut self, prefix: &[u8], key: &[u8]) {
        let length = prefix.len() + key.len();
        // Without a key the prefix would be taken for one.
        self.are_sized &= !key.is_empty() && length <= MAX_KEY_LENGTH;
        self.lengths.push(length as u8);
        self.text.push(BEFORE);
        self.text.extend_from_slice(prefix);
        self.text.extend_from_slice(key);
    }

    /// Whether memcached takes each of the keys. Linear in their length.
    #[must_use]
    pub fn are_legal(&self) -> bool {
        // Each has its space, so that any further one stands in a key.
        self.are_sized && spaces_between(&self.text) == Some(self.lengths.len())
    }

    /// Whether there is no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Returns the keys with a space between one and the next.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(1..).unwrap_or_default()
    }

    /// Appends the keys with the length of each in place of the space.
    pub(super) fn write_with_lengths(&self, out: &mut Vec<u8>) {
        let mut place = out.len();
        out.extend_from_slice(&self.text);
        for length in &self.lengths {
            out[place] = *length;
            place += 1 + usize::from(*length);
        }
    }
}

/// Returns a key of 8 to 15 bytes with the space before it, and anything behind
/// it: to write 16 bytes costs less than to call memcpy for fewer.
#[inline(always)]
fn short(key: &[u8]) -> Option<[u8; 16]> {
    let (first, last) = (key.first_chunk()?, key.last_chunk()?);
    let more = 8 * (key.len() - 8) as u32;
    if more >= 64 {
        return None;
    }
    let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    // What the first eight have not, in two steps, as there may be nothing of it.
    let behind = last >> 8 >> (56 - more);
    let key = u128::from(first) | u128::from(behind) << 64;
    Some((key << 8 | u128::from(BEFORE)).to_le_bytes())
}

impl<'k> FromIterator<&'k [u8]> for KeyList {
    fn from_iter<I: IntoIterator<Item = &'k [u8]>>(keys: I) -> Self {
        let mut list = Self::default();
        for key in keys {
            list.push(key);
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(keys: &[&str]) -> KeyList {
        keys.iter().map(|key| key.as_bytes()).collect()
    }

    #[test]
    fn keys_stand_behind_each_other() {
        assert!(list(&[]).is_empty());
        assert_eq!(list(&["a"]).as_bytes(), b"a");
        assert_eq!(list(&["a", "bb", "a"]).as_bytes(), b"a bb a");
    }

    #[test]
    fn keys_of_every_length_are_copied_whole() {
        let text: Vec<u8> = (b'!'..=b'~').collect();
        for length in 1..text.len() {
            let key = &text[..length];
            let list: KeyList = [key, b"k", key].into_iter().collect();
            assert_eq!(list.as_bytes(), [key, b" k ", key].concat());
        }
    }

    #[test]
    fn keys_are_written_behind_their_lengths() {
        let mut out = b"before".to_vec();
        list(&["a", "bb", "eight888", &"k".repeat(250)]).write_with_lengths(&mut out);
        let long = [&b"\xfa"[..], &[b'k'; 250]].concat();
        assert_eq!(out, [b"before\x01a\x02bb\x08eight888", &long[..]].concat());
    }

    #[test]
    fn a_prefix_stands_before_keys() {
        let prefixed = |prefix: &str, keys: &[&str]| {
            let mut list = KeyList::default();
            for key in keys {
                list.push_behind(prefix.as_bytes(), key.as_bytes());
            }
            list
        };
        assert_eq!(prefixed("p:", &["a", "bb"]), list(&["p:a", "p:bb"]));
        assert!(prefixed("p:", &[&"k".repeat(248)]).are_legal());
        for key in ["", "a b", "\n", &"k".repeat(249)] {
            assert!(!prefixed("p:", &["a", key]).are_legal(), "{key:?}");
        }
    }

    #[test]
    fn keys_are_judged_as_each_of_them() {
        assert!(list(&[]).are_legal() && list(&["a", "bb", "a"]).are_legal());
        for key in [
            "",
            "b c",
            " b",
            "b ",
            " ",
            "b\r",
            "\x7f",
            "\0",
            &"k".repeat(251),
        ] {
            assert!(!list(&[key]).are_legal(), "{key:?}");
            for place in 0..4 {
                let mut keys = ["a", "bb", "a", &"k".repeat(250)];
                keys[place] = key;
                assert!(!list(&keys).are_legal(), "{key:?}");
            }
        }
    }
}
