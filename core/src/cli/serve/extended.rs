//! The suboptions of `-o`.

use std::path::PathBuf;

use super::{Failure, USAGE};
use crate::server::Settings;

/// What `-o` says beyond the settings of the engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Extended {
    /// Connections beyond the limit wait instead of being refused.
    pub(super) queue_connections: bool,
    pub(super) temporary_ttl: bool,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) client_authorities: Option<PathBuf>,
    /// 0 none, 1 request, 2 require, 3 once.
    pub(super) verify_mode: u8,
    pub(super) tls13_only: bool,
}

/// What a suboption that changes nothing here takes as its value.
#[derive(Clone, Copy)]
enum Ignored {
    /// Nothing; a value is ignored too.
    Bare,
    /// Something that is not looked at.
    Any,
    /// A number within bounds, and what is said of another.
    Integer(i64, i64, &'static str),
}

/// Suboptions about memcached's insides, accepted so that a command line for
/// memcached works.
const IGNORED: [(&str, Ignored); 42] = [
    ("drop_privileges", Ignored::Bare),
    ("ext_compact_under", Ignored::Any),
    ("ext_drop_under", Ignored::Any),
    ("ext_drop_unread", Ignored::Bare),
    ("ext_item_age", Ignored::Any),
    ("ext_item_size", Ignored::Any),
    ("ext_low_ttl", Ignored::Any),
    ("ext_max_frag", Ignored::Any),
    ("ext_max_sleep", Ignored::Any),
    ("ext_page_size", Ignored::Any),
    ("ext_path", Ignored::Any),
    ("ext_recache_rate", Ignored::Any),
    ("ext_threads", Ignored::Any),
    ("ext_wbuf_size", Ignored::Any),
    ("hash_algorithm", Ignored::Any),
    (
        "hashpower",
        Ignored::Integer(12, 32, "hashpower must be between 12 and 32"),
    ),
    (
        "hot_lru_pct",
        Ignored::Integer(1, 79, "hot_lru_pct must be > 1 and < 80"),
    ),
    ("hot_max_factor", Ignored::Any),
    ("inline_ascii_resp", Ignored::Bare),
    (
        "lru_crawler_sleep",
        Ignored::Integer(
            0,
            1_000_000,
            "LRU crawler sleep must be between 0 and 1 second",
        ),
    ),
    (
        "lru_crawler_tocrawl",
        Ignored::Integer(
            0,
            u32::MAX as i64,
            "lru_crawler_tocrawl takes a numeric 32bit value",
        ),
    ),
    ("modern", Ignored::Bare),
    ("no_chunked_items", Ignored::Bare),
    ("no_drop_privileges", Ignored::Bare),
    ("no_hashexpand", Ignored::Bare),
    ("no_inline_ascii_resp", Ignored::Bare),
    ("no_slab_automove", Ignored::Bare),
    ("no_slab_reassign", Ignored::Bare),
    ("read_buf_mem_limit", Ignored::Any),
    ("resp_obj_mem_limit", Ignored::Any),
    ("slab_automove", Ignored::Bare),
    ("slab_automove_freeratio", Ignored::Any),
    ("slab_automove_ratio", Ignored::Any),
    (
        "slab_automove_window",
        Ignored::Integer(3, 1800, "slab_automove_window must be > 2 and < 1800"),
    ),
    (
        "slab_chunk_max",
        Ignored::Integer(1, 1024, "slab_chunk_max must be specified in kilobytes."),
    ),
    ("slab_reassign", Ignored::Bare),
    ("slab_sizes", Ignored::Any),
    ("sock_cookie_id", Ignored::Any),
    (
        "tail_repair_time",
        Ignored::Integer(
            10,
            i64::MAX,
            "Cannot set tail_repair_time to less than 10 seconds",
        ),
    ),
    (
        "warm_lru_pct",
        Ignored::Integer(1, 79, "warm_lru_pct must be > 1 and < 80"),
    ),
    ("warm_max_factor", Ignored::Any),
    ("watcher_logbuf_size", Ignored::Any),
];

/// Reads one `-o` value: suboptions with or without `=value`, separated by
/// commas.
pub(super) fn read(
    list: &str,
    settings: &mut Settings,
    extended: &mut Extended,
) -> Result<(), Failure> {
    for suboption in list.split(',').filter(|part| !part.is_empty()) {
        let (name, value) = match suboption.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (suboption, None),
        };
        take(suboption, name, value, settings, extended)?;
    }
    Ok(())
}

fn take(
    suboption: &str,
    name: &str,
    value: Option<&str>,
    settings: &mut Settings,
    extended: &mut Extended,
) -> Result<(), Failure> {
    let missing = || Failure::new(1, format!("Missing {name} argument"));
    let text = || value.ok_or_else(missing);
    let number = |low: i64, high: i64, wrong: &str| {
        let number = text()?.parse::<i64>().ok();
        number
            .filter(|number| (low..=high).contains(number))
            .ok_or_else(|| Failure::new(1, wrong))
    };
    match name {
        "idle_timeout" => {
            let wrong = "idle_timeout takes a number of seconds";
            let seconds = number(0, i64::from(u32::MAX), wrong)?;
            settings.idle_timeout = u32::try_from(seconds).unwrap_or(u32::MAX);
        }
        "lru_crawler" => settings.lru_crawler = true,
        "lru_maintainer" => settings.lru_maintainer = true,
        "maxconns_fast" => extended.queue_connections = false,
        "no_lru_crawler" => settings.lru_crawler = false,
        "no_lru_maintainer" => settings.lru_maintainer = false,
        "no_maxconns_fast" => extended.queue_connections = true,
        "no_modern" => {
            extended.queue_connections = true;
            settings.lru_crawler = false;
            settings.lru_maintainer = false;
        }
        "ssl_ca_cert" => extended.client_authorities = Some(text()?.into()),
        "ssl_chain_cert" => extended.certificate = Some(text()?.into()),
        // Ciphers, buffers, caches and offload are left to the TLS library.
        "ssl_ciphers" | "ssl_keyformat" | "ssl_wbuf_size" => drop(text()?),
        "ssl_kernel_tls" | "ssl_session_cache" => {}
        "ssl_key" => extended.key = Some(text()?.into()),
        "ssl_min_version" => {
            let wrong = "Invalid ssl_min_version. Use help to see valid options.";
            // TLS 1.0 and 1.1 are not spoken: asking for them allows 1.2.
            extended.tls13_only = number(0, 3, wrong)? == 3;
        }
        "ssl_verify_mode" => {
            let wrong = "Invalid ssl_verify_mode. Use help to see valid options.";
            extended.verify_mode = u8::try_from(number(0, 3, wrong)?).unwrap_or_default();
        }
        "temporary_ttl" => {
            text()?;
            extended.temporary_ttl = true;
        }
        "track_sizes" => settings.track_sizes = true,
        "worker_logbuf_size" => drop(text()?),
        _ => match IGNORED.iter().find(|(known, _)| *known == name) {
            Some((_, Ignored::Bare)) => {}
            Some((_, Ignored::Any)) => drop(text()?),
            Some((_, Ignored::Integer(low, high, wrong))) => drop(number(*low, *high, wrong)?),
            None if name.starts_with("proxy_") => {
                return Err(Failure::new(USAGE, "memoxide is no memcached proxy"));
            }
            None => {
                let message = format!("Illegal suboption \"{suboption}\"");
                return Err(Failure::new(1, message));
            }
        },
    }
    Ok(())
}
