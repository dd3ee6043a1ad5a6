//! `watch`: streams of what happens, for whoever listens.
//!
//! Stores and sessions report events; each is written once as a line and put
//! into the buffers of the watchers that want its kind. A watcher that reads too
//! slowly loses lines and is told how many. Nothing is written, and nothing but
//! one load is spent, while nobody watches.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

use super::store::item::{FETCHED, Item};
use super::{Clock, CloseReason, PeerInfo};

/// Watchers at the same time.
const LIMIT: usize = 20;
/// Bytes that a watcher may be behind.
const BUFFER: usize = 256 << 10;

/// Kinds of events, as bits.
pub(crate) mod kind {
    pub(crate) const RAW_COMMANDS: u16 = 1;
    pub(crate) const EVICTIONS: u16 = 1 << 1;
    pub(crate) const FETCHERS: u16 = 1 << 2;
    pub(crate) const MUTATIONS: u16 = 1 << 3;
    pub(crate) const SYSTEM: u16 = 1 << 4;
    pub(crate) const CONNECTIONS: u16 = 1 << 5;
    pub(crate) const DELETIONS: u16 = 1 << 6;
    /// Accepted, and never reported: this server is no proxy.
    pub(crate) const PROXY: u16 = 1 << 7;

    /// Kinds by name; a name may be shortened, and the first that fits counts.
    pub(crate) const NAMES: [(&[u8], u16); 10] = [
        (b"rawcmds", RAW_COMMANDS),
        (b"evictions", EVICTIONS),
        (b"fetchers", FETCHERS),
        (b"mutations", MUTATIONS),
        (b"sysevents", SYSTEM),
        (b"connevents", CONNECTIONS),
        (b"proxyreqs", PROXY),
        (b"proxyevents", PROXY),
        (b"proxyuser", PROXY),
        (b"deletions", DELETIONS),
    ];
}

/// How a lookup ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fetched {
    NotFound,
    Found,
    Flushed,
    Expired,
}

/// Which command deleted an item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Deleter {
    Delete,
    Meta,
}

/// How storing ended.
pub(crate) struct Storer {
    pub(crate) status: &'static str,
    pub(crate) command: &'static str,
    /// Seconds to live; 0 without end.
    pub(crate) ttl: u32,
    pub(crate) class: usize,
    pub(crate) connection: u64,
    pub(crate) length: usize,
}

struct Watcher {
    id: u64,
    kinds: u16,
    lines: Vec<u8>,
    skipped: u64,
    waker: Option<Waker>,
}

/// Counters for `stats`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WatchCounters {
    /// Lines that were made.
    pub(crate) written: u64,
    /// Lines that a slow watcher missed.
    pub(crate) skipped: u64,
    /// Lines that were handed to a watcher.
    pub(crate) sent: u64,
    /// Watchers now.
    pub(crate) watchers: u64,
}

#[derive(Default)]
struct Inner {
    watchers: Vec<Watcher>,
    counters: WatchCounters,
    line: Vec<u8>,
}

/// All watchers of one server.
pub(crate) struct Watchers {
    clock: Clock,
    /// What any watcher wants.
    wanted: AtomicU16,
    /// Number of the last event.
    last: AtomicU64,
    inner: Mutex<Inner>,
}

