//! Client and server joined in memory, on a virtual clock: no sockets, no
//! sleeping. The engine's driver is a loop in this file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use memoxide::client::{
    Action, Answer, Builder, CasOutcome, ConnectionId, Counting, Engine, EngineOptions, Handler,
    Moment, Operation, Outcome, Part, Place, Plan, Ticket,
};
use memoxide::net::Address;
use memoxide::protocol::{Codec, Direction, Expiry, StoreMode, Want};
use memoxide::server::{Clock, Next, PeerInfo, Session, Settings, Shared};
use memoxide::value::Encoded;
use memoxide::{Error, ErrorKind, Phase, Result, Sent};

/// What the engine told about operations.
#[derive(Default)]
struct Results {
    items: BTreeMap<u64, Vec<(usize, Vec<u8>)>>,
    ended: BTreeMap<u64, Result<Outcome>>,
    asked: Vec<(u64, Ticket)>,
}

impl Handler for Results {
    fn part(&mut self, token: u64, part: Part<'_>) {
        if let Part::Item(item) = part {
            self.items
                .entry(token)
                .or_default()
                .push((item.index, item.value.to_vec()));
        }
    }

    fn completed(&mut self, token: u64, result: Result<Outcome>) {
        assert!(
            self.ended.insert(token, result).is_none(),
            "operation {token} ended twice"
        );
    }

    fn ask(&mut self, token: u64, ticket: Ticket) {
        self.asked.push((token, ticket));
    }
}

/// How a peer behaves.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Manner {
    /// As memcached does.
    Answers,
    /// Takes requests and says nothing.
    Silent,
    /// Closes after it was sent something.
    Closes,
    /// Knows text commands only and closes on others, as some proxies do.
    TextOnly,
}

struct Wire {
    endpoint: usize,
    session: Session,
    /// Requests that the server has not taken, and replies not yet delivered.
    input: Vec<u8>,
    output: Vec<u8>,
}

struct World {
    engine: Engine,
    plan: Arc<Plan>,
    results: Results,
    servers: Vec<Arc<Shared>>,
    manners: Vec<Manner>,
    wires: BTreeMap<ConnectionId, Wire>,
    now: Moment,
    token: u64,
    /// Bytes delivered to the client at a time.
    chunk: usize,
    writes: usize,
    refuse: bool,
}

impl World {
    fn new(servers: usize) -> Self {
        Self::with(servers, |_| ())
    }

    fn with(servers: usize, change: impl FnOnce(&mut EngineOptions)) -> Self {
        let addresses: Vec<Address> = (0..servers)
            .map(|n| {
                format!("127.0.0.1:{}", 11211 + n)
                    .parse()
                    .expect("an address")
            })
            .collect();
        let mut builder = Builder::default();
        for address in &addresses {
            builder = builder.server(&address.to_string()).expect("a server");
        }
        let mut options = EngineOptions::default();
        change(&mut options);
        let clock = Clock::virtual_at(1_800_000_000);
        Self {
            engine: Engine::new(addresses, options),
            plan: Arc::new(builder.plan().expect("a plan")),
            results: Results::default(),
            servers: (0..servers)
                .map(|_| Shared::new(Settings::default(), clock.clone()))
                .collect(),
            manners: vec![Manner::Answers; servers],
            wires: BTreeMap::new(),
            now: Moment(1_000_000_000),
            token: 0,
            chunk: usize::MAX,
            writes: 0,
            refuse: false,
        }
    }

    fn submit(&mut self, operation: Operation<'_>) -> (u64, Ticket) {
        self.submit_within(operation, Duration::from_secs(1))
    }

    fn submit_within(&mut self, operation: Operation<'_>, timeout: Duration) -> (u64, Ticket) {
        self.token += 1;
        let deadline = self.now.after(timeout);
        let operation = operation.into_owned();
        let ticket =
            self.engine
                .submit(self.token, operation, deadline, self.now, &mut self.results);
        (self.token, ticket)
    }

    /// Runs an operation and returns how it ended.
    fn run(&mut self, operation: Operation<'_>) -> Result<Outcome> {
        let (token, _) = self.submit(operation);
        self.settle();
        self.results.ended.remove(&token).expect("an end")
    }

