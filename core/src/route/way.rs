//! The way from a key to its node.
//!
//! Which hash a preset has, and what is done with the number, is known when the
//! router is built, so what routes a key is one call through a pointer. Each hash
//! has its own copy of the lookups, compiled into it: a second call, or asking
//! for each key what the plan is, costs as much as the lookup.

use std::fmt;

use super::hash;
use super::lists::Pick;
use super::plan::Plan;
use super::router::Router;

/// A function from keys to numbers.
pub(crate) trait HashKey {
    /// Hashes a key.
    fn hash(key: &[u8]) -> u64;
}

/// Finds the node for a key.
pub(crate) type Way = fn(&Router, &[u8]) -> Option<usize>;

/// Returns the way that suits a plan, where keys are tagged or not.
pub(crate) fn way(plan: &Plan, tagged: bool) -> Way {
    match plan {
        _ if tagged => by_any_plan,
        Plan::Ring { hash, .. } => hash.on_ring,
        Plan::List {
            pick: Pick::Modulo(hash),
            ..
        } => hash.on_list,
        Plan::Rendezvous(_) => by_score,
        _ => by_any_plan,
    }
}

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

/// Returns the node with the highest score.
fn by_score(router: &Router, key: &[u8]) -> Option<usize> {
    match router.plan() {
        Plan::Rendezvous(nodes) => nodes.first(key),
        _ => None,
    }
}

/// Asks the plan and the hash tags for each key.
fn by_any_plan(router: &Router, key: &[u8]) -> Option<usize> {
    let key = router.tagged(key);
    match router.plan() {
        Plan::Ring { hash, .. } => (hash.on_ring)(router, key),
        Plan::List { pick, slots } => slots.node(pick.slot(key, slots)),
        Plan::Chosen { choose, members } => router.chosen(choose, members, key).ok()?,
        Plan::Only(index) => Some(*index as usize),
        Plan::Rendezvous(nodes) => nodes.first(key),
        Plan::WideRing(ring) => ring.owner(u128::from_be_bytes(hash::md5_digest(key))),
        Plan::Nowhere => None,
    }
}