impl Watchers {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            wanted: AtomicU16::new(0),
            last: AtomicU64::new(0),
            inner: Mutex::default(),
        })
    }

    /// Adds a watcher of `kinds`; `None` when there are too many.
    pub(crate) fn add(&self, kinds: u16) -> Option<u64> {
        let mut inner = self.inner.lock();
        if inner.watchers.len() >= LIMIT {
            return None;
        }
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        inner.watchers.push(Watcher {
            id,
            kinds,
            lines: Vec::new(),
            skipped: 0,
            waker: None,
        });
        self.update(&inner);
        Some(id)
    }

    /// Removes a watcher.
    pub(crate) fn remove(&self, id: u64) {
        let mut inner = self.inner.lock();
        inner.watchers.retain(|watcher| watcher.id != id);
        self.update(&inner);
    }

    /// Moves up to `most` bytes of lines for the watcher `id` to `output`; if
    /// there are none, keeps the waker and returns false.
    pub(crate) fn take(&self, id: u64, most: usize, waker: &Waker, output: &mut Vec<u8>) -> bool {
        let mut inner = self.inner.lock();
        let Some(watcher) = inner.watchers.iter_mut().find(|watcher| watcher.id == id) else {
            return false;
        };
        if watcher.lines.is_empty() {
            watcher.waker = Some(waker.clone());
            return false;
        }
        let end = watcher.lines.len().min(most);
        output.extend(watcher.lines.drain(..end));
        if watcher.lines.is_empty() {
            watcher.lines = Vec::new();
        }
        true
    }

    /// Returns the counters.
    pub(crate) fn counters(&self) -> WatchCounters {
        let inner = self.inner.lock();
        WatchCounters {
            watchers: inner.watchers.len() as u64,
            ..inner.counters
        }
    }

    /// Sets the counters to zero.
    pub(crate) fn reset(&self) {
        self.inner.lock().counters = WatchCounters::default();
    }

    #[inline]
    fn wants(&self, kind: u16) -> bool {
        self.wanted.load(Ordering::Relaxed) & kind != 0
    }

    #[inline]
    pub(crate) fn wants_fetches(&self) -> bool {
        self.wants(kind::FETCHERS)
    }

    #[inline]
    pub(crate) fn wants_mutations(&self) -> bool {
        self.wants(kind::MUTATIONS)
    }

    #[inline]
    pub(crate) fn wants_deletions(&self) -> bool {
        self.wants(kind::DELETIONS)
    }

    #[inline]
    pub(crate) fn wants_evictions(&self) -> bool {
        self.wants(kind::EVICTIONS)
    }

    /// Reports a lookup.
    pub(crate) fn fetched(
        &self,
        outcome: Fetched,
        key: &[u8],
        class: usize,
        connection: u64,
        length: usize,
    ) {
        let status = match outcome {
            Fetched::NotFound => "not_found",
            Fetched::Found => "found",
            Fetched::Flushed => "flushed",
            Fetched::Expired => "expired",
        };
        self.log(kind::FETCHERS, |line| {
            line.extend_from_slice(b"type=item_get key=");
            encode_key(key, line);
            write_to(
                line,
                format_args!(" status={status} clsid={class} cfd={connection} size={length}"),
            );
        });
    }

    /// Reports storing.
    pub(crate) fn stored(&self, key: &[u8], storer: &Storer) {
        let Storer {
            status,
            command,
            ttl,
            class,
            connection,
            length,
        } = storer;
        self.log(kind::MUTATIONS, |line| {
            line.extend_from_slice(b"type=item_store key=");
            encode_key(key, line);
            write_to(
                line,
                format_args!(
                    " status={status} cmd={command} ttl={ttl} clsid={class} \
                     cfd={connection} size={length}"
                ),
            );
        });
    }

    /// Reports a deletion.
    pub(crate) fn deleted(&self, item: Item<'_>, class: usize, deleter: Deleter) {
        let command = match deleter {
            Deleter::Delete => "delete",
            Deleter::Meta => "md",
        };
        self.log(kind::DELETIONS, |line| {
            line.extend_from_slice(b"type=deleted key=");
            encode_key(item.key(), line);
            let length = item.length();
            write_to(
                line,
                format_args!(" cmd={command} clsid={class} size={length}"),
            );
        });
    }

    /// Reports an eviction.
    pub(crate) fn evicted(&self, item: Item<'_>, class: usize, now: u32) {
        self.log(kind::EVICTIONS, |line| {
            line.extend_from_slice(b"type=eviction key=");
            encode_key(item.key(), line);
            let fetched = if item.has(FETCHED) { "yes" } else { "no" };
            let ttl = match item.expires() {
                0 => -1,
                expires => i64::from(expires) - i64::from(now),
            };
            let age = now.saturating_sub(item.used());
            let length = item.length();
            write_to(
                line,
                format_args!(" fetch={fetched} ttl={ttl} la={age} clsid={class} size={length}"),
            );
        });
    }

    /// Reports a new connection.
    pub(crate) fn connected(&self, peer: &PeerInfo) {
        if self.wants(kind::CONNECTIONS) {
            self.log(kind::CONNECTIONS, |line| {
                let (address, port, transport) = endpoint(peer);
                let connection = peer.connection;
                write_to(
                    line,
                    format_args!(
                        "type=conn_new rip={address} rport={port} \
                         transport={transport} cfd={connection}"
                    ),
                );
            });
        }
    }

    /// Reports the end of a connection.
    pub(crate) fn disconnected(&self, peer: &PeerInfo, reason: CloseReason) {
        if self.wants(kind::CONNECTIONS) {
            self.log(kind::CONNECTIONS, |line| {
                let (address, port, transport) = endpoint(peer);
                let connection = peer.connection;
                let reason = reason.name();
                write_to(
                    line,
                    format_args!(
                        "type=conn_close rip={address} rport={port} \
                         transport={transport} reason={reason} cfd={connection}"
                    ),
                );
            });
        }
    }

    /// Writes one event and wakes who waits for it.
    #[cold]
    fn log(&self, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
        let now = self.clock.unix_micros();
        let mut inner = self.inner.lock();
        let Inner {
            watchers,
            counters,
            line,
        } = &mut *inner;
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        line.clear();
        let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
        write_to(line, format_args!("ts={seconds}.{micros} gid={number} "));
        write(line);
        line.push(b'\n');
        counters.written += 1;
        for watcher in watchers {
            if watcher.kinds & kind == 0 {
                continue;
            }
            if watcher.lines.len() + line.len() + 32 > BUFFER {
                watcher.skipped += 1;
                counters.skipped += 1;
                continue;
            }
            if watcher.skipped > 0 {
                write_to(
                    &mut watcher.lines,
                    format_args!("skipped={}\n", watcher.skipped),
                );
                watcher.skipped = 0;
            }
            watcher.lines.extend_from_slice(line);
            counters.sent += 1;
            if let Some(waker) = watcher.waker.take() {
                waker.wake();
            }
        }
    }

    fn update(&self, inner: &Inner) {
        let wanted = inner
            .watchers
            .iter()
            .fold(0, |all, watcher| all | watcher.kinds);
        self.wanted.store(wanted, Ordering::Relaxed);
    }
}

fn endpoint(peer: &PeerInfo) -> (String, u16, &'static str) {
    peer.address.map_or_else(
        || ("unix".to_owned(), 0, "local"),
        |address| (address.ip().to_string(), address.port(), "tcp"),
    )
}

/// Writes a key with everything but letters, digits and `-._~` as `%XX`.
pub(crate) fn encode_key(key: &[u8], output: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in key {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            output.push(byte);
        } else {
            output.push(b'%');
            output.push(HEX[usize::from(byte >> 4)]);
            output.push(HEX[usize::from(byte & 15)]);
        }
    }
}

/// Formats into a buffer.
pub(crate) fn write_to(output: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    output
        .write_fmt(text)
        .expect("writing to a vector cannot fail");
}
