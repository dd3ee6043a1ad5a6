//! What a preset makes of a list of nodes: the structure that is searched.

use super::hash::{Char, KeyHash, md5_digest, sha1_be, sha1_digest};
use super::lists::{MAX_CH3_SLOTS, Pick};
use super::node::{Label, Node};
use super::rendezvous::{Rendezvous, Scoring, entries};
use super::ring::{Ring, Tie};
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
    Ring { hash: KeyHash, points: Points },
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
    HashRing {
        sha1: bool,
        per_digest: usize,
        port: bool,
    },
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
    /// A slot of a list.
    List { pick: Pick, slots: Box<[u32]> },
    /// The next point on a ring; `strictly` excludes the point hit exactly.
    Ring {
        hash: KeyHash,
        ring: Ring<u32>,
        strictly: bool,
    },
    /// The highest score.
    Rendezvous(Rendezvous),
    /// The next point after the md5 digest as a number.
    WideRing(Ring<u128>),
}

/// Caps slots and points, so that a mistaken weight cannot eat the memory.
const MAX_SPOTS: u64 = 1 << 22;

/// Builds the plan for the nodes in `members`.
///
/// `switched` tells whether any node of the whole list, dead ones included,
/// has a weight above 1.
pub(crate) fn build(
    shape: Shape,
    pick: Option<Pick>,
    char: Char,
    nodes: &[Node],
    members: &[u32],
    switched: bool,
) -> Result<Plan> {
    match *members {
        [] => return Ok(Plan::Nowhere),
        [only] => return Ok(Plan::Only(only)),
        _ => {}
    }
    let list = |pick, slots: Vec<u32>| Plan::List {
        pick,
        slots: slots.into(),
    };
    Ok(match shape {
        Shape::Ch3 if members.len() > MAX_CH3_SLOTS => return Err(too_many()),
        Shape::Ch3 => list(Pick::Ch3, members.to_vec()),
        Shape::Custom => {
            let pick = pick.ok_or_else(|| {
                Error::new(ErrorKind::Config, "custom placement needs a function")
            })?;
            list(pick, repeated(nodes, members)?)
        }
        Shape::Jump => list(Pick::Jump, repeated(nodes, members)?),
        Shape::Modulo {
            hash,
            order,
            repeat,
        } => {
            let members = ordered(nodes, members, order);
            let slots = if repeat {
                repeated(nodes, &members)?
            } else {
                members
            };
            list(Pick::Modulo(hash), slots)
        }
        Shape::Ring { hash, points } => ring(hash, points, char, nodes, members, switched)?,
        Shape::Rendezvous(scoring) => {
            let style = match scoring {
                Scoring::Emcache => Label::Glued,
                _ => Label::Full,
            };
            let entries = entries(nodes, members, |node| node.label(style));
            Plan::Rendezvous(Rendezvous::new(scoring, &entries))
        }
        Shape::WideRing => {
            let counts = members.iter().map(|i| u64::from(weight(nodes, *i)) * 160);
            check(counts)?;
            let mut points = Vec::new();
            for index in members {
                let label = nodes[*index as usize].label(Label::Bracketed);
                for j in 0..weight(nodes, *index) * 160 {
                    let digest = md5_digest(format!("{label}-{j}").as_bytes());
                    points.push((u128::from_be_bytes(digest), *index));
                }
            }
            Plan::WideRing(Ring::new(points, Tie::Last))
        }
    })
}

/// Returns each node as often as its weight says, in order.
fn repeated(nodes: &[Node], members: &[u32]) -> Result<Vec<u32>> {
    check(members.iter().map(|index| weight(nodes, *index).into()))?;
    let copies = |index: &u32| std::iter::repeat_n(*index, weight(nodes, *index) as usize);
    Ok(members.iter().flat_map(copies).collect())
}

fn ordered(nodes: &[Node], members: &[u32], order: Order) -> Vec<u32> {
    let mut members = members.to_vec();
    let node = |index: &u32| &nodes[*index as usize];
    match order {
        Order::Given => {}
        Order::Host => members.sort_by_key(|index| (&node(index).host, node(index).port)),
        Order::Name => members.sort_by_cached_key(|index| {
            let name = node(index).label(Label::Twemproxy);
            (name.len(), name)
        }),
    }
    members
}

fn ring(
    hash: KeyHash,
    points: Points,
    char: Char,
    nodes: &[Node],
    members: &[u32],
    switched: bool,
) -> Result<Plan> {
    let points = match points {
        Points::EvenUnlessWeighted if switched => Points::Weighted,
        Points::EvenUnlessWeighted => Points::Even,
        points => points,
    };
    let members = match points {
        Points::Twemproxy => ordered(nodes, members, Order::Name),
        _ => members.to_vec(),
    };
    let total = members.iter().map(|i| u64::from(weight(nodes, *i))).sum();
    let count = members.len() as u64;
    let texts = |index: u32| texts(points, weight(nodes, index).into(), total, count);
    check(members.iter().map(|index| texts(*index)))?;

    let style = match points {
        Points::Even | Points::EvenUnlessWeighted | Points::Weighted => Label::Short,
        Points::HashRing { port: false, .. } => Label::HashRing,
        Points::Twemproxy => Label::Twemproxy,
        Points::Dalli | Points::HashRing { .. } | Points::Uhashring => Label::Full,
        Points::NodeMemcache => Label::Bracketed,
    };
    let mut spots = Vec::new();
    let mut text = Vec::new();
    for index in members {
        let label = nodes[index as usize].label(style);
        for j in 0..texts(index) {
            text.clear();
            text.extend_from_slice(label.as_bytes());
            let number = match points {
                Points::NodeMemcache => texts(index) - j,
                _ => j,
            };
            text.push(match points {
                Points::Dalli => b':',
                Points::NodeMemcache => 0,
                _ => b'-',
            });
            text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            match points {
                Points::Dalli => spots.push((sha1_be(&text), index)),
                Points::Even | Points::EvenUnlessWeighted | Points::NodeMemcache => {
                    spots.push((hash.of(&text, char) as u32, index));
                }
                Points::HashRing {
                    sha1: true,
                    per_digest,
                    ..
                } => push_words(&mut spots, &sha1_digest(&text)[..4 * per_digest], index),
                Points::HashRing { per_digest, .. } => {
                    push_words(&mut spots, &md5_digest(&text)[..4 * per_digest], index);
                }
                Points::Twemproxy | Points::Uhashring | Points::Weighted => {
                    push_words(&mut spots, &md5_digest(&text), index);
                }
            }
        }
    }
    let last = matches!(points, Points::Dalli | Points::Uhashring);
    let mut ring = Ring::new(spots, if last { Tie::Last } else { Tie::First });
    if points == Points::Dalli {
        ring = ring.owned_from_the_left();
    }
    Ok(Plan::Ring {
        hash,
        ring,
        strictly: last,
    })
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

fn weight(nodes: &[Node], index: u32) -> u32 {
    nodes[index as usize].weight
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
