//! The tokio driver: moves the bytes of an [`Engine`] on the caller's runtime.
//!
//! A call submits its operation under a short lock. If nothing is under way on
//! the connection the call writes by itself; otherwise the connection's task
//! writes what gathered in the meantime, at once. Engines belong to one runtime
//! and one process: a call from another one starts afresh.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::engine::{Action, ConnectionId, Engine, EngineOptions, Handler, Ticket};
use super::operation::{Moment, Operation, Outcome, Part};
use super::plan::Plan;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::fork;
use crate::net::{self, Address, LARGEST_BUFFER};
use crate::protocol::Item;

/// Bytes read at a time at first; the buffer grows where replies fill it.
const FIRST_BUFFER: usize = 16 * 1024;

/// The engine of a client and what belongs to it.
#[derive(Debug)]
pub(super) struct Driver {
    options: EngineOptions,
    addresses: Vec<Address>,
    state: Mutex<Option<State>>,
    closed: AtomicBool,
}

/// What belongs to one runtime in one process.
#[derive(Debug)]
struct State {
    runtime: tokio::runtime::Id,
    generation: u64,
    engine: Engine,
    calls: Calls,
    sockets: Vec<(ConnectionId, Arc<Socket>)>,
    timer: Arc<Notify>,
    /// When the timer task wakes by itself.
    armed: Moment,
}

/// The calls under way and what came for them.
#[derive(Debug, Default)]
struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Tasks to wake once the lock is released.
    wakers: Vec<Waker>,
}

#[derive(Debug, Default)]
struct Slot {
    waker: Option<Waker>,
    gathered: Gathered,
    result: Option<Result<Outcome>>,
}

/// The pieces of a result. The first lies beside the others, so that a single
/// item costs no list.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    first: Option<Piece>,
    rest: Vec<Piece>,
}

/// A piece of a result, owned.
#[derive(Debug)]
enum Piece {
    Item(Item<'static>),
    Stat {
        endpoint: usize,
        name: Vec<u8>,
        value: Vec<u8>,
    },
    Version {
        endpoint: usize,
        version: Vec<u8>,
    },
    Line {
        endpoint: usize,
        line: Vec<u8>,
    },
}

impl Gathered {
    fn push(&mut self, part: Part<'_>) {
        let piece = match part {
            Part::Item(item) => Piece::Item(item.into_owned()),
            Part::Stat {
                endpoint,
                name,
                value,
            } => Piece::Stat {
                endpoint,
                name: name.to_vec(),
                value: value.to_vec(),
            },
            Part::Version { endpoint, version } => Piece::Version {
                endpoint,
                version: version.to_vec(),
            },
            Part::Line { endpoint, line } => Piece::Line {
                endpoint,
                line: line.to_vec(),
            },
            Part::Ok { .. } => return,
        };
        if self.first.is_none() && self.rest.is_empty() {
            self.first = Some(piece);
        } else {
            self.rest.push(piece);
        }
    }

    /// Gives the pieces away in the order in which they came.
    pub(super) fn replay(self, part: &mut (dyn FnMut(Part<'_>) + Send)) {
        for piece in self.first.into_iter().chain(self.rest) {
            match piece {
                Piece::Item(item) => part(Part::Item(item)),
                Piece::Stat {
                    endpoint,
                    name,
                    value,
                } => part(Part::Stat {
                    endpoint,
                    name: &name,
                    value: &value,
                }),
                Piece::Version { endpoint, version } => part(Part::Version {
                    endpoint,
                    version: &version,
                }),
                Piece::Line { endpoint, line } => part(Part::Line {
                    endpoint,
                    line: &line,
                }),
            }
        }
    }
}

impl Handler for Calls {
    fn part(&mut self, token: u64, part: Part<'_>) {
        self.slots[token as usize].gathered.push(part);
    }

    fn completed(&mut self, token: u64, result: Result<Outcome>) {
        let slot = &mut self.slots[token as usize];
        slot.result = Some(result);
        self.wakers.extend(slot.waker.take());
    }

    fn ask(&mut self, token: u64, _ticket: Ticket) {
        let message = "operation asks for a function that was not given";
        self.completed(token, Err(Error::new(ErrorKind::InvalidArgument, message)));
    }
}

impl Calls {
    fn open(&mut self) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        u64::from(index)
    }

    fn close(&mut self, token: u64) -> Slot {
        self.free.push(token as u32);
        std::mem::take(&mut self.slots[token as usize])
    }
}

/// The writing half of a connection, shared by its task and by callers.
#[derive(Debug)]
struct Socket {
    writer: Writer,
    /// Wakes the connection's task: something is to be written, or it is over.
    flush: Notify,
    closed: AtomicBool,
}

#[derive(Debug)]
enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl Writer {
    fn try_write(&self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(writer) => writer.try_write(bytes),
            Self::Unix(writer) => writer.try_write(bytes),
        }
    }

