//! One connection's conversation: bytes in, bytes out, no socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;

use super::Shared;

/// Output bytes after which [`Session::process`] yields.
pub const OUTPUT_BUDGET: usize = 64 << 10;

/// Who is at the other end, as far as reports and watchers show it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PeerInfo {
    /// The connection's number; shown as file descriptor in reports.
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

/// The head of one request, for fault rules and request logs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head<'a> {
    /// The command's name in the text protocol's words, such as `get` or `mg`;
    /// binary opcodes have the name of their text cousin, quiet or not.
    pub command: &'a str,
    /// The first key as sent, empty when the command has none.
    pub key: &'a [u8],
    /// Bytes of the request, data block included, or `None` as long as the line
    /// or header is incomplete or its length is unknown.
    pub length: Option<usize>,
}

/// One connection.
pub struct Session {
    shared: Arc<Shared>,
    #[expect(dead_code, reason = "shown by stats conns and watchers")]
    peer: PeerInfo,
}

impl Session {
    /// Opens a session for a new connection.
    #[must_use]
    pub fn new(shared: Arc<Shared>, peer: PeerInfo) -> Self {
        Self { shared, peer }
    }

    /// Executes every complete request in `input`, appending replies to `output`,
    /// until the input is used up or `output` holds [`OUTPUT_BUDGET`] bytes.
    ///
    /// Show the bytes beyond [`Progress::consumed`] again at the front of the
    /// next call's input. Data blocks are consumed as they arrive, so what is
    /// left over is at most an incomplete line or header.
    pub fn process(&mut self, input: &[u8], output: &mut Vec<u8>) -> Progress {
        let mut consumed = 0;
        while let Some(end) = memchr::memchr(b'\n', &input[consumed..]) {
            let line = &input[consumed..consumed + end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let mut next = consumed + end + 1;
            let tokens: Vec<&[u8]> = line.split(|b| *b == b' ').collect();
            match tokens[..] {
                [b"get", key] => {
                    if let Some((flags, value)) = self.shared.items().lock().get(key) {
                        output.extend_from_slice(b"VALUE ");
                        output.extend_from_slice(key);
                        output
                            .extend_from_slice(format!(" {flags} {}\r\n", value.len()).as_bytes());
                        output.extend_from_slice(value);
                        output.extend_from_slice(b"\r\n");
                    }
                    output.extend_from_slice(b"END\r\n");
                }
                [b"set", key, flags, _, length] => {
                    let number = |b: &[u8]| std::str::from_utf8(b).ok()?.parse::<u32>().ok();
                    let (Some(flags), Some(length)) = (number(flags), number(length)) else {
                        output.extend_from_slice(b"CLIENT_ERROR bad command line format\r\n");
                        consumed = next;
                        continue;
                    };
                    let end = next + length as usize;
                    if input.len() < end + 2 {
                        break;
                    }
                    let value = input[next..end].to_vec();
                    self.shared
                        .items()
                        .lock()
                        .insert(key.to_vec(), (flags, value));
                    output.extend_from_slice(b"STORED\r\n");
                    next = end + 2;
                }
                [b"version"] => {
                    let version = &self.shared.settings().version;
                    output.extend_from_slice(format!("VERSION {version}\r\n").as_bytes());
                }
                [b"quit"] => {
                    return Progress {
                        consumed: next,
                        next: Next::Close,
                    };
                }
                _ => output.extend_from_slice(b"ERROR\r\n"),
            }
            consumed = next;
            if output.len() >= OUTPUT_BUDGET {
                return Progress {
                    consumed,
                    next: Next::Yield,
                };
            }
        }
        Progress {
            consumed,
            next: Next::NeedInput,
        }
    }

    /// Takes the next bounded piece of a stream (`lru_crawler metadump`, `watch`).
    pub fn poll_stream(&mut self, _waker: &Waker, _output: &mut Vec<u8>) -> StreamState {
        StreamState::Done
    }

    /// The peer will send no more; what is incomplete is dropped.
    pub fn end_of_input(&mut self, _output: &mut Vec<u8>) {}

    /// Returns the head of the next request in `input`, without executing it.
    ///
    /// `None` while the command is unknown because the line or header is
    /// incomplete, and inside a data block.
    #[must_use]
    pub fn head<'a>(&self, input: &'a [u8]) -> Option<Head<'a>> {
        let line = &input[..memchr::memchr(b'\n', input)?];
        let mut tokens = line.split(|b| *b == b' ');
        Some(Head {
            command: std::str::from_utf8(tokens.next()?).ok()?,
            key: tokens.next().unwrap_or_default(),
            length: None,
        })
    }

    /// Tells why the connection ends, for `watch connevents`; without it the
    /// reason is `normal`.
    pub fn closing(&mut self, _reason: CloseReason) {}
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
