//! The embedded server: a memcached in the process, for tests, demos and local
//! work.
//!
//! [`Shared`] is the engine of one server (store, settings, time, counters),
//! [`Session`] one connection's conversation. Both are pure: a session turns
//! bytes into bytes and reads no socket, so a test joins a client and a server
//! in memory under a virtual [`Clock`]. Sockets, threads and fault rules belong
//! to the listener. Where versions of memcached differ, the server behaves as
//! 1.6.45.
//!
//! ```
//! use memoxide::server::{Clock, PeerInfo, Session, Settings, Shared};
//!
//! let shared = Shared::new(Settings::default(), Clock::virtual_at(1_700_000_000));
//! let mut session = Session::new(shared, PeerInfo::default());
//! let mut output = Vec::new();
//! session.process(b"set greeting 0 0 5\r\nhello\r\nget greeting\r\n", &mut output);
//! assert_eq!(output, b"STORED\r\nVALUE greeting 0 5\r\nhello\r\nEND\r\n");
//! ```

mod auth;
mod clock;
mod crawl;
mod embedded;
pub mod fault;
mod listener;
mod session;
mod settings;
mod shared;
mod stats;
mod store;
mod watch;

pub use auth::parse_credentials;
pub use clock::Clock;
pub use embedded::{EmbeddedServer, EmbeddedServerBuilder};
#[cfg(feature = "cli")]
pub(crate) use listener::{Place, Target};
pub use session::{
    CloseReason, Head, Next, OUTPUT_BUDGET, PeerInfo, Progress, Session, StreamState,
};
pub use settings::{Credential, ProtocolChoice, Settings};
pub use shared::Shared;
