//! How many keys would move.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::listing::list;
use crate::client::blocking::{PlainConnector, Runner};
use crate::client::plan::Plan;
use crate::error::{ErrorKind, Result};

/// Counts the keys that belong to another server after a change of placement or
/// of the server list. Servers are the same when they are called the same.
///
/// It keeps counts, not keys; see the [module](super) for an example.
#[derive(Clone, Debug)]
pub struct Comparison<'p> {
    old: &'p Plan,
    new: &'p Plan,
    keys: u64,
    moved: u64,
    passed_over: u64,
    /// By endpoint before and after.
    flows: HashMap<(usize, usize), u64>,
}

/// Where one key was and will be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Relocation {
    /// The server before.
    pub from: Arc<str>,
    /// The server after.
    pub to: Arc<str>,
}

impl Relocation {
    /// Whether the key moves.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.from != self.to
    }
}

/// The keys that move from one server to another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flow {
    /// The server before.
    pub from: Arc<str>,
    /// The server after.
    pub to: Arc<str>,
    /// How many keys.
    pub keys: u64,
}

/// The keys of one server before and after.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Share {
    /// The server.
    pub server: Arc<str>,
    /// How many keys it has before, 0 when it is new.
    pub before: u64,
    /// How many keys it has after, 0 when it is gone.
    pub after: u64,
}

impl<'p> Comparison<'p> {
    /// Begins to count.
    #[must_use]
    pub fn new(old: &'p Plan, new: &'p Plan) -> Self {
        Self {
            old,
            new,
            keys: 0,
            moved: 0,
            passed_over: 0,
            flows: HashMap::new(),
        }
    }

    /// Counts a key, given without the prefixes, and tells where it was and will be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`] or [`ErrorKind::NoServers`] of either side, or
    /// what a placement function of the caller's fails with; the key is not
    /// counted then.
    pub fn add(&mut self, key: &[u8]) -> Result<Relocation> {
        let (from, to) = (self.old.server_for(key)?, self.new.server_for(key)?);
        let relocation = Relocation {
            from: Arc::clone(self.old.label(from)),
            to: Arc::clone(self.new.label(to)),
        };
        self.keys += 1;
        self.moved += u64::from(relocation.moves());
        *self.flows.entry((from, to)).or_default() += 1;
        Ok(relocation)
    }

    /// Counts keys, given without the prefixes, and gives each to `each` with
    /// where it was and will be, until that breaks off. Keys that one of the sides
    /// cannot take are passed over.
    ///
    /// # Errors
    ///
    /// What the iterator fails with, [`ErrorKind::NoServers`], or what a
    /// placement function of the caller's fails with.
    pub fn add_all(
        &mut self,
        keys: impl IntoIterator<Item = Result<Vec<u8>>>,
        each: &mut dyn FnMut(&[u8], &Relocation) -> ControlFlow<()>,
    ) -> Result<()> {
        for key in keys {
            let key = key?;
            if let Some(relocation) = self.consider(&key)?
                && each(&key, &relocation).is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// Counts the keys that the servers of the old list have, and gives each to
    /// `each` as [`add_all`](Self::add_all) does.
    ///
    /// Keys are listed by `lru_crawler metadump`, one server after the other.
    /// Those without the old prefix and those on another server than the old
    /// placement says are passed over too. `each` is to be quick and to ask these
    /// servers nothing: some hold a lock while they list. While nothing comes, `interrupted` is
    /// asked ten times a second whether to go on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when a server cannot list keys; those of the
    /// way to the servers; what `interrupted` fails with; those of
    /// [`add_all`](Self::add_all).
    pub fn add_listed(
        &mut self,
        each: &mut dyn FnMut(&[u8], &Relocation) -> ControlFlow<()>,
        interrupted: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let runner = Arc::new(Runner::for_plan(self.old, Box::new(PlainConnector)));
        for endpoint in 0..self.old.servers().len() {
            let mut end = None;
            list(self.old, &runner, endpoint, interrupted, &mut |listed| {
                let flow = match self.consider_at(endpoint, &listed.key) {
                    Ok(Some((key, relocation))) => each(key, &relocation),
                    Ok(None) => return ControlFlow::Continue(()),
                    Err(error) => {
                        end = Some(Err(error));
                        return ControlFlow::Break(());
                    }
                };
                if flow.is_break() {
                    end = Some(Ok(()));
                }
                flow
            })?;
            if let Some(end) = end {
                return end;
            }
        }
        Ok(())
    }

    /// Counts a key on the wire that one server has, unless it is passed over.
    fn consider_at<'k>(
        &mut self,
        endpoint: usize,
        key: &'k [u8],
    ) -> Result<Option<(&'k [u8], Relocation)>> {
        let key = key.strip_prefix(&*self.old.options().prefix);
        let Some(key) = key.filter(|key| self.old.server_for(key) == Ok(endpoint)) else {
            self.passed_over += 1;
            return Ok(None);
        };
        Ok(self.consider(key)?.map(|relocation| (key, relocation)))
    }

    /// Counts a key, unless it is none.
    fn consider(&mut self, key: &[u8]) -> Result<Option<Relocation>> {
        match self.add(key) {
            Err(error) if error.kind() == ErrorKind::InvalidKey => {
                self.passed_over += 1;
                Ok(None)
            }
            added => added.map(Some),
        }
    }

    /// Returns how many keys were counted.
    #[must_use]
    pub const fn keys(&self) -> u64 {
        self.keys
    }

    /// Returns how many keys were passed over.
    #[must_use]
    pub const fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Returns how many of the counted keys move.
    #[must_use]
    pub const fn moved(&self) -> u64 {
        self.moved
    }

    /// Returns between which servers keys move, the most first.
    #[must_use]
    pub fn flows(&self) -> Vec<Flow> {
        let flow = |(&(from, to), &keys): (&(usize, usize), &u64)| Flow {
            from: Arc::clone(self.old.label(from)),
            to: Arc::clone(self.new.label(to)),
            keys,
        };
        let mut flows: Vec<Flow> = self.flows.iter().map(flow).collect();
        flows.retain(|flow| flow.from != flow.to);
        flows.sort_by(|a, b| (b.keys, &a.from, &a.to).cmp(&(a.keys, &b.from, &b.to)));
        flows
    }

    /// Returns how many keys each server has before and after: the servers of
    /// the old list in their order, then those that are new.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        let labels = |plan: &Plan| {
            let endpoints = 0..plan.servers().len();
            let labels = endpoints.map(|endpoint| Arc::clone(plan.label(endpoint)));
            labels.collect::<Vec<_>>()
        };
        let mut shares: Vec<Share> = Vec::new();
        let mut positions = HashMap::new();
        for server in labels(self.old).into_iter().chain(labels(self.new)) {
            positions.entry(Arc::clone(&server)).or_insert_with(|| {
                shares.push(Share {
                    server,
                    before: 0,
                    after: 0,
                });
                shares.len() - 1
            });
        }
        for (&(from, to), keys) in &self.flows {
            shares[positions[self.old.label(from)]].before += keys;
            shares[positions[self.new.label(to)]].after += keys;
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Builder, Setting};

