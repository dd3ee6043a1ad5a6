//! What became of calls, as words that the driver reads.
//!
//! An event is [`STRIDE`] words: the token of the call, what happened, and
//! details. Values are named as ranges of the received chunk; those that do not
//! lie in it as they are (they came in several chunks, or were decompressed) are
//! kept here until the driver takes them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use memoxide::client::{CasOutcome, Handler, Outcome, Part, Plan, Ticket};
use memoxide::protocol::Item;
use memoxide::value::{Codec, Format};
use memoxide::{Error, Result};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::value::Kind;

/// The words of an event.
const STRIDE: usize = 8;

/// What an event tells; the numbers are those of `Event` in `ts/completion.ts`.
///
/// | event | word 2 | 3 | 4 | 5 | 6 | 7 |
/// |---|---|---|---|---|---|---|
/// | `Item` | position of the key | kind | start | length | flags | |
/// | `Owned` | position of the key | kind | index | length | flags | |
/// | `Details` | cas low | cas high | ttl | size | last access | bits |
/// | `Verdict` | 0 no, 1 yes, 2 exists | | | | | |
/// | `Number` | low | high | whether there is one | | | |
/// | `Refused` | how many positions, six in each of the next events | | | | | |
/// | `Error`, `Fault` | index of the error | | | | | |
/// | `Ask` | | | | | | |
#[derive(Clone, Copy)]
#[repr(u32)]
enum Event {
    /// A value that lies in the chunk.
    Item = 0,
    /// A value that is kept here.
    Owned = 1,
    /// What else is told about the item that comes next.
    Details = 2,
    /// The end: yes, no, or exists.
    Verdict = 3,
    /// The end: the counter's number.
    Number = 4,
    /// The end: the positions of keys that were not written.
    Refused = 5,
    /// The end: an error.
    Error = 6,
    /// An item that cannot be decoded.
    Fault = 7,
    /// The caller's function is wanted.
    Ask = 8,
}

/// Added to an event that ends its call.
const LAST: u32 = 0x100;

/// Added to the kind of a value that is all ASCII.
const ASCII: u32 = 0x100;

/// Which of the details there are.
mod details {
    pub(super) const CAS: u32 = 1;
    pub(super) const TTL: u32 = 2;
    pub(super) const SIZE: u32 = 4;
    pub(super) const ACCESS: u32 = 8;
    pub(super) const HIT_BEFORE: u32 = 16;
    pub(super) const STALE: u32 = 32;
    pub(super) const WON: u32 = 64;
}

/// What has happened in one call of the driver.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) words: Vec<u32>,
    pub(super) values: Vec<Vec<u8>>,
    pub(super) errors: Vec<Error>,
    pub(super) texts: Vec<TextPart>,
    /// The flags of values that a serializer of the program reads.
    pub(super) opaque: Option<u32>,
}

/// Whose keys a call lists, and how they begin, by token.
pub(super) type Lists = HashMap<u32, (Arc<Plan>, Vec<u8>)>;

/// Added to the engine's name of a call whose values are not decoded.
const RAW: u64 = 1 << 32;

/// Returns what the engine names a call.
pub(super) const fn name(token: u32, is_raw: bool) -> u64 {
    token as u64 | if is_raw { RAW } else { 0 }
}

impl Turn {
    /// Begins a new turn.
    pub(super) fn begin(&mut self) {
        self.words.clear();
        self.values.clear();
        self.errors.clear();
        self.texts.clear();
    }

    /// Notes the failure of a call.
    pub(super) fn failed(&mut self, token: u32, error: Error) {
        let index = self.errors.len() as u32;
        self.errors.push(error);
        self.event(token, Event::Error as u32 | LAST, [index, 0, 0, 0, 0, 0]);
    }

    /// Notes what a call found cannot be read.
    fn fault(&mut self, token: u32, error: Error) {
        let index = self.errors.len() as u32;
        self.errors.push(error);
        self.event(token, Event::Fault as u32, [index, 0, 0, 0, 0, 0]);
    }

