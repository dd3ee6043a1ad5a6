//! `stats items`, `stats slabs` and `stats sizes`.

use super::{Report, counters};
use crate::server::shared::Shared;
use crate::server::store::arena::Cursor;
use crate::server::store::classes::{CLASSES, SLAB_PAGE};
use crate::server::store::item::ACTIVE;

/// Returns the pages that memcached would have given to each class.
pub(crate) fn slab_pages(shared: &Shared) -> [u64; CLASSES] {
    let counters = counters(shared);
    let mut pages = [0; CLASSES];
    let largest = shared.classes.largest();
    for (class, pages) in pages.iter_mut().enumerate().take(largest + 1).skip(1) {
        let per_page = (SLAB_PAGE / shared.classes.chunk(class)) as u64;
        *pages = counters.classes[class].most_items.div_ceil(per_page);
    }
    pages
}

/// What the items of a class are like now.
#[derive(Clone, Copy, Default)]
struct Census {
    warm: u64,
    oldest: u32,
    oldest_warm: u32,
}

fn census(shared: &Shared) -> [Census; CLASSES] {
    let mut classes = [Census::default(); CLASSES];
    let now = shared.now();
    for shard in &shared.shards {
        let store = shard.lock();
        let mut cursor = Cursor::default();
        while let Some(handle) = store.arena.next(&mut cursor) {
            let item = store.arena.item(handle);
            let census = &mut classes[store.class_of(item)];
            let age = now.saturating_sub(item.used());
            if item.has(ACTIVE) {
                census.warm += 1;
                census.oldest_warm = census.oldest_warm.max(age);
            } else {
                census.oldest = census.oldest.max(age);
            }
        }
    }
    classes
}

pub(super) fn items(shared: &Shared) -> Report {
    let counters = counters(shared);
    let census = census(shared);
    let maintained = shared.settings().lru_maintainer;
    let temporary = shared.tunables.lock().temporary_ttl.is_some();
    let mut report = Report::new();
    for class in 1..CLASSES {
        let (count, census) = (&counters.classes[class], census[class]);
        if count.items == 0 {
            continue;
        }
        let mut add = |name: &str, value: u64| {
            report.push((format!("items:{class}:{name}"), value.to_string()));
        };
        // A flat LRU makes no difference between items.
        let warm = if maintained { census.warm } else { 0 };
        let oldest = if maintained {
            census.oldest
        } else {
            census.oldest.max(census.oldest_warm)
        };
        add("number", count.items);
        if maintained {
            add("number_hot", 0);
            add("number_warm", warm);
            add("number_cold", count.items.saturating_sub(warm));
            if temporary {
                add("number_temp", 0);
            }
            add("age_hot", 0);
            add("age_warm", u64::from(census.oldest_warm));
        }
        add("age", u64::from(oldest));
        add("mem_requested", count.bytes);
        add("evicted", count.evicted);
        add("evicted_nonzero", count.evicted_with_expiry);
        add("evicted_time", count.evicted_age);
        add("outofmemory", count.out_of_memory);
        add("tailrepairs", 0);
        add("reclaimed", count.reclaimed);
        add("expired_unfetched", count.expired_unfetched);
        add("evicted_unfetched", count.evicted_unfetched);
        if maintained {
            add("evicted_active", count.evicted_active);
        }
        add("crawler_reclaimed", count.crawler_reclaimed);
        add("crawler_items_checked", count.crawler_checked);
        add("lrutail_reflocked", 0);
        if maintained {
            add("moves_to_cold", 0);
            add("moves_to_warm", 0);
            add("moves_within_lru", 0);
            add("direct_reclaims", count.direct_reclaims);
            add("hits_to_hot", 0);
            add("hits_to_warm", 0);
            add("hits_to_cold", count.get_hits);
            add("hits_to_temp", 0);
        }
    }
    report
}

pub(super) fn slabs(shared: &Shared) -> Report {
    let counters = counters(shared);
    let pages = slab_pages(shared);
    let mut report = Report::new();
    let (mut active, mut total) = (0, 0);
    for class in 1..=shared.classes.largest() {
        let (count, pages) = (&counters.classes[class], pages[class]);
        if pages == 0 {
            continue;
        }
        active += 1;
        total += pages;
        let chunk = shared.classes.chunk(class);
        let per_page = (SLAB_PAGE / chunk) as u64;
        let chunks = pages * per_page;
        let mut add = |name: &str, value: u64| {
            report.push((format!("{class}:{name}"), value.to_string()));
        };
        add("chunk_size", chunk as u64);
        add("chunks_per_page", per_page);
        add("total_pages", pages);
        add("total_chunks", chunks);
        add("used_chunks", count.items);
        add("free_chunks", chunks.saturating_sub(count.items));
        add("free_chunks_end", 0);
        add("get_hits", count.get_hits);
        add("cmd_set", count.set_commands);
        add("delete_hits", count.delete_hits);
        add("incr_hits", count.increment_hits);
        add("decr_hits", count.decrement_hits);
        add("cas_hits", count.cas_hits);
        add("cas_badval", count.cas_mismatches);
        add("touch_hits", count.touch_hits);
    }
    report.push(("active_slabs".to_owned(), active.to_string()));
    report.push((
        "total_malloced".to_owned(),
        (total * SLAB_PAGE as u64).to_string(),
    ));
    report
}

pub(super) fn sizes(shared: &Shared) -> Report {
    let mut counts = std::collections::BTreeMap::new();
    for shard in &shared.shards {
        let store = shard.lock();
        let Some(sizes) = store.sizes() else {
            return vec![("sizes_status".to_owned(), "disabled".to_owned())];
        };
        for (size, count) in sizes {
            *counts.entry(*size).or_insert(0) += count;
        }
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(size, count)| (size.to_string(), count.to_string()))
        .collect()
}
