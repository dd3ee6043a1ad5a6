//! What stands behind `memoxide.compat.memcache`, the module in place of
//! python-memcached.
//!
//! The Python file has python-memcached's surface: names, arguments, results,
//! messages. Here is what it asks of the core: calls to one server of a list
//! (`hosts`), which server a key goes to (`placement`), and what flags mean
//! (`values`).

mod arguments;
mod hosts;
mod placement;
mod values;

pub(crate) use hosts::Hosts;
pub(crate) use placement::{Placement, cmemcache_hash};
pub(crate) use values::{decode, encode};
