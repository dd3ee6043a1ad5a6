//! XXH3.

/// Hashes `key` with XXH3, 64 bits, and `seed`.
#[must_use]
pub fn xxh3(key: &[u8], seed: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(key, seed)
}

/// XXH3 of eight bytes with a seed that stays the same.
///
/// What is made of the seed is made once, which leaves the mixing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeededXxh3(u64);

impl SeededXxh3 {
    pub(crate) const fn new(seed: u64) -> Self {
        let seed = seed ^ ((seed as u32).swap_bytes() as u64) << 32;
        Self(SECRET.wrapping_sub(seed))
    }

    /// Hashes the eight bytes of a number, little-endian.
    #[inline]
    pub(crate) const fn hash(self, number: u64) -> u64 {
        const M: u64 = 0x9fb2_1c65_1e98_df25;
        const LENGTH: u64 = 8;
        let hash = number.rotate_left(32) ^ self.0;
        let hash = (hash ^ hash.rotate_left(49) ^ hash.rotate_left(24)).wrapping_mul(M);
        let hash = (hash ^ (hash >> 35).wrapping_add(LENGTH)).wrapping_mul(M);
        hash ^ (hash >> 28)
    }
}

/// Two words of the secret that everybody has who sets none.
const SECRET: u64 = 0x1cad_21f7_2c81_017c ^ 0xdb97_9083_e96d_d4de;
