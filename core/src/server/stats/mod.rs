//! `stats`: the reports, and how each protocol sends them.
//!
//! A report is a list of names and values, in the order and with the names of
//! memcached 1.6.45, so that its tools find what they look for. What does not
//! exist here (slab moves, external storage) is reported as at rest.

mod classes;
mod general;
pub(crate) mod prefix;
mod settings;

use std::sync::atomic::Ordering;

use super::shared::{Shared, activity};
use super::store::arena::Cursor;
use super::store::counters::Counters;
use super::store::item::BINARY_KEY;
use super::watch::write_to;

pub(crate) use self::classes::slab_pages;

/// Bytes after which `stats cachedump` ends.
const CACHEDUMP_LIMIT: usize = 2 << 20;

/// Names and values.
pub(crate) type Report = Vec<(String, String)>;

/// Makes a report; `None` for an unknown name.
pub(crate) fn report(shared: &Shared, name: &[u8]) -> Option<Report> {
    Some(match name {
        b"" => general::report(shared),
        b"settings" => settings::report(shared),
        b"items" => classes::items(shared),
        b"slabs" => classes::slabs(shared),
        b"sizes" => classes::sizes(shared),
        b"conns" => connections(shared),
        _ => return None,
    })
}

/// Sets the counters to zero, as `stats reset` does.
pub(crate) fn reset(shared: &Shared) {
    for shard in &shared.shards {
        shard.lock().counters.reset();
    }
    let totals = &shared.totals;
    for counter in [
        &totals.connections,
        &totals.rejected,
        &totals.idle_kicks,
        &totals.yields,
        &totals.flush_commands,
        &totals.auth_commands,
        &totals.auth_errors,
        &totals.crawler_starts,
        &totals.handshake_errors,
        &totals.bytes_read,
        &totals.bytes_written,
    ] {
        counter.store(0, Ordering::Relaxed);
    }
    shared.watchers.reset();
    shared.prefixes.lock().clear();
}

/// Returns the counters of all shards together.
pub(crate) fn counters(shared: &Shared) -> Counters {
    let mut all = Counters::default();
    for shard in &shared.shards {
        all.add(&shard.lock().counters);
    }
    all
}

fn connections(shared: &Shared) -> Report {
    let mut report = Report::new();
    let settings = shared.settings();
    let unix = || {
        let path = settings.unix_socket.as_deref().unwrap_or_default();
        format!("unix:{path}")
    };
    let address = |address: Option<std::net::SocketAddr>| match address {
        None => unix(),
        Some(address) if address.is_ipv6() => format!("tcp6:{address}"),
        Some(address) => format!("tcp:{address}"),
    };
    let uptime = shared.clock().uptime();
    for (number, listener) in &*shared.listeners.lock() {
        report.push((format!("{number}:addr"), listener.clone()));
        report.push((format!("{number}:state"), "conn_listening".to_owned()));
        report.push((format!("{number}:secs_since_last_cmd"), uptime.to_string()));
    }
    let now = shared.now();
    for (number, state) in &*shared.connections.lock() {
        let idle = now.saturating_sub(state.last_command.load(Ordering::Relaxed));
        let doing = usize::from(state.activity.load(Ordering::Relaxed));
        report.push((format!("{number}:addr"), address(state.peer.address)));
        report.push((
            format!("{number}:listen_addr"),
            address(state.peer.listener),
        ));
        report.push((format!("{number}:state"), activity::NAMES[doing].to_owned()));
        report.push((format!("{number}:secs_since_last_cmd"), idle.to_string()));
    }
    report
}

/// Writes the items of a reported class, the newest first as far as the arena
/// knows.
pub(crate) fn cachedump(shared: &Shared, class: usize, limit: usize, output: &mut Vec<u8>) {
    let mut lines: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut bytes = 0;
    for shard in &shared.shards {
        let store = shard.lock();
        let mut cursor = Cursor::default();
        while let Some(handle) = store.arena.next(&mut cursor) {
            let item = store.arena.item(handle);
            if store.class_of(item) != class || item.has(BINARY_KEY) {
                continue;
            }
            let mut line = b"ITEM ".to_vec();
            line.extend_from_slice(item.key());
            let expires = match item.expires() {
                0 => 0,
                expires => u64::from(expires) + shared.epoch(),
            };
            let length = item.length();
            write_to(&mut line, format_args!(" [{length} b; {expires} s]\r\n"));
            bytes += line.len();
            if bytes > CACHEDUMP_LIMIT {
                break;
            }
            lines.push((item.cas(), line));
        }
    }
    lines.sort_by_key(|(cas, _)| std::cmp::Reverse(*cas));
    let shown = if limit == 0 { lines.len() } else { limit };
    for (_, line) in lines.iter().take(shown) {
        output.extend_from_slice(line);
    }
    output.extend_from_slice(b"END\r\n");
}
