//! Faults of connections: refused, closed, hanging.

use std::time::{Duration, Instant};

use memoxide::EmbeddedServer;
use memoxide::server::fault::{Fault, Rule};

use super::{VALUE, VERSION, hits, is_refused, server};
use crate::support::Peer;

#[test]
fn refuse_closes_the_port_until_it_is_removed() {
    let server = server("[]");
    let mut open = Peer::connect(&server);
    open.ask(b"version\r\n", VERSION);
    let id = server
        .add_fault(Rule::new(Fault::Refuse { seconds: None }))
        .unwrap();
    assert!(is_refused(&server));
    open.ask(b"get k\r\n", VALUE);
    assert!(server.remove_fault(id).unwrap());
    Peer::connect(&server).ask(b"get k\r\n", VALUE);
}

#[test]
fn refuse_lets_some_in_first() {
    let server = EmbeddedServer::start().unwrap();
    let refuse = Rule::new(Fault::Refuse { seconds: None });
    server.add_fault(refuse.connection(3..)).unwrap();
    let mut first = Peer::connect(&server);
    first.ask(b"version\r\n", VERSION);
    let mut second = Peer::connect(&server);
    second.ask(b"version\r\n", VERSION);
    assert!(is_refused(&server));
    first.ask(b"version\r\n", VERSION);
}

#[test]
fn refuse_may_end_by_itself() {
    let started = Instant::now();
    let server = server(r#"{"action": "refuse", "seconds": 0.05}"#);
    while is_refused(&server) {
        std::thread::yield_now();
    }
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert!(server.faults().is_empty());
}

#[test]
fn a_server_may_start_with_refusing() {
    let refuse = Rule::new(Fault::Refuse { seconds: None });
    let server = EmbeddedServer::builder().fault(refuse).start().unwrap();
    assert!(is_refused(&server));
    server.clear_faults().unwrap();
    Peer::connect(&server).ask(b"version\r\n", VERSION);
}

#[test]
fn accepted_connections_end_at_once() {
    let server = server(
        r#"[{"action": "accept_and_close", "connection": 2, "times": 1},
            {"action": "accept_and_reset", "connection": 3}]"#,
    );
    Peer::connect(&server).expect_end();
    Peer::connect(&server).expect_reset();
    Peer::connect(&server).ask(b"get k\r\n", VALUE);
    assert_eq!(hits(&server), [1, 1]);
}

#[test]
fn accepted_connections_hang() {
    let server = server(r#"{"action": "accept_and_hang"}"#);
    let mut peer = Peer::connect(&server);
    peer.send(b"version\r\n");
    peer.expect_silence();
    server.clear_faults().unwrap();
    peer.expect_gone();
}

#[test]
fn hanging_may_end_by_itself() {
    let server = server(r#"{"action": "accept_and_hang", "seconds": 0.05}"#);
    Peer::connect(&server).expect_end();
    server.clear_faults().unwrap();
    server
        .add_faults(r#"{"action": "hang", "seconds": 0.05}"#)
        .unwrap();
    let mut peer = Peer::connect(&server);
    peer.send(b"version\r\n");
    peer.expect_end();
}