    fn event(&mut self, token: u32, what: u32, [a, b, c, d, e, f]: [u32; 6]) {
        let words: [u32; STRIDE] = [token, what, a, b, c, d, e, f];
        self.words.extend_from_slice(&words);
    }
}

/// A line of a report, or a key.
#[napi(object, object_from_js = false)]
pub struct TextPart {
    /// The call.
    pub token: u32,
    /// Which endpoint, by position in the configuration.
    pub endpoint: u32,
    /// The name of the figure; absent for a version or an acknowledgement.
    pub name: Option<String>,
    /// The figure, the version, or the key if it is UTF-8.
    pub text: Option<String>,
    /// A key that is none.
    pub bytes: Option<Buffer>,
}

/// Notes what the engine tells.
pub(super) struct Report<'t> {
    turn: &'t mut Turn,
    codec: &'t Codec,
    lists: &'t mut Lists,
    chunk: &'t [u8],
}

impl<'t> Report<'t> {
    /// Goes on with a turn, over values that may lie in `chunk`.
    pub(super) const fn new(
        turn: &'t mut Turn,
        codec: &'t Codec,
        lists: &'t mut Lists,
        chunk: &'t [u8],
    ) -> Self {
        Self {
            turn,
            codec,
            lists,
            chunk,
        }
    }

    fn item(&mut self, token: u32, is_raw: bool, item: Item<'_>) {
        let bits = details_of(&item);
        if bits != 0 {
            let cas = item.cas.unwrap_or_default();
            let words = [
                cas as u32,
                (cas >> 32) as u32,
                item.ttl.unwrap_or_default() as u32,
                item.size.unwrap_or_default() as u32,
                item.last_access.unwrap_or_default() as u32,
                bits,
            ];
            self.turn.event(token, Event::Details as u32, words);
        }
        let flags = item.flags;
        let index = item.index as u32;
        let decoded = if is_raw {
            Ok((Kind::Bytes, item.value))
        } else {
            match self.turn.opaque {
                Some(own) if self.codec.is_own(own, flags) => self
                    .codec
                    .decode_own(own, flags, item.value)
                    .map(|bytes| (Kind::Foreign(Format::Opaque), bytes)),
                _ => self.codec.decode(flags, item.value).map(Kind::split),
            }
        };
        match decoded {
            Ok((kind, bytes)) => self.value(token, index, flags, kind, bytes),
            Err(error) => self.turn.fault(token, error),
        }
    }

    fn value(&mut self, token: u32, index: u32, flags: u32, kind: Kind, bytes: Cow<'_, [u8]>) {
        let length = bytes.len() as u32;
        let is_text = !matches!(kind, Kind::Bytes | Kind::Foreign(_));
        let ascii = is_text && bytes.is_ascii();
        let kind = kind.number() | if ascii { ASCII } else { 0 };
        let range = self.chunk.as_ptr_range();
        match bytes {
            Cow::Borrowed(bytes) if range.contains(&bytes.as_ptr()) => {
                let start = bytes.as_ptr() as usize - range.start as usize;
                let words = [index, kind, start as u32, length, flags, 0];
                self.turn.event(token, Event::Item as u32, words);
            }
            bytes => {
                let place = self.turn.values.len() as u32;
                self.turn.values.push(bytes.into_owned());
                let words = [index, kind, place, length, flags, 0];
                self.turn.event(token, Event::Owned as u32, words);
            }
        }
    }

    fn text(&mut self, token: u64, endpoint: usize, name: Option<&[u8]>, text: Option<&[u8]>) {
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.turn.texts.push(TextPart {
            token: token as u32,
            endpoint: endpoint as u32,
            name: name.map(text_of),
            text: text.map(text_of),
            bytes: None,
        });
    }

