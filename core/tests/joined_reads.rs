//! Reads that share a command: every one gets the value of its own key.

use std::collections::BTreeMap;

use memoxide::protocol::{Codec, Connection, Delete, Keys, Limits, Reply, Request, Retrieve, Want};
use memoxide::{Error, ErrorKind, Sent};
use proptest::prelude::*;

/// What came for each read.
type Replies = BTreeMap<u32, Result<Option<Vec<u8>>, Error>>;

fn connection(codec: Codec) -> Connection<u32> {
    Connection::new(Some(codec), Limits::default())
}

fn read(key: &str) -> Request<'_> {
    Request::Retrieve(Retrieve {
        keys: Keys::One(key.as_bytes().into()),
        want: Want::VALUE,
        touch: None,
        bump: true,
    })
}

fn delete(key: &str) -> Request<'_> {
    Request::Delete(Delete {
        key: key.as_bytes().into(),
        cas: None,
    })
}

fn ask(connection: &mut Connection<u32>, keys: &[String]) {
    for (tag, key) in keys.iter().enumerate() {
        connection.enqueue(tag as u32, &read(key)).expect("a place");
    }
}

/// Takes the output, line by line.
fn lines(connection: &mut Connection<u32>) -> Vec<String> {
    let output = String::from_utf8(connection.take_output()).expect("text");
    output.lines().map(str::to_owned).collect()
}

/// Takes received bytes, in pieces of so many.
fn take(connection: &mut Connection<u32>, bytes: &[u8], piece: usize, replies: &mut Replies) {
    for mut chunk in bytes.chunks(piece.max(1)) {
        while let Some(received) = connection.receive(&mut chunk).expect("replies") {
            assert!(received.last);
            let reply = match received.reply {
                Reply::Item(item) => Ok(Some(item.value.into_owned())),
                Reply::End => Ok(None),
                Reply::Failed(error) => Err(error),
                other => panic!("{other:?}"),
            };
            assert!(replies.insert(received.tag, reply).is_none(), "told twice");
        }
    }
}

/// The reply of a server that has the keys whose number is not divisible by
/// `lacks`; the value of a key is the key in brackets.
fn answer(lines: &[String], lacks: usize, turned: bool) -> Vec<u8> {
    let has = |key: &str| {
        !key[1..]
            .parse::<usize>()
            .expect("a number")
            .is_multiple_of(lacks)
    };
    let mut reply = Vec::new();
    for line in lines {
        let mut words = line.split(' ');
        match words.next().expect("a command") {
            "get" => {
                let mut keys: Vec<_> = words.filter(|key| has(key)).collect();
                if turned {
                    keys.reverse();
                }
                for key in keys {
                    let header = format!("VALUE {key} 0 {}\r\n[{key}]\r\n", key.len() + 2);
                    reply.extend_from_slice(header.as_bytes());
                }
                reply.extend_from_slice(b"END\r\n");
            }
            "mg" => {
                let key = words.next().expect("a key");
                let opaque = words.next_back().expect("an opaque");
                let text = if has(key) {
                    format!("VA {} f0 {opaque}\r\n[{key}]\r\n", key.len() + 2)
                } else {
                    format!("EN {opaque}\r\n")
                };
                reply.extend_from_slice(text.as_bytes());
            }
            other => panic!("unexpected {other}"),
        }
    }
    reply
}

fn names(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers
        .into_iter()
        .map(|number| format!("k{number}"))
        .collect()
}

#[test]
fn few_reads_go_out_one_by_one_and_many_together() {
    let mut meta = connection(Codec::Meta);
    ask(&mut meta, &names(0..15));
    let few = lines(&mut meta);
    assert_eq!(few.len(), 15);
    assert!(few[0].starts_with("mg k0 "), "{}", few[0]);
    ask(&mut meta, &names(0..20));
    let many = lines(&mut meta);
    assert_eq!(many, [format!("get {}", names(0..20).join(" "))]);
    let mut text = connection(Codec::Text);
    ask(&mut text, &names(0..2));
    assert_eq!(lines(&mut text), ["get k0 k1"]);
}

