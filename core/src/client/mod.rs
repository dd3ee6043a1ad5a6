//! Commands, operations, and what drives them.
//!
//! A call walks through this room once:
//!
//! 1. [`Plan`] turns what the caller names into an [`Operation`]: the key gets
//!    its prefix, is checked and routed. Each command's rule is there, once.
//! 2. A driver advances the operation. Blocking calls use the [`Runner`], which
//!    checks out links of `net`; event loops use the [`Engine`], which owns no
//!    socket at all. Both answer to the same health, retry and error rules.
//! 3. Pieces of the result arrive as [`Part`]s while bytes are still in the
//!    receive buffer, so that each driver builds its own objects from them
//!    without a copy between. The end is an [`Outcome`] or an error.
//!
//! A list of keys ([`Plan::list_keys`]) can be longer than
//! memory, so an event loop runs it as a stream:
//!
//! 1. [`Engine::submit_stream`] begins it. The time it is given is that of each
//!    piece, not of the whole: any number of items may come, none of them late.
//! 2. The handler gets a [`Part::Line`] for each item, of any server, and keeps
//!    what [`Plan::listed`] makes of it until the caller asks.
//! 3. When more wait than the caller should have to hold, and the engine's method
//!    has returned, [`Engine::pause`] has the driver carry out [`Action::Pause`]:
//!    the connections, which serve that list alone, are not read, and the
//!    servers wait. When the caller has taken what waits, [`Engine::resume`]
//!    brings [`Action::Resume`]. No time runs between the two.
//! 4. The end is told as of any operation, behind the last piece. A caller that
//!    has enough before is given up by [`Engine::cancel`], which closes the
//!    connections of the list: carry out the actions after it.
//!
//! Left to others: bytes on the wire (`protocol`), placement (`route`), flags
//! (`value`), sockets and clocks (`net`, and one driver file in each binding).
//!
//! ```
//! use memoxide::client::{Builder, Operation, Place};
//! use memoxide::protocol::Want;
//!
//! let plan = Builder::default().server("127.0.0.1:11211")?.plan()?;
//! let operation = plan.retrieve(b"greeting", Want::VALUE, None, Place::Key)?;
//! assert!(matches!(operation, Operation::Single(_)));
//! # Ok::<(), memoxide::Error>(())
//! ```

#[cfg(feature = "tokio")]
mod asynchronous;
mod blocking;
mod builder;
pub mod cache;
mod composite;
pub mod config;
mod convert;
mod delivery;
mod engine;
mod health;
mod item;
pub mod log;
#[cfg(feature = "tokio")]
mod multiplexed;
mod operation;
mod options;
mod plan;
mod security;
mod servers;
mod shelf;
pub mod stats;
mod sync;
pub mod tools;
mod ttl;
mod view;

#[cfg(feature = "tokio")]
pub use asynchronous::{AsyncClient, AsyncLock, KeyStream};
pub use blocking::{Connector, Host, PlainConnector, Reading, Runner, Times};
pub use builder::Builder;
pub use composite::Uptake;
#[cfg(feature = "msgpack")]
pub use convert::MsgPack;
pub use convert::{FromValue, Json, ToValue};
pub use engine::{Action, ConnectionId, Engine, EngineOptions, Handler, Ticket};
pub use health::{Admission, Health, HealthPolicy};
pub use item::ItemView;
pub use operation::{
    Answer, CasOutcome, Composite, Dispatch, Input, Moment, Operation, Outbox, Outcome, Part,
    Parts, Single, Spread, Step, Stores,
};
pub use options::{Auth, OnError, Options, Password, PlaintextAuth, Setting, TlsOptions};
pub use plan::{Counting, Place, Plan, UPDATE_ATTEMPTS};
pub use servers::ServerAddress;
#[doc(hidden)]
pub use shelf::Shelf;
pub use sync::{Client, Lock};
pub use ttl::Ttl;
