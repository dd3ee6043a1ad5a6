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

/// Writes the answer to a retrieval of one item.
#[inline]
pub(super) fn value(output: &mut Vec<u8>, key: &[u8], item: Item<'_>, with_cas: bool) {
    let value = item.value();
    output.reserve(b"VALUE ".len() + key.len() + 64 + value.len());
    output.extend_from_slice(b"VALUE ");
    output.extend_from_slice(key);
    output.push(b' ');
    match item.flags() {
        0 => output.push(b'0'),
        flags => number(output, flags),
    }
    output.push(b' ');
    number(output, value.len());
    if with_cas {
        output.push(b' ');
        number(output, item.cas());
    }
    output.extend_from_slice(b"\r\n");
    output.extend_from_slice(value);
    output.extend_from_slice(b"\r\n");
}
