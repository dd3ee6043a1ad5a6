//! The client's core as the driver in `ts/driver.ts` uses it.
//!
//! The driver owns sockets and one timer. It packs the calls of a turn of the
//! event loop into two arrays and hands them over at once
//! ([`ClientCore::submit`]), it passes on received chunks as they are
//! ([`ClientCore::received`]), and reads back what became of its calls from an
//! array of events. Single operations never throw: their failure is an event.
//!
//! The layout of both directions is described in [`submission`] and [`report`];
//! `ts/submission.ts` and `ts/completion.ts` are the other ends.

pub mod arrays;
pub mod report;
pub mod settings;
mod submission;

use std::net::{IpAddr, SocketAddr};

use memoxide::client::{
    Action, ConnectionId, Engine, EngineOptions, Moment, Options, Plan, ServerAddress, Ticket,
};
use memoxide::net::Address;
use memoxide::{Error, ErrorKind, Result};
use napi::Env;
use napi_derive::napi;

use self::arrays::SharedArrays;
use self::report::{Report, Turn};
use self::submission::Reader;
use crate::errors::{ErrorFields, thrown};

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
}

/// A client's servers, placement, values and engine.
#[napi]
pub struct ClientCore {
    plan: Plan,
    engine: Engine,
    turn: Turn,
    arrays: SharedArrays,
    /// The engine's names of the operations, by token.
    tickets: Vec<Option<Ticket>>,
    /// The connection being written, whose output may be longer than the buffer.
    writing: Option<ConnectionId>,
    /// What `nextAction` returns next.
    action: Option<Action>,
}

/// A server and its share of the keys.
#[napi(object, object_to_js = false)]
pub struct ServerEntry {
    /// Where it listens, in any spelling that the core reads.
    pub address: String,
    /// Its share of the keys; as the address says by default.
    pub weight: Option<f64>,
}

/// Something for the driver to do; which fields are there depends on the kind.
#[napi(object, object_from_js = false)]
pub struct ActionFields {
    /// What to do.
    #[napi(ts_type = "'close' | 'connect' | 'resolve'")]
    pub kind: &'static str,
    /// The connection to open or close.
    pub connection: f64,
    /// The endpoint, by position in the configuration.
    pub endpoint: u32,
    /// The IP address to connect to, or the name to look up.
    pub host: Option<String>,
    /// The port to connect to.
    pub port: Option<u16>,
    /// The path of the Unix socket to connect to.
    pub path: Option<String>,
}

