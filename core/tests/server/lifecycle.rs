//! Start, stop, restart, and what a handle tells.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memoxide::{EmbeddedServer, ErrorKind};

use crate::support::{PATIENCE, Peer};

fn refused(server: &str) -> bool {
    TcpStream::connect(server).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
}

#[test]
fn it_answers_within_milliseconds_of_its_start() {
    // The best of many: the machine may be busy, the server must not be slow.
    let begun = Instant::now();
    let mut best = Duration::MAX;
    while best >= Duration::from_millis(20) {
        assert!(begun.elapsed() < PATIENCE, "{best:?}");
        let started = Instant::now();
        let server = EmbeddedServer::start().unwrap();
        Peer::connect(&server).ask(b"version\r\n", b"VERSION 1.6.45\r\n");
        best = best.min(started.elapsed());
    }
}

#[test]
fn dropping_it_closes_the_port_and_the_connections() {
    let server = EmbeddedServer::start().unwrap();
    let endpoint = server.endpoint().to_owned();
    let mut peer = Peer::connect(&server);
    peer.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    drop(server);
    peer.expect_end();
    assert!(refused(&endpoint));
}

#[test]
fn several_live_side_by_side() {
    let servers: Vec<_> = (0..5).map(|_| EmbeddedServer::start().unwrap()).collect();
    let mut first = Peer::connect(&servers[0]);
    first.ask(b"set k 0 0 1\r\nv\r\n", b"STORED\r\n");
    for server in &servers[1..] {
        Peer::connect(server).ask(b"get k\r\n", b"END\r\n");
    }
    first.ask(b"get k\r\n", b"VALUE k 0 1\r\nv\r\nEND\r\n");
}

#[test]
fn a_stopped_server_says_so() {
    let server = EmbeddedServer::start().unwrap();
    assert!(server.is_running());
    server.stop();
    server.stop();
    assert!(!server.is_running());
    for error in [
        server.freeze().unwrap_err(),
        server.restart(Duration::ZERO).unwrap_err(),
        server.disconnect_all().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(error.message(), "the server has stopped");
    }
}

#[test]
fn connections_are_counted() {
    let server = EmbeddedServer::start().unwrap();
    let mut peers: Vec<_> = (0..3).map(|_| Peer::connect(&server)).collect();
    for peer in &mut peers {
        peer.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    }
    assert_eq!(server.connections(), 3);
    assert_eq!(server.open_connections(), 3);
    peers[0].send(b"quit\r\n");
    peers[0].expect_end();
    // The server closes the socket just before it counts.
    while server.open_connections() != 2 {
        std::thread::yield_now();
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn disconnect_all_spares_later_connections() {
    let server = EmbeddedServer::start().unwrap();
    let mut before = Peer::connect(&server);
    before.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    server.disconnect_all().unwrap();
    assert_eq!(server.open_connections(), 0);
    before.expect_end();
    Peer::connect(&server).ask(b"version\r\n", b"VERSION 1.6.45\r\n");
}

#[test]
fn a_frozen_server_answers_after_the_thaw() {
    let server = EmbeddedServer::start().unwrap();
    let mut open = Peer::connect(&server);
    open.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    server.freeze().unwrap();
    open.send(b"version\r\n");
    let mut fresh = Peer::connect(&server);
    fresh.send(b"version\r\n");
    open.expect_silence();
    fresh.expect_silence();
    server.thaw().unwrap();
    open.expect(b"VERSION 1.6.45\r\n");
    fresh.expect(b"VERSION 1.6.45\r\n");
    open.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
}

#[test]
fn a_frozen_server_can_be_stopped() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    peer.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    server.freeze().unwrap();
    peer.send(b"version\r\n");
    drop(server);
    peer.expect_gone();
}

#[test]
fn refused_connections_leave_open_ones_alone() {
    let server = EmbeddedServer::start().unwrap();
    let mut open = Peer::connect(&server);
    open.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    for _ in 0..3 {
        server.refuse_connections().unwrap();
        assert!(refused(server.endpoint()));
        open.ask(b"version\r\n", b"VERSION 1.6.45\r\n");
        server.accept_connections().unwrap();
        Peer::connect(&server).ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    }
}

#[test]
fn a_restart_forgets_everything_and_keeps_the_port() {
    let server = EmbeddedServer::start().unwrap();
    let port = server.port();
    let mut peer = Peer::connect(&server);
    peer.ask(b"set k 0 0 1\r\nv\r\n", b"STORED\r\n");
    server.restart(Duration::ZERO).unwrap();
    peer.expect_end();
    assert_eq!(server.port(), port);
    Peer::connect(&server).ask(b"get k\r\n", b"END\r\n");
}

#[test]
fn while_it_restarts_it_refuses_and_can_be_stopped() {
    let server = EmbeddedServer::start().unwrap();
    std::thread::scope(|scope| {
        let restart = scope.spawn(|| server.restart(Duration::from_secs(3600)));
        while !refused(server.endpoint()) {
            std::thread::yield_now();
        }
        server.stop();
        let error = restart.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    });
}

#[test]
fn one_thread_waits_while_another_stops() {
    let server = EmbeddedServer::start().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| server.wait());
        Peer::connect(&server).ask(b"version\r\n", b"VERSION 1.6.45\r\n");
        server.stop();
        server.wait();
    });
}

