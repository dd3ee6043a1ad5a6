//! The router: which node a key goes to.

use std::sync::Arc;

use super::failover::{FailoverOrder, PYTHON_TRIES, python_rehash};
use super::lists::{Choose, Pick};
use super::node::Node;
use super::number::HashNumber;
use super::plan::{Plan, Site, build};
use super::preset::{Failover, Preset};
use super::ring::Table;
use super::way::{Way, way};
use crate::error::{Error, ErrorKind, Result};

/// Tells which node a key goes to.
///
/// A router is built once for a list of nodes and does not change; it knows
/// nodes by their index in that list. Routing neither allocates nor locks.
///
/// ```
/// use memoxide::route::{Node, Preset, Router};
///
/// let nodes = [
///     Node::new("10.0.0.1", 11211),
///     Node::new("10.0.0.2", 11211),
///     Node::new("10.0.0.3", 11211),
/// ];
/// let router = Router::new(Preset::default(), &nodes)?;
/// let index = router.route(b"user:1").expect("there are nodes");
///
/// // When that node is down, the ring without it sends the key elsewhere.
/// let others = router.without(&[index])?;
/// assert_ne!(others.route(b"user:1"), Some(index));
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Router {
    preset: Preset,
    /// As configured, but with the weights that the client reads.
    nodes: Arc<[Node]>,
    /// The nodes left out by [`without`](Self::without), in order.
    dead: Vec<u32>,
    pick: Option<Pick>,
    choose: Option<Choose>,
    tag: Option<(u8, u8)>,
    plan: Arc<Plan>,
    /// What [`route`](Self::route) does, which plan and tag decide.
    way: Way,
    /// That of the ring, if the plan is one: nearly all routers are, so it is
    /// where a key needs the fewest steps to it.
    table: Table,
}

impl Router {
    /// Builds the router of a preset.
    ///
    /// Without nodes, or with none that may get keys, it routes nowhere.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the weights ask for
    /// more than four million places.
    pub fn new(preset: Preset, nodes: &[Node]) -> Result<Self> {
        Self::build(preset, nodes, None, None)
    }

    /// Builds a router that asks a function of the caller for a number.
    ///
    /// The function gets the key without the client's prefix and returns a hash
    /// or an index; it is taken modulo the list of nodes, each repeated as often
    /// as its weight says. It must always give the same answer for the same key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the weights ask for
    /// more than four million places.
    ///
    /// # Examples
    ///
    /// The md5 of the key, as a number, modulo the number of servers, which is
    /// what home-made sharding often does. Unlike a ring it moves most keys
    /// when a server is added.
    ///
    /// ```
    /// use memoxide::route::{Node, Router, hash};
    ///
    /// let nodes = ["a", "b", "c"].map(|host| Node::new(host, 11211));
    /// let router = Router::custom(&nodes, |key: &[u8]| {
    ///     let digest = u128::from_be_bytes(hash::md5_digest(key));
    ///     (digest % 3) as u64
    /// })?;
    /// assert_eq!(router.route(b"user:1"), Some(1));
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    pub fn custom(
        nodes: &[Node],
        place: impl Fn(&[u8]) -> u64 + Send + Sync + 'static,
    ) -> Result<Self> {
        let pick = Pick::Custom(Arc::new(place));
        Self::build(Preset::custom(), nodes, Some(pick), None)
    }

    /// Builds a router that asks a function of the caller for a node.
    ///
    /// The function gets the key without the client's prefix and returns the
    /// index of a node; weights do not count. It must always give the same
    /// answer for the same key. Where it fails, [`try_route`](Self::try_route)
    /// has the error and [`route`](Self::route) nothing.
    ///
    /// ```
    /// use memoxide::route::{Node, Router};
    ///
    /// let nodes = ["a", "b", "c"].map(|host| Node::new(host, 11211));
    /// let router = Router::choosing(&nodes, |key: &[u8]| Ok(key.len()));
    /// assert_eq!(router.route(b"k2"), Some(2));
    /// assert!(router.try_route(b"", b"key").is_err());
    /// ```
    #[must_use]
    pub fn choosing(
        nodes: &[Node],
        choose: impl Fn(&[u8]) -> Result<usize> + Send + Sync + 'static,
    ) -> Self {
        let even: Vec<Node> = nodes
            .iter()
            .map(|node| node.clone().with_weight(1))
            .collect();
        let choose = Choose(Arc::new(choose));
        Self::build(Preset::custom(), &even, None, Some(choose))
            .expect("a plan without slots and points cannot have too many of them")
    }

