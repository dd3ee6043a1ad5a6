//! What the protocols share: storing in its modes, arithmetic, touch, delete.

use super::Store;
use super::arena::{Arena, Handle, LARGEST_SLOT};
use super::item::{self, Draft, Item, STALE, TOKEN_SENT};
use crate::server::watch::{Deleter, Storer};

/// How a value is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// Only if absent.
    Add,
    /// Behind the present value; `create` also stores if absent.
    Append {
        /// Whether a missing item is created.
        create: bool,
    },
    /// Only if the cas id is the present one.
    Cas,
    /// In front of the present value; `create` also stores if absent.
    Prepend {
        /// Whether a missing item is created.
        create: bool,
    },
    /// Only if present.
    Replace,
    /// In any case.
    Set,
}

/// What storing needs to know beside key and value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) mode: Mode,
    /// The cas id that the present item must have; 0 for any.
    pub(crate) compare: u64,
    /// The cas id that the new item gets; `None` for a fresh one.
    pub(crate) cas: Option<u64>,
    /// Whether an older cas id stores too, leaving the item stale.
    pub(crate) allow_stale: bool,
}

impl Terms {
    /// Plain storing in `mode`.
    pub(crate) const fn of(mode: Mode) -> Self {
        Self {
            mode,
            compare: 0,
            cas: None,
            allow_stale: false,
        }
    }
}

/// A value to be stored.
pub(crate) enum Value<'a> {
    /// The value, in the reader's buffer.
    Slice(&'a [u8]),
    /// A whole item as the store would keep it, but for time and cas id.
    Built(Vec<u8>),
}

impl Value<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Slice(value) => value,
            Self::Built(bytes) => Item::new(bytes).value(),
        }
    }
}

/// The outcome of storing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// Another cas id is there.
    Exists,
    /// No room was to be had.
    NoMemory,
    /// Cas on a missing item.
    NotFound,
    /// The mode's condition does not hold.
    NotStored,
    /// Done.
    Stored {
        /// The new cas id.
        cas: u64,
        /// Length of the whole value.
        length: usize,
    },
}

/// The outcome of arithmetic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Counted {
    /// Done.
    Done(Count),
    /// Another cas id is there.
    Exists,
    /// No such item.
    Missing,
    /// No room was to be had.
    NoMemory,
    /// The value is no decimal number.
    NotNumeric,
}

/// A counter after arithmetic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Count {
    /// The new value.
    pub(crate) value: u64,
    /// The new cas id.
    pub(crate) cas: u64,
    /// When the item expired before any touch.
    pub(crate) expires: u32,
    /// The item, unless it was replaced by a longer one. memcached touches the
    /// replaced item, to no effect, and so does this server.
    pub(crate) in_place: Option<Handle>,
}

impl Store {
    /// Stores a value under the terms of its command.
    #[inline]
    pub(crate) fn store(
        &mut self,
        hash: u64,
        draft: Draft<'_>,
        terms: Terms,
        value: Value<'_>,
    ) -> Outcome {
        let present = self.lookup(hash, draft.key);
        let added = value.bytes().len();
        let outcome = self.store_over(present, hash, draft, terms, value);
        if self.watchers().wants_mutations() {
            self.log_store(draft, terms.mode, added, outcome);
        }
        outcome
    }

    fn store_over(
        &mut self,
        present: Option<Handle>,
        hash: u64,
        mut draft: Draft<'_>,
        terms: Terms,
        value: Value<'_>,
    ) -> Outcome {
        let Some(old) = present else {
            return match terms.mode {
                Mode::Cas => {
                    self.counters.cas_misses += 1;
                    Outcome::NotFound
                }
                Mode::Replace
                | Mode::Append { create: false }
                | Mode::Prepend { create: false } => Outcome::NotStored,
                _ => self.write(None, hash, draft, terms, value),
            };
        };
        let item = self.arena.item(old);
        let matches = terms.compare == 0 || terms.compare == item.cas();
        match terms.mode {
            Mode::Add => {
                self.refresh(old);
                Outcome::NotStored
            }
            Mode::Append { .. } | Mode::Prepend { .. } if !matches => Outcome::Exists,
            Mode::Append { .. } => self.extend(old, hash, terms, value, true),
            Mode::Prepend { .. } => self.extend(old, hash, terms, value, false),
            Mode::Cas if terms.compare != 0 && matches => {
                self.class_counters(old).cas_hits += 1;
                self.write(Some(old), hash, draft, terms, value)
            }
            Mode::Cas if terms.allow_stale && terms.compare != 0 && terms.compare < item.cas() => {
                draft.expires = item.expires();
                draft.marks |= STALE | (item.marks() & TOKEN_SENT);
                self.class_counters(old).cas_hits += 1;
                self.write(Some(old), hash, draft, terms, value)
            }
            Mode::Cas => {
                self.class_counters(old).cas_mismatches += 1;
                Outcome::Exists
            }
            Mode::Replace | Mode::Set => self.write(Some(old), hash, draft, terms, value),
        }
    }