    fn plan(servers: &str, hashing: &str) -> Plan {
        let builder = servers
            .split(',')
            .fold(Builder::default(), |builder, server| {
                builder.server(server).expect("a server")
            });
        let builder = builder.option("hashing", &Setting::Text(hashing));
        builder.expect("known").plan().expect("a plan")
    }

    fn counted<'p>(old: &'p Plan, new: &'p Plan) -> Comparison<'p> {
        let mut comparison = Comparison::new(old, new);
        for number in 0..100_000 {
            let key = format!("user:{number}");
            comparison.add(key.as_bytes()).expect("a legal key");
        }
        comparison
    }

    #[test]
    fn the_figures_are_those_of_the_placement_page() {
        let three = "cache1.example,cache2.example,cache3.example";
        let four = &format!("{three},cache4.example");
        for (hashing, share) in [
            ("python-memcached", 750),
            ("ketama", 217),
            ("rendezvous", 249),
        ] {
            let (old, new) = (plan(three, hashing), plan(four, hashing));
            let comparison = counted(&old, &new);
            assert_eq!(comparison.keys(), 100_000);
            assert_eq!((comparison.moved() + 50) / 100, share, "{hashing}");
        }
    }

    #[test]
    fn the_counts_add_up() {
        let (old, new) = (plan("a,b,c", "ketama"), plan("c,d", "jump"));
        let comparison = counted(&old, &new);
        let flows = comparison.flows();
        assert!(flows.is_sorted_by(|a, b| a.keys >= b.keys));
        assert_eq!(
            flows.iter().map(|flow| flow.keys).sum::<u64>(),
            comparison.moved()
        );
        let shares = comparison.shares();
        let names: Vec<&str> = shares.iter().map(|share| &*share.server).collect();
        assert_eq!(names, ["a:11211", "b:11211", "c:11211", "d:11211"]);
        assert_eq!(
            shares.iter().map(|share| share.before).sum::<u64>(),
            100_000
        );
        assert_eq!(shares.iter().map(|share| share.after).sum::<u64>(), 100_000);
        assert_eq!((shares[0].after, shares[3].before), (0, 0));
    }

    #[test]
    fn the_same_servers_in_another_order_are_the_same() {
        let (old, new) = (plan("a,b,c", "ketama"), plan("c,a,b", "ketama"));
        let comparison = counted(&old, &new);
        assert_eq!((comparison.moved(), comparison.flows()), (0, Vec::new()));
    }
}
