//! Routing does not allocate: counted, not assumed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use memoxide::route::{Node, Preset, Router};

/// Counts what the current thread allocates.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert!(allocations(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(9)))) > 0);
}

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
