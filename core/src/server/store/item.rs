//! How an item lies in memory: a fixed head, client flags if any, key, value.
//!
//! ```text
//! 0        4      8     16       20   21     22      (26)
//! expires  used   cas   length   key  marks  flags?  key…  value…
//! ```
//!
//! Numbers are little endian. Client flags take four bytes only when they are
//! not zero. The value has no line end; replies add it. A key length of zero
//! marks a free slot.

/// Bytes of the fixed head.
pub(crate) const HEAD: usize = 22;

/// Fetched at least once.
pub(crate) const FETCHED: u8 = 1;
/// Fetched more than once.
pub(crate) const ACTIVE: u8 = 1 << 1;
/// Marked stale by a meta invalidation.
pub(crate) const STALE: u8 = 1 << 2;
/// One client was told to recache this item.
pub(crate) const TOKEN_SENT: u8 = 1 << 3;
/// Stored under a base64 key.
pub(crate) const BINARY_KEY: u8 = 1 << 4;
/// Client flags follow the head.
pub(crate) const HAS_FLAGS: u8 = 1 << 5;
/// Used since the eviction hand passed.
pub(crate) const REFERENCED: u8 = 1 << 6;

const EXPIRES: usize = 0;
const USED: usize = 4;
const CAS: usize = 8;
const LENGTH: usize = 16;
const KEY_LENGTH: usize = 20;
const MARKS: usize = 21;

/// The fields of an item that are known before its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    /// The key, 1 to 250 bytes.
    pub(crate) key: &'a [u8],
    /// Client flags.
    pub(crate) flags: u32,
    /// When it expires, in store seconds; 0 never.
    pub(crate) expires: u32,
    /// Marks such as [`BINARY_KEY`]; [`HAS_FLAGS`] is set from `flags`.
    pub(crate) marks: u8,
}

impl Draft<'_> {
    /// Returns the bytes that an item with a value of `length` bytes takes.
    pub(crate) const fn size(&self, length: usize) -> usize {
        self.value_start() + length
    }

    const fn value_start(&self) -> usize {
        HEAD + (if self.flags == 0 { 0 } else { 4 }) + self.key.len()
    }

    /// Writes everything in front of the value and returns where that starts.
    pub(crate) fn write_head(&self, bytes: &mut [u8], length: usize, used: u32, cas: u64) -> usize {
        let mut marks = self.marks & !HAS_FLAGS;
        let mut at = HEAD;
        if self.flags != 0 {
            marks |= HAS_FLAGS;
            bytes[at..at + 4].copy_from_slice(&self.flags.to_le_bytes());
            at += 4;
        }
        bytes[at..at + self.key.len()].copy_from_slice(self.key);
        let head = head_mut(bytes);
        head[EXPIRES..EXPIRES + 4].copy_from_slice(&self.expires.to_le_bytes());
        head[USED..USED + 4].copy_from_slice(&used.to_le_bytes());
        head[CAS..CAS + 8].copy_from_slice(&cas.to_le_bytes());
        let length = u32::try_from(length).expect("item sizes are checked against the limit");
        head[LENGTH..LENGTH + 4].copy_from_slice(&length.to_le_bytes());
        head[KEY_LENGTH] = u8::try_from(self.key.len()).expect("keys have at most 250 bytes");
        head[MARKS] = marks;
        at + self.key.len()
    }
}

/// An item for reading.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a>(&'a [u8]);

