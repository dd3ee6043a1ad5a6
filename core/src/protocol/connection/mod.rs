//! The pure connection: requests in, bytes out; bytes in, replies out.

mod join;
mod receive;
mod remembered;
mod value;

use std::collections::VecDeque;
use std::sync::Arc;

use self::join::{Closing, Run};
use self::remembered::remember;
use super::expect::Shape;
use super::reply::Item;
use super::request::Request;
use super::{Codec, Credentials, Limits, Reply, credentials, meta, text};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Error, Result, Sent};

/// Room reserved for a value that spans chunks, before its bytes have come.
const FIRST_RESERVATION: usize = 64 * 1024;

/// How many times the bytes that have come of a value may be reserved for it: a
/// value of 1 MB is moved once, and a lie about its length costs no more.
const RESERVED_AHEAD: usize = 16;

/// Keys of answered requests are dropped from the front beyond this, in bytes.
const KEPT_KEYS: usize = 64 * 1024;

/// An output buffer that grew beyond this is given back once it is written.
const KEPT_OUTPUT: usize = 256 * 1024;

/// One connection to one server, without its socket.
///
/// [`enqueue`](Self::enqueue) appends a request to [`output`](Self::output);
/// after it, write the output. [`receive`](Self::receive) takes received bytes
/// and returns the next reply; call it until it returns `None`, and then look
/// at the output again, because the answer to a question of the connection's
/// own may have released requests. [`outstanding`](Self::outstanding) tells how
/// many requests wait for their reply.
///
/// Plain reads that gather in the output become one command where that is
/// cheaper for the server, so what [`output`](Self::output) returned is to be
/// written, or noted as written, before anything else is enqueued.
///
/// A connection whose codec is unknown asks the peer first: `mn` goes out
/// together with a first read in text, writes wait for the answer.
///
/// After an error the connection is of no use: replies can no longer be told
/// apart. [`abandon`](Self::abandon) gives back what was not answered.
#[derive(Debug)]
pub struct Connection<T> {
    codec: Option<Codec>,
    limits: Limits,
    /// What authenticates the connection, until it is sent.
    credentials: Option<Arc<Credentials>>,
    /// Whether requests wait for the answer to it.
    authenticating: bool,
    output: Vec<u8>,
    /// Bytes of `output` that are written already.
    consumed: usize,
    /// Bytes that left `output` since the connection was opened.
    written: u64,
    expected: VecDeque<Expected<T>>,
    /// Keys of outstanding text retrievals, each behind its length.
    keys: Vec<u8>,
    /// Where the keys of the oldest outstanding request begin.
    keys_head: usize,
    /// Which keys of the retrieval in progress were answered.
    seen: Vec<u64>,
    /// The reads at the end of the output that may be asked for together.
    run: Run,
    /// How the reads are to end whose common reply is complete.
    closing: Option<Closing>,
    /// Requests that wait for the peer's codec.
    held: VecDeque<(T, Request<'static>)>,
    /// Requests that the peer's codec cannot express.
    refused: VecDeque<(T, Error)>,
    opaque: u32,
    /// The beginning of a line whose end has not come.
    carry: Vec<u8>,
    body: Option<Body>,
    broken: bool,
    received: bool,
}

#[derive(Debug)]
struct Expected<T> {
    /// `None` for a question of the connection's own.
    tag: Option<T>,
    shape: Shape,
    opaque: u32,
    /// Position of the first byte in the stream of output.
    start: u64,
    /// Bytes in `keys` that belong to this request.
    key_bytes: u32,
    /// Where to look for the next answered key, as offset and as index.
    cursor: u32,
    index: u32,
    /// Whether the next request shares the command and the reply of this one.
    more: bool,
}

/// A value whose header has been read.
#[derive(Debug)]
struct Body {
    item: Item<'static>,
    length: usize,
    /// What came in earlier chunks.
    buffer: Vec<u8>,
    last: bool,
    number: bool,
    /// Which of the requests that share a reply it answers.
    member: Option<usize>,
}

/// A reply, or one part of it.
#[derive(Debug)]
pub struct Received<'a, T> {
    /// What was given with the request.
    pub tag: T,
    /// The reply.
    pub reply: Reply<'a>,
    /// Whether the request is answered completely with this.
    pub last: bool,
}