#[napi]
impl ClientCore {
    /// Prepares a client; nothing is opened.
    ///
    /// # Errors
    ///
    /// `Config` for a server or an option that does not parse.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        servers: Vec<ServerEntry>,
        names: Vec<String>,
        #[napi(ts_arg_type = "Array<number | string | boolean | Uint8Array | null>")] values: Vec<
            settings::SettingValue,
        >,
        seed: f64,
        arrays: SharedArrays,
    ) -> napi::Result<Self> {
        Self::prepare(servers, &names, &values, seed, arrays).map_err(|error| thrown(&env, &error))
    }

    fn prepare(
        servers: Vec<ServerEntry>,
        names: &[String],
        values: &[settings::SettingValue],
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
            writing: None,
            action: None,
        })
    }

    /// Returns the names of the servers, in the order of the configuration.
    #[napi]
    pub fn endpoints(&self) -> Vec<String> {
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
    #[napi]
    pub fn server_for(&self, env: Env, key: &[u8]) -> napi::Result<String> {
        match self.plan.server_for(key) {
            Ok(index) => Ok(self.plan.label(index).to_string()),
            Err(error) => Err(thrown(&env, &error)),
        }
    }

    /// Uses other arrays from now on, as when the old ones were too short.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when the state does not fit.
    #[napi]
    pub fn attach(&mut self, env: Env, arrays: SharedArrays) -> napi::Result<()> {
        arrays.check().map_err(|error| thrown(&env, &error))?;
        self.arrays = arrays;
        Ok(())
    }

    /// Begins the operations that are packed in the first `count` fields.
    #[napi]
    pub fn submit(&mut self, count: u32, now: f64) {
        let now = moment(now);
        let fields = &self.arrays.fields[..self.arrays.fields.len().min(count as usize)];
        let mut reader = Reader::new(fields, &self.arrays.bytes);
        let options = self.plan.options();
        let mut report = Report::new(&mut self.turn, &options.values, &[]);
        while let Some(header) = reader.header() {
            let token = header.token;
            let (operation, timeout) = match reader.operation(&self.plan, &header) {
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

    /// Passes on what arrived in the first `count` bytes of `chunk`.
    #[napi]
    pub fn received(&mut self, connection: f64, chunk: &[u8], count: u32, now: f64) {
        let chunk = &chunk[..chunk.len().min(count as usize)];
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, chunk);
        self.engine
            .received(id(connection), chunk, moment(now), &mut report);
        self.conclude();
    }

    /// Ends what has passed its deadline.
    #[napi]
    pub fn tick(&mut self, now: f64) {
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine.tick(moment(now), &mut report);
        self.conclude();
    }

    /// Notes that a connection is open.
    #[napi]
    pub fn connected(&mut self, connection: f64, now: f64) {
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine
            .connected(id(connection), moment(now), &mut report);
        self.conclude();
    }

    /// Notes that a connection could not be opened or has ended, and why.
    #[napi]
    pub fn lost(&mut self, connection: f64, opened: bool, reason: String, now: f64) {
        let error = if opened {
            Error::new(
                ErrorKind::ConnectionLost,
                format!("connection lost: {reason}"),
            )
        } else {
            Error::new(ErrorKind::Connect, format!("cannot connect: {reason}"))
        };
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine
            .lost(id(connection), error, moment(now), &mut report);
        self.conclude();
    }

    /// Passes on the addresses of an endpoint's host, or why there are none.
    #[napi]
    pub fn resolved(
        &mut self,
        endpoint: u32,
        hosts: Vec<String>,
        failure: Option<String>,
        now: f64,
    ) {
        let endpoint = endpoint as usize;
        let port = match self.engine.address(endpoint) {
            Address::Tcp { port, .. } => *port,
            _ => 0,
        };
        let addresses = match failure {
            Some(reason) => {
                let message = format!("cannot look up host name: {reason}");
                Err(Error::new(ErrorKind::Resolve, message).sent(memoxide::Sent::NotSent))
            }
            None => Ok(hosts
                .iter()
                .filter_map(|host| host.parse::<IpAddr>().ok())
                .map(|ip| SocketAddr::new(ip, port))
                .collect()),
        };
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine
            .resolved(endpoint, addresses, moment(now), &mut report);
        self.conclude();
    }

    /// Notes that a socket takes no more bytes.
    #[napi]
    pub fn blocked(&mut self, connection: f64) {
        self.engine.blocked(id(connection));
        self.writing = None;
    }

    /// Notes that a socket takes bytes again.
    #[napi]
    pub fn writable(&mut self, connection: f64) {
        self.engine.writable(id(connection));
        self.next_output();
    }

    /// Takes the next bytes to write, and notes in the state where they go.
    #[napi]
    pub fn next_output(&mut self) {
        let unfinished = self
            .writing
            .take()
            .filter(|id| !self.engine.output(*id).is_empty());
        let Some(id) = unfinished.or_else(|| self.engine.next_write()) else {
            self.arrays.state()[state::CONNECTION] = 0.0;
            return;
        };
        let bytes = self.engine.output(id);
        let output = self.arrays.output();
        let count = bytes.len().min(output.len());
        output[..count].copy_from_slice(&bytes[..count]);
        self.engine.written(id, count);
        self.writing = Some(id);
        let state = self.arrays.state();
        state[state::CONNECTION] = id.0 as f64;
        state[state::OUTPUT] = count as f64;
    }

    /// Takes the next thing to do other than writing.
    #[napi]
    pub fn next_action(&mut self) -> Option<ActionFields> {
        let action = self.action.take().or_else(|| self.engine.next_action())?;
        let mut fields = ActionFields {
            kind: "close",
            connection: 0.0,
            endpoint: 0,
            host: None,
            port: None,
            path: None,
        };
        match action {
            Action::Close(id) => fields.connection = id.0 as f64,
            Action::Connect {
                connection,
                endpoint,
                address,
            } => {
                fields.kind = "connect";
                fields.connection = connection.0 as f64;
                fields.endpoint = endpoint as u32;
                fields.host = address.map(|address| address.ip().to_string());
                fields.port = address.map(|address| address.port());
                if let Address::Unix { path } = self.engine.address(endpoint) {
                    fields.path = Some(path.clone());
                }
            }
            Action::Resolve { endpoint } => {
                fields.kind = "resolve";
                fields.endpoint = endpoint as u32;
                if let Address::Tcp { host, .. } = self.engine.address(endpoint) {
                    fields.host = Some(host.clone());
                }
            }
        }
        Some(fields)
    }

    /// Copies the events of the last call, when its array was too short.
    #[napi]
    pub fn events(&mut self) {
        let words = &self.turn.words;
        let events = self.arrays.events();
        let count = events.len().min(words.len());
        events[..count].copy_from_slice(&words[..count]);
    }

    /// Takes an owned value of the last call.
    #[napi]
    pub fn value(&mut self, index: u32) -> Option<napi::bindgen_prelude::Buffer> {
        let bytes = self.turn.values.get_mut(index as usize)?;
        Some(std::mem::take(bytes).into())
    }

    /// Returns an error of the last call.
    #[napi]
    pub fn error(&self, index: u32) -> Option<ErrorFields> {
        self.turn.errors.get(index as usize).map(ErrorFields::from)
    }

    /// Takes the lines of reports of the last call.
    #[napi]
    pub fn texts(&mut self) -> Vec<report::TextPart> {
        std::mem::take(&mut self.turn.texts)
    }

    /// Gives a call up. Nothing more is said about its token.
    #[napi]
    pub fn cancel(&mut self, token: u32) {
        if let Some(ticket) = self.tickets.get_mut(token as usize).and_then(Option::take) {
            self.engine.cancel(ticket);
        }
        self.describe();
    }

    /// Ends every call and closes the connections; for good, or until the next call.
    #[napi]
    pub fn close(&mut self, for_good: bool) {
        let mut report = Report::new(&mut self.turn, &self.plan.options().values, &[]);
        self.engine.close(for_good, &mut report);
        self.writing = None;
        self.conclude();
    }
}

impl ClientCore {
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

/// Returns the names of the options of the core, for messages about others.
#[napi]
#[must_use]
pub fn option_names() -> Vec<&'static str> {
    Options::NAMES.to_vec()
}
