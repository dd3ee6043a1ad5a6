//! The clock of the drivers that are written in Rust.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place of the client that reads a clock"
)]

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Returns the nanoseconds since the first call in this process.
#[must_use]
pub fn now() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    // One second in, so that no moment of a driver is ever zero.
    1_000_000_000 + ORIGIN.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Returns the seconds since 1970, UTC.
#[must_use]
pub fn unix_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}
