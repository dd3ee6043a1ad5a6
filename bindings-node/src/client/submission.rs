//! Reads the calls that the driver has packed.
//!
//! Numbers are in one array, bytes in another. A call begins with four numbers:
//!
//! | field | |
//! |---|---|
//! | verb | see [`Verb`] |
//! | token | what the call is named in events |
//! | mask | which of the optional fields follow, see [`mask`] |
//! | count | bytes of the key; how many keys, for verbs of several |
//!
//! Then come the optional fields in the order of their bits, and then what the
//! verb has beside its key. The bytes of keys and values follow each other in
//! the order in which their lengths are named.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memoxide::client::{Counting, Operation, Place, Plan};
use memoxide::protocol::{Admin, Direction, Expiry, StoreMode, Want};
use memoxide::value::Encoded;
use memoxide::{Error, ErrorKind, Result};

use super::verb::{Verb, mask};
use crate::value::Kind;

/// The token of a call that was given up before it was handed over.
pub(super) const NOBODY: u32 = u32::MAX;

/// Plans of namespaces that are kept ready.
const KEPT_SCOPES: usize = 256;

/// What every call begins with.
pub(super) struct Header {
    pub(super) token: u32,
    pub(super) verb: Verb,
    mask: u32,
    pub(super) count: usize,
}

impl Header {
    /// Whether values are wanted as they are stored.
    pub(super) const fn is_raw(&self) -> bool {
        self.mask & mask::RAW != 0
    }
}

/// A call taken apart.
pub(super) struct Prepared<'a> {
    pub(super) operation: Operation<'a>,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// Of a list of keys: the plan whose keys they are, and how they begin.
    pub(super) list: Option<(Arc<Plan>, Vec<u8>)>,
}

impl<'a> Prepared<'a> {
    pub(super) const fn new(operation: Operation<'a>) -> Self {
        Self {
            operation,
            timeout: Duration::ZERO,
            list: None,
        }
    }
}

/// What a call may have beside its keys.
pub(super) struct Options<'a> {
    timeout: Option<f64>,
    server_key: Option<&'a [u8]>,
    pub(super) expiry: Option<f64>,
    cas: Option<u64>,
    initial: Option<u64>,
    touch: Option<f64>,
}

impl<'a> Options<'a> {
    pub(super) fn place(&self) -> Place<'a> {
        self.server_key.map_or(Place::Key, Place::ServerKey)
    }
}

/// The plans of a client: its own, and those of its namespaces.
pub(super) struct Plans {
    pub(super) own: Arc<Plan>,
    /// By names and generations, as packed.
    scoped: HashMap<Vec<u8>, Arc<Plan>>,
}

impl Plans {
    pub(super) fn new(own: Arc<Plan>) -> Self {
        let scoped = HashMap::new();
        Self { own, scoped }
    }
}

