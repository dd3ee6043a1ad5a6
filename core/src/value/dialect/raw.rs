//! Clients without types: memjs, aiomcache, emcache, gomemcache, node memcache,
//! pymemcache without a serde.
//!
//! Bytes, text (UTF-8) and integers (decimal) are written with flags 0; bytes
//! come back whatever the flags are.

use super::super::{Dialect, Value};
use super::{Draft, refusal};
use crate::error::Result;

pub(super) fn write(value: Value<'_>) -> Result<Draft<'_>> {
    Ok(match value {
        Value::Bytes(bytes) => Draft::new(0, bytes),
        Value::Text(text) => Draft::text(0, text),
        Value::Int(digits) => Draft::short(0, digits),
        value => {
            return Err(refusal(
                Dialect::Raw,
                value.kind(),
                "it stores bytes, text and integers only",
            ));
        }
    })
}
