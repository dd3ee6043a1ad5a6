//! Published values and properties of the textbook functions.

use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;

use super::Char::{Signed, Unsigned};
use super::*;

const FOX: &[u8] = b"The quick brown fox jumps over the lazy dog";

#[test]
fn published_values() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    // The check value of CRC-16/XMODEM.
    assert_eq!(crc16(b"123456789") & 0xffff, 0x31c3);
    assert_eq!(one_at_a_time(b"a", Signed), 0xca2e_9442);
    assert_eq!(one_at_a_time(FOX, Signed), 0x519e_91f5);
    // From the test suite of the FNV authors.
    assert_eq!(fnv1_32(b"foobar", Signed), 0x31f0_b262);
    assert_eq!(fnv1a_32(b"foobar", Signed), 0xbf9c_f968);
    assert_eq!(fnv1_64(b"foobar", Signed), 0x340d_8765_a4dd_a9c2_u64 as u32);
    assert_eq!(
        fnv1a_64(b"foobar", Signed),
        0x8594_4171_f739_67e8_u64 as u32
    );
    // RFC 1321 and RFC 3174.
    assert_eq!(md5(b"abc"), u32::from_le_bytes([0x90, 0x01, 0x50, 0x98]));
    assert_eq!(sha1_be(b"abc"), 0xa999_3e36);
    assert_eq!(sha1_le(b"abc"), 0x363e_99a9);
    assert_eq!(murmur3_x86_32(b"", 1), 0x514e_28b7);
    assert_eq!(murmur3_x86_32(FOX, 0x9747_b28c), 0x2fa8_26cd);
    let wide = murmur3_x64_128(FOX, 0);
    assert_eq!(wide, (0xe34b_bc7b_bc07_1b6c, 0x7a43_3ca9_c49a_9347));
    assert_eq!(xxh3(b"", 0), 0x2d06_8005_38d3_94c2);
    // String.hashCode() of Java.
    assert_eq!(java(b"hello"), 99_162_322);
    assert_eq!(java("\u{1f600}".as_bytes()), 0xd83d * 31 + 0xde00);
}

/// The check that SMHasher runs on each function, with its published result.
#[test]
fn smhasher_verification() {
    fn verify<const BYTES: usize>(hash: impl Fn(&[u8], u32) -> [u8; BYTES]) -> u32 {
        let key: Vec<u8> = (0..=255).collect();
        let hashes = (0..256).flat_map(|i: u32| hash(&key[..i as usize], 256 - i));
        let all = hash(&hashes.collect::<Vec<u8>>(), 0);
        u32::from_le_bytes([all[0], all[1], all[2], all[3]])
    }
    let murmur3a = verify(|key, seed| murmur3_x86_32(key, seed).to_le_bytes());
    assert_eq!(murmur3a, 0xb0f5_7ee3);
    let murmur3f = verify(|key, seed| {
        let (first, second) = murmur3_x64_128(key, seed.into());
        (u128::from(first) | u128::from(second) << 64).to_le_bytes()
    });
    assert_eq!(murmur3f, 0x6384_ba69);
    let murmur2b = verify(|key, seed| murmur64a(key, seed.into()).to_le_bytes());
    assert_eq!(murmur2b, 0x1f0d_3804);
}

#[test]
fn a_sign_matters_only_beyond_ascii() {
    let functions: [fn(&[u8], Char) -> u32; 6] =
        [fnv1_32, fnv1_64, fnv1a_32, fnv1a_64, hsieh, one_at_a_time];
    for function in functions {
        assert_eq!(function(FOX, Signed), function(FOX, Unsigned));
    }
    for function in functions {
        // hsieh looks at the sign only of the last byte of three.
        let text = "abcde\u{e9}".as_bytes();
        assert_ne!(function(text, Signed), function(text, Unsigned));
    }
}

#[test]
fn bytes_are_shown_as_python_shows_them() {
    for (key, shown) in [
        (&b"plain"[..], r"b'plain'"),
        (b"it's", r#"b"it's""#),
        (br#"'"'"#, r#"b'\'"\''"#),
        (b"a\\b", r"b'a\\b'"),
        (b"\t\n\r\x00\x7f\xff", r"b'\t\n\r\x00\x7f\xff'"),
    ] {
        let mut text = Vec::new();
        write_bytes_repr(key, |byte| text.push(byte));
        assert_eq!(String::from_utf8_lossy(&text), shown);
    }
}

#[test]
fn keys_that_are_no_utf8_are_read_as_latin1() {
    assert_eq!(java(b"\xe9"), 0xe9);
    assert_eq!(java("\u{e9}".as_bytes()), 0xe9);
    assert!(characters(b"a\xff").eq(['a', '\u{ff}']));
}

proptest! {
    #[test]
    fn a_seed_made_ready_hashes_as_the_seed(seed: u64, number: u64) {
        let hash = SeededXxh3::new(seed).hash(number);
        prop_assert_eq!(hash, xxh3(&number.to_le_bytes(), seed));
    }

    #[test]
    fn the_bytes_left_over_are_those_at_the_end(key: Vec<u8>, count in 0usize..8) {
        let count = count.min(key.len());
        let mut word = [0; 8];
        word[..count].copy_from_slice(&key[key.len() - count..]);
        let word = u64::from_le_bytes(word);
        prop_assert_eq!(tail::last_u64(&key, count), word);
        if count <= 4 {
            prop_assert_eq!(tail::last_u32(&key, count), word as u32);
        }
    }

    #[test]
    fn sip13_is_the_default_hasher(key: String) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        prop_assert_eq!(sip13(key.as_bytes()), hasher.finish());
    }

    #[test]
    fn half_the_state_is_enough_for_fnv_64(key: Vec<u8>) {
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x100_0000_01b3;
        let fnv1 = key.iter().fold(BASIS, |hash, byte| {
            hash.wrapping_mul(PRIME) ^ (*byte as i8 as u64)
        });
        let fnv1a = key.iter().fold(BASIS, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
        });
        prop_assert_eq!(fnv1_64(&key, Signed), fnv1 as u32);
        prop_assert_eq!(fnv1a_64(&key, Unsigned), fnv1a as u32);
    }

    #[test]
    fn pieces_hash_as_the_whole(key: Vec<u8>, cuts in proptest::collection::vec(0usize..40, 0..4)) {
        let (mut small, mut wide) = (Murmur3x86::new(7), Murmur3x64::new(7));
        let mut rest = &key[..];
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            small.write(piece);
            wide.write(piece);
            rest = after;
        }
        small.write(rest);
        wide.write(rest);
        prop_assert_eq!(small.finish(), murmur3_x86_32(&key, 7));
        prop_assert_eq!(wide.finish(), murmur3_x64_128(&key, 7));
    }
}
