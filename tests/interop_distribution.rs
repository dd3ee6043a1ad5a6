//! Every recorded placement of every client, all of them, through the router.
//!
//! `tests/vectors/interop/distribution.json.gz` holds what the clients
//! themselves did; see the README beside it.

use std::io::Read;

use flate2::read::GzDecoder;
use memoxide::route::{Failover, Node, Preset, Router};
use serde_json::Value;

/// Keys in the files: a shorter file must not pass for a full one.
const KEYS: usize = 120_120;
const FILES: usize = 68;

#[test]
fn every_recorded_key_goes_to_its_server() {
    let (mut keys, mut wrong) = (0, Vec::new());
    for file in files() {
        let name = file["preset"].as_str().expect("a preset name");
        let preset = Preset::by_name(name).expect("a known preset");
        let mut missed = 0;
        for case in file["cases"].as_array().expect("cases") {
            let router = Router::new(preset, &nodes(case)).expect("a router");
            let down = down(case);
            let rebuilt = router.without(&down).expect("a router");
            for (key, index) in case["keys"].as_object().expect("keys") {
                let key = key.as_bytes();
                let live = |index: usize| !down.contains(&index);
                let routed = match preset.failover() {
                    // As recorded, `app_` was added before sending.
                    _ if name.starts_with("php-memcached-prefix") => {
                        router.route_parts(b"app_", key)
                    }
                    Failover::Rebuild => rebuilt.route(key),
                    _ if down.is_empty() => router.route(key),
                    _ => router.route_live(key, live),
                };
                keys += 1;
                if routed.map(|index| index as u64) != index.as_u64() {
                    missed += 1;
                }
            }
        }
        if missed > 0 {
            wrong.push(format!("{name}: {missed}"));
        }
    }
    assert!(wrong.is_empty(), "keys on the wrong server: {wrong:#?}");
    assert_eq!(keys, KEYS);
}

#[test]
fn presets_name_the_client_they_were_recorded_from() {
    let files = files();
    assert_eq!(files.len(), FILES);
    for file in files {
        let preset = Preset::by_name(file["preset"].as_str().expect("a preset name"));
        let preset = preset.expect("a known preset");
        assert_eq!(file["preset"], preset.name());
        assert_eq!(file["client"], preset.client(), "{preset}");
        assert_eq!(file["version"], preset.version(), "{preset}");
    }
}

#[test]
fn failover_orders_begin_with_the_route_and_name_each_node_once() {
    for file in files() {
        let name = file["preset"].as_str().expect("a preset name");
        let preset = Preset::by_name(name).expect("a known preset");
        for case in file["cases"].as_array().expect("cases") {
            let nodes = nodes(case);
            let router = Router::new(preset, &nodes).expect("a router");
            for (key, _) in case["keys"].as_object().expect("keys").iter().take(20) {
                let key = key.as_bytes();
                let mut order: Vec<usize> = router.failover_order(key).collect();
                assert_eq!(order.first().copied(), router.route(key), "{name}");
                order.sort_unstable();
                assert_eq!(order, Vec::from_iter(0..nodes.len()), "{name}");
            }
        }
    }
}

fn files() -> Vec<Value> {
    let packed: &[u8] = include_bytes!("vectors/interop/distribution.json.gz");
    let mut text = String::new();
    let mut reader = GzDecoder::new(packed);
    reader.read_to_string(&mut text).expect("gzip of UTF-8");
    let mut all: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(all["format"], 1);
    match all["presets"].take() {
        Value::Array(files) => files,
        other => panic!("presets is {other}"),
    }
}

fn nodes(case: &Value) -> Vec<Node> {
    let servers = case["servers"].as_array().expect("servers");
    let node = |server: &Value| {
        let host = server["host"].as_str().expect("a host");
        let port = server["port"].as_u64().expect("a port");
        let weight = server["weight"].as_u64().expect("a weight");
        Node::new(host, port as u16).with_weight(weight as u32)
    };
    servers.iter().map(node).collect()
}

fn down(case: &Value) -> Vec<usize> {
    let Some(down) = case["down"].as_array() else {
        return Vec::new();
    };
    let index = |index: &Value| index.as_u64().expect("an index") as usize;
    down.iter().map(index).collect()
}
