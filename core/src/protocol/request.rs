//! What can be asked of one server, independent of how it is written.

use std::borrow::Cow;
use std::ops::BitOr;
use std::sync::Arc;
use std::time::Duration;

use super::expiry::MAX_RELATIVE;
use super::{Expiry, Keys, StoreMany};
use crate::error::{Error, ErrorKind, Result};

/// A request to one server.
///
/// Keys are checked before (see [`Key`](crate::Key)): a request is never refused
/// for its key here. Keys and values are borrowed from the caller or owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Request<'a> {
    /// Administration of the whole server.
    Admin(Admin<'a>),
    /// Counting up or down.
    Arithmetic(Arithmetic<'a>),
    /// Removing one item.
    Delete(Delete<'a>),
    /// Reading items.
    Retrieve(Retrieve<'a>),
    /// Writing one item.
    Store(Store<'a>),
    /// Writing several items in any case; shared with whoever has to tell which
    /// of them a server refused.
    StoreMany(Arc<StoreMany<'a>>),
    /// Changing the expiry of one item.
    Touch(Touch<'a>),
}

impl<'a> Request<'a> {
    /// Reads value and flags of one key.
    #[must_use]
    pub fn get(key: &'a [u8]) -> Self {
        Self::Retrieve(Retrieve {
            keys: Keys::One(Cow::Borrowed(key)),
            want: Want::VALUE,
            touch: None,
            bump: true,
        })
    }

    /// Whether the request changes nothing, so that it can be made twice.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        match self {
            // A touch made twice has the same effect, but it is a write.
            Self::Retrieve(retrieve) => retrieve.touch.is_none(),
            Self::Admin(admin) => matches!(
                admin,
                Admin::Metadump { .. } | Admin::Noop | Admin::Stats { .. } | Admin::Version
            ),
            _ => false,
        }
    }

    /// The key of a read of one item that wants nothing but its value.
    pub(super) fn plain_key(&self) -> Option<&[u8]> {
        match self {
            Self::Retrieve(Retrieve {
                keys: Keys::One(key),
                want: Want::VALUE,
                touch: None,
                bump: true,
            }) => Some(key),
            _ => None,
        }
    }

    /// Copies what is borrowed, so that the request outlives the call.
    #[must_use]
    pub fn into_owned(self) -> Request<'static> {
        fn own(bytes: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
            Cow::Owned(bytes.into_owned())
        }
        match self {
            Self::Admin(admin) => Request::Admin(match admin {
                Admin::CacheMemlimit { megabytes } => Admin::CacheMemlimit { megabytes },
                Admin::FlushAll { delay } => Admin::FlushAll { delay },
                Admin::Metadump { walk } => Admin::Metadump { walk },
                Admin::Noop => Admin::Noop,
                Admin::Stats { report } => Admin::Stats {
                    report: own(report),
                },
                Admin::Verbosity { level } => Admin::Verbosity { level },
                Admin::Version => Admin::Version,
            }),
            Self::Arithmetic(arithmetic) => Request::Arithmetic(Arithmetic {
                key: own(arithmetic.key),
                ..arithmetic
            }),
            Self::Delete(delete) => Request::Delete(Delete {
                key: own(delete.key),
                ..delete
            }),
            Self::Retrieve(retrieve) => Request::Retrieve(Retrieve {
                keys: retrieve.keys.into_owned(),
                ..retrieve
            }),
            Self::Store(store) => Request::Store(Store {
                key: own(store.key),
                value: own(store.value),
                ..store
            }),
            Self::StoreMany(batch) => {
                Request::StoreMany(Arc::new(Arc::unwrap_or_clone(batch).into_owned()))
            }
            Self::Touch(touch) => Request::Touch(Touch {
                key: own(touch.key),
                ..touch
            }),
        }
    }
}

/// Reading items.
#[derive(Clone, Debug, PartialEq)]
pub struct Retrieve<'a> {
    /// Which items.
    pub keys: Keys<'a>,
    /// What of each item.
    pub want: Want,
    /// A new expiry for every hit.
    pub touch: Option<Expiry>,
    /// Whether the read counts as a use of the item. Default true.
    pub bump: bool,
}

impl Retrieve<'_> {
    /// Whether only the meta protocol can answer this.
    #[must_use]
    pub const fn needs_meta(&self) -> bool {
        !self.want.is_plain() || !self.bump
    }
}

/// What is wanted of an item; combine with `|`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Want(u8);

impl Want {
    /// Nothing but whether the item is there.
    pub const EXISTENCE: Self = Self(0);
    /// The value and its flags.
    pub const VALUE: Self = Self(1);
    /// The cas id.
    pub const CAS: Self = Self(2);
    /// The remaining time to live.
    pub const TTL: Self = Self(4);
    /// The size of the value.
    pub const SIZE: Self = Self(8);
    /// Seconds since the last access, and whether there was one.
    pub const ACCESS: Self = Self(16);
    /// Everything a server tells about an item.
    pub const ALL: Self = Self(31);

    /// Whether everything in `other` is wanted.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the text protocol can answer this.
    const fn is_plain(self) -> bool {
        self.0 == 1 || self.0 == 3
    }
}

impl BitOr for Want {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Writing one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Store<'a> {
    /// Under which condition, and how.
    pub mode: StoreMode,
    /// The key.
    pub key: Cow<'a, [u8]>,
    /// The flags stored with the value; ignored by append and prepend.
    pub flags: u32,
    /// When the item expires; ignored by append and prepend.
    pub expiry: Expiry,
    /// The encoded value.
    pub value: Cow<'a, [u8]>,
    /// Store only if the item still has this cas id. With [`StoreMode::Set`] only.
    pub cas: Option<u64>,
}

/// How an item is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum StoreMode {
    /// Only if the key is absent.
    Add,
    /// Behind the present value.
    Append,
    /// Before the present value.
    Prepend,
    /// Only if the key is present.
    Replace,
    /// In any case.
    Set,
}

