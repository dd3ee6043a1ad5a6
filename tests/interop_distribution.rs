//! Every recorded placement of every client, all of them, through the router.
//!
//! The files in `tests/vectors/interop` hold what the clients themselves did;
//! see the README there.

use std::io::Read;

use flate2::read::GzDecoder;
use memoxide::route::{Failover, Node, Preset, Router};
use serde_json::Value;

const RECORDED: &[u8] = include_bytes!("vectors/interop/distribution.json.gz");
const MORE: &[u8] = include_bytes!("vectors/interop/distribution-more.json.gz");

/// Presets and keys in each: a shorter file must not pass for a full one.
const RECORDED_SIZE: (usize, usize) = (68, 120_120);
const MORE_SIZE: (usize, usize) = (46, 53_352);

#[test]
fn every_recorded_key_goes_to_its_server() {
    every_key_goes_to_its_server(RECORDED, RECORDED_SIZE);
}

#[test]
fn every_key_of_further_topologies_goes_to_its_server() {
    every_key_goes_to_its_server(MORE, MORE_SIZE);
}

fn every_key_goes_to_its_server(packed: &[u8], size: (usize, usize)) {
    let files = files(packed);
    let mut keys = 0;
    let mut wrong = Vec::new();
    for file in &files {
        let name = file["preset"].as_str().expect("a preset name");
        let preset = Preset::by_name(name).expect("a known preset");
        for case in file["cases"].as_array().expect("cases") {
            let router = Router::new(preset, &nodes(case)).expect("a router");
            let down = down(case);
            let rebuilt = router.without(&down).expect("a router");
            let mut missed = 0;
            for (key, index) in case["keys"].as_object().expect("keys") {
                let key = key.as_bytes();
                let routed = match preset.failover() {
                    // As recorded, `app_` was added before sending.
                    _ if name.starts_with("php-memcached-prefix") => {
                        router.route_parts(b"app_", key)
                    }
                    _ if down.is_empty() => router.route(key),
                    Failover::Next | Failover::Rehash => {
                        router.route_live(key, |index| !down.contains(&index))
                    }
                    _ => rebuilt.route(key),
                };
                keys += 1;
                missed += usize::from(routed.map(|index| index as u64) != index.as_u64());
            }
            if missed > 0 {
                wrong.push(format!(
                    "{name}, {}, down {down:?}: {missed}",
                    case["topology"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "keys on the wrong server: {wrong:#?}");
    assert_eq!((files.len(), keys), size);
}

#[test]
fn presets_name_the_client_they_were_recorded_from() {
    for file in [files(RECORDED), files(MORE)].concat() {
        let preset = Preset::by_name(file["preset"].as_str().expect("a preset name"));
        let preset = preset.expect("a known preset");
        assert_eq!(file["preset"], preset.name());
        assert_eq!(file["client"], preset.client(), "{preset}");
        assert_eq!(file["version"], preset.version(), "{preset}");
    }
}

#[test]
fn failover_orders_begin_with_the_route_and_name_each_node_once() {
    for file in files(RECORDED) {
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

fn files(packed: &[u8]) -> Vec<Value> {
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
        let node = Node::new(host, port as u16).with_weight(weight as u32);
        match server["name"].as_str() {
            Some(name) => node.with_name(name),
            None => node,
        }
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
