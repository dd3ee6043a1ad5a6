//! What all routers have in common.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::hash::{self, Char, KeyHash};
use super::plan::{Order, Points, Shape};
use super::{Failover, HashNumber, Node, Preset, Router};
use crate::error::{Error, ErrorKind};

fn nodes(count: usize) -> Vec<Node> {
    let node = |i| Node::new(format!("node{i}.example"), 11211);
    (0..count).map(node).collect()
}

fn keys(count: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|i| format!("user:{i}:profile").into_bytes())
}

fn router(name: &str, nodes: &[Node]) -> Router {
    Router::new(Preset::by_name(name).expect("known"), nodes).expect("modest weights")
}

/// Whether removing a node moves no keys but its own: rings whose points do not
/// depend on the other nodes, and rendezvous.
fn removal_is_local(preset: Preset) -> bool {
    match preset.entry.shape {
        Shape::Rendezvous(_) | Shape::WideRing => true,
        Shape::Ring { points, .. } => points != Points::EvenUnlessWeighted,
        _ => false,
    }
}

/// Whether the shares are near even, which some clients do not achieve.
fn spreads(preset: Preset) -> bool {
    match preset.entry.shape {
        // Keys of 15 bits all lie on the first arc of a ring of 32.
        Shape::Ring { hash, .. } => hash != KeyHash::Crc15,
        // The low bits are rounded away.
        Shape::Modulo { hash, .. } => hash != KeyHash::JsFnv1a,
        _ => true,
    }
}

#[test]
fn removing_one_of_n_moves_its_keys_and_no_other() {
    const KEYS: usize = 2000;
    for preset in Preset::all().filter(|preset| removal_is_local(*preset)) {
        // Both counts give every ring its full number of points.
        for count in [3, 10] {
            let router = Router::new(preset, &nodes(count)).expect("even weights");
            let without = router.without(&[1]).expect("even weights");
            let mut moved = 0;
            for key in keys(KEYS) {
                let before = router.route(&key);
                if before == Some(1) {
                    moved += 1;
                    assert_ne!(without.route(&key), before, "{preset}");
                } else {
                    assert_eq!(without.route(&key), before, "{preset}");
                }
            }
            let share = moved * count;
            if spreads(preset) {
                assert!((KEYS / 2..KEYS * 2).contains(&share), "{preset}: {moved}");
            }
        }
    }
}

#[test]
fn weights_share_out_the_keys() {
    const KEYS: usize = 20_000;
    let mut nodes = nodes(3);
    nodes[1].weight = 2;
    nodes[2].weight = 5;
    for preset in Preset::all().filter(|preset| preset.uses_weights() && spreads(*preset)) {
        let router = Router::new(preset, &nodes).expect("modest weights");
        let mut taken = [0; 3];
        for key in keys(KEYS) {
            taken[router.route(&key).expect("three nodes")] += 1;
        }
        for (taken, weight) in taken.into_iter().zip([1, 2, 5]) {
            let fair = KEYS * weight / 8;
            assert!(
                (fair * 7 / 10..fair * 14 / 10).contains(&taken),
                "{preset}: {taken} of {fair}"
            );
        }
    }
}

#[test]
fn a_node_without_weight_gets_no_keys_unless_the_client_reads_one() {
    let mut nodes = nodes(4);
    nodes[0].weight = 0;
    nodes[3].weight = 0;
    for preset in Preset::all() {
        let router = Router::new(preset, &nodes).expect("modest weights");
        let used = keys(300).filter(|key| {
            router
                .route(key)
                .is_some_and(|index| [0, 3].contains(&index))
        });
        assert_eq!(
            used.count() > 0,
            preset.zero_weight_counts_as_one(),
            "{preset}"
        );
    }
}

#[test]
fn nowhere_to_go() {
    for preset in Preset::all() {
        let empty = Router::new(preset, &[]).expect("no nodes");
        assert_eq!(empty.route(b"key"), None);
        assert_eq!(empty.failover_order(b"key").count(), 0);
        let router = Router::new(preset, &nodes(3)).expect("even weights");
        let none = router.without(&[0, 1, 2]).expect("no nodes");
        assert_eq!(none.route(b"key"), None, "{preset}");
        assert_eq!(router.route_live(b"key", |_| false), None, "{preset}");
        assert_eq!(none.failover_order(b"key").count(), 0);
    }
}

