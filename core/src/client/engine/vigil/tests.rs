use super::super::{Action, ConnectionId, Engine, Handler, Ticket};
use super::*;
use crate::client::operation::{Outcome, Part};
use crate::client::{Builder, Place, Setting};
use crate::error::Result;
use crate::protocol::Want;

const WINDOW: Duration = Duration::from_micros(50);

/// A client that makes one call after the other on a clock of its own.
struct Caller {
    vigil: Vigil,
    now: Moment,
    /// Calls that the loop stayed awake for.
    watched: u32,
    /// What the loop was awake without finding anything.
    spent: Duration,
}

impl Caller {
    fn new(window: Duration) -> Self {
        Self {
            vigil: Vigil::new(window),
            now: Moment(1_000_000_000),
            watched: 0,
            spent: Duration::ZERO,
        }
    }

    /// Makes calls that take so many microseconds asleep, and awake; returns
    /// how many were watched for.
    fn call(&mut self, times: u32, asleep: u64, awake: u64) -> u32 {
        let before = self.watched;
        for _ in 0..times {
            self.vigil.begin(self.now);
            let until = self.vigil.until();
            let trip = until.map_or(asleep, |_| awake);
            let reply = self.now.after(Duration::from_micros(trip));
            if let Some(until) = until {
                self.watched += 1;
                self.spent += until.min(reply).since(self.now);
            }
            self.vigil.end(reply);
            assert_eq!(self.vigil.until(), None, "nothing is under way");
            self.now = reply.after(Duration::from_micros(5));
        }
        self.watched - before
    }
}

#[test]
fn a_near_server_is_watched_for() {
    let mut caller = Caller::new(WINDOW);
    assert_eq!(caller.call(WARM_UP, 50, 28), 0);
    assert_eq!(caller.call(2 * TRIPS as u32, 50, 28), TRIPS as u32);
    assert_eq!(caller.call(FIRST_REST, 50, 28), FIRST_REST);
    // In the long run but for the trials, of which one in 8192 calls is left.
    caller.call(20_000, 50, 28);
    let watched = caller.call(100_000, 50, 28);
    assert!((99_700..100_000).contains(&watched), "{watched}");
}

#[test]
fn a_far_server_is_slept_for() {
    let mut caller = Caller::new(WINDOW);
    caller.call(20_000, 1_000, 980);
    let spent = caller.spent;
    let begun = caller.now;
    let watched = caller.call(100_000, 1_000, 980);
    assert!((100..400).contains(&watched), "{watched}");
    let spent = caller.spent - spent;
    assert!(spent < caller.now.since(begun) / 1000, "{spent:?}");
}

#[test]
fn a_gain_beyond_the_window_is_not_its_own() {
    let mut caller = Caller::new(WINDOW);
    caller.call(20_000, 120, 60);
    assert!(caller.call(100_000, 120, 60) < 400);
}

#[test]
fn without_a_gain_the_loop_sleeps() {
    // On one CPU the server waits for who watches; and 5 % are not worth it.
    for awake in [17, 16, 15] {
        let mut caller = Caller::new(WINDOW);
        caller.call(20_000, 16, awake);
        assert!(caller.call(100_000, 16, awake) < 400);
    }
}

#[test]
fn a_server_that_moves_away_is_noticed_at_once() {
    let mut caller = Caller::new(WINDOW);
    caller.call(50_000, 50, 28);
    let in_vain = PATIENCE + TRIPS as u32;
    assert_eq!(caller.call(FIRST_REST, 500, 490), in_vain);
}

#[test]
fn a_server_that_comes_near_is_noticed_at_the_next_trial() {
    let mut caller = Caller::new(WINDOW);
    caller.call(50_000, 500, 490);
    caller.call(LONGEST_REST + 2 * TRIPS as u32, 50, 28);
    assert_eq!(caller.call(FIRST_REST, 50, 28), FIRST_REST);
}

#[test]
fn single_long_round_trips_change_nothing() {
    let mut caller = Caller::new(WINDOW);
    caller.call(WARM_UP, 50, 28);
    for _ in 0..3_000 {
        caller.call(5, 50, 28);
        caller.call(1, 9_000, 9_000);
    }
    assert_eq!(caller.call(1, 50, 28), 1);
}

