//! Lists of keys as streams: as they come, no faster than they are taken.

use std::time::Duration;

use memoxide::{ErrorKind, Phase};

use crate::world::{Manner, World};

const PATIENCE: Duration = Duration::from_secs(1);

/// A world of one server that has a thousand keys.
fn world() -> World {
    let mut world = World::new(1);
    for n in 0..1000 {
        world
            .run(world.set(&format!("key{n}"), "v"))
            .expect("stored");
    }
    world
}

/// Moves the clock by a little less than the patience, and so many bytes.
fn step(world: &mut World, bytes: usize) {
    world.advance_by(Duration::from_millis(900), bytes);
}

#[test]
fn a_stream_may_take_longer_than_its_patience() {
    let mut world = world();
    world.manners[0] = Manner::Drips;
    let (listing, _) = world.list(PATIENCE);
    world.settle();
    let mut before = 0;
    while !world.results.ended.contains_key(&listing) {
        step(&mut world, 2000);
        assert!(world.lines(listing) > before || world.results.ended.contains_key(&listing));
        before = world.lines(listing);
    }
    assert!(
        world
            .results
            .ended
            .remove(&listing)
            .expect("an end")
            .is_ok()
    );
    assert_eq!(world.lines(listing), 1000);
}

#[test]
fn a_stream_without_a_further_piece_fails() {
    let mut world = world();
    world.manners[0] = Manner::Drips;
    let (listing, _) = world.list(PATIENCE);
    world.settle();
    step(&mut world, 2000);
    let lines = world.lines(listing);
    assert!(lines > 0 && !world.results.ended.contains_key(&listing));
    // Single bytes are no progress.
    for _ in 0..11 {
        world.advance(Duration::from_millis(100));
    }
    let ended = world.results.ended.remove(&listing).expect("an end");
    let error = ended.expect_err("too late");
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Timeout, Some(Phase::Read))
    );
    assert!(world.wires.is_empty(), "nobody reads the rest");
}

#[test]
fn no_time_runs_while_a_stream_is_paused() {
    let mut world = world();
    world.manners[0] = Manner::Drips;
    let (listing, ticket) = world.list(PATIENCE);
    world.settle();
    step(&mut world, 2000);
    world.engine.pause(ticket);
    world.manners[0] = Manner::Answers;
    world.settle();
    let lines = world.lines(listing);
    assert!(lines > 0 && lines < 1000, "{lines}");
    world.advance(Duration::from_secs(3600));
    assert_eq!(world.lines(listing), lines, "nothing is read");
    assert!(!world.results.ended.contains_key(&listing));
    // Nobody else waits for that connection.
    assert_eq!(world.read("key7"), Ok(Some(b"v".to_vec())));
    world.engine.resume(ticket, world.now);
    world.settle();
    assert!(
        world
            .results
            .ended
            .remove(&listing)
            .expect("an end")
            .is_ok()
    );
    assert_eq!(world.lines(listing), 1000);
}

#[test]
fn after_a_pause_the_patience_is_whole_again() {
    let mut world = world();
    world.manners[0] = Manner::Silent;
    let (listing, ticket) = world.list(PATIENCE);
    world.settle();
    world.engine.pause(ticket);
    world.settle();
    world.advance(Duration::from_secs(60));
    world.engine.resume(ticket, world.now);
    world.settle();
    world.advance(Duration::from_millis(999));
    assert!(!world.results.ended.contains_key(&listing));
    world.advance(Duration::from_millis(1));
    let ended = world.results.ended.remove(&listing).expect("an end");
    assert_eq!(ended.expect_err("too late").kind(), ErrorKind::Timeout);
}

#[test]
fn a_stream_that_is_given_up_closes_its_connection() {
    let mut world = world();
    world.chunk = 1000;
    world.manners[0] = Manner::Drips;
    let (listing, ticket) = world.list(PATIENCE);
    world.settle();
    step(&mut world, 2000);
    world.engine.pause(ticket);
    world.settle();
    world.engine.cancel(ticket);
    world.settle();
    assert!(world.wires.is_empty());
    assert!(!world.results.ended.contains_key(&listing));
    world.engine.resume(ticket, world.now);
    assert!(world.engine.next_action().is_none());
}
