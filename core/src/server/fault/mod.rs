//! Fault rules: a server that misbehaves on command.
//!
//! A [`Rule`] joins a [`Fault`] with the conditions under which it strikes:
//! connection, request, command, key, or chance. Rules are added to and removed
//! from a running server, count their strikes, and have one JSON form for every
//! language, the command `fault add` and scenario files. This room keeps the
//! rules, decides which strike, and forges replies; the listener asks it and
//! does the rest. While a server has no rule it costs nothing.
//!
//! ```
//! use memoxide::EmbeddedServer;
//! use memoxide::server::fault::{Fault, Moment, Rule};
//!
//! let server = EmbeddedServer::start()?;
//! // The third `set` takes effect, but its client never hears of it.
//! let lost = Rule::new(Fault::Reset { when: Moment::After });
//! let id = server.add_fault(lost.command("set").skip(2).times(1))?;
//! // ... exercise the client ...
//! assert_eq!(server.fault_hits(id), Some(0));
//! server.clear_faults()?;
//! # Ok::<(), memoxide::Error>(())
//! ```

mod action;
mod answer;
mod command;
mod forge;
mod log;
mod preset;
mod rule;
mod toxic;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use tokio::sync::watch;

pub(crate) use action::Stage;
pub use action::{Ending, ErrorReply, Fault, Moment, Place, Stream, TlsFailure};
pub(crate) use answer::{is_quiet, refusal, unauthenticated};
pub(crate) use command::{Command, carry_out, is_command};
pub(crate) use forge::{forge, pieces};
pub(crate) use log::Log;
pub use log::LoggedRequest;
pub use preset::PRESETS;
pub use rule::{Numbers, Rule};

use crate::Result;

/// A rule of a server, and how often it has struck.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultStatus {
    /// The rule's number on its server.
    pub id: u64,
    /// The rule.
    pub rule: Rule,
    /// How often it has struck.
    pub hits: u64,
}

/// A request as the rules see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) connection: u64,
    /// Counted from 1 on its connection.
    pub(crate) number: u64,
    pub(crate) command: &'a str,
    pub(crate) key: &'a [u8],
    /// The words behind the first key where a command takes several, else empty.
    pub(crate) more_keys: &'a [u8],
}

impl<'a> Seen<'a> {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a [u8]> {
        let more = self.more_keys.split(|&byte| byte == b' ');
        std::iter::once(self.key)
            .chain(more)
            .filter(|key| !key.is_empty())
    }
}

/// The rules of one server.
pub(crate) struct Faults {
    rules: RwLock<Vec<Arc<Active>>>,
    last_id: AtomicU64,
    /// Changes whenever a rule is added or removed.
    changed: watch::Sender<()>,
}

