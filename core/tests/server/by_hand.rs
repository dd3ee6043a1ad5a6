//! What tutorials type by hand. The replies are those of memcached 1.6.18, but
//! for its version.

use memoxide::EmbeddedServer;

use crate::support::Peer;

/// Lines as they are typed, and what is answered before the next one.
const TYPED: &[(&str, &str)] = &[
    ("set greeting 0 900 5", ""),
    ("hello", "STORED\r\n"),
    ("get greeting", "VALUE greeting 0 5\r\nhello\r\nEND\r\n"),
    ("set n 0 0 2", ""),
    ("10", "STORED\r\n"),
    ("incr n 5", "15\r\n"),
    ("add greeting 0 0 1", ""),
    ("x", "NOT_STORED\r\n"),
    ("replace greeting 0 0 2", ""),
    ("hi", "STORED\r\n"),
    ("append greeting 0 0 1", ""),
    ("!", "STORED\r\n"),
    (
        "get greeting n",
        "VALUE greeting 0 3\r\nhi!\r\nVALUE n 0 2\r\n15\r\nEND\r\n",
    ),
    ("delete greeting", "DELETED\r\n"),
    ("delete greeting", "NOT_FOUND\r\n"),
    ("get greeting", "END\r\n"),
    ("version", "VERSION 1.6.45\r\n"),
    ("flush_all", "OK\r\n"),
    ("get n", "END\r\n"),
    ("bogus", "ERROR\r\n"),
    ("verbosity 1", "OK\r\n"),
    ("touch n 5", "NOT_FOUND\r\n"),
];

#[test]
fn telnet_sends_a_line_at_a_time() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    for (line, reply) in TYPED {
        peer.send(format!("{line}\r\n").as_bytes());
        peer.expect(reply.as_bytes());
    }
    peer.send(b"quit\r\n");
    peer.expect_end();
}

#[test]
fn nc_sends_a_file_and_no_more() {
    let server = EmbeddedServer::start().unwrap();
    for line_end in ["\r\n", "\n"] {
        let mut peer = Peer::connect(&server);
        let (mut requests, mut replies) = (String::new(), String::new());
        let mut is_data = false;
        for (line, reply) in TYPED {
            // Data ends with both characters whatever lines end with.
            requests += line;
            requests += if is_data { "\r\n" } else { line_end };
            replies += reply;
            is_data = reply.is_empty();
        }
        peer.send(requests.as_bytes());
        peer.finish_sending();
        peer.expect(replies.as_bytes());
        peer.expect_end();
    }
}

#[test]
fn data_that_ends_with_a_line_feed_alone_is_refused() {
    let server = EmbeddedServer::start().unwrap();
    let mut peer = Peer::connect(&server);
    peer.send(b"set k 0 0 2\nab\nversion\nget k\n");
    peer.finish_sending();
    peer.expect(b"CLIENT_ERROR bad data chunk\r\nERROR\r\nEND\r\n");
    peer.expect_end();
}
