//! From key to handle: many small hash tables, so that growing one is short.

use hashbrown::HashTable;

use super::arena::{Arena, Handle};

/// Number of tables; a million items grow them four thousand at a time.
const TABLES: usize = 256;
/// First bit of the hash that chooses the table; the tables themselves use the
/// lowest and the highest bits.
const TABLE_SHIFT: u32 = 32;

/// Finds items by key.
pub(crate) struct Index {
    tables: Vec<HashTable<u32>>,
    seed: u64,
    items: usize,
}

impl Index {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            tables: (0..TABLES).map(|_| HashTable::new()).collect(),
            seed,
            items: 0,
        }
    }

    #[inline]
    const fn table(hash: u64) -> usize {
        (hash >> TABLE_SHIFT) as usize % TABLES
    }

    /// Returns the number of items.
    pub(crate) const fn len(&self) -> usize {
        self.items
    }

    /// Returns the bytes that the tables take.
    pub(crate) fn footprint(&self) -> usize {
        self.tables.iter().map(HashTable::allocation_size).sum()
    }

    /// Returns the items of one table, in no order; `None` behind the last table.
    /// The key alone says which table an item is in.
    pub(crate) fn items_of(&self, table: usize) -> Option<impl Iterator<Item = Handle>> {
        let table = self.tables.get(table)?;
        Some(table.iter().map(|handle| Handle(*handle)))
    }

    /// Finds the item of `key`.
    #[inline]
    pub(crate) fn find(&self, arena: &Arena, hash: u64, key: &[u8]) -> Option<Handle> {
        self.tables[Self::table(hash)]
            .find(hash, |handle| arena.item(Handle(*handle)).key() == key)
            .map(|handle| Handle(*handle))
    }

    /// Adds an item whose key is not there yet.
    #[inline]
    pub(crate) fn insert(&mut self, arena: &Arena, hash: u64, handle: Handle) {
        let seed = self.seed;
        self.tables[Self::table(hash)].insert_unique(hash, handle.0, |other| {
            hash_of(seed, arena.item(Handle(*other)).key())
        });
        self.items += 1;
    }

    /// Removes an item.
    #[inline]
    pub(crate) fn remove(&mut self, hash: u64, handle: Handle) {
        let entry = self.tables[Self::table(hash)].find_entry(hash, |other| *other == handle.0);
        if let Ok(entry) = entry {
            entry.remove();
            self.items -= 1;
        }
    }

    /// Gives back room that a smaller number of items no longer needs.
    pub(crate) fn shrink(&mut self, arena: &Arena) {
        let seed = self.seed;
        for table in &mut self.tables {
            if table.capacity() > 64 && table.len() * 4 < table.capacity() {
                table.shrink_to(table.len() * 2, |other| {
                    hash_of(seed, arena.item(Handle(*other)).key())
                });
            }
        }
    }
}

/// Hashes a key; the seed is drawn per server, so that clients cannot aim.
#[inline]
pub(crate) fn hash_of(seed: u64, key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(key, seed)
}