/// A rule at work.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: u64,
    pub(crate) rule: Rule,
    matches: AtomicU64,
    hits: AtomicU64,
    thrown: AtomicU64,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            rules: RwLock::default(),
            last_id: AtomicU64::new(0),
            changed: watch::Sender::new(()),
        }
    }

    /// Adds a rule and returns its number.
    pub(crate) fn add(&self, rule: Rule) -> Result<u64> {
        rule.check()?;
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        self.rules.write().push(Arc::new(Active::new(id, rule)));
        self.changed.send_replace(());
        Ok(id)
    }

    /// Removes a rule; `false` if there is none with this number.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules.write();
        let before = rules.len();
        rules.retain(|rule| rule.id != id);
        let removed = rules.len() < before;
        drop(rules);
        self.changed.send_replace(());
        removed
    }

    /// Removes all rules.
    pub(crate) fn clear(&self) {
        self.rules.write().clear();
        self.changed.send_replace(());
    }

    /// Returns the rules in the order in which they were added.
    pub(crate) fn list(&self) -> Vec<FaultStatus> {
        let status = |active: &Arc<Active>| FaultStatus {
            id: active.id,
            rule: active.rule.clone(),
            hits: active.hits.load(Ordering::Relaxed),
        };
        self.rules.read().iter().map(status).collect()
    }

    /// Whether a rule can still strike.
    pub(crate) fn are_awake(&self) -> bool {
        self.rules.read().iter().any(|rule| !rule.is_spent())
    }

    /// Returns the rules that match `request`, in order.
    pub(crate) fn for_request(&self, request: &Seen<'_>) -> Vec<Arc<Active>> {
        self.select(|active| {
            matches!(
                active.rule.fault.stage(),
                Stage::Request | Stage::AcceptOrRequest
            ) && active.rule.when.takes_request(request)
        })
    }

    /// Returns the rules that match a connection at `stage`, in order.
    pub(crate) fn for_connection(&self, connection: u64, stage: Stage) -> Vec<Arc<Active>> {
        self.select(|active| {
            let at = active.rule.fault.stage();
            let fits = at == stage || (at == Stage::AcceptOrRequest && stage == Stage::Accept);
            fits && active.rule.when.takes_connection(connection)
        })
    }

    fn select(&self, fits: impl Fn(&Active) -> bool) -> Vec<Arc<Active>> {
        let rules = self.rules.read();
        rules
            .iter()
            .filter(|active| fits(active) && active.matched())
            .cloned()
            .collect()
    }

    /// Returns the rules that want connections refused after `accepted` of them.
    pub(crate) fn refusing(&self, accepted: u64) -> Vec<Arc<Active>> {
        let rules = self.rules.read();
        rules
            .iter()
            .filter(|active| {
                active.rule.fault.stage() == Stage::Listen
                    && active.rule.when.takes_connection(accepted + 1)
            })
            .cloned()
            .collect()
    }

    /// Resolves when the rule `id` is no more.
    pub(crate) async fn removed(&self, id: u64) {
        let mut changed = self.changed.subscribe();
        while self.rules.read().iter().any(|rule| rule.id == id) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Active {
    fn new(id: u64, rule: Rule) -> Self {
        Self {
            id,
            rule,
            matches: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            thrown: AtomicU64::new(0),
        }
    }

    /// Counts a match and lets the rest of the conditions decide.
    fn matched(&self) -> bool {
        let when = &self.rule.when;
        let earlier = self.matches.fetch_add(1, Ordering::Relaxed);
        earlier >= when.skip
            && !self.is_spent()
            && when
                .probability
                .is_none_or(|probability| self.dice() < probability)
    }

    /// Strikes, unless it has struck often enough.
    pub(crate) fn strike(&self) -> bool {
        let most = self.rule.when.times.unwrap_or(u64::MAX);
        self.hits
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |hits| {
                (hits < most).then_some(hits + 1)
            })
            .is_ok()
    }

    /// Whether it has struck before.
    pub(crate) fn has_struck(&self) -> bool {
        self.hits.load(Ordering::Relaxed) > 0
    }

    fn is_spent(&self) -> bool {
        let times = self.rule.when.times;
        times.is_some_and(|times| self.hits.load(Ordering::Relaxed) >= times)
    }

    /// Throws this rule's dice: from 0 up to, not including, 1.
    pub(crate) fn dice(&self) -> f64 {
        // 53 bits are what a double holds.
        (self.random() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Returns the next number of this rule's sequence (SplitMix64).
    pub(crate) fn random(&self) -> u64 {
        let step = self.thrown.fetch_add(1, Ordering::Relaxed) + 1;
        let mut z = self
            .rule
            .when
            .seed
            .wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(
        connection: u64,
        number: u64,
        command: &'static str,
        key: &'static str,
    ) -> Seen<'static> {
        Seen {
            connection,
            number,
            command,
            key: key.as_bytes(),
            more_keys: b"",
        }
    }

    fn strikes(rule: Rule, requests: &[Seen<'_>]) -> Vec<bool> {
        let faults = Faults::new();
        faults.add(rule).unwrap();
        let strike = |request| faults.for_request(request).iter().any(|rule| rule.strike());
        requests.iter().map(strike).collect()
    }

    fn close() -> Rule {
        Rule::new(Fault::Close {
            when: Moment::Before,
        })
    }

    #[test]
    fn all_conditions_must_hold() {
        let requests = [
            seen(1, 1, "get", "user:1"),
            seen(2, 1, "get", "user:1"),
            seen(2, 2, "get", "user:1"),
            seen(2, 2, "set", "user:1"),
            seen(2, 2, "get", "other"),
            seen(2, 2, "version", ""),
        ];
        let rule = close()
            .connection(2)
            .request(2..)
            .command("get")
            .key("user:*");
        let expected = [false, false, true, false, false, false];
        assert_eq!(strikes(rule, &requests), expected);
        let rule = close().command("set").command("version");
        let expected = [false, false, false, true, false, true];
        assert_eq!(strikes(rule, &requests), expected);
        assert_eq!(strikes(close().key("*"), &requests[5..]), [false]);
    }

    #[test]
    fn any_key_of_several_counts() {
        let request = Seen {
            more_keys: b"b c",
            ..seen(1, 1, "get", "a")
        };
        for (pattern, expected) in [("a", true), ("c", true), ("d", false)] {
            assert_eq!(strikes(close().key(pattern), &[request]), [expected]);
        }
    }

    #[test]
    fn matches_are_skipped_and_strikes_limited() {
        let requests = [seen(1, 1, "get", "k"); 5];
        let expected = [false, false, true, true, false];
        assert_eq!(strikes(close().skip(2).times(2), &requests), expected);
    }

    #[test]
    fn chance_is_the_same_for_the_same_seed() {
        let requests = [seen(1, 1, "get", "k"); 1000];
        let first = strikes(close().probability(0.3, 7), &requests);
        assert_eq!(first, strikes(close().probability(0.3, 7), &requests));
        assert_ne!(first, strikes(close().probability(0.3, 8), &requests));
        let count = first.iter().filter(|&&strike| strike).count();
        assert!((250..350).contains(&count), "{count}");
        assert!(!strikes(close().probability(0.0, 7), &requests).contains(&true));
        assert!(!strikes(close().probability(1.0, 7), &requests).contains(&false));
    }

    #[test]
    fn a_spent_rule_sleeps_and_keeps_its_hits() {
        let faults = Faults::new();
        let id = faults.add(close().times(1)).unwrap();
        assert!(faults.are_awake());
        let request = seen(1, 1, "get", "k");
        assert!(faults.for_request(&request)[0].strike());
        assert!(!faults.are_awake());
        assert!(faults.for_request(&request).is_empty());
        assert_eq!(faults.list()[0].hits, 1);
        assert!(faults.remove(id));
        assert!(!faults.remove(id));
    }
}
