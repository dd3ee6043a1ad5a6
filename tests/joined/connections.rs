//! Connections: what goes over them, and what becomes of it when they fail.

use std::time::Duration;

use memoxide::client::{Outcome, Place};
use memoxide::protocol::{Credentials, Want};
use memoxide::server::{Credential, Settings};
use memoxide::{ErrorKind, Phase, Sent};

use crate::world::{Manner, World};

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
fn the_first_of_a_burst_waits_for_the_others() {
    let mut world = World::new(1);
    world.run(world.set("k", "v")).expect("stored");
    world.submit(world.get("k"));
    assert!(world.engine.is_urgent(), "nothing is likely to follow");
    world.submit(world.get("k"));
    world.settle();
    let (last, _) = world.submit(world.get("k"));
    assert!(!world.engine.is_urgent() && world.engine.has_writes());
    world.settle();
    assert_eq!(world.value(last), Some(&b"v"[..]));
    world.submit(world.get("k"));
    assert!(world.engine.is_urgent(), "that one was alone again");
}

#[test]
fn reads_that_go_out_together_end_apart() {
    let mut world = World::new(1);
    for n in (0..100).step_by(2) {
        let (key, value) = (format!("k{n}"), format!("v{n}"));
        world.run(world.set(&key, &value)).expect("stored");
    }
    let calls: Vec<_> = (0..100)
        .map(|n| world.submit(world.get(&format!("k{n}"))))
        .collect();
    world.engine.cancel(calls[4].1);
    world.settle();
    for (n, (token, _)) in calls.into_iter().enumerate() {
        let ended = world.results.ended.remove(&token);
        if n == 4 {
            assert_eq!(ended, None);
            continue;
        }
        assert_eq!(ended, Some(Ok(Outcome::Flag(n % 2 == 0))));
        let value = (n % 2 == 0).then(|| format!("v{n}").into_bytes());
        assert_eq!(world.value(token), value.as_deref());
    }
    // They are made again together as well.
    world.manners[0] = Manner::Closes;
    let (token, _) = world.submit(world.get("k0"));
    for n in 1..40 {
        world.submit(world.get(&format!("k{n}")));
    }
    world.settle();
    let ended = world.results.ended.remove(&token).expect("an end");
    assert_eq!(
        ended.expect_err("closed twice").kind(),
        ErrorKind::ConnectionLost
    );
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
fn a_dripping_server_loses_its_connection() {
    let mut world = World::new(1);
    world.run(world.set("a", "1")).expect("stored");
    world.manners[0] = Manner::Drips;
    let (first, _) = world.submit(world.get("a"));
    world.settle();
    for _ in 0..10 {
        // Bytes come all the time, and no reply is ever complete.
        assert!(!world.results.ended.contains_key(&first));
        world.advance(Duration::from_millis(100));
    }
    let error = world.results.ended.remove(&first).expect("an end");
    assert_eq!(error.expect_err("too late").kind(), ErrorKind::Timeout);
    assert!(world.wires.is_empty(), "the next would wait behind it");
    world.manners[0] = Manner::Answers;
    assert_eq!(world.read("a"), Ok(Some(b"1".to_vec())));
    assert_eq!(world.run(world.set("a", "2")), Ok(Outcome::Flag(true)));
}

#[test]
fn a_slow_reply_that_somebody_waits_for_is_waited_for() {
    let mut world = World::new(1);
    world.run(world.set("a", "1")).expect("stored");
    world.manners[0] = Manner::Drips;
    let patient = world
        .submit_within(world.get("a"), Duration::from_secs(60))
        .0;
    let (hasty, _) = world.submit(world.get("a"));
    world.settle();
    world.advance(Duration::from_secs(2));
    let ended = world.results.ended.remove(&hasty).expect("an end");
    assert_eq!(ended.expect_err("too late").kind(), ErrorKind::Timeout);
    assert_eq!(world.wires.len(), 1, "the connection was kept");
    world.manners[0] = Manner::Answers;
    world.settle();
    assert_eq!(world.value(patient), Some(&b"1"[..]));
}

#[test]
fn a_list_of_keys_has_a_connection_of_its_own() {
    let mut world = World::new(1);
    for key in ["a", "b", "c"] {
        world.run(world.set(key, "v")).expect("stored");
    }
    let (reading, _) = world.submit(world.get("a"));
    let (listing, _) = world.submit(world.keys());
    let (later, _) = world.submit(world.get("b"));
    world.settle();
    assert_eq!(world.value(reading), Some(&b"v"[..]));
    assert_eq!(world.value(later), Some(&b"v"[..]));
    assert!(
        world
            .results
            .ended
            .remove(&listing)
            .expect("an end")
            .is_ok()
    );
    let keys = world.results.lines[&listing].iter();
    let keys = keys.map(|line| world.plan.listed(line, b"").expect("a line"));
    let mut keys: Vec<_> = keys.map(|item| item.expect("a key").key).collect();
    keys.sort_unstable();
    assert_eq!(keys, [b"a", b"b", b"c"]);
    assert_eq!(world.wires.len(), 1, "its connection was closed with it");
}

#[test]
fn a_list_that_is_given_up_is_not_read_to_its_end() {
    let mut world = World::new(1);
    world.run(world.set("a", "v")).expect("stored");
    world.manners[0] = Manner::Drips;
    let (_, ticket) = world.submit(world.keys());
    world.settle();
    world.engine.cancel(ticket);
    world.settle();
    assert!(world.wires.is_empty());
    world.manners[0] = Manner::Answers;
    assert_eq!(world.read("a"), Ok(Some(b"v".to_vec())));
}

#[test]
fn credentials_go_before_everything_else() {
    let user = Credential::new("ann", "secret");
    let settings = Settings {
        auth_file: Some(vec![user]),
        ..Settings::default()
    };
    let credentials = |password| Credentials::new("ann", password).expect("credentials");
    let mut world = World::guarded(&settings, credentials("secret"));
    // Nothing is sent behind them until the server has taken them.
    assert_eq!(world.run(world.set("k", "v")), Ok(Outcome::Flag(true)));
    assert_eq!(world.read("k"), Ok(Some(b"v".to_vec())));

    let mut world = World::guarded(&settings, credentials("wrong"));
    let error = world.run(world.set("k", "v")).expect_err("refused");
    assert_eq!(
        (error.kind(), error.was_sent()),
        (ErrorKind::Auth, Some(Sent::NotSent))
    );
    assert!(world.wires.is_empty(), "the connection is of no use");
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
