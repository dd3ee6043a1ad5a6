//! Servers, placement, values and engine of one client, over the shared arrays.

use std::net::{IpAddr, SocketAddr};

use memoxide::client::{
    Action, ConnectionId, Engine, EngineOptions, Moment, OnError, Options, Plan, ServerAddress,
    Ticket,
};
use memoxide::net::Address;
use memoxide::{Error, Result};

use super::arrays::SharedArrays;
use super::report::{Report, Turn};
use super::settings::{self, ServerEntry, SettingValue};
use super::submission::{NOBODY, Reader};

/// What the driver learns after each call, by position in its array of state.
mod state {
    /// How many words of events there are; read them with `events` when they
    /// are more than fit.
    pub(super) const WORDS: usize = 0;
    /// When `tick` is due, in milliseconds of the driver's clock.
    pub(super) const DEADLINE: usize = 1;
    /// How many operations are under way.
    pub(super) const PENDING: usize = 2;
    /// The connection that the output is to be written on, 0 for none.
    pub(super) const CONNECTION: usize = 3;
    /// How many bytes of output there are.
    pub(super) const OUTPUT: usize = 4;
    /// Whether `nextAction` has something to do.
    pub(super) const ACTIONS: usize = 5;
    /// Whether `texts` has something to take.
    pub(super) const TEXTS: usize = 6;
    /// How many bytes of a value are still to come where bytes were received.
    pub(super) const WANTED: usize = 7;
}

/// A client's servers, placement, values and engine.
pub(super) struct Core {
    plan: Plan,
    engine: Engine,
    turn: Turn,
    arrays: SharedArrays,
    /// The engine's names of the operations, by token.
    tickets: Vec<Option<Ticket>>,
    /// Bytes to write that did not fit into the output.
    large: Vec<u8>,
    /// What `nextAction` returns next.
    action: Option<Action>,
}

impl Core {
    /// Prepares a client; nothing is opened.
    ///
    /// # Errors
    ///
    /// `Config` for a server or an option that does not parse.
    pub(super) fn new(
        servers: Vec<ServerEntry>,
        names: &[String],
        values: &[SettingValue],
        seed: f64,
        arrays: SharedArrays,
    ) -> Result<Self> {
        arrays.check()?;
        let mut options = Options::default();
        settings::apply(&mut options, names, values)?;
        // JavaScript would round them.
        options.values.safe_integers = true;
        let servers = servers
            .into_iter()
            .map(settings::server)
            .collect::<Result<Vec<ServerAddress>>>()?;
        let plan = Plan::new(servers, options)?;
        let options = plan.options();
        let engine_options = EngineOptions {
            timeout: options.timeout,
            connect_timeout: options.connect_timeout,
            max_connections: options.max_connections.unwrap_or(1),
            idle_timeout: options.idle_timeout,
            retry_attempts: options.retry_attempts,
            degrade: options.on_error == OnError::Miss,
            health: options.health,
            codec: options.protocol,
            seed: seed.to_bits(),
            ..EngineOptions::default()
        };
        let addresses = plan.servers().iter().map(|server| server.address.clone());
        Ok(Self {
            engine: Engine::new(addresses, engine_options),
            plan,
            turn: Turn::default(),
            arrays,
            tickets: Vec::new(),
            large: Vec::new(),
            action: None,
        })
    }

    /// Returns the names of the servers, in the order of the configuration.
    pub(super) fn endpoints(&self) -> Vec<String> {
        let labels = 0..self.plan.servers().len();
        labels
            .map(|index| self.plan.label(index).to_string())
            .collect()
    }

    /// Returns the name of the server that has a key.
    ///
    /// # Errors
    ///
    /// `InvalidKey` or `NoServers`.
    pub(super) fn server_for(&self, key: &[u8]) -> Result<String> {
        let index = self.plan.server_for(key)?;
        Ok(self.plan.label(index).to_string())
    }

    /// Uses other arrays from now on, as when the old ones were too short.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when the state does not fit.
    pub(super) fn attach(&mut self, arrays: SharedArrays) -> Result<()> {
        arrays.check()?;
        self.arrays = arrays;
        Ok(())
    }

    /// Begins the operations that are packed in the first `count` fields.
    pub(super) fn submit(&mut self, count: u32, now: f64) {
        let now = moment(now);
        let fields = &self.arrays.fields[..self.arrays.fields.len().min(count as usize)];
        let mut reader = Reader::new(fields, &self.arrays.bytes);
        let options = self.plan.options();
        let mut report = Report::new(&mut self.turn, &options.values, &[]);
        while let Some(header) = reader.header() {
            let token = header.token;
            let (operation, timeout) = match reader.operation(&self.plan, &header) {
                _ if token == NOBODY => continue,
                Ok(read) => read,
                Err(error) => {
                    report.failed(token, error);
                    continue;
                }
            };
            let deadline = now.after(timeout.unwrap_or(options.timeout));
            let operation = operation.into_owned();
            let ticket =
                self.engine
                    .submit(u64::from(token), operation, deadline, now, &mut report);
            let slot = token as usize;
            if self.tickets.len() <= slot {
                self.tickets.resize(slot + 1, None);
            }
            self.tickets[slot] = Some(ticket);
        }
        self.conclude();
    }

