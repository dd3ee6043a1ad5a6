//! Picking a slot of a list: modulo, Ch3, jump, or the caller's own function.

use std::fmt;
use std::hint::select_unpredictable;
use std::sync::Arc;

use super::hash;
use super::way::HashFunction;
use crate::error::Result;

/// A placement function of the caller: the number is taken modulo the slots.
pub(crate) type Place = Arc<dyn Fn(&[u8]) -> u64 + Send + Sync>;

/// A placement function of the caller that names the node, or fails.
#[derive(Clone)]
pub(crate) struct Choose(pub(crate) Arc<Name>);

/// What names the node for a key.
pub(crate) type Name = dyn Fn(&[u8]) -> Result<usize> + Send + Sync;

impl fmt::Debug for Choose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choose")
    }
}

/// How a key becomes a slot of a list.
#[derive(Clone)]
pub(crate) enum Pick {
    /// The caller's function, modulo the number of slots.
    Custom(Place),
    /// mcrouter's Ch3 over the part of the key that mcrouter routes by.
    Ch3,
    /// Jump consistent hash of XXH3.
    Jump,
    /// The key's hash modulo the number of slots.
    Modulo(HashFunction),
}

impl Pick {
    /// Picks a slot of a list.
    #[inline]
    pub(crate) fn slot(&self, key: &[u8], slots: &Slots) -> usize {
        match self {
            Self::Modulo(hash) => slots.modulo(hash.hash(key)),
            _ => self.slot_of(key, slots.len()),
        }
    }

    /// Picks one of `slots` slots, of which there must be at least one.
    pub(crate) fn slot_of(&self, key: &[u8], slots: usize) -> usize {
        match self {
            Self::Modulo(hash) => (hash.hash(key) % slots as u64) as usize,
            Self::Custom(place) => (place(key) % slots as u64) as usize,
            Self::Ch3 => ch3(mcrouter_part(key), slots),
            Self::Jump => jump(hash::xxh3(key, 0), slots),
        }
    }
}

impl fmt::Debug for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(_) => f.write_str("Custom"),
            Self::Ch3 => f.write_str("Ch3"),
            Self::Jump => f.write_str("Jump"),
            Self::Modulo(_) => f.write_str("Modulo"),
        }
    }
}

/// A list of nodes whose length is divided by.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    nodes: Box<[u32]>,
    /// The length's share of 2^64, rounded up; 0 for a length of 1.
    reciprocal: u64,
}

