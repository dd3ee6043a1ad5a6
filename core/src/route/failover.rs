//! The order in which nodes are tried for a key.

use super::hash;
use super::lists::Pick;
use super::plan::Plan;
use super::preset::Failover;
use super::rendezvous::Standing;
use super::router::Router;
use super::way::HashFunction;

/// How often python-memcached looks for a living server.
pub(crate) const PYTHON_TRIES: u64 = 10;

/// How often dalli looks for a living server.
const DALLI_TRIES: u64 = 20;

/// The nodes to try for a key, each once; see
/// [`Router::failover_order`].
#[derive(Clone, Debug)]
pub struct FailoverOrder<'a> {
    router: &'a Router,
    key: &'a [u8],
    seen: Seen,
    stage: Stage,
}

/// Where the order stands.
#[derive(Clone, Debug)]
enum Stage {
    /// Tries of a client that hashes again: the number of the next one and the
    /// hash it uses.
    Rehash { attempt: u64, hash: u64 },
    /// Slots or points from `at` on, of which `left` are not looked at yet.
    Around { at: usize, left: usize },
    /// Scores below this one.
    Scores(Option<Standing>),
    /// Nodes from this index on, as configured.
    Rest(usize),
}

impl<'a> FailoverOrder<'a> {
    pub(crate) fn new(router: &'a Router, key: &'a [u8]) -> Self {
        let stage = match router.plan() {
            Plan::Nowhere | Plan::Only(_) => Stage::Rest(0),
            _ if router.preset().failover() == Failover::Rehash => Stage::Rehash {
                attempt: 0,
                hash: first_hash(router, key),
            },
            Plan::Chosen { members, .. } => match router.route(key) {
                Some(index) => Stage::Around {
                    at: members.partition_point(|member| (*member as usize) < index),
                    left: members.len(),
                },
                None => Stage::Rest(0),
            },
            Plan::List { pick, slots } => Stage::Around {
                at: pick.slot(key, slots),
                left: slots.len(),
            },
            Plan::Ring { hash, ring } => Stage::Around {
                at: ring.index(hash.hash(key) as u32),
                left: ring.len(),
            },
            Plan::WideRing(ring) => Stage::Around {
                at: ring.index(u128::from_be_bytes(hash::md5_digest(key))),
                left: ring.len(),
            },
            Plan::Rendezvous(_) => Stage::Scores(None),
        };
        Self {
            router,
            key,
            seen: Seen::default(),
            stage,
        }
    }

    /// Only the tries that the client makes itself, repetitions included.
    pub(crate) fn tries(mut self) -> impl Iterator<Item = usize> + 'a {
        std::iter::from_fn(move || match self.stage {
            Stage::Rehash { .. } => self.next_try(),
            _ => self.next(),
        })
        .fuse()
    }

    /// Makes the next try of a client that hashes again.
    fn next_try(&mut self) -> Option<usize> {
        let Stage::Rehash { attempt, hash } = self.stage else {
            return None;
        };
        let (index, next, tries) = match self.router.plan() {
            Plan::List {
                pick: Pick::Modulo(rehash),
                slots,
            } => {
                let index = slots.node(slots.modulo(hash))?;
                let mut text = itoa::Buffer::new();
                let next = python_rehash(*rehash, text.format(hash), attempt);
                (index, next, PYTHON_TRIES)
            }
            Plan::Ring { ring, .. } => {
                let index = ring.owner(hash as u32)?;
                let mut text = itoa::Buffer::new();
                let next = hash::crc32_of_parts(text.format(attempt).as_bytes(), self.key);
                (index, next.into(), DALLI_TRIES)
            }
            _ => return None,
        };
        if attempt >= tries {
            return None;
        }
        self.stage = Stage::Rehash {
            attempt: attempt + 1,
            hash: next,
        };
        Some(index)
    }
}

impl Iterator for FailoverOrder<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let index = match &mut self.stage {
                Stage::Rehash { .. } => match self.next_try() {
                    Some(index) => index,
                    None => {
                        self.stage = Stage::Rest(0);
                        continue;
                    }
                },
                Stage::Around { left: 0, .. } => {
                    // A small share of a ring can come without any point.
                    self.stage = Stage::Rest(0);
                    continue;
                }
                Stage::Around { at, left } => {
                    *left -= 1;
                    let (index, length) = around(self.router.plan(), *at)?;
                    *at = if *at + 1 >= length { 0 } else { *at + 1 };
                    index
                }
                Stage::Scores(below) => {
                    let Plan::Rendezvous(nodes) = self.router.plan() else {
                        return None;
                    };
                    let (index, standing) = nodes.winner(self.key, *below, |_| true)?;
                    *below = Some(standing);
                    index
                }
                Stage::Rest(index) if *index >= self.router.len() => return None,
                Stage::Rest(index) => {
                    *index += 1;
                    *index - 1
                }
            };
            if self.router.is_used(index) && self.seen.insert(index) {
                return Some(index);
            }
        }
    }
}

/// Returns the node at a slot or point, and how many of them there are.
fn around(plan: &Plan, at: usize) -> Option<(usize, usize)> {
    match plan {
        Plan::Chosen { members, .. } => Some((*members.get(at)? as usize, members.len())),
        Plan::List { slots, .. } => Some((slots.node(at)?, slots.len())),
        Plan::Ring { ring, .. } => Some((ring.owner_at(at)?, ring.len())),
        Plan::WideRing(ring) => Some((ring.owner_at(at)?, ring.len())),
        _ => None,
    }
}

fn first_hash(router: &Router, key: &[u8]) -> u64 {
    match router.plan() {
        Plan::List {
            pick: Pick::Modulo(hash),
            ..
        }
        | Plan::Ring { hash, .. } => hash.hash(key),
        _ => 0,
    }
}

/// The hash after an unlucky try: that of the decimal text of the last hash,
/// which may have any number of digits, followed by the number of the try.
pub(crate) fn python_rehash(hash: HashFunction, last: &str, attempt: u64) -> u64 {
    const ROOM: usize = 64;
    let mut number = itoa::Buffer::new();
    let number = number.format(attempt);
    let length = last.len() + number.len();
    if length > ROOM {
        return hash.hash(&[last, number].concat().into_bytes());
    }
    let mut text = [0; ROOM];
    text[..last.len()].copy_from_slice(last.as_bytes());
    text[last.len()..length].copy_from_slice(number.as_bytes());
    hash.hash(&text[..length])
}

/// The nodes that were given out.
#[derive(Clone, Debug, Default)]
struct Seen {
    first: u128,
    others: Vec<u64>,
}

impl Seen {
    /// Adds a node; tells whether it is new.
    fn insert(&mut self, index: usize) -> bool {
        let Some(index) = index.checked_sub(128) else {
            let bit = 1 << index;
            let new = self.first & bit == 0;
            self.first |= bit;
            return new;
        };
        let (word, bit) = (index / 64, 1 << (index % 64));
        if self.others.len() <= word {
            self.others.resize(word + 1, 0);
        }
        let new = self.others[word] & bit == 0;
        self.others[word] |= bit;
        new
    }
}