    async fn writable(&self) -> std::io::Result<()> {
        match self {
            Self::Tcp(writer) => writer.writable().await,
            Self::Unix(writer) => writer.writable().await,
        }
    }
}

type Reader = Box<dyn AsyncRead + Send + Unpin>;

impl Driver {
    pub(super) fn new(plan: &Plan) -> Arc<Self> {
        Arc::new(Self {
            options: EngineOptions::of(plan.options(), net::now()),
            addresses: plan
                .servers()
                .iter()
                .map(|server| server.address.clone())
                .collect(),
            state: Mutex::new(None),
            closed: AtomicBool::new(false),
        })
    }

    /// Runs an operation to its end.
    pub(super) fn run(self: &Arc<Self>, operation: Operation<'static>, timeout: Duration) -> Call {
        Call {
            driver: Arc::clone(self),
            stage: Stage::New(Some(operation), timeout),
        }
    }

    /// Closes connections and, when `for_good`, refuses further calls.
    pub(super) fn close(&self, for_good: bool) {
        self.closed.fetch_or(for_good, Ordering::Relaxed);
        let mut guard = self.state.lock();
        let Some(state) = guard.as_mut() else { return };
        state.engine.close(for_good, &mut state.calls);
        for (_, socket) in state.sockets.drain(..) {
            socket.close();
        }
        state.timer.notify_one();
        let wakers = std::mem::take(&mut state.calls.wakers);
        drop(guard);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Runs `work` on the engine of the current runtime, then carries out what
    /// the engine wants done.
    fn with_state<R>(self: &Arc<Self>, work: impl FnOnce(&mut State, Moment) -> R) -> R {
        let mut guard = self.state.lock();
        let fits = guard.as_ref().is_some_and(|state| {
            state.generation == fork::generation() && Handle::current().id() == state.runtime
        });
        if !fits {
            // What belonged to another runtime or process ends without a word.
            let new = self.fresh();
            if let Some(old) = guard.replace(new) {
                old.sockets.iter().for_each(|(_, socket)| socket.close());
            }
        }
        let state = guard.as_mut().expect("a state was put there just now");
        let now = Moment(net::now());
        let result = work(state, now);
        self.carry_out(state, now);
        let wakers = std::mem::take(&mut state.calls.wakers);
        drop(guard);
        let mut wakers = wakers;
        wakers.drain(..).for_each(Waker::wake);
        result
    }

    fn fresh(self: &Arc<Self>) -> State {
        let timer = Arc::new(Notify::new());
        tokio::spawn(keep_time(Arc::downgrade(self), Arc::clone(&timer)));
        State {
            runtime: Handle::current().id(),
            generation: fork::generation(),
            engine: Engine::new(self.addresses.iter().cloned(), self.options),
            calls: Calls::default(),
            sockets: Vec::new(),
            timer,
            armed: Moment::NEVER,
        }
    }

    /// Does what the engine asks for, without waiting.
    fn carry_out(self: &Arc<Self>, state: &mut State, now: Moment) {
        loop {
            while let Some(action) = state.engine.next_action() {
                match action {
                    Action::Connect {
                        connection,
                        endpoint,
                        address,
                    } => {
                        let address = address.map_or_else(
                            || Target::Unix(state.engine.address(endpoint).to_string()),
                            Target::Tcp,
                        );
                        tokio::spawn(converse(Arc::clone(self), connection, address));
                    }
                    Action::Resolve { endpoint } => {
                        let address = state.engine.address(endpoint).clone();
                        tokio::spawn(resolve(Arc::clone(self), endpoint, address));
                    }
                    Action::Close(id) => {
                        if let Some(index) = state.sockets.iter().position(|(is, _)| *is == id) {
                            state.sockets.swap_remove(index).1.close();
                        }
                    }
                }
            }
            if state.engine.is_urgent() {
                state.write_now(now);
            } else {
                break;
            }
        }
        if state.engine.has_writes() {
            state.ask_for_flush();
        }
        if state.engine.deadline() < state.armed {
            state.armed = state.engine.deadline();
            state.timer.notify_one();
        }
    }
}

impl State {
    /// Writes on every connection what its socket takes.
    fn write_now(&mut self, now: Moment) {
        while let Some(id) = self.engine.next_write() {
            let Some((_, socket)) = self.sockets.iter().find(|(is, _)| *is == id) else {
                continue;
            };
            let socket = Arc::clone(socket);
            loop {
                let output = self.engine.output(id);
                if output.is_empty() {
                    break;
                }
                match socket.writer.try_write(output) {
                    Ok(count) => self.engine.written(id, count),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        self.engine.blocked(id);
                        socket.flush.notify_one();
                        break;
                    }
                    Err(error) => {
                        let lost = lost(&error);
                        self.engine.lost(id, lost, now, &mut self.calls);
                        break;
                    }
                }
            }
        }
    }

