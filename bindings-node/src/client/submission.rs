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
use std::time::Duration;

use memoxide::client::{Counting, Operation, Place, Plan};
use memoxide::protocol::{Admin, Direction, Expiry, StoreMode, Want};
use memoxide::value::Encoded;
use memoxide::{Error, ErrorKind, Result};

use crate::value::Kind;

/// What a call does; the numbers are those of `Verb` in `ts/submission.ts`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
enum Verb {
    Retrieve = 0,
    RetrieveMany = 1,
    Set = 2,
    Add = 3,
    Replace = 4,
    Append = 5,
    Prepend = 6,
    SetMany = 7,
    AddMany = 8,
    Delete = 9,
    DeleteMany = 10,
    Touch = 11,
    TouchMany = 12,
    Increment = 13,
    Decrement = 14,
    Flush = 15,
    Version = 16,
    Stats = 17,
    Verbosity = 18,
    CacheMemlimit = 19,
}

impl Verb {
    const ALL: [Self; 20] = [
        Self::Retrieve,
        Self::RetrieveMany,
        Self::Set,
        Self::Add,
        Self::Replace,
        Self::Append,
        Self::Prepend,
        Self::SetMany,
        Self::AddMany,
        Self::Delete,
        Self::DeleteMany,
        Self::Touch,
        Self::TouchMany,
        Self::Increment,
        Self::Decrement,
        Self::Flush,
        Self::Version,
        Self::Stats,
        Self::Verbosity,
        Self::CacheMemlimit,
    ];
}

/// Which optional fields follow the header, in this order.
mod mask {
    /// Seconds that the call may take.
    pub(super) const TIMEOUT: u32 = 1;
    /// Bytes of the key that decides about the server.
    pub(super) const SERVER_KEY: u32 = 2;
    /// Seconds until the item expires.
    pub(super) const EXPIRY: u32 = 4;
    /// The cas id, low word and high word.
    pub(super) const CAS: u32 = 8;
    /// The number that a counter begins with, low word and high word.
    pub(super) const INITIAL: u32 = 16;
    /// Seconds until a counter expires that exists already.
    pub(super) const TOUCH: u32 = 32;
}

/// The token of a call that was given up before it was handed over.
pub(super) const NOBODY: u32 = u32::MAX;

/// What every call begins with.
pub(super) struct Header {
    pub(super) token: u32,
    verb: Verb,
    mask: u32,
    count: usize,
}

/// What a call may have beside its keys.
struct Options<'a> {
    timeout: Option<f64>,
    server_key: Option<&'a [u8]>,
    expiry: Option<f64>,
    cas: Option<u64>,
    initial: Option<u64>,
    touch: Option<f64>,
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

    /// Reads the rest of a call; its own time limit, if any, comes with it. What
    /// belongs to the call is consumed even if it fails.
    ///
    /// # Errors
    ///
    /// What the core says about keys, values and numbers.
    pub(super) fn operation(
        &mut self,
        plan: &Plan,
        header: &Header,
    ) -> Result<(Operation<'a>, Option<Duration>)> {
        let options = self.options(header.mask);
        let operation = self.body(plan, header, &options);
        let timeout = options.timeout.map(timeout).transpose()?;
        Ok((operation?, timeout))
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

    fn body(
        &mut self,
        plan: &Plan,
        header: &Header,
        options: &Options<'a>,
    ) -> Result<Operation<'a>> {
        let place = options.server_key.map_or(Place::Key, Place::ServerKey);
        let expiry = |seconds: Option<f64>| seconds.map(expiry).transpose();
        let count = header.count;
        match header.verb {
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
                let counting = Counting {
                    initial: options.initial,
                    initial_expiry: expiry(options.expiry)?,
                    expiry: expiry(options.touch)?,
                };
                plan.count(direction, key, delta, counting, place)
            }
            Verb::Flush => {
                let delay = whole("delay", self.number())?;
                plan.administer(Admin::FlushAll { delay }, place)
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
        }
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
    fn slice(&mut self) -> &'a [u8] {
        let length = self.number() as usize;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(length.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    fn wide(&mut self) -> u64 {
        let low = self.number() as u32;
        let high = self.number() as u32;
        u64::from(high) << 32 | u64::from(low)
    }

    fn number(&mut self) -> f64 {
        let Some((number, rest)) = self.fields.split_first() else {
            return f64::NAN;
        };
        self.fields = rest;
        *number
    }
}

fn encode<'a>(plan: &Plan, kind: f64, bytes: &'a [u8]) -> Result<Encoded<'a>> {
    let value = Kind::of(kind as u32)?.value(bytes)?;
    plan.options().values.encode(value)
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
fn expiry(seconds: f64) -> Result<Expiry> {
    if seconds.is_nan() {
        return Err(invalid("time to live is no number".to_owned()));
    }
    Expiry::from_seconds(seconds.ceil() as i64, memoxide::net::unix_now)
}

fn timeout(seconds: f64) -> Result<Duration> {
    let refuse = || invalid(format!("timeout is no time in seconds above 0: {seconds}"));
    if seconds > 0.0 {
        Duration::try_from_secs_f64(seconds).map_err(|_| refuse())
    } else {
        Err(refuse())
    }
}

fn whole(name: &str, number: f64) -> Result<u32> {
    if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        return Ok(number as u32);
    }
    Err(invalid(format!(
        "{name} is no whole number in range: {number}"
    )))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
