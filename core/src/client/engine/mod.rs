//! The engine: drives operations over multiplexed connections, purely.
//!
//! A driver owns sockets and timers and tells the engine what happens; the
//! engine answers with [`Action`]s, and with pieces and results of operations
//! through a [`Handler`]. It reads no clock (`now` is an argument) and makes no
//! system call.
//!
//! | the driver says | when |
//! |---|---|
//! | [`submit`](Engine::submit), [`cancel`](Engine::cancel), [`answer`](Engine::answer) | a caller begins, gives up, or its function answered |
//! | [`resolved`](Engine::resolved) | a host name was looked up |
//! | [`connected`](Engine::connected), [`lost`](Engine::lost) | a connection was opened, failed or ended |
//! | [`received`](Engine::received) | bytes arrived |
//! | [`blocked`](Engine::blocked), [`writable`](Engine::writable) | a socket takes no more bytes, or takes them again |
//! | [`tick`](Engine::tick) | [`deadline`](Engine::deadline) has come |
//! | [`submit_stream`](Engine::submit_stream), [`pause`](Engine::pause), [`resume`](Engine::resume) | a caller begins to read a list, falls behind, or has caught up |
//!
//! After each of these, carry out what [`next_action`](Engine::next_action)
//! returns, and look at [`deadline`](Engine::deadline) and
//! [`awake_until`](Engine::awake_until) again. Requests that
//! belong together go out in one write when [`next_write`](Engine::next_write)
//! is called once per turn of the event loop; call it at once when
//! [`is_urgent`](Engine::is_urgent), as then nothing is under way that the
//! request could join. Where several requests were under way when the connection
//! was used last, others are likely to follow in the same turn, and the first
//! waits for them.

mod events;
mod link;
mod notes;
mod slab;
mod stream;
mod time;
mod vigil;
mod work;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use self::link::ConnectionId;
use self::link::{Endpoint, EngineLink, LinkState, Resolution};
use self::slab::Slab;
use self::vigil::Vigil;
pub use self::work::Ticket;
use self::work::{Flight, Work};
use super::delivery::{
    degraded, is_endpoints_fault, lost, may_retry, out_of_service, phase, timed_out,
};
use super::health::{Admission, HealthPolicy};
use super::log::{Entry, Event};
use super::operation::{Answer, Dispatch, Input, Moment, Operation, Outbox, Outcome, Part, Parts};
use super::options::{OnError, Options};
use super::plan::Plan;
use crate::error::{Error, ErrorKind, Phase, Result, Sent};
use crate::net::Address;
use crate::protocol::{Admin, Codec, Connection, Credentials, Hits, Limits, Request};

/// What the engine needs to know of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// What a call takes at most, unless it says otherwise. Default 1 s.
    pub timeout: Duration,
    /// What opening a connection takes at most. Default 0.25 s.
    pub connect_timeout: Duration,
    /// Connections per endpoint that requests share. Default 1.
    pub max_connections: usize,
    /// A connection without requests is closed after this time. Default 60 s.
    pub idle_timeout: Duration,
    /// Requests that may be under way at once. Default 65,536.
    pub max_pending: usize,
    /// How often a read is made again. Default 1.
    pub retry_attempts: u32,
    /// Whether a failing server passes as a miss. Default no.
    pub degrade: bool,
    /// How long the event loop stays awake for a lone call at most, where that
    /// pays; zero is never. Default 50 µs.
    pub busy_poll: Duration,
    /// When endpoints are taken out of service.
    pub health: HealthPolicy,
    /// What is accepted from peers.
    pub limits: Limits,
    /// The codec asked for; `None`, the default, finds out.
    pub codec: Option<Codec>,
    /// Scatters pauses, so that clients do not return together.
    pub seed: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_millis(250),
            max_connections: 1,
            idle_timeout: Duration::from_secs(60),
            max_pending: 65_536,
            retry_attempts: 1,
            degrade: false,
            busy_poll: Duration::from_micros(50),
            health: HealthPolicy::default(),
            limits: Limits::default(),
            codec: None,
            seed: 0,
        }
    }
}

impl EngineOptions {
    /// Returns what an engine needs to know of a client's options.
    #[must_use]
    pub fn of(options: &Options, seed: u64) -> Self {
        Self {
            timeout: options.timeout,
            connect_timeout: options.connect_timeout,
            max_connections: options.max_connections.unwrap_or(1),
            idle_timeout: options.idle_timeout,
            retry_attempts: options.retry_attempts,
            degrade: options.on_error == OnError::Miss,
            busy_poll: options.busy_poll,
            health: options.health,
            codec: options.protocol,
            seed,
            ..Self::default()
        }
    }
}

