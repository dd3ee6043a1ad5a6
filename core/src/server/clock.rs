//! The server's time: whole seconds since its start, real or moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
    advanced: AtomicU64,
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
        Self(Arc::new(Inner {
            started: u64::try_from(started.as_micros()).unwrap_or(u64::MAX),
            origin: Some(Instant::now()),
            advanced: AtomicU64::new(0),
        }))
    }

    /// Creates a clock that stands at `unix_seconds` until it is advanced.
    #[must_use]
    pub fn virtual_at(unix_seconds: u64) -> Self {
        Self(Arc::new(Inner {
            started: unix_seconds * 1_000_000,
            origin: None,
            advanced: AtomicU64::new(0),
        }))
    }

    /// Moves the time forward by `seconds`.
    pub fn advance(&self, seconds: u64) {
        self.0
            .advanced
            .fetch_add(seconds.saturating_mul(1_000_000), Ordering::Relaxed);
    }

    /// Returns the seconds since the server's start.
    #[must_use]
    pub fn uptime(&self) -> u64 {
        self.elapsed_micros() / 1_000_000
    }

    /// Returns the time in seconds since the epoch.
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        self.0.started / 1_000_000 + self.uptime()
    }

    /// Returns the time in microseconds since the epoch.
    #[must_use]
    pub fn unix_micros(&self) -> u64 {
        self.0.started + self.elapsed_micros()
    }

    fn elapsed_micros(&self) -> u64 {
        let real = self.0.origin.map_or(0, |origin| {
            u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX)
        });
        real.saturating_add(self.0.advanced.load(Ordering::Relaxed))
    }
}