#[test]
fn what_was_written_is_not_changed_any_more() {
    let mut connection = connection(Codec::Meta);
    ask(&mut connection, &names(0..10));
    connection.consume(1);
    ask(&mut connection, &names(10..20));
    let left = connection.output().to_vec();
    assert!(left.starts_with(b"g k0 "), "the rest of the first");
    assert_eq!(left.iter().filter(|byte| **byte == b'\n').count(), 20);
}

#[test]
fn other_requests_keep_their_place() {
    let mut connection = connection(Codec::Meta);
    ask(&mut connection, &names(0..20));
    connection.enqueue(99, &delete("k3")).expect("a place");
    ask(&mut connection, &names(20..40));
    let lines = lines(&mut connection);
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with("md k3 "), "{}", lines[1]);
}

#[test]
fn lines_do_not_grow_for_ever() {
    let mut connection = connection(Codec::Meta);
    ask(&mut connection, &names(0..2000));
    for line in lines(&mut connection) {
        assert!(line.len() < 2048, "{}", line.len());
    }
}

#[test]
fn a_key_is_asked_for_once_in_a_command_of_a_proxy() {
    let mut connection = connection(Codec::Text);
    let mut keys = names(0..20);
    keys.extend(names(0..20));
    ask(&mut connection, &keys);
    let lines = lines(&mut connection);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1]);
}

#[test]
fn reads_of_one_key_share_a_command_and_get_a_value_each() {
    let keys = vec!["k1".to_owned(); 20];
    let mut connection = connection(Codec::Meta);
    ask(&mut connection, &keys);
    assert_eq!(lines(&mut connection), [format!("get {}", keys.join(" "))]);
    let mut replies = Replies::new();
    let mut bytes = Vec::new();
    for number in 0..20 {
        bytes.extend_from_slice(format!("VALUE k1 0 2\r\n{number:02}\r\n").as_bytes());
    }
    take(&mut connection, &bytes, 7, &mut replies);
    // Values are given out in the order in which they come.
    for tag in 0..20 {
        let value = format!("{tag:02}").into_bytes();
        assert_eq!(replies.remove(&tag), Some(Ok(Some(value))));
    }
    assert_eq!(connection.outstanding(), 20, "until the reply ends");
}

#[test]
fn reads_of_one_key_that_expires_among_them_are_misses() {
    let mut connection = connection(Codec::Meta);
    ask(&mut connection, &vec!["k1".to_owned(); 20]);
    lines(&mut connection);
    let mut replies = Replies::new();
    let bytes = b"VALUE k1 0 1\r\na\r\nVALUE k1 0 1\r\nb\r\nEND\r\n";
    take(&mut connection, bytes, 5, &mut replies);
    assert_eq!(replies.remove(&0), Some(Ok(Some(b"a".to_vec()))));
    assert_eq!(replies.remove(&1), Some(Ok(Some(b"b".to_vec()))));
    assert_eq!(replies.len(), 18);
    assert!(replies.into_values().all(|reply| reply == Ok(None)));
    assert!(connection.is_clean());
}

