//! The reports, read as memcached 1.6.18 wrote them.

use super::*;

/// Lines as recorded.
fn recorded(lines: &str) -> RawReport {
    let pair = |line: &str| {
        let (name, text) = line.split_once(' ').expect("a name and a text");
        (name.to_owned(), text.to_owned())
    };
    lines.split(" | ").map(pair).collect()
}

#[test]
fn the_general_report_is_read() {
    let report = General::read(recorded(
        "pid 14618 | uptime 2 | version 1.6.18 | pointer_size 64 | rusage_system 0.004600 | \
         max_connections 1024 | accepting_conns 1 | hash_is_expanding 0 | cmd_set 2 | \
         limit_maxbytes 67108864 | curr_items 2 | lru_maintainer_juggles 17",
    ));
    assert_eq!((report.pid, report.uptime, report.cmd_set), (14618, 2, 2));
    assert_eq!(report.version, "1.6.18");
    assert_eq!(report.rusage_system, 0.0046);
    assert!(report.accepting_conns && !report.hash_is_expanding);
    assert_eq!(report.hit_ratio(), None);
    // What has no field is there all the same.
    assert_eq!(report.raw["lru_maintainer_juggles"], "17");
}

#[test]
fn settings_know_yes_and_on_and_nothing() {
    let report = Settings::read(recorded(
        "maxbytes 67108864 | inter 127.0.0.1 | evictions on | domain_socket NULL | \
         growth_factor 1.25 | stat_key_prefix : | cas_enabled yes | detail_enabled no | \
         ssl_min_version tlsv1.2",
    ));
    assert_eq!(report.inter.as_deref(), Some("127.0.0.1"));
    assert_eq!(report.domain_socket, None);
    assert!(report.evictions && report.cas_enabled && !report.detail_enabled);
    assert_eq!(
        (report.growth_factor, &*report.stat_key_prefix),
        (1.25, ":")
    );
}

#[test]
fn figures_of_classes_are_gathered() {
    let items = Items::read(recorded(
        "items:1:number 1 | items:1:mem_requested 69 | items:19:number 1 | items:19:age_hot 0 | \
         items:19:mem_requested 5066",
    ));
    assert_eq!(items.classes[&1].mem_requested, 69);
    assert_eq!(items.classes[&19].mem_requested, 5066);
    let slabs = Slabs::read(recorded(
        "1:chunk_size 96 | 1:chunks_per_page 10922 | 19:chunk_size 5680 | active_slabs 2 | \
         total_malloced 2097152",
    ));
    assert_eq!((slabs.active_slabs, slabs.total_malloced), (2, 2_097_152));
    assert_eq!(slabs.classes[&19].chunk_size, 5680);
    assert_eq!(slabs.classes.len(), 2);
}

#[test]
fn sizes_are_counted_or_not() {
    let counted = Sizes::read(recorded("96 1 | 5088 1"));
    assert!(counted.enabled);
    assert_eq!(counted.counts, [(96, 1), (5088, 1)].into());
    let disabled = Sizes::read(recorded("sizes_status disabled"));
    assert!(!disabled.enabled && disabled.counts.is_empty());
}

#[test]
fn connections_have_addresses() {
    let report = Connections::read(recorded(
        "22:addr tcp:127.0.0.1:43195 | 22:state conn_listening | 22:secs_since_last_cmd 0 | \
         23:addr tcp:127.0.0.1:33322 | 23:listen_addr tcp:127.0.0.1:43195 | \
         23:state conn_parse_cmd | 23:secs_since_last_cmd 0",
    ));
    assert_eq!(report.connections[&22].listen_addr, None);
    assert_eq!(report.connections[&23].addr, "tcp:127.0.0.1:33322");
    assert_eq!(report.connections[&23].state, "conn_parse_cmd");
}

#[test]
fn every_report_is_written_as_json() {
    let json = to_json("slabs", recorded("1:chunk_size 96 | active_slabs 1")).expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["classes"]["1"]["chunk_size"], 96);
    assert_eq!(value["active_slabs"], 1);
    let error = to_json("detail", RawReport::new()).expect_err("no such type");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_malformed_figure_is_left_at_zero() {
    let report = General::read(recorded("curr_items many | uptime 5"));
    assert_eq!((report.curr_items, report.uptime), (0, 5));
}
