//! The hash functions that memcached clients place keys with.
//!
//! Each function is the one its client runs, defects included: a textbook
//! function of the same name may give other results, and its documentation says
//! where. What is done with a hash is the business of the
//! [router](crate::route::Router).
//!
//! C clients feed `char` into some of these functions, and whether `char` has a
//! sign depends on the machine. [`Char`] chooses; keys in plain ASCII hash alike
//! either way.
//!
//! ```
//! use memoxide::route::hash::{self, Char};
//!
//! assert_eq!(hash::crc32(b"foo"), 0x8c73_6521);
//! assert_eq!(hash::crc15(b"foo"), 3187);
//! let text = "schlüssel".as_bytes();
//! assert_ne!(
//!     hash::one_at_a_time(text, Char::Signed),
//!     hash::one_at_a_time(text, Char::Unsigned),
//! );
//! ```

mod bytewise;
mod crc;
mod digest;
mod jenkins;
mod murmur;
mod sip;
mod tail;
mod text;
mod xxh3;

pub use bytewise::{Char, fnv1_32, fnv1_64, fnv1a_32, fnv1a_64, hsieh, one_at_a_time};
pub use crc::{crc15, crc16, crc32};
pub use digest::{md5, md5_digest, sha1_be, sha1_digest, sha1_le};
pub use jenkins::jenkins;
pub use murmur::{murmur2, murmur3_x64_128, murmur3_x86_32, murmur64a};
pub use sip::sip13;
pub use text::{java, js_fnv1a};
pub use xxh3::xxh3;

pub(crate) use crc::crc32_of_parts;
pub(crate) use murmur::{Murmur3x64, Murmur3x86};
pub(crate) use text::{characters, write_bytes_repr};
pub(crate) use xxh3::SeededXxh3;

use super::lists::mcrouter_part;
use super::way::{HashFunction, HashKey};

/// Makes an expression over a key a function with its own lookups.
macro_rules! keyed {
    ($key:ident => $hash:expr) => {{
        struct Function;

        impl HashKey for Function {
            #[inline]
            fn hash($key: &[u8]) -> u64 {
                $hash
            }
        }

        HashFunction::new::<Function>()
    }};
}

/// A function from keys to numbers, as one client uses it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyHash {
    Crc15,
    Crc16,
    /// mcrouter's: 31 bits of the part of the key that it routes by.
    Crc31,
    Crc32,
    /// gomemcache's: no more than 256 bytes of the key.
    Crc32Of256,
    Fnv1_32,
    Fnv1_64,
    Fnv1a32,
    Fnv1a64,
    Hsieh,
    /// The absolute value of the Java-style string hash.
    Java,
    Jenkins,
    JsFnv1a,
    /// As `JsFnv1a`, moved so that signed order becomes unsigned order.
    JsFnv1aBiased,
    Md5,
    /// libmemcached's when it hashes a prefix: keys over 250 bytes give 0.
    Md5UpTo250,
    Murmur2,
    OneAtATime,
    /// As `Sha1Be`, moved so that signed order becomes unsigned order.
    Sha1BeBiased,
    Sha1Le,
    Sip13,
}

impl KeyHash {
    /// Whether non-ASCII keys hash differently where C's `char` has no sign.
    pub(crate) const fn depends_on_char(self) -> bool {
        matches!(
            self,
            Self::Fnv1_32
                | Self::Fnv1_64
                | Self::Fnv1a32
                | Self::Fnv1a64
                | Self::Hsieh
                | Self::OneAtATime
        )
    }

    /// Returns the function; all but the last fill the lower 32 bits only.
    pub(crate) fn function(self, char: Char) -> HashFunction {
        use Char::{Signed, Unsigned};
        match (self, char) {
            (Self::Crc15, _) => keyed!(key => crc15(key).into()),
            (Self::Crc16, _) => keyed!(key => crc16(key).into()),
            (Self::Crc31, _) => keyed!(key => (crc32(mcrouter_part(key)) & 0x7fff_ffff).into()),
            (Self::Crc32, _) => keyed!(key => crc32(key).into()),
            (Self::Crc32Of256, _) => keyed!(key => crc32(&key[..key.len().min(256)]).into()),
            (Self::Fnv1_32, Signed) => keyed!(key => fnv1_32(key, Signed).into()),
            (Self::Fnv1_32, Unsigned) => keyed!(key => fnv1_32(key, Unsigned).into()),
            (Self::Fnv1_64, Signed) => keyed!(key => fnv1_64(key, Signed).into()),
            (Self::Fnv1_64, Unsigned) => keyed!(key => fnv1_64(key, Unsigned).into()),
            (Self::Fnv1a32, Signed) => keyed!(key => fnv1a_32(key, Signed).into()),
            (Self::Fnv1a32, Unsigned) => keyed!(key => fnv1a_32(key, Unsigned).into()),
            (Self::Fnv1a64, Signed) => keyed!(key => fnv1a_64(key, Signed).into()),
            (Self::Fnv1a64, Unsigned) => keyed!(key => fnv1a_64(key, Unsigned).into()),
            (Self::Hsieh, Signed) => keyed!(key => hsieh(key, Signed).into()),
            (Self::Hsieh, Unsigned) => keyed!(key => hsieh(key, Unsigned).into()),
            (Self::Java, _) => keyed!(key => java(key).unsigned_abs().into()),
            (Self::Jenkins, _) => keyed!(key => jenkins(key).into()),
            (Self::JsFnv1a, _) => keyed!(key => js_fnv1a(key).into()),
            (Self::JsFnv1aBiased, _) => keyed!(key => (js_fnv1a(key) ^ SIGN).into()),
            (Self::Md5, _) => keyed!(key => md5(key).into()),
            (Self::Md5UpTo250, _) => {
                keyed!(key => if key.len() > 250 { 0 } else { md5(key).into() })
            }
            (Self::Murmur2, _) => keyed!(key => murmur2(key).into()),
            (Self::OneAtATime, Signed) => keyed!(key => one_at_a_time(key, Signed).into()),
            (Self::OneAtATime, Unsigned) => keyed!(key => one_at_a_time(key, Unsigned).into()),
            (Self::Sha1BeBiased, _) => keyed!(key => (sha1_be(key) ^ SIGN).into()),
            (Self::Sha1Le, _) => keyed!(key => sha1_le(key).into()),
            (Self::Sip13, _) => keyed!(key => sip13(key)),
        }
    }
}

/// Turns the order of signed numbers into that of unsigned ones.
const SIGN: u32 = 0x8000_0000;

#[cfg(test)]
mod tests;
