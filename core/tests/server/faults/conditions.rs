//! Which requests a rule strikes, presets, the log of requests, and the guide.

use std::time::{Duration, Instant};

use memoxide::EmbeddedServer;
use memoxide::server::fault::{Fault, PRESETS, Rule};

use super::{VALUE, VERSION, hits, is_refused, server};
use crate::support::Peer;

#[test]
fn conditions_choose_connection_request_command_and_key() {
    let server = server(
        r#"{"action": "error", "connection": 3, "request": {"from": 2},
            "command": ["get", "gets"], "key": "k*"}"#,
    );
    let mut second = Peer::connect(&server);
    second.ask(b"get k\r\nget k\r\n", &VALUE.repeat(2));
    let mut third = Peer::connect(&server);
    third.ask(b"get k\r\n", VALUE);
    third.ask(b"get other\r\n", b"END\r\n");
    third.ask(b"touch k 0\r\n", b"TOUCHED\r\n");
    third.ask(b"get k\r\n", b"SERVER_ERROR injected fault\r\n");
    third.ask(b"get other k\r\n", b"SERVER_ERROR injected fault\r\n");
}

#[test]
fn rules_apply_to_open_connections_and_may_go_again() {
    let server = server("[]");
    let mut peer = Peer::connect(&server);
    for _ in 0..3 {
        peer.ask(b"get k\r\n", VALUE);
        let error = r#"{"action": "error", "kind": "unknown_command"}"#;
        let id = server.add_faults(error).unwrap()[0];
        peer.ask(b"get k\r\n", b"ERROR\r\n");
        assert!(server.remove_fault(id).unwrap());
        assert!(!server.remove_fault(id).unwrap());
        assert_eq!(server.fault_hits(id), None);
    }
    peer.ask(b"get k\r\n", VALUE);
}

#[test]
fn a_rule_that_arrives_inside_a_data_block_waits_for_the_next_request() {
    let server = server("[]");
    let mut peer = Peer::connect(&server);
    peer.send(b"set half 0 0 12\r\nhalf\r\n");
    // The session has it once it has answered somebody else.
    while server.requests() < 2 {
        std::thread::yield_now();
    }
    server
        .add_faults(r#"{"action": "error", "kind": "unknown_command"}"#)
        .unwrap();
    peer.send(b"data\r\n\r\nget k\r\n");
    peer.expect(b"STORED\r\nERROR\r\n");
    assert_eq!(hits(&server), [1]);
}

#[test]
fn several_rules_strike_in_their_order() {
    let server = server(
        r#"[{"action": "wrong_key", "wrong": "x"}, {"action": "duplicate_reply"},
            {"action": "truncate", "bytes": 30, "times": 1}]"#,
    );
    let mut peer = Peer::connect(&server);
    let lie = b"VALUE x 0 5\r\nvalue\r\nEND\r\n".repeat(2);
    peer.ask(b"get k\r\n", &lie[..30]);
    peer.expect_end();
    assert_eq!(hits(&server), [1, 1, 1]);
}

#[test]
fn large_values_pass_the_slow_path_whole() {
    let server = server(r#"{"action": "delay", "seconds": 0, "key": "big"}"#);
    let mut peer = Peer::connect(&server);
    let value = vec![b'x'; 700_000];
    peer.send(b"set big 0 0 700000\r\n");
    peer.send(&value);
    peer.ask(b"\r\n", b"STORED\r\n");
    let reply = [b"VALUE big 0 700000\r\n", &value[..], b"\r\nEND\r\n"].concat();
    for _ in 0..5 {
        peer.ask(b"get big\r\n", &reply);
    }
    peer.send(b"set over 0 0 2000000\r\n");
    peer.send(&vec![b'x'; 2_000_000]);
    peer.ask(b"\r\n", b"SERVER_ERROR object too large for cache\r\n");
    peer.ask(b"get k\r\n", VALUE);
}

#[test]
fn presets_do_what_their_names_say() {
    for name in PRESETS {
        let server = server("[]");
        server.add_faults(&format!("{name:?}")).unwrap();
        assert!(!server.faults().is_empty(), "{name}");
        if name == "dead" {
            assert!(is_refused(&server));
        }
    }
    let slow = server(r#""slow""#);
    let started = Instant::now();
    Peer::connect(&slow).ask(b"get k\r\n", VALUE);
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[test]
fn requests_are_counted_and_logged() {
    let builder = EmbeddedServer::builder().request_log(3);
    let server = builder.start().unwrap();
    let mut peer = Peer::connect(&server);
    peer.ask(b"version\r\n", VERSION);
    let rule = Rule::new(Fault::DuplicateReply {}).command("set");
    let id = server.add_fault(rule).unwrap();
    peer.ask(b"set k 0 0 5\r\nvalue\r\n", b"STORED\r\nSTORED\r\n");
    peer.ask(b"get k other\r\n", VALUE);
    peer.ask(b"mg k v\r\n", b"VA 5\r\nvalue\r\n");
    assert_eq!(server.requests(), 4);
    let log = server.logged_requests();
    let commands: Vec<_> = log.iter().map(|logged| logged.command.as_str()).collect();
    assert_eq!(commands, ["set", "get", "mg"]);
    let set = &log[0];
    assert_eq!((set.connection, set.request), (1, 2));
    assert_eq!((set.key.as_str(), set.length), ("k", 20));
    assert_eq!(set.head, b"set k 0 0 5");
    assert_eq!((set.reply_length, &set.faults), (8, &vec![id]));
    assert_eq!(log[1].head, b"get k other");
    server.clear_log();
    assert!(server.logged_requests().is_empty());
    server.log_requests(0).unwrap();
    peer.ask(b"get k\r\n", VALUE);
    assert!(server.logged_requests().is_empty());
    assert_eq!(server.requests(), 5);
}

#[test]
fn requests_are_counted_on_the_fast_path_too() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    peer.ask(b"version\r\nset k 0 0 5\r\nvalue\r\nget k\r\n", VERSION);
    peer.expect(b"STORED\r\n");
    peer.expect(VALUE);
    assert_eq!(server.requests(), 3);
}

#[test]
fn the_guide_is_true() {
    let guide = include_str!("../../../../docs/faults.md");
    let mut examples = 0;
    for block in guide.split("```json\n").skip(1) {
        let (json, _) = block.split_once("```").unwrap();
        Rule::parse(json).unwrap();
        examples += 1;
    }
    assert!(examples >= 3);
    for name in PRESETS {
        assert!(guide.contains(&format!("| `{name}` |")), "{name}");
    }
}
