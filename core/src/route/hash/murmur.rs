//! The MurmurHash family.

use super::tail::{last_u32, last_u64};

/// MurmurHash2 seeded with 0xdeadbeef times the length.
///
/// `murmur` of libmemcached and twemproxy.
#[must_use]
pub fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = key.len() as u32;
    let mut hash = 0xdead_beef_u32.wrapping_mul(length) ^ length;
    let (blocks, tail) = key.as_chunks::<4>();
    for block in blocks {
        let mut k = u32::from_le_bytes(*block).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let mixed = (hash ^ last_u32(key, tail.len())).wrapping_mul(M);
    hash = if tail.is_empty() { hash } else { mixed };
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// MurmurHash64A with `seed`, the first step of mcrouter's Ch3.
#[must_use]
pub fn murmur64a(key: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mut hash = seed ^ (key.len() as u64).wrapping_mul(M);
    let (blocks, tail) = key.as_chunks::<8>();
    for block in blocks {
        let mut k = u64::from_le_bytes(*block).wrapping_mul(M);
        k ^= k >> 47;
        hash = (hash ^ k.wrapping_mul(M)).wrapping_mul(M);
    }
    let mixed = (hash ^ last_u64(key, tail.len())).wrapping_mul(M);
    hash = if tail.is_empty() { hash } else { mixed };
    hash ^= hash >> 47;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 47)
}

/// MurmurHash3, 32 bits, with `seed`; pymemcache uses it over text.
#[must_use]
pub fn murmur3_x86_32(key: &[u8], seed: u32) -> u32 {
    let mut state = Murmur3x86::new(seed);
    state.write(key);
    state.finish()
}

/// MurmurHash3, 128 bits for 64-bit machines, with `seed`.
#[must_use]
pub fn murmur3_x64_128(key: &[u8], seed: u64) -> (u64, u64) {
    let mut state = Murmur3x64::new(seed);
    state.write(key);
    state.finish()
}

/// MurmurHash3 x86_32 of a text that comes in pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Murmur3x86 {
    hash: u32,
    /// The last `length % 4` bytes, little-endian.
    tail: u32,
    length: u32,
}

impl Murmur3x86 {
    pub(crate) const fn new(seed: u32) -> Self {
        Self {
            hash: seed,
            tail: 0,
            length: 0,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        self.tail |= u32::from(byte) << (8 * (self.length % 4));
        self.length = self.length.wrapping_add(1);
        if self.length.is_multiple_of(4) {
            self.block(self.tail);
            self.tail = 0;
        }
    }

    #[inline]
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        // What is held back of the last word moves up each word that follows.
        let held = self.length % 4;
        let mut word = u64::from(self.tail);
        let (blocks, tail) = bytes.as_chunks::<4>();
        for block in blocks {
            word |= u64::from(u32::from_le_bytes(*block)) << (8 * held);
            self.block(word as u32);
            word >>= 32;
        }
        word |= u64::from(last_u32(bytes, tail.len())) << (8 * held);
        if held as usize + tail.len() >= 4 {
            self.block(word as u32);
            word >>= 32;
        }
        self.tail = word as u32;
        self.length = self.length.wrapping_add(bytes.len() as u32);
    }

    #[inline]
    pub(crate) fn finish(self) -> u32 {
        // A tail without bytes is zero and changes nothing.
        let hash = self.hash ^ Self::scramble(self.tail) ^ self.length;
        let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }

    #[inline]
    fn block(&mut self, word: u32) {
        self.hash = (self.hash ^ Self::scramble(word))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }

    #[inline]
    fn scramble(word: u32) -> u32 {
        word.wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    }
}

/// MurmurHash3 x64_128 of a text that comes in pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Murmur3x64 {
    hash: (u64, u64),
    tail: [u8; 16],
    length: u64,
}

impl Murmur3x64 {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            hash: (seed, seed),
            tail: [0; 16],
            length: 0,
        }
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) {
        let held = (self.length % 16) as usize;
        self.length += bytes.len() as u64;
        if held > 0 {
            let taken = bytes.len().min(16 - held);
            self.tail[held..held + taken].copy_from_slice(&bytes[..taken]);
            if held + taken < 16 {
                return;
            }
            self.block(self.tail);
            bytes = &bytes[taken..];
        }
        let (blocks, tail) = bytes.as_chunks::<16>();
        for block in blocks {
            self.block(*block);
        }
        self.tail[..tail.len()].copy_from_slice(tail);
    }

    pub(crate) fn finish(mut self) -> (u64, u64) {
        let held = (self.length % 16) as usize;
        self.tail[held..].fill(0);
        let (low, high) = halves(self.tail);
        // Halves without a byte are zero and change nothing.
        self.hash.1 ^= Self::scramble_high(high);
        self.hash.0 ^= Self::scramble_low(low);
        let first = self.hash.0 ^ self.length;
        let second = self.hash.1 ^ self.length;
        let first = first.wrapping_add(second);
        let second = second.wrapping_add(first);
        let (first, second) = (avalanche(first), avalanche(second));
        let first = first.wrapping_add(second);
        (first, second.wrapping_add(first))
    }

    fn block(&mut self, block: [u8; 16]) {
        let (low, high) = halves(block);
        let (first, second) = self.hash;
        let first = (first ^ Self::scramble_low(low))
            .rotate_left(27)
            .wrapping_add(second)
            .wrapping_mul(5)
            .wrapping_add(0x52dc_e729);
        let second = (second ^ Self::scramble_high(high))
            .rotate_left(31)
            .wrapping_add(first)
            .wrapping_mul(5)
            .wrapping_add(0x3849_5ab5);
        self.hash = (first, second);
    }

    fn scramble_low(word: u64) -> u64 {
        word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
    }

    fn scramble_high(word: u64) -> u64 {
        word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
    }
}

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

fn halves(block: [u8; 16]) -> (u64, u64) {
    let both = u128::from_le_bytes(block);
    (both as u64, (both >> 64) as u64)
}

fn avalanche(word: u64) -> u64 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}
