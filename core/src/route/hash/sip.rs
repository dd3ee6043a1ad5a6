//! SipHash-1-3, the algorithm behind Rust's `DefaultHasher`.

/// SipHash-1-3 with zero keys over `key` and a closing 0xff.
///
/// What the Rust crate `memcache` gets from hashing a `&str` with
/// `std::hash::DefaultHasher`. The standard library does not promise that
/// algorithm; this is the one of Rust 1.13 to today.
#[must_use]
pub fn sip13(key: &[u8]) -> u64 {
    const END: u64 = 0xff;
    let mut state = State([
        0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ]);
    let (blocks, tail) = key.as_chunks::<8>();
    for block in blocks {
        state.absorb(u64::from_le_bytes(*block));
    }
    let mut word = tail
        .iter()
        .rev()
        .fold(0, |word, byte| (word << 8) | u64::from(*byte));
    word |= END << (8 * tail.len());
    let length = key.len() as u64 + 1;
    if tail.len() == 7 {
        state.absorb(word);
        word = 0;
    }
    state.absorb(word | (length << 56));
    state.0[2] ^= 0xff;
    for _ in 0..3 {
        state.round();
    }
    state.0.iter().fold(0, |hash, word| hash ^ word)
}

struct State([u64; 4]);

impl State {
    fn absorb(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.0[0] ^= word;
    }

    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }
}
