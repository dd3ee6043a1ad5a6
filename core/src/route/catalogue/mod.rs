//! The presets: what each is called, whose it is and how it is built.

mod libmemcached;
mod node;
mod others;
mod python;
mod twemproxy;

use super::hash::KeyHash;
use super::node::Label;
use super::plan::{Order, Points, Shape};
use super::preset::Failover;

/// One preset.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) client: &'static str,
    pub(crate) version: &'static str,
    pub(crate) description: &'static str,
    pub(crate) shape: Shape,
    pub(crate) hashes_prefix: bool,
    pub(crate) failover: Failover,
    /// Whether `failover` happens without being asked for.
    pub(crate) by_default: bool,
    /// Whether a weight of 0 is read as 1.
    pub(crate) zero_is_one: bool,
}

impl Entry {
    /// Describes a preset that hashes prefixes and has no failover.
    const fn new(
        name: &'static str,
        client: &'static str,
        version: &'static str,
        description: &'static str,
        shape: Shape,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            client,
            version,
            description,
            shape,
            hashes_prefix: true,
            failover: Failover::None,
            by_default: false,
            zero_is_one: false,
        }
    }

    const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn fails_over(mut self, failover: Failover, by_default: bool) -> Self {
        self.failover = failover;
        self.by_default = by_default;
        self
    }

    const fn hashes_the_bare_key(mut self) -> Self {
        self.hashes_prefix = false;
        self
    }

    const fn hashes_the_prefix(mut self) -> Self {
        self.hashes_prefix = true;
        self
    }

    const fn reads_zero_as_one(mut self) -> Self {
        self.zero_is_one = true;
        self
    }
}

const fn modulo(hash: KeyHash, order: Order, repeat: bool) -> Shape {
    Shape::Modulo {
        hash,
        order,
        repeat,
    }
}

const fn ring(hash: KeyHash, points: Points) -> Shape {
    let label = match points {
        Points::Even | Points::EvenUnlessWeighted | Points::Weighted => Label::Short,
        Points::HashRing { .. } => Label::HashRing,
        Points::Twemproxy => Label::Twemproxy,
        Points::Dalli | Points::Uhashring => Label::Full,
        Points::NodeMemcache => Label::Bracketed,
    };
    labelled_ring(hash, points, label)
}

const fn labelled_ring(hash: KeyHash, points: Points, label: Label) -> Shape {
    Shape::Ring {
        hash,
        points,
        label,
    }
}

/// Every preset, our own first, then client by client.
pub(crate) const CATALOGUE: [&[Entry]; 5] = [
    others::ENTRIES,
    libmemcached::ENTRIES,
    twemproxy::ENTRIES,
    python::ENTRIES,
    node::ENTRIES,
];

/// The preset of a router that asks the caller's function.
pub(crate) static CUSTOM: Entry = Entry::new(
    "custom",
    "memoxide",
    env!("CARGO_PKG_VERSION"),
    "the application's own function",
    Shape::Custom,
)
.hashes_the_bare_key()
.fails_over(Failover::Next, false);
