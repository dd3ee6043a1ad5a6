//! Trees of Python objects as JSON text and back, without a tree in between.
//!
//! Writing keeps to the profile that the three languages share
//! (`memoxide::value::json`). Reading takes what the dialect let through:
//! integers beyond 2^53 - 1, which PHP writes, arrive exactly.
//!
//! Types are checked exactly: a subclass of `dict` or an `IntEnum` would come
//! back as something else than what was stored, so it is refused.

mod read;
mod write;

use memoxide::value::json::{MAX_DEPTH, MAX_SAFE_INTEGER};

pub(crate) use read::{read, read_integer};
pub(crate) use write::{is_container, utf8, write};

/// Why an `int` is refused that Python would not convert either.
pub(crate) const TOO_MANY_DIGITS: &str =
    "an int has more digits than sys.get_int_max_str_digits() allows";