/// A request that will never be answered.
#[derive(Debug)]
pub struct Unanswered<T> {
    /// What was given with the request.
    pub tag: T,
    /// Whether a byte of it was written.
    pub sent: Sent,
}

impl<T: Copy> Connection<T> {
    /// Creates the state of a fresh connection; without a codec the peer is asked.
    #[must_use]
    pub fn new(codec: Option<Codec>, limits: Limits) -> Self {
        Self {
            codec,
            limits,
            credentials: None,
            authenticating: false,
            output: Vec::new(),
            consumed: 0,
            written: 0,
            expected: VecDeque::new(),
            keys: Vec::new(),
            keys_head: 0,
            seen: Vec::new(),
            run: Run::default(),
            closing: None,
            held: VecDeque::new(),
            refused: VecDeque::new(),
            opaque: 0,
            carry: Vec::new(),
            body: None,
            broken: false,
            received: false,
        }
    }

    /// Authenticates before anything else is asked.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<Arc<Credentials>>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Appends a request to the output, or holds it until the codec is known
    /// and the connection authenticated.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when the peer's codec cannot express the
    /// request; the connection is untouched then.
    pub fn enqueue(&mut self, tag: T, request: &Request<'_>) -> Result<()> {
        if let Some(credentials) = self.credentials.take() {
            let start = self.position();
            credentials::encode(&credentials, &mut self.output);
            self.expect(None, Shape::Auth, 0, start);
            self.authenticating = true;
        }
        if self.authenticating {
            // Without authentication the data of a set would be taken for it.
            self.held.push_back((tag, request.clone().into_owned()));
            return Ok(());
        }
        if self.codec.is_some() {
            return self.write(tag, request);
        }
        if self.expected.is_empty() && self.held.is_empty() {
            let start = self.position();
            self.output.extend_from_slice(b"mn\r\n");
            self.expect(None, Shape::Probe, 0, start);
        }
        // A plain read may go along with the question: it has the same meaning
        // in every codec and does no harm when the peer closes.
        let plain =
            matches!(request, Request::Retrieve(read) if !read.needs_meta()) && request.is_read();
        if plain && self.held.is_empty() {
            return self.write(tag, request);
        }
        self.held.push_back((tag, request.clone().into_owned()));
        Ok(())
    }

    fn write(&mut self, tag: T, request: &Request<'_>) -> Result<()> {
        if let Some(key) = request.plain_key() {
            self.write_read(tag, key);
            return Ok(());
        }
        self.run = Run::default();
        let start = self.position();
        let (shape, opaque) = if self.codec == Some(Codec::Meta) {
            self.opaque = self.opaque.wrapping_add(1);
            (
                meta::encode(request, self.opaque, &mut self.output)?,
                self.opaque,
            )
        } else {
            (text::encode(request, &mut self.output)?, 0)
        };
        let keys_before = self.keys.len();
        if let (Shape::TextRetrieve { .. }, Request::Retrieve(retrieve)) = (shape, request) {
            remember(&mut self.keys, &retrieve.keys);
        }
        let key_bytes = (self.keys.len() - keys_before) as u32;
        self.expect(Some(tag), shape, opaque, start);
        if let Some(expected) = self.expected.back_mut() {
            expected.key_bytes = key_bytes;
        }
        Ok(())
    }

    fn expect(&mut self, tag: Option<T>, shape: Shape, opaque: u32, start: u64) {
        let expected = Expected {
            tag,
            shape,
            opaque,
            start,
            key_bytes: 0,
            cursor: 0,
            index: 0,
            more: false,
        };
        self.expected.push_back(expected);
    }