    /// Hashes only what stands between `open` and `close`, where a key has both
    /// with something in between: twemproxy's `hash_tag`.
    ///
    /// ```
    /// use memoxide::route::{Node, Preset, Router};
    ///
    /// let nodes = ["a", "b", "c"].map(|host| Node::new(host, 11211));
    /// let preset = Preset::by_name("twemproxy")?;
    /// let router = Router::new(preset, &nodes)?.with_hash_tag(b'{', b'}');
    /// assert_eq!(router.route(b"name:{7}"), router.route(b"mail:{7}"));
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    #[must_use]
    pub fn with_hash_tag(mut self, open: u8, close: u8) -> Self {
        self.tag = Some((open, close));
        let plan = Arc::clone(&self.plan);
        self.follow(plan);
        self
    }

    /// Builds the router again as though the nodes in `dead` were not there.
    ///
    /// Indexes stay those of the whole list. This is what clients do that eject
    /// dead servers ([`Failover::Rebuild`]): the weights of the living count
    /// anew. Nodes that an earlier call left out stay out; start from the first
    /// router to bring them back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) as for
    /// [`new`](Self::new).
    pub fn without(&self, dead: &[usize]) -> Result<Self> {
        let mut all: Vec<u32> = self.dead.clone();
        all.extend(dead.iter().filter_map(|index| u32::try_from(*index).ok()));
        all.sort_unstable();
        all.dedup();
        let mut router = self.clone();
        router.dead = all;
        router.follow(Arc::new(router.planned()?));
        Ok(router)
    }

    /// Returns the node for a key, or nothing when no node may get keys.
    #[inline]
    #[must_use]
    pub fn route(&self, key: &[u8]) -> Option<usize> {
        (self.way)(self, key)
    }

    /// Returns the node that has every key, where there is one.
    pub(crate) fn only(&self) -> Option<usize> {
        match &*self.plan {
            Plan::Only(index) => Some(*index as usize),
            _ => None,
        }
    }

    /// Returns the node for a key that comes in two parts, or what the caller's
    /// function failed with.
    ///
    /// # Errors
    ///
    /// Those of the function that [`choosing`](Self::choosing) was given, and
    /// [`ErrorKind::InvalidArgument`] when it names a node that is not there.
    pub fn try_route(&self, prefix: &[u8], key: &[u8]) -> Result<Option<usize>> {
        match &*self.plan {
            Plan::Only(index) => Ok(Some(*index as usize)),
            Plan::Chosen { choose, members } => self.chosen(choose, members, self.tagged(key)),
            _ => Ok(self.route_parts(prefix, key)),
        }
    }

    /// Returns the node for a key that comes in two parts.
    ///
    /// What is hashed is the key alone or both, as
    /// [`Preset::hashes_prefix`] says.
    #[must_use]
    pub fn route_parts(&self, prefix: &[u8], key: &[u8]) -> Option<usize> {
        const ROOM: usize = 512;
        if prefix.is_empty() || !self.preset.hashes_prefix() {
            return self.route(key);
        }
        let mut room = [0; ROOM];
        let length = prefix.len() + key.len();
        if length > ROOM {
            // Longer than any key on the wire.
            return self.route(&[prefix, key].concat());
        }
        room[..prefix.len()].copy_from_slice(prefix);
        room[prefix.len()..length].copy_from_slice(key);
        self.route(&room[..length])
    }