/// What the driver is to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Close a connection; nothing more is said about it.
    Close(ConnectionId),
    /// Open a connection; answer with [`Engine::connected`] or [`Engine::lost`].
    Connect {
        /// The name of the connection from now on.
        connection: ConnectionId,
        /// Which endpoint, by position in the configuration.
        endpoint: usize,
        /// Where to; `None` for a Unix socket, whose path the configuration has.
        address: Option<SocketAddr>,
    },
    /// Read nothing more from a connection until [`Resume`](Self::Resume), so
    /// that its peer has to wait. Said only where [`Engine::pause`] was called.
    Pause(ConnectionId),
    /// Look up an endpoint's host name; answer with [`Engine::resolved`].
    Resolve {
        /// Which endpoint, by position in the configuration.
        endpoint: usize,
    },
    /// Read from a paused connection again.
    Resume(ConnectionId),
}

/// Who is told of results. Called from within the engine's methods: it must not
/// call back, so caller's functions run after the method has returned.
pub trait Handler {
    /// Takes a piece of an operation's result.
    fn part(&mut self, token: u64, part: Part<'_>);
    /// Takes hits that came together; each is a [`Part::Item`] unless there is a
    /// shorter way.
    fn hits(&mut self, token: u64, hits: &Hits<'_>) {
        for hit in hits.as_slice() {
            self.part(token, Part::Item((*hit).into()));
        }
    }
    /// Takes the end of an operation.
    fn completed(&mut self, token: u64, result: Result<Outcome>);
    /// Notes that an operation wants its caller's function to answer.
    fn ask(&mut self, token: u64, ticket: Ticket);
}

/// Operations, connections and the health of endpoints.
#[derive(Debug)]
pub struct Engine {
    options: EngineOptions,
    credentials: Option<Arc<Credentials>>,
    endpoints: Vec<Endpoint>,
    links: Vec<EngineLink>,
    next_connection: u64,
    works: Slab<Work>,
    next_serial: u32,
    flights: Slab<Flight>,
    outbox: Outbox<'static>,
    actions: VecDeque<Action>,
    entries: Vec<Entry>,
    /// Connections with something to write, oldest first.
    dirty: VecDeque<ConnectionId>,
    urgent: bool,
    vigil: Vigil,
    /// No deadline lies before this.
    earliest: Moment,
    closed: bool,
}

impl Engine {
    /// Creates an engine for these endpoints; nothing is opened.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = Address>, options: EngineOptions) -> Self {
        let endpoint = |(index, address)| Endpoint::new(address, options.seed ^ (index as u64 + 1));
        Self {
            options,
            credentials: None,
            endpoints: addresses.into_iter().enumerate().map(endpoint).collect(),
            links: Vec::new(),
            next_connection: 1,
            works: Slab::default(),
            next_serial: 1,
            flights: Slab::default(),
            outbox: Outbox::default(),
            actions: VecDeque::new(),
            entries: Vec::new(),
            dirty: VecDeque::new(),
            urgent: false,
            vigil: Vigil::new(options.busy_poll),
            earliest: Moment::NEVER,
            closed: false,
        }
    }

    /// Creates an engine for the servers and options of a plan.
    #[must_use]
    pub fn for_plan(plan: &Plan, seed: u64) -> Self {
        let addresses = plan.servers().iter().map(|server| server.address.clone());
        Self::new(addresses, EngineOptions::of(plan.options(), seed))
            .with_credentials(plan.security().credentials.clone())
    }

    /// Authenticates every connection before anything is asked on it.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<Arc<Credentials>>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Begins an operation that ends at `deadline` at the latest. `token` names
    /// it towards the handler, which may be told its end before this returns.
    pub fn submit(
        &mut self,
        token: u64,
        operation: Operation<'static>,
        deadline: Moment,
        now: Moment,
        handler: &mut impl Handler,
    ) -> Ticket {
        if self.works.len() == 0 {
            self.vigil.begin(now);
        } else {
            self.vigil.disturb();
        }
        let ticket = self.admit(token, operation, deadline);
        self.begin(ticket, now, handler);
        ticket
    }

    /// Gives an operation a place.
    fn admit(&mut self, token: u64, operation: Operation<'static>, deadline: Moment) -> Ticket {
        let serial = self.next_serial;
        self.next_serial = self.next_serial.wrapping_add(1);
        let work = Work::new(token, serial, operation, deadline, self.options.degrade);
        let slot = self.works.insert(work);
        self.earliest = self.earliest.min(deadline);
        Ticket { slot, serial }
    }

    /// Takes the first step of an operation, or refuses it.
    fn begin(&mut self, ticket: Ticket, now: Moment, handler: &mut impl Handler) {
        if self.closed {
            self.finish(ticket, Err(closed()), now, handler);
        } else if self.flights.len() >= self.options.max_pending {
            let message = format!("{} requests are under way", self.options.max_pending);
            let error = Error::new(ErrorKind::Backpressure, message).sent(Sent::NotSent);
            self.finish(ticket, Err(error), now, handler);
        } else {
            self.advance(ticket, Input::Start, now, handler);
        }
    }

    /// Passes on what the caller's function answered.
    pub fn answer(
        &mut self,
        ticket: Ticket,
        answer: Answer,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        self.advance(ticket, Input::Answer(answer), now, handler);
    }

