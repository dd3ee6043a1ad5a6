//! One server's engine: stores, settings, time, and who is connected.
//!
//! The engine has no threads and no sockets. Sessions run against it from any
//! thread; a store shard per thread keeps them from waiting for one another.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};

use super::settings::{Credential, Settings};
use super::stats::prefix::Prefixes;
use super::store::classes::SlabClasses;
use super::store::{Store, StoreOptions};
use super::watch::Watchers;
use super::{Clock, PeerInfo};

/// Store seconds that have passed at the start, as in memcached: so that a time
/// in the past has a number of its own.
const HEAD_START: u64 = 62;
/// Longest expiry that is relative, in seconds.
const RELATIVE_LIMIT: i64 = 60 * 60 * 24 * 30;
/// Smallest memory that a shard is worth having for.
const SHARD_MEMORY: u64 = 8 << 20;
/// First bit of a key's hash that chooses the shard.
const SHARD_SHIFT: u32 = 40;

/// The whole state of one server, shared by its sessions.
///
/// Beside serving sessions it lets the owner of a server reach in: move items
/// out ([`Shared::evict`], [`Shared::flush_all`], [`Shared::clear`]), read
/// statistics, and replace credentials.
///
/// ```
/// use memoxide::server::{Clock, Settings, Shared};
///
/// let shared = Shared::new(Settings::default(), Clock::real());
/// let items = shared.statistics("").into_iter().find(|(name, _)| name == "curr_items");
/// assert_eq!(items, Some(("curr_items".to_owned(), "0".to_owned())));
/// ```
pub struct Shared {
    settings: Settings,
    clock: Clock,
    pub(crate) classes: Arc<SlabClasses>,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) shards: Box<[Mutex<Store>]>,
    /// Seed of the key hash.
    seed: u64,
    pub(crate) tunables: Mutex<Tunables>,
    pub(crate) prefixes: Mutex<Prefixes>,
    /// Whether `stats detail` collects.
    pub(crate) detail: AtomicBool,
    /// Whether the crawler answers.
    pub(crate) crawler: AtomicBool,
    /// Whether a crawl or dump runs.
    pub(crate) crawling: AtomicBool,
    pub(crate) totals: Totals,
    pub(crate) connections: Mutex<BTreeMap<u64, Arc<ConnectionState>>>,
    pub(crate) listeners: Mutex<BTreeMap<u64, String>>,
    ascii_users: Mutex<Option<Arc<[Credential]>>>,
    refresh: OnceLock<Refresh>,
    /// Store second in which the certificates were read again; 0 for never.
    pub(crate) refreshed_at: AtomicU32,
}

/// Reads the server's certificates again; the error is the answer to the client.
pub(crate) type Refresh = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Settings that commands change while the server runs; most are only reported.
#[derive(Clone, Debug)]
pub(crate) struct Tunables {
    pub(crate) memory_limit: u64,
    pub(crate) verbosity: u32,
    pub(crate) crawler_sleep: u32,
    pub(crate) crawler_tocrawl: u32,
    pub(crate) automove: u32,
    pub(crate) automove_ratio: f64,
    pub(crate) automove_free_ratio: f64,
    pub(crate) automove_window: u32,
    pub(crate) segmented: bool,
    pub(crate) hot_percent: u32,
    pub(crate) warm_percent: u32,
    pub(crate) hot_factor: f64,
    pub(crate) warm_factor: f64,
    pub(crate) temporary_ttl: Option<u32>,
}

/// Counters that belong to no store.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) connections: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) idle_kicks: AtomicU64,
    pub(crate) yields: AtomicU64,
    pub(crate) flush_commands: AtomicU64,
    pub(crate) auth_commands: AtomicU64,
    pub(crate) auth_errors: AtomicU64,
    pub(crate) crawler_starts: AtomicU64,
    pub(crate) handshake_errors: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    pub(crate) bytes_written: AtomicU64,
}

/// Adds one to a counter.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What `stats conns` shows of a connection.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    pub(crate) peer: PeerInfo,
    /// Store second of the last command.
    pub(crate) last_command: AtomicU32,
    /// See [`activity`].
    pub(crate) activity: AtomicU8,
}

/// What a connection is doing.
pub(crate) mod activity {
    pub(crate) const WAITING: u8 = 0;
    pub(crate) const READING_DATA: u8 = 1;
    pub(crate) const SWALLOWING: u8 = 2;
    pub(crate) const STREAMING: u8 = 3;

    /// Names as in memcached.
    pub(crate) const NAMES: [&str; 4] = ["conn_read", "conn_nread", "conn_swallow", "conn_watch"];
}

