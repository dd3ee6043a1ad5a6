//! A hash that the caller computed, as a decimal number of any size.

use crate::error::{Error, ErrorKind, Result};

/// A hash that the caller computed: a decimal number of any size.
///
/// python-memcached takes `(hash, key)` in place of a key, and a Python integer
/// has no upper limit; the md5 of something is a common choice.
///
/// ```
/// use memoxide::route::HashNumber;
///
/// let number = HashNumber::parse("340282366920938463463374607431768211456")?;
/// assert_eq!(number.modulo(10), 6);
/// assert_eq!(HashNumber::parse("-1")?.modulo(3), 2);
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct HashNumber<'a>(&'a str);

impl<'a> HashNumber<'a> {
    /// Reads decimal digits, a minus sign in front allowed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] when the text is anything else.
    pub fn parse(text: &'a str) -> Result<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a hash given in place of a key must be an integer",
            ));
        }
        Ok(Self(text))
    }

    /// Returns the decimal text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns the remainder of a division, which is never negative.
    ///
    /// # Panics
    ///
    /// When `divisor` is 0.
    #[must_use]
    pub fn modulo(self, divisor: u64) -> u64 {
        let divisor = u128::from(divisor);
        let (negative, digits) = match self.0.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, self.0),
        };
        let remainder = digits.bytes().fold(0, |remainder, digit| {
            (remainder * 10 + u128::from(digit - b'0')) % divisor
        });
        let remainder = if negative {
            (divisor - remainder) % divisor
        } else {
            remainder
        };
        u64::try_from(remainder).expect("a remainder is smaller than the divisor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "-", "+1", "1.0", "0x10", " 1"] {
            assert!(HashNumber::parse(text).is_err(), "{text:?}");
        }
    }
}