#[test]
fn a_value_more_than_was_asked_for_breaks_the_connection() {
    let mut connection = connection(Codec::Meta);
    ask(&mut connection, &vec!["k1".to_owned(); 20]);
    let bytes = b"VALUE k1 0 1\r\na\r\n".repeat(21);
    let mut chunk = &bytes[..];
    for _ in 0..20 {
        assert!(matches!(connection.receive(&mut chunk), Ok(Some(_))));
    }
    let error = connection.receive(&mut chunk).expect_err("one too many");
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[test]
fn an_error_fails_what_has_no_value_and_nothing_else() {
    let mut connection = connection(Codec::Meta);
    ask(&mut connection, &names(1..21));
    let bytes = b"VALUE k1 0 1\r\na\r\nVALUE k5 0 1\r\nb\r\nSERVER_ERROR out of memory\r\n";
    let mut replies = Replies::new();
    take(&mut connection, bytes, usize::MAX, &mut replies);
    assert_eq!(replies.len(), 20);
    assert_eq!(replies.remove(&0), Some(Ok(Some(b"a".to_vec()))));
    assert_eq!(replies.remove(&4), Some(Ok(Some(b"b".to_vec()))));
    for (_, reply) in replies {
        assert_eq!(reply.expect_err("an error").kind(), ErrorKind::Server);
    }
    assert_eq!(connection.outstanding(), 0);
}

#[test]
fn a_value_that_nobody_asked_for_breaks_the_connection() {
    for bytes in [
        &b"VALUE other 0 1\r\na\r\n"[..],
        b"VALUE k1 0 1\r\na\r\nVALUE k1 0 1\r\nb\r\n",
        b"VALUE k1 0 1 77\r\na\r\n",
        b"VALUE k30 0 1\r\na\r\n",
        b"END\r\nVALUE k2 0 1\r\na\r\n",
        b"VA 1 f0 O1\r\na\r\n",
    ] {
        let mut connection = connection(Codec::Meta);
        ask(&mut connection, &names(1..21));
        connection.enqueue(99, &delete("k1")).expect("a place");
        ask(&mut connection, &names(30..50));
        let mut chunk = bytes;
        let error = loop {
            match connection.receive(&mut chunk) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{} was taken", bytes.escape_ascii()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

#[test]
fn a_lost_connection_owes_what_was_not_answered() {
    let mut connection = connection(Codec::Meta);
    ask(&mut connection, &names(1..21));
    connection.consume(connection.output().len());
    let mut replies = Replies::new();
    let bytes = b"VALUE k2 0 1\r\na\r\n";
    take(&mut connection, bytes, usize::MAX, &mut replies);
    assert_eq!(connection.oldest(), Some(0));
    for tag in 100..120 {
        let key = format!("k{tag}");
        connection.enqueue(tag, &read(&key)).expect("a place");
    }
    assert_eq!(connection.was_sent(0), Sent::MaybeApplied);
    assert_eq!(connection.was_sent(119), Sent::NotSent);
    let unanswered = connection.abandon();
    let tags: Vec<_> = unanswered.iter().map(|request| request.tag).collect();
    let expected: Vec<_> = (0..20).filter(|tag| *tag != 1).chain(100..120).collect();
    assert_eq!(tags, expected);
    assert!(
        unanswered
            .iter()
            .all(|r| (r.sent == Sent::NotSent) == (r.tag >= 100))
    );
}

proptest! {
    #[test]
    fn every_read_gets_the_value_of_its_key(
        batches in prop::collection::vec(prop::collection::vec(0_usize..60, 1..90), 1..5),
        lacks in 2_usize..9,
        turned: bool,
        is_text: bool,
        piece in 1_usize..3000,
    ) {
        let codec = if is_text { Codec::Text } else { Codec::Meta };
        let mut connection = connection(codec);
        let mut asked = Vec::new();
        let mut replies = Replies::new();
        let mut bytes = Vec::new();
        for batch in batches {
            for number in batch {
                let key = format!("k{number}");
                connection.enqueue(asked.len() as u32, &read(&key)).expect("a place");
                asked.push(number);
            }
            bytes.extend(answer(&lines(&mut connection), lacks, turned));
        }
        take(&mut connection, &bytes, piece, &mut replies);
        prop_assert_eq!(replies.len(), asked.len());
        for (tag, number) in asked.into_iter().enumerate() {
            let expected = (number % lacks != 0).then(|| format!("[k{number}]").into_bytes());
            prop_assert_eq!(&replies[&(tag as u32)], &Ok(expected));
        }
        prop_assert!(connection.is_clean());
    }
}