impl<'a> Item<'a> {
    /// Reads the item at the start of `bytes`, which may be longer than it.
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    #[inline]
    fn head(self) -> &'a [u8; HEAD] {
        self.0
            .first_chunk()
            .expect("a slot is never smaller than an item's head")
    }

    /// Whether this slot holds no item.
    #[inline]
    pub(crate) fn is_free(self) -> bool {
        self.head()[KEY_LENGTH] == 0
    }

    /// When the item expires, in store seconds; 0 never.
    #[inline]
    pub(crate) fn expires(self) -> u32 {
        u32_at(self.head(), EXPIRES)
    }

    /// When the item was last stored or used, in store seconds.
    #[inline]
    pub(crate) fn used(self) -> u32 {
        u32_at(self.head(), USED)
    }

    /// The cas id.
    #[inline]
    pub(crate) fn cas(self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = *self
            .head()
            .first_chunk::<{ CAS + 8 }>()
            .expect("the head holds a cas id");
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// Length of the value.
    #[inline]
    pub(crate) fn length(self) -> usize {
        u32_at(self.head(), LENGTH) as usize
    }

    /// The marks.
    #[inline]
    pub(crate) fn marks(self) -> u8 {
        self.head()[MARKS]
    }

    /// Whether all of `marks` are set.
    #[inline]
    pub(crate) fn has(self, marks: u8) -> bool {
        self.marks() & marks == marks
    }

    #[inline]
    fn key_start(self) -> usize {
        HEAD + if self.has(HAS_FLAGS) { 4 } else { 0 }
    }

    /// Client flags.
    #[inline]
    pub(crate) fn flags(self) -> u32 {
        if self.has(HAS_FLAGS) {
            u32::from_le_bytes([
                self.0[HEAD],
                self.0[HEAD + 1],
                self.0[HEAD + 2],
                self.0[HEAD + 3],
            ])
        } else {
            0
        }
    }

    /// The key.
    #[inline]
    pub(crate) fn key(self) -> &'a [u8] {
        let start = self.key_start();
        &self.0[start..start + usize::from(self.head()[KEY_LENGTH])]
    }

    /// The value.
    #[inline]
    pub(crate) fn value(self) -> &'a [u8] {
        let start = self.key_start() + usize::from(self.head()[KEY_LENGTH]);
        &self.0[start..start + self.length()]
    }

    /// Bytes of the whole item.
    #[inline]
    pub(crate) fn size(self) -> usize {
        self.key_start() + usize::from(self.head()[KEY_LENGTH]) + self.length()
    }

    /// The fields in front of the value, for an item that replaces this one.
    pub(crate) fn draft(self) -> Draft<'a> {
        Draft {
            key: self.key(),
            flags: self.flags(),
            expires: self.expires(),
            marks: 0,
        }
    }
}

/// Sets when the item expires.
pub(crate) fn set_expires(bytes: &mut [u8], expires: u32) {
    head_mut(bytes)[EXPIRES..EXPIRES + 4].copy_from_slice(&expires.to_le_bytes());
}

/// Sets when the item was used.
#[inline]
pub(crate) fn set_used(bytes: &mut [u8], used: u32) {
    head_mut(bytes)[USED..USED + 4].copy_from_slice(&used.to_le_bytes());
}

/// Sets the cas id.
pub(crate) fn set_cas(bytes: &mut [u8], cas: u64) {
    head_mut(bytes)[CAS..CAS + 8].copy_from_slice(&cas.to_le_bytes());
}

/// Sets all marks.
#[inline]
pub(crate) fn set_marks(bytes: &mut [u8], marks: u8) {
    head_mut(bytes)[MARKS] = marks;
}

/// Makes a changed copy of an item a new one: no marks but those of its form.
pub(crate) fn renew(bytes: &mut [u8], length: usize, used: u32, cas: u64) {
    let head = head_mut(bytes);
    let length = u32::try_from(length).expect("item sizes are checked against the limit");
    head[LENGTH..LENGTH + 4].copy_from_slice(&length.to_le_bytes());
    head[USED..USED + 4].copy_from_slice(&used.to_le_bytes());
    head[CAS..CAS + 8].copy_from_slice(&cas.to_le_bytes());
    head[MARKS] &= HAS_FLAGS;
}

/// Makes the slot free.
pub(crate) fn set_free(bytes: &mut [u8]) {
    head_mut(bytes)[KEY_LENGTH] = 0;
}

/// Returns the value for writing.
pub(crate) fn value_mut(bytes: &mut [u8]) -> &mut [u8] {
    let item = Item::new(bytes);
    let start = item.key_start() + usize::from(item.head()[KEY_LENGTH]);
    let end = start + item.length();
    &mut bytes[start..end]
}

#[inline]
fn head_mut(bytes: &mut [u8]) -> &mut [u8; HEAD] {
    bytes
        .first_chunk_mut()
        .expect("a slot is never smaller than an item's head")
}

#[inline]
fn u32_at(head: &[u8; HEAD], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let draft = Draft {
            key: b"key",
            flags: 7,
            expires: 11,
            marks: BINARY_KEY,
        };
        let mut bytes = vec![0; draft.size(5) + 3];
        let start = draft.write_head(&mut bytes, 5, 13, 17);
        bytes[start..start + 5].copy_from_slice(b"value");
        let item = Item::new(&bytes);
        assert_eq!((item.key(), item.value()), (&b"key"[..], &b"value"[..]));
        assert_eq!((item.flags(), item.expires()), (7, 11));
        assert_eq!((item.used(), item.cas()), (13, 17));
        assert!(item.has(BINARY_KEY | HAS_FLAGS) && !item.has(STALE));
        assert_eq!(item.size(), draft.size(5));
        set_free(&mut bytes);
        assert!(Item::new(&bytes).is_free());
    }

    #[test]
    fn zero_flags_take_no_room() {
        let draft = Draft {
            key: b"k",
            flags: 0,
            expires: 0,
            marks: 0,
        };
        assert_eq!(draft.size(1), HEAD + 2);
    }
}