impl Shared {
    /// Creates the engine of one server.
    ///
    /// The memory limit is at least twice the item size limit. There is a store
    /// shard per thread, as long as each has 8 MiB and room for two of the
    /// largest items.
    #[must_use]
    pub fn new(settings: Settings, clock: Clock) -> Arc<Self> {
        let largest = u64::from(settings.item_size_limit);
        let memory_limit = settings.memory_limit.max(2 * largest);
        let least = SHARD_MEMORY.max(2 * largest);
        let shards = (settings.threads as u64).clamp(1, (memory_limit / least).max(1));
        let classes = Arc::new(SlabClasses::new(
            settings.growth_factor,
            settings.chunk_size,
            settings.item_size_limit,
            settings.cas,
        ));
        let watchers = Watchers::new(clock.clone());
        let seed = RandomState::new().hash_one(0);
        let shards = (0..shards)
            .map(|shard| {
                let options = StoreOptions {
                    limit: shard_limit(memory_limit, shards),
                    evictions: settings.evictions,
                    cas: settings.cas,
                    segmented: settings.lru_maintainer,
                    track_sizes: settings.track_sizes,
                    shard: (shard, shards),
                    seed,
                };
                let (classes, watchers) = (Arc::clone(&classes), Arc::clone(&watchers));
                Mutex::new(Store::new(options, classes, watchers))
            })
            .collect();
        Arc::new(Self {
            classes,
            watchers,
            shards,
            seed,
            tunables: Mutex::new(Tunables {
                memory_limit,
                verbosity: settings.verbosity,
                crawler_sleep: 100,
                crawler_tocrawl: 0,
                automove: 1,
                automove_ratio: 0.8,
                automove_free_ratio: 0.01,
                automove_window: 10,
                segmented: settings.lru_maintainer,
                hot_percent: 20,
                warm_percent: 40,
                hot_factor: 0.2,
                warm_factor: 2.0,
                temporary_ttl: None,
            }),
            prefixes: Mutex::new(Prefixes::new(settings.prefix_delimiter)),
            detail: AtomicBool::new(settings.detail_enabled),
            crawler: AtomicBool::new(settings.lru_crawler),
            crawling: AtomicBool::new(false),
            totals: Totals::default(),
            connections: Mutex::default(),
            listeners: Mutex::default(),
            ascii_users: Mutex::new(settings.auth_file.clone().map(Arc::from)),
            refresh: OnceLock::new(),
            refreshed_at: AtomicU32::new(0),
            clock,
            settings,
        })
    }

    /// Returns the settings the server was started with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the server's time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Replaces the users of text authentication, as memcached does on HUP;
    /// connections that are in stay in. Without effect if the server was started
    /// without.
    pub fn replace_auth_file(&self, users: Vec<Credential>) {
        let mut present = self.ascii_users.lock();
        if present.is_some() {
            *present = Some(users.into());
        }
    }

    /// Sets what `refresh_certs` does; once.
    #[cfg(feature = "tls")]
    pub(crate) fn on_refresh(&self, refresh: Refresh) {
        self.refresh.get_or_init(|| refresh);
    }

    /// Reads the server's certificates again. `None` where there are none.
    pub(crate) fn refresh_certificates(&self) -> Option<Result<(), String>> {
        let done = self.refresh.get()?();
        if done.is_ok() {
            self.refreshed_at.store(self.now(), Ordering::Relaxed);
        }
        Some(done)
    }