    /// Returns the part of a key on the wire that is hashed.
    ///
    /// `prefix` is how many bytes at the beginning the client has added.
    ///
    /// # Panics
    ///
    /// When the prefix is longer than the key.
    #[must_use]
    pub fn hashed_part<'a>(&self, key: &'a [u8], prefix: usize) -> &'a [u8] {
        if self.preset.hashes_prefix() {
            key
        } else {
            &key[prefix..]
        }
    }

    /// Returns the node for a key when some nodes are down, as the client
    /// chooses it at that moment.
    ///
    /// `live` is asked about nodes by index, perhaps more than once. python-memcached and dalli hash
    /// the key again, 10 and 20 times at most, and then give up although
    /// another node may live; memjs takes the next node of the list. For
    /// clients that build their structure again the answer is that of
    /// [`without`](Self::without), except that on a ring by weight the points
    /// are those of the whole list. Where the client knows no failover, and
    /// with our own placements, it is the first living node of
    /// [`failover_order`](Self::failover_order).
    #[must_use]
    pub fn route_live(&self, key: &[u8], mut live: impl FnMut(usize) -> bool) -> Option<usize> {
        if let Plan::Rendezvous(nodes) = &*self.plan {
            return Some(nodes.winner(self.tagged(key), None, live)?.0);
        }
        match (self.preset.failover(), &*self.plan) {
            (Failover::Rebuild, Plan::List { pick, slots }) => {
                let living = slots.iter().filter(|index| live(**index as usize)).count();
                if living == 0 {
                    return None;
                }
                let slot = pick.slot_of(self.tagged(key), living);
                let mut living = slots.iter().filter(|index| live(**index as usize));
                living.nth(slot).map(|index| *index as usize)
            }
            (Failover::Rehash, _) => {
                let mut tries = self.failover_order(key).tries();
                tries.find(|index| live(*index))
            }
            _ => self.failover_order(key).find(|index| live(*index)),
        }
    }

    /// Returns the nodes to try for a key, one after the other.
    ///
    /// The first is that of [`route`](Self::route), then follow those that the
    /// client itself would try, then all others; each once. On a ring that is
    /// the order of the points, with rendezvous that of the scores, on a list
    /// that of the list. Up to 128 nodes this does not allocate.
    #[must_use]
    pub fn failover_order<'a>(&'a self, key: &'a [u8]) -> FailoverOrder<'a> {
        FailoverOrder::new(self, self.tagged(key))
    }

    /// Returns the node for a hash that the caller computed.
    ///
    /// The number takes the place of the key's hash: on a list it is taken
    /// modulo the length, on a ring modulo the circumference. Presets without
    /// such a hash take its decimal text as a key. python-memcached has this as
    /// `(hash, key)` in place of a key; when the node is not `live` its rehash
    /// goes on from the number.
    #[must_use]
    pub fn route_number(
        &self,
        number: HashNumber<'_>,
        mut live: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let text = number.as_str().as_bytes();
        let first = match &*self.plan {
            Plan::List {
                pick: Pick::Modulo(_) | Pick::Custom(_),
                slots,
            } => slots.node(number.modulo(slots.len() as u64) as usize),
            Plan::Ring { ring, .. } => ring.owner(number.modulo(1 << 32) as u32),
            _ => return self.route_live(text, live),
        };
        let first = first?;
        if live(first) {
            return Some(first);
        }
        match (self.preset.failover(), &*self.plan) {
            (
                Failover::Rehash,
                Plan::List {
                    pick: Pick::Modulo(hash),
                    slots,
                },
            ) => {
                let mut next = python_rehash(*hash, number.as_str(), 0);
                (1..PYTHON_TRIES).find_map(|attempt| {
                    let index = slots.node(slots.modulo(next))?;
                    next = python_rehash(*hash, itoa::Buffer::new().format(next), attempt);
                    live(index).then_some(index)
                })
            }
            _ => (1..self.nodes.len())
                .map(|step| (first + step) % self.nodes.len())
                .find(|index| self.is_used(*index) && live(*index)),
        }
    }

    /// Returns the node for a hash that the caller computed, with failover as
    /// python-memcached does it under a hash function of its user's: while the
    /// node is not `live`, the decimal text of the hash followed by the number
    /// of the try is hashed again, up to ten tries in all.
    ///
    /// # Errors
    ///
    /// What `live` or `hash` fails with, and
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) when a
    /// hash is no integer.
    pub fn route_rehashing<E: From<Error>>(
        &self,
        mut number: String,
        mut live: impl FnMut(usize) -> Result<bool, E>,
        mut hash: impl FnMut(String) -> Result<String, E>,
    ) -> Result<Option<usize>, E> {
        for attempt in 0..PYTHON_TRIES {
            let Some(index) = self.route_number(HashNumber::parse(&number)?, |_| true) else {
                break;
            };
            if live(index)? {
                return Ok(Some(index));
            }
            number = hash(format!("{number}{attempt}"))?;
        }
        Ok(None)
    }

    /// Returns the preset; a router over the caller's function has one called
    /// `custom`.
    #[must_use]
    pub const fn preset(&self) -> Preset {
        self.preset
    }

    /// Returns how many nodes the router was given, dead ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the router was given no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether a node may get keys: it has a weight and was not left out.
    pub(crate) fn is_used(&self, index: usize) -> bool {
        self.nodes[index].weight > 0 && !self.is_dead(index)
    }

    fn is_dead(&self, index: usize) -> bool {
        let index = u32::try_from(index);
        index.is_ok_and(|index| self.dead.binary_search(&index).is_ok())
    }

    #[inline]
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    #[inline]
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Takes a plan, and what `route` needs of it.
    fn follow(&mut self, plan: Arc<Plan>) {
        self.table = match &*plan {
            Plan::Ring { ring, .. } => ring.table().clone(),
            _ => Table::default(),
        };
        self.way = way(&plan, self.tag.is_some());
        self.plan = plan;
    }

    /// Asks the caller's function; when the node it names is dead, the next one
    /// that lives takes the key.
    pub(crate) fn chosen(
        &self,
        choose: &Choose,
        members: &[u32],
        key: &[u8],
    ) -> Result<Option<usize>> {
        let index = (choose.0)(key)?;
        if index >= self.nodes.len() {
            let message = format!(
                "placement function named server {index}, there are {}",
                self.nodes.len()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let at = members.partition_point(|member| (*member as usize) < index);
        let member = members.get(at).or_else(|| members.first());
        Ok(member.map(|member| *member as usize))
    }

    fn build(
        preset: Preset,
        nodes: &[Node],
        pick: Option<Pick>,
        choose: Option<Choose>,
    ) -> Result<Self> {
        let mut nodes: Arc<[Node]> = nodes.into();
        if preset.zero_weight_counts_as_one() {
            for node in Arc::make_mut(&mut nodes) {
                node.weight = node.weight.max(1);
            }
        }
        let mut router = Self {
            preset,
            nodes,
            dead: Vec::new(),
            pick,
            choose,
            tag: None,
            plan: Arc::new(Plan::Nowhere),
            way: way(&Plan::Nowhere, false),
            table: Table::default(),
        };
        router.follow(Arc::new(router.planned()?));
        Ok(router)
    }

    fn planned(&self) -> Result<Plan> {
        let indexes = 0..self.nodes.len();
        let members = indexes.clone().filter(|index| self.is_used(*index));
        let members: Vec<u32> = members.map(|index| index as u32).collect();
        if let Some(choose) = self.choose.clone() {
            let members = members.into();
            return Ok(Plan::Chosen { choose, members });
        }
        let site = Site {
            nodes: &self.nodes,
            members: &members,
            listed: indexes.filter(|index| !self.is_dead(*index)).count(),
            switched: self.nodes.iter().any(|node| node.weight > 1),
            char: self.preset.char,
        };
        build(self.preset.entry.shape, self.pick.clone(), site)
    }

    /// Returns the part of a key between the hash tags, or the key.
    #[inline]
    pub(crate) fn tagged<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        match self.tag {
            None => key,
            Some((open, close)) => between(key, open, close).unwrap_or(key),
        }
    }
}

fn between(key: &[u8], open: u8, close: u8) -> Option<&[u8]> {
    let start = memchr::memchr(open, key)? + 1;
    let length = memchr::memchr(close, &key[start..])?;
    (length > 0).then(|| &key[start..start + length])
}
