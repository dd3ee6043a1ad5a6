//! The reports `items` and `slabs`, which have figures for each class of sizes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::text::fill;
use super::{RawReport, Report};

/// What is known of the items of each class.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Items {
    /// The classes that have had items, by number.
    pub classes: BTreeMap<u32, ItemClass>,
    /// Everything that was reported.
    #[serde(skip)]
    pub raw: RawReport,
}

/// The items of one class.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ItemClass {
    /// Items that are stored.
    pub number: u64,
    /// Of these, items just stored.
    pub number_hot: u64,
    /// Of these, items in use.
    pub number_warm: u64,
    /// Of these, items that are next to go.
    pub number_cold: u64,
    /// Of these, items kept apart as short-lived.
    pub number_temp: u64,
    /// Seconds since the oldest of the items just stored was used.
    pub age_hot: u64,
    /// Seconds since the oldest of the items in use was used.
    pub age_warm: u64,
    /// Seconds since the oldest item was used.
    pub age: u64,
    /// Bytes that the items take.
    pub mem_requested: u64,
    /// Items that were removed to make room.
    pub evicted: u64,
    /// Of these, items that would have expired.
    pub evicted_nonzero: u64,
    /// Seconds since the item that was removed last had been used.
    pub evicted_time: u64,
    /// Of those removed, items that nobody had read.
    pub evicted_unfetched: u64,
    /// Of those removed, items that were in use.
    pub evicted_active: u64,
    /// Items for which there was no memory.
    pub outofmemory: u64,
    /// Items that were freed although somebody seemed to use them.
    pub tailrepairs: u64,
    /// Items stored in the room of expired ones.
    pub reclaimed: u64,
    /// Items whose time was over before anybody had read them.
    pub expired_unfetched: u64,
    /// Expired items that the crawler removed.
    pub crawler_reclaimed: u64,
    /// Items that the crawler looked at.
    pub crawler_items_checked: u64,
    /// Items at the end of the order that were locked.
    pub lrutail_reflocked: u64,
    /// Items that became next to go.
    pub moves_to_cold: u64,
    /// Items that came to count as in use.
    pub moves_to_warm: u64,
    /// Items that moved within their part of the order.
    pub moves_within_lru: u64,
    /// Times that a request had to make room itself.
    pub direct_reclaims: u64,
    /// Hits of items just stored.
    pub hits_to_hot: u64,
    /// Hits of items in use.
    pub hits_to_warm: u64,
    /// Hits of items that were next to go.
    pub hits_to_cold: u64,
    /// Hits of short-lived items.
    pub hits_to_temp: u64,
}

impl Report for Items {
    const NAME: &'static str = "items";

    fn read(raw: RawReport) -> Self {
        let figures = raw
            .iter()
            .filter_map(|(name, text)| Some((name.strip_prefix("items:")?, &**text)));
        let classes = by_class(figures)
            .into_iter()
            .map(|(class, figures)| (class, fill(figures.into_iter())))
            .collect();
        Self { classes, raw }
    }
}

/// How memory is divided among classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Slabs {
    /// Classes that have memory.
    pub active_slabs: u64,
    /// Bytes that classes have.
    pub total_malloced: u64,
    /// The classes, by number.
    pub classes: BTreeMap<u32, SlabClass>,
    /// Everything that was reported.
    #[serde(skip)]
    pub raw: RawReport,
}

/// The memory of one class, and what was done with its items.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SlabClass {
    /// Bytes for each item.
    pub chunk_size: u64,
    /// Items for which a page has room.
    pub chunks_per_page: u64,
    /// Pages of the class.
    pub total_pages: u64,
    /// Items for which the class has room.
    pub total_chunks: u64,
    /// Items that are stored.
    pub used_chunks: u64,
    /// Items for which there is room.
    pub free_chunks: u64,
    /// Of these, at the end of the page that was added last.
    pub free_chunks_end: u64,
    /// Reads that found an item.
    pub get_hits: u64,
    /// Items that were stored.
    pub cmd_set: u64,
    /// Deletes that found an item.
    pub delete_hits: u64,
    /// Increments that found an item.
    pub incr_hits: u64,
    /// Decrements that found an item.
    pub decr_hits: u64,
    /// Compare-and-swaps that stored.
    pub cas_hits: u64,
    /// Compare-and-swaps that found a changed item.
    pub cas_badval: u64,
    /// Touches that found an item.
    pub touch_hits: u64,
}

impl Report for Slabs {
    const NAME: &'static str = "slabs";

    fn read(raw: RawReport) -> Self {
        let total = |name| {
            let text = raw.get(name).map(String::as_str).unwrap_or_default();
            text.parse().unwrap_or_default()
        };
        let figures = raw.iter().map(|(name, text)| (&**name, &**text));
        let classes = by_class(figures)
            .into_iter()
            .map(|(class, figures)| (class, fill(figures.into_iter())))
            .collect();
        Self {
            active_slabs: total("active_slabs"),
            total_malloced: total("total_malloced"),
            classes,
            raw,
        }
    }
}

/// Groups `<class>:<name>` by class.
pub(super) fn by_class<'a>(
    figures: impl Iterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<u32, Vec<(&'a str, &'a str)>> {
    let mut classes = BTreeMap::<_, Vec<_>>::new();
    for (name, text) in figures {
        if let Some((class, name)) = name.split_once(':')
            && let Ok(class) = class.parse()
        {
            classes.entry(class).or_default().push((name, text));
        }
    }
    classes
}
