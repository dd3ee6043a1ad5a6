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

const SUBJECTS: [Subject; 21] = [
    ("ketama", "md5", |key| hash::md5(key).into()),
    ("pylibmc-ketama", "one_at_a_time", |key| {
        hash::one_at_a_time(key, Char::Signed).into()
    }),
    ("twemproxy", "fnv1a_64", |key| {
        hash::fnv1a_64(key, Char::Signed).into()
    }),
    ("twemproxy-ketama-crc16", "crc16", |key| {
        hash::crc16(key).into()
    }),
    ("twemproxy-ketama-crc32a", "crc32", |key| {
        hash::crc32(key).into()
    }),
    ("twemproxy-ketama-fnv1_32", "fnv1_32", |key| {
        hash::fnv1_32(key, Char::Signed).into()
    }),
    ("twemproxy-ketama-fnv1_64", "fnv1_64", |key| {
        hash::fnv1_64(key, Char::Signed).into()
    }),
    ("twemproxy-ketama-fnv1a_32", "fnv1a_32", |key| {
        hash::fnv1a_32(key, Char::Signed).into()
    }),
    ("twemproxy-ketama-hsieh", "hsieh", |key| {
        hash::hsieh(key, Char::Signed).into()
    }),
    ("twemproxy-ketama-jenkins", "jenkins", |key| {
        hash::jenkins(key).into()
    }),
    ("twemproxy-ketama-murmur", "murmur2", |key| {
        hash::murmur2(key).into()
    }),
    ("dalli", "crc32", |key| hash::crc32(key).into()),
    ("meta-memcache", "md5", |key| hash::md5(key).into()),
    ("python-memcached", "crc15", |key| hash::crc15(key).into()),
    ("gomemcache", "crc32", |key| hash::crc32(key).into()),
    ("memjs", "java", |key| hash::java(key).unsigned_abs().into()),
    ("rust-memcache", "sip13", hash::sip13),
    ("mcrouter-ch3", "murmur64a", |key| {
        hash::murmur64a(key, 4_193_360_111)
    }),
    ("pymemcache", "murmur3_x86_32", |key| {
        hash::murmur3_x86_32(key, 0).into()
    }),
    ("jump", "xxh3", |key| hash::xxh3(key, 0)),
    ("rendezvous", "xxh3", |key| hash::xxh3(key, 0)),
];

fn main() {
    let keys: Vec<String> = (0..4096)
        .map(|i: u32| format!("user:{}:profile", i.wrapping_mul(2_654_435_761)))
        .collect();
    println!(
        "{:<26} {:<14} {:>8} {:>17} {:>17} {:>12}",
        "preset", "key hash", "hash", "route, 3 nodes", "route, 100 nodes", "build 100"
    );
    for (name, hash_name, bare) in SUBJECTS {
        let preset = Preset::by_name(name).expect("a known preset");
        let (few, many) = (router(preset, 3), router(preset, 100));
        let mut best = [f64::INFINITY; 3];
        for _ in 0..ROUNDS {
            let hash = per_key(&keys, bare);
            let few = per_key(&keys, |key| few.route(key));
            let many = per_key(&keys, |key| many.route(key));
            for (best, measured) in best.iter_mut().zip([hash, few, many]) {
                *best = best.min(measured);
            }
        }
        let [hash, few, many] = best;
        // Apart from the rounds, because it empties the processor's caches.
        let build = (0..ROUNDS / 4).map(|_| {
            let start = Instant::now();
            black_box(router(preset, 100));
            start.elapsed().as_secs_f64() * 1e3
        });
        let build = build.fold(f64::INFINITY, f64::min);
        println!(
            "{name:<26} {hash_name:<14} {hash:>5.1} ns {few:>5.1} ns ({:>4.2} x) {many:>5.1} ns ({:>4.2} x) {build:>9.2} ms",
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
fn per_key<T>(keys: &[String], mut work: impl FnMut(&[u8]) -> T) -> f64 {
    let start = Instant::now();
    for key in keys {
        black_box(work(black_box(key.as_bytes())));
    }
    start.elapsed().as_secs_f64() * 1e9 / keys.len() as f64
}
