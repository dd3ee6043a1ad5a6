//! What a store counts, in total and by reported slab class.

use super::classes::CLASSES;

/// Counters of one reported slab class.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClassCounters {
    /// Items now.
    pub(crate) items: u64,
    /// Most items at one time, from which the reported pages follow.
    pub(crate) most_items: u64,
    /// Bytes that memcached would need for the items now.
    pub(crate) bytes: u64,
    pub(crate) get_hits: u64,
    pub(crate) set_commands: u64,
    pub(crate) touch_hits: u64,
    pub(crate) delete_hits: u64,
    pub(crate) increment_hits: u64,
    pub(crate) decrement_hits: u64,
    pub(crate) cas_hits: u64,
    pub(crate) cas_mismatches: u64,
    pub(crate) evicted: u64,
    pub(crate) evicted_with_expiry: u64,
    pub(crate) evicted_unfetched: u64,
    pub(crate) evicted_active: u64,
    /// Seconds since the last eviction's item was used.
    pub(crate) evicted_age: u64,
    pub(crate) out_of_memory: u64,
    pub(crate) reclaimed: u64,
    pub(crate) expired_unfetched: u64,
    pub(crate) crawler_reclaimed: u64,
    pub(crate) crawler_checked: u64,
    pub(crate) direct_reclaims: u64,
}

impl ClassCounters {
    /// Adds the counters of another shard.
    pub(crate) fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.most_items += other.most_items;
        self.bytes += other.bytes;
        self.get_hits += other.get_hits;
        self.set_commands += other.set_commands;
        self.touch_hits += other.touch_hits;
        self.delete_hits += other.delete_hits;
        self.increment_hits += other.increment_hits;
        self.decrement_hits += other.decrement_hits;
        self.cas_hits += other.cas_hits;
        self.cas_mismatches += other.cas_mismatches;
        self.evicted += other.evicted;
        self.evicted_with_expiry += other.evicted_with_expiry;
        self.evicted_unfetched += other.evicted_unfetched;
        self.evicted_active += other.evicted_active;
        self.evicted_age = self.evicted_age.max(other.evicted_age);
        self.out_of_memory += other.out_of_memory;
        self.reclaimed += other.reclaimed;
        self.expired_unfetched += other.expired_unfetched;
        self.crawler_reclaimed += other.crawler_reclaimed;
        self.crawler_checked += other.crawler_checked;
        self.direct_reclaims += other.direct_reclaims;
    }

    /// Sets everything but the present items to zero.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            items: self.items,
            most_items: self.most_items,
            bytes: self.bytes,
            ..Self::default()
        };
    }
}

/// Counters of one store.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    pub(crate) get_commands: u64,
    pub(crate) get_misses: u64,
    pub(crate) get_expired: u64,
    pub(crate) get_flushed: u64,
    pub(crate) touch_commands: u64,
    pub(crate) touch_misses: u64,
    pub(crate) delete_misses: u64,
    pub(crate) increment_misses: u64,
    pub(crate) decrement_misses: u64,
    pub(crate) cas_misses: u64,
    pub(crate) meta_commands: u64,
    pub(crate) store_too_large: u64,
    pub(crate) store_no_memory: u64,
    pub(crate) total_items: u64,
    pub(crate) bytes_read: u64,
    pub(crate) bytes_written: u64,
    pub(crate) classes: Box<[ClassCounters; CLASSES]>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            get_commands: 0,
            get_misses: 0,
            get_expired: 0,
            get_flushed: 0,
            touch_commands: 0,
            touch_misses: 0,
            delete_misses: 0,
            increment_misses: 0,
            decrement_misses: 0,
            cas_misses: 0,
            meta_commands: 0,
            store_too_large: 0,
            store_no_memory: 0,
            total_items: 0,
            bytes_read: 0,
            bytes_written: 0,
            classes: Box::new([ClassCounters::default(); CLASSES]),
        }
    }
}

impl Counters {
    /// Adds the counters of another shard.
    pub(crate) fn add(&mut self, other: &Self) {
        self.get_commands += other.get_commands;
        self.get_misses += other.get_misses;
        self.get_expired += other.get_expired;
        self.get_flushed += other.get_flushed;
        self.touch_commands += other.touch_commands;
        self.touch_misses += other.touch_misses;
        self.delete_misses += other.delete_misses;
        self.increment_misses += other.increment_misses;
        self.decrement_misses += other.decrement_misses;
        self.cas_misses += other.cas_misses;
        self.meta_commands += other.meta_commands;
        self.store_too_large += other.store_too_large;
        self.store_no_memory += other.store_no_memory;
        self.total_items += other.total_items;
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
        for (mine, theirs) in self.classes.iter_mut().zip(other.classes.iter()) {
            mine.add(theirs);
        }
    }

    /// Sets everything but the present items to zero.
    pub(crate) fn reset(&mut self) {
        let mut classes = std::mem::take(self).classes;
        classes.iter_mut().for_each(ClassCounters::reset);
        self.classes = classes;
    }

    /// Returns the sum of `field` over the classes.
    pub(crate) fn sum(&self, field: impl Fn(&ClassCounters) -> u64) -> u64 {
        self.classes.iter().map(field).sum()
    }

    /// Returns the items now.
    pub(crate) fn items(&self) -> u64 {
        self.sum(|class| class.items)
    }
}