    /// Gives an operation up; the handler is not told. Replies still on their
    /// way are read and dropped.
    pub fn cancel(&mut self, ticket: Ticket) {
        if self.work(ticket).is_some() {
            self.works.remove(ticket.slot);
            self.detach(ticket);
        }
    }

    /// Returns how many bytes of a value in progress are still to come on a
    /// connection, line end included.
    #[must_use]
    pub fn wanted(&self, id: ConnectionId) -> usize {
        self.position(id)
            .map_or(0, |index| self.links[index].protocol.wanted())
    }

    /// Takes what has come of the value in progress on a connection, and tells
    /// how long it will be with its line end.
    ///
    /// A driver that reads the rest to where it is needed calls
    /// [`received`](Self::received) with no bytes meanwhile, as signs of life,
    /// and with the whole value in the end.
    #[must_use]
    pub fn take_partial(&mut self, id: ConnectionId) -> Option<(Vec<u8>, usize)> {
        let index = self.position(id)?;
        self.links[index].protocol.take_partial()
    }

    /// Returns the moment when [`tick`](Self::tick) is due at the latest.
    #[must_use]
    pub const fn deadline(&self) -> Moment {
        self.earliest
    }

    /// Returns until when the event loop is to look for events instead of sleeping:
    /// the reply to a lone call is near, and waking up would take as long again.
    /// `None` when it may sleep.
    ///
    /// A driver that cannot keep its loop awake need not ask.
    #[must_use]
    pub fn awake_until(&self) -> Option<Moment> {
        if self.works.len() == 1 {
            self.vigil.until()
        } else {
            None
        }
    }

    /// Takes the next thing to do, other than writing.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Takes what happened to servers, for the log: hand it on when no lock is
    /// held. What nobody takes is dropped when there is too much of it.
    #[must_use]
    pub fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// Whether [`take_entries`](Self::take_entries) has something to take.
    #[must_use]
    pub fn has_entries(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Takes the next connection that has something to write; write its
    /// [`output`](Self::output).
    pub fn next_write(&mut self) -> Option<ConnectionId> {
        self.urgent = false;
        while let Some(id) = self.dirty.pop_front() {
            if let Some(index) = self.position(id) {
                self.links[index].dirty = false;
                if !self.links[index].protocol.output().is_empty() && !self.links[index].blocked {
                    return Some(id);
                }
            }
        }
        None
    }

    /// Whether something is to be written that nothing else is likely to join.
    #[must_use]
    pub const fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// Whether something is to be written.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Returns the bytes to write on a connection.
    #[must_use]
    pub fn output(&self, id: ConnectionId) -> &[u8] {
        self.position(id)
            .map_or(&[], |index| self.links[index].protocol.output())
    }

    /// Notes that the driver took the first `count` bytes of the output. They
    /// count as sent.
    pub fn written(&mut self, id: ConnectionId, count: usize) {
        if let Some(index) = self.position(id) {
            self.links[index].protocol.consume(count);
        }
    }

    /// Takes all the bytes to write on a connection, for a driver that can use
    /// them without copying. They count as sent.
    #[must_use]
    pub fn take_output(&mut self, id: ConnectionId) -> Vec<u8> {
        self.position(id)
            .map_or_else(Vec::new, |index| self.links[index].protocol.take_output())
    }

    /// Returns how many operations are under way.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.works.len()
    }

    /// Returns the name of an endpoint.
    ///
    /// # Panics
    ///
    /// When there is no endpoint at that position.
    #[must_use]
    pub fn label(&self, endpoint: usize) -> &Arc<str> {
        &self.endpoints[endpoint].label
    }

    /// Returns the address of an endpoint.
    ///
    /// # Panics
    ///
    /// When there is no endpoint at that position.
    #[must_use]
    pub fn address(&self, endpoint: usize) -> &Address {
        &self.endpoints[endpoint].address
    }

    /// Returns how many connections are open or being opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.links.len()
    }

    /// Closes the connections that nothing waits for.
    pub fn disconnect(&mut self) {
        let idle =
            |link: &EngineLink| link.state == LinkState::Open && link.protocol.outstanding() == 0;
        for index in (0..self.links.len()).rev() {
            if idle(&self.links[index]) {
                self.close_link(index);
            }
        }
    }

    /// Ends everything: operations fail, connections are closed, and further
    /// operations are refused when `for_good`.
    pub fn close(&mut self, for_good: bool, handler: &mut impl Handler) {
        self.closed |= for_good;
        for link in std::mem::take(&mut self.links) {
            self.actions.push_back(Action::Close(link.id));
        }
        for endpoint in &mut self.endpoints {
            endpoint.waiting.clear();
            if let Resolution::Asked(_) = endpoint.resolution {
                endpoint.resolution = Resolution::Unknown;
            }
        }
        self.flights = Slab::default();
        self.dirty.clear();
        let works = std::mem::take(&mut self.works);
        for work in works.into_values() {
            handler.completed(work.token, Err(closed()));
        }
    }
}

/// Entries of the log that wait for the driver at most.
const ENTRIES: usize = 256;

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "client is closed").sent(Sent::NotSent)
}
