//! Numbers taken from cryptographic digests.

use md5::Md5;
use sha1::{Digest, Sha1};

/// Returns the 16 bytes of the MD5 digest.
#[must_use]
pub fn md5_digest(text: &[u8]) -> [u8; 16] {
    Md5::digest(text).into()
}

/// The first four bytes of the MD5 digest, little-endian.
///
/// `md5` of libmemcached and twemproxy, and the default of node-memcached.
#[must_use]
pub fn md5(key: &[u8]) -> u32 {
    let [a, b, c, d, ..] = md5_digest(key);
    u32::from_le_bytes([a, b, c, d])
}

/// Returns the 20 bytes of the SHA-1 digest.
#[must_use]
pub fn sha1_digest(text: &[u8]) -> [u8; 20] {
    Sha1::digest(text).into()
}

/// The first four bytes of the SHA-1 digest, big-endian.
///
/// The ring points of dalli, and node-memcache when told to use `sha1`.
#[must_use]
pub fn sha1_be(key: &[u8]) -> u32 {
    let [a, b, c, d, ..] = sha1_digest(key);
    u32::from_be_bytes([a, b, c, d])
}

/// The first four bytes of the SHA-1 digest, little-endian.
///
/// node-memcached with `algorithm: 'sha1'`.
#[must_use]
pub fn sha1_le(key: &[u8]) -> u32 {
    let [a, b, c, d, ..] = sha1_digest(key);
    u32::from_le_bytes([a, b, c, d])
}