#[test]
fn a_call_that_others_join_is_neither_watched_for_nor_measured() {
    let mut caller = Caller::new(WINDOW);
    caller.call(1_000, 50, 28);
    let vigil = &mut caller.vigil;
    vigil.begin(caller.now);
    assert!(vigil.until().is_some());
    vigil.disturb();
    assert_eq!(vigil.until(), None);
    for _ in 0..1_000 {
        vigil.begin(caller.now);
        vigil.disturb();
        vigil.end(caller.now.after(Duration::from_secs(1)));
    }
    assert_eq!(caller.call(10, 50, 28), 10);
}

#[test]
fn a_window_of_zero_never_watches() {
    let mut caller = Caller::new(Duration::ZERO);
    assert_eq!(caller.call(50_000, 50, 28), 0);
}

/// Nobody who listens.
struct Deaf;

impl Handler for Deaf {
    fn part(&mut self, _: u64, _: Part<'_>) {}
    fn completed(&mut self, _: u64, _: Result<Outcome>) {}
    fn ask(&mut self, _: u64, _: Ticket) {}
}

/// An engine with an open connection, whose calls are all misses.
struct Client {
    engine: Engine,
    plan: crate::client::Plan,
    connection: ConnectionId,
    now: Moment,
}

impl Client {
    fn new() -> Self {
        let plan = Builder::default()
            .server("127.0.0.1:11211")
            .and_then(|builder| builder.option("protocol", &Setting::Text("text")))
            .and_then(Builder::plan)
            .expect("the configuration is right");
        let mut engine = Engine::for_plan(&plan, 0);
        let now = Moment(1_000_000_000);
        let first = plan.retrieve(b"k", Want::VALUE, None, Place::Key);
        let first = first.expect("the key is legal").into_owned();
        engine.submit(0, first, now.after(WINDOW * 1_000_000), now, &mut Deaf);
        let Some(Action::Connect { connection, .. }) = engine.next_action() else {
            panic!("nothing is connected to");
        };
        assert!(engine.connected(connection, now, &mut Deaf));
        let mut client = Self {
            engine,
            plan,
            connection,
            now,
        };
        client.reply(1, 50);
        client
    }

    fn submit(&mut self) -> Ticket {
        let operation = self.plan.retrieve(b"k", Want::VALUE, None, Place::Key);
        let operation = operation.expect("the key is legal").into_owned();
        let deadline = self.now.after(Duration::from_secs(1));
        self.engine
            .submit(0, operation, deadline, self.now, &mut Deaf)
    }

    /// Writes, and answers so many requests after so many microseconds.
    fn reply(&mut self, count: usize, microseconds: u64) {
        while let Some(id) = self.engine.next_write() {
            drop(self.engine.take_output(id));
        }
        self.now = self.now.after(Duration::from_micros(microseconds));
        let replies = b"END\r\n".repeat(count);
        self.engine
            .received(self.connection, &replies, self.now, &mut Deaf);
        assert_eq!(self.engine.awake_until(), None, "nothing is under way");
    }

    /// Makes lone calls until they are watched for.
    fn settle(&mut self) {
        for _ in 0..WARM_UP + 2 * TRIPS as u32 {
            self.submit();
            let trip = self.engine.awake_until().map_or(50, |_| 28);
            self.reply(1, trip);
        }
    }
}

#[test]
fn an_engine_stays_awake_for_a_lone_call() {
    let mut client = Client::new();
    client.settle();
    for _ in 0..10 {
        client.submit();
        let until = client.now.after(WINDOW);
        assert_eq!(client.engine.awake_until(), Some(until));
        client.reply(1, 28);
    }
}

#[test]
fn an_engine_sleeps_where_calls_are_joined_or_given_up() {
    let mut client = Client::new();
    client.settle();
    client.submit();
    client.submit();
    assert_eq!(client.engine.awake_until(), None);
    client.reply(2, 28);

    client.submit();
    let second = client.submit();
    client.engine.cancel(second);
    // Its reply comes behind that of the first, or they are one.
    assert_eq!(client.engine.awake_until(), None);
    client.reply(2, 28);

    let alone = client.submit();
    assert!(client.engine.awake_until().is_some());
    client.engine.cancel(alone);
    assert_eq!(client.engine.awake_until(), None);
    client.reply(1, 28);

    client.submit();
    assert!(client.engine.awake_until().is_some());
}