    /// Counts a connection that ended before both sides spoke TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn handshake_failed(&self) {
        count(&self.totals.handshake_errors);
    }

    /// Counts a connection that the listener refused for want of a place.
    pub fn connection_rejected(&self) {
        count(&self.totals.rejected);
    }

    /// Names a listening socket for `stats conns`, such as `tcp:127.0.0.1:11211`;
    /// `number` is shown as its descriptor and must not be a connection's.
    pub fn listening(&self, number: u64, address: impl Into<String>) {
        self.listeners.lock().insert(number, address.into());
    }

    /// Returns the number of open sessions.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.lock().len()
    }

    /// Returns the number of items, including expired ones not yet removed.
    #[must_use]
    pub fn items(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Returns the bytes that count against the memory limit: pages and large
    /// items, used or not, and values on their way in.
    #[must_use]
    pub fn footprint(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().footprint())
            .sum()
    }

    /// Evicts up to `count` items, those unused for longest first, and returns
    /// how many there were.
    pub fn evict(&self, count: usize) -> usize {
        let mut left = count;
        for shard in &self.shards {
            let mut store = self.at_now(shard);
            left -= store.evict(left);
        }
        count - left
    }

    /// Flushes all items, at once for a `delay` of 0, else in `delay` seconds.
    pub fn flush_all(&self, delay: u32) {
        self.flush(i64::from(delay));
    }

    /// Removes all items, as a restart does. Statistics stay.
    pub fn clear(&self) {
        for shard in &self.shards {
            shard.lock().clear();
        }
    }

    /// Returns the statistics of a report as `stats` sends them: `""` for the
    /// general ones, else `settings`, `items`, `slabs`, `sizes` or `conns`.
    /// Empty for an unknown report.
    #[must_use]
    pub fn statistics(&self, report: &str) -> Vec<(String, String)> {
        super::stats::report(self, report.as_bytes()).unwrap_or_default()
    }

    /// Flushes in `exptime` seconds or, beyond 30 days, at that Unix time.
    pub(crate) fn flush(&self, exptime: i64) {
        let now = self.now();
        let oldest_live = if exptime > 0 {
            self.expiry(exptime, now).wrapping_sub(1)
        } else {
            now - 1
        };
        for shard in &self.shards {
            let mut store = shard.lock();
            store.now = now;
            store.flush(oldest_live);
        }
    }

    /// Changes the memory limit.
    pub(crate) fn set_memory_limit(&self, bytes: u64) {
        let bytes = bytes.max(2 * u64::from(self.settings.item_size_limit));
        self.tunables.lock().memory_limit = bytes;
        for shard in &self.shards {
            let limit = shard_limit(bytes, self.shards.len() as u64);
            self.at_now(shard).set_limit(limit);
        }
    }

    /// Returns the users of text authentication, if it is asked for.
    pub(crate) fn ascii_users(&self) -> Option<Arc<[Credential]>> {
        self.ascii_users.lock().clone()
    }

    /// Returns the present store second.
    #[inline]
    pub(crate) fn now(&self) -> u32 {
        (self.clock.uptime() + HEAD_START) as u32
    }

    /// Returns the Unix time of store second 0.
    pub(crate) fn epoch(&self) -> u64 {
        self.clock.started_at().saturating_sub(HEAD_START)
    }

    /// Turns an exptime as clients send it into a store second, 0 for never:
    /// negative is past, up to 30 days is relative, more is Unix time.
    #[inline]
    pub(crate) fn expiry(&self, exptime: i64, now: u32) -> u32 {
        if exptime == 0 {
            return 0;
        }
        if (1..=RELATIVE_LIMIT).contains(&exptime) {
            return (exptime as u32).wrapping_add(now);
        }
        let epoch = i64::try_from(self.epoch()).unwrap_or(i64::MAX);
        if exptime < 0 || exptime <= epoch {
            // Second 1 is always past; 0 would be never.
            return 1;
        }
        (exptime - epoch) as u32
    }

    fn at_now<'a>(&self, shard: &'a Mutex<Store>) -> MutexGuard<'a, Store> {
        let mut store = shard.lock();
        store.now = self.now();
        store
    }
}

fn shard_limit(memory_limit: u64, shards: u64) -> usize {
    usize::try_from(memory_limit / shards).unwrap_or(usize::MAX)
}

/// A session's way to the stores during one batch: the shard used last stays
/// locked, so that a batch on one shard locks once.
pub(crate) struct Access<'a> {
    pub(crate) shared: &'a Shared,
    held: Option<(usize, MutexGuard<'a, Store>)>,
    /// The store second of this batch.
    pub(crate) now: u32,
    connection: u64,
}

impl<'a> Access<'a> {
    pub(crate) fn new(shared: &'a Shared, connection: u64) -> Self {
        Self {
            shared,
            held: None,
            now: shared.now(),
            connection,
        }
    }

    /// Returns the hash of a key.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        super::store::index::hash_of(self.shared.seed, key)
    }

    /// Returns the store that owns the keys of `hash`.
    #[inline]
    pub(crate) fn store(&mut self, hash: u64) -> &mut Store {
        let shards = self.shared.shards.len();
        let number = if shards == 1 {
            0
        } else {
            (hash >> SHARD_SHIFT) as usize % shards
        };
        self.shard(number)
    }

    /// Returns a store by number.
    #[inline]
    pub(crate) fn shard(&mut self, number: usize) -> &mut Store {
        if !matches!(self.held, Some((held, _)) if held == number) {
            // The old lock goes before the new one is taken: no two at once.
            self.held = None;
            let mut store = self.shared.shards[number].lock();
            store.now = self.now;
            store.connection = self.connection;
            self.held = Some((number, store));
        }
        let (_, store) = self.held.as_mut().expect("the shard was just locked");
        store
    }

    /// Returns the store that is locked, if any.
    pub(crate) fn held(&mut self) -> Option<&mut Store> {
        self.held.as_mut().map(|(_, store)| &mut **store)
    }

    /// Lets go of the lock, before work that takes locks itself.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// Turns an exptime into a store second.
    #[inline]
    pub(crate) fn expiry(&self, exptime: i32) -> u32 {
        self.shared.expiry(i64::from(exptime), self.now)
    }
}
