//! What a preset makes of a list of nodes: the structure that is searched.

use super::hash::{Char, KeyHash, md5_digest, sha1_be, sha1_digest};
use super::lists::{Choose, MAX_CH3_SLOTS, Pick, Slots};
use super::node::{Label, Node};
use super::rendezvous::{Rendezvous, Scoring};
use super::ring::{Ring, Rule};
use super::way::HashFunction;
use crate::error::{Error, ErrorKind, Result};

/// How a client arranges its nodes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// A list, picked from by mcrouter's Ch3.
    Ch3,
    /// A list whose index the caller's function chooses.
    Custom,
    /// A list, picked from by jump consistent hash, nodes repeated by weight.
    Jump,
    /// A list, picked from by the hash modulo its length.
    Modulo {
        hash: KeyHash,
        order: Order,
        repeat: bool,
    },
    /// A ring of points.
    Ring {
        hash: KeyHash,
        points: Points,
        label: Label,
    },
    /// Each node scores each key.
    Rendezvous(Scoring),
    /// A ring of whole md5 digests, as uhashring builds it by default.
    WideRing,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    /// As configured.
    Given,
    /// By host, then by port.
    Host,
    /// By ring name: shorter names first, then bytewise.
    Name,
}

/// How many points a node has on the ring and where they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Points {
    /// dalli.
    Dalli,
    /// libmemcached, 100 points by the key hash, weights ignored.
    Even,
    /// libmemcached, md5 points by weight as soon as a weight exceeds 1.
    EvenUnlessWeighted,
    /// hashring of node-memcached: digest, points per digest, port always.
    HashRing { sha1: bool, per_digest: usize },
    /// node-memcache.
    NodeMemcache,
    /// twemproxy: as `Weighted`, other names, other order.
    Twemproxy,
    /// uhashring with `hash_fn='ketama'`.
    Uhashring,
    /// libmemcached, md5 points by weight.
    Weighted,
}

/// The structure that is searched for each key.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// No usable node.
    Nowhere,
    /// One usable node: nothing to compute.
    Only(u32),
    /// Whichever node the caller's function names, of those that are not dead.
    Chosen { choose: Choose, members: Box<[u32]> },
    /// A slot of a list.
    List { pick: Pick, slots: Slots },
    /// An arc of a ring.
    Ring { hash: HashFunction, ring: Ring<u32> },
    /// The highest score.
    Rendezvous(Rendezvous),
    /// An arc of a ring, by the md5 digest as a number.
    WideRing(Ring<u128>),
}

/// Caps slots and points, so that a mistaken weight cannot eat the memory.
const MAX_SPOTS: u64 = 1 << 22;

/// The nodes that a plan is built for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    /// Every node, dead ones included.
    pub(crate) nodes: &'a [Node],
    /// The nodes that may get keys.
    pub(crate) members: &'a [u32],
    /// How many nodes are on the client's list: the members and those without
    /// weight.
    pub(crate) listed: usize,
    /// Whether any node of the whole list, dead ones included, has a weight
    /// above 1.
    pub(crate) switched: bool,
    pub(crate) char: Char,
}

impl Site<'_> {
    fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    fn weight(&self, index: u32) -> u32 {
        self.node(index).weight
    }

    /// Returns the members in the order of a list.
    fn ordered(&self, order: Order) -> Vec<u32> {
        let mut members = self.members.to_vec();
        match order {
            Order::Given => {}
            Order::Host => {
                members.sort_by_key(|index| (&self.node(*index).host, self.node(*index).port));
            }
            Order::Name => members.sort_by_cached_key(|index| {
                let name = self.node(*index).label(Label::Twemproxy);
                (name.len(), name)
            }),
        }
        members
    }

    /// Returns each of `members` as often as its weight says, in order.
    fn repeated(&self, members: &[u32]) -> Result<Vec<u32>> {
        check(members.iter().map(|index| self.weight(*index).into()))?;
        let copies = |index: &u32| std::iter::repeat_n(*index, self.weight(*index) as usize);
        Ok(members.iter().flat_map(copies).collect())
    }
}

/// Builds the plan of a shape; a custom one needs `pick`.
pub(crate) fn build(shape: Shape, pick: Option<Pick>, site: Site<'_>) -> Result<Plan> {
    match *site.members {
        [] => return Ok(Plan::Nowhere),
        [only] => return Ok(Plan::Only(only)),
        _ => {}
    }
    let list = |pick, slots: Vec<u32>| Plan::List {
        pick,
        slots: Slots::new(slots),
    };
    Ok(match shape {
        Shape::Ch3 if site.members.len() > MAX_CH3_SLOTS => return Err(too_many()),
        Shape::Ch3 => list(Pick::Ch3, site.members.to_vec()),
        Shape::Custom => {
            let pick = pick.ok_or_else(|| {
                Error::new(ErrorKind::Config, "custom placement needs a function")
            })?;
            list(pick, site.repeated(site.members)?)
        }
        Shape::Jump => list(Pick::Jump, site.repeated(site.members)?),
        Shape::Modulo {
            hash,
            order,
            repeat,
        } => {
            let mut slots = site.ordered(order);
            if repeat {
                slots = site.repeated(&slots)?;
            }
            list(Pick::Modulo(hash.function(site.char)), slots)
        }
        Shape::Rendezvous(scoring) => {
            let style = match scoring {
                Scoring::Emcache => Label::Glued,
                _ => Label::Full,
            };
            let entry = |index: &u32| (*index, site.node(*index).label(style), site.weight(*index));
            let entries: Vec<_> = site.members.iter().map(entry).collect();
            Plan::Rendezvous(Rendezvous::new(scoring, &entries))
        }
        Shape::Ring {
            hash,
            points,
            label,
        } => ring(hash, points, label, site)?,
        Shape::WideRing => wide_ring(site),
    })
}

