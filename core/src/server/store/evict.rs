//! Room for new items: from free slots, from the system below the limit, and
//! above it from items that were not used for long.
//!
//! Within a size class a hand goes round: an item used since its last pass is
//! spared once (an approximation of LRU that costs one bit). Between classes, a
//! page or a large item that has not been used for longer than the class takes to
//! turn over is given up for it. A class looks for one at every eviction as long
//! as it finds some, else ever more rarely. So memory follows the load, and
//! nothing stays stuck in a class.

use super::Store;
use super::arena::{Arena, Handle, LARGEST_SLOT, Victim};
use super::item::{ACTIVE, FETCHED, REFERENCED};

/// Slots that a store without evictions looks at for an expired item.
const RECLAIM_STEPS: usize = 50;

impl Store {
    /// Takes a slot for an item of `size` bytes, at most [`LARGEST_SLOT`].
    /// `spared` is not evicted for it.
    #[inline]
    pub(super) fn slot(&mut self, size: usize, spared: Option<Handle>) -> Option<Handle> {
        debug_assert!(size <= LARGEST_SLOT);
        match self.arena.take_slot(size) {
            Some(handle) => Some(handle),
            None => self.slot_from_elsewhere(size, spared),
        }
    }

    #[cold]
    fn slot_from_elsewhere(&mut self, size: usize, spared: Option<Handle>) -> Option<Handle> {
        if self.has_room(Arena::cost(size)) && self.arena.add_page(size) {
            return self.arena.take_slot(size);
        }
        if !self.options.evictions {
            self.reclaim_slot(size);
            return self.arena.take_slot(size);
        }
        let (items, per_page) = self.arena.class_items(size);
        if items == 0 || self.arena.is_time_to_look(size) {
            let moved = self.move_memory_to(size, items, spared);
            self.arena.looked(size, moved, per_page);
            if let Some(handle) = self.arena.take_slot(size) {
                return Some(handle);
            }
        }
        // Twice round at most: the first pass may only clear marks.
        for _ in 0..=2 * items {
            let handle = self.arena.advance_hand(size)?;
            if Some(handle) == spared {
                continue;
            }
            let item = self.arena.item(handle);
            if item.has(REFERENCED) && !self.is_expired(item) && !self.is_flushed(item) {
                self.arena.clear_marks(handle, REFERENCED | ACTIVE);
                continue;
            }
            self.give_up(handle);
            return self.arena.take_slot(size);
        }
        None
    }

    /// Gives a page to the class of `size`, from wherever memory was not used
    /// for longest, if that is longer than the class takes to turn over.
    fn move_memory_to(&mut self, size: usize, items: usize, spared: Option<Handle>) -> bool {
        let Some((victim, age)) = self.arena.oldest(spared) else {
            return false;
        };
        if items > 0 && (age as usize <= items || self.arena.is_of_class(victim, size)) {
            return false;
        }
        self.give_up_victim(victim);
        self.make_room(Arena::cost(size), spared) && self.arena.add_page(size)
    }

    /// Frees a slot of the class of `size` if the hand soon meets an item that
    /// has expired.
    fn reclaim_slot(&mut self, size: usize) {
        for _ in 0..RECLAIM_STEPS {
            let Some(handle) = self.arena.advance_hand(size) else {
                return;
            };
            let item = self.arena.item(handle);
            if self.is_expired(item) || self.is_flushed(item) {
                self.give_up(handle);
                return;
            }
        }
    }

    /// Evicts until `cost` more bytes fit below the limit; false when that
    /// cannot be.
    pub(super) fn make_room(&mut self, cost: usize, spared: Option<Handle>) -> bool {
        while !self.has_room(cost) {
            if !self.options.evictions {
                return false;
            }
            let Some((victim, _)) = self.arena.oldest(spared) else {
                return false;
            };
            self.give_up_victim(victim);
        }
        true
    }

    /// Reserves `bytes` of the limit for a value on its way in.
    pub(crate) fn reserve_pending(&mut self, bytes: usize) -> bool {
        if !self.make_room(bytes, None) {
            return false;
        }
        self.pending += bytes;
        true
    }

    /// Gives back what [`Store::reserve_pending`] took.
    pub(crate) const fn release_pending(&mut self, bytes: usize) {
        self.pending -= bytes;
    }

    /// Changes the limit, evicting down to it.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.options.limit = limit;
        self.make_room(0, None);
    }

    /// Evicts up to `count` items, the longest unused first; for fault rules.
    pub(crate) fn evict(&mut self, count: usize) -> usize {
        let before = self.len();
        while before - self.len() < count {
            let Some((victim, _)) = self.arena.oldest(None) else {
                break;
            };
            match victim {
                Victim::Large(handle) => self.give_up(handle),
                Victim::Page(number) => {
                    let left = count - (before - self.len());
                    for handle in self.arena.page_items(number).into_iter().take(left) {
                        self.give_up(handle);
                    }
                    self.arena.drop_if_empty(number);
                }
            }
        }
        before - self.len()
    }

    /// Returns the bytes that count against the limit.
    pub(crate) fn footprint(&self) -> usize {
        self.arena.footprint() + self.pending
    }

    fn has_room(&self, cost: usize) -> bool {
        self.footprint() + cost <= self.options.limit
    }

    fn give_up_victim(&mut self, victim: Victim) {
        match victim {
            Victim::Large(handle) => self.give_up(handle),
            Victim::Page(number) => {
                for handle in self.arena.page_items(number) {
                    self.give_up(handle);
                }
                self.arena.drop_if_empty(number);
            }
        }
    }

    /// Removes an item for want of room, counting it as reclaimed or evicted.
    fn give_up(&mut self, handle: Handle) {
        let item = self.arena.item(handle);
        let (class, _) = self.measure(item);
        let gone = self.is_expired(item) || self.is_flushed(item);
        let counters = &mut self.counters.classes[class];
        if gone {
            counters.reclaimed += 1;
            counters.expired_unfetched += u64::from(!item.has(FETCHED));
        } else {
            counters.evicted += 1;
            counters.direct_reclaims += 1;
            counters.evicted_age = u64::from(self.now.saturating_sub(item.used()));
            counters.evicted_with_expiry += u64::from(item.expires() != 0);
            counters.evicted_unfetched += u64::from(!item.has(FETCHED));
            counters.evicted_active += u64::from(item.has(ACTIVE));
            if self.watchers.wants_evictions() {
                self.watchers.evicted(item, class, self.now);
            }
        }
        let hash = self.hash(item.key());
        self.unlink(hash, handle);
    }
}
