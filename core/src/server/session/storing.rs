//! Storage requests of all protocols, from the header to the reply.
//!
//! A value that is there in full is copied once, into its item. One that is not
//! goes piece by piece into a [`Pending`] item.

use super::meta_update::MetaReply;
use super::pending::{Fed, Pending};
use super::reply_binary::Header;
use super::text::Request;
use super::words::{c_signed, c_unsigned, ends_in_noreply, number64, signed32};
use super::{Flow, Phase, Talk, reply};
use crate::key::MAX_KEY_LENGTH;
use crate::server::shared::Access;
use crate::server::store::commands::{Mode, Outcome, Terms, Value};
use crate::server::store::item::Draft;

/// Longest data block that a header may announce.
const LONGEST_DATA: i32 = i32::MAX - 2;

/// How a storage request is answered.
#[derive(Clone, Copy)]
pub(super) enum Answer<'a> {
    Binary(Header),
    Meta(MetaReply<'a>),
    Text { noreply: bool },
}

impl Answer<'_> {
    /// Bytes behind the value that belong to the data block.
    pub(super) const fn line_end(&self) -> usize {
        match self {
            Self::Binary(_) => 0,
            Self::Meta(_) | Self::Text { .. } => 2,
        }
    }
}

/// A storage request whose value is to come.
pub(super) struct Order<'a> {
    pub(super) hash: u64,
    pub(super) draft: Draft<'a>,
    pub(super) terms: Terms,
    /// Length of the value.
    pub(super) length: usize,
    pub(super) answer: Answer<'a>,
}

/// Reads the length of a data block.
pub(super) fn data_length(word: &[u8]) -> Option<usize> {
    let length = signed32(word)?;
    (0..=LONGEST_DATA)
        .contains(&length)
        .then_some(length as usize)
}

impl Talk {
    /// `set` and its relatives: `<key> <flags> <exptime> <length> [cas]
    /// [noreply]`.
    #[inline]
    pub(super) fn storage(
        &mut self,
        access: &mut Access<'_>,
        mode: Mode,
        mut request: Request<'_>,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let words = &mut request.words;
        let (key, flags, exptime, length) =
            (words.next(), words.next(), words.next(), words.next());
        let (Some(key), Some(flags), Some(exptime), Some(length)) = (key, flags, exptime, length)
        else {
            reply::line(output, reply::BAD_FORMAT);
            return (request.used, Flow::Continue);
        };
        let Some(length) = data_length(length) else {
            // Without a length there is no telling where the data ends.
            reply::line(output, reply::BAD_FORMAT);
            return (request.used, Flow::Continue);
        };
        let noreply = !words.rest().is_empty() && ends_in_noreply(words.clone());
        let compare = match mode {
            Mode::Cas => words.next().and_then(number64),
            _ => Some(0),
        };
        let fields = (c_unsigned(flags), c_signed(exptime), compare);
        let (true, (Some(flags), Some(exptime), Some(compare))) =
            (key.len() <= MAX_KEY_LENGTH, fields)
        else {
            reply::line_unless(noreply, output, reply::BAD_FORMAT);
            self.swallow(length + 2);
            return (request.used, Flow::Continue);
        };
        access.shared.note_set(key);
        let order = Order {
            hash: access.hash(key),
            draft: Draft {
                key,
                flags,
                expires: access.expiry(exptime),
                marks: 0,
            },
            terms: Terms {
                compare,
                ..Terms::of(mode)
            },
            length,
            answer: Answer::Text { noreply },
        };
        let store = access.store(order.hash);
        let class = store
            .classes
            .class(store.classes.item_size(key.len(), flags, length));
        if class == 0 {
            store.too_large(order.hash, key, mode == Mode::Set);
            reply::line_unless(noreply, output, reply::TOO_LARGE);
            self.swallow(length + 2);
            return (request.used, Flow::Continue);
        }
        store.counters.classes[class].set_commands += 1;
        let (used, flow) = self.take_value(access, order, request.rest, output);
        (request.used + used, flow)
    }

