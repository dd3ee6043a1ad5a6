//! The general report.

use serde::{Deserialize, Serialize};

use super::text::fill;
use super::{RawReport, Report};

/// The general report of a server. Counters are since its start or the last
/// `stats reset`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct General {
    /// The process of the server.
    pub pid: u64,
    /// Seconds since the server was started.
    pub uptime: u64,
    /// The server's clock, in seconds since 1970.
    pub time: u64,
    /// The version of the server.
    pub version: String,
    /// Bits of a pointer in the server: 32 or 64.
    pub pointer_size: u64,
    /// Seconds of processor time in the server.
    pub rusage_user: f64,
    /// Seconds of processor time in the kernel for the server.
    pub rusage_system: f64,
    /// Connections that may be open.
    pub max_connections: u64,
    /// Connections that are open.
    pub curr_connections: u64,
    /// Connections that were opened.
    pub total_connections: u64,
    /// Connections that were refused because too many were open.
    pub rejected_connections: u64,
    /// Connections that were closed because they were idle.
    pub idle_kicks: u64,
    /// Times that the limit of connections was reached.
    pub listen_disabled_num: u64,
    /// Microseconds for which no connections were accepted.
    pub time_in_listen_disabled_us: u64,
    /// Whether connections are accepted.
    pub accepting_conns: bool,
    /// Times that a connection had to let others go first.
    pub conn_yields: u64,
    /// Threads that serve connections.
    pub threads: u64,
    /// Keys that were read.
    pub cmd_get: u64,
    /// Items that were stored.
    pub cmd_set: u64,
    /// Times that everything was flushed.
    pub cmd_flush: u64,
    /// Expiries that were changed.
    pub cmd_touch: u64,
    /// Meta commands.
    pub cmd_meta: u64,
    /// Reads that found an item.
    pub get_hits: u64,
    /// Reads that found none.
    pub get_misses: u64,
    /// Reads that found an item whose time was over.
    pub get_expired: u64,
    /// Reads that found an item that was flushed.
    pub get_flushed: u64,
    /// Deletes that found an item.
    pub delete_hits: u64,
    /// Deletes that found none.
    pub delete_misses: u64,
    /// Increments that found an item.
    pub incr_hits: u64,
    /// Increments that found none.
    pub incr_misses: u64,
    /// Decrements that found an item.
    pub decr_hits: u64,
    /// Decrements that found none.
    pub decr_misses: u64,
    /// Compare-and-swaps that stored.
    pub cas_hits: u64,
    /// Compare-and-swaps that found no item.
    pub cas_misses: u64,
    /// Compare-and-swaps that found a changed item.
    pub cas_badval: u64,
    /// Touches that found an item.
    pub touch_hits: u64,
    /// Touches that found none.
    pub touch_misses: u64,
    /// Values that were refused for their size.
    pub store_too_large: u64,
    /// Values that were refused because there was no memory.
    pub store_no_memory: u64,
    /// Times that somebody authenticated.
    pub auth_cmds: u64,
    /// Times that this failed.
    pub auth_errors: u64,
    /// Bytes that were received.
    pub bytes_read: u64,
    /// Bytes that were sent.
    pub bytes_written: u64,
    /// The most bytes that items may take.
    pub limit_maxbytes: u64,
    /// Bytes that items take.
    pub bytes: u64,
    /// Items that are stored, expired ones that nobody asked for included.
    pub curr_items: u64,
    /// Items that were stored.
    pub total_items: u64,
    /// Items that were removed to make room.
    pub evictions: u64,
    /// Of these, items that nobody had read.
    pub evicted_unfetched: u64,
    /// Of these, items that were in use.
    pub evicted_active: u64,
    /// Items whose time was over before anybody had read them.
    pub expired_unfetched: u64,
    /// Items stored in the room of expired ones.
    pub reclaimed: u64,
    /// Expired items that the crawler removed.
    pub crawler_reclaimed: u64,
    /// Items that the crawler looked at.
    pub crawler_items_checked: u64,
    /// Whether the crawler is at work.
    pub lru_crawler_running: bool,
    /// Times that the crawler was started.
    pub lru_crawler_starts: u64,
    /// Bytes of the hash table.
    pub hash_bytes: u64,
    /// Whether the hash table is growing.
    pub hash_is_expanding: bool,
    /// Pages that were moved between classes.
    pub slabs_moved: u64,
    /// Allocations that failed.
    pub malloc_fails: u64,
    /// Connections that watch.
    pub log_watchers: u64,
    /// Everything that was reported.
    #[serde(skip)]
    pub raw: RawReport,
}

impl General {
    /// Returns the share of reads that found an item, from 0 to 1; `None` when
    /// nothing was read.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let reads = self.get_hits + self.get_misses;
        (reads > 0).then(|| self.get_hits as f64 / reads as f64)
    }
}

impl Report for General {
    const NAME: &'static str = "";

    fn read(raw: RawReport) -> Self {
        let figures = raw.iter().map(|(name, text)| (&**name, &**text));
        Self {
            raw: raw.clone(),
            ..fill(figures)
        }
    }
}
