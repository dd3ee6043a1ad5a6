//! The clients over libmemcached: pylibmc, php-memcached, PHP sessions.

use super::{Entry, labelled_ring, modulo, ring};
use crate::route::hash::KeyHash;
use crate::route::node::Label;
use crate::route::plan::{Order, Points, Shape};
use crate::route::preset::Failover;

pub(super) const ENTRIES: &[Entry] = &[
    php(
        "php-memcached-consistent",
        "DISTRIBUTION_CONSISTENT before addServer: one-at-a-time on an even or weighted ring",
        ring(KeyHash::OneAtATime, Points::EvenUnlessWeighted),
    ),
    php(
        "php-memcached-consistent-crc",
        "as php-memcached-consistent with HASH_CRC",
        ring(KeyHash::Crc15, Points::EvenUnlessWeighted),
    ),
    php(
        "php-memcached-consistent-fnv1_32",
        "as php-memcached-consistent with HASH_FNV1_32",
        ring(KeyHash::Fnv1_32, Points::EvenUnlessWeighted),
    ),
    php(
        "php-memcached-consistent-fnv1_64",
        "as php-memcached-consistent with HASH_FNV1_64",
        ring(KeyHash::Fnv1_64, Points::EvenUnlessWeighted),
    ),
    php(
        "php-memcached-consistent-fnv1a_32",
        "as php-memcached-consistent with HASH_FNV1A_32",
        ring(KeyHash::Fnv1a32, Points::EvenUnlessWeighted),
    ),
    php(
        "php-memcached-consistent-fnv1a_64",
        "as php-memcached-consistent with HASH_FNV1A_64",
        ring(KeyHash::Fnv1a64, Points::EvenUnlessWeighted),
    ),
    php(
        "php-memcached-consistent-md5",
        "as php-memcached-consistent with HASH_MD5",
        ring(KeyHash::Md5, Points::EvenUnlessWeighted),
    ),
    php(
        "php-memcached-consistent-murmur",
        "as php-memcached-consistent with HASH_MURMUR",
        ring(KeyHash::Murmur2, Points::EvenUnlessWeighted),
    ),
    php(
        "php-memcached-consistent-set-after-servers",
        "DISTRIBUTION_CONSISTENT after addServer: one-at-a-time on an even ring",
        ring(KeyHash::OneAtATime, Points::Even),
    ),
    php(
        "php-memcached-default",
        "one-at-a-time modulo the server list",
        modulo(KeyHash::OneAtATime, Order::Given, false),
    )
    .also(&["php-memcached"]),
    php(
        "php-memcached-libketama",
        "OPT_LIBKETAMA_COMPATIBLE: the weighted md5 ring",
        ring(KeyHash::Md5, Points::Weighted),
    )
    .also(&["libmemcached-ketama-weighted"]),
    php(
        "php-memcached-modula-crc",
        "OPT_HASH = HASH_CRC: modulo the server list",
        modulo(KeyHash::Crc15, Order::Given, false),
    ),
    php(
        "php-memcached-modula-fnv1_32",
        "OPT_HASH = HASH_FNV1_32: modulo the server list",
        modulo(KeyHash::Fnv1_32, Order::Given, false),
    ),
    php(
        "php-memcached-modula-fnv1_64",
        "OPT_HASH = HASH_FNV1_64: modulo the server list",
        modulo(KeyHash::Fnv1_64, Order::Given, false),
    ),
    php(
        "php-memcached-modula-fnv1a_32",
        "OPT_HASH = HASH_FNV1A_32: modulo the server list",
        modulo(KeyHash::Fnv1a32, Order::Given, false),
    ),
    php(
        "php-memcached-modula-fnv1a_64",
        "OPT_HASH = HASH_FNV1A_64: modulo the server list",
        modulo(KeyHash::Fnv1a64, Order::Given, false),
    ),
    php(
        "php-memcached-modula-md5",
        "OPT_HASH = HASH_MD5: modulo the server list",
        modulo(KeyHash::Md5, Order::Given, false),
    ),
    php(
        "php-memcached-modula-murmur",
        "OPT_HASH = HASH_MURMUR: modulo the server list",
        modulo(KeyHash::Murmur2, Order::Given, false),
    ),
    php(
        "php-memcached-prefix",
        "as php-memcached-libketama with OPT_PREFIX_KEY, which is not hashed",
        ring(KeyHash::Md5, Points::Weighted),
    ),
    php(
        "php-memcached-prefix-hashed",
        "as php-memcached-prefix with HASH_WITH_PREFIX_KEY: prefix and key hashed",
        ring(KeyHash::Md5UpTo250, Points::Weighted),
    )
    .hashes_the_prefix(),
    php(
        "php-memcached-sorted",
        "OPT_SORT_HOSTS: one-at-a-time modulo the list sorted by host and port",
        modulo(KeyHash::OneAtATime, Order::Host, false),
    ),
    session(
        "php-session-ketama",
        "the default of PHP sessions: one-at-a-time of the id on an even ring",
        ring(KeyHash::OneAtATime, Points::Even),
    )
    .also(&["php-session"]),
    session(
        "php-session-ketama_weighted",
        "sess_consistent_hash_type = ketama_weighted: the weighted md5 ring",
        ring(KeyHash::Md5, Points::Weighted),
    ),
    session(
        "php-session-modula",
        "sess_consistent_hash = Off: one-at-a-time modulo the server list",
        modulo(KeyHash::OneAtATime, Order::Given, false),
    ),
    pylibmc(
        "pylibmc-consistent-md5",
        "distribution: consistent, hash: md5: md5 on an even or weighted ring",
        ring(KeyHash::Md5, Points::EvenUnlessWeighted),
    ),
    pylibmc(
        "pylibmc-default",
        "one-at-a-time modulo the server list",
        modulo(KeyHash::OneAtATime, Order::Given, false),
    )
    .also(&["pylibmc", "django-pylibmc", "libmemcached"]),
    pylibmc(
        "pylibmc-ketama",
        "ketama: True: one-at-a-time on an even or weighted ring",
        ring(KeyHash::OneAtATime, Points::EvenUnlessWeighted),
    ),
    pylibmc(
        "pylibmc-ketama-fnv1a_32",
        "as pylibmc-ketama with hash: fnv1a_32",
        ring(KeyHash::Fnv1a32, Points::EvenUnlessWeighted),
    ),
    pylibmc(
        "pylibmc-ketama-weighted",
        "ketama_weighted: True: the weighted md5 ring",
        ring(KeyHash::Md5, Points::Weighted),
    ),
    pylibmc(
        "pylibmc-modula-crc",
        "hash: crc: 15 bits of CRC-32 modulo the server list",
        modulo(KeyHash::Crc15, Order::Given, false),
    ),
];

const fn pylibmc(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    let shape = match shape {
        Shape::Ring { hash, points, .. } => labelled_ring(hash, points, Label::ShortWithZero),
        shape => shape,
    };
    family(name, "pylibmc", "1.6.3", description, shape)
}

const fn php(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    family(name, "php-memcached", "3.2.0", description, shape)
}

const fn session(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    let client = "php-memcached session handler";
    family(name, client, "3.2.0", description, shape)
}

/// What libmemcached does under all of them: the prefix is not hashed, a weight
/// of 0 is read as 1, and only a ring is built again without dead servers.
const fn family(
    name: &'static str,
    client: &'static str,
    version: &'static str,
    description: &'static str,
    shape: Shape,
) -> Entry {
    let entry = Entry::new(name, client, version, description, shape)
        .hashes_the_bare_key()
        .reads_zero_as_one();
    match shape {
        Shape::Ring { .. } => entry.fails_over(Failover::Rebuild, false),
        _ => entry,
    }
}
