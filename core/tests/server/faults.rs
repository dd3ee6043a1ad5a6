//! Every fault, over real sockets.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memoxide::EmbeddedServer;
use memoxide::server::fault::{ErrorReply, Fault, Moment, PRESETS, Rule};

use crate::support::{Peer, packet};

const VALUE: &[u8] = b"VALUE k 0 5\r\nvalue\r\nEND\r\n";
const VERSION: &[u8] = b"VERSION 1.6.45\r\n";

/// A server with one item and the rules written in JSON.
fn server(rules: &str) -> EmbeddedServer {
    let server = EmbeddedServer::start().unwrap();
    store(&server);
    server.add_faults(rules).unwrap();
    server
}

fn store(server: &EmbeddedServer) {
    Peer::connect(server).ask(b"set k 0 0 5\r\nvalue\r\n", b"STORED\r\n");
}

fn hits(server: &EmbeddedServer) -> Vec<u64> {
    server.faults().iter().map(|status| status.hits).collect()
}

/// What a get answers under a rule that changes only the reply.
#[track_caller]
fn get_answers(rule: &str, reply: &[u8]) {
    let server = server(rule);
    let mut peer = Peer::connect(&server);
    peer.ask(b"get k\r\n", reply);
    assert_eq!(hits(&server), [1], "{rule}");
}

fn is_refused(server: &EmbeddedServer) -> bool {
    TcpStream::connect(server.endpoint())
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

// Connections.

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
    let server = server(r#"{"action": "refuse", "seconds": 0.05}"#);
    assert!(is_refused(&server));
    while is_refused(&server) {
        std::thread::yield_now();
    }
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

// Requests: time and ends.

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
        assert!(started.elapsed() < Duration::from_millis(40), "not delayed");
        peer.expect(VALUE);
        assert!(started.elapsed() >= Duration::from_millis(40));
    }
}

