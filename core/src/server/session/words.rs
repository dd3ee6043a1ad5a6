//! Words of a command line, and numbers as memcached reads them.
//!
//! Only spaces part words; a tab belongs to its word. Numbers in most places
//! are bare digits. Flags and exptime of the storage commands go through C's
//! `strtol`, with its white space and signs, and are cut to 32 bits.

/// The words of a line, front to back.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    pub(super) const fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    /// What follows the last word that was taken.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether no word is left.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.rest.iter().all(|byte| *byte == b' ')
    }
}

/// Words up to this length are measured eight bytes at a time, longer ones by
/// vectors.
const SHORT: usize = 32;

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let mut rest = self.rest;
        while let [b' ', tail @ ..] = rest {
            rest = tail;
        }
        if rest.is_empty() {
            self.rest = rest;
            return None;
        }
        let (word, tail) = rest.split_at(end_of_word(rest));
        self.rest = tail;
        Some(word)
    }
}

#[inline]
fn end_of_word(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let (short, long) = text.split_at(text.len().min(SHORT));
    let (words, rest) = short.as_chunks();
    for (number, word) in words.iter().enumerate() {
        // A borrow shows in the highest bit of a byte that was a space, and perhaps
        // of bytes behind it.
        let others = u64::from_le_bytes(*word) ^ (ONES * u64::from(b' '));
        let spaces = others.wrapping_sub(ONES) & !others & (ONES << 7);
        if spaces != 0 {
            return number * 8 + spaces.trailing_zeros() as usize / 8;
        }
    }
    let short = rest.iter().position(|byte| *byte == b' ');
    let end = short.or_else(|| memchr::memchr(b' ', long));
    end.map_or(text.len(), |end| words.len() * 8 + end)
}

/// Words that memcached's tokenizer takes from a line before it stops.
pub(super) const MAX_WORDS: usize = 23;

/// Whether the line's last word is `noreply`.
pub(super) fn ends_in_noreply(words: Words<'_>) -> bool {
    words.take(MAX_WORDS).last() == Some(b"noreply")
}

/// Reads at most 22 digits as a number of 64 bits.
pub(super) fn number64(word: &[u8]) -> Option<u64> {
    if word.len() > 22 {
        return None;
    }
    word.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Reads at most 11 digits as a number of 32 bits.
pub(super) fn number32(word: &[u8]) -> Option<u32> {
    if word.len() > 11 {
        return None;
    }
    u32::try_from(number64(word)?).ok()
}

/// Reads a number of 32 bits that may have a minus.
#[inline]
pub(super) fn signed32(word: &[u8]) -> Option<i32> {
    if word.len() > 11 {
        return None;
    }
    match word {
        [b'-', digits @ ..] => i32::try_from(-i64::try_from(number64(digits)?).ok()?).ok(),
        digits => i32::try_from(number64(digits)?).ok(),
    }
}

/// Reads a signed number of 64 bits.
pub(super) fn signed64(word: &[u8]) -> Option<i64> {
    match word {
        [b'-', digits @ ..] => i64::try_from(-i128::from(number64(digits)?)).ok(),
        digits => i64::try_from(number64(digits)?).ok(),
    }
}

/// Reads a word with C's `strtol`, cut to 32 bits.
#[inline]
pub(super) fn c_signed(word: &[u8]) -> Option<i32> {
    if let Some(number) = few_digits(word) {
        return Some(number as i32);
    }
    let (negative, magnitude) = c_number(word)?;
    let value = if negative {
        -i128::from(magnitude)
    } else {
        i128::from(magnitude)
    };
    Some(i64::try_from(value).ok()? as i32)
}

/// Reads a word with C's `strtoul`, cut to 32 bits; what looks negative is
/// refused.
#[inline]
pub(super) fn c_unsigned(word: &[u8]) -> Option<u32> {
    if let Some(number) = few_digits(word) {
        return Some(number);
    }
    let (negative, magnitude) = c_number(word)?;
    if !negative {
        return Some(magnitude as u32);
    }
    let value = magnitude.wrapping_neg();
    (value <= i64::MAX as u64).then_some(value as u32)
}

/// Reads a plain number of up to nine digits, the usual case.
#[inline]
fn few_digits(word: &[u8]) -> Option<u32> {
    if word.is_empty() || word.len() > 9 {
        return None;
    }
    word.iter().try_fold(0_u32, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| sum * 10 + u32::from(digit))
    })
}

