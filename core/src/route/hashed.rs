//! A key hash together with what is done with the number.
//!
//! Which hash a preset has is known when the router is built, so the step from
//! key to number is a call through a pointer. Looking the number up within the
//! same call saves a second one; for short keys and quick hashes a call costs
//! as much as a search of the ring.

use std::fmt;

use super::lists::Slots;
use super::ring::Ring;

/// A function from keys to numbers, and to nodes.
///
/// Functions from bytes to numbers have it by themselves.
pub(crate) trait HashKey: Sync {
    /// Hashes a key.
    fn hash(&self, key: &[u8]) -> u64;

    /// Hashes a key and returns who owns that position.
    fn on_ring(&self, ring: &Ring<u32>, key: &[u8]) -> Option<usize>;

    /// Hashes a key and returns the node of that slot.
    fn on_list(&self, slots: &Slots, key: &[u8]) -> Option<usize>;
}

impl<F: Fn(&[u8]) -> u64 + Sync> HashKey for F {
    fn hash(&self, key: &[u8]) -> u64 {
        self(key)
    }

    fn on_ring(&self, ring: &Ring<u32>, key: &[u8]) -> Option<usize> {
        ring.owner(self(key) as u32)
    }

    fn on_list(&self, slots: &Slots, key: &[u8]) -> Option<usize> {
        slots.node(slots.modulo(self(key)))
    }
}

impl fmt::Debug for dyn HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

/// A hash function that is there for good.
pub(crate) type HashFunction = &'static dyn HashKey;
