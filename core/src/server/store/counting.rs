//! Arithmetic on items that hold a decimal number.

use super::Store;
use super::arena::Handle;
use super::item;

/// The outcome of arithmetic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Counted {
    /// Done.
    Done(Count),
    /// Another cas id is there.
    Exists,
    /// No such item.
    Missing,
    /// No room was to be had.
    NoMemory,
    /// The value is no decimal number.
    NotNumeric,
}

/// A counter after arithmetic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Count {
    /// The new value.
    pub(crate) value: u64,
    /// The new cas id.
    pub(crate) cas: u64,
    /// When the item expired before any touch.
    pub(crate) expires: u32,
    /// The item, unless it was replaced by a longer one. memcached touches the
    /// replaced item, to no effect, and so does this server.
    pub(crate) in_place: Option<Handle>,
}

impl Store {
    /// Adds or subtracts. `compare` is the cas id that must be there, 0 for any.
    pub(crate) fn count(
        &mut self,
        hash: u64,
        key: &[u8],
        increment: bool,
        delta: u64,
        compare: u64,
    ) -> Counted {
        let Some(handle) = self.lookup(hash, key) else {
            return Counted::Missing;
        };
        let item = self.arena.item(handle);
        let too_long = self.measure(item).1 > self.classes.largest_chunk();
        if item.length() == 0 || too_long {
            return Counted::NotNumeric;
        }
        if compare != 0 && item.cas() != compare {
            return Counted::Exists;
        }
        let Some(value) = number(item.value()) else {
            return Counted::NotNumeric;
        };
        let (expires, length) = (item.expires(), item.length());
        let draft_size = item.size() - length;
        let value = if increment {
            self.class_counters(handle).increment_hits += 1;
            value.wrapping_add(delta)
        } else {
            self.class_counters(handle).decrement_hits += 1;
            value.saturating_sub(delta)
        };
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(value).as_bytes();
        let cas = self.cas_for(None);
        if digits.len() <= length {
            let bytes = self.arena.bytes_mut(handle);
            item::set_cas(bytes, cas);
            let (number, padding) = item::value_mut(bytes).split_at_mut(digits.len());
            number.copy_from_slice(digits);
            padding.fill(b' ');
            self.refresh(handle);
            return Counted::Done(Count {
                value,
                cas,
                expires,
                in_place: Some(handle),
            });
        }
        // The item is small: its value is shorter than a number.
        let size = draft_size + digits.len();
        let mut head = [0; item::HEAD + 4 + 255];
        head[..draft_size].copy_from_slice(&self.arena.bytes(handle)[..draft_size]);
        item::renew(&mut head, digits.len(), self.now, cas);
        let same_slot = self.arena.fits_same_slot(handle, size);
        let new = if same_slot {
            self.discount(handle);
            handle
        } else {
            match self.slot(size, Some(handle)) {
                Some(new) => new,
                None => return Counted::NoMemory,
            }
        };
        let bytes = self.arena.bytes_mut(new);
        bytes[..draft_size].copy_from_slice(&head[..draft_size]);
        bytes[draft_size..size].copy_from_slice(digits);
        if same_slot {
            self.account(new);
        } else {
            self.unlink(hash, handle);
            self.link(hash, new);
        }
        Counted::Done(Count {
            value,
            cas,
            expires,
            in_place: None,
        })
    }

    /// Counts arithmetic on a missing item.
    pub(crate) const fn count_miss(&mut self, increment: bool) {
        if increment {
            self.counters.increment_misses += 1;
        } else {
            self.counters.decrement_misses += 1;
        }
    }
}

/// Reads a counter as memcached does: leading white space, a sign, digits, and
/// then the end or white space.
fn number(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii_start();
    let (negative, digits) = match value.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, value),
    };
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    if end == 0
        || !digits
            .get(end)
            .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b))
    {
        return None;
    }
    let magnitude = digits[..end].iter().try_fold(0_u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    if !negative {
        return Some(magnitude);
    }
    // `strtoull` negates; memcached refuses only what then looks negative.
    let value = magnitude.wrapping_neg();
    (value <= i64::MAX as u64).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn counters_are_read_as_strtoull_reads_them() {
        for (text, value) in [
            ("0", Some(0)),
            ("000000000000000000001", Some(1)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            (" 7 ", Some(7)),
            ("+7", Some(7)),
            ("12 abc", Some(12)),
            ("-1", None),
            ("-0", Some(0)),
            ("-18446744073709551615", Some(1)),
            ("1.5", None),
            ("abc", None),
            ("  ", None),
            ("", None),
        ] {
            assert_eq!(number(text.as_bytes()), value, "{text:?}");
        }
    }
}
