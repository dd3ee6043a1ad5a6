//! Clients for Go, Ruby and Rust, mcrouter, and our own placements.

use super::{Entry, modulo, ring};
use crate::route::hash::KeyHash;
use crate::route::plan::{Order, Points, Shape};
use crate::route::preset::Failover;
use crate::route::rendezvous::Scoring;

pub(super) const ENTRIES: &[Entry] = &[
    own(
        "ketama",
        "the default: the weighted md5 ring of libmemcached, PHP and twemproxy",
        ring(KeyHash::Md5, Points::Weighted),
    )
    .hashes_the_bare_key()
    .fails_over(Failover::Rebuild, false),
    own(
        "jump",
        "jump consistent hash of XXH3: lists grow and shrink only at the end",
        Shape::Jump,
    )
    .fails_over(Failover::Next, false),
    own(
        "rendezvous",
        "weighted rendezvous with XXH3, for up to some dozens of servers",
        Shape::Rendezvous(Scoring::Xxh3),
    )
    .fails_over(Failover::Rebuild, false),
    Entry::new(
        "dalli",
        "dalli",
        "3.0.6",
        "CRC-32 on a ring of SHA-1 points by weight, the point before the key",
        ring(KeyHash::Crc32, Points::Dalli),
    )
    .fails_over(Failover::Rehash, true),
    Entry::new(
        "gomemcache",
        "gomemcache",
        "v0.0.0-20250403145159-8d39553ac7cf",
        "CRC-32 modulo the server list, servers repeated by weight",
        modulo(KeyHash::Crc32Of256, Order::Given, true),
    ),
    mcrouter(
        "mcrouter-ch3",
        "Ch3, the default: only the position in the pool counts",
        Shape::Ch3,
    )
    .also(&["mcrouter"]),
    mcrouter(
        "mcrouter-crc32",
        "Crc32: 31 bits of CRC-32 modulo the pool",
        modulo(KeyHash::Crc31, Order::Given, false),
    ),
    Entry::new(
        "rust-memcache",
        "memcache (crate)",
        "0.21.0",
        "SipHash-1-3 modulo the server list; its owner does not promise it",
        modulo(KeyHash::Sip13, Order::Given, false),
    ),
];

const fn own(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    Entry::new(
        name,
        "memoxide",
        env!("CARGO_PKG_VERSION"),
        description,
        shape,
    )
}

const fn mcrouter(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    let client = "mcrouter (hash library built from source)";
    Entry::new(name, client, "main 2026-08", description, shape)
}
