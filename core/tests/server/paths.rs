//! The slow path says what the fast one says, however the bytes arrive.

use std::io::{Read, Write};

use memoxide::EmbeddedServer;
use memoxide::server::Clock;
use proptest::prelude::*;

use crate::support::{Peer, packet};

fn text() -> impl Strategy<Value = Vec<u8>> {
    let key = "[abc]";
    let value = "[a-z\r\n ]{0,40}";
    let line = prop_oneof![
        "get [abc]( [abc]){0,3}\r\n",
        "gets [abc]\r\n",
        "gat 100 [abc]\r\n",
        "(incr|decr) [abc] [0-9]{1,3}( noreply)?\r\n",
        "delete [abc]( noreply)?\r\n",
        "touch [abc] 0\r\n",
        "mg [abc] v k O[0-9] q\r\n",
        "md [abc] q\r\n",
        "mn\r\n",
        "(version|verbosity 1|flush_all|bogus|get|set|fault list|\r|)\r\n",
        "set [abc] 0 0 (x|-1|99999999999)\r\n",
        "get [a-z]{251}\r\n",
        // Longer than a read: the path in between.
        "get( [a-z]{240}){200}\r\n",
    ];
    let storage = (
        "(set|add|replace|append|prepend)",
        key,
        value,
        "( noreply)?",
        prop_oneof![4 => Just("\r\n"), 1 => Just("xx\r\n")],
    )
        .prop_map(|(command, key, value, noreply, end)| {
            let length = value.len();
            format!("{command} {key} 7 0 {length}{noreply}\r\n{value}{end}")
        });
    let meta = (key, value, "( q| I| MA|)").prop_map(|(key, value, flags)| {
        let length = value.len();
        format!("ms {key} {length} c O1{flags}\r\n{value}\r\n")
    });
    let large = (key, 1_000_000..1_200_000usize)
        .prop_map(|(key, length)| format!("set {key} 0 0 {length}\r\n{}\r\n", "x".repeat(length)));
    let number = key.prop_map(|key| format!("set {key} 0 0 2\r\n17\r\n"));
    prop_oneof![
        12 => line.prop_map(String::into_bytes),
        6 => storage.prop_map(String::into_bytes),
        3 => meta.prop_map(String::into_bytes),
        2 => number.prop_map(String::into_bytes),
        1 => large.prop_map(String::into_bytes),
    ]
}

fn binary() -> impl Strategy<Value = Vec<u8>> {
    let key = prop_oneof![Just(&b"a"[..]), Just(&b"b"[..])];
    let value = proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        (prop_oneof![Just(0x00), Just(0x0c), Just(0x0d)], key.clone())
            .prop_map(|(opcode, key)| packet(opcode, b"", key, b"")),
        (
            prop_oneof![Just(0x01), Just(0x11), Just(0x02)],
            key.clone(),
            value
        )
            .prop_map(|(opcode, key, value)| packet(opcode, &[0; 8], key, &value)),
        key.prop_map(|key| packet(0x04, b"", key, b"")),
        Just(packet(0x0a, b"", b"", b"")),
        Just(packet(0x0b, b"", b"", b"")),
        Just(packet(0x77, b"", b"", b"what is this")),
    ]
}

/// Sends everything in pieces, and returns everything that comes back.
fn converse(server: &EmbeddedServer, requests: &[u8], cuts: &[usize]) -> Vec<u8> {
    let peer = Peer::connect(server);
    let mut sender = peer.0.try_clone().unwrap();
    let (requests, cuts) = (requests.to_vec(), cuts.to_vec());
    let writer = std::thread::spawn(move || {
        let mut rest = &requests[..];
        for cut in cuts.iter().cycle() {
            let (piece, behind) = rest.split_at((*cut).min(rest.len()));
            // A server that hangs up early takes no more: not what is tested.
            if rest.is_empty() || sender.write_all(piece).is_err() {
                break;
            }
            rest = behind;
        }
        let _ = sender.shutdown(std::net::Shutdown::Write);
    });
    let mut replies = Vec::new();
    let mut reader = &peer.0;
    let mut buffer = [0; 4096];
    // Ends with FIN, or with RST where the server closed before the end.
    while let Ok(read @ 1..) = reader.read(&mut buffer) {
        replies.extend_from_slice(&buffer[..read]);
    }
    writer.join().unwrap();
    replies
}

fn compare(commands: &[Vec<u8>], cuts: &[usize]) -> Result<(), TestCaseError> {
    let start = || {
        let clock = Clock::virtual_at(1_700_000_000);
        EmbeddedServer::builder().clock(clock).start().unwrap()
    };
    let requests = commands.concat();
    let (fast, slow) = (start(), start());
    slow.log_requests(1000).unwrap();
    slow.add_faults(r#"{"action": "garbage", "key": "nobody"}"#)
        .unwrap();
    let expected = converse(&fast, &requests, cuts);
    let replies = converse(&slow, &requests, cuts);
    prop_assert_eq!(
        String::from_utf8_lossy(&replies),
        String::from_utf8_lossy(&expected)
    );
    prop_assert_eq!(slow.requests(), fast.requests());
    Ok(())
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![3 => 1..200usize, 1 => 1..200_000usize];
    proptest::collection::vec(size, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn text_requests_are_answered_alike(
        commands in proptest::collection::vec(text(), 1..40),
        cuts in pieces(),
    ) {
        compare(&commands, &cuts)?;
    }

    #[test]
    fn binary_requests_are_answered_alike(
        commands in proptest::collection::vec(binary(), 1..40),
        cuts in pieces(),
    ) {
        compare(&commands, &cuts)?;
    }
}
