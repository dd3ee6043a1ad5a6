//! One connection's conversation: bytes in, bytes out, no socket.
//!
//! A session executes requests as they arrive in slices of the listener's read
//! buffer. It keeps nothing between calls but what a request has begun: a value
//! on its way in goes straight into the item being built, everything else that
//! is incomplete stays with the listener and is shown again. The protocols are
//! in [`text`], [`meta`] and [`binary`], storing is shared in [`storing`].

mod admin;
mod auth;
mod binary;
mod head;
mod lists;
mod meta;
mod meta_flags;
mod meta_update;
mod pending;
mod reply;
mod reply_binary;
mod statistics;
mod storing;
mod text;
mod words;

pub(crate) use self::meta_flags::encode_base64;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::task::Waker;

pub use self::head::Head;
use self::pending::Pending;
use super::crawl::Dump;
use super::settings::ProtocolChoice;
use super::shared::{Access, ConnectionState, Shared, activity, count};

/// Output bytes after which [`Session::process`] yields.
pub const OUTPUT_BUDGET: usize = 64 << 10;
/// Bytes without a line end after which a connection is closed, unless they are
/// a list of keys.
const LINE_LIMIT: usize = 2048;
/// The same for lists of keys, which memcached does not limit.
const KEY_LIST_LIMIT: usize = 8 << 20;
/// Bytes of a stream handed out at a time.
const STREAM_PIECE: usize = 32 << 10;

/// Who is at the other end, as far as reports and watchers show it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PeerInfo {
    /// The connection's number, unique among the open ones; shown as file
    /// descriptor in reports.
    pub connection: u64,
    /// The peer's address; `None` for a unix socket.
    pub address: Option<SocketAddr>,
    /// The listener's address; `None` for a unix socket.
    pub listener: Option<SocketAddr>,
}

/// What the listener does after a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Write the output, then read more.
    NeedInput,
    /// Write the output, then call [`Session::process`] again with the rest of
    /// the input before reading more.
    Yield,
    /// Write the output, then call [`Session::poll_stream`] until it says that
    /// the stream has ended; keep unread input for afterwards.
    Stream,
    /// Write the output, then close the connection.
    Close,
    /// Write the output, then stop the server; gracefully means that other
    /// connections get their pending replies first.
    Shutdown {
        /// Whether `graceful` was asked for.
        graceful: bool,
    },
}

/// The outcome of [`Session::process`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// Bytes of the input that need not be shown again.
    pub consumed: usize,
    /// What to do next.
    pub next: Next,
}

/// Where a stream stands after [`Session::poll_stream`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StreamState {
    /// More is there: write the output and call again.
    More,
    /// Nothing for now: the waker is called when there is.
    Pending,
    /// The stream has ended; the session takes commands again.
    Done,
    /// The stream has ended and so has the connection.
    Close,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CloseReason {
    /// The peer left or said `quit`.
    #[default]
    Normal,
    /// A protocol or socket error.
    Error,
    /// Nothing was received for too long.
    IdleTimeout,
    /// The server stops.
    Shutdown,
}

impl CloseReason {
    /// Returns the name that `watch connevents` shows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Error => "error",
            Self::IdleTimeout => "idle_timeout",
            Self::Shutdown => "shutdown",
        }
    }
}

/// One connection.
///
/// See the [module docs](super) for an example.
pub struct Session {
    shared: Arc<Shared>,
    talk: Talk,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.talk.state.peer)
            .finish_non_exhaustive()
    }
}

/// The state of a conversation, apart from the engine it is held with.
pub(crate) struct Talk {
    state: Arc<ConnectionState>,
    phase: Phase,
    dialect: Dialect,
    /// Bytes of an incomplete line that hold no line end.
    scanned: usize,
    /// Whether the connection may use commands that ask for credentials.
    authenticated: bool,
    /// Requests executed since the output was last handed over.
    batch: usize,
    reason: CloseReason,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dialect {
    /// The first byte will tell.
    Undecided,
    Binary,
    Text,
}

enum Phase {
    /// Between requests.
    Command,
    /// Inside the data block of a storage request.
    Data(Box<Pending>),
    /// Inside a data block that nobody wants.
    Swallow(usize),
    /// Inside a long list of keys.
    Keys(lists::KeyList),
    /// Inside the data block of a text authentication.
    AuthToken(usize),
    /// Streaming events.
    Watch(u64),
    /// Streaming keys.
    Dump(Box<Dump>),
    /// Nothing more is executed.
    Closed,
}

/// What comes after one step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    /// Go on with the next request.
    Continue,
    /// The rest of the input is an incomplete request.
    NeedInput,
    /// The output is full in the middle of a request.
    Full,
    Close,
    Shutdown {
        graceful: bool,
    },
    Stream,
}