/// Takes packed calls apart.
pub(super) struct Reader<'a> {
    fields: &'a [f64],
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(fields: &'a [f64], bytes: &'a [u8]) -> Self {
        Self { fields, bytes }
    }

    /// Begins the next call; `None` at the end.
    pub(super) fn header(&mut self) -> Option<Header> {
        let ([verb, token, mask, count], rest) = self.fields.split_first_chunk()?;
        self.fields = rest;
        Some(Header {
            token: *token as u32,
            verb: Verb::ALL.get(*verb as usize).copied()?,
            mask: *mask as u32,
            count: *count as usize,
        })
    }

    /// Reads the rest of a call. What belongs to it is consumed even if it fails.
    ///
    /// # Errors
    ///
    /// What the core says about keys, values and numbers.
    pub(super) fn prepare(&mut self, plans: &mut Plans, header: &Header) -> Result<Prepared<'a>> {
        let plan = self.plan(plans, header.mask);
        let options = self.options(header.mask);
        let timeout = match options.timeout {
            Some(seconds) => timeout(seconds),
            None => Ok(plan.options().timeout),
        };
        let mut prepared = self.call(&plan, header, &options)?;
        prepared.timeout += timeout?;
        Ok(prepared)
    }

    /// Returns the plan of the namespace that the call is within.
    fn plan(&mut self, plans: &mut Plans, mask: u32) -> Arc<Plan> {
        let mut plan = Arc::clone(&plans.own);
        if mask & mask::SCOPE == 0 {
            return plan;
        }
        let mut path = Vec::new();
        for _ in 0..self.number() as usize {
            let name = self.slice();
            let generation = self.wide();
            path.extend_from_slice(&(name.len() as u64).to_ne_bytes());
            path.extend_from_slice(name);
            path.extend_from_slice(&generation.to_ne_bytes());
            plan = match plans.scoped.get(&path) {
                Some(known) => Arc::clone(known),
                None => {
                    let scoped = Arc::new(plan.scoped(name, generation));
                    if plans.scoped.len() >= KEPT_SCOPES {
                        plans.scoped.clear();
                    }
                    plans.scoped.insert(path.clone(), Arc::clone(&scoped));
                    scoped
                }
            };
        }
        plan
    }

    fn options(&mut self, mask: u32) -> Options<'a> {
        let has = |bit: u32| mask & bit != 0;
        Options {
            timeout: has(mask::TIMEOUT).then(|| self.number()),
            server_key: has(mask::SERVER_KEY).then(|| self.slice()),
            expiry: has(mask::EXPIRY).then(|| self.number()),
            cas: has(mask::CAS).then(|| self.wide()),
            initial: has(mask::INITIAL).then(|| self.wide()),
            touch: has(mask::TOUCH).then(|| self.number()),
        }
    }

    fn call(
        &mut self,
        plan: &Arc<Plan>,
        header: &Header,
        options: &Options<'a>,
    ) -> Result<Prepared<'a>> {
        let place = options.place();
        let expiry = |seconds: Option<f64>| seconds.map(expiry).transpose();
        let count = header.count;
        let operation = match header.verb {
            Verb::Retrieve => {
                let want = want(self.number());
                let key = self.take(count);
                plan.retrieve(key, want, expiry(options.expiry)?, place)
            }
            Verb::RetrieveMany => {
                let want = want(self.number());
                let keys = self.keys(count);
                plan.retrieve_many(keys.into_iter(), want, expiry(options.expiry)?, place)
            }
            Verb::Set => self.store(plan, StoreMode::Set, count, options, place),
            Verb::Add => self.store(plan, StoreMode::Add, count, options, place),
            Verb::Replace => self.store(plan, StoreMode::Replace, count, options, place),
            Verb::Append => self.store(plan, StoreMode::Append, count, options, place),
            Verb::Prepend => self.store(plan, StoreMode::Prepend, count, options, place),
            Verb::SetMany => self.store_many(plan, StoreMode::Set, count, options, place),
            Verb::AddMany => self.store_many(plan, StoreMode::Add, count, options, place),
            Verb::Delete => plan.delete(self.take(count), options.cas, place),
            Verb::DeleteMany => plan.delete_many(self.keys(count).into_iter(), place),
            Verb::Touch => {
                let key = self.take(count);
                let expiry = expiry(options.expiry)?.unwrap_or_else(|| plan.options().default_ttl);
                plan.touch(key, expiry, place)
            }
            Verb::TouchMany => {
                let keys = self.keys(count);
                let expiry = expiry(options.expiry)?.unwrap_or_else(|| plan.options().default_ttl);
                plan.touch_many(keys.into_iter(), expiry, place)
            }
            Verb::Increment | Verb::Decrement => {
                let delta = self.wide();
                let key = self.take(count);
                let direction = if header.verb == Verb::Increment {
                    Direction::Increment
                } else {
                    Direction::Decrement
                };
                // What a counter begins with expires once; a counter that is
                // there gets a new expiry only where it is meant.
                let first = expiry(options.expiry)?;
                let counting = Counting {
                    initial: options.initial,
                    initial_expiry: first,
                    expiry: match options.touch {
                        None if options.initial.is_none() => first,
                        touch => expiry(touch)?,
                    },
                };
                plan.count(direction, key, delta, counting, place)
            }
            Verb::Flush => {
                let delay = delay(self.number())?;
                plan.administer(Admin::flush_after(delay)?, place)
            }
            Verb::Version => plan.administer(Admin::Version, place),
            Verb::Stats => {
                let report = Cow::Borrowed(self.take(count));
                plan.administer(Admin::Stats { report }, place)
            }
            Verb::Verbosity => {
                let level = whole("level", self.number())?;
                plan.administer(Admin::Verbosity { level }, place)
            }
            Verb::CacheMemlimit => {
                let megabytes = whole("megabytes", self.number())?;
                plan.administer(Admin::CacheMemlimit { megabytes }, place)
            }
            Verb::SetRaw => self.store_raw(plan, StoreMode::Set, count, options, place),
            Verb::AddRaw => self.store_raw(plan, StoreMode::Add, count, options, place),
            Verb::ReplaceRaw => self.store_raw(plan, StoreMode::Replace, count, options, place),
            _ => return self.composite(plan, header, options),
        };
        operation.map(Prepared::new)
    }

    fn store(
        &mut self,
        plan: &Plan,
        mode: StoreMode,
        length: usize,
        options: &Options<'a>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let kind = self.number();
        let size = self.number() as usize;
        let key = self.take(length);
        let value = encode(plan, kind, self.take(size))?;
        let expiry = options.expiry.map(expiry).transpose()?;
        plan.store(mode, key, value, expiry, options.cas, place)
    }

    /// Stores flags and bytes as they are.
    fn store_raw(
        &mut self,
        plan: &Plan,
        mode: StoreMode,
        length: usize,
        options: &Options<'a>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let flags = whole("flags", self.number());
        let size = self.number() as usize;
        let key = self.take(length);
        let bytes = Cow::Borrowed(self.take(size));
        let value = Encoded {
            flags: flags?,
            bytes,
        };
        let expiry = options.expiry.map(expiry).transpose()?;
        plan.store(mode, key, value, expiry, options.cas, place)
    }

    fn store_many(
        &mut self,
        plan: &Plan,
        mode: StoreMode,
        count: usize,
        options: &Options<'a>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let mut items = Vec::with_capacity(count.min(self.fields.len()));
        let mut failure = None;
        for _ in 0..count {
            let length = self.number() as usize;
            let kind = self.number();
            let size = self.number() as usize;
            let key = self.take(length);
            match encode(plan, kind, self.take(size)) {
                Ok(value) => items.push((key, value)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let expiry = options.expiry.map(expiry).transpose()?;
        plan.store_many(mode, items.into_iter(), expiry, place)
    }

    fn keys(&mut self, count: usize) -> Vec<&'a [u8]> {
        (0..count.min(self.fields.len()))
            .map(|_| self.slice())
            .collect()
    }

    /// Reads a length and takes as many bytes.
    pub(super) fn slice(&mut self) -> &'a [u8] {
        let length = self.number() as usize;
        self.take(length)
    }

    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(length.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    pub(super) fn wide(&mut self) -> u64 {
        let low = self.number() as u32;
        let high = self.number() as u32;
        u64::from(high) << 32 | u64::from(low)
    }

    pub(super) fn number(&mut self) -> f64 {
        let Some((number, rest)) = self.fields.split_first() else {
            return f64::NAN;
        };
        self.fields = rest;
        *number
    }
}

fn encode<'a>(plan: &Plan, kind: f64, bytes: &'a [u8]) -> Result<Encoded<'a>> {
    Kind::of(kind as u32)?.encode(&plan.options().values, bytes)
}

