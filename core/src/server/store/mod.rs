//! The store: items under keys, with expiry, flush, a memory limit and counters.
//!
//! One store is one shard of a server. It is told the time ([`Store::now`]) and
//! reads none. Items live in an [`arena::Arena`]; [`evict`] keeps that within
//! the limit; [`commands`] has what the protocols share. Sessions reach a store
//! through a lock that they hold for a batch of requests.

pub(crate) mod arena;
pub(crate) mod classes;
pub(crate) mod commands;
pub(crate) mod counters;
pub(crate) mod counting;
pub(crate) mod evict;
pub(crate) mod index;
pub(crate) mod item;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::arena::{Arena, Cursor, Handle};
use self::classes::SlabClasses;
use self::counters::{ClassCounters, Counters};
use self::index::Index;
use self::item::{ACTIVE, FETCHED, Item, REFERENCED};
use super::watch::{Fetched, Watchers};

/// A use refreshes the time of last use only when it is older than this, if the
/// LRU is flat, as in memcached.
const FLAT_UPDATE_INTERVAL: u32 = 60;

/// What one store is told at the start.
pub(crate) struct StoreOptions {
    /// Bytes that items may take.
    pub(crate) limit: usize,
    /// Whether a full store evicts.
    pub(crate) evictions: bool,
    /// Whether items carry a cas id.
    pub(crate) cas: bool,
    /// Whether uses are noted as by memcached's segmented LRU.
    pub(crate) segmented: bool,
    /// Whether sizes are counted for `stats sizes`.
    pub(crate) track_sizes: bool,
    /// Number of this shard and of all, for cas ids that never meet.
    pub(crate) shard: (u64, u64),
    /// Seed of the key hash.
    pub(crate) seed: u64,
}

/// See the [module docs](self).
pub(crate) struct Store {
    pub(crate) arena: Arena,
    index: Index,
    pub(crate) counters: Counters,
    pub(crate) classes: Arc<SlabClasses>,
    watchers: Arc<Watchers>,
    options: StoreOptions,
    /// Bytes of values on their way in that are kept outside the arena.
    pending: usize,
    last_cas: u64,
    /// Items used at or before this second are gone; 0 for none.
    oldest_live: u32,
    /// The present second.
    pub(crate) now: u32,
    /// The connection that holds the lock, for watchers.
    pub(crate) connection: u64,
    sizes: Option<BTreeMap<usize, u64>>,
}

impl Store {
    pub(crate) fn new(
        options: StoreOptions,
        classes: Arc<SlabClasses>,
        watchers: Arc<Watchers>,
    ) -> Self {
        Self {
            arena: Arena::new(options.seed),
            index: Index::new(options.seed),
            counters: Counters::default(),
            classes,
            watchers,
            pending: 0,
            // The first id of memcached is 2.
            last_cas: options.shard.0 + 1,
            oldest_live: 0,
            now: 0,
            connection: 0,
            sizes: options.track_sizes.then(BTreeMap::new),
            options,
        }
    }

    /// Finds the live item of `key`. One that has expired or was flushed is
    /// removed and counted on the way.
    #[inline]
    pub(crate) fn lookup(&mut self, hash: u64, key: &[u8]) -> Option<Handle> {
        let found = self.index.find(&self.arena, hash, key);
        let outcome = match found {
            None => Fetched::NotFound,
            Some(handle) => {
                let item = self.arena.item(handle);
                if self.is_flushed(item) {
                    self.counters.get_flushed += 1;
                    self.unlink(hash, handle);
                    Fetched::Flushed
                } else if self.is_expired(item) {
                    self.counters.get_expired += 1;
                    self.unlink(hash, handle);
                    Fetched::Expired
                } else {
                    Fetched::Found
                }
            }
        };
        let found = found.filter(|_| matches!(outcome, Fetched::Found));
        if self.watchers.wants_fetches() {
            let (class, length) = found.map_or((0, 0), |handle| {
                let item = self.arena.item(handle);
                (self.class_of(item), item.length())
            });
            self.watchers
                .fetched(outcome, key, class, self.connection, length);
        }
        found
    }

    /// Finds the item of `key`, live or not, and reports nothing.
    pub(crate) fn peek(&self, hash: u64, key: &[u8]) -> Option<Handle> {
        self.index.find(&self.arena, hash, key)
    }

