//! Bob Jenkins's lookup3.

use super::tail::last_u32;

/// lookup3 (`hashlittle`) with the initial value 13: `jenkins` of libmemcached
/// and twemproxy.
#[must_use]
pub fn jenkins(key: &[u8]) -> u32 {
    const INITIAL: u32 = 13;
    let start = 0xdead_beef_u32
        .wrapping_add(key.len() as u32)
        .wrapping_add(INITIAL);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = key;
    // The last block is finished differently, even when it is a full one.
    while let Some((block, after)) = rest.split_first_chunk::<12>()
        && !after.is_empty()
    {
        let (words, _) = block.as_chunks();
        a = a.wrapping_add(u32::from_le_bytes(words[0]));
        b = b.wrapping_add(u32::from_le_bytes(words[1]));
        c = c.wrapping_add(u32::from_le_bytes(words[2]));
        (a, b, c) = mix(a, b, c);
        rest = after;
    }
    if rest.is_empty() {
        return c;
    }
    let Some((word, rest)) = rest.split_first_chunk() else {
        a = a.wrapping_add(last_u32(key, rest.len()));
        return finish(a, b, c);
    };
    a = a.wrapping_add(u32::from_le_bytes(*word));
    let Some((word, rest)) = rest.split_first_chunk() else {
        b = b.wrapping_add(last_u32(key, rest.len()));
        return finish(a, b, c);
    };
    b = b.wrapping_add(u32::from_le_bytes(*word));
    c = c.wrapping_add(last_u32(key, rest.len()));
    finish(a, b, c)
}

fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    a = a.wrapping_sub(c) ^ c.rotate_left(4);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(6);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(8);
    b = b.wrapping_add(a);
    a = a.wrapping_sub(c) ^ c.rotate_left(16);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(19);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(4);
    b = b.wrapping_add(a);
    (a, b, c)
}

fn finish(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}
