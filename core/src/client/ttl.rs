//! The time to live, as Rust callers write it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, ErrorKind, Result};
use crate::net::unix_now;
use crate::protocol::Expiry;

/// When an item expires.
///
/// ```
/// use std::time::Duration;
/// use memoxide::Ttl;
///
/// let ttl: Ttl = Duration::from_secs(60).into();
/// assert_eq!(ttl, Ttl::After(Duration::from_secs(60)));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Ttl {
    /// After this time; fractions of a second count as a whole one. Over 30
    /// days it is sent as a date, which is how memcached wants it.
    After(Duration),
    /// At this moment.
    At(SystemTime),
    /// At once: the item is gone when it is stored.
    AtOnce,
    /// As the client's option `default_ttl` says.
    #[default]
    Default,
    /// Never, until it is deleted or evicted.
    Never,
}

impl From<Duration> for Ttl {
    fn from(duration: Duration) -> Self {
        Self::After(duration)
    }
}

impl Ttl {
    /// Returns the number for the wire; `None` stands for the default.
    pub(super) fn expiry(self) -> Result<Option<Expiry>> {
        let seconds = match self {
            Self::Default => return Ok(None),
            Self::Never => return Ok(Some(Expiry::NEVER)),
            Self::AtOnce => -1,
            Self::After(duration) if duration.is_zero() => -1,
            Self::After(duration) => {
                let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
                i64::try_from(whole).unwrap_or(i64::MAX)
            }
            Self::At(moment) => match moment.duration_since(UNIX_EPOCH) {
                // Small numbers would be read as relative; they lie in the past.
                Ok(since) if since.as_secs() > 30 * 24 * 60 * 60 => since.as_secs() as i64,
                _ => -1,
            },
        };
        Expiry::from_seconds(seconds, unix_now).map(Some)
    }
}

/// Returns the number for the wire of a lock's time to live.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] when it is zero, which would hold nothing, or
/// out of range.
pub(super) fn lock_expiry(ttl: Duration) -> Result<Expiry> {
    if ttl.is_zero() {
        let message = "time to live of a lock is zero";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(Ttl::After(ttl).expiry()?.unwrap_or_default())
}