impl Slots {
    /// Makes a list of at least one node.
    pub(crate) fn new(nodes: Vec<u32>) -> Self {
        Self {
            reciprocal: (u64::MAX / nodes.len() as u64).wrapping_add(1),
            nodes: nodes.into(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, u32> {
        self.nodes.iter()
    }

    /// Returns the node at an index.
    #[inline]
    pub(crate) fn node(&self, index: usize) -> Option<usize> {
        self.nodes.get(index).map(|node| *node as usize)
    }

    /// Returns a hash modulo the length.
    ///
    /// A division is slow. For hashes of 32 bits, as most are, the fractional
    /// part of hash / length, which one multiplication by the reciprocal gives,
    /// times the length is exact (Lemire, Kaser and Kurz, 2019).
    #[inline]
    pub(crate) fn modulo(&self, hash: u64) -> usize {
        let length = self.nodes.len() as u64;
        if hash > u64::from(u32::MAX) || length > u64::from(u32::MAX) {
            return (hash % length) as usize;
        }
        let fraction = self.reciprocal.wrapping_mul(hash);
        ((u128::from(fraction) * u128::from(length)) >> 64) as usize
    }
}

/// Jump consistent hash (Lamping and Veach, 2014).
///
/// Going from n to n + 1 slots moves one key in n + 1, all of them to the new
/// slot. Slots can only be added and removed at the end.
pub(crate) fn jump(mut key: u64, slots: usize) -> usize {
    const STEP: f64 = (1u64 << 31) as f64;
    let slots = slots as i64;
    let mut jump_from = |slot: i64| {
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        ((slot + 1) as f64 * (STEP / ((key >> 33) + 1) as f64)) as i64
    };
    let mut slot = 0;
    if slots <= FEW {
        // Each jump goes forward, so there are no more than this. Making all of
        // them is quicker than to guess after which one to stop.
        let mut lands = true;
        for _ in 1..slots {
            let next = jump_from(slot);
            lands &= next < slots;
            slot = select_unpredictable(lands, next, slot);
        }
        return slot as usize;
    }
    loop {
        let next = jump_from(slot);
        if next >= slots {
            return slot as usize;
        }
        slot = next;
    }
}

/// Up to how many slots a jump too many costs less than a wrong guess.
const FEW: i64 = 4;

/// mcrouter's Ch3 (`furc_hash`).
///
/// The pool is a binary tree walked by bits of an endless random string, which
/// starts as a hash of the key. A walk that ends past the last slot is begun
/// again further along the string.
pub(crate) fn ch3(key: &[u8], slots: usize) -> usize {
    const TRIES: usize = 32;
    if slots <= 1 {
        return 0;
    }
    let mut bits = Bits::new(key);
    let Some(mut depth) = bits.highest(usize::BITS - (slots - 1).leading_zeros()) else {
        return 0;
    };
    let mut at = depth;
    for _ in 0..TRIES {
        at += GAP;
        let mut slot = 1;
        for _ in 1..depth {
            slot = (slot << 1) | usize::from(bits.get(at));
            at += GAP;
        }
        if slot < slots {
            return slot;
        }
        if !bits.get(at) {
            match bits.highest(depth - 1) {
                Some(highest) => depth = highest,
                None => return 0,
            }
            at = depth;
        }
    }
    0
}

/// The distance between the bits of one walk; also the depth of the tree.
const GAP: u32 = 23;

/// The most slots that Ch3 can tell apart.
pub(crate) const MAX_CH3_SLOTS: usize = 1 << GAP;

/// The endless string of bits that belongs to a key.
struct Bits {
    first: u64,
    word: u64,
    index: u32,
}

impl Bits {
    const SEED: u64 = 4_193_360_111;

    fn new(key: &[u8]) -> Self {
        let first = hash::murmur64a(key, Self::SEED);
        Self {
            first,
            word: first,
            index: 0,
        }
    }

    /// Returns the highest bit that is set from 1 to `at`, which is less than 63.
    fn highest(&self, at: u32) -> Option<u32> {
        (self.first & ((2 << at) - 2)).checked_ilog2()
    }

    fn get(&mut self, at: u32) -> bool {
        let index = at / 64;
        // A walk that begins again goes back to the first word.
        if index < self.index {
            self.word = self.first;
            self.index = 0;
        }
        while self.index < index {
            self.word = hash::murmur64a(&self.word.to_le_bytes(), Self::SEED);
            self.index += 1;
        }
        self.word >> (at % 64) & 1 == 1
    }
}

/// Returns the part of a key that mcrouter routes by: all before `|#|`.
///
/// A routing prefix `/region/cluster/` is an address for mcrouter, which takes
/// it off; a key at this place has none.
pub(crate) fn mcrouter_part(key: &[u8]) -> &[u8] {
    let mut bars = memchr::memchr_iter(b'|', key);
    match bars.find(|at| key[*at..].starts_with(b"|#|")) {
        Some(end) => &key[..end],
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn jump_matches_the_published_values() {
        // From the test of Google's Guava, Hashing.consistentHash.
        for (key, slots, slot) in [
            (10_863_919_174_838_991_u64, 11, 6),
            (2_016_238_256_797_177_309, 11, 3),
            (1_673_758_223_894_951_030, 11, 5),
            (2, 100_001, 80_343),
            (2_201, 100_001, 22_152),
            (2_202, 100_001, 15_018),
        ] {
            assert_eq!(jump(key, slots), slot, "{key} over {slots}");
        }
    }

    /// The words of the paper.
    fn jump_after_jump(mut key: u64, slots: i64) -> i64 {
        let (mut slot, mut next) = (-1, 0);
        while next < slots {
            slot = next;
            key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
            let share = f64::from(1u32 << 31) / ((key >> 33) + 1) as f64;
            next = ((slot + 1) as f64 * share) as i64;
        }
        slot
    }

    proptest! {
        #[test]
        fn jumps_too_many_lead_nowhere(key in any::<u64>(), slots in 1usize..10) {
            prop_assert_eq!(jump(key, slots) as i64, jump_after_jump(key, slots as i64));
        }

        #[test]
        fn the_remainder_is_that_of_a_division(hash in any::<u64>(), length in 1usize..70_000) {
            let slots = Slots::new(vec![0; length]);
            for hash in [hash, hash >> 32, u64::from(u32::MAX), 0] {
                prop_assert_eq!(slots.modulo(hash) as u64, hash % length as u64);
            }
        }

        #[test]
        fn a_new_slot_takes_keys_and_gives_none(key in any::<u64>(), slots in 1usize..500) {
            let (before, after) = (jump(key, slots), jump(key, slots + 1));
            prop_assert!(after == before || after == slots);
            let text = key.to_le_bytes();
            let (before, after) = (ch3(&text, slots), ch3(&text, slots + 1));
            prop_assert!(after == before || after == slots);
        }
    }

    #[test]
    fn mcrouter_routes_by_a_part_of_the_key() {
        for (key, part) in [
            ("plain", "plain"),
            ("user:1|#|photo", "user:1"),
            ("/a/b/c", "/a/b/c"),
            ("|#|", ""),
            ("a|b|#c||#|d|#|e", "a|b|#c|"),
            ("a|#", "a|#"),
        ] {
            assert_eq!(mcrouter_part(key.as_bytes()), part.as_bytes(), "{key}");
        }
    }
}
