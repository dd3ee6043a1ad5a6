//! The flags of meta requests: what they ask for, and what is wrong with them.
//!
//! Every meta command takes the same set of flags; a command ignores those it
//! has no use for. An error is found before anything is done.

use super::reply;
use super::words::{Words, decode_base64, number32, number64, signed32};
use crate::key::MAX_KEY_LENGTH;
use crate::server::shared::Access;

/// Most words of a meta request, command and key included.
const MAX_META_WORDS: usize = 20;
/// Longest opaque, with its flag character.
const MAX_OPAQUE: usize = 32;

pub(super) const OPAQUE_TOO_LONG: &[u8] = b"CLIENT_ERROR opaque token too long";
const BAD_KEY: &[u8] = b"CLIENT_ERROR error decoding key";
const BAD_TOKEN: &[u8] = b"CLIENT_ERROR bad token in command line format";

/// A key, decoded if the request says so.
pub(super) struct MetaKey<'a> {
    raw: &'a [u8],
    decoded: [u8; MAX_KEY_LENGTH],
    decoded_length: usize,
}

impl MetaKey<'_> {
    /// The key as stored.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        if self.decoded_length == 0 {
            self.raw
        } else {
            &self.decoded[..self.decoded_length]
        }
    }

    /// Whether it came in base64.
    #[inline]
    pub(super) const fn is_binary(&self) -> bool {
        self.decoded_length > 0
    }
}

/// What the flags of a request ask for.
#[derive(Default)]
pub(super) struct MetaFlags {
    /// `q`.
    pub(super) quiet: bool,
    /// `v`.
    pub(super) value: bool,
    /// `u`.
    pub(super) no_update: bool,
    /// `h` or `l`, or one that changes the item: a fetch counts after the reply.
    pub(super) late: bool,
    /// `I`.
    pub(super) invalidate: bool,
    /// `x`.
    pub(super) remove_value: bool,
    /// `N`: the store second at which a created item expires.
    pub(super) create: Option<u32>,
    /// `T`, as a store second.
    pub(super) expires: Option<u32>,
    /// `R`, as a store second.
    pub(super) recache: u32,
    /// `F`.
    pub(super) client_flags: u32,
    /// `C`.
    pub(super) compare: Option<u64>,
    /// `E`.
    pub(super) cas: Option<u64>,
    /// `M`; 0 when not given.
    pub(super) mode: u8,
    /// `J`.
    pub(super) initial: u64,
    /// `D`.
    pub(super) delta: Option<u64>,
}

/// A meta request after its command.
pub(super) struct MetaRequest<'a> {
    pub(super) key: &'a [u8],
    /// The words that are flags, as sent.
    pub(super) flags: &'a [u8],
    /// Words of the request, command included.
    words: usize,
}

/// Splits a meta request into key and flags behind `skipped` further words.
/// `None` for what memcached's tokenizer does not take: no key, or a word in the
/// place of a flag that starts with neither letter nor digit.
pub(super) fn split<'a>(mut words: Words<'a>, skipped: usize) -> Option<MetaRequest<'a>> {
    let key = words.next()?;
    for _ in 0..skipped {
        words.next()?;
    }
    let flags = words.rest();
    let mut count = 2 + skipped;
    for word in words.take(super::words::MAX_WORDS - count) {
        if !matches!(word[0], b'A'..=b'z' | b'0'..=b'9') {
            return None;
        }
        count += 1;
    }
    Some(MetaRequest {
        key,
        flags,
        words: count,
    })
}

