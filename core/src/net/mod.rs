//! Addresses and links: the only place of the client with sockets and a clock.
//!
//! A link moves bytes to and from one server within a deadline. It knows no
//! command, retries nothing and decides nothing; that is left to `client`.
//!
//! ```
//! use memoxide::net::Address;
//!
//! let address: Address = "127.0.0.1:11211".parse()?;
//! assert_eq!(address.to_string(), "127.0.0.1:11211");
//! # Ok::<(), memoxide::Error>(())
//! ```

mod address;
mod clock;
mod link;
mod pool;
#[cfg(feature = "tls")]
mod tls;
mod token;

pub use address::{Address, DEFAULT_PORT};
use clock::lately;
pub use clock::{now, unix_now};
pub use link::{Link, SocketLink, wait};
pub(crate) use pool::LARGEST_BUFFER;
pub use pool::{Lease, Pool, PoolLimits, Pooled};
#[cfg(feature = "tls")]
pub use tls::TlsLayer;
#[cfg(all(feature = "tls", feature = "tokio"))]
pub(crate) use tls::{Session, refused};
pub use token::token;