    /// Leaves the writing to the connections' tasks, which run when the tasks
    /// that are awake now have had their turn.
    fn ask_for_flush(&self) {
        for (_, socket) in &self.sockets {
            socket.flush.notify_one();
        }
    }
}

impl Socket {
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.flush.notify_one();
    }
}

enum Target {
    Tcp(std::net::SocketAddr),
    Unix(String),
}

/// Opens a connection and reads from it until it ends.
async fn converse(driver: Arc<Driver>, id: ConnectionId, target: Target) {
    let (mut reader, writer) = match open(target).await {
        Ok(halves) => halves,
        Err(error) => {
            let error = Error::new(ErrorKind::Connect, format!("cannot connect: {error}"))
                .sent(Sent::NotSent)
                .caused_by(error);
            driver.with_state(|state, now| state.engine.lost(id, error, now, &mut state.calls));
            return;
        }
    };
    let socket = Arc::new(Socket {
        writer,
        flush: Notify::new(),
        closed: AtomicBool::new(false),
    });
    let wanted = driver.with_state(|state, now| {
        state.sockets.push((id, Arc::clone(&socket)));
        let wanted = state.engine.connected(id, now, &mut state.calls);
        if !wanted {
            state.sockets.pop();
        }
        wanted
    });
    if !wanted {
        return;
    }
    let mut buffer = vec![0; FIRST_BUFFER];
    loop {
        let read = tokio::select! {
            biased;
            () = socket.flush.notified() => None,
            read = reader.read(&mut buffer) => Some(read),
        };
        if socket.closed.load(Ordering::Relaxed) {
            return;
        }
        let Some(read) = read else {
            if flush(&driver, id, &socket).await.is_err() {
                return;
            }
            continue;
        };
        let over = match read {
            Ok(0) => Some(Error::new(
                ErrorKind::ConnectionLost,
                "connection lost: server closed it",
            )),
            Ok(count) => {
                driver.with_state(|state, now| {
                    state
                        .engine
                        .received(id, &buffer[..count], now, &mut state.calls);
                });
                if count == buffer.len() && count < LARGEST_BUFFER {
                    buffer.resize(count * 2, 0);
                }
                None
            }
            Err(error) => Some(lost(&error)),
        };
        if let Some(error) = over {
            driver.with_state(|state, now| state.engine.lost(id, error, now, &mut state.calls));
            return;
        }
    }
}

/// Writes what gathered; waits for room in the socket if there is none.
async fn flush(driver: &Arc<Driver>, id: ConnectionId, socket: &Socket) -> Result<(), ()> {
    loop {
        let blocked = driver.with_state(|state, now| {
            state.write_now(now);
            !state.engine.output(id).is_empty()
        });
        if !blocked {
            return Ok(());
        }
        // Reading goes on in the next turn: the peer may wait for it.
        let room = tokio::time::timeout(Duration::from_millis(5), socket.writer.writable()).await;
        if socket.closed.load(Ordering::Relaxed) {
            return Err(());
        }
        driver.with_state(|state, _| state.engine.writable(id));
        if room.is_err() {
            socket.flush.notify_one();
            tokio::task::yield_now().await;
            return Ok(());
        }
    }
}

async fn open(target: Target) -> std::io::Result<(Reader, Writer)> {
    match target {
        Target::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            // Requests are complete when they are written: waiting for more to
            // send along would only delay them.
            stream.set_nodelay(true)?;
            let (reader, writer) = stream.into_split();
            Ok((Box::new(reader), Writer::Tcp(writer)))
        }
        Target::Unix(path) => {
            let path = path.strip_prefix("unix:").unwrap_or(&path);
            let (reader, writer) = UnixStream::connect(path).await?.into_split();
            Ok((Box::new(reader), Writer::Unix(writer)))
        }
    }
}

async fn resolve(driver: Arc<Driver>, endpoint: usize, address: Address) {
    let Address::Tcp { host, port } = address else {
        return;
    };
    let found = tokio::net::lookup_host((host, port)).await;
    let found = found.map(Iterator::collect).map_err(|error| {
        Error::new(
            ErrorKind::Resolve,
            format!("host name does not resolve: {error}"),
        )
        .sent(Sent::NotSent)
        .caused_by(error)
    });
    driver.with_state(|state, now| {
        state
            .engine
            .resolved(endpoint, found, now, &mut state.calls);
    });
}