/// Returns what the bits of the driver ask for.
fn want(bits: f64) -> Want {
    const PARTS: [Want; 5] = [Want::VALUE, Want::CAS, Want::TTL, Want::SIZE, Want::ACCESS];
    let bits = bits as u32;
    let parts = PARTS.into_iter().enumerate();
    let chosen = parts.filter(|(index, _)| bits >> index & 1 == 1);
    chosen.fold(Want::EXISTENCE, |want, (_, part)| want | part)
}

/// Reads seconds to live; fractions count as a whole second.
pub(super) fn expiry(seconds: f64) -> Result<Expiry> {
    if seconds.is_nan() {
        return Err(invalid("time to live is no number".to_owned()));
    }
    Expiry::from_seconds(seconds.ceil() as i64, memoxide::net::unix_now)
}

pub(super) fn timeout(seconds: f64) -> Result<Duration> {
    let refuse = || invalid(format!("timeout is no time in seconds above 0: {seconds}"));
    if seconds > 0.0 {
        Duration::try_from_secs_f64(seconds).map_err(|_| refuse())
    } else {
        Err(refuse())
    }
}

/// Reads the seconds until everything expires.
fn delay(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| invalid(format!("delay is no time in seconds from 0: {seconds}")))
}

pub(super) fn whole(name: &str, number: f64) -> Result<u32> {
    if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        return Ok(number as u32);
    }
    Err(invalid(format!(
        "{name} is no whole number in range: {number}"
    )))
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