impl<'a> MetaRequest<'a> {
    /// Reads key and flags.
    #[inline]
    pub(super) fn parse(
        &self,
        access: &Access<'_>,
    ) -> Result<(MetaKey<'a>, MetaFlags), &'static [u8]> {
        let mut key = MetaKey {
            raw: self.key,
            decoded: [0; MAX_KEY_LENGTH],
            decoded_length: 0,
        };
        if self.key.len() > MAX_KEY_LENGTH {
            return Err(reply::BAD_FORMAT);
        }
        if self.words > MAX_META_WORDS {
            return Err(b"CLIENT_ERROR options flags are too long");
        }
        let mut flags = MetaFlags::default();
        let mut seen = 0_u128;
        // The last error counts, unless a flag is unknown or comes twice.
        let mut error: Option<&'static [u8]> = None;
        for word in Words::new(self.flags) {
            let (flag, token) = (word[0], &word[1..]);
            let bit = 1_u128 << (flag & 127);
            if seen & bit != 0 {
                return Err(b"CLIENT_ERROR duplicate flag");
            }
            seen |= bit;
            let seconds = || {
                let exptime = if token.is_empty() {
                    None
                } else {
                    signed32(token)
                };
                exptime
                    .map(|exptime| access.expiry(exptime))
                    .ok_or(BAD_TOKEN)
            };
            let number = |wrong| {
                let number = if token.is_empty() {
                    None
                } else {
                    number64(token)
                };
                number.ok_or(wrong)
            };
            flags.late |= matches!(flag, b'N' | b'T' | b'R' | b'l' | b'h');
            let outcome = match flag {
                b'b' => {
                    let mut length = self.key.len();
                    length = decode_base64(self.key, &mut key.decoded[..length]);
                    key.decoded_length = length;
                    if length == 0 { Err(BAD_KEY) } else { Ok(()) }
                }
                b'N' => seconds().map(|expires| flags.create = Some(expires)),
                b'T' => seconds().map(|expires| flags.expires = Some(expires)),
                b'R' => seconds().map(|expires| flags.recache = expires),
                b'F' => {
                    let number = if token.is_empty() {
                        None
                    } else {
                        number32(token)
                    };
                    // memcached keeps an earlier error's text here.
                    number
                        .map(|number| flags.client_flags = number)
                        .ok_or_else(|| error.unwrap_or(reply::BAD_FORMAT))
                }
                b'C' => number(BAD_TOKEN).map(|cas| flags.compare = Some(cas)),
                b'E' => number(BAD_TOKEN).map(|cas| flags.cas = Some(cas)),
                b'J' => number(b"CLIENT_ERROR invalid numeric initial value")
                    .map(|initial| flags.initial = initial),
                b'D' => number(b"CLIENT_ERROR invalid numeric delta value")
                    .map(|delta| flags.delta = Some(delta)),
                b'M' => {
                    // A bare `M` names the line end, which is no mode.
                    flags.mode = token.first().copied().unwrap_or(b'\r');
                    Ok(())
                }
                b'v' => {
                    flags.value = true;
                    Ok(())
                }
                b'u' => {
                    flags.no_update = true;
                    Ok(())
                }
                b'q' => {
                    flags.quiet = true;
                    Ok(())
                }
                b'x' => {
                    flags.remove_value = true;
                    Ok(())
                }
                b'I' => {
                    flags.invalidate = true;
                    Ok(())
                }
                b'O' | b'P' | b'L' | b'k' | b's' | b't' | b'c' | b'f' | b'l' | b'h' => Ok(()),
                _ => return Err(b"CLIENT_ERROR invalid flag"),
            };
            if let Err(text) = outcome {
                error = Some(text);
            }
        }
        error.map_or(Ok((key, flags)), Err)
    }
}

/// Whether an opaque, flag character included, is short enough.
#[inline]
pub(super) const fn is_opaque(word: &[u8]) -> bool {
    word.len() <= MAX_OPAQUE
}

/// Writes a flag of a reply.
#[inline]
pub(super) fn flag(output: &mut Vec<u8>, name: u8, value: impl itoa::Integer) {
    output.extend_from_slice(&[b' ', name]);
    reply::number(output, value);
}

/// Writes a key flag, in base64 with its mark for a binary key.
pub(super) fn key_flag(output: &mut Vec<u8>, key: &[u8], binary: bool) {
    output.extend_from_slice(b" k");
    if binary {
        encode_base64(key, output);
        output.extend_from_slice(b" b");
    } else {
        output.extend_from_slice(key);
    }
}

/// Writes bytes in base64.
pub(crate) fn encode_base64(bytes: &[u8], output: &mut Vec<u8>) {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let start = output.len();
    output.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = engine
        .encode_slice(bytes, &mut output[start..])
        .expect("the room was measured");
    output.truncate(start + written);
}
