//! Servers, placement, values and engine of one client, over the shared arrays.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use memoxide::client::log::Entry;
use memoxide::client::{
    Action, Answer, ConnectionId, Engine, Moment, Options, Place, Plan, Ticket,
};
use memoxide::net::Address;
use memoxide::{Error, Result};

use super::arrays::SharedArrays;
use super::placing::Placing;
use super::report::{self, Lists, Report, Turn};
use super::settings::{self, OwnFunctions, ServerSource, SettingValue};
use super::submission::{self, NOBODY, Plans, Reader};
use crate::value::Kind;

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
    /// Until when the event loop is not to sleep, in milliseconds of the driver's
    /// clock; 0 when it may.
    pub(super) const AWAKE: usize = 8;
    /// Whether `takeEntries` has something to take.
    pub(super) const ENTRIES: usize = 9;
}

/// A client's servers, placement, values and engine.
pub(super) struct Core {
    plans: Plans,
    engine: Engine,
    turn: Turn,
    arrays: SharedArrays,
    /// The engine's names of the operations, by token.
    tickets: Vec<Option<Ticket>>,
    /// Whose keys are listed, by token.
    lists: Lists,
    /// Bytes to write that did not fit into the output.
    large: Vec<u8>,
    /// What `nextAction` returns next.
    action: Option<Action>,
    /// Where keys are, if a function of the program's tells.
    placing: Option<Placing>,
}

impl Core {
    /// Prepares a client; nothing is opened.
    ///
    /// # Errors
    ///
    /// `Config` for a server or an option that does not parse.
    pub(super) fn new(
        servers: ServerSource,
        names: &[String],
        values: &[SettingValue],
        own: &OwnFunctions,
        seed: f64,
        arrays: SharedArrays,
    ) -> Result<Self> {
        arrays.check()?;
        let mut options = Options::default();
        let servers = settings::servers(servers, &mut options)?;
        settings::apply(&mut options, names, values)?;
        // JavaScript would round them.
        options.values.safe_integers = true;
        let placing = own.choose.then(Placing::default);
        let plan = match placing.clone() {
            None => Plan::secured(servers, options)?,
            Some(placing) => {
                Plan::secured_choosing(servers, options, move |key, _| placing.place(key))?
            }
        };
        Ok(Self {
            engine: Engine::for_plan(&plan, seed.to_bits()),
            plans: Plans::new(Arc::new(plan)),
            turn: Turn {
                opaque: own.opaque,
                ..Turn::default()
            },
            arrays,
            tickets: Vec::new(),
            lists: HashMap::new(),
            large: Vec::new(),
            action: None,
            placing,
        })
    }

    /// Returns the options.
    pub(super) fn options(&self) -> &Options {
        self.plans.own.options()
    }

    /// Returns servers and options as JSON, without secrets.
    pub(super) fn configuration(&self) -> String {
        self.options().to_json(self.plans.own.servers())
    }

    /// Returns what the log begins with.
    pub(super) fn first_entry(&self) -> Option<Entry> {
        self.plans.own.first_entry()
    }

    /// Returns the server that credentials go to unencrypted, as the plan says.
    pub(super) fn overheard(&self) -> Option<String> {
        self.plans.own.overheard().map(str::to_owned)
    }

    /// Returns the name that the certificate of an endpoint must carry, where
    /// connections are encrypted.
    pub(super) fn server_name(&self, endpoint: usize) -> Option<&str> {
        let tls = self.options().tls.as_ref()?;
        tls.server_name
            .as_deref()
            .or_else(|| match self.address(endpoint) {
                Address::Tcp { host, .. } => Some(host),
                _ => None,
            })
    }

    /// Returns the plan within namespaces.
    pub(super) fn plan(&self, scope: &[(&[u8], u64)]) -> Arc<Plan> {
        let own = Arc::clone(&self.plans.own);
        scope.iter().fold(own, |plan, (name, generation)| {
            Arc::new(plan.scoped(name, *generation))
        })
    }

