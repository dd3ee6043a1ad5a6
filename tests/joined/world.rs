//! Client and server, and what moves between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use memoxide::client::{
    Action, Builder, ConnectionId, Counting, Engine, EngineOptions, Handler, Moment, Operation,
    Outcome, Part, Place, Plan, Ticket, Uptake,
};
use memoxide::net::Address;
use memoxide::protocol::{Credentials, Direction, StoreMode, Want};
use memoxide::server::{Clock, Next, PeerInfo, Session, Settings, Shared, StreamState};
use memoxide::value::Encoded;
use memoxide::{Error, ErrorKind, Result, Sent};

/// What the engine told about operations.
#[derive(Default)]
pub(crate) struct Results {
    pub(crate) items: BTreeMap<u64, Vec<(usize, Vec<u8>)>>,
    pub(crate) lines: BTreeMap<u64, Vec<Vec<u8>>>,
    pub(crate) ended: BTreeMap<u64, Result<Outcome>>,
    pub(crate) asked: Vec<(u64, Ticket)>,
}

impl Handler for Results {
    fn part(&mut self, token: u64, part: Part<'_>) {
        match part {
            Part::Item(item) => self
                .items
                .entry(token)
                .or_default()
                .push((item.index, item.value.to_vec())),
            Part::Line { line, .. } => {
                self.lines.entry(token).or_default().push(line.to_vec());
            }
            _ => {}
        }
    }

    fn completed(&mut self, token: u64, result: Result<Outcome>) {
        assert!(
            self.ended.insert(token, result).is_none(),
            "operation {token} ended twice"
        );
    }

    fn ask(&mut self, token: u64, ticket: Ticket) {
        self.asked.push((token, ticket));
    }
}

/// How a peer behaves.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Manner {
    /// As memcached does.
    Answers,
    /// Takes requests and says nothing.
    Silent,
    /// Lets one byte of its replies through each time the clock moves.
    Drips,
    /// Closes after it was sent something.
    Closes,
    /// Knows text commands only and closes on others, as some proxies do.
    TextOnly,
}

pub(crate) struct Wire {
    endpoint: usize,
    session: Session,
    /// Requests that the server has not taken, and replies not yet delivered.
    input: Vec<u8>,
    output: Vec<u8>,
    /// Whether the client does not read.
    paused: bool,
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) plan: Arc<Plan>,
    pub(crate) results: Results,
    pub(crate) servers: Vec<Arc<Shared>>,
    pub(crate) manners: Vec<Manner>,
    pub(crate) wires: BTreeMap<ConnectionId, Wire>,
    pub(crate) now: Moment,
    pub(crate) token: u64,
    /// Bytes delivered to the client at a time.
    pub(crate) chunk: usize,
    pub(crate) writes: usize,
    pub(crate) refuse: bool,
}

impl World {
    pub(crate) fn new(servers: usize) -> Self {
        Self::with(servers, |_| ())
    }

    pub(crate) fn with(servers: usize, change: impl FnOnce(&mut EngineOptions)) -> Self {
        let addresses: Vec<Address> = (0..servers)
            .map(|n| {
                format!("127.0.0.1:{}", 11211 + n)
                    .parse()
                    .expect("an address")
            })
            .collect();
        let mut builder = Builder::default();
        for address in &addresses {
            builder = builder.server(&address.to_string()).expect("a server");
        }
        let mut options = EngineOptions::default();
        change(&mut options);
        let clock = Clock::virtual_at(1_800_000_000);
        Self {
            engine: Engine::new(addresses, options),
            plan: Arc::new(builder.plan().expect("a plan")),
            results: Results::default(),
            servers: (0..servers)
                .map(|_| Shared::new(Settings::default(), clock.clone()))
                .collect(),
            manners: vec![Manner::Answers; servers],
            wires: BTreeMap::new(),
            now: Moment(1_000_000_000),
            token: 0,
            chunk: usize::MAX,
            writes: 0,
            refuse: false,
        }
    }