fn ring(hash: KeyHash, points: Points, style: Label, site: Site<'_>) -> Result<Plan> {
    let points = match points {
        Points::EvenUnlessWeighted if site.switched => Points::Weighted,
        Points::EvenUnlessWeighted => Points::Even,
        points => points,
    };
    let members = site.ordered(match points {
        Points::Twemproxy => Order::Name,
        _ => Order::Given,
    });
    let total = members.iter().map(|i| u64::from(site.weight(*i))).sum();
    let count = match points {
        // These count nodes without weight as well.
        Points::Dalli | Points::Uhashring => site.listed,
        _ => members.len(),
    };
    let texts = |index: u32| texts(points, site.weight(index).into(), total, count as u64);
    check(members.iter().map(|index| texts(*index)))?;

    let hash = hash.function(site.char);
    let mut spots = Vec::new();
    let mut text = Vec::new();
    for index in members {
        let label = site.node(index).label(style);
        for j in 0..texts(index) {
            let (separator, number) = match points {
                Points::Dalli => (b':', j),
                Points::NodeMemcache => (0, texts(index) - j),
                _ => (b'-', j),
            };
            text.clear();
            text.extend_from_slice(label.as_bytes());
            text.push(separator);
            text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            match points {
                Points::Dalli => spots.push((sha1_be(&text), index)),
                Points::Even | Points::EvenUnlessWeighted | Points::NodeMemcache => {
                    spots.push((hash.hash(&text) as u32, index));
                }
                Points::HashRing { sha1, per_digest } => {
                    let used = 4 * per_digest;
                    if sha1 {
                        push_words(&mut spots, &sha1_digest(&text)[..used], index);
                    } else {
                        push_words(&mut spots, &md5_digest(&text)[..used], index);
                    }
                }
                Points::Twemproxy | Points::Uhashring | Points::Weighted => {
                    push_words(&mut spots, &md5_digest(&text), index);
                }
            }
        }
    }
    let rule = match points {
        Points::Dalli => Rule::AtOrBefore,
        Points::Uhashring => Rule::After,
        _ => Rule::AtOrAfter,
    };
    Ok(Plan::Ring {
        hash,
        ring: Ring::new(spots, rule),
    })
}

fn wide_ring(site: Site<'_>) -> Plan {
    const POINTS: usize = 160;
    let mut spots = Vec::with_capacity(site.members.len() * POINTS);
    for index in site.members {
        let label = site.node(*index).label(Label::Bracketed);
        for j in 0..POINTS {
            let digest = md5_digest(format!("{label}-{j}").as_bytes());
            spots.push((u128::from_be_bytes(digest), *index));
        }
    }
    Plan::WideRing(Ring::new(spots, Rule::After))
}

/// Returns how many texts of a node are hashed into points.
fn texts(points: Points, weight: u64, total: u64, nodes: u64) -> u64 {
    match points {
        Points::Even | Points::EvenUnlessWeighted => 100,
        Points::Dalli => ((nodes * 160 * weight) as f64 / total as f64).floor() as u64,
        Points::HashRing { .. } => {
            let share = weight as f64 / total as f64;
            (share * 40.0 * nodes as f64).floor() as u64
        }
        Points::NodeMemcache => 50 * weight,
        Points::Uhashring => 40 * nodes * weight / total,
        // Single precision throughout: with 25 equal servers the product falls
        // just below 40, and these clients lose a group there.
        Points::Twemproxy | Points::Weighted => {
            let share = weight as f32 / total as f32;
            (share * 160.0 / 4.0 * nodes as f32 + 1e-10).floor() as u64
        }
    }
}

fn push_words(spots: &mut Vec<(u32, u32)>, digest: &[u8], index: u32) {
    let (words, _) = digest.as_chunks::<4>();
    spots.extend(words.iter().map(|word| (u32::from_le_bytes(*word), index)));
}

fn check(mut counts: impl Iterator<Item = u64>) -> Result<()> {
    let sum = counts.try_fold(0u64, |sum, count| sum.checked_add(count));
    if sum.is_some_and(|sum| sum <= MAX_SPOTS) {
        return Ok(());
    }
    Err(too_many())
}

fn too_many() -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the server weights add up to more than {MAX_SPOTS} places for keys"),
    )
}
