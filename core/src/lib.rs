//! memoxide: a memcached client with an embedded memcached-compatible server.
//!
//! Every operation walks one path, in one direction:
//!
//! ```text
//! key + value  →  encode  →  route  →  connection  →  reply  →  decode
//! ```
//!
//! The modules are the steps of that path. Everything that knows memcached is
//! pure (bytes and a moment in time in, bytes and decisions out); sockets and
//! clocks live in `net` and in the server's listener.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod error;
pub mod fork;
pub mod key;
pub mod net;
pub mod protocol;
pub mod route;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "tls")]
pub mod tls;
pub mod value;

#[cfg(feature = "tokio")]
pub use client::AsyncClient;
#[cfg(feature = "msgpack")]
pub use client::MsgPack;
#[cfg(feature = "tokio")]
pub use client::cache::{AsyncCache, AsyncCacheExt};
pub use client::cache::{Cache, CacheExt};
pub use client::{Client, FromValue, Json, ToValue, Ttl};
pub use error::{Error, ErrorKind, Phase, Result, Sent};
pub use key::Key;
#[cfg(feature = "server")]
pub use server::EmbeddedServer;
