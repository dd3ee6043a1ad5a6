//! `stats detail`: commands by key prefix.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::server::shared::Shared;
use crate::server::watch::write_to;

/// Prefixes that are counted; more are left out.
const LIMIT: usize = 1 << 16;

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    gets: u64,
    hits: u64,
    sets: u64,
    deletes: u64,
}

/// Commands by key prefix.
#[derive(Debug)]
pub(crate) struct Prefixes {
    delimiter: u8,
    counts: BTreeMap<Vec<u8>, Counts>,
}

impl Prefixes {
    pub(crate) const fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            counts: BTreeMap::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.counts.clear();
    }

    /// Writes the report.
    pub(crate) fn write(&self, output: &mut Vec<u8>) {
        for (prefix, counts) in &self.counts {
            let Counts {
                gets,
                hits,
                sets,
                deletes,
            } = counts;
            output.extend_from_slice(b"PREFIX ");
            output.extend_from_slice(prefix);
            write_to(
                output,
                format_args!(" get {gets} hit {hits} set {sets} del {deletes}\r\n"),
            );
        }
        output.extend_from_slice(b"END\r\n");
    }

    /// Returns the counts of the key's prefix; `None` for a key without one.
    fn of(&mut self, key: &[u8]) -> Option<&mut Counts> {
        let end = key
            .iter()
            .position(|byte| *byte == self.delimiter || *byte == 0)
            .filter(|end| key[*end] == self.delimiter)?;
        let prefix = &key[..end];
        if !self.counts.contains_key(prefix) {
            if self.counts.len() >= LIMIT {
                return None;
            }
            self.counts.insert(prefix.to_vec(), Counts::default());
        }
        self.counts.get_mut(prefix)
    }
}

impl Shared {
    /// Counts a fetch.
    #[inline]
    pub(crate) fn note_get(&self, key: &[u8], hit: bool) {
        self.note(key, |counts| {
            counts.gets += 1;
            counts.hits += u64::from(hit);
        });
    }

    /// Counts storing.
    #[inline]
    pub(crate) fn note_set(&self, key: &[u8]) {
        self.note(key, |counts| counts.sets += 1);
    }

    /// Counts a deletion.
    #[inline]
    pub(crate) fn note_delete(&self, key: &[u8]) {
        self.note(key, |counts| counts.deletes += 1);
    }

    #[inline]
    fn note(&self, key: &[u8], change: impl FnOnce(&mut Counts)) {
        if self.detail.load(Ordering::Relaxed)
            && let Some(counts) = self.prefixes.lock().of(key)
        {
            change(counts);
        }
    }
}
