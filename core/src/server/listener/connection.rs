//! One connection: read, let the session answer everything that is complete,
//! write once, and wait.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::super::{CloseReason, Next, Session, StreamState};
use super::control::Control;
use super::scratch::{READ_SIZE, Scratch};
use super::transport::Transport;
use super::wait::{Wait, WaitFor};

/// Bytes moved in one turn, after which others go first.
const TURN: usize = 4 * READ_SIZE;

/// Buffered bytes of one connection that need no account.
const UNACCOUNTED: usize = 4 << 10;

/// Unread input kept while a stream runs.
const KEPT_WHILE_STREAMING: usize = READ_SIZE;

/// One connection and its session.
pub(crate) struct Connection {
    pub(crate) transport: Transport,
    pub(crate) session: Session,
    pub(crate) control: Arc<Control>,
    pub(crate) number: u64,
    /// Received and not consumed: an incomplete request, or everything behind
    /// a reply that the peer does not take.
    pub(crate) input: Vec<u8>,
    /// Replies that the peer has not taken.
    output: Vec<u8>,
    /// How much of `output` is written.
    written: usize,
    pub(super) state: State,
    /// The peer will send no more.
    pub(super) ended: bool,
    /// Requests begun.
    pub(super) requests: u64,
    /// Reply bytes handed to the transport.
    pub(super) delivered: u64,
    /// Bytes of the requests received.
    pub(super) received: u64,
    /// It has given fault commands: it stays awake in a frozen server.
    pub(super) commands: bool,
    /// It ends with RST.
    pub(super) reset: bool,
    /// A request was begun since the last wait.
    progressed: bool,
    accounted: usize,
    wait: Wait,
}

/// What a connection does next, once its output is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// Read.
    Open,
    /// Process `input` before reading.
    Again,
    /// Ask the session for more of its stream.
    Streaming,
    /// Close.
    Closing(CloseReason),
    /// Stop the whole server.
    Stopping { graceful: bool },
}

/// Why [`Connection::run`] returned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// The connection is over.
    Closed(CloseReason),
    /// A client told the server to stop.
    Stop {
        /// Whether others get their pending replies first.
        graceful: bool,
    },
    /// Something wants to look at every request.
    Attention,
}

impl Connection {
    pub(crate) fn new(
        transport: Transport,
        session: Session,
        control: Arc<Control>,
        number: u64,
    ) -> Self {
        Self {
            transport,
            session,
            control,
            number,
            input: Vec::new(),
            output: Vec::new(),
            written: 0,
            state: State::Open,
            ended: false,
            requests: 0,
            delivered: 0,
            received: 0,
            commands: false,
            reset: false,
            progressed: false,
            accounted: 0,
            wait: Wait::default(),
        }
    }

