//! The client's core as the driver in `ts/driver.ts` uses it.
//!
//! The driver owns sockets and one timer. It packs the calls of a turn of the
//! event loop into two arrays and hands them over at once ([`submit`]), it
//! passes on received chunks as they are ([`received`]), and reads back what
//! became of its calls from an array of events. Single operations never throw:
//! their failure is an event.
//!
//! The layout of both directions is described in [`submission`] and [`report`];
//! `ts/submission.ts` and `ts/completion.ts` are the other ends.
//!
//! What is called for every chunk is a function of a client's number, not a
//! method: the checks of a method's receiver alone take half a microsecond.

pub mod actions;
pub mod arrays;
mod composite;
mod core;
pub mod log;
mod placing;
pub mod report;
pub mod security;
pub mod settings;
mod submission;
mod verb;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use memoxide::client::{Options, stats};
use memoxide::{Error, ErrorKind, Sent};
use napi::Env;
use napi::bindgen_prelude::{BigInt, Buffer, Uint8Array};
use napi_derive::napi;

use self::actions::ActionFields;
use self::arrays::SharedArrays;
use self::core::Core;
use self::log::EntryFields;
use self::report::TextPart;
use self::security::{TlsFields, failure};
use self::settings::{OwnFunctions, ServerSource, SettingValue};
use crate::errors::{ErrorFields, thrown};
use crate::tools::ClientPlan;

thread_local! {
    /// The clients of this thread, which belongs to one isolate, by number.
    static CORES: RefCell<Vec<Option<Rc<RefCell<Core>>>>> = const { RefCell::new(Vec::new()) };
}

/// Has the client of this number take a step, which never calls JavaScript.
fn step(number: u32, step: impl FnOnce(&mut Core)) {
    CORES.with_borrow(|cores| {
        if let Some(Some(core)) = cores.get(number as usize) {
            step(&mut core.borrow_mut());
        }
    });
}

/// Begins the operations that are packed in the first `count` fields.
#[napi]
pub fn submit(client: u32, count: u32, now: f64) {
    step(client, |core| core.submit(count, now));
}

/// Takes the first `count` bytes of the input, which arrived on a connection.
#[napi]
pub fn received(client: u32, connection: f64, count: u32, now: f64) {
    step(client, |core| core.received(connection, count, now));
}

/// Takes the next bytes to write, and notes in the state where they go.
#[napi]
pub fn next_output(client: u32) {
    step(client, Core::next_output);
}

/// A client's servers, placement, values and engine.
#[napi]
pub struct ClientCore {
    core: Rc<RefCell<Core>>,
    number: u32,
}

/// A value in progress.
#[napi(object, object_from_js = false)]
pub struct PartialValue {
    /// What has come of it.
    pub bytes: Buffer,
    /// How long it will be, with its line end.
    pub length: f64,
}