    /// One server with settings, and a client with credentials.
    pub(crate) fn guarded(settings: &Settings, credentials: Credentials) -> Self {
        let mut world = Self::new(1);
        let clock = Clock::virtual_at(1_800_000_000);
        world.servers = vec![Shared::new(settings.clone(), clock)];
        world.engine = world.engine.with_credentials(Some(Arc::new(credentials)));
        world
    }

    pub(crate) fn submit(&mut self, operation: Operation<'_>) -> (u64, Ticket) {
        self.submit_within(operation, Duration::from_secs(1))
    }

    pub(crate) fn submit_within(
        &mut self,
        operation: Operation<'_>,
        timeout: Duration,
    ) -> (u64, Ticket) {
        self.token += 1;
        let deadline = self.now.after(timeout);
        let operation = operation.into_owned();
        let ticket =
            self.engine
                .submit(self.token, operation, deadline, self.now, &mut self.results);
        (self.token, ticket)
    }

    /// Begins to list all keys, each within `patience`.
    pub(crate) fn list(&mut self, patience: Duration) -> (u64, Ticket) {
        self.token += 1;
        let list = self.keys();
        let ticket =
            self.engine
                .submit_stream(self.token, list, patience, self.now, &mut self.results);
        (self.token, ticket)
    }

    /// Lists all keys.
    pub(crate) fn keys(&self) -> Operation<'static> {
        let list = self.plan.list_keys(Uptake::Immediate, Place::Key);
        list.expect("an operation")
    }

    /// Has a server list its keys for somebody who does not read the list. It
    /// is busy until the session is dropped.
    pub(crate) fn occupy(&self, server: usize) -> Session {
        let peer = PeerInfo {
            connection: u64::MAX,
            address: None,
            listener: None,
        };
        let mut session = Session::new(Arc::clone(&self.servers[server]), peer);
        let progress = session.process(b"lru_crawler metadump all\r\n", &mut Vec::new());
        assert!(progress.next == Next::Stream, "a list has begun");
        session
    }

    /// How many lines operation `token` was given.
    pub(crate) fn lines(&self, token: u64) -> usize {
        self.results.lines.get(&token).map_or(0, Vec::len)
    }

    /// Runs an operation and returns how it ended.
    pub(crate) fn run(&mut self, operation: Operation<'_>) -> Result<Outcome> {
        let (token, _) = self.submit(operation);
        self.settle();
        self.results.ended.remove(&token).expect("an end")
    }

    pub(crate) fn get(&self, key: &str) -> Operation<'static> {
        let operation = self
            .plan
            .retrieve(key.as_bytes(), Want::VALUE, None, Place::Key);
        operation.expect("an operation").into_owned()
    }

    pub(crate) fn set(&self, key: &str, value: &str) -> Operation<'static> {
        let value = Encoded {
            flags: 0,
            bytes: value.as_bytes().into(),
        };
        let mode = StoreMode::Set;
        let operation = self
            .plan
            .store(mode, key.as_bytes(), value, None, None, Place::Key);
        operation.expect("an operation").into_owned()
    }

    pub(crate) fn incr(&self, key: &str) -> Operation<'static> {
        let counting = Counting::default();
        let up = Direction::Increment;
        self.plan
            .count(up, key.as_bytes(), 1, counting, Place::Key)
            .expect("an operation")
            .into_owned()
    }

    /// The value that operation `token` was given.
    pub(crate) fn value(&self, token: u64) -> Option<&[u8]> {
        Some(&self.results.items.get(&token)?.last()?.1)
    }

    pub(crate) fn read(&mut self, key: &str) -> Result<Option<Vec<u8>>> {
        let (token, _) = self.submit(self.get(key));
        self.settle();
        let outcome = self.results.ended.remove(&token).expect("an end")?;
        Ok(outcome
            .flag()
            .then(|| self.value(token).expect("a value").to_vec()))
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.advance_by(time, 1);
    }

    /// Moves the clock; from where it drips come so many bytes at most.
    pub(crate) fn advance_by(&mut self, time: Duration, bytes: usize) {
        self.now = self.now.after(time);
        let dripping: Vec<_> = self
            .wires
            .iter_mut()
            .filter(|(_, wire)| {
                self.manners[wire.endpoint] == Manner::Drips && !wire.output.is_empty()
            })
            .map(|(id, wire)| {
                let count = bytes.min(wire.output.len());
                (*id, wire.output.drain(..count).collect::<Vec<_>>())
            })
            .collect();
        for (id, drops) in dripping {
            self.engine
                .received(id, &drops, self.now, &mut self.results);
        }
        self.engine.tick(self.now, &mut self.results);
        self.settle();
    }

    /// Moves bytes until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut moved = false;
            while let Some(action) = self.engine.next_action() {
                moved = true;
                self.carry_out(action);
            }
            while let Some(id) = self.engine.next_write() {
                moved = true;
                self.writes += 1;
                let bytes = self.engine.output(id).to_vec();
                self.engine.written(id, bytes.len());
                if let Some(wire) = self.wires.get_mut(&id) {
                    wire.input.extend_from_slice(&bytes);
                }
            }
            let ids: Vec<_> = self.wires.keys().copied().collect();
            for id in ids {
                moved |= self.serve(id);
            }
            if !moved {
                return;
            }
        }
    }

    pub(crate) fn carry_out(&mut self, action: Action) {
        match action {
            Action::Connect { connection, .. } if self.refuse => {
                let error = Error::new(ErrorKind::Connect, "refused").sent(Sent::NotSent);
                self.engine
                    .lost(connection, error, self.now, &mut self.results);
            }
            Action::Connect {
                connection,
                endpoint,
                ..
            } => {
                let peer = PeerInfo {
                    connection: connection.0,
                    address: None,
                    listener: None,
                };
                let wire = Wire {
                    endpoint,
                    session: Session::new(Arc::clone(&self.servers[endpoint]), peer),
                    input: Vec::new(),
                    output: Vec::new(),
                    paused: false,
                };
                self.wires.insert(connection, wire);
                self.engine
                    .connected(connection, self.now, &mut self.results);
            }
            Action::Close(id) => drop(self.wires.remove(&id)),
            Action::Pause(id) => self.wire(id).paused = true,
            Action::Resume(id) => self.wire(id).paused = false,
            Action::Resolve { .. } => panic!("numeric addresses need no resolving"),
        }
    }

    fn wire(&mut self, id: ConnectionId) -> &mut Wire {
        self.wires.get_mut(&id).expect("an open connection")
    }

    pub(crate) fn serve(&mut self, id: ConnectionId) -> bool {
        let Some(wire) = self.wires.get_mut(&id) else {
            return false;
        };
        let manner = self.manners[wire.endpoint];
        let wants_close = match manner {
            Manner::Silent => return false,
            Manner::Closes => !wire.input.is_empty(),
            Manner::TextOnly => wire.input.starts_with(b"mn") || wire.input.starts_with(b"ms"),
            Manner::Answers | Manner::Drips => false,
        };
        if wants_close {
            self.wires.remove(&id);
            let error = Error::new(ErrorKind::ConnectionLost, "connection lost: closed");
            self.engine.lost(id, error, self.now, &mut self.results);
            return true;
        }
        let mut moved = false;
        while !wire.input.is_empty() {
            let progress = wire.session.process(&wire.input, &mut wire.output);
            wire.input.drain(..progress.consumed);
            moved |= progress.consumed > 0;
            if progress.next == Next::Stream {
                let waker = std::task::Waker::noop();
                while wire.session.poll_stream(waker, &mut wire.output) == StreamState::More {}
            } else if progress.next != Next::Yield {
                break;
            }
        }
        if manner == Manner::Drips || wire.paused {
            return moved;
        }
        let output = std::mem::take(&mut wire.output);
        for chunk in output.chunks(self.chunk.min(output.len().max(1))) {
            moved = true;
            self.engine.received(id, chunk, self.now, &mut self.results);
        }
        moved
    }
}