    /// The position of the next output byte in the stream.
    fn position(&self) -> u64 {
        self.written + (self.output.len() - self.consumed) as u64
    }

    /// Returns the bytes to write.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output[self.consumed..]
    }

    /// Notes that the first `count` bytes of the output were written.
    pub fn consume(&mut self, count: usize) {
        self.consumed += count;
        self.written += count as u64;
        if self.consumed >= self.output.len() {
            self.output.clear();
            self.consumed = 0;
            if self.output.capacity() > KEPT_OUTPUT {
                self.output = Vec::new();
            }
        }
    }

    /// Takes the whole output, for a driver that can use the bytes without
    /// copying them. They count as written.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        self.written += self.output().len() as u64;
        let mut output = std::mem::take(&mut self.output);
        output.drain(..std::mem::take(&mut self.consumed));
        output
    }

    /// Returns how many requests wait for their reply, held ones included.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.expected.len() + self.held.len() + self.refused.len()
    }

    /// Returns the oldest request that waits for its reply.
    #[must_use]
    pub fn oldest(&self) -> Option<T> {
        let expected = self.expected.iter().find_map(|expected| expected.tag);
        expected.or_else(|| self.held.front().map(|(tag, _)| *tag))
    }

    /// Whether nothing is owed in either direction.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.broken
            && self.outstanding() == 0
            && self.output().is_empty()
            && self.body.is_none()
            && self.carry.is_empty()
    }

    /// Returns the codec of the peer, once it is known.
    #[must_use]
    pub const fn codec(&self) -> Option<Codec> {
        self.codec
    }

    /// Returns how many bytes of the value in progress are still to come,
    /// line end included; 0 between values. A driver may size its reads by it.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.body
            .as_ref()
            .map_or(0, |body| body.length + 2 - body.buffer.len())
    }

    /// Takes what has come of the value in progress, and tells how long it will
    /// be with its line end. A driver that collects the rest by itself passes on
    /// the whole of it, and nothing before.
    #[must_use]
    pub fn take_partial(&mut self) -> Option<(Vec<u8>, usize)> {
        let body = self.body.as_mut()?;
        Some((std::mem::take(&mut body.buffer), body.length + 2))
    }

    /// Whether requests wait until the server has taken the credentials.
    #[must_use]
    pub const fn is_authenticating(&self) -> bool {
        self.authenticating
    }

    /// Whether the peer was asked for meta commands and has said nothing: if it
    /// closes now, it knows none.
    #[must_use]
    pub const fn asked_in_vain(&self) -> bool {
        self.codec.is_none() && !self.received && !self.authenticating
    }

    fn release_held(&mut self) {
        for (tag, request) in std::mem::take(&mut self.held) {
            if let Err(error) = self.enqueue(tag, &request) {
                self.refused.push_back((tag, error));
            }
        }
    }

    /// Gives up: returns every request that was not answered, oldest first.
    pub fn abandon(&mut self) -> Vec<Unanswered<T>> {
        self.broken = true;
        let written = self.written;
        let expected = self.expected.drain(..).filter_map(|expected| {
            let sent = if written > expected.start {
                Sent::MaybeApplied
            } else {
                Sent::NotSent
            };
            expected.tag.map(|tag| Unanswered { tag, sent })
        });
        let held = self.held.drain(..).map(|(tag, _)| tag);
        let refused = self.refused.drain(..).map(|(tag, _)| tag);
        expected
            .chain(held.chain(refused).map(|tag| Unanswered {
                tag,
                sent: Sent::NotSent,
            }))
            .collect()
    }
}

impl<T: Copy + PartialEq> Connection<T> {
    /// Tells whether a byte of an outstanding request was written.
    #[must_use]
    pub fn was_sent(&self, tag: T) -> Sent {
        let written =
            |expected: &Expected<T>| expected.tag == Some(tag) && self.written > expected.start;
        if self.expected.iter().any(written) {
            Sent::MaybeApplied
        } else {
            Sent::NotSent
        }
    }
}