    /// Puts the value in place of `old`, if any.
    fn write(
        &mut self,
        old: Option<Handle>,
        hash: u64,
        draft: Draft<'_>,
        terms: Terms,
        value: Value<'_>,
    ) -> Outcome {
        let length = value.bytes().len();
        let size = draft.size(length);
        let cas = self.cas_for(terms.cas);
        let now = self.now;
        if let Some(old) = old
            && self.arena.fits_same_slot(old, size)
        {
            self.discount(old);
            let bytes = self.arena.bytes_mut(old);
            let start = draft.write_head(bytes, length, now, cas);
            bytes[start..start + length].copy_from_slice(value.bytes());
            self.account(old);
            return Outcome::Stored { cas, length };
        }
        let new = if size > LARGEST_SLOT {
            self.large(draft, length, value, cas, old)
        } else {
            self.slot(size, old).inspect(|new| {
                let bytes = self.arena.bytes_mut(*new);
                let start = draft.write_head(bytes, length, now, cas);
                bytes[start..start + length].copy_from_slice(value.bytes());
            })
        };
        let Some(new) = new else {
            return self.no_memory(old, hash, draft, terms.mode, length);
        };
        if let Some(old) = old {
            self.unlink(hash, old);
        }
        self.link(hash, new);
        Outcome::Stored { cas, length }
    }

    /// Builds a large item and gives it to the arena.
    fn large(
        &mut self,
        draft: Draft<'_>,
        length: usize,
        value: Value<'_>,
        cas: u64,
        spared: Option<Handle>,
    ) -> Option<Handle> {
        let size = draft.size(length);
        if !self.make_room(Arena::cost(size), spared) {
            return None;
        }
        let mut bytes = match value {
            Value::Built(bytes) => bytes,
            Value::Slice(value) => {
                let mut bytes = Vec::with_capacity(size);
                bytes.resize(draft.size(0), 0);
                bytes.extend_from_slice(value);
                bytes
            }
        };
        draft.write_head(&mut bytes, length, self.now, cas);
        Some(self.arena.add_large(bytes))
    }

    /// Joins the present value and a new one.
    fn extend(
        &mut self,
        old: Handle,
        hash: u64,
        terms: Terms,
        value: Value<'_>,
        behind: bool,
    ) -> Outcome {
        let item = self.arena.item(old);
        let draft = item.draft();
        let head = draft.size(0);
        let added = value.bytes();
        let present = item.length();
        let length = present + added.len();
        let (flags, key_length) = (draft.flags, draft.key.len());
        if self
            .classes
            .class(self.classes.item_size(key_length, flags, length))
            == 0
        {
            return Outcome::NotStored;
        }
        let size = head + length;
        let cas = self.cas_for(terms.cas);
        let now = self.now;
        if self.arena.fits_same_slot(old, size) {
            self.discount(old);
            let bytes = self.arena.bytes_mut(old);
            if behind {
                bytes[head + present..size].copy_from_slice(added);
            } else {
                bytes.copy_within(head..head + present, head + added.len());
                bytes[head..head + added.len()].copy_from_slice(added);
            }
            item::renew(bytes, length, now, cas);
            self.account(old);
            return Outcome::Stored { cas, length };
        }
        let mut whole = Vec::with_capacity(size);
        whole.extend_from_slice(&self.arena.bytes(old)[..head]);
        let before = self.arena.item(old).value();
        let (first, second) = if behind {
            (before, added)
        } else {
            (added, before)
        };
        whole.extend_from_slice(first);
        whole.extend_from_slice(second);
        item::renew(&mut whole, length, now, cas);
        let new = if size > LARGEST_SLOT {
            self.make_room(Arena::cost(size), Some(old))
                .then(|| self.arena.add_large(whole))
        } else {
            self.slot(size, Some(old)).inspect(|new| {
                self.arena.bytes_mut(*new)[..size].copy_from_slice(&whole);
            })
        };
        let Some(new) = new else {
            return Outcome::NotStored;
        };
        self.unlink(hash, old);
        self.link(hash, new);
        Outcome::Stored { cas, length }
    }

