//! Faults in the size and shape of replies.

use std::io;
use std::time::{Duration, Instant};

use super::{VALUE, VERSION, get_answers, hits, server};
use crate::support::{Peer, packet};

#[test]
fn truncate_sends_a_beginning_and_ends() {
    let server = server(r#"{"action": "truncate", "bytes": 14, "request": 1}"#);
    let mut peer = Peer::connect(&server);
    peer.ask(b"get k\r\n", b"VALUE k 0 5\r\nv");
    peer.expect_end();
    server.clear_faults().unwrap();
    server
        .add_faults(r#"{"action": "truncate", "bytes": 3, "then": "reset"}"#)
        .unwrap();
    let mut peer = Peer::connect(&server);
    peer.ask(b"get k\r\n", b"VAL");
    peer.expect_reset();
    server.clear_faults().unwrap();
    server
        .add_faults(r#"{"action": "truncate", "bytes": 3, "then": "hang"}"#)
        .unwrap();
    let mut peer = Peer::connect(&server);
    peer.ask(b"get k\r\nget k\r\n", b"VAL");
    peer.expect_silence();
}

#[test]
fn limit_data_counts_over_the_connection() {
    let server = server(r#"{"type": "limit_data", "attributes": {"bytes": 30}}"#);
    let mut peer = Peer::connect(&server);
    peer.ask(b"get k\r\n", VALUE);
    peer.ask(b"get k\r\n", &VALUE[..30 - VALUE.len()]);
    peer.expect_end();
    assert_eq!(hits(&server), [1]);
}

#[test]
fn requests_may_be_slow_or_limited_too() {
    // "get k" is 7 bytes.
    let server = server(
        r#"[{"type": "bandwidth", "stream": "upstream", "attributes": {"rate": 1}, "name": "slow"},
            {"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 50}}]"#,
    );
    let mut peer = Peer::connect(&server);
    let started = Instant::now();
    for _ in 0..7 {
        peer.ask(b"get k\r\n", VALUE);
    }
    assert!(started.elapsed() >= Duration::from_millis(45));
    peer.send(b"get k\r\n");
    peer.expect_end();
    assert_eq!(hits(&server), [8, 1]);
}

#[test]
fn streams_pass_the_slow_path() {
    let server = server(r#"{"action": "delay", "seconds": 0, "key": "nobody"}"#);
    let mut peer = Peer::connect(&server);
    peer.send(b"lru_crawler metadump all\r\n");
    peer.expect(b"OK\r\nkey=k exp=-1 ");
    let mut watcher = Peer::connect(&server);
    watcher.ask(b"watch mutations\r\n", b"OK\r\n");
    Peer::connect(&server).ask(b"set k 0 0 5\r\nvalue\r\n", b"STORED\r\n");
    watcher.expect(b"ts=");
}

#[test]
fn pieces_add_up_to_the_reply() {
    for rule in [
        r#"{"action": "drip", "seconds": 0.0001}"#,
        r#"{"action": "drip", "bytes": 7, "seconds": 0.0001}"#,
        r#"{"action": "split"}"#,
        r#"{"action": "slice", "average": 5, "variation": 3, "seconds": 0.0001}"#,
        r#"{"action": "bandwidth", "bytes_per_second": 1000000}"#,
    ] {
        get_answers(rule, VALUE);
    }
}

#[test]
fn drip_and_bandwidth_take_their_time() {
    // 25 bytes.
    for rule in [
        r#"{"action": "drip", "bytes": 5, "seconds": 0.01}"#,
        r#"{"action": "bandwidth", "bytes_per_second": 500}"#,
    ] {
        let server = server(rule);
        let mut peer = Peer::connect(&server);
        let started = Instant::now();
        peer.ask(b"get k\r\nversion\r\n", VALUE);
        peer.expect(VERSION);
        assert!(started.elapsed() >= Duration::from_millis(40), "{rule}");
    }
}

#[test]
fn replies_lie() {
    get_answers(
        r#"{"action": "wrong_key"}"#,
        b"VALUE l 0 5\r\nvalue\r\nEND\r\n",
    );
    get_answers(
        r#"{"action": "wrong_key", "wrong": "other"}"#,
        b"VALUE other 0 5\r\nvalue\r\nEND\r\n",
    );
    get_answers(
        r#"{"action": "wrong_length", "by": 2}"#,
        b"VALUE k 0 7\r\nvalue\r\nEND\r\n",
    );
    get_answers(r#"{"action": "duplicate_reply"}"#, &VALUE.repeat(2));
    get_answers(
        r#"{"action": "extra_reply"}"#,
        &[VALUE, b"END\r\n"].concat(),
    );
    get_answers(
        r#"{"action": "extra_reply", "text": "STORED\r\n", "place": "before"}"#,
        &[b"STORED\r\n", VALUE].concat(),
    );
}

#[test]
fn opaques_lie_in_meta_and_binary() {
    let server = server(r#"{"action": "wrong_opaque"}"#);
    let mut peer = Peer::connect(&server);
    peer.ask(b"mg k v O17\r\n", b"VA 5 O18\r\nvalue\r\n");
    peer.ask(b"get k\r\n", VALUE);
    assert_eq!(hits(&server), [1], "a text reply has no opaque");
    let mut peer = Peer::connect(&server);
    peer.send(&packet(0x0b, b"", b"", b""));
    let mut header = [0; 24];
    io::Read::read_exact(&mut peer.0, &mut header).unwrap();
    assert_ne!(header[12..16], [1, 2, 3, 4]);
    assert_eq!(hits(&server), [2]);
}

#[test]
fn a_stale_reply_is_the_one_before() {
    let server = server(r#"{"action": "stale_reply", "command": "get"}"#);
    let mut peer = Peer::connect(&server);
    peer.ask(b"get k\r\n", VALUE);
    assert_eq!(hits(&server), [0], "there is none before the first");
    peer.ask(b"get missing\r\n", VALUE);
    peer.ask(b"get k\r\n", b"END\r\n");
    assert_eq!(hits(&server), [2]);
}

#[test]
fn garbage_comes_instead() {
    let server = server(r#"{"action": "garbage", "bytes": 40, "seed": 3, "times": 1}"#);
    let mut peer = Peer::connect(&server);
    peer.send(b"get k\r\nget k\r\n");
    let mut garbage = [0; 40];
    io::Read::read_exact(&mut peer.0, &mut garbage).unwrap();
    assert!(!garbage.starts_with(b"VALUE"));
    peer.expect(VALUE);
}
