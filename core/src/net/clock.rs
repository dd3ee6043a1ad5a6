//! The clock of the drivers that are written in Rust.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place of the client that reads a clock"
)]

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

/// What [`now`] returned at the first call, so that no moment of a driver is zero.
const FIRST: u64 = 1_000_000_000;

/// Returns the nanoseconds since the first call in this process, and a second.
#[must_use]
pub fn now() -> u64 {
    FIRST + origin().elapsed().as_nanos() as u64
}

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Returns what [`now`] returned up to some milliseconds ago, for a fifth of the
/// time that takes: the system's clock as of its last tick.
#[cfg(target_os = "linux")]
pub(super) fn lately() -> u64 {
    /// What the system's clock showed at the moment 0 of [`now`].
    static ORIGIN: OnceLock<u64> = OnceLock::new();
    let read = |clock| {
        let time = clock_gettime(clock);
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    };
    let origin = ORIGIN.get_or_init(|| {
        // A thread that is held up between the two clocks would stay behind.
        let tries = (0..10).map(|_| {
            let before = now();
            let shown = read(ClockId::Monotonic);
            (now() - before, shown.saturating_sub(before))
        });
        tries.min().map_or(0, |(_, origin)| origin)
    });
    read(ClockId::MonotonicCoarse).saturating_sub(*origin)
}

/// Returns what [`now`] does, where there is no cheaper clock.
#[cfg(not(target_os = "linux"))]
pub(super) fn lately() -> u64 {
    now()
}

/// Returns the seconds since 1970, UTC.
#[must_use]
pub fn unix_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheap_clock_is_hardly_behind() {
        let begun = now();
        // A tick is 10 ms at most, and comes late where the machine is held up.
        let mut in_time = 0;
        while in_time < 1000 {
            let before = now();
            let lately = lately();
            assert!(lately <= now());
            in_time += usize::from(before.saturating_sub(lately) < 100_000_000);
            assert!(before - begun < 60_000_000_000, "only {in_time} times");
        }
    }
}