#[test]
fn one_node_gets_everything() {
    for preset in Preset::all() {
        let router = Router::new(preset, &nodes(1)).expect("one node");
        assert_eq!(router.route(b"key"), Some(0), "{preset}");
        assert!(router.failover_order(b"key").eq([0]), "{preset}");
        let router = Router::new(preset, &nodes(3)).expect("even weights");
        let last = router.without(&[0, 2]).expect("one node");
        assert_eq!(last.route(b"key"), Some(1), "{preset}");
        assert!(last.failover_order(b"key").eq([1]), "{preset}");
    }
}

#[test]
fn leaving_out_twice_is_leaving_out_both() {
    let router = router("ketama", &nodes(5));
    let once = router.without(&[3, 1]).expect("three left");
    let twice = router
        .without(&[1])
        .expect("four left")
        .without(&[3])
        .expect("three left");
    for key in keys(200) {
        assert_eq!(once.route(&key), twice.route(&key));
    }
}

#[test]
fn routing_around_the_dead_agrees_with_building_again() {
    let dead = [0, 2];
    for preset in Preset::all().filter(|preset| preset.failover() == Failover::Rebuild) {
        let router = Router::new(preset, &nodes(6)).expect("even weights");
        let rebuilt = router.without(&dead).expect("four left");
        for key in keys(200) {
            let around = router.route_live(&key, |index| !dead.contains(&index));
            assert_eq!(around, rebuilt.route(&key), "{preset}");
        }
    }
}

#[test]
fn order_of_the_list_does_not_matter_to_a_ring() {
    let forward = nodes(7);
    let backward: Vec<Node> = forward.iter().rev().cloned().collect();
    for preset in Preset::all() {
        let by_name = match preset.entry.shape {
            Shape::Modulo { order, .. } => order != Order::Given,
            Shape::Ring { .. } | Shape::Rendezvous(_) | Shape::WideRing => true,
            Shape::Ch3 | Shape::Custom | Shape::Jump => false,
        };
        let (forward, backward) = (
            Router::new(preset, &forward).expect("even weights"),
            Router::new(preset, &backward).expect("even weights"),
        );
        let same =
            keys(200).all(|key| forward.route(&key) == backward.route(&key).map(|index| 6 - index));
        assert_eq!(same, by_name, "{preset}");
    }
}

#[test]
fn a_name_keeps_the_keys_when_the_node_moves() {
    let named = |host: &str| {
        let node = |i| Node::new(format!("{host}{i}"), 11211).with_name(format!("shard{i}"));
        (0..4).map(node).collect::<Vec<_>>()
    };
    for name in ["twemproxy", "meta-memcache", "ketama", "rendezvous"] {
        let (old, new) = (router(name, &named("old")), router(name, &named("new")));
        assert!(
            keys(200).all(|key| old.route(&key) == new.route(&key)),
            "{name}"
        );
    }
}

#[test]
fn a_prefix_is_hashed_where_the_client_hashes_it() {
    for preset in Preset::all() {
        let router = Router::new(preset, &nodes(5)).expect("even weights");
        for key in keys(50) {
            let wire = [b"app:", &key[..]].concat();
            let hashed = if preset.hashes_prefix() { &wire } else { &key };
            assert_eq!(router.hashed_part(&wire, 4), hashed);
            assert_eq!(
                router.route_parts(b"app:", &key),
                router.route(hashed),
                "{preset}"
            );
        }
        let long = [b'k'; 600];
        assert_eq!(
            router.route_parts(&long, b"key"),
            router.route(router.hashed_part(&[&long[..], b"key"].concat(), 600)),
        );
    }
}

#[test]
fn libmemcached_gives_up_hashing_a_long_key_with_its_prefix() {
    let router = router("php-memcached-prefix-hashed", &nodes(5));
    let (long, longer) = ([b'a'; 251], [b'b'; 300]);
    assert_eq!(router.route(&long), router.route(&longer));
}

#[test]
fn only_the_tag_is_hashed_when_it_has_content() {
    let router = router("twemproxy", &nodes(9)).with_hash_tag(b'{', b'}');
    let plain = router.clone().without(&[]).expect("all nodes");
    for key in keys(50) {
        let tagged = [b"x{", &key[..], b"}y{other}"].concat();
        assert_eq!(router.route(&tagged), router.route(&key));
        assert_eq!(
            plain.route(&tagged),
            router.route(&key),
            "the tag outlives a rebuild"
        );
    }
    let untagged = self::router("twemproxy", &nodes(9));
    for key in ["{}a", "a}b{c", "{open", "none"] {
        assert_eq!(
            router.route(key.as_bytes()),
            untagged.route(key.as_bytes()),
            "{key}"
        );
    }
}