/// Tells the engine when its deadline has come, as long as the client lives.
async fn keep_time(driver: std::sync::Weak<Driver>, timer: Arc<Notify>) {
    loop {
        let Some(alive) = driver.upgrade() else {
            return;
        };
        let due = alive.with_own_state(&timer, |state| {
            let now = Moment(net::now());
            state.engine.tick(now, &mut state.calls);
            state.armed = state.engine.deadline();
            state.armed
        });
        drop(alive);
        let Some(due) = due else { return };
        if due == Moment::NEVER {
            timer.notified().await;
        } else {
            let pause = due.since(Moment(net::now()));
            // A late alarm is better than an early one, which finds nothing due.
            let pause = pause + Duration::from_millis(1);
            drop(tokio::time::timeout(pause, timer.notified()).await);
        }
    }
}

impl Driver {
    /// Runs `work` unless the state that `timer` belongs to was replaced.
    fn with_own_state<R>(
        self: &Arc<Self>,
        timer: &Arc<Notify>,
        work: impl FnOnce(&mut State) -> R,
    ) -> Option<R> {
        let mut guard = self.state.lock();
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let state = guard
            .as_mut()
            .filter(|state| Arc::ptr_eq(&state.timer, timer))?;
        let result = work(state);
        self.carry_out(state, Moment(net::now()));
        let wakers = std::mem::take(&mut state.calls.wakers);
        drop(guard);
        wakers.into_iter().for_each(Waker::wake);
        Some(result)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(state) = self.state.get_mut() {
            state.sockets.iter().for_each(|(_, socket)| socket.close());
            state.timer.notify_one();
        }
    }
}

/// A call under way. Dropping it gives the call up.
#[derive(Debug)]
pub(super) struct Call {
    driver: Arc<Driver>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    New(Option<Operation<'static>>, Duration),
    Waiting {
        token: u64,
        ticket: Ticket,
        timer: Arc<Notify>,
    },
    Over,
}

impl Future for Call {
    type Output = Result<(Outcome, Gathered)>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let driver = Arc::clone(&self.driver);
        match &mut self.stage {
            Stage::New(operation, timeout) => {
                let Some(operation) = operation.take() else {
                    return Poll::Pending;
                };
                if driver.closed.load(Ordering::Relaxed) {
                    self.stage = Stage::Over;
                    let error = Error::new(ErrorKind::Closed, "client is closed");
                    return Poll::Ready(Err(error.sent(Sent::NotSent)));
                }
                let timeout = *timeout;
                let (stage, ready) = driver.with_state(|state, now| {
                    let token = state.calls.open();
                    let deadline = now.after(timeout);
                    let calls = &mut state.calls;
                    let ticket = state.engine.submit(token, operation, deadline, now, calls);
                    let slot = &mut state.calls.slots[token as usize];
                    if slot.result.is_some() {
                        (Stage::Over, Some(state.calls.close(token)))
                    } else {
                        slot.waker = Some(context.waker().clone());
                        let timer = Arc::clone(&state.timer);
                        (
                            Stage::Waiting {
                                token,
                                ticket,
                                timer,
                            },
                            None,
                        )
                    }
                });
                self.stage = stage;
                ready.map_or(Poll::Pending, finish)
            }
            Stage::Waiting { token, timer, .. } => {
                let token = *token;
                let mut guard = driver.state.lock();
                let state = guard
                    .as_mut()
                    .filter(|state| Arc::ptr_eq(&state.timer, timer));
                let Some(state) = state else {
                    drop(guard);
                    self.stage = Stage::Over;
                    let message = "connection lost: client is used on another runtime";
                    let error = Error::new(ErrorKind::ConnectionLost, message);
                    return Poll::Ready(Err(error.sent(Sent::MaybeApplied)));
                };
                let slot = &mut state.calls.slots[token as usize];
                if slot.result.is_some() {
                    let slot = state.calls.close(token);
                    drop(guard);
                    self.stage = Stage::Over;
                    return finish(slot);
                }
                match &mut slot.waker {
                    Some(waker) => waker.clone_from(context.waker()),
                    None => slot.waker = Some(context.waker().clone()),
                }
                Poll::Pending
            }
            Stage::Over => Poll::Pending,
        }
    }
}

fn finish(slot: Slot) -> Poll<Result<(Outcome, Gathered)>> {
    let Slot {
        result, gathered, ..
    } = slot;
    match result {
        Some(result) => Poll::Ready(result.map(|outcome| (outcome, gathered))),
        None => Poll::Pending,
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Stage::Waiting {
            token,
            ticket,
            timer,
        } = &self.stage
        {
            let mut guard = self.driver.state.lock();
            let state = guard
                .as_mut()
                .filter(|state| Arc::ptr_eq(&state.timer, timer));
            if let Some(state) = state {
                state.engine.cancel(*ticket);
                drop(state.calls.close(*token));
            }
        }
    }
}

fn lost(error: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::ConnectionLost,
        format!("connection lost: {error}"),
    )
}
