//! What the module in place of memjs asks of the core.

use memoxide::route::hash::java;
use napi_derive::napi;

/// Returns the number that tells where memjs puts a key: the absolute value of
/// Java's string hash. The server is its remainder by the number of servers.
#[napi]
#[must_use]
pub fn memjs_hash(key: String) -> u32 {
    java(key.as_bytes()).unsigned_abs()
}
