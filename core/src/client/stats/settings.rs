//! The report `settings`.

use serde::{Deserialize, Serialize};

use super::text::fill;
use super::{RawReport, Report};

/// How a server was started, and what was changed since.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Settings {
    /// The most bytes that items may take.
    pub maxbytes: u64,
    /// Connections that may be open.
    pub maxconns: u64,
    /// The TCP port, 0 for none.
    pub tcpport: u64,
    /// The UDP port, 0 for none.
    pub udpport: u64,
    /// The interface that is listened on; `None` for all.
    pub inter: Option<String>,
    /// How much is logged, 0 to 3.
    pub verbosity: u64,
    /// Seconds since which items count: older ones were flushed.
    pub oldest: u64,
    /// Whether items are removed to make room.
    pub evictions: bool,
    /// The path of the Unix socket.
    pub domain_socket: Option<String>,
    /// Whether the command `shutdown` is carried out.
    pub shutdown_command: bool,
    /// The factor between the item sizes of two classes.
    pub growth_factor: f64,
    /// The least bytes for an item.
    pub chunk_size: u64,
    /// Threads that serve connections.
    pub num_threads: u64,
    /// What separates prefix and rest of a key in `stats detail`.
    pub stat_key_prefix: String,
    /// Whether `stats detail` counts.
    pub detail_enabled: bool,
    /// Requests of one connection that are served before others have their turn.
    pub reqs_per_event: u64,
    /// Whether items have cas ids.
    pub cas_enabled: bool,
    /// Connections that may wait to be accepted.
    pub tcp_backlog: u64,
    /// The protocol that is spoken: `auto-negotiate`, `ascii`, `binary`.
    pub binding_protocol: String,
    /// Whether clients authenticate by SASL.
    pub auth_enabled_sasl: bool,
    /// Whether clients authenticate in the text protocol.
    pub auth_enabled_ascii: bool,
    /// The most bytes of one item, key and header included.
    pub item_size_max: u64,
    /// Whether connections beyond the limit are refused at once.
    pub maxconns_fast: bool,
    /// Whether pages may move between classes.
    pub slab_reassign: bool,
    /// Whether they do so by themselves: 0 no, 1 yes, 2 at once.
    pub slab_automove: u64,
    /// Whether there is a crawler that removes expired items.
    pub lru_crawler: bool,
    /// Microseconds that the crawler sleeps between items.
    pub lru_crawler_sleep: u64,
    /// Items that the crawler looks at in each class, 0 for all.
    pub lru_crawler_tocrawl: u64,
    /// Whether `flush_all` is carried out.
    pub flush_enabled: bool,
    /// Whether keys may be listed.
    pub dump_enabled: bool,
    /// The hash function of the server's own table.
    pub hash_algorithm: String,
    /// Whether a thread keeps the order of eviction.
    pub lru_maintainer_thread: bool,
    /// Whether that order has parts.
    pub lru_segmented: bool,
    /// The share of memory for items just stored, in percent.
    pub hot_lru_pct: u64,
    /// The share of memory for items in use, in percent.
    pub warm_lru_pct: u64,
    /// Whether short-lived items are kept apart.
    pub temp_lru: bool,
    /// Seconds up to which an item is short-lived.
    pub temporary_ttl: u64,
    /// Seconds after which idle connections are closed, 0 for never.
    pub idle_timeout: u64,
    /// Whether the report `sizes` counts.
    pub track_sizes: bool,
    /// Whether connections are encrypted.
    pub ssl_enabled: bool,
    /// The oldest version of TLS that is spoken.
    pub ssl_min_version: Option<String>,
    /// Everything that was reported.
    #[serde(skip)]
    pub raw: RawReport,
}

impl Report for Settings {
    const NAME: &'static str = "settings";

    fn read(raw: RawReport) -> Self {
        let figures = raw.iter().map(|(name, text)| (&**name, &**text));
        Self {
            raw: raw.clone(),
            ..fill(figures)
        }
    }
}
