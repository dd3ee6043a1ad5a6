//! Which server has a key, and why.

use std::fmt;
use std::sync::Arc;

use crate::client::plan::{Place, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::route::{Failover, Preset, Spot};

/// Which server has a key, and why; see [`explain_key`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KeyExplanation {
    /// The key on the wire, prefix included.
    pub key: Vec<u8>,
    /// The part of it that is hashed.
    pub hashed: Vec<u8>,
    /// The placement.
    pub hashing: Preset,
    /// What was computed. Positions in it are those of the server list.
    pub spot: Spot,
    /// The server, by position in the server list.
    pub endpoint: usize,
    /// The name of the server.
    pub server: Arc<str>,
    /// The names of the servers to try one after the other: that of the key,
    /// those that the client whose placement it is would try, then all others.
    /// Servers that are down are left out.
    pub order: Vec<Arc<str>>,
}

/// Tells which server has a key, and why, when the servers called `down` are down.
///
/// What becomes of the keys of a server that is down is decided as the client
/// does it whose placement it is, when told to fail over; where that client
/// cannot, as though the server were not on the list.
///
/// ```
/// use memoxide::client::{Builder, tools};
/// use memoxide::route::Spot;
///
/// let plan = Builder::default().server("a")?.server("b")?.server("c")?.plan()?;
/// let explained = tools::explain_key(&plan, b"user:1", &[])?;
/// assert!(matches!(explained.spot, Spot::Point { hash: 282_964_413, .. }));
/// assert_eq!(
///     explained.to_string(),
///     "\"user:1\" is on b:11211 (ketama): hash 282964413, point 284242608 of a ring of 480; \
///      then c:11211, a:11211"
/// );
/// let explained = tools::explain_key(&plan, b"user:1", &["b:11211"])?;
/// assert_eq!(&*explained.server, "c:11211");
/// # Ok::<(), memoxide::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidKey`]; [`ErrorKind::NoServers`] when none is left;
/// [`ErrorKind::InvalidArgument`] when a name in `down` is that of no server.
pub fn explain_key(plan: &Plan, key: &[u8], down: &[&str]) -> Result<KeyExplanation> {
    let wire = plan.wire_key(key)?;
    // Asks the caller's function, whose error would be lost below.
    plan.place(key, Place::Key)?;
    let down = named(plan, down)?;
    let lives = |endpoint: usize| !down.contains(&endpoint);
    let failover = plan.router().preset().failover();
    let steps_aside = matches!(failover, Failover::Next | Failover::Rehash);
    let router = if down.is_empty() || steps_aside {
        plan.router().clone()
    } else {
        plan.router().without(&down)?
    };
    let trace = router.trace(&wire, plan.options().prefix.len());
    let endpoint = if steps_aside && !down.is_empty() {
        router.route_live(trace.hashed, lives)
    } else {
        trace.node
    };
    let endpoint = endpoint.ok_or_else(|| {
        let message = "there is no server that may get this key";
        Error::new(ErrorKind::NoServers, message)
    })?;
    let others = router.failover_order(trace.hashed);
    let others = others.filter(|other| *other != endpoint && lives(*other));
    let order = std::iter::once(endpoint).chain(others);
    Ok(KeyExplanation {
        hashed: trace.hashed.to_vec(),
        hashing: router.preset(),
        spot: trace.spot,
        endpoint,
        server: Arc::clone(plan.label(endpoint)),
        order: order.map(|other| Arc::clone(plan.label(other))).collect(),
        key: wire.into_owned(),
    })
}

/// Returns the positions of servers by name.
fn named(plan: &Plan, names: &[&str]) -> Result<Vec<usize>> {
    let position = |name: &&str| {
        let mut endpoints = 0..plan.servers().len();
        endpoints
            .find(|endpoint| **plan.label(*endpoint) == **name)
            .ok_or_else(|| {
                let message = format!("no server is called \"{}\"", name.escape_debug());
                Error::new(ErrorKind::InvalidArgument, message)
            })
    };
    names.iter().map(position).collect()
}