    /// Notes that the item was fetched.
    #[inline]
    pub(crate) fn bump(&mut self, handle: Handle) {
        let (now, segmented) = (self.now, self.options.segmented);
        bump(self.arena.bytes_mut(handle), now, segmented);
    }

    /// Notes and counts that the item was fetched, and returns it.
    #[inline]
    pub(crate) fn hit(&mut self, handle: Handle) -> Item<'_> {
        let (now, segmented) = (self.now, self.options.segmented);
        let bytes = self.arena.bytes_mut(handle);
        bump(bytes, now, segmented);
        let item = Item::new(bytes);
        let size = self
            .classes
            .item_size(item.key().len(), item.flags(), item.length());
        self.counters.classes[self.classes.class(size)].get_hits += 1;
        item
    }

    /// Notes a use that is no fetch.
    fn refresh(&mut self, handle: Handle) {
        let now = self.now;
        let interval = if self.options.segmented {
            0
        } else {
            FLAT_UPDATE_INTERVAL
        };
        let bytes = self.arena.bytes_mut(handle);
        if Item::new(bytes).used().saturating_add(interval) < now {
            item::set_used(bytes, now);
        }
    }

    /// Removes an item.
    pub(crate) fn unlink(&mut self, hash: u64, handle: Handle) {
        self.discount(handle);
        self.index.remove(hash, handle);
        self.arena.release(handle);
    }

    /// Makes an item findable; none may be there under its key.
    fn link(&mut self, hash: u64, handle: Handle) {
        self.index.insert(&self.arena, hash, handle);
        self.account(handle);
    }

    /// Counts an item in.
    #[inline]
    fn account(&mut self, handle: Handle) {
        let (class, size) = self.measure(self.arena.item(handle));
        let counters = &mut self.counters.classes[class];
        counters.items += 1;
        counters.bytes += size as u64;
        counters.most_items = counters.most_items.max(counters.items);
        self.counters.total_items += 1;
        if let Some(sizes) = &mut self.sizes {
            *sizes.entry(size.div_ceil(32) * 32).or_default() += 1;
        }
    }

    /// Counts an item out.
    #[inline]
    fn discount(&mut self, handle: Handle) {
        let (class, size) = self.measure(self.arena.item(handle));
        let counters = &mut self.counters.classes[class];
        counters.items -= 1;
        counters.bytes -= size as u64;
        if let Some(sizes) = &mut self.sizes
            && let Some(count) = sizes.get_mut(&(size.div_ceil(32) * 32))
        {
            *count -= 1;
        }
    }

    /// Hides every item used up to `oldest_live`, from that second on, and
    /// removes those used since. What an earlier flush has hidden is removed, so
    /// that a later one does not bring it back.
    pub(crate) fn flush(&mut self, oldest_live: u32) {
        let takes_effect = oldest_live <= self.now;
        let was_in_effect = self.oldest_live != 0 && self.oldest_live <= self.now;
        if takes_effect || was_in_effect {
            let mut cursor = Cursor::default();
            while let Some(handle) = self.arena.next(&mut cursor) {
                let item = self.arena.item(handle);
                let goes = if takes_effect {
                    item.used() >= oldest_live
                } else {
                    self.is_flushed(item)
                };
                if goes {
                    let hash = self.hash(item.key());
                    self.unlink(hash, handle);
                }
            }
            self.index.shrink(&self.arena);
        }
        self.oldest_live = oldest_live;
    }

    /// Removes every item at once, as a restart would; counters stay.
    pub(crate) fn clear(&mut self) {
        let mut cursor = Cursor::default();
        while let Some(handle) = self.arena.next(&mut cursor) {
            let hash = self.hash(self.arena.item(handle).key());
            self.unlink(hash, handle);
        }
        self.index.shrink(&self.arena);
    }

    /// Removes what has expired or was flushed, among the next `steps` items of
    /// a walk; false when the walk has ended.
    pub(crate) fn reclaim(&mut self, cursor: &mut Cursor, steps: usize) -> bool {
        for _ in 0..steps {
            let Some(handle) = self.arena.next(cursor) else {
                return false;
            };
            let item = self.arena.item(handle);
            let (class, fetched) = (self.class_of(item), item.has(FETCHED));
            let flushed = self.is_flushed(item);
            let counters = &mut self.counters.classes[class];
            counters.crawler_checked += 1;
            if flushed || (item.expires() != 0 && item.expires() < self.now) {
                counters.crawler_reclaimed += 1;
                counters.expired_unfetched += u64::from(!fetched && !flushed);
                let hash = self.hash(item.key());
                self.unlink(hash, handle);
            }
        }
        true
    }

    /// Changes how uses are noted.
    pub(crate) const fn set_segmented(&mut self, segmented: bool) {
        self.options.segmented = segmented;
    }

    /// Returns a new cas id.
    pub(crate) fn next_cas(&mut self) -> u64 {
        self.last_cas += self.options.shard.1;
        self.last_cas
    }

    /// Returns `cas` as items keep it: 0 when cas ids are off.
    pub(crate) const fn kept_cas(&self, cas: u64) -> u64 {
        if self.options.cas { cas } else { 0 }
    }

    /// Returns the second before which items count as flushed, 0 for none.
    pub(crate) const fn oldest_live(&self) -> u32 {
        self.oldest_live
    }

    /// Returns the number of items.
    pub(crate) const fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns the bytes of the hash tables.
    pub(crate) fn index_footprint(&self) -> usize {
        self.index.footprint()
    }

    /// Returns how many items there are by size, in steps of 32 bytes, if that
    /// is counted.
    pub(crate) const fn sizes(&self) -> Option<&BTreeMap<usize, u64>> {
        self.sizes.as_ref()
    }

    /// Returns the watchers.
    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    /// Returns the counters of the item's reported class.
    #[inline]
    pub(crate) fn class_counters(&mut self, handle: Handle) -> &mut ClassCounters {
        let class = self.class_of(self.arena.item(handle));
        &mut self.counters.classes[class]
    }

    /// Returns the items of one table of the index, in no order; `None` behind the
    /// last table. Nothing that is done to an item takes it to another one.
    pub(crate) fn items_of(&self, table: usize) -> Option<impl Iterator<Item = Item<'_>>> {
        let handles = self.index.items_of(table)?;
        Some(handles.map(|handle| self.arena.item(handle)))
    }

    /// Whether the item is live in a dump, which lets an item that expires this
    /// very second pass, as memcached does.
    pub(crate) fn is_dumped(&self, item: Item<'_>) -> bool {
        !self.is_flushed(item) && (item.expires() == 0 || item.expires() >= self.now)
    }

    /// Hashes a key.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        index::hash_of(self.options.seed, key)
    }

    /// Returns the item's reported class.
    #[inline]
    pub(crate) fn class_of(&self, item: Item<'_>) -> usize {
        self.measure(item).0
    }

    /// Returns the item's reported class and size.
    #[inline]
    pub(crate) fn measure(&self, item: Item<'_>) -> (usize, usize) {
        let size = self
            .classes
            .item_size(item.key().len(), item.flags(), item.length());
        (self.classes.class(size), size)
    }

    #[inline]
    const fn is_flushed_at(&self, used: u32) -> bool {
        self.oldest_live != 0 && used <= self.oldest_live && self.oldest_live <= self.now
    }

    #[inline]
    fn is_flushed(&self, item: Item<'_>) -> bool {
        self.oldest_live != 0 && self.is_flushed_at(item.used())
    }

    #[inline]
    fn is_expired(&self, item: Item<'_>) -> bool {
        let expires = item.expires();
        expires != 0 && expires <= self.now
    }
}

#[inline]
fn bump(bytes: &mut [u8], now: u32, segmented: bool) {
    let item = Item::new(bytes);
    let (marks, used) = (item.marks(), item.used());
    let mut new_marks = marks | FETCHED | REFERENCED;
    if segmented {
        if marks & FETCHED != 0 {
            new_marks |= ACTIVE;
            if used != now {
                item::set_used(bytes, now);
            }
        }
    } else if used.saturating_add(FLAT_UPDATE_INTERVAL) < now {
        item::set_used(bytes, now);
    }
    if new_marks != marks {
        item::set_marks(bytes, new_marks);
    }
}
