//! Pauses between attempts.

use std::time::Duration;

use crate::client::operation::Moment;

/// The pause after the first failed attempt.
const FIRST: Duration = Duration::from_millis(1);

/// Pauses that double up to a limit, scattered so that contenders part.
#[derive(Debug)]
pub(super) struct Pace {
    pause: Duration,
    limit: Duration,
    seed: u64,
}

impl Pace {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            pause: FIRST,
            limit,
            seed: 0,
        }
    }

    /// Returns when to try again.
    pub(super) fn next(&mut self, now: Moment) -> Moment {
        if self.seed == 0 {
            // The moment of the first failure differs between contenders.
            self.seed = now.0 | 1;
        }
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let scattered = self.pause.mul_f64(0.5 + (self.seed % 1000) as f64 / 1000.0);
        self.pause = (self.pause * 2).min(self.limit);
        now.after(scattered)
    }
}
