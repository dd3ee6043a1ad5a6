//! Clients for Node.

use super::{Entry, labelled_ring, modulo, ring};
use crate::route::hash::KeyHash;
use crate::route::node::Label;
use crate::route::plan::{Order, Points, Shape};
use crate::route::preset::Failover;

pub(super) const ENTRIES: &[Entry] = &[
    node_memcache(
        "node-memcache-ketama",
        "the default, which is no ketama: a rounded FNV-1a on 50 points per weight",
        ring(KeyHash::JsFnv1aBiased, Points::NodeMemcache),
    )
    .also(&["node-memcache"]),
    node_memcache(
        "node-memcache-ketama-sha1",
        "KetamaHash('sha1'): SHA-1 on 50 points per weight",
        ring(KeyHash::Sha1BeBiased, Points::NodeMemcache),
    ),
    node_memcache(
        "node-memcache-modula",
        "ModulaHash: a rounded FNV-1a modulo the list, servers repeated by weight",
        modulo(KeyHash::JsFnv1a, Order::Given, true),
    ),
    node_memcached(
        "node-memcached",
        "md5 on a ring of md5 points by weight, in double precision",
        ring(KeyHash::Md5, hash_ring(false, 4)),
    )
    .also(&["connect-memcached"])
    .fails_over(Failover::Rebuild, false),
    node_memcached(
        "node-memcached-hash_ring",
        "compatibility: 'hash_ring': 3 points per digest, names with port",
        labelled_ring(KeyHash::Md5, hash_ring(false, 3), Label::Full),
    )
    .fails_over(Failover::Rebuild, false),
    node_memcached(
        "node-memcached-sha1",
        "algorithm: 'sha1' for points and keys",
        ring(KeyHash::Sha1Le, hash_ring(true, 4)),
    )
    .fails_over(Failover::Rebuild, false),
    node_memcached(
        "node-memcached-weight-objects",
        "as node-memcached, the server map giving {weight: n}",
        ring(KeyHash::Md5, hash_ring(false, 4)),
    )
    .fails_over(Failover::Rebuild, false),
    Entry::new(
        "memjs",
        "memjs",
        "1.3.2",
        "the string hash of Java over UTF-16 modulo the server list",
        modulo(KeyHash::Java, Order::Given, false),
    )
    .fails_over(Failover::Next, false),
];

const fn hash_ring(sha1: bool, per_digest: usize) -> Points {
    Points::HashRing { sha1, per_digest }
}

const fn node_memcached(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    Entry::new(
        name,
        "memcached (npm, 3rd-Eden)",
        "2.2.2",
        description,
        shape,
    )
    .reads_zero_as_one()
}

const fn node_memcache(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    Entry::new(
        name,
        "memcache (npm, jaredwray)",
        "1.7.0",
        description,
        shape,
    )
    .reads_zero_as_one()
}