    /// Serves the connection until it ends or needs attention.
    pub(crate) async fn run(&mut self) -> Exit {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Exit> {
        let mut moved = 0;
        loop {
            if self.control.wants_attention() {
                return Poll::Ready(Exit::Attention);
            }
            if moved >= TURN {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.poll_turn(context) {
                Poll::Ready(Ok(bytes)) => moved += bytes,
                Poll::Ready(Err(exit)) => return Poll::Ready(exit),
                Poll::Pending => return self.poll_wait(context, moved > 0).map(Exit::Closed),
            }
        }
    }

    /// Does the next thing and returns how many bytes it moved.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Exit>> {
        if !self.output.is_empty() {
            return self.poll_output(context).map_err(|_| FAILED);
        }
        match self.state {
            State::Open => self.poll_input(context),
            State::Again => self.process_kept(context),
            State::Streaming => self.poll_stream(context),
            State::Closing(reason) => {
                ready!(self.transport.poll_flush(context)).map_err(|_| FAILED)?;
                Poll::Ready(Err(Exit::Closed(reason)))
            }
            State::Stopping { graceful } => {
                ready!(self.transport.poll_flush(context)).map_err(|_| FAILED)?;
                Poll::Ready(Err(Exit::Stop { graceful }))
            }
        }
    }

    /// Writes kept replies; nothing is read until they are gone.
    fn poll_output(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let rest = &self.output[self.written..];
        let written = ready!(self.transport.poll_write(context, rest))?;
        self.written += written;
        self.delivered += written as u64;
        if self.written == self.output.len() {
            self.output = Vec::new();
            self.written = 0;
            self.control.count_unwritten(false);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Exit>> {
        if self.ended {
            self.state = State::Closing(CloseReason::Normal);
            return Poll::Ready(Ok(0));
        }
        Scratch::with(|scratch| {
            let kept = self.input.len();
            if kept > READ_SIZE / 2 {
                return self.poll_long_input(context, scratch);
            }
            let read = self
                .transport
                .poll_read(context, &mut scratch.input[kept..]);
            let read = ready!(read).map_err(|_| FAILED)?;
            if read == 0 {
                return Poll::Ready(self.end_input(context, scratch).map(|()| 0));
            }
            scratch.input[..kept].copy_from_slice(&self.input);
            self.input.clear();
            let Scratch { input, output } = scratch;
            self.process(context, &input[..kept + read], output)?;
            Poll::Ready(Ok(read))
        })
    }

    /// Reads more of a request head that is longer than a read, such as a get
    /// of thousands of keys, and shows it whole without moving it.
    fn poll_long_input(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<Result<usize, Exit>> {
        let read = self.transport.poll_read(context, &mut scratch.input);
        let read = ready!(read).map_err(|_| FAILED)?;
        if read == 0 {
            return Poll::Ready(self.end_input(context, scratch).map(|()| 0));
        }
        self.input.extend_from_slice(&scratch.input[..read]);
        let progress = self.session.process(&self.input, &mut scratch.output);
        self.input.drain(..progress.consumed);
        self.received += progress.consumed as u64;
        self.count(self.session.begun());
        self.follow(progress.next);
        self.write(context, &scratch.output)?;
        Poll::Ready(Ok(read))
    }

    /// Takes note that the peer will send no more.
    fn end_input(&mut self, context: &mut Context<'_>, scratch: &mut Scratch) -> Result<(), Exit> {
        self.ended = true;
        self.input = Vec::new();
        self.session.end_of_input(&mut scratch.output);
        self.write(context, &scratch.output)
    }

    /// Processes what was kept while the peer did not take its replies.
    fn process_kept(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Exit>> {
        let input = std::mem::take(&mut self.input);
        Scratch::with(|scratch| {
            self.process(context, &input, &mut scratch.output)?;
            Poll::Ready(Ok(input.len()))
        })
    }

    /// Lets the session answer `input`, writes the replies, and keeps what is
    /// left of both.
    fn process(
        &mut self,
        context: &mut Context<'_>,
        mut input: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), Exit> {
        loop {
            let progress = self.session.process(input, output);
            input = &input[progress.consumed..];
            self.received += progress.consumed as u64;
            self.count(self.session.begun());
            self.follow(progress.next);
            self.write(context, output)?;
            output.clear();
            if self.state != State::Again || !self.output.is_empty() {
                break;
            }
        }
        if !input.is_empty() {
            self.input.extend_from_slice(input);
        }
        Ok(())
    }

    /// Counts requests that the session has begun.
    pub(super) fn count(&mut self, requests: usize) {
        if requests > 0 {
            self.progressed = true;
            self.requests += requests as u64;
            self.control.count_requests(requests);
        }
    }

    /// Does next what the session says.
    pub(super) fn follow(&mut self, next: Next) {
        self.state = match next {
            Next::NeedInput => State::Open,
            Next::Yield => State::Again,
            Next::Stream => State::Streaming,
            Next::Close => State::Closing(CloseReason::Normal),
            Next::Shutdown { graceful } => State::Stopping { graceful },
        };
    }

    /// Writes what the peer takes at once and keeps the rest.
    pub(super) fn write(
        &mut self,
        context: &mut Context<'_>,
        mut bytes: &[u8],
    ) -> Result<(), Exit> {
        while !bytes.is_empty() && self.output.is_empty() {
            match self.transport.poll_write(context, bytes) {
                Poll::Ready(Ok(written)) => {
                    bytes = &bytes[written..];
                    self.delivered += written as u64;
                }
                Poll::Ready(Err(_)) => return Err(FAILED),
                Poll::Pending => {
                    self.output = bytes.to_vec();
                    self.control.count_unwritten(true);
                    return Ok(());
                }
            }
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn poll_stream(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Exit>> {
        Scratch::with(|scratch| {
            let state = self
                .session
                .poll_stream(context.waker(), &mut scratch.output);
            let moved = scratch.output.len();
            match state {
                StreamState::More => {}
                StreamState::Pending if moved > 0 => {}
                StreamState::Pending => return self.watch_peer(context, scratch),
                StreamState::Done => self.state = State::Again,
                StreamState::Close => self.state = State::Closing(CloseReason::Normal),
            }
            self.write(context, &scratch.output)?;
            Poll::Ready(Ok(moved))
        })
    }

    /// While a stream has nothing to say: notices that the peer has left, and
    /// keeps a bounded part of what it says.
    fn watch_peer(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<Result<usize, Exit>> {
        if self.ended {
            self.state = State::Closing(CloseReason::Normal);
            return Poll::Ready(Ok(0));
        }
        let room = KEPT_WHILE_STREAMING.saturating_sub(self.input.len());
        if room == 0 {
            return Poll::Pending;
        }
        let read = self
            .transport
            .poll_read(context, &mut scratch.input[..room]);
        let read = ready!(read).map_err(|_| FAILED)?;
        self.ended = read == 0;
        self.input.extend_from_slice(&scratch.input[..read]);
        Poll::Ready(Ok(read))
    }

    /// Does one thing of those that no rule looks at: writes kept replies, goes
    /// on with a stream, closes.
    pub(super) fn poll_other(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Exit>> {
        match self.poll_turn(context) {
            Poll::Ready(result) => Poll::Ready(result.map(|_| ())),
            Poll::Pending => self
                .poll_wait(context, false)
                .map(|reason| Err(Exit::Closed(reason))),
        }
    }

    /// Whether the next thing is to look at requests.
    pub(super) fn wants_requests(&self) -> bool {
        self.output.is_empty() && matches!(self.state, State::Open | State::Again)
    }

    /// Receives more into `input`. At the end of the peer's bytes `ended` is set.
    pub(super) fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Exit>> {
        let read = Scratch::with(|scratch| {
            let read = ready!(self.transport.poll_read(context, &mut scratch.input))?;
            self.input.extend_from_slice(&scratch.input[..read]);
            Poll::Ready(io::Result::Ok(read))
        });
        match read {
            Poll::Ready(Ok(read)) => {
                self.ended = read == 0;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(_)) => Poll::Ready(Err(FAILED)),
            Poll::Pending => self
                .poll_wait(context, false)
                .map(|reason| Err(Exit::Closed(reason))),
        }
    }

    /// Waits until the peer has taken all output.
    pub(super) fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Exit>> {
        while !self.output.is_empty() {
            match self.poll_output(context) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(FAILED)),
                Poll::Pending => {
                    return self
                        .poll_wait(context, false)
                        .map(|reason| Err(Exit::Closed(reason)));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Settles down to wait: gives unused memory back, and watches the clock.
    fn poll_wait(&mut self, context: &mut Context<'_>, moved: bool) -> Poll<CloseReason> {
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        if !self.account() {
            return Poll::Ready(CloseReason::Error);
        }
        let limits = &self.control.limits;
        let progressed = std::mem::take(&mut self.progressed);
        let (wait, limit, afresh) = if !self.output.is_empty() {
            (WaitFor::Writing, limits.request, moved)
        } else if self.state == State::Streaming {
            (WaitFor::Stream, None, moved)
        } else if self.is_mid_request() {
            (WaitFor::Request, limits.request, progressed)
        } else {
            (WaitFor::Idle, limits.idle, moved)
        };
        ready!(self.wait.poll(context, wait, limit, afresh));
        Poll::Ready(match wait {
            WaitFor::Idle => CloseReason::IdleTimeout,
            _ => CloseReason::Error,
        })
    }

    /// Whether the peer owes the rest of something.
    fn is_mid_request(&self) -> bool {
        !self.input.is_empty() || self.session.is_reading_data() || self.transport.is_handshaking()
    }

    /// Keeps the account of buffered bytes; `false` if there are too many.
    fn account(&mut self) -> bool {
        let size = self.input.capacity() + self.output.capacity();
        if size <= UNACCOUNTED && self.accounted == 0 {
            return true;
        }
        let before = std::mem::replace(&mut self.accounted, size);
        self.control.account(before, size)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.output.is_empty() {
            self.control.count_unwritten(false);
        }
        self.control.account(self.accounted, 0);
        #[cfg(feature = "tls")]
        if self.transport.is_handshaking() {
            self.control.engine().handshake_failed();
        }
        if !self.reset {
            self.transport.shut_down();
        }
        self.control.leave(self.number);
    }
}

const FAILED: Exit = Exit::Closed(CloseReason::Error);
