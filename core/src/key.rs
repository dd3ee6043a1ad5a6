//! What a key may be.
//!
//! A key is 1 to 250 bytes on the wire, prefix included, without control
//! characters and spaces; UTF-8 beyond ASCII is allowed. The same table of
//! verdicts (`tests/vectors/keys.json`) holds in three languages. Where a key
//! goes is the business of [`route`](crate::route).
//!
//! ```
//! use memoxide::Key;
//!
//! assert!(Key::new(b"user:1").is_ok());
//! assert!(Key::new(b"two words").is_err());
//! ```

use crate::error::{Error, ErrorKind, Result};

/// The longest key that memcached takes, in bytes.
pub const MAX_KEY_LENGTH: usize = 250;

/// A key that memcached takes, borrowed from the caller.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key<'a>(&'a [u8]);

impl<'a> Key<'a> {
    /// Checks `bytes`, prefix included.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`] when the key is empty, over
    /// [`MAX_KEY_LENGTH`] bytes, or holds a byte up to 0x20 or 0x7f.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        if !bytes.is_empty() && bytes.len() <= MAX_KEY_LENGTH && are_legal(bytes) {
            return Ok(Self(bytes));
        }
        Err(refusal(bytes))
    }

    /// Returns the bytes as they go over the wire.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl AsRef<[u8]> for Key<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

/// Whether all bytes may stand in a key, found eight at a time.
#[inline]
fn are_legal(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    // A borrow shows in the highest bit of a byte that is below what is taken
    // away, or stands behind such a byte, and is below 0x80.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let is_legal = |word: u64| below(word, 0x21) | below(word ^ (ONES * 0x7f), 1) == 0;
    let legal = |word: &[u8; 8]| is_legal(u64::from_ne_bytes(*word));
    // The last eight are looked at whole, some of them twice.
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|byte| self::is_legal(*byte));
    };
    bytes.as_chunks().0.iter().all(legal) && legal(last)
}

/// Counts the spaces of a text whose other bytes may all stand in a key; `None`
/// where one may not. Compilers make a few instructions for 16 bytes of it.
pub(crate) fn spaces_between(text: &[u8]) -> Option<usize> {
    let mut spaces = 0;
    // What is counted in a byte does not overflow there.
    for part in text.chunks(usize::from(u8::MAX)) {
        let (mut found, mut is_bad) = (0_u8, false);
        for byte in part {
            found += u8::from(*byte == b' ');
            is_bad |= *byte < b' ' || *byte == 0x7f;
        }
        if is_bad {
            return None;
        }
        spaces += usize::from(found);
    }
    Some(spaces)
}

/// Whether a byte may stand in a key.
const fn is_legal(byte: u8) -> bool {
    byte > 0x20 && byte != 0x7f
}

#[cold]
fn refusal(bytes: &[u8]) -> Error {
    let message = if bytes.is_empty() {
        "key is empty".to_owned()
    } else if bytes.len() > MAX_KEY_LENGTH {
        format!(
            "key {} is {} bytes long with its prefix, the limit is {MAX_KEY_LENGTH}",
            shorten(bytes),
            bytes.len()
        )
    } else {
        let byte = bytes.iter().find(|b| !is_legal(**b)).copied();
        format!(
            "key {} holds the {} 0x{:02x}",
            shorten(bytes),
            if byte == Some(b' ') {
                "space"
            } else {
                "control character"
            },
            byte.unwrap_or_default()
        )
    };
    Error::new(ErrorKind::InvalidKey, message)
}

/// Shows the beginning of a key, escaped, for messages and logs.
#[must_use]
pub fn shorten(bytes: &[u8]) -> String {
    const SHOWN: usize = 32;
    if bytes.len() <= SHOWN {
        format!("\"{}\"", bytes.escape_ascii())
    } else {
        format!("\"{}…\"", bytes[..SHOWN].escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_at_every_place() {
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for place in 0..length {
                    let mut key = vec![0x80; length];
                    key[place] = byte;
                    assert_eq!(Key::new(&key).is_ok(), is_legal(byte), "{key:?}");
                }
            }
        }
    }

    #[test]
    fn spaces_are_counted_where_all_else_may_stand_in_a_key() {
        for byte in 0..=u8::MAX {
            for (length, place) in [(1, 0), (17, 3), (40, 39), (700, 300), (700, 699)] {
                let mut text = vec![b'k'; length];
                text[place] = byte;
                let spaces = usize::from(byte == b' ');
                let is_right = is_legal(byte) || byte == b' ';
                assert_eq!(spaces_between(&text), is_right.then_some(spaces));
            }
        }
        assert_eq!(spaces_between(b""), Some(0));
        assert_eq!(spaces_between(&[b' '; 1000]), Some(1000));
        assert_eq!(spaces_between("schlüssel 鍵".as_bytes()), Some(1));
    }

    #[test]
    fn limits_are_inclusive() {
        assert!(Key::new(&[b'k'; 250]).is_ok());
        let error = Key::new(&[b'k'; 251]).expect_err("251 bytes");
        assert_eq!(error.kind(), ErrorKind::InvalidKey);
        assert!(error.message().contains("251 bytes"));
    }

    #[test]
    fn control_characters_and_spaces_are_named() {
        for (key, part) in [
            (&b"a b"[..], "space 0x20"),
            (b"a\n", "control character 0x0a"),
            (b"\x7f", "control character 0x7f"),
            (b"", "empty"),
        ] {
            let error = Key::new(key).expect_err("illegal");
            assert!(error.message().contains(part), "{}", error.message());
        }
    }

    #[test]
    fn text_beyond_ascii_is_legal() {
        assert!(Key::new("schlüssel".as_bytes()).is_ok());
    }
}
