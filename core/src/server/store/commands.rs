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
        // memcached draws an id for each attempt, successful or not.
        let cas = self.cas_for(terms.cas);
        let outcome = self.store_over(present, hash, draft, terms, cas, value);
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
        cas: u64,
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
                _ => self.write(None, hash, draft, terms.mode, cas, value),
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
            Mode::Append { .. } => self.extend(old, hash, cas, value, true),
            Mode::Prepend { .. } => self.extend(old, hash, cas, value, false),
            Mode::Cas if terms.compare != 0 && matches => {
                self.class_counters(old).cas_hits += 1;
                self.write(Some(old), hash, draft, terms.mode, cas, value)
            }
            Mode::Cas if terms.allow_stale && terms.compare != 0 && terms.compare < item.cas() => {
                draft.expires = item.expires();
                draft.marks |= STALE | (item.marks() & TOKEN_SENT);
                self.class_counters(old).cas_hits += 1;
                self.write(Some(old), hash, draft, terms.mode, cas, value)
            }
            Mode::Cas => {
                self.class_counters(old).cas_mismatches += 1;
                Outcome::Exists
            }
            Mode::Replace | Mode::Set => self.write(Some(old), hash, draft, terms.mode, cas, value),
        }
    }

    /// Puts the value in place of `old`, if any.
    fn write(
        &mut self,
        old: Option<Handle>,
        hash: u64,
        draft: Draft<'_>,
        mode: Mode,
        cas: u64,
        value: Value<'_>,
    ) -> Outcome {
        let length = value.bytes().len();
        let size = draft.size(length);
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
            return self.no_memory(old, hash, draft, mode, length);
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
        cas: u64,
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
        let cas = self.cas_for(cas);
        match self.write(None, hash, draft, Mode::Add, cas, Value::Slice(b"")) {
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