/// As python-memcached 1.62 answered `_get_server((number, key))`.
#[test]
fn a_number_takes_the_place_of_the_hash() {
    let md5 = "252147611454245478552420385162344844498";
    let numbers = [
        "0",
        "1",
        "5",
        "-1",
        "-7",
        "4294967296",
        "18446744073709551619",
        md5,
    ];
    type Case<'a> = (&'a [u32], &'a [usize], [Option<usize>; 8]);
    let cases: [Case<'_>; 5] = [
        (&[1, 1, 1], &[], [0, 1, 2, 2, 2, 1, 1, 1].map(Some)),
        (&[1, 2, 3], &[], [0, 1, 2, 2, 2, 2, 1, 2].map(Some)),
        (&[1, 1, 1], &[1], [0, 0, 2, 2, 2, 0, 0, 0].map(Some)),
        (
            &[1, 1, 1, 1, 1],
            &[0, 1, 3],
            [4, 4, 4, 4, 2, 2, 4, 2].map(Some),
        ),
        (
            &[1, 30, 1],
            &[1],
            [
                Some(0),
                Some(0),
                Some(2),
                Some(2),
                None,
                Some(0),
                Some(0),
                None,
            ],
        ),
    ];
    for (weights, dead, wanted) in cases {
        let weighted = nodes(weights.len()).into_iter().zip(weights);
        let nodes: Vec<Node> = weighted
            .map(|(node, weight)| node.with_weight(*weight))
            .collect();
        let router = router("python-memcached", &nodes);
        for (number, wanted) in numbers.into_iter().zip(wanted) {
            let rehashed: crate::Result<_> = router.route_rehashing(
                number.to_owned(),
                |index| Ok(!dead.contains(&index)),
                |text| Ok(hash::crc15(text.as_bytes()).to_string()),
            );
            assert_eq!(rehashed, Ok(wanted), "{number} {weights:?} {dead:?}");
            let number = HashNumber::parse(number).expect("an integer");
            let routed = router.route_number(number, |index| !dead.contains(&index));
            assert_eq!(routed, wanted, "{number:?} {weights:?} {dead:?}");
        }
    }
}

#[test]
fn a_number_is_placed_by_every_preset() {
    let number = HashNumber::parse("12345678901234567890123").expect("an integer");
    for preset in Preset::all() {
        let router = Router::new(preset, &nodes(4)).expect("even weights");
        let first = router.route_number(number, |_| true).expect("a node");
        let next = router.route_number(number, |index| index != first);
        assert_ne!(next, Some(first), "{preset}");
    }
}

#[test]
fn a_custom_function_gets_the_key_and_weights_count() {
    let mut nodes = nodes(3);
    nodes[0].weight = 0;
    nodes[2].weight = 2;
    let router = Router::custom(&nodes, |key| key.len() as u64).expect("modest weights");
    assert_eq!(router.preset().name(), "custom");
    let routed = ["", "1", "22", "333"].map(|key| router.route(key.as_bytes()));
    assert_eq!(routed, [1, 2, 2, 1].map(Some));
    assert!(router.failover_order(b"1").eq([2, 1]));
}

#[test]
fn a_function_that_names_nodes_is_followed_whatever_the_weights() {
    let mut nodes = nodes(3);
    nodes[0].weight = 0;
    let refuse = || Error::new(ErrorKind::Encode, "no");
    let number = move |key: &[u8]| match key {
        [digit @ b'0'..=b'9'] => Ok(usize::from(digit - b'0')),
        _ => Err(refuse()),
    };
    let router = Router::choosing(&nodes, number);
    assert_eq!(router.preset().name(), "custom");
    assert_eq!(router.try_route(b"app:", b"0").expect("a node"), Some(0));
    assert!(router.failover_order(b"1").eq([1, 2, 0]));
    assert_eq!(router.route_live(b"1", |index| index != 1), Some(2));
    let without = router.without(&[1]).expect("no weights");
    assert_eq!(without.route(b"1"), Some(2));
    assert_eq!(
        without.without(&[2]).expect("no weights").route(b"2"),
        Some(0)
    );

    let kind = |key| router.try_route(b"", key).expect_err("no node").kind();
    assert_eq!(kind(b"x"), ErrorKind::Encode);
    assert_eq!(kind(b"3"), ErrorKind::InvalidArgument);
    assert_eq!(router.route(b"3"), None);
    assert!(router.failover_order(b"3").eq([0, 1, 2]));
}

