//! Memory that small values of one call share.

use bytes::Bytes;

use crate::protocol::Hits;

/// The most memory that values share, in bytes.
const LARGEST_BLOCK: usize = 16 * 1024;

/// Gives values that came together one copy of the bytes they lie in, so that
/// many small ones cost few allocations. A value that is kept keeps that copy, of
/// up to 16 KiB; large values have memory of their own.
#[derive(Debug, Default)]
pub struct Shelf<'c> {
    /// The bytes in which the values lie; nothing when nothing is shared.
    chunk: &'c [u8],
    /// Their copy, once a value has asked for it.
    copy: Option<Bytes>,
}

impl<'c> Shelf<'c> {
    /// Prepares for values that came together; nothing is copied.
    #[must_use]
    pub fn new(hits: &Hits<'c>) -> Self {
        let chunk = hits.chunk();
        let is_shared = hits.as_slice().len() > 1 && chunk.len() <= LARGEST_BLOCK;
        Self {
            chunk: if is_shared { chunk } else { &[] },
            copy: None,
        }
    }

    /// Copies a value, which need not be one of those that came together.
    #[inline]
    #[must_use]
    pub fn share(&mut self, value: &[u8]) -> Bytes {
        let start = value
            .as_ptr()
            .addr()
            .wrapping_sub(self.chunk.as_ptr().addr());
        let is_part = start < self.chunk.len() && value.len() <= self.chunk.len() - start;
        if !is_part {
            return Bytes::copy_from_slice(value);
        }
        let copy = self
            .copy
            .get_or_insert_with(|| Bytes::copy_from_slice(self.chunk));
        copy.slice(start..start + value.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Codec, Connection, Keys, Limits, Request, Retrieve, Want};

    /// Shelves values of these sizes, those that come together on one shelf.
    fn shelve(sizes: &[usize]) -> Vec<Bytes> {
        let keys: Vec<_> = (0..sizes.len()).map(|key| key.to_string()).collect();
        let mut connection = Connection::new(Some(Codec::Text), Limits::default());
        let request = Request::Retrieve(Retrieve {
            keys: Keys::Many(keys.iter().map(|key| key.as_bytes()).collect()),
            want: Want::VALUE,
            touch: None,
            bump: true,
        });
        connection.enqueue(0, &request).expect("a place");
        let mut reply = Vec::new();
        for (key, size) in keys.iter().zip(sizes) {
            reply.extend_from_slice(format!("VALUE {key} 0 {size}\r\n").as_bytes());
            reply.extend(std::iter::repeat_n(key.as_bytes()[0], *size));
            reply.extend_from_slice(b"\r\n");
        }
        let mut shelved = Vec::new();
        connection.receive_hits(&mut &reply[..], |_, hits| {
            let mut shelf = Shelf::new(hits);
            shelved.extend(hits.as_slice().iter().map(|hit| shelf.share(hit.value)));
        });
        for ((key, size), value) in keys.iter().zip(sizes).zip(&shelved) {
            assert_eq!(*value, vec![key.as_bytes()[0]; *size]);
        }
        assert_eq!(shelved.len(), sizes.len());
        shelved
    }

    /// Whether values have no memory in common: each is the only owner of its own.
    fn are_alone(values: Vec<Bytes>) -> bool {
        values.iter().all(Bytes::is_unique)
    }

    #[test]
    fn small_values_share_one_copy() {
        let values = shelve(&[100; 60]);
        let first = values[0].as_ptr();
        let last = values[59].as_ptr();
        // 60 values and what announces them.
        assert_eq!(last.addr() - first.addr(), 9 * 117 + 50 * 118);
    }

    #[test]
    fn a_value_that_comes_alone_has_its_own_memory() {
        assert!(are_alone(shelve(&[100])));
    }

    #[test]
    fn large_values_have_their_own_memory() {
        assert!(are_alone(shelve(&[10_000, 10_000, 100_000])));
        assert!(are_alone(shelve(&[10, 20_000])));
    }

    #[test]
    fn empty_values_are_taken() {
        assert_eq!(shelve(&[0, 1, 0, 0]), [&b""[..], b"1", b"", b""]);
    }

    #[test]
    fn what_lies_elsewhere_is_copied() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.share(b"elsewhere"), &b"elsewhere"[..]);
    }
}
