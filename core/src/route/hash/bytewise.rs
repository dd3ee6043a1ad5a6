//! Functions of C clients that mix in one `char` after another.

/// Whether C's `char` has a sign on the machine whose placement is reproduced.
///
/// libmemcached and twemproxy read the key as `char`. On x86-64 a byte of 0x80
/// and above is negative and is widened with ones; on Linux for ARM it is not.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Char {
    /// As on x86 and x86-64, and on macOS for ARM.
    #[default]
    Signed,
    /// As on Linux for ARM.
    Unsigned,
}

impl Char {
    #[inline]
    fn widen(self, byte: u8) -> u32 {
        match self {
            Self::Signed => byte as i8 as u32,
            Self::Unsigned => byte.into(),
        }
    }
}

/// Jenkins's one-at-a-time: the default of libmemcached, so of pylibmc and PHP.
#[must_use]
pub fn one_at_a_time(key: &[u8], char: Char) -> u32 {
    let mixed = key.iter().fold(0, |hash: u32, byte| {
        let hash = hash.wrapping_add(char.widen(*byte));
        let hash = hash.wrapping_add(hash << 10);
        hash ^ (hash >> 6)
    });
    let mixed = mixed.wrapping_add(mixed << 3);
    let mixed = mixed ^ (mixed >> 11);
    mixed.wrapping_add(mixed << 15)
}

/// FNV-1, 32 bits: multiply, then mix in.
#[must_use]
pub fn fnv1_32(key: &[u8], char: Char) -> u32 {
    fnv1(key, char, BASIS_32, PRIME_32)
}

/// FNV-1a, 32 bits: mix in, then multiply.
#[must_use]
pub fn fnv1a_32(key: &[u8], char: Char) -> u32 {
    fnv1a(key, char, BASIS_32, PRIME_32)
}

/// The lower half of FNV-1, 64 bits.
#[must_use]
pub fn fnv1_64(key: &[u8], char: Char) -> u32 {
    // No step carries from the upper half to the lower one.
    fnv1(key, char, BASIS_64_LOW, PRIME_64_LOW)
}

/// `fnv1a_64` of libmemcached and twemproxy, where it is the default.
///
/// The state is 32 bits wide; for the lower half of the textbook function that
/// makes no difference.
#[must_use]
pub fn fnv1a_64(key: &[u8], char: Char) -> u32 {
    fnv1a(key, char, BASIS_64_LOW, PRIME_64_LOW)
}

/// Hsieh's SuperFastHash, started at 0 and not at the length.
///
/// twemproxy's `hsieh`; libmemcached is shipped without it.
#[must_use]
pub fn hsieh(key: &[u8], char: Char) -> u32 {
    let (blocks, tail) = key.as_chunks::<4>();
    let mut hash: u32 = 0;
    for [a, b, c, d] in blocks {
        hash = hash.wrapping_add(u16::from_le_bytes([*a, *b]).into());
        let high = u32::from(u16::from_le_bytes([*c, *d])) << 11;
        hash = (hash << 16) ^ high ^ hash;
        hash = hash.wrapping_add(hash >> 11);
    }
    match *tail {
        [a, b, c] => {
            hash = hash.wrapping_add(u16::from_le_bytes([a, b]).into());
            hash ^= hash << 16;
            hash ^= char.widen(c) << 18;
            hash = hash.wrapping_add(hash >> 11);
        }
        [a, b] => {
            hash = hash.wrapping_add(u16::from_le_bytes([a, b]).into());
            hash ^= hash << 11;
            hash = hash.wrapping_add(hash >> 17);
        }
        [a] => {
            // twemproxy reads the single last byte without a sign.
            hash = hash.wrapping_add(a.into());
            hash ^= hash << 10;
            hash = hash.wrapping_add(hash >> 1);
        }
        _ => {}
    }
    hash ^= hash << 3;
    hash = hash.wrapping_add(hash >> 5);
    hash ^= hash << 4;
    hash = hash.wrapping_add(hash >> 17);
    hash ^= hash << 25;
    hash.wrapping_add(hash >> 6)
}

#[inline]
fn fnv1(key: &[u8], char: Char, basis: u32, prime: u32) -> u32 {
    key.iter().fold(basis, |hash, byte| {
        hash.wrapping_mul(prime) ^ char.widen(*byte)
    })
}

#[inline]
fn fnv1a(key: &[u8], char: Char, basis: u32, prime: u32) -> u32 {
    key.iter().fold(basis, |hash, byte| {
        (hash ^ char.widen(*byte)).wrapping_mul(prime)
    })
}

const BASIS_32: u32 = 0x811c_9dc5;
const PRIME_32: u32 = 0x0100_0193;
const BASIS_64_LOW: u32 = 0x8422_2325;
const PRIME_64_LOW: u32 = 0x1b3;
