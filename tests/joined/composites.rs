//! Operations that decide on the way.

use std::sync::Arc;
use std::time::Duration;

use memoxide::client::{Answer, CasOutcome, Counting, Operation, Outcome, Place, Plan};
use memoxide::protocol::{Codec, Direction, Expiry, StoreMode, Want};
use memoxide::value::Encoded;
use memoxide::{ErrorKind, Result};

use crate::world::{Manner, World};

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
