//! Items as callers see them.

use std::time::Duration;

/// A value with what the server tells about it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ItemView<T> {
    /// The value.
    pub value: T,
    /// The stored flags.
    pub flags: u32,
    /// The cas id, for [`Client::cas`](super::Client::cas).
    pub cas: u64,
    /// The remaining time to live; `None` when the item does not expire.
    pub ttl: Option<Duration>,
    /// The size of the stored bytes.
    pub size: u64,
    /// The time since the last access.
    pub last_access: Duration,
    /// Whether the item was read before.
    pub hit_before: bool,
}
