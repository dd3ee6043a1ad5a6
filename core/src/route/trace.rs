//! Why a key goes where it goes.

use super::hash;
use super::lists::{Pick, mcrouter_part};
use super::plan::Plan;
use super::router::Router;

/// The way from a key to its node; see [`Router::trace`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trace<'a> {
    /// The node, or nothing when no node may get keys or the caller's function
    /// failed.
    pub node: Option<usize>,
    /// The part of the key that counts: without a prefix that is not hashed,
    /// without what stands outside of hash tags.
    pub hashed: &'a [u8],
    /// What was computed.
    pub spot: Spot,
}

/// What a router computes for a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Spot {
    /// The caller's function named the node.
    Chosen,
    /// No node may get keys.
    Nowhere,
    /// There is one node, so nothing is computed.
    Only,
    /// A point of a ring.
    Point {
        /// The hash of the key: its position on the ring.
        hash: u128,
        /// The point that the position belongs to.
        point: u128,
        /// How many points there are.
        points: usize,
        /// How many bits a position has: 32 or 128.
        bits: u32,
    },
    /// The highest score.
    Score {
        /// The score of the winner. Scores of one preset compare with each other.
        score: u64,
        /// The node that comes second, and its score.
        second: Option<(usize, u64)>,
    },
    /// A slot of a list.
    Slot {
        /// The hash of the key, where the client computes a number that is
        /// taken modulo the slots or jumped with.
        hash: Option<u64>,
        /// The slot.
        slot: usize,
        /// How many slots there are: the nodes, repeated where weights count.
        slots: usize,
    },
}

impl Router {
    /// Returns how the node for a key is found, for people who want to know.
    ///
    /// `prefix` is how many bytes at the beginning of the key the client has
    /// added.
    ///
    /// ```
    /// use memoxide::route::{Node, Preset, Router, Spot};
    ///
    /// let nodes = ["a", "b", "c"].map(|host| Node::new(host, 11211));
    /// let router = Router::new(Preset::by_name("python-memcached")?, &nodes)?;
    /// let trace = router.trace(b"user:1", 0);
    /// let hash = Some(31_653);
    /// assert_eq!(trace.spot, Spot::Slot { hash, slot: 0, slots: 3 });
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// When the prefix is longer than the key.
    #[must_use]
    pub fn trace<'a>(&self, key: &'a [u8], prefix: usize) -> Trace<'a> {
        let hashed = self.tagged(self.hashed_part(key, prefix));
        let whole = |spot| Trace {
            node: self.route(hashed),
            hashed,
            spot,
        };
        match self.plan() {
            Plan::Nowhere => whole(Spot::Nowhere),
            Plan::Only(_) => whole(Spot::Only),
            Plan::Chosen { .. } => whole(Spot::Chosen),
            Plan::List { pick, slots } => {
                let hash = match pick {
                    Pick::Ch3 => None,
                    Pick::Custom(place) => Some(place(hashed)),
                    Pick::Jump => Some(hash::xxh3(hashed, 0)),
                    Pick::Modulo(hash) => Some(hash.hash(hashed)),
                };
                let slot = pick.slot(hashed, slots);
                Trace {
                    node: slots.node(slot),
                    hashed: match pick {
                        Pick::Ch3 => mcrouter_part(hashed),
                        _ => hashed,
                    },
                    spot: Spot::Slot {
                        hash,
                        slot,
                        slots: slots.len(),
                    },
                }
            }
            Plan::Ring { hash, ring } => {
                let position = hash.hash(hashed) as u32;
                whole(Spot::Point {
                    hash: position.into(),
                    point: ring.point(position).unwrap_or_default().into(),
                    points: ring.len(),
                    bits: 32,
                })
            }
            Plan::WideRing(ring) => {
                let position = u128::from_be_bytes(hash::md5_digest(hashed));
                whole(Spot::Point {
                    hash: position,
                    point: ring.point(position).unwrap_or_default(),
                    points: ring.len(),
                    bits: 128,
                })
            }
            Plan::Rendezvous(nodes) => {
                let Some((node, standing)) = nodes.winner(hashed, None, |_| true) else {
                    return whole(Spot::Nowhere);
                };
                let second = nodes.winner(hashed, Some(standing), |_| true);
                Trace {
                    node: Some(node),
                    hashed,
                    spot: Spot::Score {
                        score: standing.0,
                        second: second.map(|(node, standing)| (node, standing.0)),
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{Node, Preset};

    fn nodes() -> [Node; 3] {
        ["a", "b", "c"].map(|host| Node::new(host, 11211))
    }

    fn router(name: &str) -> Router {
        Router::new(Preset::by_name(name).expect("known"), &nodes()).expect("even weights")
    }

    #[test]
    fn a_trace_ends_at_the_node_of_the_route() {
        for preset in Preset::all() {
            let router = Router::new(preset, &nodes()).expect("even weights");
            for key in (0..200).map(|number| format!("app:user:{number}")) {
                let trace = router.trace(key.as_bytes(), 4);
                let routed = router.route_parts(b"app:", &key.as_bytes()[4..]);
                assert_eq!(trace.node, routed, "{preset} {key}");
                match trace.spot {
                    Spot::Slot { hash, slot, slots } => {
                        assert!(slot < slots);
                        let jumps = preset.name() == "jump";
                        if let Some(hash) = hash.filter(|_| !jumps) {
                            assert_eq!(hash % slots as u64, slot as u64, "{preset} {key}");
                        }
                    }
                    Spot::Score { score, second } => {
                        assert!(second.is_some_and(|(node, second)| {
                            Some(node) != routed && second <= score
                        }));
                    }
                    Spot::Point { points, .. } => assert!(points > 100),
                    spot => panic!("{preset}: {spot:?}"),
                }
            }
        }
    }

    #[test]
    fn a_ring_tells_position_and_point() {
        // By hashlib of Python, from the words of libmemcached's documentation.
        let spot = Spot::Point {
            hash: 282_964_413,
            point: 284_242_608,
            points: 480,
            bits: 32,
        };
        assert_eq!(router("ketama").trace(b"user:1", 0).spot, spot);
    }

    #[test]
    fn what_is_not_hashed_is_left_out() {
        let key = b"app:{7}:name|#|x";
        assert_eq!(router("ketama").trace(key, 4).hashed, b"{7}:name|#|x");
        assert_eq!(router("memjs").trace(key, 4).hashed, key);
        assert_eq!(router("mcrouter").trace(key, 4).hashed, b"app:{7}:name");
        let tagged = router("twemproxy").with_hash_tag(b'{', b'}');
        assert_eq!(tagged.trace(key, 0).hashed, b"7");
    }

    #[test]
    fn without_a_choice_nothing_is_computed() {
        let router = Router::new(Preset::default(), &nodes()[..1]).expect("even weights");
        assert_eq!(router.trace(b"k", 0).spot, Spot::Only);
        let nowhere = Router::new(Preset::default(), &[]).expect("no weights");
        assert_eq!(nowhere.trace(b"k", 0).spot, Spot::Nowhere);
        let chosen = Router::choosing(&nodes(), |_| Ok(2)).trace(b"k", 0);
        assert_eq!((chosen.spot, chosen.node), (Spot::Chosen, Some(2)));
    }
}