#[test]
fn a_mistaken_weight_is_refused() {
    let heavy = [Node::new("a", 1).with_weight(u32::MAX), Node::new("b", 1)];
    for name in ["python-memcached", "node-memcache", "gomemcache", "jump"] {
        let error = Router::new(Preset::by_name(name).expect("known"), &heavy);
        assert_eq!(
            error.expect_err("too heavy").kind(),
            ErrorKind::Config,
            "{name}"
        );
    }
    let share = router("ketama", &heavy).route(b"key");
    assert_eq!(share, Some(0), "a ring by share has no more points");
}

#[test]
fn many_nodes_each_have_their_turn() {
    for name in [
        "ketama",
        "python-memcached",
        "memjs",
        "dalli",
        "rendezvous",
        "jump",
    ] {
        let router = router(name, &nodes(300));
        let mut order: Vec<usize> = router.failover_order(b"user:1").collect();
        assert_eq!(order.first().copied(), router.route(b"user:1"), "{name}");
        order.sort_unstable();
        assert!(order.into_iter().eq(0..300), "{name}");
    }
}

/// Computed by a program of its own from the definitions: `jump` of the XXH3 of
/// the key; for `rendezvous` the XXH3 of the key's XXH3, seeded by that of
/// `host:port`, and weight / -ln(score).
#[test]
fn our_own_placements_stay_what_they_are() {
    let mut keys: Vec<String> = (0..12).map(|i| format!("user:{i}")).collect();
    keys.extend(["schlüssel", "🚀"].map(str::to_owned));
    let even = nodes(5);
    let weights = even.iter().cloned().zip(1..);
    let weighted: Vec<Node> = weights
        .map(|(node, weight)| node.with_weight(weight))
        .collect();
    for (name, nodes, wanted) in [
        (
            "rendezvous",
            &even,
            [4, 2, 1, 0, 4, 2, 4, 4, 1, 2, 3, 2, 0, 2],
        ),
        (
            "rendezvous",
            &weighted,
            [4, 4, 3, 4, 4, 4, 4, 4, 1, 2, 3, 2, 0, 2],
        ),
        ("jump", &even, [2, 1, 4, 2, 1, 3, 2, 2, 2, 4, 4, 0, 0, 4]),
        (
            "jump",
            &weighted,
            [4, 1, 4, 3, 4, 4, 3, 4, 4, 4, 2, 4, 4, 2],
        ),
    ] {
        let router = router(name, nodes);
        let routed = keys.iter().map(|key| router.route(key.as_bytes()));
        assert!(routed.eq(wanted.map(Some)), "{name}");
    }
}

#[test]
fn on_arm_a_char_has_no_sign() {
    let nodes = nodes(3);
    let (x86, arm) = (
        router("php-memcached", &nodes),
        router("php-memcached+arm", &nodes),
    );
    let mut differ = 0;
    for i in 0..50 {
        let key = format!("schlüssel:{i}");
        let hash = hash::one_at_a_time(key.as_bytes(), Char::Unsigned);
        assert_eq!(arm.route(key.as_bytes()), Some(hash as usize % 3));
        differ += usize::from(arm.route(key.as_bytes()) != x86.route(key.as_bytes()));
    }
    assert!(differ > 0);
    assert!(
        keys(50).all(|key| arm.route(&key) == x86.route(&key)),
        "plain ASCII"
    );
}

/// A router of five nodes for each preset.
static ROUTERS: LazyLock<Vec<Router>> = LazyLock::new(|| {
    let router = |preset| Router::new(preset, &nodes(5)).expect("even weights");
    Preset::all().map(router).collect()
});

proptest! {
    #[test]
    fn any_bytes_are_placed(key: Vec<u8>) {
        for router in ROUTERS.iter() {
            let first = router.route(&key);
            prop_assert!(first.is_some_and(|index| index < 5));
            prop_assert_eq!(router.failover_order(&key).next(), first);
            prop_assert_eq!(router.route_live(&key, |_| true), first);
            let other = router.route_live(&key, |index| Some(index) != first);
            prop_assert_ne!(other, first);
        }
    }
}