/// Counting up or down.
#[derive(Clone, Debug, PartialEq)]
pub struct Arithmetic<'a> {
    /// Up or down.
    pub direction: Direction,
    /// The key.
    pub key: Cow<'a, [u8]>,
    /// By how much.
    pub delta: u64,
    /// A new expiry. Needs the meta protocol.
    pub touch: Option<Expiry>,
}

/// The direction of counting.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Direction {
    /// Down, stopping at 0.
    Decrement,
    /// Up, wrapping at 2^64.
    Increment,
}

/// Removing one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete<'a> {
    /// The key.
    pub key: Cow<'a, [u8]>,
    /// Delete only if the item still has this cas id. Needs the meta protocol.
    pub cas: Option<u64>,
}

/// Changing the expiry of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Touch<'a> {
    /// The key.
    pub key: Cow<'a, [u8]>,
    /// The new expiry.
    pub expiry: Expiry,
}

/// How a server finds the keys that it lists.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Walk {
    /// Through its hash table (`hash`): an item that is there all the time is
    /// listed once. Since memcached 1.6.9, which holds a lock of items while it
    /// waits for a slow reader before 1.6.19.
    HashTable,
    /// Through its LRU queues (`all`). Items change their queue at any time, so
    /// some are listed twice, and some not at all. Since memcached 1.4.31.
    Lru,
}

/// Administration of the whole server.
#[derive(Clone, Debug, PartialEq)]
pub enum Admin<'a> {
    /// Changes the memory limit.
    CacheMemlimit {
        /// The new limit in mebibytes, at least 8.
        megabytes: u32,
    },
    /// Expires every item; [`Admin::flush_after`] makes one.
    FlushAll {
        /// Seconds from now, up to 30 days.
        delay: u32,
    },
    /// Lists the keys; the connection serves nothing else meanwhile.
    Metadump {
        /// How the server finds them.
        walk: Walk,
    },
    /// Asks for a sign of life (`mn`; `version` in text).
    Noop,
    /// Asks for a report.
    Stats {
        /// `settings`, `items`, …; empty for the general one.
        report: Cow<'a, [u8]>,
    },
    /// Changes how much the server logs.
    Verbosity {
        /// 0 to 3.
        level: u32,
    },
    /// Asks for the version.
    Version,
}

impl Admin<'_> {
    /// Expires every item after a delay; fractions of a second count as a whole
    /// one. memcached is up to two seconds early: it flushes at the beginning of
    /// the last second, and counts the one that has begun.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] over 30 days: memcached takes that for a
    /// date, and one in the past expires every item at once.
    pub fn flush_after(delay: Duration) -> Result<Self> {
        let whole = delay
            .as_secs()
            .saturating_add(u64::from(delay.subsec_nanos() > 0));
        u32::try_from(whole)
            .ok()
            .filter(|delay| i64::from(*delay) <= MAX_RELATIVE)
            .map(|delay| Self::FlushAll { delay })
            .ok_or_else(|| {
                let message = format!("delay of flush_all is over 30 days: {whole} s");
                Error::new(ErrorKind::InvalidArgument, message)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_is_delayed_by_whole_seconds() {
        let day = 24 * 60 * 60;
        for (delay, seconds) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(1), 1),
            (Duration::from_millis(1500), 2),
            (Duration::from_secs(30 * day), 30 * day as u32),
        ] {
            let flush = Admin::flush_after(delay);
            assert_eq!(flush.ok(), Some(Admin::FlushAll { delay: seconds }));
        }
        for delay in [Duration::from_secs(30 * day + 1), Duration::MAX] {
            let error = Admin::flush_after(delay).expect_err("memcached takes it for a date");
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }
}
