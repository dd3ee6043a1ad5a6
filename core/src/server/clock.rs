//! The server's time: whole seconds since its start, real or moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Not paused.
const RUNNING: u64 = u64::MAX;

/// The time of one server.
///
/// Items age in whole seconds since the server's start, as in memcached. A real
/// clock follows the machine's; a virtual one stands still until
/// [`Clock::advance`]. Both can be advanced, also by the command `debugtime`.
/// Clones share one time.
///
/// ```
/// use memoxide::server::Clock;
///
/// let clock = Clock::virtual_at(1_700_000_000);
/// clock.advance(30);
/// assert_eq!(clock.unix_seconds(), 1_700_000_030);
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Microseconds since the epoch at the start.
    started: u64,
    /// Set for a real clock.
    origin: Option<Instant>,
    /// Microseconds added by hand.
    advanced: AtomicI64,
    /// Microseconds since the start at which the clock was stopped.
    paused: AtomicU64,
}

impl Clock {
    /// Creates a clock that follows the machine's.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one clock of the server; everything else is told the time"
    )]
    pub fn real() -> Self {
        let started = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self::new(micros(started), Some(Instant::now()))
    }

    /// Creates a clock that stands at `unix_seconds` until it is advanced.
    #[must_use]
    pub fn virtual_at(unix_seconds: u64) -> Self {
        Self::new(unix_seconds.saturating_mul(1_000_000), None)
    }

    fn new(started: u64, origin: Option<Instant>) -> Self {
        Self(Arc::new(Inner {
            started,
            origin,
            advanced: AtomicI64::new(0),
            paused: AtomicU64::new(RUNNING),
        }))
    }

    /// Moves the time forward by `seconds`.
    pub fn advance(&self, seconds: u64) {
        self.shift(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// Moves the time by `seconds`, back if negative but never before the start.
    pub fn shift(&self, seconds: i64) {
        self.0
            .advanced
            .fetch_add(seconds.saturating_mul(1_000_000), Ordering::Relaxed);
    }

    /// Stops a real clock; it can still be advanced.
    pub fn pause(&self) {
        self.0
            .paused
            .store(self.running_micros(), Ordering::Relaxed);
    }

    /// Lets a real clock go on, at the machine's time.
    pub fn resume(&self) {
        self.0.paused.store(RUNNING, Ordering::Relaxed);
    }

    /// Returns the seconds since the server's start.
    #[must_use]
    pub fn uptime(&self) -> u64 {
        self.elapsed_micros() / 1_000_000
    }

    /// Returns the time in seconds since the epoch.
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        self.started_at() + self.uptime()
    }

    /// Returns the time in microseconds since the epoch.
    #[must_use]
    pub fn unix_micros(&self) -> u64 {
        self.0.started.saturating_add(self.elapsed_micros())
    }

    /// Returns the second since the epoch in which the server started.
    #[must_use]
    pub fn started_at(&self) -> u64 {
        self.0.started / 1_000_000
    }

    fn elapsed_micros(&self) -> u64 {
        let base = match self.0.paused.load(Ordering::Relaxed) {
            RUNNING => self.running_micros(),
            paused => paused,
        };
        base.saturating_add_signed(self.0.advanced.load(Ordering::Relaxed))
    }

    fn running_micros(&self) -> u64 {
        self.0.origin.map_or(0, |origin| micros(origin.elapsed()))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn a_virtual_clock_moves_only_by_hand() {
        let clock = Clock::virtual_at(100);
        let clone = clock.clone();
        clock.shift(-5);
        assert_eq!(clock.uptime(), 0);
        clock.shift(10);
        assert_eq!((clone.uptime(), clone.unix_seconds()), (5, 105));
    }

    #[test]
    fn a_paused_clock_can_be_advanced() {
        let clock = Clock::real();
        clock.pause();
        let before = clock.unix_micros();
        assert_eq!(clock.unix_micros(), before);
        clock.advance(2);
        assert_eq!(clock.unix_micros(), before + 2_000_000);
        clock.resume();
        assert!(clock.unix_micros() >= before + 2_000_000);
    }
}
