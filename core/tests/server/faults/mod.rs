//! Every fault, over real sockets.

mod conditions;
mod connections;
mod errors;
mod replies;
mod requests;
mod whole;

use std::io;
use std::net::TcpStream;

use memoxide::EmbeddedServer;

use crate::support::Peer;

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
