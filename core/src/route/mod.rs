//! Placement: which server a key goes to.
//!
//! A [`Preset`] names a placement, nearly always that of another client, down
//! to its rounding and its defects; a [`Router`] applies it to a list of
//! [`Node`]s. Everything here is pure: names in, indexes out. What a key may be
//! is decided in [`key`](crate::key), whether a server is alive in the client.
//!
//! ```
//! use memoxide::route::{Node, Preset, Router};
//!
//! let nodes = [
//!     Node::new("cache1.example", 11211),
//!     Node::new("cache2.example", 11211).with_weight(2),
//! ];
//! let router = Router::new(Preset::by_name("python-memcached")?, &nodes)?;
//! assert_eq!(router.route(b"user:1"), Some(0));
//! # Ok::<(), memoxide::Error>(())
//! ```

pub mod hash;

mod catalogue;
mod failover;
mod lists;
mod node;
mod number;
mod plan;
mod preset;
mod rendezvous;
mod ring;
mod router;
mod trace;
mod way;

pub use failover::FailoverOrder;
pub use node::Node;
pub use number::HashNumber;
pub use preset::{Failover, Preset};
pub use router::Router;
pub use trace::{Spot, Trace};

/// Compiles what `docs/placement.md` shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/placement.md")]
struct PlacementPage;

#[cfg(test)]
mod tests;
