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
    // Up to the beginning of a line, so that none ends below.
    while world.lines(listing) == lines {
        world.advance(Duration::from_millis(1));
    }
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

#[test]
fn a_busy_server_is_asked_again_until_it_lists() {
    let mut world = world();
    let other = world.occupy(0);
    let (listing, _) = world.submit_within(world.keys(), Duration::from_secs(10));
    world.settle();
    let before = world.writes;
    for _ in 0..400 {
        world.advance(Duration::from_millis(10));
        assert!(!world.results.ended.contains_key(&listing));
    }
    let attempts = world.writes - before;
    assert!((27..80).contains(&attempts), "{attempts} in four seconds");
    drop(other);
    world.advance(Duration::from_millis(150));
    let ended = world.results.ended.remove(&listing).expect("an end");
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(world.lines(listing), 1000);
}

#[test]
fn a_server_that_stays_busy_is_asked_until_the_deadline() {
    let mut world = world();
    let _other = world.occupy(0);
    let (listing, _) = world.submit_within(world.keys(), Duration::from_secs(2));
    let (stream, _) = world.list(PATIENCE);
    world.settle();
    for (time, ended) in [
        (990, None),
        (10, Some(stream)),
        (990, None),
        (10, Some(listing)),
    ] {
        for _ in 0..time / 10 {
            world.advance(Duration::from_millis(10));
        }
        let over = world.results.ended.pop_first();
        assert_eq!(over.as_ref().map(|(token, _)| *token), ended);
        if let Some((_, result)) = over {
            let error = result.expect_err("nothing was listed");
            assert_eq!(error.kind(), ErrorKind::Timeout);
        }
    }
}

#[test]
fn only_the_servers_that_were_busy_are_asked_again() {
    let mut world = World::new(2);
    for n in 0..1000 {
        let set = world.set(&format!("key{n}"), "v");
        world.run(set).expect("stored");
    }
    let other = world.occupy(1);
    let (listing, _) = world.submit_within(world.keys(), Duration::from_secs(10));
    world.settle();
    let first = world.lines(listing);
    assert!((1..1000).contains(&first), "{first}");
    for _ in 0..50 {
        world.advance(Duration::from_millis(10));
    }
    assert_eq!(world.lines(listing), first);
    drop(other);
    world.advance(Duration::from_millis(150));
    let ended = world.results.ended.remove(&listing).expect("an end");
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(world.lines(listing), 1000, "each key once");
}