    fn get(&self, key: &str) -> Operation<'static> {
        let operation = self
            .plan
            .retrieve(key.as_bytes(), Want::VALUE, None, Place::Key);
        operation.expect("an operation").into_owned()
    }

    fn set(&self, key: &str, value: &str) -> Operation<'static> {
        let value = Encoded {
            flags: 0,
            bytes: value.as_bytes().into(),
        };
        let mode = StoreMode::Set;
        let operation = self
            .plan
            .store(mode, key.as_bytes(), value, None, None, Place::Key);
        operation.expect("an operation").into_owned()
    }

    fn incr(&self, key: &str) -> Operation<'static> {
        let counting = Counting::default();
        let up = Direction::Increment;
        self.plan
            .count(up, key.as_bytes(), 1, counting, Place::Key)
            .expect("an operation")
            .into_owned()
    }

    /// The value that operation `token` was given.
    fn value(&self, token: u64) -> Option<&[u8]> {
        Some(&self.results.items.get(&token)?.last()?.1)
    }

    fn read(&mut self, key: &str) -> Result<Option<Vec<u8>>> {
        let (token, _) = self.submit(self.get(key));
        self.settle();
        let outcome = self.results.ended.remove(&token).expect("an end")?;
        Ok(outcome
            .flag()
            .then(|| self.value(token).expect("a value").to_vec()))
    }

    fn advance(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.engine.tick(self.now, &mut self.results);
        self.settle();
    }

    /// Moves bytes until nothing moves.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            while let Some(action) = self.engine.next_action() {
                moved = true;
                self.carry_out(action);
            }
            while let Some(id) = self.engine.next_write() {
                moved = true;
                self.writes += 1;
                let bytes = self.engine.output(id).to_vec();
                self.engine.written(id, bytes.len());
                if let Some(wire) = self.wires.get_mut(&id) {
                    wire.input.extend_from_slice(&bytes);
                }
            }
            let ids: Vec<_> = self.wires.keys().copied().collect();
            for id in ids {
                moved |= self.serve(id);
            }
            if !moved {
                return;
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Connect { connection, .. } if self.refuse => {
                let error = Error::new(ErrorKind::Connect, "refused").sent(Sent::NotSent);
                self.engine
                    .lost(connection, error, self.now, &mut self.results);
            }
            Action::Connect {
                connection,
                endpoint,
                ..
            } => {
                let peer = PeerInfo {
                    connection: connection.0,
                    address: None,
                    listener: None,
                };
                let wire = Wire {
                    endpoint,
                    session: Session::new(Arc::clone(&self.servers[endpoint]), peer),
                    input: Vec::new(),
                    output: Vec::new(),
                };
                self.wires.insert(connection, wire);
                self.engine
                    .connected(connection, self.now, &mut self.results);
            }
            Action::Close(id) => drop(self.wires.remove(&id)),
            Action::Resolve { .. } => panic!("numeric addresses need no resolving"),
        }
    }

    fn serve(&mut self, id: ConnectionId) -> bool {
        let Some(wire) = self.wires.get_mut(&id) else {
            return false;
        };
        let manner = self.manners[wire.endpoint];
        let wants_close = match manner {
            Manner::Silent => return false,
            Manner::Closes => !wire.input.is_empty(),
            Manner::TextOnly => wire.input.starts_with(b"mn") || wire.input.starts_with(b"ms"),
            Manner::Answers => false,
        };
        if wants_close {
            self.wires.remove(&id);
            let error = Error::new(ErrorKind::ConnectionLost, "connection lost: closed");
            self.engine.lost(id, error, self.now, &mut self.results);
            return true;
        }
        let mut moved = false;
        while !wire.input.is_empty() {
            let progress = wire.session.process(&wire.input, &mut wire.output);
            wire.input.drain(..progress.consumed);
            moved |= progress.consumed > 0;
            if progress.next != Next::Yield {
                break;
            }
        }
        let output = std::mem::take(&mut wire.output);
        for chunk in output.chunks(self.chunk.min(output.len().max(1))) {
            moved = true;
            self.engine.received(id, chunk, self.now, &mut self.results);
        }
        moved
    }
}

