//! What the engine has to say for the log, on a virtual clock.

use std::time::Duration;

use memoxide::client::{Outcome, Place};
use memoxide::protocol::Want;

use crate::world::{Manner, World};

/// Takes what happened since the last look.
fn told(world: &mut World) -> Vec<(&'static str, String)> {
    let entries = world.engine.take_entries();
    let entry = |entry: &memoxide::client::log::Entry| {
        let which = entry.endpoint().rsplit(':').next().expect("a port");
        (entry.event().name(), which.to_owned())
    };
    entries.iter().map(entry).collect()
}

fn of(event: &'static str, port: u16) -> (&'static str, String) {
    (event, port.to_string())
}

#[test]
fn a_connection_that_was_idle_for_too_long_is_told_of() {
    let mut world = World::new(1);
    world.read("k").expect("a reply");
    assert_eq!(told(&mut world), [of("connection_opened", 11211)]);
    assert!(!world.engine.has_entries());
    world.advance(Duration::from_secs(61));
    assert_eq!(told(&mut world), [of("connection_closed", 11211)]);
}

#[test]
fn what_the_owner_closes_is_not_told_of() {
    let mut world = World::new(1);
    world.read("k").expect("a reply");
    told(&mut world);
    world.engine.disconnect();
    world.settle();
    world.engine.close(true, &mut world.results);
    assert_eq!(told(&mut world), []);
}

#[test]
fn requests_that_are_made_again_together_are_one_entry() {
    let mut world = World::new(1);
    world.read("k").expect("a reply");
    told(&mut world);
    world.manners[0] = Manner::Closes;
    for _ in 0..100 {
        world.submit(world.get("k"));
    }
    world.submit(world.set("k", "v"));
    world.settle();
    let entries = world.engine.take_entries();
    let retried = &entries[1];
    assert_eq!(retried.event().name(), "requests_retried");
    // Not the write, which was sent.
    assert_eq!(retried.requests(), Some(100));
}

#[test]
fn every_server_that_passes_as_a_miss_is_reported_once_a_minute() {
    let mut world = World::with(2, |options| {
        options.degrade = true;
        options.health.dead_after = u32::MAX;
    });
    world.refuse = true;
    let keys: Vec<_> = (0..20).map(|n| format!("key{n}")).collect();
    let read = |world: &mut World| {
        let bytes = keys.iter().map(|key| key.as_bytes());
        let read = world
            .plan
            .retrieve_many(bytes, Want::VALUE, None, Place::Key);
        let outcome = world.run(read.expect("an operation").into_owned());
        assert!(matches!(outcome, Ok(Outcome::Many { .. })), "{outcome:?}");
        let mut told = told(world);
        told.retain(|(event, _)| *event == "call_degraded");
        told.sort();
        told
    };
    let both = [of("call_degraded", 11211), of("call_degraded", 11212)];
    assert_eq!(read(&mut world), both);
    world.advance(Duration::from_secs(59));
    assert_eq!(read(&mut world), []);
    world.advance(Duration::from_secs(1));
    assert_eq!(read(&mut world), both);
}

#[test]
fn what_nobody_takes_does_not_pile_up() {
    let mut world = World::with(1, |options| options.health.dead_after = u32::MAX);
    world.refuse = true;
    for _ in 0..1000 {
        world.read("k").expect_err("nobody there");
    }
    assert!(world.engine.take_entries().len() < 1000);
    world.read("k").expect_err("nobody there");
    assert_eq!(told(&mut world), [of("connection_failed", 11211)]);
}
