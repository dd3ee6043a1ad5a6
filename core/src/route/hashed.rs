//! A key hash together with what is done with the number.
//!
//! Which hash a preset has is known when the router is built, so the step from
//! key to number is a call through a pointer. Looking the number up within the
//! same call saves a second one, and with it most of what routing costs beside
//! the hash: each hash has its own copy of the lookups, compiled into it.

use std::fmt;

use super::plan::Plan;
use super::router::Router;

/// A function from keys to numbers.
pub(crate) trait HashKey {
    /// Hashes a key.
    fn hash(key: &[u8]) -> u64;
}

/// Finds the node for a key, in whatever way suits the router's plan.
pub(crate) type Way = fn(&Router, &[u8]) -> Option<usize>;

/// A function from keys to numbers, and from there to nodes.
#[derive(Clone, Copy)]
pub(crate) struct HashFunction {
    hash: fn(&[u8]) -> u64,
    /// The way over a ring.
    pub(crate) on_ring: Way,
    /// The way over a list, by the hash modulo its length.
    pub(crate) on_list: Way,
}

impl HashFunction {
    pub(crate) const fn new<H: HashKey>() -> Self {
        Self {
            hash: H::hash,
            on_ring: on_ring::<H>,
            on_list: on_list::<H>,
        }
    }

    /// Hashes a key.
    #[inline]
    pub(crate) fn hash(self, key: &[u8]) -> u64 {
        (self.hash)(key)
    }
}

impl fmt::Debug for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashFunction")
    }
}

/// Hashes a key and returns who owns that position.
fn on_ring<H: HashKey>(router: &Router, key: &[u8]) -> Option<usize> {
    let position = H::hash(key) as u32;
    match router.table().owner(position) {
        Some(owner) => Some(owner),
        None => search(router, position),
    }
}

/// Returns the owner of a position that the table of the ring leaves open.
#[cold]
#[inline(never)]
fn search(router: &Router, position: u32) -> Option<usize> {
    match router.plan() {
        Plan::Ring { ring, .. } => ring.search(position),
        _ => None,
    }
}

/// Hashes a key and returns the node of that slot.
fn on_list<H: HashKey>(router: &Router, key: &[u8]) -> Option<usize> {
    let Plan::List { slots, .. } = router.plan() else {
        return None;
    };
    slots.node(slots.modulo(H::hash(key)))
}