impl fmt::Display for KeyExplanation {
    /// Tells it in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.escape_ascii();
        write!(f, "\"{key}\" is on {} ({}): ", self.server, self.hashing)?;
        if self.hashed != self.key {
            write!(f, "of \"{}\" ", self.hashed.escape_ascii())?;
        }
        match self.spot {
            Spot::Chosen => f.write_str("named by a function of the application"),
            Spot::Nowhere | Spot::Only => f.write_str("the only server"),
            Spot::Point {
                hash,
                point,
                points,
                ..
            } => write!(f, "hash {hash}, point {point} of a ring of {points}"),
            Spot::Score { score, .. } => write!(f, "score {score}, the highest"),
            Spot::Slot { hash, slot, slots } => {
                if let Some(hash) = hash {
                    write!(f, "hash {hash}, ")?;
                }
                write!(f, "slot {slot} of {slots}")
            }
        }?;
        if let [_, next, rest @ ..] = &self.order[..] {
            write!(f, "; then {next}")?;
            rest.iter().try_for_each(|server| write!(f, ", {server}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Builder, Setting};

    fn plan(hashing: &str, prefix: &str) -> Plan {
        let servers = ["a", "b;weight=2", "c"];
        let add = |builder: Builder, server: &&str| builder.server(server).expect("a server");
        let builder = servers.iter().fold(Builder::default(), add);
        let builder = builder
            .option("hashing", &Setting::Text(hashing))
            .expect("known");
        let builder = builder
            .option("prefix", &Setting::Text(prefix))
            .expect("legal");
        builder.plan().expect("a plan")
    }

    #[test]
    fn every_preset_is_explained_as_it_routes() {
        for preset in Preset::all() {
            let plan = plan(preset.name(), "app:");
            for key in (0..100).map(|number| format!("user:{number}")) {
                let explained = explain_key(&plan, key.as_bytes(), &[]).expect("legal");
                let endpoint = plan.server_for(key.as_bytes()).expect("legal");
                assert_eq!(explained.endpoint, endpoint, "{preset}");
                assert_eq!(explained.server, *plan.label(endpoint));
                assert_eq!(explained.order[0], explained.server);
                assert_eq!(explained.order.len(), 3);
                assert_eq!(explained.key, [b"app:", key.as_bytes()].concat());

                let down = explain_key(&plan, key.as_bytes(), &[&explained.server]);
                let down = down.expect("others live");
                assert_ne!(down.server, explained.server, "{preset}");
                assert!(!down.order.contains(&explained.server));
                assert_eq!(down.order.len(), 2);
            }
        }
    }

    #[test]
    fn what_cannot_be_explained_is_refused() {
        let plan = plan("ketama", "");
        let kind = |key: &[u8], down: &[&str]| {
            explain_key(&plan, key, down)
                .expect_err("no explanation")
                .kind()
        };
        assert_eq!(kind(b"two words", &[]), ErrorKind::InvalidKey);
        assert_eq!(kind(b"key", &["d:11211"]), ErrorKind::InvalidArgument);
        let all = ["a:11211", "b:11211", "c:11211"];
        assert_eq!(kind(b"key", &all), ErrorKind::NoServers);
    }

    #[test]
    fn a_function_of_the_caller_is_asked_and_heard() {
        let servers = plan("ketama", "").servers().to_vec();
        let refuse = |key: &[u8], _: &[_]| match key {
            b"key" => Ok(2),
            _ => Err(Error::new(ErrorKind::Encode, "no such key")),
        };
        let plan = Plan::choosing(servers, Default::default(), refuse).expect("a plan");
        let explained = explain_key(&plan, b"key", &[]).expect("a server");
        let line = "\"key\" is on c:11211 (custom): named by a function of the application; \
            then a:11211, b:11211";
        assert_eq!(explained.to_string(), line);
        let error = explain_key(&plan, b"other", &[]).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Encode);
    }
}
