//! What routing costs beside the key's hash, and what building a router costs.
//!
//! `cargo bench -p memoxide --bench route` prints a table. Each figure is the
//! best of many rounds; hash and route take turns within a round, so that a
//! busy machine disturbs both alike.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::hint::black_box;
use std::time::Instant;

use memoxide::route::hash::{self, Char};
use memoxide::route::{Node, Preset, Router};

const ROUNDS: usize = 60;

/// A preset, the name of its key hash, and that hash alone.
type Subject = (&'static str, &'static str, fn(&[u8]) -> u64);

const SUBJECTS: [Subject; 9] = [
    ("ketama", "md5", |key| hash::md5(key).into()),
    ("twemproxy", "fnv1a_64", |key| {
        hash::fnv1a_64(key, Char::Signed).into()
    }),
    ("pylibmc-ketama", "one_at_a_time", |key| {
        hash::one_at_a_time(key, Char::Signed).into()
    }),
    ("python-memcached", "crc15", |key| hash::crc15(key).into()),
    ("memjs", "java", |key| hash::java(key).unsigned_abs().into()),
    ("dalli", "crc32", |key| hash::crc32(key).into()),
    ("meta-memcache", "md5", |key| hash::md5(key).into()),
    ("jump", "xxh3", |key| hash::xxh3(key, 0)),
    ("rendezvous", "xxh3", |key| hash::xxh3(key, 0)),
];

fn main() {
    let keys: Vec<String> = (0..4096)
        .map(|i: u32| format!("user:{}:profile", i.wrapping_mul(2_654_435_761)))
        .collect();
    println!(
        "{:<18} {:<14} {:>8} {:>17} {:>17} {:>12}",
        "preset", "key hash", "hash", "route, 3 nodes", "route, 100 nodes", "build 100"
    );
    for (name, hash_name, bare) in SUBJECTS {
        let preset = Preset::by_name(name).expect("a known preset");
        let (few, many) = (router(preset, 3), router(preset, 100));
        let mut best = [f64::INFINITY; 4];
        for _ in 0..ROUNDS {
            let hash = per_key(&keys, |key| bare(key) as usize);
            let few = per_key(&keys, |key| few.route(key).unwrap_or_default());
            let many = per_key(&keys, |key| many.route(key).unwrap_or_default());
            let start = Instant::now();
            black_box(router(preset, 100));
            let build = start.elapsed().as_secs_f64() * 1e3;
            for (best, measured) in best.iter_mut().zip([hash, few, many, build]) {
                *best = best.min(measured);
            }
        }
        let [hash, few, many, build] = best;
        println!(
            "{name:<18} {hash_name:<14} {hash:>5.1} ns {few:>5.1} ns ({:>4.2} x) {many:>5.1} ns ({:>4.2} x) {build:>9.2} ms",
            few / hash,
            many / hash,
        );
    }
}

fn router(preset: Preset, count: usize) -> Router {
    let nodes: Vec<Node> = (0..count)
        .map(|i| Node::new(format!("10.20.{}.{}", i / 250, i % 250), 11211))
        .collect();
    Router::new(preset, &nodes).expect("even weights")
}

/// Returns the nanoseconds that one key takes.
fn per_key(keys: &[String], mut work: impl FnMut(&[u8]) -> usize) -> f64 {
    let start = Instant::now();
    for key in keys {
        black_box(work(black_box(key.as_bytes())));
    }
    start.elapsed().as_secs_f64() * 1e9 / keys.len() as f64
}