#[test]
fn values_survive_any_split() {
    for chunk in 1..40 {
        let mut world = World::new(1);
        world.chunk = chunk;
        assert_eq!(
            world.run(world.set("k", "a value\r\nEND\r\n")),
            Ok(Outcome::Flag(true))
        );
        assert_eq!(world.read("k"), Ok(Some(b"a value\r\nEND\r\n".to_vec())));
        assert_eq!(world.read("absent"), Ok(None));
        let keys = [&b"absent"[..], b"k", b"other"];
        let many = world
            .plan
            .retrieve_many(keys.into_iter(), Want::VALUE, None, Place::Key);
        let (token, _) = world.submit(many.expect("an operation").into_owned());
        world.settle();
        assert_eq!(
            world.results.items[&token],
            [(1, b"a value\r\nEND\r\n".to_vec())]
        );
    }
}

#[test]
fn a_large_value_is_collected_once() {
    let mut world = World::new(1);
    world.chunk = 1000;
    let text = "x".repeat(900_000);
    assert_eq!(world.run(world.set("k", &text)), Ok(Outcome::Flag(true)));
    assert_eq!(world.read("k"), Ok(Some(text.into_bytes())));
}

#[test]
fn what_is_submitted_together_goes_out_together() {
    let mut world = World::new(1);
    world.run(world.set("k", "v")).expect("stored");
    world.writes = 0;
    let tokens: Vec<_> = (0..1000).map(|_| world.submit(world.get("k")).0).collect();
    world.settle();
    assert_eq!(world.writes, 1);
    assert!(tokens.iter().all(|token| world.value(*token) == Some(b"v")));
}

#[test]
fn a_late_reply_is_dropped_and_the_next_call_gets_its_own() {
    let mut world = World::with(1, |options| options.timeout = Duration::from_secs(10));
    world.run(world.set("a", "1")).expect("stored");
    world.run(world.set("b", "2")).expect("stored");
    world.manners[0] = Manner::Silent;
    let (late, _) = world.submit(world.get("a"));
    world.settle();
    world.advance(Duration::from_millis(999));
    assert!(!world.results.ended.contains_key(&late));
    world.advance(Duration::from_millis(1));
    let error = world
        .results
        .ended
        .remove(&late)
        .expect("an end")
        .expect_err("too late");
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Timeout, Some(Phase::Read))
    );
    assert_eq!(error.endpoint(), Some("127.0.0.1:11211"));
    world.manners[0] = Manner::Answers;
    assert_eq!(world.read("b"), Ok(Some(b"2".to_vec())));
    assert_eq!(world.value(late), None);
    assert_eq!(world.wires.len(), 1, "the connection was kept");
}

#[test]
fn a_silent_server_loses_its_connection() {
    let mut world = World::new(1);
    world.run(world.set("a", "1")).expect("stored");
    world.manners[0] = Manner::Silent;
    let (first, _) = world.submit(world.get("a"));
    world.settle();
    world.advance(Duration::from_secs(1));
    assert!(world.results.ended.remove(&first).expect("an end").is_err());
    assert!(
        world.wires.is_empty(),
        "whoever came next would wait in vain"
    );
}

#[test]
fn a_cancelled_call_leaves_nothing_to_the_next() {
    let mut world = World::new(1);
    world.run(world.set("a", "1")).expect("stored");
    world.run(world.set("b", "2")).expect("stored");
    let (cancelled, ticket) = world.submit(world.get("a"));
    let (kept, _) = world.submit(world.get("b"));
    world.engine.cancel(ticket);
    world.settle();
    assert!(!world.results.ended.contains_key(&cancelled));
    assert_eq!(world.value(cancelled), None);
    assert_eq!(world.value(kept), Some(&b"2"[..]));
}

