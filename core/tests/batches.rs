//! Batches of stores: what they are on the wire, what their replies mean, and
//! which keys count as stored when a server refuses some.

use std::time::Duration;

use memoxide::client::{Builder, Dispatch, Input, Moment, Operation, Outbox, Outcome, Place, Step};
use memoxide::protocol::{
    BatchItem, Codec, Connection, Expiry, Keys, Limits, Reply, Request, StoreMany, StoreMode, Want,
};
use memoxide::server::Settings;
use memoxide::value::Encoded;
use memoxide::{Client, EmbeddedServer, Error, ErrorKind, Result, Sent, Ttl};

const NO_MEMORY: &str = "SERVER_ERROR out of memory storing object\r\n";
const TOO_LARGE: &str = "SERVER_ERROR object too large for cache\r\n";

fn batch(keys: &[&'static str], expiry: i32) -> Request<'static> {
    let item = |key: &&'static str| BatchItem {
        key: key.as_bytes().into(),
        flags: 16,
        value: b"v"[..].into(),
    };
    let items = keys.iter().map(item).collect();
    let batch = StoreMany::new(items, Expiry::from_wire(expiry)).expect("items");
    Request::StoreMany(batch.into())
}

fn connection(codec: Codec, keys: &[&'static str]) -> (Connection<u32>, String) {
    let mut connection = Connection::new(Some(codec), Limits::default());
    connection.enqueue(7, &batch(keys, 0)).expect("a place");
    let output = String::from_utf8(connection.take_output()).expect("text");
    (connection, output)
}

/// What came, each with whether it was the last.
fn receive(
    connection: &mut Connection<u32>,
    bytes: &str,
    piece: usize,
) -> Result<Vec<(Reply<'static>, bool)>> {
    let mut replies = Vec::new();
    for mut chunk in bytes.as_bytes().chunks(piece) {
        while let Some(received) = connection.receive(&mut chunk)? {
            assert_eq!(received.tag, 7);
            replies.push((received.reply.into_owned(), received.last));
        }
    }
    Ok(replies)
}

#[test]
fn a_batch_is_quiet_and_ends_in_a_question() {
    let mut connection = Connection::new(Some(Codec::Meta), Limits::default());
    connection
        .enqueue(7, &batch(&["a", "bb"], 60))
        .expect("a place");
    assert_eq!(
        connection.output(),
        b"ms a 1 F16 T60 q\r\nv\r\nms bb 1 F16 T60 q\r\nv\r\nmn\r\n"
    );
    let (_, alone) = connection_of_one();
    assert_eq!(alone, "ms a 1 F16 O1\r\nv\r\n");
    let (_, text) = self::connection(Codec::Text, &["a", "bb"]);
    assert_eq!(text, "set a 16 0 1\r\nv\r\nset bb 16 0 1\r\nv\r\n");
}

fn connection_of_one() -> (Connection<u32>, String) {
    connection(Codec::Meta, &["a"])
}

#[test]
fn what_differs_between_items_is_written_for_each() {
    let item = |key: &'static str, flags, value: &'static str| BatchItem {
        key: key.as_bytes().into(),
        flags,
        value: value.as_bytes().into(),
    };
    let items = vec![
        item("a", 0, "x"),
        item("b", 2, "y"),
        item("c", 2, ""),
        item("d", 0, ""),
    ];
    let batch = StoreMany::new(items, Expiry::AT_ONCE).expect("items");
    let mut connection = Connection::new(Some(Codec::Meta), Limits::default());
    let request = Request::StoreMany(batch.into()).into_owned();
    connection.enqueue(7, &request).expect("a place");
    assert_eq!(
        connection.output(),
        b"ms a 1 T-1 q\r\nx\r\nms b 1 F2 T-1 q\r\ny\r\nms c 0 F2 T-1 q\r\n\r\nms d 0 T-1 q\r\n\r\nmn\r\n"
    );
    assert!(StoreMany::new(Vec::new(), Expiry::NEVER).is_none());
}

#[test]
fn refusals_come_before_the_end_at_any_split() {
    let bytes = format!("{NO_MEMORY}{TOO_LARGE}MN\r\n");
    for piece in 1..=bytes.len() {
        let (mut connection, _) = connection(Codec::Meta, &["a", "b", "c"]);
        let replies = receive(&mut connection, &bytes, piece).expect("replies");
        let kinds: Vec<_> = replies
            .iter()
            .map(|(reply, last)| match reply {
                Reply::Refused(error) => (Some(error.kind()), *last),
                Reply::Ok => (None, *last),
                other => panic!("{other:?}"),
            })
            .collect();
        let wanted = [
            (Some(ErrorKind::Server), false),
            (Some(ErrorKind::ValueTooLarge), false),
            (None, true),
        ];
        assert_eq!(kinds, wanted, "in pieces of {piece}");
        assert!(connection.is_clean());
    }
}

#[test]
fn others_may_ask_before_and_behind_a_batch() {
    let mut connection = Connection::new(Some(Codec::Meta), Limits::default());
    connection.enqueue(1, &Request::get(b"x")).expect("a place");
    connection
        .enqueue(2, &batch(&["a", "b"], 0))
        .expect("a place");
    connection.enqueue(3, &Request::get(b"y")).expect("a place");
    drop(connection.take_output());
    let bytes = format!("VA 1 f0 O1\r\n1\r\n{TOO_LARGE}MN\r\nEN O3\r\n");
    let mut chunk = bytes.as_bytes();
    let mut told = Vec::new();
    while let Some(received) = connection.receive(&mut chunk).expect("replies") {
        told.push((received.tag, received.last));
    }
    assert_eq!(told, [(1, true), (2, false), (2, true), (3, true)]);
    assert!(connection.is_clean());
}

#[test]
fn a_peer_that_is_not_quiet_is_understood() {
    let (mut connection, _) = connection(Codec::Meta, &["a", "b"]);
    let replies = receive(&mut connection, "HD\r\nHD\r\nMN\r\n", 3).expect("replies");
    assert_eq!(replies, [(Reply::Ok, true)]);
}

#[test]
fn what_no_store_answers_ends_the_connection() {
    for line in ["NS", "EX", "NF", "EN", "HD O1", "VA 1", "STORED", "MN O1"] {
        let (mut connection, _) = connection(Codec::Meta, &["a", "b"]);
        let error = receive(&mut connection, &format!("{line}\r\n"), 64).expect_err(line);
        assert_eq!(error.kind(), ErrorKind::Protocol, "{line}");
        assert_eq!(connection.abandon().len(), 1);
    }
}

#[test]
fn a_peer_that_takes_data_for_commands_is_left() {
    for codec in [Codec::Meta, Codec::Text] {
        let (mut connection, _) = connection(codec, &["a", "b"]);
        let mut chunk = &b"CLIENT_ERROR bad data chunk\r\nERROR\r\n"[..];
        let received = connection.receive(&mut chunk).expect("a reply");
        let received = received.expect("a reply");
        assert!(received.last);
        let Reply::Failed(error) = received.reply else {
            panic!("{:?}", received.reply);
        };
        assert_eq!(error.kind(), ErrorKind::Client);
        assert!(connection.receive(&mut chunk).is_err());
        assert!(!connection.is_clean());
    }
}

#[test]
fn text_replies_come_one_by_one() {
    let bytes = format!("STORED\r\n{TOO_LARGE}NOT_STORED\r\nSTORED\r\n");
    for piece in 1..=bytes.len() {
        let (mut connection, _) = connection(Codec::Text, &["a", "b", "c", "d"]);
        let replies = receive(&mut connection, &bytes, piece).expect("replies");
        let lasts: Vec<_> = replies.iter().map(|(_, last)| *last).collect();
        assert_eq!(lasts, [false, false, false, true]);
        assert_eq!(replies[0].0, Reply::Stored);
        assert!(matches!(&replies[1].0, Reply::Failed(error)
            if error.kind() == ErrorKind::ValueTooLarge));
        assert_eq!(replies[2].0, Reply::NotStored);
        assert!(connection.is_clean());
    }
}

#[test]
fn a_batch_that_was_begun_may_have_been_applied() {
    for (written, sent) in [(0, Sent::NotSent), (1, Sent::MaybeApplied)] {
        let mut connection = Connection::new(Some(Codec::Meta), Limits::default());
        connection
            .enqueue(7, &batch(&["a", "b"], 0))
            .expect("a place");
        connection.consume(written);
        let unanswered = connection.abandon();
        assert_eq!(unanswered.len(), 1);
        assert_eq!((unanswered[0].tag, unanswered[0].sent), (7, sent));
    }
}

/// An operation, advanced by hand.
struct Advance {
    operation: Operation<'static>,
    outbox: Outbox<'static>,
}

impl Advance {
    /// Begins to store these keys, each on the server at its position in `hosts`.
    fn new(keys: &[&'static str], hosts: &[usize]) -> (Self, Vec<Dispatch<'static>>) {
        let mut builder = Builder::default();
        for port in 0..=*hosts.iter().max().expect("a host") {
            let address = format!("127.0.0.1:{}", 11211 + port);
            builder = builder.server(&address).expect("an address");
        }
        let plan = builder.plan().expect("a plan");
        let items = keys.iter().map(|key| {
            let value = Encoded {
                flags: 0,
                bytes: b"v"[..].into(),
            };
            (key.as_bytes(), value)
        });
        let place = Place::Each(hosts);
        let operation = plan.store_many(StoreMode::Set, items, None, place);
        let mut advance = Self {
            operation: operation.expect("keys").into_owned(),
            outbox: Outbox::default(),
        };
        assert!(advance.operation.may_degrade());
        assert!(matches!(advance.step(Input::Start), Step::Continue));
        let sent = advance.sent();
        (advance, sent)
    }

    fn step(&mut self, input: Input<'_>) -> Step {
        let parts = &mut |_: memoxide::client::Part<'_>| panic!("a piece");
        self.operation
            .step(input, Moment::default(), &mut self.outbox, parts)
    }

    fn sent(&mut self) -> Vec<Dispatch<'static>> {
        std::iter::from_fn(|| self.outbox.pop()).collect()
    }

    fn reply(&mut self, id: u32, reply: Reply<'_>, last: bool) -> Step {
        self.step(Input::Reply { id, reply, last })
    }

    fn refuse(&mut self, id: u32, line: &str) {
        // As the connection tells it.
        let (mut connection, _) = connection(Codec::Meta, &["a", "b"]);
        let replies = receive(&mut connection, line, 64).expect("a reply");
        for (reply, last) in replies {
            assert!(matches!(self.reply(id, reply, last), Step::Continue));
        }
    }
}

fn over(step: Step) -> Result<Vec<usize>> {
    match step {
        Step::Done(result) => result.map(Outcome::into_failed),
        step => panic!("{step:?}"),
    }
}

/// The key of a question whether an item is there.
fn key<'d>(dispatch: &'d Dispatch<'_>) -> &'d [u8] {
    match &dispatch.request {
        Request::Retrieve(read) if read.want == Want::EXISTENCE && !read.bump => match &read.keys {
            Keys::One(key) => key,
            Keys::Many(_) => panic!("several keys"),
        },
        other => panic!("{other:?}"),
    }
}

/// Stores a, b and c, of which as many are refused as there are lines, and those
/// are there afterwards that are named.
fn refused(lines: &[&str], there: &[&str]) -> Result<Vec<usize>> {
    let (mut advance, sent) = Advance::new(&["a", "b", "c"], &[0, 0, 0]);
    assert_eq!(sent.len(), 1);
    for line in lines {
        advance.refuse(0, line);
    }
    let mut step = advance.reply(0, Reply::Ok, true);
    let questions = advance.sent();
    for question in &questions {
        assert!(matches!(step, Step::Continue));
        let is_there = there.iter().any(|there| there.as_bytes() == key(question));
        let reply = if is_there {
            Reply::Item(memoxide::protocol::Item::default())
        } else {
            Reply::End
        };
        step = advance.reply(question.id, reply, true);
    }
    over(step)
}

#[test]
fn a_key_that_is_absent_after_a_refusal_was_refused() {
    assert_eq!(refused(&[], &[]), Ok(vec![]));
    assert_eq!(refused(&[NO_MEMORY], &["a", "c"]), Ok(vec![1]));
    assert_eq!(refused(&[TOO_LARGE, NO_MEMORY], &["b"]), Ok(vec![0, 2]));
    assert_eq!(refused(&[NO_MEMORY; 3], &[]), Ok(vec![0, 1, 2]));
    // One was stored and evicted since: the cache does not have it either.
    assert_eq!(refused(&[NO_MEMORY], &["a"]), Ok(vec![1, 2]));
}

#[test]
fn no_key_counts_as_stored_that_may_be_an_old_one() {
    // Something was refused, and every key is there.
    assert_eq!(refused(&[NO_MEMORY], &["a", "b", "c"]), Ok(vec![0, 1, 2]));
    assert_eq!(refused(&[NO_MEMORY; 2], &["a", "c"]), Ok(vec![0, 1, 2]));
    // These leave the old value; nobody is asked.
    for line in [
        "SERVER_ERROR Out of memory during read\r\n",
        "SERVER_ERROR backend failure\r\n",
    ] {
        assert_eq!(refused(&[line], &["a", "b", "c"]), Ok(vec![0, 1, 2]));
        assert_eq!(refused(&[NO_MEMORY, line], &["a"]), Ok(vec![0, 1, 2]));
    }
}

#[test]
fn positions_are_those_of_the_call() {
    let (mut advance, sent) = Advance::new(&["a", "b", "c", "d", "e"], &[0, 1, 0, 1, 1]);
    let counts: Vec<_> = sent
        .iter()
        .map(|dispatch| match &dispatch.request {
            Request::StoreMany(batch) => (dispatch.endpoint, batch.items().len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(counts, [(0, 2), (1, 3)]);
    advance.refuse(1, NO_MEMORY);
    assert!(matches!(advance.reply(1, Reply::Ok, true), Step::Continue));
    for question in advance.sent() {
        assert_eq!(question.endpoint, 1);
        let reply = match key(&question) {
            b"d" => Reply::End,
            _ => Reply::Item(memoxide::protocol::Item::default()),
        };
        assert!(matches!(
            advance.reply(question.id, reply, true),
            Step::Continue
        ));
    }
    assert_eq!(over(advance.reply(0, Reply::Ok, true)), Ok(vec![3]));
}

fn lost() -> Error {
    Error::new(ErrorKind::ConnectionLost, "connection lost")
        .at("a:1")
        .sent(Sent::MaybeApplied)
}

#[test]
fn a_batch_that_is_lost_may_have_been_stored() {
    let (mut advance, _) = Advance::new(&["a", "b"], &[0, 0]);
    advance.refuse(0, NO_MEMORY);
    let error = over(advance.step(Input::Failed {
        id: 0,
        error: lost(),
    }));
    let error = error.expect_err("lost");
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    assert_eq!(error.failed(), [0, 1]);
    assert!(error.is_ambiguous());
}

#[test]
fn a_server_that_is_lost_leaves_what_the_others_stored() {
    let (mut advance, _) = Advance::new(&["a", "b", "c"], &[0, 1, 0]);
    advance.reply(0, Reply::Ok, true);
    let error = over(advance.step(Input::Failed {
        id: 1,
        error: lost(),
    }));
    let error = error.expect_err("lost");
    assert_eq!(error.kind(), ErrorKind::Partial);
    assert_eq!(error.failed(), [1]);
}

#[test]
fn a_question_that_is_lost_leaves_its_key_unstored() {
    let (mut advance, _) = Advance::new(&["a", "b", "c"], &[0, 0, 0]);
    advance.refuse(0, NO_MEMORY);
    advance.reply(0, Reply::Ok, true);
    let questions = advance.sent();
    let there = Reply::Item(memoxide::protocol::Item::default());
    advance.reply(questions[0].id, there.clone(), true);
    advance.reply(questions[1].id, there, true);
    let error = over(advance.step(Input::Failed {
        id: questions[2].id,
        error: lost(),
    }));
    let error = error.expect_err("lost");
    assert_eq!(error.kind(), ErrorKind::Partial);
    assert_eq!(error.failed(), [2]);
}

#[test]
fn what_comes_behind_the_end_is_a_failure_of_the_batch() {
    let (mut advance, _) = Advance::new(&["a", "b"], &[0, 0]);
    assert_eq!(over(advance.reply(0, Reply::Ok, true)), Ok(vec![]));
    let extra = Error::new(ErrorKind::Protocol, "bytes that nobody asked for");
    let error = over(advance.step(Input::Failed {
        id: 0,
        error: extra,
    }));
    let error = error.expect_err("one byte too many");
    assert_eq!(
        (error.kind(), error.failed()),
        (ErrorKind::Protocol, &[0, 1][..])
    );
}

#[test]
fn text_replies_are_those_of_the_next_key() {
    let (mut advance, _) = Advance::new(&["a", "b", "c", "d"], &[0, 0, 0, 0]);
    advance.reply(0, Reply::Stored, false);
    let refusal = Error::new(ErrorKind::ValueTooLarge, "too large");
    advance.reply(0, Reply::Failed(refusal), false);
    advance.reply(0, Reply::Stored, false);
    let step = advance.reply(0, Reply::NotStored, true);
    assert_eq!(over(step), Ok(vec![1, 3]));

    let (mut advance, _) = Advance::new(&["a", "b", "c"], &[0, 0, 0]);
    advance.reply(0, Reply::Stored, false);
    let error = over(advance.step(Input::Failed {
        id: 0,
        error: lost(),
    }));
    assert_eq!(error.expect_err("lost").failed(), [1, 2]);
}

fn client(server: &EmbeddedServer, protocol: &str) -> Client {
    let endpoint = server.endpoint();
    let client =
        Client::new(&format!("memcache://{endpoint}/?protocol={protocol}")).expect("an address");
    client.with_timeout(Duration::from_secs(20))
}

/// A server that takes a few of these values, and then no more.
fn full() -> (EmbeddedServer, Vec<(String, String)>) {
    let settings = Settings {
        memory_limit: 8 << 20,
        evictions: false,
        ..Settings::default()
    };
    let server = EmbeddedServer::builder().settings(settings).start();
    let value = "x".repeat(100_000);
    let item = |number| (format!("key:{number}"), value.clone());
    (server.expect("a port"), (0..200).map(item).collect())
}

#[test]
fn a_full_server_keeps_what_it_took_and_nothing_old() {
    for protocol in ["meta", "text"] {
        let (server, items) = full();
        let client = client(&server, protocol);
        let last = &items[items.len() - 1];
        assert_eq!(client.set(&last.0, "old", Ttl::Never), Ok(true));
        let failed = client.set_multi(&items, Ttl::Never).expect("an answer");
        assert!((1..items.len()).contains(&failed.len()), "{}", failed.len());
        assert_eq!(failed.last(), Some(&(items.len() - 1)), "{protocol}");
        for (position, (key, value)) in items.iter().enumerate() {
            let found: Option<String> = client.get(key).expect("an answer");
            let wanted = (!failed.contains(&position)).then_some(value);
            assert_eq!(found.as_ref(), wanted, "{key} {protocol}");
        }
    }
}

#[test]
fn a_batch_of_many_items_is_read_while_it_is_written() {
    let server = EmbeddedServer::start().expect("a port");
    for protocol in ["meta", "text"] {
        let client = client(&server, protocol);
        let items: Vec<_> = (0..50_000)
            .map(|n| (format!("{protocol}:{n}"), n))
            .collect();
        assert_eq!(client.set_multi(&items, Ttl::Never), Ok(vec![]));
        assert_eq!(
            client.get::<i32>(format!("{protocol}:49999")),
            Ok(Some(49_999))
        );
    }
}

#[test]
fn refusals_of_all_items_are_read_while_they_are_written() {
    let settings = Settings {
        item_size_limit: 2048,
        ..Settings::default()
    };
    let server = EmbeddedServer::builder().settings(settings).start();
    let server = server.expect("a port");
    let value = "x".repeat(4000);
    let items: Vec<_> = (0..5000).map(|n| (format!("k{n}"), &value)).collect();
    for protocol in ["meta", "text"] {
        let failed = client(&server, protocol).set_multi(&items, Ttl::Never);
        assert_eq!(failed.map(|failed| failed.len()), Ok(items.len()));
    }
}
