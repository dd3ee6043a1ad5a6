//! Cyclic redundancy checks.

/// CRC-32 (IEEE 802.3), as zlib computes it.
///
/// gomemcache, dalli, twemproxy's `crc32a`, and python-memcached after
/// `useOldServerHashFunction()`.
#[must_use]
pub fn crc32(key: &[u8]) -> u32 {
    crc32fast::hash(key)
}

/// The CRC-32 of two byte strings, one after the other.
pub(crate) fn crc32_of_parts(first: &[u8], second: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(first);
    hasher.update(second);
    hasher.finalize()
}

/// Bits 16 to 30 of the CRC-32: 0 to 32,767.
///
/// The default of python-memcached; `crc` of libmemcached and `crc32` of
/// twemproxy.
#[must_use]
pub fn crc15(key: &[u8]) -> u32 {
    (crc32(key) >> 16) & 0x7fff
}

/// CRC-16 (CCITT) whose register is 32 bits wide and never cut back to 16.
///
/// twemproxy's `crc16`. The lower 16 bits are the textbook XMODEM checksum.
#[must_use]
pub fn crc16(key: &[u8]) -> u32 {
    key.iter().fold(0, |crc: u32, byte| {
        let entry = CCITT[usize::from((crc >> 8) as u8 ^ byte)];
        (crc << 8) ^ u32::from(entry)
    })
}

const CCITT: [u16; 256] = ccitt();

const fn ccitt() -> [u16; 256] {
    const POLYNOMIAL: u16 = 0x1021;
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc & 0x8000 != 0;
            crc <<= 1;
            if carry {
                crc ^= POLYNOMIAL;
            }
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}