    /// Returns the keys of a packed call that the program's function is to place.
    pub(super) fn keys_to_place(&mut self, from: u32, to: u32, byte: u32) -> Vec<Vec<u8>> {
        let Some(placing) = self.placing.clone() else {
            return Vec::new();
        };
        let fields = self.arrays.fields.get(from as usize..to as usize);
        let bytes = self.arrays.bytes.get(byte as usize..);
        let mut reader = Reader::new(fields.unwrap_or_default(), bytes.unwrap_or_default());
        placing.record(|| {
            if let Some(header) = reader.header() {
                // What is wrong is found when the call is planned for real.
                drop(reader.prepare(&mut self.plans, &header));
            }
        })
    }

    /// Notes where a key is.
    pub(super) fn place(&self, key: &[u8], index: u32) {
        if let Some(placing) = &self.placing {
            placing.tell(key, index as usize);
        }
    }

    /// Returns the names of the servers, in the order of the configuration.
    pub(super) fn endpoints(&self) -> Vec<String> {
        let labels = 0..self.plans.own.servers().len();
        labels
            .map(|index| self.plans.own.label(index).to_string())
            .collect()
    }

    /// Returns the name of the server that has a key, within namespaces, or that
    /// a server key stands for; where the program's function has placed it, of the
    /// one with that index.
    ///
    /// # Errors
    ///
    /// `InvalidKey` or `NoServers`.
    pub(super) fn server_for(
        &self,
        key: &[u8],
        server_key: Option<&[u8]>,
        scope: &[(&[u8], u64)],
        placed: Option<u32>,
    ) -> Result<String> {
        let place = match (placed, server_key) {
            (Some(index), _) => Place::Endpoint(index as usize),
            (None, Some(key)) => Place::ServerKey(key),
            (None, None) => Place::Key,
        };
        let plan = self.plan(scope);
        let index = plan.place(key, place)?;
        Ok(plan.label(index).to_string())
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
        let own = Arc::clone(&self.plans.own);
        self.turn.begin();
        while let Some(header) = reader.header() {
            let token = header.token;
            let prepared = reader.prepare(&mut self.plans, &header);
            if token == NOBODY {
                continue;
            }
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err(error) => {
                    self.turn.failed(token, error);
                    continue;
                }
            };
            let is_stream = prepared.list.is_some();
            if let Some(list) = prepared.list {
                self.lists.insert(token, list);
            }
            let name = report::name(token, header.is_raw());
            let operation = prepared.operation.into_owned();
            let timeout = prepared.timeout;
            let values = &own.options().values;
            let mut report = Report::new(&mut self.turn, values, &mut self.lists, &[]);
            let engine = &mut self.engine;
            let ticket = if is_stream {
                engine.submit_stream(name, operation, timeout, now, &mut report)
            } else {
                engine.submit(name, operation, now.after(timeout), now, &mut report)
            };
            let slot = token as usize;
            if self.tickets.len() <= slot {
                self.tickets.resize(slot + 1, None);
            }
            self.tickets[slot] = Some(ticket);
        }
        if let Some(placing) = &self.placing {
            placing.forget();
        }
        self.conclude();
    }

    /// Passes on what the caller's function wants stored; `None` leaves the item.
    ///
    /// # Errors
    ///
    /// Those of the dialect, and `InvalidArgument` for the time to live.
    pub(super) fn answer(
        &mut self,
        token: u32,
        value: Option<(u32, &[u8])>,
        seconds: Option<f64>,
        now: f64,
    ) -> Result<()> {
        let options = self.plans.own.options();
        let answer = match value {
            None => Answer::Leave,
            Some((kind, bytes)) => {
                let encoded = Kind::of(kind)?.encode(&options.values, bytes)?;
                Answer::Store {
                    flags: encoded.flags,
                    value: encoded.bytes.into_owned(),
                    expiry: match seconds {
                        Some(seconds) => submission::expiry(seconds)?,
                        None => options.default_ttl,
                    },
                }
            }
        };
        if let Some(ticket) = self.tickets.get(token as usize).copied().flatten() {
            self.step(&[], |engine, report| {
                engine.answer(ticket, answer, moment(now), report);
            });
        }
        Ok(())
    }

    /// Takes the first `count` bytes of the input, which arrived on a connection.
    pub(super) fn received(&mut self, connection: f64, count: u32, now: f64) {
        let input = &self.arrays.input;
        let chunk = &input[..input.len().min(count as usize)];
        self.turn.begin();
        let values = &self.plans.own.options().values;
        let mut report = Report::new(&mut self.turn, values, &mut self.lists, chunk);
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
        self.step(value, |engine, report| {
            engine.received(id(connection), value, moment(now), report);
        });
    }

    /// Ends what has passed its deadline.
    pub(super) fn tick(&mut self, now: f64) {
        self.step(&[], |engine, report| engine.tick(moment(now), report));
    }

    /// Notes that a connection is open.
    pub(super) fn connected(&mut self, connection: f64, now: f64) {
        self.step(&[], |engine, report| {
            engine.connected(id(connection), moment(now), report);
        });
    }

    /// Notes that a connection could not be opened or has ended.
    pub(super) fn lost(&mut self, connection: f64, error: Error, now: f64) {
        self.step(&[], |engine, report| {
            engine.lost(id(connection), error, moment(now), report);
        });
    }

    /// Passes on the addresses of an endpoint's host, or why there are none.
    pub(super) fn resolved(&mut self, endpoint: u32, hosts: Result<Vec<IpAddr>>, now: f64) {
        let endpoint = endpoint as usize;
        let Address::Tcp { port, .. } = *self.engine.address(endpoint) else {
            return;
        };
        let addresses = hosts.map(|hosts| {
            let addresses = hosts.into_iter().map(|ip| SocketAddr::new(ip, port));
            addresses.collect()
        });
        self.step(&[], |engine, report| {
            engine.resolved(endpoint, addresses, moment(now), report);
        });
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

    /// Takes what the log is to be told.
    pub(super) fn take_entries(&mut self) -> Vec<Entry> {
        self.engine.take_entries()
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
        self.lists.remove(&token);
        self.outline();
    }

    /// Lets the lines of a list wait, or come again.
    pub(super) fn pause(&mut self, token: u32, waits: bool, now: f64) {
        let ticket = self.tickets.get(token as usize).copied().flatten();
        match ticket {
            Some(ticket) if waits => self.engine.pause(ticket),
            Some(ticket) => self.engine.resume(ticket, moment(now)),
            None => {}
        }
        self.outline();
    }

    /// Ends every call and closes the connections; for good, or until the next call.
    pub(super) fn close(&mut self, for_good: bool) {
        self.large = Vec::new();
        self.step(&[], |engine, report| engine.close(for_good, report));
    }
}

