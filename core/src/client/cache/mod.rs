//! What an application needs of a cache, as traits.
//!
//! [`Cache`] and [`AsyncCache`] are small and object-safe: an application can
//! depend on `&dyn Cache` and be given a client, a view of one (a namespace,
//! another timeout), or a double of its own in tests. [`CacheExt`] and
//! [`AsyncCacheExt`] put the typed methods of the clients on top, under the
//! same names, for whatever implements the former.
//!
//! Administration, locks and what only some servers can do are left out: whoever
//! needs them needs a [`Client`](super::Client).
//!
//! ```no_run
//! use std::time::Duration;
//! use memoxide::{Cache, CacheExt, Client, Result};
//!
//! fn greeting(cache: &dyn Cache, name: &str) -> Result<String> {
//!     let key = format!("greeting:{name}");
//!     if let Some(greeting) = cache.get(&key)? {
//!         return Ok(greeting);
//!     }
//!     let greeting = format!("Good morning, {name}");
//!     cache.set(&key, &greeting, Duration::from_secs(60))?;
//!     Ok(greeting)
//! }
//!
//! let client = Client::new("127.0.0.1:11211")?;
//! greeting(&client, "Ada")?;
//! greeting(&client.namespace("shop")?, "Ada")?;
//! # Ok::<(), memoxide::Error>(())
//! ```

#[cfg(feature = "tokio")]
mod asynchronous;
mod blocking;

#[cfg(feature = "tokio")]
pub use self::asynchronous::{AsyncCache, AsyncCacheExt, BoxFuture, ChangeFn};
pub use self::blocking::{Cache, CacheExt};
