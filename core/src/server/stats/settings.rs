//! `stats settings`.

use std::sync::atomic::Ordering;

use super::Report;
use crate::server::settings::ProtocolChoice;
use crate::server::shared::Shared;

const fn yes(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}

pub(super) fn report(shared: &Shared) -> Report {
    let settings = shared.settings();
    let tunables = shared.tunables.lock().clone();
    let oldest = shared.shards[0].lock().oldest_live();
    let mut report = Report::new();
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        report.push((name.to_owned(), value.to_string()));
    };
    let protocol = match settings.protocol {
        _ if settings.sasl.is_some() => "binary",
        _ if settings.auth_file.is_some() => "ascii",
        ProtocolChoice::Ascii => "ascii",
        ProtocolChoice::Auto => "auto-negotiate",
        ProtocolChoice::Binary => "binary",
    };
    add("maxbytes", &tunables.memory_limit);
    add("maxconns", &settings.max_connections);
    add("tcpport", &settings.tcp_port);
    add("udpport", &0);
    add("inter", &settings.interface.as_deref().unwrap_or("NULL"));
    add("verbosity", &tunables.verbosity);
    add("oldest", &oldest);
    add("evictions", &if settings.evictions { "on" } else { "off" });
    add(
        "domain_socket",
        &settings.unix_socket.as_deref().unwrap_or("NULL"),
    );
    add("umask", &format_args!("{:o}", settings.unix_socket_mask));
    add("shutdown_command", &yes(settings.shutdown_enabled));
    add(
        "growth_factor",
        &format_args!("{:.2}", settings.growth_factor),
    );
    add("chunk_size", &settings.chunk_size);
    add("num_threads", &settings.threads);
    add("num_threads_per_udp", &settings.threads);
    add("stat_key_prefix", &char::from(settings.prefix_delimiter));
    add(
        "detail_enabled",
        &yes(shared.detail.load(Ordering::Relaxed)),
    );
    add("reqs_per_event", &settings.requests_per_event);
    add("cas_enabled", &yes(settings.cas));
    add("tcp_backlog", &1024);
    add("binding_protocol", &protocol);
    add("auth_enabled_sasl", &yes(settings.sasl.is_some()));
    add("auth_enabled_ascii", &yes(settings.auth_file.is_some()));
    add("item_size_max", &settings.item_size_limit);
    add("maxconns_fast", &"yes");
    add("hashpower_init", &0);
    add("slab_reassign", &"yes");
    add("slab_automove", &tunables.automove);
    add(
        "slab_automove_ratio",
        &format_args!("{:.2}", tunables.automove_ratio),
    );
    add("slab_automove_window", &tunables.automove_window);
    add("slab_chunk_max", &shared.classes.largest_chunk());
    add("lru_crawler", &yes(shared.crawler.load(Ordering::Relaxed)));
    add("lru_crawler_sleep", &tunables.crawler_sleep);
    add("lru_crawler_tocrawl", &tunables.crawler_tocrawl);
    add("tail_repair_time", &0);
    add("flush_enabled", &yes(settings.flush_enabled));
    add("dump_enabled", &yes(settings.dump_enabled));
    add("hash_algorithm", &"xxh3");
    add("lru_maintainer_thread", &yes(settings.lru_maintainer));
    add("lru_segmented", &yes(tunables.segmented));
    add("hot_lru_pct", &tunables.hot_percent);
    add("warm_lru_pct", &tunables.warm_percent);
    add(
        "hot_max_factor",
        &format_args!("{:.2}", tunables.hot_factor),
    );
    add(
        "warm_max_factor",
        &format_args!("{:.2}", tunables.warm_factor),
    );
    add("temp_lru", &yes(tunables.temporary_ttl.is_some()));
    add("temporary_ttl", &tunables.temporary_ttl.unwrap_or(61));
    add("idle_timeout", &settings.idle_timeout);
    add("watcher_logbuf_size", &262_144);
    add("worker_logbuf_size", &65_536);
    add("read_buf_mem_limit", &0);
    add("track_sizes", &yes(settings.track_sizes));
    add("inline_ascii_response", &"no");
    add("ext_item_size", &512);
    add("ext_item_age", &u32::MAX);
    add("ext_low_ttl", &0);
    add("ext_recache_rate", &2000);
    add("ext_wbuf_size", &(4 << 20));
    add("ext_compact_under", &0);
    add("ext_drop_under", &0);
    add("ext_max_sleep", &1_000_000);
    add("ext_max_frag", &"0.80");
    add(
        "slab_automove_freeratio",
        &format_args!("{:.3}", tunables.automove_free_ratio),
    );
    add("ext_drop_unread", &"no");
    add("ssl_enabled", &yes(settings.tls));
    add("ssl_chain_cert", &"(null)");
    add("ssl_key", &"(null)");
    add("ssl_verify_mode", &0);
    add("ssl_keyformat", &1);
    add("ssl_ciphers", &"NULL");
    add("ssl_ca_cert", &"NULL");
    add("ssl_wbuf_size", &16_384);
    add("ssl_session_cache", &"no");
    add("ssl_kernel_tls", &"no");
    add("ssl_min_version", &"tlsv1.2");
    add("num_napi_ids", &0);
    add("memory_file", &"(null)");
    add("client_flags_size", &4);
    report
}