impl Session {
    /// Opens a session for a new connection.
    #[must_use]
    pub fn new(shared: Arc<Shared>, peer: PeerInfo) -> Self {
        count(&shared.totals.connections);
        shared.watchers.connected(&peer);
        let settings = shared.settings();
        let dialect = if settings.sasl.is_some() {
            Dialect::Binary
        } else if settings.auth_file.is_some() {
            Dialect::Text
        } else {
            match settings.protocol {
                ProtocolChoice::Auto => Dialect::Undecided,
                ProtocolChoice::Ascii => Dialect::Text,
                ProtocolChoice::Binary => Dialect::Binary,
            }
        };
        let authenticated = settings.sasl.is_none() && settings.auth_file.is_none();
        let connection = peer.connection;
        let state = Arc::new(ConnectionState {
            peer,
            last_command: AtomicU32::new(shared.now()),
            activity: AtomicU8::new(activity::WAITING),
        });
        shared
            .connections
            .lock()
            .insert(connection, Arc::clone(&state));
        Self {
            shared,
            talk: Talk {
                state,
                phase: Phase::Command,
                dialect,
                scanned: 0,
                authenticated,
                batch: 0,
                reason: CloseReason::Normal,
            },
        }
    }

    /// Executes every complete request in `input`, appending replies to `output`,
    /// until the input is used up or [`OUTPUT_BUDGET`] bytes were appended.
    ///
    /// Show the bytes beyond [`Progress::consumed`] again at the front of the
    /// next call's input. Data blocks are consumed as they arrive, so what is
    /// left over is at most an incomplete line or header.
    pub fn process(&mut self, input: &[u8], output: &mut Vec<u8>) -> Progress {
        let before = output.len();
        let connection = self.talk.state.peer.connection;
        let mut access = Access::new(&self.shared, connection);
        let progress = self.talk.run(&mut access, input, output);
        let (read, written) = (progress.consumed as u64, (output.len() - before) as u64);
        if let Some(store) = access.held() {
            store.counters.bytes_read += read;
            store.counters.bytes_written += written;
        } else {
            let totals = &self.shared.totals;
            totals.bytes_read.fetch_add(read, Ordering::Relaxed);
            totals.bytes_written.fetch_add(written, Ordering::Relaxed);
        }
        if progress.next == Next::Yield {
            count(&self.shared.totals.yields);
        }
        self.talk.state.activity.store(
            match self.talk.phase {
                Phase::Data(_) | Phase::AuthToken(_) => activity::READING_DATA,
                Phase::Swallow(_) => activity::SWALLOWING,
                Phase::Watch(_) | Phase::Dump(_) => activity::STREAMING,
                Phase::Command | Phase::Keys(_) | Phase::Closed => activity::WAITING,
            },
            Ordering::Relaxed,
        );
        progress
    }

    /// Takes the next bounded piece of a stream (`lru_crawler metadump`, `watch`).
    pub fn poll_stream(&mut self, waker: &Waker, output: &mut Vec<u8>) -> StreamState {
        let before = output.len();
        let state = match &mut self.talk.phase {
            Phase::Watch(id) => {
                if self.shared.watchers.take(*id, STREAM_PIECE, waker, output) {
                    StreamState::More
                } else {
                    StreamState::Pending
                }
            }
            Phase::Dump(dump) => {
                if dump.write(&self.shared, STREAM_PIECE, output) {
                    StreamState::More
                } else {
                    self.talk.phase = Phase::Command;
                    StreamState::Done
                }
            }
            Phase::Closed => StreamState::Close,
            _ => StreamState::Done,
        };
        let written = (output.len() - before) as u64;
        let totals = &self.shared.totals;
        totals.bytes_written.fetch_add(written, Ordering::Relaxed);
        state
    }

    /// The peer will send no more; what is incomplete is dropped.
    ///
    /// A stream that runs goes on: the peer may have closed only its side.
    pub fn end_of_input(&mut self, _output: &mut Vec<u8>) {
        if !matches!(self.talk.phase, Phase::Watch(_) | Phase::Dump(_)) {
            self.talk.abandon(&self.shared);
            self.talk.phase = Phase::Closed;
        }
    }

    /// Whether the session waits for the rest of a data block.
    #[must_use]
    pub const fn is_reading_data(&self) -> bool {
        matches!(
            self.talk.phase,
            Phase::Data(_) | Phase::Swallow(_) | Phase::AuthToken(_)
        )
    }

