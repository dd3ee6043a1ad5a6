//! Clients for Python that are their own implementation.

use super::{Entry, modulo, ring};
use crate::route::hash::KeyHash;
use crate::route::plan::{Order, Points, Shape};
use crate::route::preset::Failover;
use crate::route::rendezvous::Scoring;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        "emcache",
        "emcache",
        "1.3.3",
        "rendezvous with a cut-down MurmurHash3",
        Shape::Rendezvous(Scoring::Emcache),
    )
    .fails_over(Failover::Rebuild, false),
    meta_memcache(
        "meta-memcache",
        "md5 as a 128-bit number on 160 points per server",
        Shape::WideRing,
    ),
    meta_memcache(
        "meta-memcache-nonconsistent",
        "NonConsistentHashPoolProvider: CRC-32 modulo the server list",
        modulo(KeyHash::Crc32, Order::Given, false),
    ),
    pymemcache(
        "pymemcache",
        "rendezvous with MurmurHash3 over keys that are str",
        Shape::Rendezvous(Scoring::PymemcacheText),
    )
    .also(&["django-pymemcache"])
    .fails_over(Failover::Rebuild, true),
    pymemcache(
        "pymemcache-bytes-keys",
        "as pymemcache when the application passes its keys as bytes",
        Shape::Rendezvous(Scoring::PymemcacheBytes),
    )
    .fails_over(Failover::Rebuild, true),
    python_memcached(
        "python-memcached",
        "15 bits of CRC-32 modulo the server list, servers repeated by weight",
        modulo(KeyHash::Crc15, Order::Given, true),
    )
    .fails_over(Failover::Rehash, true),
    python_memcached(
        "python-memcached-crc32",
        "after useOldServerHashFunction(): CRC-32 modulo the server list",
        modulo(KeyHash::Crc32, Order::Given, true),
    )
    .fails_over(Failover::Rehash, true),
    Entry::new(
        "uhashring-ketama",
        "uhashring",
        "2.5",
        "hash_fn='ketama': md5 on a ring of md5 points, names with port",
        ring(KeyHash::Md5, Points::Uhashring),
    )
    .fails_over(Failover::Rebuild, false),
];

const fn python_memcached(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    Entry::new(name, "python-memcached", "1.62", description, shape)
}

const fn pymemcache(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    Entry::new(name, "pymemcache", "4.0.0", description, shape).hashes_the_bare_key()
}

const fn meta_memcache(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    Entry::new(name, "meta-memcache", "4.3.0", description, shape)
}