    /// Takes the first `count` bytes of the input, which arrived on a connection.
    pub(super) fn received(&mut self, connection: f64, count: u32, now: f64) {
        let input = &self.arrays.input;
        let chunk = &input[..input.len().min(count as usize)];
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, chunk);
        self.engine
            .received(id(connection), chunk, moment(now), &mut report);
        self.arrays.state()[state::WANTED] = self.engine.wanted(id(connection)) as f64;
        self.conclude();
    }

    /// Takes what has come of a value in progress, and tells how long it will be.
    pub(super) fn take_partial(&mut self, connection: f64) -> Option<(Vec<u8>, usize)> {
        self.engine.take_partial(id(connection))
    }

    /// Takes a whole value, of which a part was handed out before.
    pub(super) fn received_value(&mut self, connection: f64, value: &[u8], now: f64) {
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, value);
        self.engine
            .received(id(connection), value, moment(now), &mut report);
        self.conclude();
    }

    /// Ends what has passed its deadline.
    pub(super) fn tick(&mut self, now: f64) {
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine.tick(moment(now), &mut report);
        self.conclude();
    }

    /// Notes that a connection is open.
    pub(super) fn connected(&mut self, connection: f64, now: f64) {
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine
            .connected(id(connection), moment(now), &mut report);
        self.conclude();
    }

    /// Notes that a connection could not be opened or has ended.
    pub(super) fn lost(&mut self, connection: f64, error: Error, now: f64) {
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine
            .lost(id(connection), error, moment(now), &mut report);
        self.conclude();
    }

    /// Passes on the addresses of an endpoint's host, or why there are none.
    pub(super) fn resolved(&mut self, endpoint: u32, hosts: Result<Vec<IpAddr>>, now: f64) {
        let endpoint = endpoint as usize;
        let port = match self.engine.address(endpoint) {
            Address::Tcp { port, .. } => *port,
            _ => return,
        };
        let at_port = |hosts: Vec<IpAddr>| {
            let addresses = hosts.into_iter().map(|ip| SocketAddr::new(ip, port));
            addresses.collect()
        };
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine
            .resolved(endpoint, hosts.map(at_port), moment(now), &mut report);
        self.conclude();
    }

    /// Notes that a socket takes no more bytes.
    pub(super) fn blocked(&mut self, connection: f64) {
        self.engine.blocked(id(connection));
    }

    /// Notes that a socket takes bytes again.
    pub(super) fn writable(&mut self, connection: f64) {
        self.engine.writable(id(connection));
        self.next_output();
    }

    /// Takes the next bytes to write, and notes in the state where they go.
    pub(super) fn next_output(&mut self) {
        let state = self.arrays.state();
        let Some(id) = self.engine.next_write() else {
            state[state::CONNECTION] = 0.0;
            return;
        };
        state[state::CONNECTION] = id.0 as f64;
        let bytes = self.engine.output(id);
        state[state::OUTPUT] = bytes.len() as f64;
        let output = self.arrays.output();
        if bytes.len() <= output.len() {
            output[..bytes.len()].copy_from_slice(bytes);
            let count = bytes.len();
            self.engine.written(id, count);
        } else {
            self.large = self.engine.take_output(id);
        }
    }

    /// Takes the bytes to write that did not fit into the output.
    pub(super) fn large_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.large)
    }

    /// Takes the next thing to do other than writing.
    pub(super) fn next_action(&mut self) -> Option<Action> {
        self.action.take().or_else(|| self.engine.next_action())
    }

    /// Returns the address of an endpoint.
    pub(super) fn address(&self, endpoint: usize) -> &Address {
        self.engine.address(endpoint)
    }

    /// Copies the events of the last call, when its array was too short.
    pub(super) fn events(&mut self) {
        let words = &self.turn.words;
        let events = self.arrays.events();
        let count = events.len().min(words.len());
        events[..count].copy_from_slice(&words[..count]);
    }

    /// What has come of the last call.
    pub(super) fn turn(&mut self) -> &mut Turn {
        &mut self.turn
    }

    /// Gives a call up. Nothing more is said about its token.
    pub(super) fn cancel(&mut self, token: u32) {
        if let Some(ticket) = self.tickets.get_mut(token as usize).and_then(Option::take) {
            self.engine.cancel(ticket);
        }
        self.describe();
    }

    /// Ends every call and closes the connections; for good, or until the next call.
    pub(super) fn close(&mut self, for_good: bool) {
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine.close(for_good, &mut report);
        self.large = Vec::new();
        self.conclude();
    }
}

impl Core {
    /// Hands over what has come of a call.
    fn conclude(&mut self) {
        self.events();
        self.next_output();
        self.describe();
    }

    fn describe(&mut self) {
        if self.action.is_none() {
            self.action = self.engine.next_action();
        }
        let deadline = match self.engine.deadline() {
            Moment::NEVER => f64::INFINITY,
            Moment(nanoseconds) => nanoseconds as f64 / NANOSECONDS,
        };
        let state = self.arrays.state();
        state[state::WORDS] = self.turn.words.len() as f64;
        state[state::DEADLINE] = deadline;
        state[state::PENDING] = self.engine.pending() as f64;
        state[state::ACTIONS] = f64::from(u8::from(self.action.is_some()));
        state[state::TEXTS] = self.turn.texts.len() as f64;
    }
}

/// Nanoseconds in the milliseconds of the driver's clock.
const NANOSECONDS: f64 = 1e6;

fn moment(milliseconds: f64) -> Moment {
    Moment((milliseconds * NANOSECONDS) as u64)
}

const fn id(connection: f64) -> ConnectionId {
    ConnectionId(connection as u64)
}