#[test]
fn other_connections_go_on_during_a_delay() {
    let server = server(r#"{"action": "delay", "seconds": 600, "connection": 2}"#);
    let mut slow = Peer::connect(&server);
    slow.send(b"get k\r\n");
    Peer::connect(&server).ask(b"get k\r\n", VALUE);
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

// Replies: size and shape.

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

// Errors.

#[test]
fn errors_come_before_or_after_execution() {
    let error = |kind, when| Fault::Error {
        kind,
        message: None,
        when,
    };
    let cases = [
        (ErrorReply::Busy, "SERVER_ERROR temporary failure\r\n"),
        (ErrorReply::Client, "CLIENT_ERROR injected fault\r\n"),
        (
            ErrorReply::OutOfMemory,
            "SERVER_ERROR out of memory storing object\r\n",
        ),
        (ErrorReply::Server, "SERVER_ERROR injected fault\r\n"),
        (
            ErrorReply::TooLarge,
            "SERVER_ERROR object too large for cache\r\n",
        ),
        (ErrorReply::UnknownCommand, "ERROR\r\n"),
    ];
    for (kind, line) in cases {
        for (when, stored) in [(Moment::Before, false), (Moment::After, true)] {
            let server = EmbeddedServer::start().unwrap();
            let rule = Rule::new(error(kind, when)).command("set");
            server.add_fault(rule).unwrap();
            let mut peer = Peer::connect(&server);
            peer.ask(b"set k 0 0 5\r\nvalue\r\n", line.as_bytes());
            peer.ask(b"get k\r\n", if stored { VALUE } else { b"END\r\n" });
        }
    }
}

#[test]
fn an_error_in_the_place_of_no_reply_is_not_sent() {
    let server = server(r#"{"action": "error", "command": "set"}"#);
    let mut peer = Peer::connect(&server);
    peer.ask(b"set k 0 0 3 noreply\r\nnew\r\nget k\r\n", VALUE);
    assert_eq!(hits(&server), [1]);
}

#[test]
fn binary_errors_have_their_status() {
    let server = server(
        r#"[{"action": "error", "kind": "out_of_memory", "command": "set", "key": "a*"},
            {"action": "auth_failure", "command": "set", "key": "b*"}]"#,
    );
    let mut peer = Peer::connect(&server);
    let set = |key: &[u8]| packet(0x01, &[0; 8], key, b"value");
    assert_eq!(
        peer.ask_binary(&set(b"a1")),
        (0x82, b"Out of memory".to_vec())
    );
    assert_eq!(
        peer.ask_binary(&set(b"b1")),
        (0x20, b"Auth failure.".to_vec())
    );
    assert_eq!(peer.ask_binary(&set(b"c1")), (0, vec![]));
    assert_eq!(hits(&server), [1, 1]);
}

#[test]
fn authentication_fails_in_text() {
    get_answers(
        r#"{"action": "auth_failure"}"#,
        b"CLIENT_ERROR unauthenticated\r\n",
    );
    use memoxide::server::Credential;
    let builder = EmbeddedServer::builder().auth([Credential::new("ann", "secret")]);
    let server = builder.start().unwrap();
    server
        .add_faults(r#"{"action": "auth_failure", "times": 1}"#)
        .unwrap();
    let login = b"set auth 0 0 10\r\nann secret\r\n";
    let mut peer = Peer::connect(&server);
    peer.ask(login, b"CLIENT_ERROR authentication failure\r\n");
    peer.ask(login, b"STORED\r\n");
}

#[cfg(feature = "tls")]
#[test]
fn handshakes_fail() {
    use memoxide::tls::{ClientTls, Identity, ServerTls};
    use std::io::Read;

    let pem = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/tls/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    };
    let identity = Identity::from_pem(&pem("server.pem"), &pem("server.key")).unwrap();
    let builder = EmbeddedServer::builder().tls(ServerTls::new(identity));
    let server = builder.start().unwrap();
    let tls = ClientTls::new().ca_pem(&pem("ca.pem")).unwrap();
    let failure = |how: &str| {
        server.clear_faults().unwrap();
        let rule = format!(r#"{{"action": "tls_failure", "how": "{how}"}}"#);
        server.add_faults(&rule).unwrap();
        let mut peer = Peer::connect(&server);
        let name = tls.name_for("localhost").unwrap();
        let mut session = rustls::ClientConnection::new(tls.config().unwrap(), name).unwrap();
        let error = session.complete_io(&mut peer.0).unwrap_err();
        (error, peer)
    };
    let (error, _) = failure("alert");
    assert!(error.to_string().contains("HandshakeFailure"), "{error}");
    let (error, _) = failure("garbage");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let (error, _) = failure("close");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let (error, _) = failure("reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.clear_faults().unwrap();
    server
        .add_faults(r#"{"action": "tls_failure", "how": "hang"}"#)
        .unwrap();
    let mut peer = Peer::connect(&server);
    peer.send(b"\x16\x03\x01");
    peer.expect_silence();
    server.clear_faults().unwrap();
    let _ = peer.0.read(&mut [0; 16]);
}

// The server as a whole.

#[test]
fn freeze_stops_everybody() {
    let server = server(r#"{"action": "freeze", "command": "version", "seconds": 0.1}"#);
    let mut first = Peer::connect(&server);
    let mut second = Peer::connect(&server);
    second.ask(b"get k\r\n", VALUE);
    first.send(b"version\r\n");
    first.expect_silence();
    second.send(b"get k\r\n");
    first.expect(VERSION);
    second.expect(VALUE);
    server.clear_faults().unwrap();
    server
        .add_faults(r#"{"action": "freeze", "times": 1}"#)
        .unwrap();
    first.send(b"version\r\n");
    first.expect_silence();
    server.thaw().unwrap();
    first.expect(VERSION);
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

// Conditions.

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

// The log.

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

// The guide.

#[test]
fn the_guide_is_true() {
    let guide = include_str!("../../../docs/faults.md");
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
