//! memoxide: a memcached client with an embedded memcached-compatible server.
//!
//! ```no_run
//! use std::time::Duration;
//! use memoxide::Client;
//!
//! let client = Client::new("127.0.0.1:11211")?;
//! client.set("greeting", "hello", Duration::from_secs(60))?;
//! let greeting: Option<String> = client.get("greeting")?;
//! # Ok::<(), memoxide::Error>(())
//! ```
//!
//! - [`Client`] is for threads, [`AsyncClient`] for tasks on tokio: the same
//!   methods, with `.await`. [`Client::builder`] takes [options](client::Options).
//! - [`Cache`] and [`AsyncCache`] are traits for applications to depend on.
//! - What can be stored is a [`ToValue`], what can be read a [`FromValue`]: bytes,
//!   text, integers, and with [`Json`] whatever serde knows.
//! - [`EmbeddedServer`] is a memcached for tests.
//! - [`client::tools`] explains placement and migrates clusters.
//!
//! | feature | | default |
//! |---|---|---|
//! | `tokio` | [`AsyncClient`] | yes |
//! | `tls` | TLS for clients and the embedded server | yes |
//! | `compress` | compression of values with zlib and zstd | yes |
//! | `server` | [`EmbeddedServer`] | yes |
//! | `msgpack` | `MsgPack`, values as MessagePack | no |
//! | `cli` | the command `memoxide` | no |
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

/// The Rust examples of the pages, which are tested with the others.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/clients.md")]
    struct Clients;
    #[doc = include_str!("../../docs/placement.md")]
    struct Placement;
    #[doc = include_str!("../../docs/security.md")]
    struct Security;
}
