//! Routing does not allocate: counted, not assumed.

mod counting;

use memoxide::route::{Node, Preset, Router};

use self::counting::allocations;

#[test]
fn routing_does_not_allocate() {
    let keys: [&[u8]; 5] = [
        b"user:1",
        "schl\u{fc}ssel \u{1f600}".as_bytes(),
        b"it's",
        b"\xff\xfe no text",
        &[b'k'; 250],
    ];
    for preset in Preset::all() {
        for count in [1, 3, 100] {
            let node = |i| Node::new(format!("10.0.0.{i}"), 11211);
            let nodes: Vec<Node> = (0..count).map(node).collect();
            let router = Router::new(preset, &nodes).expect("even weights");
            let router = router.with_hash_tag(b'{', b'}');
            for key in keys {
                let counted = allocations(|| {
                    let first = router.route(key);
                    std::hint::black_box(router.route_parts(b"prefix:", key));
                    std::hint::black_box(router.route_live(key, |i| Some(i) != first));
                    std::hint::black_box(router.failover_order(key).count());
                });
                assert_eq!(counted, 0, "{preset}, {count} nodes");
            }
        }
    }
}