    /// Stores a value that starts `rest`; if it is not there in full, begins to
    /// collect it. Returns the bytes used.
    #[inline]
    pub(super) fn take_value(
        &mut self,
        access: &mut Access<'_>,
        order: Order<'_>,
        rest: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let whole = order.length + order.answer.line_end();
        let Some(data) = rest.get(..whole) else {
            return self.begin_value(access, &order, rest, output);
        };
        let (value, line_end) = data.split_at(order.length);
        if !matches!(line_end, b"" | b"\r\n") {
            bad_data(&order.answer, output);
            return (whole, Flow::Continue);
        }
        let store = access.store(order.hash);
        let stored = store.store(order.hash, order.draft, order.terms, Value::Slice(value));
        answer(order.answer, order.draft.key, stored, order.length, output);
        (whole, Flow::Continue)
    }

    #[cold]
    fn begin_value(
        &mut self,
        access: &mut Access<'_>,
        order: &Order<'_>,
        rest: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let Some(pending) = Pending::begin(access, order) else {
            let whole = order.length + order.answer.line_end();
            self.no_memory(access, order.hash, order.draft.key, order.answer, output);
            self.swallow(whole);
            return (0, Flow::Continue);
        };
        self.phase = Phase::Data(Box::new(pending));
        self.data(access, rest, output)
    }

    /// Goes on collecting a value.
    pub(super) fn data(
        &mut self,
        access: &mut Access<'_>,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let Phase::Data(pending) = &mut self.phase else {
            return (0, Flow::Continue);
        };
        let (used, fed) = pending.feed(access, input);
        if fed == Fed::More {
            return (used, Flow::NeedInput);
        }
        let Phase::Data(pending) = std::mem::replace(&mut self.phase, Phase::Command) else {
            return (used, Flow::Continue);
        };
        match fed {
            Fed::More | Fed::Full => pending.store(access, output),
            Fed::NoMemory(left) => {
                let (hash, key) = (pending.hash(), pending.key().to_vec());
                self.no_memory(access, hash, &key, pending.answer(), output);
                pending.release(access);
                self.swallow(left);
            }
            Fed::BadData => {
                bad_data(&pending.answer(), output);
                pending.release(access);
            }
        }
        (used, Flow::Continue)
    }

    /// Answers that there is no memory for a value; an old value under the key
    /// goes, so that it is not taken for the new one.
    fn no_memory(
        &self,
        access: &mut Access<'_>,
        hash: u64,
        key: &[u8],
        wanted: Answer<'_>,
        output: &mut Vec<u8>,
    ) {
        access.store(hash).out_of_memory(hash, key, true);
        answer(wanted, key, Outcome::NoMemory, 0, output);
    }
}

fn bad_data(answer: &Answer<'_>, output: &mut Vec<u8>) {
    let noreply = matches!(answer, Answer::Text { noreply: true });
    reply::line_unless(noreply, output, reply::BAD_DATA);
}

/// Answers a storage request.
#[inline]
pub(super) fn answer(
    answer: Answer<'_>,
    key: &[u8],
    stored: Outcome,
    length: usize,
    output: &mut Vec<u8>,
) {
    match answer {
        Answer::Text { noreply } => {
            let text: &[u8] = match stored {
                Outcome::Exists => b"EXISTS",
                Outcome::NoMemory => reply::OUT_OF_MEMORY,
                Outcome::NotFound => b"NOT_FOUND",
                Outcome::NotStored => b"NOT_STORED",
                Outcome::Stored { .. } => b"STORED",
            };
            reply::line_unless(noreply, output, text);
        }
        Answer::Meta(meta) => meta.write(key, stored, length, output),
        Answer::Binary(header) => header.stored(stored, output),
    }
}
