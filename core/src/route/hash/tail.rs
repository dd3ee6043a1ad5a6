//! The bytes that are left over when a key is read in words.
//!
//! How many there are differs from key to key, and a processor that has to guess
//! it is often wrong. So the word that ends with the key is read whole, and what
//! was read before is shifted out of it.

/// Returns the last `count` bytes of a key, four at most, little-endian.
#[inline]
pub(super) fn last_u32(key: &[u8], count: usize) -> u32 {
    match key.last_chunk() {
        Some(word) => {
            let word = u64::from(u32::from_le_bytes(*word));
            ((word << (8 * count)) >> 32) as u32
        }
        None => few(key, count) as u32,
    }
}

/// Returns the last `count` bytes of a key, seven at most, little-endian.
#[inline]
pub(super) fn last_u64(key: &[u8], count: usize) -> u64 {
    match key.last_chunk() {
        Some(word) => (u64::from_le_bytes(*word) >> 8) >> (56 - 8 * count),
        None => few(key, count),
    }
}

/// Returns the last bytes of a key that is shorter than a word.
fn few(key: &[u8], count: usize) -> u64 {
    let bytes = key[key.len() - count..].iter().rev();
    bytes.fold(0, |word, byte| (word << 8) | u64::from(*byte))
}