/// Sign and magnitude of a C number at the start of `word`, which must end
/// there or go on with white space.
fn c_number(word: &[u8]) -> Option<(bool, u64)> {
    let blank = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0b;
    let start = word.iter().position(|byte| !blank(*byte))?;
    let (negative, digits) = match &word[start..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    if end == 0
        || !digits
            .get(end)
            .is_none_or(|byte| blank(*byte) || *byte == 0)
    {
        return None;
    }
    let magnitude = digits[..end].iter().try_fold(0_u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    Some((negative, magnitude))
}

/// Decodes base64 as memcached does: foreign characters are skipped, padding
/// ends it. Returns the length written to `output`, 0 for what does not decode.
pub(super) fn decode_base64(text: &[u8], output: &mut [u8]) -> usize {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        b'=' => Some(0),
        _ => None,
    };
    let count = text.iter().filter(|byte| value(**byte).is_some()).count();
    if count == 0 || count % 4 != 0 || count / 4 * 3 > output.len() {
        return 0;
    }
    let (mut block, mut filled, mut padding, mut length) = ([0_u8; 4], 0, 0, 0);
    for &byte in text {
        let Some(sextet) = value(byte) else { continue };
        padding += usize::from(byte == b'=');
        block[filled] = sextet;
        filled += 1;
        if filled < 4 {
            continue;
        }
        filled = 0;
        output[length] = block[0] << 2 | block[1] >> 4;
        output[length + 1] = block[1] << 4 | block[2] >> 2;
        output[length + 2] = block[2] << 6 | block[3];
        length += 3;
        if padding > 2 {
            return 0;
        }
        if padding > 0 {
            return length - padding;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_part_words_and_tabs_do_not() {
        let words: Vec<_> = Words::new(b"get  a\tb c ").collect();
        assert_eq!(words, [&b"get"[..], b"a\tb", b"c"]);
    }

    #[test]
    fn words_of_any_length_and_bytes_end_at_a_space() {
        for length in 1..80 {
            // Bytes on both sides of a space, and what differs from one by a bit.
            for byte in [b'!', 0x1f, b'a', b'\0', 0xa0, 0xff] {
                let word = vec![byte; length];
                for behind in 0..10 {
                    let line = [&word[..], b" ", &b"!next ...."[..behind]].concat();
                    let mut words = Words::new(&line);
                    assert_eq!(words.next(), Some(&word[..]), "{byte} {behind}");
                    assert_eq!(words.rest().len(), behind + 1);
                    assert_eq!(Words::new(&word).next(), Some(&word[..]));
                }
            }
        }
    }

    #[test]
    fn numbers_are_cut_as_c_cuts_them() {
        assert_eq!(c_unsigned(b"4294967295"), Some(u32::MAX));
        assert_eq!(c_unsigned(b"4294967296"), Some(0));
        assert_eq!(c_unsigned(b"-1"), None);
        assert_eq!(c_unsigned(b"18446744073709551616"), None);
        assert_eq!(c_unsigned(b"abc"), None);
        assert_eq!(c_unsigned(b"\t5"), Some(5));
        assert_eq!(c_signed(b"9999999999"), Some(1_410_065_407));
        assert_eq!(c_signed(b"2147483648"), Some(i32::MIN));
        assert_eq!(c_signed(b"-1"), Some(-1));
        assert_eq!(c_signed(b"1x"), None);
        assert_eq!(c_signed(b"9223372036854775808"), None);
    }

    #[test]
    fn bare_numbers_have_limits() {
        assert_eq!(signed32(b"2147483647"), Some(i32::MAX));
        assert_eq!(signed32(b"2147483648"), None);
        assert_eq!(signed32(b"-2147483648"), Some(i32::MIN));
        assert_eq!(signed32(b"-"), Some(0));
        assert_eq!(signed32(b"+1"), None);
        assert_eq!(number32(b"000000000001"), None);
        assert_eq!(number64(b"0000000000000000000001"), Some(1));
        assert_eq!(number64(b"00000000000000000000001"), None);
        assert_eq!(number64(b"18446744073709551615"), Some(u64::MAX));
    }

    #[test]
    fn base64_is_lenient() {
        let mut output = [0; 16];
        assert_eq!(decode_base64(b"Zm9v", &mut output), 3);
        assert_eq!(&output[..3], b"foo");
        assert_eq!(decode_base64(b"Zm8=", &mut output), 2);
        assert_eq!(decode_base64(b"Z.m9*v", &mut output), 3);
        assert_eq!(decode_base64(b"Zm9", &mut output), 0);
        assert_eq!(decode_base64(b"....", &mut output), 0);
        assert_eq!(decode_base64(b"Z===", &mut output), 0);
    }
}
