//! The text command `fault`.

use memoxide::EmbeddedServer;

use crate::support::Peer;

const VERSION: &[u8] = b"VERSION 1.6.45\r\n";

fn server() -> (EmbeddedServer, Peer) {
    let server = EmbeddedServer::builder()
        .fault_control(true)
        .start()
        .unwrap();
    let peer = Peer::connect(&server);
    (server, peer)
}

#[test]
fn it_is_unknown_unless_allowed() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    peer.ask(b"fault list\r\n", b"ERROR\r\n");
}

#[test]
fn rules_are_added_listed_and_removed() {
    let (_server, mut peer) = server();
    peer.ask(
        b"fault add {\"action\": \"error\", \"command\": \"version\"}\r\n",
        b"ADDED 1\r\n",
    );
    peer.ask(b"version\r\n", b"SERVER_ERROR injected fault\r\n");
    peer.ask(
        b"fault list\r\n",
        b"FAULT 1 1 {\"action\":\"error\",\"command\":\"version\",\"kind\":\"server\",\"when\":\"before\"}\r\nEND\r\n",
    );
    peer.ask(b"fault remove 1\r\n", b"REMOVED\r\n");
    peer.ask(b"fault remove 1\r\n", b"NOT_FOUND\r\n");
    peer.ask(b"version\r\n", VERSION);
    peer.ask(
        b"fault add \"flaky\"\r\nfault clear\r\n",
        b"ADDED 2 3 4 5\r\nOK\r\n",
    );
    peer.ask(b"fault list\r\n", b"END\r\n");
    peer.ask(
        b"fault add {\"action\": \"bark\"}\r\n",
        b"CLIENT_ERROR not a fault rule: unknown variant `bark`",
    );
}

#[test]
fn it_works_where_everything_else_fails() {
    let (server, mut peer) = server();
    peer.ask(b"fault add {\"action\": \"hang\"}\r\n", b"ADDED 1\r\n");
    let mut other = Peer::connect(&server);
    other.send(b"version\r\n");
    other.expect_silence();
    peer.ask(b"fault freeze\r\n", b"OK\r\n");
    peer.ask(b"fault clear\r\n", b"OK\r\n");
    other.expect_gone();
    peer.ask(b"version\r\n", VERSION);
    let mut frozen = Peer::connect(&server);
    frozen.send(b"version\r\n");
    frozen.expect_silence();
    peer.ask(b"fault thaw\r\n", b"OK\r\n");
    frozen.expect(VERSION);
}

#[test]
fn the_log_is_kept_and_told() {
    let (_server, mut peer) = server();
    peer.ask(b"fault log on 10\r\n", b"OK\r\n");
    peer.ask(b"get k\r\n", b"END\r\n");
    peer.ask(
        b"fault log\r\n",
        b"REQUEST {\"connection\":1,\"request\":1,\"command\":\"get\",\"key\":\"k\",\"head\":\"get k\",\"length\":7,\"reply_length\":5,\"faults\":[]}\r\nEND\r\n",
    );
    peer.ask(b"fault log clear\r\nfault log\r\n", b"OK\r\nEND\r\n");
    peer.ask(b"fault log off\r\n", b"OK\r\n");
}

#[test]
fn doors_close_and_open() {
    let (server, mut peer) = server();
    peer.ask(b"fault refuse\r\n", b"OK\r\n");
    assert!(std::net::TcpStream::connect(server.endpoint()).is_err());
    peer.ask(b"fault accept\r\n", b"OK\r\n");
    let mut other = Peer::connect(&server);
    other.ask(b"set k 0 0 1\r\nv\r\n", b"STORED\r\n");
    peer.send(b"fault disconnect\r\n");
    peer.expect_gone();
    other.expect_gone();
    let mut peer = Peer::connect(&server);
    peer.ask(b"get k\r\n", b"VALUE k 0 1\r\nv\r\nEND\r\n");
    peer.send(b"fault restart 0.01\r\n");
    peer.expect_gone();
    let stream = loop {
        match std::net::TcpStream::connect(server.endpoint()) {
            Ok(stream) => break stream,
            Err(_) => std::thread::yield_now(),
        }
    };
    Peer(stream).ask(b"get k\r\n", b"END\r\n");
}

#[test]
fn a_value_that_looks_like_it_is_a_value() {
    let (_server, mut peer) = server();
    peer.ask(b"set k 0 0 11\r\nfault clear\r\nget k\r\n", b"STORED\r\n");
    peer.expect(b"VALUE k 0 11\r\nfault clear\r\nEND\r\n");
}