#[test]
fn reads_are_made_again_and_counting_never() {
    let mut world = World::new(1);
    world.run(world.set("n", "1")).expect("stored");
    world.manners[0] = Manner::Closes;
    let (read, _) = world.submit(world.get("n"));
    let (count, _) = world.submit(world.incr("n"));
    world.settle();
    let error = world
        .results
        .ended
        .remove(&read)
        .expect("an end")
        .expect_err("closed twice");
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    let error = world
        .results
        .ended
        .remove(&count)
        .expect("an end")
        .expect_err("closed");
    assert_eq!(error.was_sent(), Some(Sent::MaybeApplied));
    assert!(error.is_ambiguous() && !error.is_retryable());
    world.manners[0] = Manner::Answers;
    assert_eq!(world.read("n"), Ok(Some(b"1".to_vec())));
}

#[test]
fn a_server_out_of_service_is_probed_and_comes_back() {
    let mut world = World::new(1);
    world.refuse = true;
    for _ in 0..3 {
        let error = world.run(world.get("k")).expect_err("refused");
        assert_eq!(
            (error.kind(), error.was_sent()),
            (ErrorKind::Connect, Some(Sent::NotSent))
        );
    }
    let error = world.run(world.get("k")).expect_err("out of service");
    assert!(error.message().contains("out of service"), "{error}");
    world.refuse = false;
    let error = world.run(world.get("k")).expect_err("still out of service");
    assert!(error.message().contains("out of service"), "{error}");
    world.advance(Duration::from_secs(2));
    assert_eq!(world.read("k"), Ok(None));
}

