//! Functions of clients that hash text rather than bytes.
//!
//! JavaScript hashes UTF-16 units and pymemcache code points, so the key is
//! decoded from UTF-8. A key that is no UTF-8 cannot come from those clients;
//! it is read as Latin-1, one character for each byte, so that binary keys
//! still spread.

/// The string hash of Java, which memjs uses: 31 × hash + unit, over UTF-16.
///
/// memjs takes its absolute value modulo the number of servers.
#[must_use]
pub fn java(key: &[u8]) -> i32 {
    units(key).fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    })
}

/// FNV-1a over UTF-16 as node-memcache computes it, low bits lost.
///
/// The product is taken in double precision, as every number in JavaScript, so
/// what exceeds 53 bits is rounded away: not equal to FNV-1a.
#[must_use]
pub fn js_fnv1a(key: &[u8]) -> u32 {
    const BASIS: i32 = 0x811c_9dc5_u32 as i32;
    const PRIME: f64 = 16_777_619.0;
    units(key).fold(BASIS, |hash, unit| {
        let product = f64::from(hash ^ i32::from(unit)) * PRIME;
        // Under 2^56, so the conversion is exact and the lower half is kept.
        product as i64 as i32
    }) as u32
}

/// The characters of a key.
pub(crate) fn characters(key: &[u8]) -> impl Iterator<Item = char> + '_ {
    let (text, bytes) = match std::str::from_utf8(key) {
        Ok(text) => (text, &[][..]),
        Err(_) => ("", key),
    };
    text.chars()
        .chain(bytes.iter().map(|byte| char::from(*byte)))
}

/// The UTF-16 units of a key.
fn units(key: &[u8]) -> impl Iterator<Item = u16> + '_ {
    let (text, bytes) = match std::str::from_utf8(key) {
        Ok(text) => (text, &[][..]),
        Err(_) => ("", key),
    };
    text.encode_utf16()
        .chain(bytes.iter().map(|byte| u16::from(*byte)))
}

/// Writes a key as Python's `repr` of a bytes object, `b'…'`, byte by byte.
pub(crate) fn write_bytes_repr(key: &[u8], mut push: impl FnMut(u8)) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let quote = if key.contains(&b'\'') && !key.contains(&b'"') {
        b'"'
    } else {
        b'\''
    };
    push(b'b');
    push(quote);
    for byte in key.iter().copied() {
        match byte {
            b'\\' => b"\\\\".iter().for_each(|b| push(*b)),
            b'\t' => b"\\t".iter().for_each(|b| push(*b)),
            b'\n' => b"\\n".iter().for_each(|b| push(*b)),
            b'\r' => b"\\r".iter().for_each(|b| push(*b)),
            _ if byte == quote => {
                push(b'\\');
                push(byte);
            }
            0x20..0x7f => push(byte),
            _ => {
                b"\\x".iter().for_each(|b| push(*b));
                push(HEX[usize::from(byte >> 4)]);
                push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    push(quote);
}
