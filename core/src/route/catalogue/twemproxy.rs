//! twemproxy, also called nutcracker.

use super::{Entry, modulo, ring};
use crate::route::hash::KeyHash;
use crate::route::plan::{Order, Points, Shape};
use crate::route::preset::Failover;

pub(super) const ENTRIES: &[Entry] = &[
    twemproxy(
        "twemproxy-default",
        "distribution: ketama, hash: fnv1a_64 on the weighted md5 ring",
        ring(KeyHash::Fnv1a64, Points::Twemproxy),
    )
    .also(&["twemproxy"]),
    twemproxy(
        "twemproxy-ketama-crc16",
        "distribution: ketama, hash: crc16 on the weighted md5 ring",
        ring(KeyHash::Crc16, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-crc32",
        "distribution: ketama, hash: crc32 on the weighted md5 ring",
        ring(KeyHash::Crc15, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-crc32a",
        "distribution: ketama, hash: crc32a on the weighted md5 ring",
        ring(KeyHash::Crc32, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-fnv1_32",
        "distribution: ketama, hash: fnv1_32 on the weighted md5 ring",
        ring(KeyHash::Fnv1_32, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-fnv1_64",
        "distribution: ketama, hash: fnv1_64 on the weighted md5 ring",
        ring(KeyHash::Fnv1_64, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-fnv1a_32",
        "distribution: ketama, hash: fnv1a_32 on the weighted md5 ring",
        ring(KeyHash::Fnv1a32, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-hsieh",
        "distribution: ketama, hash: hsieh on the weighted md5 ring",
        ring(KeyHash::Hsieh, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-jenkins",
        "distribution: ketama, hash: jenkins on the weighted md5 ring",
        ring(KeyHash::Jenkins, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-md5",
        "distribution: ketama, hash: md5 on the weighted md5 ring",
        ring(KeyHash::Md5, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-murmur",
        "distribution: ketama, hash: murmur on the weighted md5 ring",
        ring(KeyHash::Murmur2, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-ketama-one_at_a_time",
        "distribution: ketama, hash: one_at_a_time on the weighted md5 ring",
        ring(KeyHash::OneAtATime, Points::Twemproxy),
    ),
    twemproxy(
        "twemproxy-modula-crc32",
        "distribution: modula, hash: crc32: servers sorted by name, repeated by weight",
        modulo(KeyHash::Crc15, Order::Name, true),
    ),
    twemproxy(
        "twemproxy-modula-crc32a",
        "distribution: modula, hash: crc32a: servers sorted by name, repeated by weight",
        modulo(KeyHash::Crc32, Order::Name, true),
    ),
    twemproxy(
        "twemproxy-modula-fnv1a_64",
        "distribution: modula, hash: fnv1a_64: servers sorted by name, repeated by weight",
        modulo(KeyHash::Fnv1a64, Order::Name, true),
    ),
    twemproxy(
        "twemproxy-modula-md5",
        "distribution: modula, hash: md5: servers sorted by name, repeated by weight",
        modulo(KeyHash::Md5, Order::Name, true),
    ),
    twemproxy(
        "twemproxy-modula-one_at_a_time",
        "distribution: modula, hash: one_at_a_time: servers sorted by name, repeated by weight",
        modulo(KeyHash::OneAtATime, Order::Name, true),
    ),
];

const fn twemproxy(name: &'static str, description: &'static str, shape: Shape) -> Entry {
    Entry::new(name, "twemproxy (nutcracker)", "0.5.0", description, shape)
        .fails_over(Failover::Rebuild, false)
}
