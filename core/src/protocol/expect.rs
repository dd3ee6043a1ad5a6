//! What a codec tells the connection: which reply to expect, and what a line means.

use super::{Item, Reply};
use crate::error::{Error, ErrorKind};

/// The form of the reply that a request has coming.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// The answer to username and password.
    Auth,
    MetaArithmetic,
    MetaDelete,
    MetaRetrieve,
    MetaStore,
    /// Errors of quiet stores, and the end of their batch.
    MetaStoreMany,
    MetaTouch,
    Noop,
    /// The question which codec the peer speaks.
    Probe,
    TextArithmetic,
    TextDelete,
    TextDump,
    /// One of several reads that share a command.
    TextJoined,
    TextOk,
    TextRetrieve {
        cas: bool,
    },
    TextStats,
    TextStore,
    /// As many replies as the batch has items.
    TextStoreMany {
        count: u32,
    },
    TextTouch,
    TextVersion,
}

impl Shape {
    /// Whether the request has data, which a peer that refuses its command may
    /// take for commands.
    pub(super) const fn has_data(self) -> bool {
        matches!(
            self,
            Self::MetaStore | Self::MetaStoreMany | Self::TextStore | Self::TextStoreMany { .. }
        )
    }

    pub(super) const fn is_meta(self) -> bool {
        matches!(
            self,
            Self::MetaArithmetic
                | Self::MetaDelete
                | Self::MetaRetrieve
                | Self::MetaStore
                | Self::MetaStoreMany
                | Self::MetaTouch
                | Self::Noop
        )
    }
}

/// What one line of a reply means.
pub(super) enum Line<'a> {
    /// More lines follow.
    Part(Reply<'a>),
    /// The reply is complete.
    Last(Reply<'a>),
    /// The peer refused the request; `in_step` when what follows is surely a reply.
    Failed { error: Error, in_step: bool },
    /// A value follows, more after it; its key is still to be verified.
    Value {
        key: &'a [u8],
        flags: u32,
        length: usize,
        cas: Option<u64>,
    },
    /// A value follows, and nothing after it.
    Body { length: usize, item: Item<'static> },
    /// A counter's digits follow, and nothing after them.
    NumberBody { length: usize },
}

/// Splits off the text before the first space.
pub(super) fn token(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', line) {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, &[]),
    }
}

/// Reads a decimal number of digits alone.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    atoi_simd::parse_pos::<u64>(digits).ok()
}

/// Reads a decimal number of up to 32 bits that `line` begins with and that `end`
/// follows; returns it and what stands behind that.
#[inline(always)]
pub(super) fn short_number_before<'l, const N: usize>(
    end: &[u8; N],
    line: &'l [u8],
) -> Option<(u32, &'l [u8])> {
    if let Some(head) = line.first_chunk()
        && let Some((number, digits)) = leading_number(end, u64::from_le_bytes(*head))
    {
        return Some((number, &line[digits + N..]));
    }
    long_number_before(end, line)
}

/// Reads a number that eight bytes begin with, together with what follows it;
/// returns it and how many digits it has. Most have one to three, for which a loop
/// without a look at the bounds is shorter than taking all digits at once.
#[inline(always)]
fn leading_number<const N: usize>(end: &[u8; N], mut bytes: u64) -> Option<(u32, usize)> {
    let (mut number, mut digits) = (0, 0);
    loop {
        // Behind the eight bytes stand zeros, which are no digits.
        let digit = (bytes as u8).wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number * 10 + u32::from(digit);
        digits += 1;
        bytes >>= 8;
    }
    let is_number = digits > 0 && bytes.to_le_bytes().first_chunk() == Some(end);
    is_number.then_some((number, digits))
}

/// The same as [`short_number_before`], digit by digit.
#[cold]
#[inline(never)]
fn long_number_before<'l>(end: &[u8], line: &'l [u8]) -> Option<(u32, &'l [u8])> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = line.split_at(digits);
    let number = number(digits).filter(|_| digits.len() <= 10)?;
    Some((u32::try_from(number).ok()?, rest.strip_prefix(end)?))
}

/// Splits off a decimal number of up to 32 bits before a space or the end.
pub(super) fn short_number(line: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = token(line);
    let number = number(digits)?;
    Some((u32::try_from(number).ok()?, rest))
}

/// How the message about such a line begins; behind it is a word of the line.
pub(crate) const UNEXPECTED: &str = "unexpected reply";

/// The error for a line that answers nothing that was asked.
#[cold]
pub(crate) fn bad_line(line: &[u8]) -> Error {
    // The first word tells what came; the rest may hold keys or values.
    let (word, _) = token(line);
    let word = &word[..word.len().min(24)];
    let message = format!("{UNEXPECTED} \"{}\"", word.escape_ascii());
    Error::new(ErrorKind::Protocol, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what `digits` and `end` begin, with so many bytes behind them.
    fn read(digits: &str, end: &[u8; 2], behind: usize) -> Option<(u32, usize)> {
        let line = [digits.as_bytes(), end, &vec![b'7'; behind]].concat();
        let short = short_number_before(end, &line);
        assert_eq!(short, long_number_before(end, &line), "{digits} {behind}");
        // What the first of two bytes ends, the second does not belong to.
        let one = short_number_before(&[end[0]], &line);
        assert_eq!(one.is_some(), short.is_some(), "{digits} {behind}");
        short.map(|(number, rest)| (number, rest.len()))
    }

    #[test]
    fn numbers_of_every_length_are_read_wherever_the_line_ends() {
        for text in ["0", "7", "10", "999", "1048576", "99999999", "4294967295"] {
            for behind in 0..12 {
                let number = text.parse().expect("a number");
                assert_eq!(read(text, b"\r\n", behind), Some((number, behind)));
                let padded = format!("{text:0>10}");
                assert_eq!(read(&padded, b"\r\n", behind), Some((number, behind)));
            }
        }
    }

    #[test]
    fn what_is_no_number_of_32_bits_is_refused() {
        for text in [
            "",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1x",
            "4294967296",
            "00000000001",
            "1\n",
        ] {
            for behind in 0..12 {
                assert_eq!(read(text, b"\r\n", behind), None, "{text:?}");
            }
        }
    }

    #[test]
    fn every_byte_behind_a_number_but_its_end_is_refused() {
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            let line = [b'1', b'2', byte, b'\n', b'v', b'v', b'v', b'v', b'v'];
            let number = short_number_before(b"\r\n", &line);
            assert_eq!(number.is_some(), byte == b'\r', "{byte}");
            assert_eq!(long_number_before(b"\r\n", &line), number, "{byte}");
        }
    }
}
