//! Servers and credentials from the environment.

use super::read_servers;
use crate::client::options::{Options, Setting};
use crate::client::servers::ServerAddress;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;

/// Families of variables, in the order in which they are looked for.
const FAMILIES: [&str; 3] = ["MEMCACHIER", "MEMCACHE", "MEMCACHED"];

/// Reads the servers that the environment names, and sets the options that come
/// with them; `None` when it names none.
///
/// `MEMOXIDE_URL` comes first, a URL or a list. Without it, the first of
/// `MEMCACHIER_SERVERS`, `MEMCACHE_SERVERS` and `MEMCACHED_SERVERS` counts, with
/// the `…_USERNAME` and `…_PASSWORD` of the same family: credentials of one
/// service never go to the servers of another. Empty variables count as absent.
///
/// ```
/// use memoxide::client::{Options, config};
///
/// let lookup = |name: &str| (name == "MEMCACHE_SERVERS").then(|| "a:1,b:2".to_owned());
/// let servers = config::read_environment(lookup, &mut Options::default())?;
/// assert_eq!(servers.map(|servers| servers.len()), Some(2));
/// # Ok::<(), memoxide::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`], see [`read_servers`].
pub fn read_environment(
    lookup: impl Fn(&str) -> Option<String>,
    options: &mut Options,
) -> Result<Option<Vec<ServerAddress>>> {
    let lookup = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    if let Some(url) = lookup("MEMOXIDE_URL") {
        return read_servers(&url, options).map(Some);
    }
    for family in FAMILIES {
        let Some(list) = lookup(&format!("{family}_SERVERS")) else {
            continue;
        };
        for (option, variable) in [("username", "USERNAME"), ("password", "PASSWORD")] {
            if let Some(value) = lookup(&format!("{family}_{variable}")) {
                options.set(option, &Setting::Text(&value))?;
            }
        }
        return read_servers(&list, options).map(Some);
    }
    Ok(None)
}