    /// Returns the number of requests that the last call of
    /// [`Session::process`] began.
    pub(crate) const fn begun(&self) -> usize {
        self.talk.batch
    }

    /// Returns how many bytes of a data block are still to come.
    pub(crate) fn data_left(&self) -> usize {
        match &self.talk.phase {
            Phase::Data(pending) => pending.left(),
            Phase::Swallow(left) => *left,
            Phase::AuthToken(length) => *length + 2,
            _ => 0,
        }
    }

    /// Returns the head of the next request in `input`, without executing it.
    ///
    /// `None` while the command is unknown because the line or header is
    /// incomplete, and inside a data block.
    #[must_use]
    pub fn head<'a>(&self, input: &'a [u8]) -> Option<Head<'a>> {
        if !matches!(self.talk.phase, Phase::Command) {
            return None;
        }
        match self.talk.dialect {
            Dialect::Undecided if input.first() == Some(&binary::REQUEST) => head::binary(input),
            Dialect::Binary => head::binary(input),
            Dialect::Undecided | Dialect::Text => head::text(input),
        }
    }

    /// Tells why the connection ends, for `watch connevents`; without it the
    /// reason is `normal`.
    pub fn closing(&mut self, reason: CloseReason) {
        if reason == CloseReason::IdleTimeout {
            count(&self.shared.totals.idle_kicks);
        }
        self.talk.reason = reason;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.talk.abandon(&self.shared);
        let peer = &self.talk.state.peer;
        self.shared.connections.lock().remove(&peer.connection);
        self.shared.watchers.disconnected(peer, self.talk.reason);
    }
}

impl Talk {
    fn run(&mut self, access: &mut Access<'_>, input: &[u8], output: &mut Vec<u8>) -> Progress {
        let start = output.len();
        let mut consumed = 0;
        self.batch = 0;
        let next = loop {
            let (used, flow) = self.step(access, &input[consumed..], output);
            consumed += used;
            match flow {
                Flow::Continue if output.len() - start < OUTPUT_BUDGET => {}
                Flow::Continue if consumed == input.len() => break Next::NeedInput,
                Flow::Continue | Flow::Full => break Next::Yield,
                Flow::NeedInput => break Next::NeedInput,
                Flow::Stream => break Next::Stream,
                Flow::Close => {
                    self.phase = Phase::Closed;
                    break Next::Close;
                }
                Flow::Shutdown { graceful } => {
                    self.phase = Phase::Closed;
                    self.reason = CloseReason::Shutdown;
                    break Next::Shutdown { graceful };
                }
            }
        };
        if self.batch > 0 {
            let last = &self.state.last_command;
            if last.load(Ordering::Relaxed) != access.now {
                last.store(access.now, Ordering::Relaxed);
            }
        }
        Progress { consumed, next }
    }

    /// Does one thing with the front of `input`; returns the bytes it used.
    #[inline]
    fn step(
        &mut self,
        access: &mut Access<'_>,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        match &mut self.phase {
            Phase::Command => match self.dialect {
                _ if input.is_empty() => (0, Flow::NeedInput),
                Dialect::Text => self.text(access, input, output),
                Dialect::Binary => self.binary(access, input, output),
                Dialect::Undecided => {
                    self.dialect = if input[0] == binary::REQUEST {
                        Dialect::Binary
                    } else {
                        Dialect::Text
                    };
                    (0, Flow::Continue)
                }
            },
            Phase::Data(_) => self.data(access, input, output),
            Phase::Swallow(left) => {
                let used = input.len().min(*left);
                *left -= used;
                if *left > 0 {
                    return (used, Flow::NeedInput);
                }
                self.phase = Phase::Command;
                (used, Flow::Continue)
            }
            Phase::Keys(list) => {
                let list = *list;
                self.phase = Phase::Command;
                self.more_keys(access, list, input, output)
            }
            Phase::AuthToken(_) => self.auth_token(access, input, output),
            Phase::Watch(_) | Phase::Dump(_) => (0, Flow::Stream),
            Phase::Closed => (input.len(), Flow::Close),
        }
    }

    /// Skips `length` bytes of data that are still to come.
    fn swallow(&mut self, length: usize) {
        if length > 0 {
            self.phase = Phase::Swallow(length);
        }
    }

    /// Gives up what has begun, so that nothing it holds is lost.
    fn abandon(&mut self, shared: &Shared) {
        match std::mem::replace(&mut self.phase, Phase::Command) {
            Phase::Data(pending) => {
                pending.release(&mut Access::new(shared, self.state.peer.connection));
            }
            Phase::Watch(id) => shared.watchers.remove(id),
            Phase::Dump(dump) => dump.end(shared),
            _ => {}
        }
    }
}
