//! How fast a migration may go.

use std::time::Duration;

use crate::client::operation::Moment;

/// Spreads keys and bytes over time, so that neither passes its rate. Time that
/// was not used is lost: after a pause there is no burst.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    keys_per_second: f64,
    bytes_per_second: f64,
    next: Moment,
}

impl Pace {
    /// Begins without a debt; a rate that is absent has no end.
    pub(super) fn new(keys_per_second: Option<f64>, bytes_per_second: Option<f64>) -> Self {
        Self {
            keys_per_second: keys_per_second.unwrap_or(f64::INFINITY),
            bytes_per_second: bytes_per_second.unwrap_or(f64::INFINITY),
            next: Moment::default(),
        }
    }

    /// Returns how many keys make a tenth of a second, at least one.
    pub(super) fn keys_at_once(&self, most: usize) -> usize {
        let keys = self.keys_per_second / 10.0;
        if keys < most as f64 {
            (keys as usize).max(1)
        } else {
            most
        }
    }

    /// Returns when the next keys may go.
    pub(super) const fn next(&self) -> Moment {
        self.next
    }

    /// Notes what went at `begun`.
    pub(super) fn spend(&mut self, keys: usize, bytes: u64, begun: Moment) {
        let by_keys = keys as f64 / self.keys_per_second;
        let by_bytes = bytes as f64 / self.bytes_per_second;
        let longest = by_keys.max(by_bytes);
        let time = Duration::try_from_secs_f64(longest).unwrap_or(Duration::MAX);
        self.next = begun.max(self.next).after(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn the_slower_rate_counts() {
        let mut pace = Pace::new(Some(100.0), Some(1000.0));
        assert_eq!(pace.keys_at_once(256), 10);
        pace.spend(10, 10, Moment(0));
        assert_eq!(pace.next(), Moment(SECOND / 10));
        pace.spend(10, 2000, Moment(SECOND / 10));
        assert_eq!(pace.next(), Moment(SECOND / 10 + 2 * SECOND));
    }

    #[test]
    fn lost_time_is_not_made_up() {
        let mut pace = Pace::new(Some(1.0), None);
        assert_eq!(pace.keys_at_once(256), 1);
        pace.spend(1, 0, Moment(5 * SECOND));
        assert_eq!(pace.next(), Moment(6 * SECOND));
        pace.spend(1, 0, Moment(60 * SECOND));
        assert_eq!(pace.next(), Moment(61 * SECOND));
    }

    #[test]
    fn without_a_rate_there_is_no_waiting() {
        let mut pace = Pace::new(None, None);
        assert_eq!(pace.keys_at_once(256), 256);
        pace.spend(1 << 20, 1 << 40, Moment(7));
        assert_eq!(pace.next(), Moment(7));
    }
}