#[napi]
impl ClientCore {
    /// Prepares a client; nothing is opened. Where the program has a
    /// function of its `own`, keys are placed by it and not by a preset.
    ///
    /// # Errors
    ///
    /// `Config` for a server or an option that does not parse.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        servers: ServerSource,
        names: Vec<String>,
        #[napi(ts_arg_type = "Array<number | string | boolean | Uint8Array | null>")] values: Vec<
            SettingValue,
        >,
        own: OwnFunctions,
        seed: f64,
        arrays: SharedArrays,
    ) -> napi::Result<Self> {
        let core = Core::new(servers, &names, &values, &own, seed, arrays);
        let core = Rc::new(RefCell::new(core.map_err(|error| thrown(&env, &error))?));
        let number = CORES.with_borrow_mut(|cores| {
            let free = cores.iter().position(Option::is_none);
            let number = free.unwrap_or(cores.len());
            cores.resize(cores.len().max(number + 1), None);
            cores[number] = Some(Rc::clone(&core));
            number as u32
        });
        Ok(Self { core, number })
    }

    /// What the functions take for this client.
    #[napi(getter)]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns the names of the servers, in the order of the configuration.
    #[napi]
    pub fn endpoints(&self) -> Vec<String> {
        self.core.borrow().endpoints()
    }

    /// Returns servers and options as JSON, without secrets.
    #[napi]
    pub fn configuration(&self) -> String {
        self.core.borrow().configuration()
    }

    /// Returns how connections are encrypted, if they are.
    #[napi]
    pub fn tls(&self) -> Option<TlsFields> {
        TlsFields::of(self.core.borrow().options())
    }

    /// Returns what the log of the client begins with, if anything.
    #[napi]
    pub fn first_entry(&self) -> Option<EntryFields> {
        self.core.borrow().first_entry().map(EntryFields::from)
    }

    /// Takes what the log is to be told.
    #[napi]
    pub fn take_entries(&self) -> Vec<EntryFields> {
        let entries = self.core.borrow_mut().take_entries();
        entries.into_iter().map(EntryFields::from).collect()
    }

    /// Returns the server that credentials go to unencrypted over a network, where
    /// that is to be warned of.
    #[napi]
    pub fn overheard(&self) -> Option<String> {
        self.core.borrow().overheard()
    }

    /// Returns the name of the server that has a key, within namespaces of
    /// these names and generations; or that a server key stands for; or of the one
    /// that the program has chosen.
    ///
    /// # Errors
    ///
    /// `InvalidKey` or `NoServers`.
    #[napi]
    pub fn server_for(
        &self,
        env: Env,
        key: &[u8],
        server_key: Option<&[u8]>,
        names: Vec<Uint8Array>,
        generations: Vec<BigInt>,
        placed: Option<u32>,
    ) -> napi::Result<String> {
        let scope = scope(&names, &generations);
        let core = self.core.borrow();
        let server = core.server_for(key, server_key, &scope, placed);
        server.map_err(|error| thrown(&env, &error))
    }

    /// Returns servers, placement and options, within namespaces.
    #[napi]
    pub fn plan(&self, names: Vec<Uint8Array>, generations: Vec<BigInt>) -> ClientPlan {
        ClientPlan(self.core.borrow().plan(&scope(&names, &generations)))
    }

    /// Returns the keys of a packed call that the program is to place: that of the
    /// fields from `from` to `to`, whose bytes begin at `byte`.
    #[napi]
    pub fn keys_to_place(&self, from: u32, to: u32, byte: u32) -> Vec<Buffer> {
        let keys = self.core.borrow_mut().keys_to_place(from, to, byte);
        keys.into_iter().map(Buffer::from).collect()
    }

    /// Notes where the program has placed a key, until the next submission.
    #[napi]
    pub fn place(&self, key: &[u8], index: u32) {
        self.core.borrow().place(key, index);
    }

    /// Uses other arrays from now on, as when the old ones were too short.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when the state does not fit.
    #[napi]
    pub fn attach(&self, env: Env, arrays: SharedArrays) -> napi::Result<()> {
        let attached = self.core.borrow_mut().attach(arrays);
        attached.map_err(|error| thrown(&env, &error))
    }

    /// Ends what has passed its deadline.
    #[napi]
    pub fn tick(&self, now: f64) {
        self.core.borrow_mut().tick(now);
    }

    /// Notes that a connection is open.
    #[napi]
    pub fn connected(&self, connection: f64, now: f64) {
        self.core.borrow_mut().connected(connection, now);
    }

    /// Notes that a connection could not be opened or has ended, and why.
    #[napi]
    pub fn lost(
        &self,
        connection: f64,
        #[napi(ts_arg_type = "'connect' | 'tls' | 'open'")] at: String,
        reason: String,
        now: f64,
    ) {
        let error = failure(&at, &reason);
        self.core.borrow_mut().lost(connection, error, now);
    }

    /// Passes on the addresses of an endpoint's host, or why there are none.
    #[napi]
    pub fn resolved(&self, endpoint: u32, hosts: Vec<String>, failure: Option<String>, now: f64) {
        let hosts = match failure {
            None => Ok(hosts.iter().filter_map(|host| host.parse().ok()).collect()),
            Some(reason) => {
                let message = format!("cannot look up host name: {reason}");
                Err(Error::new(ErrorKind::Resolve, message).sent(Sent::NotSent))
            }
        };
        self.core.borrow_mut().resolved(endpoint, hosts, now);
    }

    /// Takes what has come of a value in progress, which the driver goes on to
    /// collect by itself.
    #[napi]
    pub fn take_partial(&self, connection: f64) -> Option<PartialValue> {
        let (bytes, length) = self.core.borrow_mut().take_partial(connection)?;
        Some(PartialValue {
            bytes: bytes.into(),
            length: length as f64,
        })
    }

    /// Takes a whole value that the driver has collected.
    #[napi]
    pub fn received_value(&self, connection: f64, value: &[u8], now: f64) {
        let mut core = self.core.borrow_mut();
        core.received_value(connection, value, now);
    }

    /// Passes on what the caller's function wants stored, or with no kind that
    /// the item is to be left.
    ///
    /// # Errors
    ///
    /// Those of the dialect, and `InvalidArgument` for the time to live.
    #[napi]
    pub fn answer(
        &self,
        env: Env,
        token: u32,
        kind: Option<u32>,
        bytes: &[u8],
        expires: Option<f64>,
        now: f64,
    ) -> napi::Result<()> {
        let value = kind.map(|kind| (kind, bytes));
        let mut core = self.core.borrow_mut();
        let answered = core.answer(token, value, expires, now);
        answered.map_err(|error| thrown(&env, &error))
    }

    /// Notes that a socket takes no more bytes.
    #[napi]
    pub fn blocked(&self, connection: f64) {
        self.core.borrow_mut().blocked(connection);
    }

    /// Notes that a socket takes bytes again.
    #[napi]
    pub fn writable(&self, connection: f64) {
        self.core.borrow_mut().writable(connection);
    }

    /// Takes the bytes to write that did not fit into the output.
    #[napi]
    pub fn large_output(&self) -> Buffer {
        self.core.borrow_mut().large_output().into()
    }

    /// Takes the next thing to do other than writing.
    #[napi]
    pub fn next_action(&self) -> Option<ActionFields> {
        let mut core = self.core.borrow_mut();
        let action = core.next_action()?;
        Some(ActionFields::new(action, &core))
    }

    /// Copies the events of the last call again, when their array was too short.
    #[napi]
    pub fn events(&self) {
        self.core.borrow_mut().events();
    }

    /// Takes a value of the last call that does not lie in the input.
    #[napi]
    pub fn value(&self, index: u32) -> Option<Buffer> {
        let mut core = self.core.borrow_mut();
        let bytes = core.turn().values.get_mut(index as usize)?;
        Some(std::mem::take(bytes).into())
    }

    /// Returns an error of the last call.
    #[napi]
    pub fn error(&self, index: u32) -> Option<ErrorFields> {
        let mut core = self.core.borrow_mut();
        let error = core.turn().errors.get(index as usize)?;
        Some(error.into())
    }

    /// Takes the lines of reports of the last call.
    #[napi]
    pub fn texts(&self) -> Vec<TextPart> {
        std::mem::take(&mut self.core.borrow_mut().turn().texts)
    }

    /// Lets the lines of a list wait, or come again.
    #[napi]
    pub fn pause(&self, token: u32, waits: bool, now: f64) {
        self.core.borrow_mut().pause(token, waits, now);
    }

    /// Gives a call up. Nothing more is said about its token.
    #[napi]
    pub fn cancel(&self, token: u32) {
        self.core.borrow_mut().cancel(token);
    }

    /// Ends every call and closes the connections; for good, or until the next call.
    #[napi]
    pub fn close(&self, for_good: bool) {
        self.core.borrow_mut().close(for_good);
    }
}

/// Puts names and generations of namespaces together.
fn scope<'a>(names: &'a [Uint8Array], generations: &[BigInt]) -> Vec<(&'a [u8], u64)> {
    let numbers = generations.iter().map(|number| number.get_u64().1);
    names.iter().map(|name| &**name).zip(numbers).collect()
}

impl Drop for ClientCore {
    fn drop(&mut self) {
        // Not there any more when a thread ends.
        let _ = CORES.try_with(|cores| {
            let mut cores = cores.borrow_mut();
            if let Some(entry) = cores.get_mut(self.number as usize) {
                *entry = None;
            }
        });
    }
}

/// Reads a report and returns it typed, as JSON.
///
/// # Errors
///
/// `InvalidArgument` when there is no type for such a report.
#[napi]
pub fn typed_report(
    env: Env,
    name: String,
    figures: HashMap<String, String>,
) -> napi::Result<String> {
    stats::to_json(&name, figures.into_iter().collect()).map_err(|error| thrown(&env, &error))
}

/// Returns the names of the options of the core, for messages about others.
#[napi]
#[must_use]
pub fn option_names() -> Vec<&'static str> {
    Options::NAMES.to_vec()
}
