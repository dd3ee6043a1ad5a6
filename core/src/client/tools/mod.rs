//! For those who run a cluster: where keys are and why, how many would move, and
//! moving them.
//!
//! [`explain_key`] and [`Comparison`] compute from the server lists alone; what
//! stored bytes mean is told by [`explain`](crate::value::explain). [`Migration`]
//! copies and compares running clusters, through [`Plan`](super::Plan) and
//! [`Runner`](super::Runner) like every other call. Left to others: placement
//! itself (`route`) and requests (`protocol`).
//!
//! ```
//! use memoxide::client::{Builder, tools};
//!
//! let plan = |servers: &[&str]| {
//!     let add = |builder: Builder, server: &&str| builder.server(server);
//!     servers.iter().try_fold(Builder::default(), add)?.plan()
//! };
//! let (old, new) = (plan(&["a", "b", "c"])?, plan(&["a", "b", "c", "d"])?);
//!
//! let explained = tools::explain_key(&old, b"user:1", &[])?;
//! assert_eq!(&*explained.server, "b:11211");
//!
//! let mut comparison = tools::Comparison::new(&old, &new);
//! for number in 0..1000 {
//!     comparison.add(format!("user:{number}").as_bytes())?;
//! }
//! assert!(comparison.moved() < 300);
//! # Ok::<(), memoxide::Error>(())
//! ```

mod compare;
mod explain;
mod keys;
mod listing;
mod migrate;

pub use compare::{Comparison, Flow, Relocation, Share};
pub use explain::{KeyExplanation, explain_key};
pub use keys::{KeyLines, read_keys};
pub use migrate::{
    Migration, MigrationOptions, MigrationSummary, Mode, Observer, Progress, Reason, Unresolved,
};