impl Core {
    /// Tells the engine something, over values that may lie in `chunk`.
    fn step(&mut self, chunk: &[u8], step: impl FnOnce(&mut Engine, &mut Report<'_>)) {
        self.turn.begin();
        let values = &self.plans.own.options().values;
        let mut report = Report::new(&mut self.turn, values, &mut self.lists, chunk);
        step(&mut self.engine, &mut report);
        self.conclude();
    }

    /// Hands over what has come of a call.
    fn conclude(&mut self) {
        self.events();
        self.next_output();
        self.describe();
    }

    fn describe(&mut self) {
        self.outline();
        let state = self.arrays.state();
        state[state::WORDS] = self.turn.words.len() as f64;
        state[state::TEXTS] = self.turn.texts.len() as f64;
    }

    /// Tells what there is to do and to wait for, and nothing of calls.
    fn outline(&mut self) {
        if self.action.is_none() {
            self.action = self.engine.next_action();
        }
        let deadline = match self.engine.deadline() {
            Moment::NEVER => f64::INFINITY,
            Moment(nanoseconds) => nanoseconds as f64 / NANOSECONDS,
        };
        let awake = self.engine.awake_until().unwrap_or_default();
        let state = self.arrays.state();
        state[state::DEADLINE] = deadline;
        state[state::AWAKE] = awake.0 as f64 / NANOSECONDS;
        state[state::PENDING] = self.engine.pending() as f64;
        state[state::ACTIONS] = f64::from(u8::from(self.action.is_some()));
        state[state::ENTRIES] = f64::from(u8::from(self.engine.has_entries()));
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
