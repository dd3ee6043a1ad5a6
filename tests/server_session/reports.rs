//! Statistics: names as recorded from memcached, values as counted here.

use memoxide::server::Settings;
use serde_json::Value;

use crate::Pair;

fn recorded(list: &str) -> Vec<String> {
    let file: Value = serde_json::from_str(include_str!("../vectors/server/stat_names.json"))
        .expect("the names are valid");
    let names = file[list].as_array().expect("a list");
    names
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

fn names(pair: &Pair, report: &str) -> Vec<String> {
    let report = pair.shared.statistics(report);
    report.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn reports_have_the_names_of_memcached() {
    let mut pair = Pair::default();
    pair.ask("set a 0 0 1\r\n1\r\n");
    assert_eq!(names(&pair, ""), recorded("general"));
    assert_eq!(names(&pair, "settings"), recorded("settings"));
    assert_eq!(names(&pair, "items"), recorded("items"));
    assert_eq!(names(&pair, "slabs"), recorded("slabs"));
    let mut bare = Pair::new(Settings {
        lru_crawler: false,
        lru_maintainer: false,
        ..Settings::default()
    });
    bare.ask("set a 0 0 1\r\n1\r\n");
    assert_eq!(
        names(&bare, ""),
        recorded("general_without_crawler_and_maintainer")
    );
    assert_eq!(names(&bare, "items"), recorded("items_without_maintainer"));
}

#[test]
fn slab_classes_are_reported_though_nothing_is_slabbed() {
    let mut pair = Pair::default();
    let large = "v".repeat(600_000);
    pair.ask(&format!(
        "set a 0 0 1\r\n1\r\nset b 0 0 600000\r\n{large}\r\nget a a\r\n"
    ));
    let slabs = pair.ask("stats slabs\r\n");
    for line in [
        "STAT 1:chunk_size 96",
        "STAT 1:chunks_per_page 10922",
        "STAT 1:total_pages 1",
        "STAT 1:used_chunks 1",
        "STAT 1:get_hits 2",
        "STAT 1:cmd_set 1",
        "STAT 39:chunk_size 524288",
        "STAT active_slabs 2",
        "STAT total_malloced 2097152",
    ] {
        assert!(slabs.contains(&format!("{line}\r\n")), "{line}\n{slabs}");
    }
    let items = pair.ask("stats items\r\n");
    assert!(items.contains("STAT items:39:number 1\r\n"), "{items}");
}

#[test]
fn sizes_are_counted_on_demand() {
    let mut pair = Pair::new(Settings {
        track_sizes: true,
        ..Settings::default()
    });
    pair.ask("set a 0 0 1\r\n1\r\nset b 0 0 1\r\n1\r\nset c 0 0 100\r\n");
    pair.ask(&format!("{}\r\n", "v".repeat(100)));
    assert_eq!(
        pair.ask("stats sizes\r\n"),
        "STAT 64 2\r\nSTAT 160 1\r\nEND\r\n"
    );
    pair.ask("delete a\r\n");
    assert!(pair.ask("stats sizes\r\n").starts_with("STAT 64 1\r\n"));
}

#[test]
fn a_reset_keeps_the_items() {
    let mut pair = Pair::default();
    pair.ask("set a 0 0 1\r\n1\r\nget a\r\nget b\r\n");
    assert_eq!(pair.statistic("get_misses"), "1");
    assert_eq!(pair.ask("stats reset\r\n"), "RESET\r\n");
    assert_eq!(pair.statistic("get_misses"), "0");
    assert_eq!(pair.statistic("cmd_set"), "0");
    assert_eq!(pair.statistic("curr_items"), "1");
}

#[test]
fn connections_are_listed() {
    let mut pair = Pair::default();
    pair.shared.listening(0, "tcp:127.0.0.1:11211");
    let mut other = pair.connect(9);
    other.ask("set a 0 0 10\r\nabc");
    let text = pair.ask("stats conns\r\n");
    for line in [
        "STAT 0:addr tcp:127.0.0.1:11211",
        "STAT 0:state conn_listening",
        "STAT 9:addr tcp:127.0.0.1:40009",
        "STAT 9:listen_addr tcp:127.0.0.1:11211",
        "STAT 9:state conn_nread",
        "STAT 9:secs_since_last_cmd 0",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
    }
}

#[test]
fn binary_statistics_end_with_an_empty_packet() {
    let mut pair = Pair::default();
    let mut request = vec![0x80, 0x10, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5];
    request.extend([0; 12]);
    request.extend(b"sizes");
    let answer = pair.line.send(&request);
    let expected = b"sizes_statusdisabled";
    assert_eq!(answer.len(), 24 + expected.len() + 24);
    assert_eq!(&answer[24..24 + expected.len()], expected);
    assert_eq!(
        answer[answer.len() - 24..][..12],
        [0x81, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn threads_and_settings_are_told() {
    let pair = Pair::new(Settings {
        threads: 3,
        max_connections: 77,
        unix_socket: Some("/run/cache.sock".into()),
        ..Settings::default()
    });
    let settings = pair.shared.statistics("settings");
    for (name, value) in [
        ("maxconns", "77"),
        ("num_threads", "3"),
        ("domain_socket", "/run/cache.sock"),
        ("umask", "700"),
        ("growth_factor", "1.25"),
        ("evictions", "on"),
        ("cas_enabled", "yes"),
        ("item_size_max", "1048576"),
        ("binding_protocol", "auto-negotiate"),
    ] {
        assert!(settings.contains(&(name.into(), value.into())), "{name}");
    }
}
