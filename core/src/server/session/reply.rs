//! Writing text replies.

use crate::server::store::item::Item;

pub(super) const BAD_FORMAT: &[u8] = b"CLIENT_ERROR bad command line format";
pub(super) const BAD_DATA: &[u8] = b"CLIENT_ERROR bad data chunk";
pub(super) const ERROR: &[u8] = b"ERROR";
pub(super) const INVALID_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument";
pub(super) const NOT_NUMERIC: &[u8] =
    b"CLIENT_ERROR cannot increment or decrement non-numeric value";
pub(super) const OUT_OF_MEMORY: &[u8] = b"SERVER_ERROR out of memory storing object";
pub(super) const TOO_LARGE: &[u8] = b"SERVER_ERROR object too large for cache";

/// Writes a line.
#[inline]
pub(super) fn line(output: &mut Vec<u8>, text: &[u8]) {
    output.extend_from_slice(text);
    output.extend_from_slice(b"\r\n");
}

/// Writes a line unless the client wants none.
#[inline]
pub(super) fn line_unless(noreply: bool, output: &mut Vec<u8>, text: &[u8]) {
    if !noreply {
        line(output, text);
    }
}

/// Writes a number.
#[inline]
pub(super) fn number(output: &mut Vec<u8>, value: impl itoa::Integer) {
    output.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Longest end of a value's line: flags, length, cas id, line end.
const LONGEST_END: usize = 11 + 11 + 21 + 2;

/// Writes the answer to a retrieval of one item.
#[inline]
pub(super) fn value(output: &mut Vec<u8>, key: &[u8], item: Item<'_>, with_cas: bool) {
    let value = item.value();
    output.reserve(b"VALUE ".len() + key.len() + LONGEST_END + value.len() + 2);
    output.extend_from_slice(b"VALUE ");
    output.extend_from_slice(key);
    let mut digits = itoa::Buffer::new();
    match item.flags() {
        0 => output.extend_from_slice(b" 0 "),
        flags => {
            output.push(b' ');
            output.extend_from_slice(digits.format(flags).as_bytes());
            output.push(b' ');
        }
    }
    output.extend_from_slice(digits.format(value.len()).as_bytes());
    if with_cas {
        output.push(b' ');
        output.extend_from_slice(digits.format(item.cas()).as_bytes());
    }
    output.extend_from_slice(b"\r\n");
    output.extend_from_slice(value);
    output.extend_from_slice(b"\r\n");
}
