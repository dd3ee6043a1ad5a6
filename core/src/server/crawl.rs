//! `lru_crawler`: dumps of all keys, in pieces, and the sweep of expired items.
//!
//! A dump walks through the tables of the index and holds a store's lock for one
//! of them at a time. Items may move in memory meanwhile and be stored anew, but
//! not leave their table: each that is there all the time is met once.

use std::sync::atomic::Ordering;

use super::session::encode_base64;
use super::shared::{Shared, count};
use super::store::arena::Cursor;
use super::store::classes::CLASSES;
use super::store::item::{BINARY_KEY, FETCHED, Item};
use super::watch::{encode_key, write_to};

/// Items that a sweep looks at under one lock.
const STEPS: usize = 1000;

/// Which items a crawl is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// Every item.
    All,
    /// Every item, as `hash` asks for.
    Hash,
    /// The reported classes whose bit is set.
    Classes(u64),
}

impl Scope {
    /// Reads `all`, `hash` or a list of classes; `None` for a class that cannot
    /// be.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"all" => return Some(Self::All),
            b"hash" => return Some(Self::Hash),
            _ => {}
        }
        let mut classes = 0;
        for part in text.split(|byte| *byte == b',') {
            if part.is_empty() {
                continue;
            }
            let class: usize = std::str::from_utf8(part).ok()?.parse().ok()?;
            if !(1..CLASSES).contains(&class) {
                return None;
            }
            classes |= 1 << class;
        }
        Some(Self::Classes(classes))
    }

    /// Whether this asks for nothing.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::Classes(0)
    }

    const fn has(self, class: usize) -> bool {
        match self {
            Self::All | Self::Hash => true,
            Self::Classes(classes) => classes >> class & 1 == 1,
        }
    }
}

/// What a dump writes of each item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// What is known of the item, one per line.
    Metadata,
    /// An `mg` request for its key.
    MetaGet,
}

/// A dump on its way.
#[derive(Debug)]
pub(crate) struct Dump {
    form: Form,
    scope: Scope,
    shard: usize,
    /// The table of the shard's index that comes next.
    table: usize,
    begun: bool,
}

impl Dump {
    /// Begins a dump; `None` while another crawl or dump runs.
    pub(crate) fn begin(shared: &Shared, form: Form, scope: Scope) -> Option<Self> {
        if shared.crawling.swap(true, Ordering::Relaxed) {
            return None;
        }
        count(&shared.totals.crawler_starts);
        Some(Self {
            form,
            scope,
            shard: 0,
            table: 0,
            begun: false,
        })
    }

    /// Writes the next piece, of `most` bytes and what the last table has beyond
    /// them; false when it was the last.
    pub(crate) fn write(&mut self, shared: &Shared, most: usize, output: &mut Vec<u8>) -> bool {
        let start = output.len();
        if !self.begun {
            self.begun = true;
            output.extend_from_slice(b"OK\r\n");
        }
        while let Some(shard) = shared.shards.get(self.shard) {
            if output.len() - start >= most {
                return true;
            }
            let mut store = shard.lock();
            store.now = shared.now();
            let Some(items) = store.items_of(self.table) else {
                self.shard += 1;
                self.table = 0;
                continue;
            };
            self.table += 1;
            for item in items {
                let (class, size) = store.measure(item);
                if self.scope.has(class) && store.is_dumped(item) {
                    self.write_item(shared, item, class, size, output);
                }
            }
        }
        output.extend_from_slice(match self.form {
            Form::Metadata => b"END\r\n",
            Form::MetaGet => b"EN\r\n",
        });
        self.end(shared);
        false
    }

    /// Makes way for the next crawl.
    pub(crate) fn end(&self, shared: &Shared) {
        shared.crawling.store(false, Ordering::Relaxed);
    }

    fn write_item(
        &self,
        shared: &Shared,
        item: Item<'_>,
        class: usize,
        size: usize,
        output: &mut Vec<u8>,
    ) {
        if self.form == Form::MetaGet {
            output.extend_from_slice(b"mg ");
            if item.has(BINARY_KEY) {
                encode_base64(item.key(), output);
                output.extend_from_slice(b" b");
            } else {
                output.extend_from_slice(item.key());
            }
            output.extend_from_slice(b"\r\n");
            return;
        }
        output.extend_from_slice(b"key=");
        encode_key(item.key(), output);
        let epoch = shared.epoch();
        match item.expires() {
            0 => output.extend_from_slice(b" exp=-1"),
            expires => write_to(output, format_args!(" exp={}", u64::from(expires) + epoch)),
        }
        let used = u64::from(item.used()) + epoch;
        let fetched = if item.has(FETCHED) { "yes" } else { "no" };
        let (cas, flags) = (item.cas(), item.flags());
        write_to(
            output,
            format_args!(
                " la={used} cas={cas} fetch={fetched} cls={class} size={size} flags={flags} \n"
            ),
        );
    }
}

/// Removes what has expired, a thousand items under each lock.
pub(crate) fn sweep(shared: &Shared) {
    count(&shared.totals.crawler_starts);
    for shard in &shared.shards {
        let mut cursor = Cursor::default();
        loop {
            let mut store = shard.lock();
            store.now = shared.now();
            if !store.reclaim(&mut cursor, STEPS) {
                break;
            }
        }
    }
}
