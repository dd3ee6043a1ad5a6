//! `stats` without an argument.

use std::sync::atomic::Ordering;

use super::{Report, counters};
use crate::server::shared::Shared;

/// Processor time of the process so far, in user and kernel mode, as seconds
/// with six digits; zero where the system does not tell.
fn processor_time() -> (String, String) {
    // Fields 14 and 15 of the line, in hundredths of a second on Linux; the
    // second field, in parentheses, may hold spaces.
    let ticks = std::fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|line| {
            let fields = line.rsplit_once(')')?.1;
            let mut fields = fields.split_ascii_whitespace().skip(11);
            let mut next = || fields.next()?.parse::<u64>().ok();
            Some((next()?, next()?))
        })
        .unwrap_or_default();
    let seconds = |ticks: u64| format!("{}.{:02}0000", ticks / 100, ticks % 100);
    (seconds(ticks.0), seconds(ticks.1))
}

pub(super) fn report(shared: &Shared) -> Report {
    let settings = shared.settings();
    let counters = counters(shared);
    let totals = &shared.totals;
    let tunables = shared.tunables.lock().clone();
    let watch = shared.watchers.counters();
    let connections = shared.connections.lock().len();
    let maintained = settings.lru_maintainer;
    let index_bytes: usize = shared
        .shards
        .iter()
        .map(|shard| shard.lock().index_footprint())
        .sum();
    let (user, system) = processor_time();
    let loaded = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let mut report = Report::with_capacity(96);
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        report.push((name.to_owned(), value.to_string()));
    };
    add("pid", &std::process::id());
    add("uptime", &shared.clock().uptime());
    add("time", &shared.clock().unix_seconds());
    add("version", &settings.version);
    add("libevent", &"none");
    add("pointer_size", &usize::BITS);
    add("rusage_user", &user);
    add("rusage_system", &system);
    add("max_connections", &settings.max_connections);
    add("curr_connections", &connections);
    add("total_connections", &loaded(&totals.connections));
    add("rejected_connections", &loaded(&totals.rejected));
    add("connection_structures", &connections);
    add("response_obj_oom", &0);
    add("response_obj_count", &0);
    add("response_obj_bytes", &0);
    add("read_buf_count", &settings.threads);
    add(
        "read_buf_bytes",
        &(settings.threads * super::super::OUTPUT_BUDGET),
    );
    add("read_buf_bytes_free", &0);
    add("read_buf_oom", &0);
    add("reserved_fds", &0);
    add("cmd_get", &counters.get_commands);
    add("cmd_set", &counters.sum(|class| class.set_commands));
    add("cmd_flush", &loaded(&totals.flush_commands));
    add("cmd_touch", &counters.touch_commands);
    add("cmd_meta", &counters.meta_commands);
    add("get_hits", &counters.sum(|class| class.get_hits));
    add("get_misses", &counters.get_misses);
    add("get_expired", &counters.get_expired);
    add("get_flushed", &counters.get_flushed);
    add("delete_misses", &counters.delete_misses);
    add("delete_hits", &counters.sum(|class| class.delete_hits));
    add("incr_misses", &counters.increment_misses);
    add("incr_hits", &counters.sum(|class| class.increment_hits));
    add("decr_misses", &counters.decrement_misses);
    add("decr_hits", &counters.sum(|class| class.decrement_hits));
    add("cas_misses", &counters.cas_misses);
    add("cas_hits", &counters.sum(|class| class.cas_hits));
    add("cas_badval", &counters.sum(|class| class.cas_mismatches));
    add("touch_hits", &counters.sum(|class| class.touch_hits));
    add("touch_misses", &counters.touch_misses);
    add("store_too_large", &counters.store_too_large);
    add("store_no_memory", &counters.store_no_memory);
    add("auth_cmds", &loaded(&totals.auth_commands));
    add("auth_errors", &loaded(&totals.auth_errors));
    if settings.idle_timeout > 0 {
        add("idle_kicks", &loaded(&totals.idle_kicks));
    }
    let read = counters.bytes_read + loaded(&totals.bytes_read);
    let written = counters.bytes_written + loaded(&totals.bytes_written);
    add("bytes_read", &read);
    add("bytes_written", &written);
    add("limit_maxbytes", &tunables.memory_limit);
    add("accepting_conns", &1);
    add("listen_disabled_num", &0);
    add("time_in_listen_disabled_us", &0);
    add("threads", &settings.threads);
    add("conn_yields", &loaded(&totals.yields));
    let items = counters.items();
    add(
        "hash_power_level",
        &(u64::BITS - items.leading_zeros()).max(16),
    );
    add("hash_bytes", &index_bytes);
    add("hash_is_expanding", &0);
    add("slab_reassign_rescues", &0);
    add("slab_reassign_chunk_rescues", &0);
    add("slab_reassign_inline_reclaim", &0);
    add("slab_reassign_busy_items", &0);
    add("slab_reassign_busy_deletes", &0);
    add("slab_reassign_busy_nomem", &0);
    add("slab_reassign_last_busy_status", &"none");
    add("slab_reassign_running", &0);
    add("slabs_moved", &0);
    if shared.crawler.load(Ordering::Relaxed) {
        let crawling = u8::from(shared.crawling.load(Ordering::Relaxed));
        add("lru_crawler_running", &crawling);
        add("lru_crawler_starts", &loaded(&totals.crawler_starts));
    }
    if maintained {
        add("lru_maintainer_juggles", &0);
    }
    add("malloc_fails", &0);
    add("log_worker_dropped", &0);
    add("log_worker_written", &watch.written);
    add("log_watcher_skipped", &watch.skipped);
    add("log_watcher_sent", &watch.sent);
    add("log_watchers", &watch.watchers);
    if settings.tls {
        let refreshed = shared.refreshed_at.load(Ordering::Relaxed);
        let since = shared.now().saturating_sub(refreshed);
        add("ssl_handshake_errors", &loaded(&totals.handshake_errors));
        add("time_since_server_cert_refresh", &since);
    }
    add("unexpected_napi_ids", &0);
    add("round_robin_fallback", &0);
    add("bytes", &counters.sum(|class| class.bytes));
    add("curr_items", &items);
    add("total_items", &counters.total_items);
    add("slab_global_page_pool", &0);
    add(
        "expired_unfetched",
        &counters.sum(|class| class.expired_unfetched),
    );
    add(
        "evicted_unfetched",
        &counters.sum(|class| class.evicted_unfetched),
    );
    if maintained {
        add(
            "evicted_active",
            &counters.sum(|class| class.evicted_active),
        );
    }
    add("evictions", &counters.sum(|class| class.evicted));
    add("reclaimed", &counters.sum(|class| class.reclaimed));
    add(
        "crawler_reclaimed",
        &counters.sum(|class| class.crawler_reclaimed),
    );
    add(
        "crawler_items_checked",
        &counters.sum(|class| class.crawler_checked),
    );
    add("lrutail_reflocked", &0);
    if maintained {
        add("moves_to_cold", &0);
        add("moves_to_warm", &0);
        add("moves_within_lru", &0);
        add(
            "direct_reclaims",
            &counters.sum(|class| class.direct_reclaims),
        );
        add("lru_bumps_dropped", &0);
    }
    report
}
