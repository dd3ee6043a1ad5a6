//! Faults of the server as a whole: frozen, flushed, restarted.

use std::time::{Duration, Instant};

use super::{VALUE, VERSION, hits, is_refused, server, store};
use crate::support::Peer;

#[test]
fn freeze_stops_everybody() {
    let server = server(r#"{"action": "freeze", "command": "version"}"#);
    let mut first = Peer::connect(&server);
    let mut second = Peer::connect(&server);
    second.ask(b"get k\r\n", VALUE);
    first.send(b"version\r\n");
    while hits(&server) != [1] {
        std::thread::yield_now();
    }
    second.send(b"get k\r\n");
    first.expect_silence();
    second.expect_silence();
    server.thaw().unwrap();
    first.expect(VERSION);
    second.expect(VALUE);
}

#[test]
fn freezing_may_end_by_itself() {
    let server = server(r#"{"action": "freeze", "seconds": 0.1, "times": 1}"#);
    let mut peer = Peer::connect(&server);
    let started = Instant::now();
    peer.ask(b"version\r\n", VERSION);
    assert!(started.elapsed() >= Duration::from_millis(100));
    peer.ask(b"get k\r\n", VALUE);
}

#[test]
fn items_go_before_the_request_finds_them() {
    let server = server(r#"{"action": "evict", "command": "get"}"#);
    let mut peer = Peer::connect(&server);
    peer.ask(b"set other 0 0 1\r\nv\r\n", b"STORED\r\n");
    peer.ask(b"get k\r\n", b"END\r\n");
    peer.ask(b"mg other v\r\n", b"VA 1\r\nv\r\n");
    server.clear_faults().unwrap();
    server
        .add_faults(r#"{"action": "evict", "count": 100, "command": "get", "times": 1}"#)
        .unwrap();
    peer.ask(b"get other\r\n", b"END\r\n");
    store(&server);
    server
        .add_faults(r#"{"action": "flush", "command": "version"}"#)
        .unwrap();
    peer.ask(b"get k\r\n", VALUE);
    peer.ask(b"version\r\n", VERSION);
    peer.ask(b"get k\r\n", b"END\r\n");
}

#[test]
fn the_clock_jumps() {
    let server = server(r#"{"action": "clock_jump", "seconds": 100, "command": "version"}"#);
    let mut peer = Peer::connect(&server);
    peer.ask(b"set short 0 60 1\r\nv\r\n", b"STORED\r\n");
    peer.ask(b"get short\r\n", b"VALUE short 0 1\r\nv\r\nEND\r\n");
    peer.ask(b"version\r\nget short\r\n", VERSION);
    peer.expect(b"END\r\n");
    peer.ask(b"get k\r\n", VALUE);
}

#[test]
fn restart_forgets_and_comes_back_on_the_same_port() {
    for when in ["before", "after"] {
        let rule = format!(r#"{{"action": "restart", "times": 1, "when": "{when}"}}"#);
        let server = server(&rule);
        let mut peer = Peer::connect(&server);
        peer.send(b"get k\r\n");
        peer.expect_gone();
        while is_refused(&server) {
            std::thread::yield_now();
        }
        Peer::connect(&server).ask(b"get k\r\n", b"END\r\n");
        assert_eq!(hits(&server), [1]);
    }
}
