//! Limits, and clients that mean no good.

use std::io::{self, Read, Write};
use std::time::Duration;

use memoxide::EmbeddedServer;
use memoxide::server::{PeerInfo, Session};

use crate::support::Peer;

const SHORT: Option<Duration> = Some(Duration::from_millis(30));

/// Long enough for a busy machine to come round to what must not be too late.
const LONG: Option<Duration> = Some(Duration::from_secs(1));

/// Stores a value without a connection, so that no limit of one counts.
fn store(server: &EmbeddedServer, key: &str, length: usize) {
    let mut session = Session::new(server.engine().unwrap(), PeerInfo::default());
    let mut reply = Vec::new();
    let head = format!("set {key} 0 0 {length}\r\n").into_bytes();
    let request = [&head[..], &vec![b'x'; length], b"\r\n"].concat();
    assert_eq!(
        session.process(&request, &mut reply).consumed,
        request.len()
    );
    assert_eq!(reply, b"STORED\r\n");
}

#[test]
fn connections_beyond_the_limit_are_told_and_closed() {
    let server = EmbeddedServer::builder()
        .max_connections(2)
        .start()
        .unwrap();
    let mut first = Peer::connect(&server);
    let mut second = Peer::connect(&server);
    first.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    second.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    let mut third = Peer::connect(&server);
    third.expect(b"ERROR Too many open connections\r\n");
    third.expect_end();
    first.send(b"quit\r\n");
    first.expect_end();
    while server.open_connections() != 1 {
        std::thread::yield_now();
    }
    Peer::connect(&server).ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    assert_eq!(server.connections(), 3, "refused ones do not count");
}

#[test]
fn connections_beyond_the_limit_may_wait_instead() {
    let builder = EmbeddedServer::builder().max_connections(1);
    let server = builder.queue_connections().start().unwrap();
    let mut first = Peer::connect(&server);
    first.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    let mut second = Peer::connect(&server);
    second.send(b"version\r\n");
    second.expect_silence();
    drop(first);
    second.expect(b"VERSION 1.6.45\r\n");
}

#[test]
fn a_silent_connection_is_closed_after_the_idle_timeout() {
    let server = EmbeddedServer::builder()
        .idle_timeout(LONG)
        .start()
        .unwrap();
    let mut peer = Peer::connect(&server);
    peer.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    peer.expect_end();
}

#[test]
fn a_half_written_request_is_dropped() {
    let builder = EmbeddedServer::builder().request_timeout(SHORT);
    let server = builder.start().unwrap();
    let mut half = Peer::connect(&server);
    half.send(b"get half-a-line");
    half.expect_end();
    let mut half = Peer::connect(&server);
    half.send(b"set k 0 0 10\r\nhalf");
    half.expect_end();
    let mut silent = Peer::connect(&server);
    silent.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    silent.expect_silence();
    silent.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
}

#[test]
fn a_request_that_drips_is_dropped_in_the_middle() {
    let builder = EmbeddedServer::builder().request_timeout(SHORT);
    let server = builder.start().unwrap();
    let mut peer = Peer::connect(&server);
    peer.0
        .set_read_timeout(Some(Duration::from_millis(5)))
        .unwrap();
    peer.send(b"set k 0 0 1000000\r\n");
    // Each byte arrives well within the timeout, the request does not.
    while peer.0.write_all(b"x").is_ok() {
        match peer.0.read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => break,
        }
    }
    Peer::connect(&server).ask(b"get k\r\n", b"END\r\n");
}

#[test]
fn a_client_that_never_reads_is_dropped() {
    let builder = EmbeddedServer::builder().request_timeout(SHORT);
    let server = builder.start().unwrap();
    store(&server, "big", 500_000);
    let mut peer = Peer::connect(&server);
    // In one piece: the server may have dropped it before there is another.
    peer.send(&b"get big\r\n".repeat(200));
    while server.open_connections() != 0 {
        std::thread::yield_now();
    }
}

#[test]
fn what_connections_keep_has_a_limit_for_all_together() {
    let builder = EmbeddedServer::builder().buffer_limit(256 << 10);
    let server = builder.start().unwrap();
    store(&server, "big", 500_000);
    let mut first = Peer::connect(&server);
    first.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    // Each keeps most of this, unanswered, as soon as its replies are stuck.
    let requests = b"get big\r\n".repeat(7000);
    let mut peers: Vec<_> = (0..10).map(|_| Peer::connect(&server)).collect();
    for peer in &mut peers {
        // One that is dropped may be so before it has sent everything.
        let _ = peer.0.write_all(&requests);
    }
    while server.open_connections() > 6 {
        std::thread::yield_now();
    }
    first.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
}