    /// Notes a key of a list, if it is one of those that were asked for.
    fn line(&mut self, token: u32, endpoint: usize, line: &[u8]) {
        let Some((plan, prefix)) = self.lists.get(&token) else {
            return;
        };
        let key = match plan.listed(line, prefix) {
            Ok(None) => return,
            Ok(Some(item)) => String::from_utf8(item.key),
            Err(error) => return self.turn.fault(token, error),
        };
        let (text, bytes) = match key {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(error.into_bytes().into())),
        };
        self.turn.texts.push(TextPart {
            token,
            endpoint: endpoint as u32,
            name: None,
            text,
            bytes,
        });
    }
}

fn details_of(item: &Item<'_>) -> u32 {
    use self::details::{ACCESS, CAS, HIT_BEFORE, SIZE, STALE, TTL, WON};
    let bit = |set: bool, bit: u32| if set { bit } else { 0 };
    bit(item.cas.is_some(), CAS)
        | bit(item.ttl.is_some(), TTL)
        | bit(item.size.is_some(), SIZE)
        | bit(item.last_access.is_some(), ACCESS)
        | bit(item.hit_before == Some(true), HIT_BEFORE)
        | bit(item.stale, STALE)
        | bit(item.won, WON)
}

impl Handler for Report<'_> {
    fn part(&mut self, token: u64, part: Part<'_>) {
        match part {
            Part::Item(item) => self.item(token as u32, token & RAW != 0, item),
            Part::Line { endpoint, line } => self.line(token as u32, endpoint, line),
            Part::Ok { endpoint } => self.text(token, endpoint, None, None),
            Part::Stat {
                endpoint,
                name,
                value,
            } => self.text(token, endpoint, Some(name), Some(value)),
            Part::Version { endpoint, version } => self.text(token, endpoint, None, Some(version)),
        }
    }

    fn completed(&mut self, token: u64, result: Result<Outcome>) {
        let token = token as u32;
        if !self.lists.is_empty() {
            self.lists.remove(&token);
        }
        let verdict = |verdict: u32| (Event::Verdict, [verdict, 0, 0, 0, 0, 0]);
        let (event, words) = match result {
            Ok(Outcome::Flag(true)) => {
                // A hit is told, and its call ended, in one event.
                let words = &mut self.turn.words;
                let start = words.len().wrapping_sub(STRIDE);
                if let Some([of, what, ..]) = words.get_mut(start..)
                    && *of == token
                    && *what <= Event::Owned as u32
                {
                    *what |= LAST;
                    return;
                }
                verdict(1)
            }
            Ok(Outcome::Flag(false)) => verdict(0),
            Ok(Outcome::Cas(outcome)) => verdict(match outcome {
                CasOutcome::Exists => 2,
                CasOutcome::NotFound => 0,
                CasOutcome::Stored => 1,
            }),
            Ok(Outcome::Done) => verdict(1),
            Ok(Outcome::Many { failed }) => {
                self.refused(token, &failed);
                return;
            }
            Ok(Outcome::Number(number)) => {
                let known = u32::from(number.is_some());
                let number = number.unwrap_or_default();
                let words = [number as u32, (number >> 32) as u32, known, 0, 0, 0];
                (Event::Number, words)
            }
            Err(error) => {
                self.turn.failed(token, error);
                return;
            }
        };
        self.turn.event(token, event as u32 | LAST, words);
    }

    fn ask(&mut self, token: u64, _ticket: Ticket) {
        self.turn.event(token as u32, Event::Ask as u32, [0; 6]);
    }
}

impl Report<'_> {
    fn refused(&mut self, token: u32, failed: &[usize]) {
        let count = failed.len() as u32;
        let what = Event::Refused as u32 | LAST;
        self.turn.event(token, what, [count, 0, 0, 0, 0, 0]);
        for group in failed.chunks(6) {
            let mut words = [0; 6];
            for (word, position) in words.iter_mut().zip(group) {
                *word = *position as u32;
            }
            self.turn.event(token, what, words);
        }
    }
}
