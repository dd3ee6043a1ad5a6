//! The time to live of an item, as memcached understands it.

use crate::error::{Error, ErrorKind, Result};

/// The longest time to live that memcached takes as relative, in seconds (30 days).
pub(super) const MAX_RELATIVE: i64 = 30 * 24 * 60 * 60;

/// Seconds below this cannot be meant as a date: as one they lie before 2001.
const FIRST_DATE: i64 = 1_000_000_000;

/// The last second that memcached stores without expiring the item at once.
const LAST_SECOND: i64 = i32::MAX as i64;

/// When an item expires.
///
/// On the wire this is one number (`memcached-protocol.md`, exptime): 0 for
/// never, negative for expired at once, up to 30 days relative, above that a
/// Unix time.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Expiry(i32);

impl Expiry {
    /// The item stays until it is deleted or evicted.
    pub const NEVER: Self = Self(0);
    /// The item is gone as soon as it is stored.
    pub const AT_ONCE: Self = Self(-1);

    /// Reads a number of seconds as callers of memcached clients write it.
    ///
    /// 0 is never, negative is at once. Above 30 days memcached takes the
    /// number for a Unix time; one that would lie before September 2001 was
    /// meant as a duration and is added to `unix_now`, which is called only then.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] above 2,147,483,647, which memcached
    /// would store and expire at once.
    pub fn from_seconds(seconds: i64, unix_now: impl FnOnce() -> i64) -> Result<Self> {
        let wire = match seconds {
            i64::MIN..0 => return Ok(Self::AT_ONCE),
            0..=MAX_RELATIVE => seconds,
            _ if seconds < FIRST_DATE => unix_now().saturating_add(seconds),
            _ => seconds,
        };
        match i32::try_from(wire) {
            Ok(wire) => Ok(Self(wire)),
            Err(_) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("time to live {seconds} s is out of range, the limit is {LAST_SECOND}"),
            )),
        }
    }

    /// Takes a number as memcached itself reads it: 0 is never, negative is at
    /// once, above 30 days it is a Unix time, however long ago.
    #[must_use]
    pub const fn from_wire(number: i32) -> Self {
        Self(number)
    }

    /// Returns the number that goes over the wire.
    #[must_use]
    pub const fn wire(self) -> i32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(seconds: i64) -> i32 {
        Expiry::from_seconds(seconds, || 1_800_000_000)
            .expect("in range")
            .wire()
    }

    #[test]
    fn seconds_follow_the_rules_of_memcached() {
        assert_eq!(wire(0), 0);
        assert_eq!(wire(-5), -1);
        assert_eq!(wire(2_592_000), 2_592_000);
        assert_eq!(wire(1_900_000_000), 1_900_000_000);
    }

    #[test]
    fn a_duration_over_thirty_days_becomes_a_date() {
        assert_eq!(wire(2_592_001), 1_802_592_001);
    }

    #[test]
    fn what_memcached_would_drop_is_refused() {
        let error = Expiry::from_seconds(2_147_483_648, || 0).expect_err("out of range");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}
