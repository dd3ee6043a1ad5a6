//! Faults in time, and ends of connections at a request.

use std::time::{Duration, Instant};

use memoxide::server::fault::{Fault, Moment, Rule};

use super::{VALUE, VERSION, hits, server};
use crate::support::Peer;

#[test]
fn delay_takes_its_time_before_or_after() {
    for when in ["before", "after"] {
        let rule = format!(
            r#"{{"action": "delay", "seconds": 0.06, "jitter": 0.02, "when": "{when}", "command": "get"}}"#
        );
        let server = server(&rule);
        let mut peer = Peer::connect(&server);
        let started = Instant::now();
        peer.ask(b"version\r\nget k\r\n", VERSION);
        peer.expect(VALUE);
        assert!(started.elapsed() >= Duration::from_millis(40));
    }
}

#[test]
fn earlier_requests_and_other_connections_go_on_during_a_delay() {
    for when in ["before", "after"] {
        let rule = format!(
            r#"{{"action": "delay", "seconds": 600, "when": "{when}", "connection": 2, "command": "get"}}"#
        );
        let server = server(&rule);
        let mut slow = Peer::connect(&server);
        slow.ask(b"version\r\nget k\r\n", VERSION);
        while hits(&server) != [1] {
            std::thread::yield_now();
        }
        Peer::connect(&server).ask(b"get k\r\n", VALUE);
        slow.expect_silence();
    }
}

#[test]
fn hang_answers_earlier_requests_and_then_nothing() {
    let server = server(r#"{"action": "hang", "request": 2}"#);
    let mut peer = Peer::connect(&server);
    peer.ask(b"get k\r\nget k\r\nversion\r\n", VALUE);
    peer.expect_silence();
    assert_eq!(hits(&server), [1]);
}

#[test]
fn close_before_has_no_effect_and_after_has_one() {
    for (when, stored) in [(Moment::Before, false), (Moment::After, true)] {
        let server = server("[]");
        let rule = Rule::new(Fault::Close { when }).command("set").times(1);
        server.add_fault(rule).unwrap();
        let mut peer = Peer::connect(&server);
        peer.ask(b"get k\r\nset new 0 0 1\r\nv\r\nget k\r\n", VALUE);
        peer.expect_end();
        let expected: &[u8] = if stored {
            b"VALUE new 0 1\r\nv\r\nEND\r\n"
        } else {
            b"END\r\n"
        };
        Peer::connect(&server).ask(b"get new\r\n", expected);
    }
}

#[test]
fn reset_before_has_no_effect_and_after_has_one() {
    for (when, stored) in [(Moment::Before, false), (Moment::After, true)] {
        let server = server("[]");
        let rule = Rule::new(Fault::Reset { when }).command("set").times(1);
        let id = server.add_fault(rule).unwrap();
        let mut peer = Peer::connect(&server);
        peer.send(b"set new 0 0 1\r\nv\r\n");
        peer.expect_reset();
        let expected: &[u8] = if stored {
            b"VALUE new 0 1\r\nv\r\nEND\r\n"
        } else {
            b"END\r\n"
        };
        Peer::connect(&server).ask(b"get new\r\n", expected);
        assert_eq!(server.fault_hits(id), Some(1));
    }
}

#[test]
fn silence_takes_old_connections_and_new_ones() {
    let server = server("[]");
    let mut old = Peer::connect(&server);
    old.ask(b"version\r\n", VERSION);
    server
        .add_faults(r#"{"action": "silence", "seconds": 0.05}"#)
        .unwrap();
    old.send(b"version\r\n");
    old.expect_end();
    Peer::connect(&server).expect_end();
    server.clear_faults().unwrap();
    server
        .add_faults(r#"{"type": "reset_peer", "attributes": {"timeout": 50}}"#)
        .unwrap();
    Peer::connect(&server).expect_reset();
}

#[test]
fn slow_close_takes_its_time() {
    let server = server(r#"{"type": "slow_close", "attributes": {"delay": 60}}"#);
    let mut peer = Peer::connect(&server);
    let started = Instant::now();
    peer.ask(b"get k\r\nquit\r\n", VALUE);
    peer.expect_end();
    assert!(started.elapsed() >= Duration::from_millis(60));
}
