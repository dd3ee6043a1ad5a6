//! The keys of outstanding retrievals, as the connection remembers them: each
//! behind its length, which is one byte.

use crate::protocol::Keys;

/// Appends the keys of a retrieval.
pub(super) fn remember(keys: &mut Vec<u8>, asked: &Keys<'_>) {
    match asked {
        Keys::One(key) => remember_key(keys, key),
        Keys::Many(list) => list.write_with_lengths(keys),
    }
}

/// Appends a key, whose length is one that memcached takes.
pub(super) fn remember_key(keys: &mut Vec<u8>, key: &[u8]) {
    keys.push(key.len() as u8);
    keys.extend_from_slice(key);
}

/// Splits off the first key.
#[inline(always)]
pub(super) fn split_key(keys: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = keys.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// Takes the first key off, and off a line that begins with it and a space. Where
/// the line goes on depends on the length alone, so that a processor can look at
/// the next line before it has compared this one.
#[inline(always)]
pub(super) fn take_key<'k, 'l>(keys: &'k [u8], line: &'l [u8]) -> Option<(&'k [u8], &'l [u8])> {
    let (key, keys) = split_key(keys)?;
    match line.split_at_checked(key.len())? {
        (named, [b' ', rest @ ..]) if are_equal(named, key) => Some((keys, rest)),
        _ => None,
    }
}

/// Whether two keys of one length are the same: most are too short for the call
/// of a function to pay.
#[inline(always)]
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let (Some(begin), Some(other_begin)) = (one.first_chunk::<8>(), other.first_chunk::<8>())
    else {
        return one.iter().zip(other).all(|(one, other)| one == other);
    };
    let (Some(end), Some(other_end)) = (one.last_chunk::<8>(), other.last_chunk::<8>()) else {
        return false;
    };
    // What both ends have in common is looked at twice.
    let begins = u64::from_ne_bytes(*begin) ^ u64::from_ne_bytes(*other_begin);
    let ends = u64::from_ne_bytes(*end) ^ u64::from_ne_bytes(*other_end);
    begins | ends == 0 && (one.len() <= 16 || one[8..one.len() - 8] == other[8..one.len() - 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(names: &[&[u8]]) -> Vec<u8> {
        let mut keys = Vec::new();
        remember(&mut keys, &Keys::Many(names.iter().copied().collect()));
        let mut one_by_one = Vec::new();
        for name in names {
            remember(&mut one_by_one, &Keys::One((*name).into()));
        }
        assert_eq!(keys, one_by_one);
        keys
    }

    #[test]
    fn keys_are_split_at_their_ends() {
        let keys = remembered(&[b"a", b"bb"]);
        let (first, rest) = split_key(&keys).expect("a key");
        assert_eq!(first, b"a");
        let (second, rest) = split_key(rest).expect("a key");
        assert_eq!((second, rest), (&b"bb"[..], &b""[..]));
        assert_eq!(split_key(rest), None);
    }

    #[test]
    fn keys_of_every_length_are_recognised() {
        for length in 1..=250 {
            let key = vec![b'!'; length];
            let keys = remembered(&[&key, b"next"]);
            let line = [&key[..], b" 0 1\r\n"].concat();
            let (keys, rest) = take_key(&keys, &line).expect("the key");
            assert_eq!((keys, rest), (&b"\x04next"[..], &b"0 1\r\n"[..]));
            assert_eq!(take_key(&remembered(&[&key]), &key), None);
        }
    }

    #[test]
    fn a_key_that_differs_anywhere_is_another_one() {
        for length in 1..40 {
            let key = vec![b'k'; length];
            for place in 0..length {
                for byte in [b'l', b'j', 0xeb, b' ', 0x21] {
                    let mut other = key.clone();
                    other[place] = byte;
                    let line = [&other[..], b" 0 1\r\n"].concat();
                    assert_eq!(take_key(&remembered(&[&key]), &line), None);
                }
            }
        }
    }

    #[test]
    fn what_begins_like_a_key_is_not_that_key() {
        assert_eq!(take_key(&remembered(&[b"key:10"]), b"key:1 0 1\r\n"), None);
        assert_eq!(take_key(&remembered(&[b"key:1"]), b"key:10 0 1\r\n"), None);
        assert_eq!(take_key(&[], b"key:1 0 1\r\n"), None);
    }
}
