//! Servers and options as text: lists, URLs and environment variables.
//!
//! Everything here is pure: the environment comes in as a function. Options are
//! set on what the caller has, so that those given otherwise can follow and win.
//!
//! ```text
//! memcache://user:password@a:11211,b:11212;weight=2/prefix?hashing=ketama&timeout=0.5
//! ```
//!
//! | part | meaning |
//! |---|---|
//! | `memcache://`, `memcached://` | a plain connection |
//! | `memcaches://`, `memcacheds://` | TLS |
//! | `user:password@` | credentials for all servers |
//! | `a:11211,b:11212;weight=2` | servers, each with `weight=` and `name=` where wanted; the port is 11211 if absent |
//! | `/prefix` | the option `prefix` |
//! | `?…&…` | options by their names; times are seconds |
//!
//! Every part is percent-decoded (`%40` for an `@` in a password), and a `+` is a
//! plus. IPv6 addresses stand in brackets. A Unix socket is `memcache:///path`,
//! `unix:///path?…`, or an entry of a list as `unix:%2Fpath`.
//!
//! ```
//! use memoxide::client::{Options, config};
//!
//! let mut options = Options::default();
//! let url = "memcache://a,b:11212;weight=2/app:?timeout=0.5";
//! let servers = config::read_servers(url, &mut options)?;
//! assert_eq!(servers[1].weight, 2);
//! assert_eq!((options.timeout.as_millis(), &*options.prefix), (500, &b"app:"[..]));
//! # Ok::<(), memoxide::Error>(())
//! ```

mod environment;
mod url;

pub use self::environment::read_environment;
pub use self::url::{is_url, mask};
use super::options::Options;
use super::servers::ServerAddress;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;

/// Reads a URL, or a list of servers separated by commas, and sets the options
/// that a URL has.
///
/// # Errors
///
/// [`ErrorKind::Config`] when it does not parse, contradicts itself, or has
/// options that are not there. Messages hold no credentials.
pub fn read_servers(text: &str, options: &mut Options) -> Result<Vec<ServerAddress>> {
    if is_url(text) {
        url::read(text.trim(), options)
    } else {
        ServerAddress::parse_list(text)
    }
}
