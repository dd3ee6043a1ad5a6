//! Names that nobody else has.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{now, unix_now};

/// Returns 32 hexadecimal digits that no other call returns, in this process
/// or another: the owner token of a lock. Not a secret.
///
/// ```
/// let token = memoxide::net::token();
/// assert_eq!(token.len(), 32);
/// assert_ne!(token, memoxide::net::token());
/// ```
#[must_use]
pub fn token() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let half = |which: u8| {
        // The keys of the hasher are random for each thread. A forked child
        // inherits them, so its number goes in as well.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u8(which);
        hasher.write_u32(std::process::id());
        hasher.write_u64(number);
        hasher.write_u64(now());
        hasher.write_i64(unix_now());
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}