#[test]
fn many_threads_share_one_store() {
    let server = EmbeddedServer::builder().threads(3).start().unwrap();
    let mut peers: Vec<_> = (0..7).map(|_| Peer::connect(&server)).collect();
    peers[0].ask(b"set k 7 0 1\r\nv\r\n", b"STORED\r\n");
    for peer in &mut peers {
        peer.ask(b"get k\r\n", b"VALUE k 7 1\r\nv\r\nEND\r\n");
    }
    server.disconnect_all().unwrap();
    for peer in &mut peers {
        peer.expect_end();
    }
}

#[test]
fn a_handle_of_another_process_is_inert() {
    // Raising the generation is what a forked child does. Nothing else in this
    // process holds a server: nextest runs each test in a process of its own,
    // and the harness of cargo test is told apart by the endpoint still alive.
    if std::env::var_os("NEXTEST").is_none() {
        return;
    }
    let server = EmbeddedServer::start().unwrap();
    let endpoint = server.endpoint().to_owned();
    memoxide::fork::raise();
    assert!(!server.is_running());
    let error = server.freeze().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    server.stop();
    drop(server);
    assert!(
        TcpStream::connect(endpoint).is_ok(),
        "the parent's still runs"
    );
}

#[test]
fn a_client_may_shut_it_down_where_that_is_allowed() {
    use memoxide::server::Settings;

    for command in ["shutdown\r\n", "shutdown graceful\r\n"] {
        let settings = Settings {
            shutdown_enabled: true,
            ..Settings::default()
        };
        let server = EmbeddedServer::builder()
            .settings(settings)
            .start()
            .unwrap();
        let mut peer = Peer::connect(&server);
        peer.send(command.as_bytes());
        peer.expect_end();
        server.wait();
        assert!(!server.is_running());
        assert!(refused(server.endpoint()));
    }
}

#[tokio::test]
async fn it_starts_and_stops_inside_an_event_loop() {
    let server = EmbeddedServer::start().unwrap();
    server.restart(Duration::ZERO).unwrap();
    Peer::connect(&server).ask(b"version\r\n", b"VERSION 1.6.45\r\n");
    server.stop();
    drop(server);
}

#[test]
fn a_handle_may_be_shared_between_threads() {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<EmbeddedServer>();
}

#[test]
fn reports_name_the_sockets() {
    let server = EmbeddedServer::start().unwrap();
    let listening = format!("tcp:{}", server.endpoint());
    for _ in 0..2 {
        let report = server.engine().unwrap().statistics("conns");
        assert!(
            report.iter().any(|(_, value)| *value == listening),
            "{report:?}"
        );
        server.restart(Duration::ZERO).unwrap();
    }
}