    /// Links an empty item that never expires under a key that is not there.
    pub(crate) fn create(&mut self, hash: u64, key: &[u8], cas: Option<u64>) -> Option<Handle> {
        let draft = Draft {
            key,
            flags: 0,
            expires: 0,
            marks: 0,
        };
        let terms = Terms {
            cas,
            ..Terms::of(Mode::Add)
        };
        match self.write(None, hash, draft, terms, Value::Slice(b"")) {
            Outcome::Stored { .. } => self.peek(hash, key),
            _ => None,
        }
    }

    /// Counts a value that exceeds the item size limit. `delete` also removes
    /// what is there under the key, so that no old value is read for the new.
    pub(crate) fn too_large(&mut self, hash: u64, key: &[u8], delete: bool) {
        self.counters.store_too_large += 1;
        if delete {
            self.delete_silently(hash, key);
        }
    }

    /// Counts a value for which there is no memory; see [`Store::too_large`].
    pub(crate) fn out_of_memory(&mut self, hash: u64, key: &[u8], delete: bool) {
        self.counters.store_no_memory += 1;
        if delete {
            self.delete_silently(hash, key);
        }
    }

    /// Removes what is under the key, without counting a deletion.
    pub(crate) fn delete_silently(&mut self, hash: u64, key: &[u8]) {
        if let Some(old) = self.lookup(hash, key) {
            self.unlink(hash, old);
        }
    }

    /// Adds or subtracts. `compare` is the cas id that must be there, 0 for any.
    pub(crate) fn count(
        &mut self,
        hash: u64,
        key: &[u8],
        increment: bool,
        delta: u64,
        compare: u64,
    ) -> Counted {
        let Some(handle) = self.lookup(hash, key) else {
            return Counted::Missing;
        };
        let item = self.arena.item(handle);
        let too_long = self.measure(item).1 > self.classes.largest_chunk();
        if item.length() == 0 || too_long {
            return Counted::NotNumeric;
        }
        if compare != 0 && item.cas() != compare {
            return Counted::Exists;
        }
        let Some(value) = number(item.value()) else {
            return Counted::NotNumeric;
        };
        let (expires, length) = (item.expires(), item.length());
        let draft_size = item.size() - length;
        let value = if increment {
            self.class_counters(handle).increment_hits += 1;
            value.wrapping_add(delta)
        } else {
            self.class_counters(handle).decrement_hits += 1;
            value.saturating_sub(delta)
        };
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(value).as_bytes();
        let cas = self.cas_for(None);
        if digits.len() <= length {
            let bytes = self.arena.bytes_mut(handle);
            item::set_cas(bytes, cas);
            let (number, padding) = item::value_mut(bytes).split_at_mut(digits.len());
            number.copy_from_slice(digits);
            padding.fill(b' ');
            self.refresh(handle);
            return Counted::Done(Count {
                value,
                cas,
                expires,
                in_place: Some(handle),
            });
        }
        // The item is small: its value is shorter than a number.
        let size = draft_size + digits.len();
        let mut head = [0; item::HEAD + 4 + 255];
        head[..draft_size].copy_from_slice(&self.arena.bytes(handle)[..draft_size]);
        item::renew(&mut head, digits.len(), self.now, cas);
        let same_slot = self.arena.fits_same_slot(handle, size);
        let new = if same_slot {
            self.discount(handle);
            handle
        } else {
            match self.slot(size, Some(handle)) {
                Some(new) => new,
                None => return Counted::NoMemory,
            }
        };
        let bytes = self.arena.bytes_mut(new);
        bytes[..draft_size].copy_from_slice(&head[..draft_size]);
        bytes[draft_size..size].copy_from_slice(digits);
        if same_slot {
            self.account(new);
        } else {
            self.unlink(hash, handle);
            self.link(hash, new);
        }
        Counted::Done(Count {
            value,
            cas,
            expires,
            in_place: None,
        })
    }

    /// Counts arithmetic on a missing item.
    pub(crate) const fn count_miss(&mut self, increment: bool) {
        if increment {
            self.counters.increment_misses += 1;
        } else {
            self.counters.decrement_misses += 1;
        }
    }

