//! Errors in the place of replies, and failing handshakes.

use std::io;

use memoxide::EmbeddedServer;
use memoxide::server::fault::{ErrorReply, Fault, Moment, Rule};

use super::{VALUE, get_answers, hits, server};
use crate::support::{Peer, packet};

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