#[test]
fn a_server_that_closes_on_meta_commands_is_spoken_to_in_text() {
    let mut world = World::new(1);
    world.manners[0] = Manner::TextOnly;
    assert_eq!(world.run(world.set("k", "v")), Ok(Outcome::Flag(true)));
    assert_eq!(world.read("k"), Ok(Some(b"v".to_vec())));
    let all = world
        .plan
        .retrieve(b"k", Want::ALL, None, Place::Key)
        .expect("an operation")
        .into_owned();
    let error = world.run(all).expect_err("text knows no metadata");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn several_servers_fail_apart() {
    let mut world = World::new(3);
    let keys: Vec<String> = (0..30).map(|n| format!("key{n}")).collect();
    for key in &keys {
        world.run(world.set(key, "v")).expect("stored");
    }
    world.manners[1] = Manner::Closes;
    let names = keys.iter().map(String::as_bytes);
    let many = world
        .plan
        .retrieve_many(names, Want::VALUE, None, Place::Key);
    let (token, _) = world.submit(many.expect("an operation").into_owned());
    world.settle();
    let error = world
        .results
        .ended
        .remove(&token)
        .expect("an end")
        .expect_err("one failed");
    assert_eq!(error.kind(), ErrorKind::Partial);
    assert_eq!(error.parts()[0].endpoint(), Some("127.0.0.1:11212"));
    let found = world.results.items[&token].len();
    assert!(found > 5 && found < 30, "{found} of 30 keys were found");
}

/// Runs a composite with both codecs.
fn with_both_codecs(test: impl Fn(&mut World)) {
    for codec in [Codec::Meta, Codec::Text] {
        test(&mut World::with(1, |options| options.codec = Some(codec)));
    }
}

#[test]
fn update_begins_again_when_another_writer_was_faster() {
    with_both_codecs(|world| {
        world.run(world.set("k", "1")).expect("stored");
        let update = world
            .plan
            .update(b"k", 5, Place::Key)
            .expect("an operation");
        let (token, _) = world.submit(update);
        world.settle();
        let (_, ticket) = world.results.asked.pop().expect("a question");
        assert_eq!(world.value(token), Some(&b"1"[..]));
        world.run(world.set("k", "2")).expect("stored");
        let store = |value: &str| Answer::Store {
            flags: 0,
            value: value.as_bytes().to_vec(),
            expiry: Expiry::NEVER,
        };
        world
            .engine
            .answer(ticket, store("1+"), world.now, &mut world.results);
        world.settle();
        world.advance(Duration::from_millis(5));
        let (_, ticket) = world.results.asked.pop().expect("another question");
        assert_eq!(world.value(token), Some(&b"2"[..]));
        world
            .engine
            .answer(ticket, store("2+"), world.now, &mut world.results);
        world.settle();
        assert_eq!(
            world.results.ended.remove(&token),
            Some(Ok(Outcome::Flag(true)))
        );
        assert_eq!(world.read("k"), Ok(Some(b"2+".to_vec())));
    });
}

#[test]
fn take_gives_an_item_to_one_caller() {
    with_both_codecs(|world| {
        world.run(world.set("k", "v")).expect("stored");
        let take = |world: &World| world.plan.take(b"k", Place::Key).expect("an operation");
        let (first, _) = world.submit(take(world));
        let (second, _) = world.submit(take(world));
        world.settle();
        let taken = [first, second].map(|token| world.results.ended.remove(&token));
        let yes = Some(Ok(Outcome::Flag(true)));
        let no = Some(Ok(Outcome::Flag(false)));
        assert!(
            taken == [yes.clone(), no.clone()] || taken == [no, yes],
            "{taken:?}"
        );
        assert_eq!(world.read("k"), Ok(None));
    });
}

#[test]
fn a_lock_is_released_by_its_owner_only() {
    with_both_codecs(|world| {
        let acquire = |world: &World, token: &[u8]| {
            let expiry = Expiry::from_seconds(10, || 0).expect("in range");
            world
                .plan
                .acquire(b"lock", token, expiry, Duration::ZERO, Place::Key)
                .expect("an operation")
        };
        let release = |world: &World, token: &[u8]| {
            world
                .plan
                .release(b"lock", token, None, Place::Key)
                .expect("an operation")
        };
        assert_eq!(world.run(acquire(world, b"mine")), Ok(Outcome::Flag(true)));
        assert_eq!(
            world.run(acquire(world, b"theirs")),
            Ok(Outcome::Flag(false))
        );
        let not_found = Ok(Outcome::Cas(CasOutcome::NotFound));
        assert_eq!(world.run(release(world, b"theirs")), not_found);
        let stored = Ok(Outcome::Cas(CasOutcome::Stored));
        assert_eq!(world.run(release(world, b"mine")), stored);
        assert_eq!(world.run(release(world, b"mine")), not_found);
        assert_eq!(
            world.run(acquire(world, b"theirs")),
            Ok(Outcome::Flag(true))
        );
    });
}

#[test]
fn a_counter_begins_with_its_initial_value() {
    with_both_codecs(|world| {
        let count = |world: &World| {
            let counting = Counting {
                initial: Some(5),
                ..Counting::default()
            };
            let up = Direction::Increment;
            let operation = world.plan.count(up, b"n", 3, counting, Place::Key);
            operation.expect("an operation").into_owned()
        };
        assert_eq!(world.run(count(world)), Ok(Outcome::Number(Some(5))));
        assert_eq!(world.run(count(world)), Ok(Outcome::Number(Some(8))));
    });
}

#[test]
fn invalidating_a_namespace_hides_its_keys() {
    with_both_codecs(|world| {
        let plan = Arc::clone(&world.plan);
        let within = |work: fn(&Plan) -> Result<Operation<'static>>| {
            plan.within(b"ns", 1_800_000_000, work)
                .expect("an operation")
        };
        assert_eq!(
            world.run(within(|plan| {
                let value = Encoded {
                    flags: 0,
                    bytes: b"v"[..].into(),
                };
                plan.store(StoreMode::Set, b"k", value, None, None, Place::Key)
            })),
            Ok(Outcome::Flag(true))
        );
        let read = || within(|plan| plan.retrieve(b"k", Want::VALUE, None, Place::Key));
        assert_eq!(world.run(read()), Ok(Outcome::Flag(true)));
        let invalidate = plan.invalidate(b"ns", 1_800_000_000).expect("an operation");
        assert!(
            world
                .run(invalidate)
                .expect("a generation")
                .number()
                .is_some()
        );
        assert_eq!(world.run(read()), Ok(Outcome::Flag(false)));
    });
}

#[test]
fn a_closed_client_ends_its_calls() {
    let mut world = World::new(1);
    world.manners[0] = Manner::Silent;
    let (token, _) = world.submit(world.get("k"));
    world.settle();
    world.engine.close(true, &mut world.results);
    world.settle();
    let error = world
        .results
        .ended
        .remove(&token)
        .expect("an end")
        .expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(world.wires.is_empty());
    let error = world.run(world.get("k")).expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
}