    /// Sets the expiry of an item and counts it as fetched.
    pub(crate) fn touch(&mut self, hash: u64, key: &[u8], expires: u32) -> Option<Handle> {
        let handle = self.lookup(hash, key)?;
        self.bump(handle);
        item::set_expires(self.arena.bytes_mut(handle), expires);
        Some(handle)
    }

    /// Deletes an item; false when it is missing.
    pub(crate) fn delete(&mut self, hash: u64, key: &[u8]) -> bool {
        let Some(handle) = self.lookup(hash, key) else {
            self.counters.delete_misses += 1;
            return false;
        };
        self.remove(hash, handle, Deleter::Delete);
        true
    }

    /// Deletes an item that was found, counting and logging that.
    pub(crate) fn remove(&mut self, hash: u64, handle: Handle, deleter: Deleter) {
        self.count_deletion(handle, deleter);
        self.unlink(hash, handle);
    }

    /// Counts and logs a deletion.
    pub(crate) fn count_deletion(&mut self, handle: Handle, deleter: Deleter) {
        self.class_counters(handle).delete_hits += 1;
        if self.watchers().wants_deletions() {
            let item = self.arena.item(handle);
            self.watchers().deleted(item, self.class_of(item), deleter);
        }
    }

    /// Returns the cas id for a new or changed item.
    pub(crate) fn cas_for(&mut self, given: Option<u64>) -> u64 {
        let cas = match given {
            Some(cas) => cas,
            None => self.next_cas(),
        };
        self.kept_cas(cas)
    }

    fn no_memory(
        &mut self,
        old: Option<Handle>,
        hash: u64,
        draft: Draft<'_>,
        mode: Mode,
        length: usize,
    ) -> Outcome {
        let size = self.classes.item_size(draft.key.len(), draft.flags, length);
        let class = self.classes.class(size);
        self.counters.classes[class].out_of_memory += 1;
        self.counters.store_no_memory += 1;
        if let Some(old) = old
            && mode == Mode::Set
        {
            self.unlink(hash, old);
        }
        Outcome::NoMemory
    }

    fn log_store(&self, draft: Draft<'_>, mode: Mode, added: usize, outcome: Outcome) {
        let status = match outcome {
            Outcome::Exists => "exists",
            Outcome::NoMemory => "no_memory",
            Outcome::NotFound => "not_found",
            Outcome::NotStored => "not_stored",
            Outcome::Stored { .. } => "stored",
        };
        let command = match mode {
            Mode::Add => "add",
            Mode::Append { .. } => "append",
            Mode::Cas => "cas",
            Mode::Prepend { .. } => "prepend",
            Mode::Replace => "replace",
            Mode::Set => "set",
        };
        let length = match outcome {
            Outcome::Stored { length, .. } => length,
            _ => added,
        };
        let size = self.classes.item_size(draft.key.len(), draft.flags, length);
        let ttl = match draft.expires {
            0 => 0,
            expires => expires.wrapping_sub(self.now),
        };
        self.watchers().stored(
            draft.key,
            &Storer {
                status,
                command,
                ttl,
                class: self.classes.class(size),
                connection: self.connection,
                length,
            },
        );
    }
}

/// Reads a counter as memcached does: leading white space, a sign, digits, and
/// then the end or white space.
fn number(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii_start();
    let (negative, digits) = match value.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, value),
    };
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    if end == 0
        || !digits
            .get(end)
            .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b))
    {
        return None;
    }
    let magnitude = digits[..end].iter().try_fold(0_u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    if !negative {
        return Some(magnitude);
    }
    // `strtoull` negates; memcached refuses only what then looks negative.
    let value = magnitude.wrapping_neg();
    (value <= i64::MAX as u64).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn counters_are_read_as_strtoull_reads_them() {
        for (text, value) in [
            ("0", Some(0)),
            ("000000000000000000001", Some(1)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            (" 7 ", Some(7)),
            ("+7", Some(7)),
            ("12 abc", Some(12)),
            ("-1", None),
            ("-0", Some(0)),
            ("-18446744073709551615", Some(1)),
            ("1.5", None),
            ("abc", None),
            ("  ", None),
            ("", None),
        ] {
            assert_eq!(number(text.as_bytes()), value, "{text:?}");
        }
    }
}
