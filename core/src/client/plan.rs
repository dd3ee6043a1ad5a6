//! Commands: from what a caller names to an [`Operation`].
//!
//! Keys get their prefix and are checked, then routed; values arrive encoded.
//! Each command's rule is here and nowhere else; all clients in all languages
//! call these functions and drive what they return.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::composite::{Acquire, Counter, Goal, Release, Scoped, Take, Update};
use super::operation::{Operation, Spread};
use super::options::Options;
use super::servers::ServerAddress;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::key::{Key, MAX_KEY_LENGTH};
use crate::protocol::{
    Admin, Arithmetic, Delete, Direction, Expiry, Keys, Request, Retrieve, Store, StoreMode, Touch,
    Want,
};
use crate::route::Router;
use crate::value::{Encoded, Value};

/// Behind the name of a namespace: the key that holds its generation.
const NAMESPACE_SUFFIX: &[u8] = b":generation";

/// How a call finds its server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Place<'a> {
    /// This endpoint, by position in the configuration.
    Endpoint(usize),
    /// By the key itself.
    #[default]
    Key,
    /// By another key, so that items can be kept together.
    ServerKey(&'a [u8]),
}

/// What an arithmetic command may have beside key and delta.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counting {
    /// Stored when there is no counter; the delta is not applied then.
    pub initial: Option<u64>,
    /// A new expiry, also for a counter that `initial` creates.
    pub expiry: Option<Expiry>,
    /// The expiry of a counter that `initial` creates, where there is no
    /// `expiry`; else the default one.
    pub initial_expiry: Option<Expiry>,
}

/// The servers, the placement, and the options that shape requests.
#[derive(Debug)]
pub struct Plan {
    servers: Vec<ServerAddress>,
    labels: Vec<Arc<str>>,
    router: Router,
    options: Options,
}

impl Plan {
    /// Prepares placement over `servers`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when an option does not fit, or the weights ask
    /// for too much.
    pub fn new(servers: Vec<ServerAddress>, options: Options) -> Result<Self> {
        options.check()?;
        let nodes: Vec<_> = servers.iter().map(ServerAddress::node).collect();
        let router = Router::new(options.hashing, &nodes)?;
        Ok(Self::with_router(servers, router, options))
    }

    /// Prepares placement by a router of the caller's.
    #[must_use]
    pub fn with_router(servers: Vec<ServerAddress>, router: Router, options: Options) -> Self {
        Self {
            labels: servers
                .iter()
                .map(|server| server.address.to_string().into())
                .collect(),
            servers,
            router,
            options,
        }
    }

    /// Returns the options.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the servers as configured.
    #[must_use]
    pub fn servers(&self) -> &[ServerAddress] {
        &self.servers
    }

    /// Returns the name of an endpoint.
    ///
    /// # Panics
    ///
    /// When there is no endpoint at that position.
    #[must_use]
    pub fn label(&self, endpoint: usize) -> &Arc<str> {
        &self.labels[endpoint]
    }

    /// Returns which server has a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn server_for(&self, key: &[u8]) -> Result<usize> {
        self.wire_key(key)?;
        self.route(key, Place::Key)
    }

    /// Reads one item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn retrieve<'a>(
        &self,
        key: &'a [u8],
        want: Want,
        touch: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        let request = Retrieve {
            keys: Keys::One(key),
            want,
            touch,
            bump: true,
        };
        Ok(Operation::single(endpoint, Request::Retrieve(request)))
    }

    /// Reads several items: one request per server where value and cas id are
    /// all that is wanted, else one per key, pipelined.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn retrieve_many<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        want: Want,
        touch: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let count = keys.len();
        let mut located = Vec::with_capacity(count);
        for key in keys {
            located.push(self.locate(key, place)?);
        }
        let request = |keys| {
            Request::Retrieve(Retrieve {
                keys,
                want,
                touch,
                bump: true,
            })
        };
        let spread = if want == Want::VALUE || want == Want::VALUE | Want::CAS {
            let mut keys = vec![Vec::new(); self.servers.len()];
            let mut positions = vec![Vec::new(); self.servers.len()];
            for (position, (endpoint, key)) in located.into_iter().enumerate() {
                keys[endpoint].push(key);
                positions[endpoint].push(position);
            }
            let groups = keys.into_iter().zip(positions).enumerate();
            let groups = groups.filter(|(_, (keys, _))| !keys.is_empty());
            Spread::retrieve(
                groups
                    .map(|(endpoint, (keys, positions))| {
                        (endpoint, request(Keys::Many(keys)), positions)
                    })
                    .collect(),
            )
        } else {
            Spread::each(
                located
                    .into_iter()
                    .map(|(endpoint, key)| (endpoint, request(Keys::One(key)))),
            )
            .reading()
        };
        Ok(Operation::Spread(Box::new(spread)))
    }

    /// Writes one item. Without an expiry it gets the default one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn store<'a>(
        &self,
        mode: StoreMode,
        key: &'a [u8],
        value: Encoded<'a>,
        expiry: Option<Expiry>,
        cas: Option<u64>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        let request = self.store_request(mode, key, value, expiry, cas);
        Ok(Operation::single(endpoint, request))
    }

    /// Writes several items, pipelined on all servers at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`]; nothing is sent then.
    pub fn store_many<'a>(
        &self,
        mode: StoreMode,
        items: impl ExactSizeIterator<Item = (&'a [u8], Encoded<'a>)>,
        expiry: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let mut requests = Vec::with_capacity(items.len());
        for (key, value) in items {
            let (endpoint, key) = self.locate(key, place)?;
            requests.push((endpoint, self.store_request(mode, key, value, expiry, None)));
        }
        Ok(Operation::Spread(Box::new(Spread::each(
            requests.into_iter(),
        ))))
    }

    fn store_request<'a>(
        &self,
        mode: StoreMode,
        key: Cow<'a, [u8]>,
        value: Encoded<'a>,
        expiry: Option<Expiry>,
        cas: Option<u64>,
    ) -> Request<'a> {
        Request::Store(Store {
            mode,
            key,
            flags: value.flags,
            expiry: expiry.unwrap_or(self.options.default_ttl),
            value: value.bytes,
            cas,
        })
    }

    /// Counts; with an initial value an absent counter is created.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`]; [`ErrorKind::Encode`]
    /// when the dialect cannot express the initial value.
    pub fn count<'a>(
        &self,
        direction: Direction,
        key: &'a [u8],
        delta: u64,
        counting: Counting,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        let touch = counting.expiry;
        if counting.initial.is_none() && touch.is_none() {
            let request = Arithmetic {
                direction,
                key,
                delta,
                touch,
            };
            return Ok(Operation::single(endpoint, Request::Arithmetic(request)));
        }
        let initial = match counting.initial {
            None => None,
            Some(number) => {
                let flags = self.options.values.encode(Value::from(number))?.flags;
                let created = touch.or(counting.initial_expiry);
                Some((number, flags, created.unwrap_or(self.options.default_ttl)))
            }
        };
        let key = key.into_owned().into();
        let request = Arithmetic {
            direction,
            key,
            delta,
            touch,
        };
        Ok(Operation::composite(Counter::new(
            endpoint, request, initial,
        )))
    }

    /// Changes an item by the caller's function, in up to `limit` rounds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn update(&self, key: &[u8], limit: u32, place: Place<'_>) -> Result<Operation<'static>> {
        let (endpoint, key) = self.locate(key, place)?;
        Ok(Operation::composite(Update::new(
            endpoint,
            key.into_owned(),
            limit,
        )))
    }

    /// Reads an item and removes it. The item that is given as a part counts
    /// only if the outcome is yes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn take(&self, key: &[u8], place: Place<'_>) -> Result<Operation<'static>> {
        let (endpoint, key) = self.locate(key, place)?;
        Ok(Operation::composite(Take::new(endpoint, key.into_owned())))
    }

    /// Takes a lock for `token`, waiting for it up to `wait`. It is given back
    /// by itself when `expiry` comes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn acquire(
        &self,
        key: &[u8],
        token: &[u8],
        expiry: Expiry,
        wait: Duration,
        place: Place<'_>,
    ) -> Result<Operation<'static>> {
        let (endpoint, key) = self.locate(key, place)?;
        let acquire = Acquire::new(endpoint, key.into_owned(), token.to_vec(), expiry, wait);
        Ok(Operation::composite(acquire))
    }

    /// Gives a lock back if `token` still owns it, or extends it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn release(
        &self,
        key: &[u8],
        token: &[u8],
        extend: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'static>> {
        let (endpoint, key) = self.locate(key, place)?;
        let release = Release::new(endpoint, key.into_owned(), token.to_vec(), extend);
        Ok(Operation::composite(release))
    }

    /// Works within the namespace `name`: reads its generation, then does what
    /// `work` builds over the plan of that generation. `unix_now` begins a
    /// namespace that has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`] when the name cannot be part of a key, or
    /// [`ErrorKind::NoServers`].
    pub fn within(
        self: &Arc<Self>,
        name: &[u8],
        unix_now: i64,
        work: impl FnOnce(&Self) -> Result<Operation<'static>> + Send + 'static,
    ) -> Result<Operation<'static>> {
        self.namespaced(name, unix_now, Goal::Work(Box::new(work)))
    }

    /// Finds out the generation of the namespace `name`; the outcome is its
    /// number, for [`scoped`](Self::scoped).
    ///
    /// # Errors
    ///
    /// Those of [`within`](Self::within).
    pub fn generation(self: &Arc<Self>, name: &[u8], unix_now: i64) -> Result<Operation<'static>> {
        self.namespaced(name, unix_now, Goal::Read)
    }

    /// Makes every key of the namespace `name` unreachable, in one request.
    ///
    /// # Errors
    ///
    /// Those of [`within`](Self::within).
    pub fn invalidate(self: &Arc<Self>, name: &[u8], unix_now: i64) -> Result<Operation<'static>> {
        self.namespaced(name, unix_now, Goal::Raise)
    }

    fn namespaced(
        self: &Arc<Self>,
        name: &[u8],
        unix_now: i64,
        goal: Goal,
    ) -> Result<Operation<'static>> {
        let key = [name, NAMESPACE_SUFFIX].concat();
        let (endpoint, key) = self.locate(&key, Place::Key)?;
        // Seconds leave room for many invalidations before the next first number.
        let fresh = unix_now.unsigned_abs() << 20;
        let (plan, key) = (Arc::clone(self), key.into_owned());
        let scoped = Scoped::new(plan, name.to_vec(), endpoint, key, fresh, goal);
        Ok(Operation::composite(scoped))
    }

    /// Returns the plan for one generation of a namespace.
    #[must_use]
    pub fn scoped(&self, name: &[u8], generation: u64) -> Self {
        let digits = itoa::Buffer::new().format(generation).to_owned();
        let prefix = [&self.options.prefix, name, b":", digits.as_bytes(), b":"].concat();
        Self {
            servers: self.servers.clone(),
            labels: self.labels.clone(),
            router: self.router.clone(),
            options: Options {
                prefix,
                ..self.options.clone()
            },
        }
    }

    /// Removes one item, with a cas id only if it is still the one that was read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn delete<'a>(
        &self,
        key: &'a [u8],
        cas: Option<u64>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        Ok(Operation::single(
            endpoint,
            Request::Delete(Delete { key, cas }),
        ))
    }

    /// Removes several items, pipelined on all servers at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`]; nothing is sent then.
    pub fn delete_many<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        self.each(keys, place, |key| {
            Request::Delete(Delete { key, cas: None })
        })
    }

    /// Changes the expiry of one item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn touch<'a>(
        &self,
        key: &'a [u8],
        expiry: Expiry,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        Ok(Operation::single(
            endpoint,
            Request::Touch(Touch { key, expiry }),
        ))
    }

    /// Changes the expiry of several items, pipelined on all servers at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`]; nothing is sent then.
    pub fn touch_many<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        expiry: Expiry,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        self.each(keys, place, |key| Request::Touch(Touch { key, expiry }))
    }

    fn each<'a>(
        &self,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        place: Place<'_>,
        request: impl Fn(Cow<'a, [u8]>) -> Request<'a>,
    ) -> Result<Operation<'a>> {
        let mut requests = Vec::with_capacity(keys.len());
        for key in keys {
            let (endpoint, key) = self.locate(key, place)?;
            requests.push((endpoint, request(key)));
        }
        Ok(Operation::Spread(Box::new(Spread::each(
            requests.into_iter(),
        ))))
    }

    /// Asks every server the same, or the one that `place` names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoServers`], or [`ErrorKind::InvalidArgument`] when the
    /// name of a report is no single word.
    pub fn administer<'a>(&self, admin: Admin<'a>, place: Place<'_>) -> Result<Operation<'a>> {
        if let Admin::Stats { report } = &admin {
            let legal = |byte: &u8| *byte >= b' ' && *byte != 0x7f;
            if report.len() > MAX_KEY_LENGTH || !report.iter().all(legal) {
                let message = "the name of a stats report has control characters or is too long";
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        }
        let request = Request::Admin(admin);
        if self.servers.is_empty() {
            return Err(no_servers());
        }
        match place {
            Place::Key => {
                let spread = Spread::everywhere(self.servers.len(), &request);
                Ok(Operation::Spread(Box::new(spread)))
            }
            place => Ok(Operation::single(self.route(b"", place)?, request)),
        }
    }

    /// Checks a key and finds its server.
    fn locate<'a>(&self, key: &'a [u8], place: Place<'_>) -> Result<(usize, Cow<'a, [u8]>)> {
        let wire = self.wire_key(key)?;
        Ok((self.route(key, place)?, wire))
    }

    /// Puts the prefix before a key and checks what comes out.
    fn wire_key<'a>(&self, key: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        let wire = if self.options.prefix.is_empty() || key.is_empty() {
            Cow::Borrowed(key)
        } else {
            Cow::Owned([&self.options.prefix, key].concat())
        };
        Key::new(&wire)?;
        Ok(wire)
    }

    fn route(&self, key: &[u8], place: Place<'_>) -> Result<usize> {
        let index = match place {
            Place::Endpoint(index) => Some(index).filter(|index| *index < self.servers.len()),
            Place::Key => self.router.route_parts(&self.options.prefix, key),
            Place::ServerKey(key) => self.router.route(key),
        };
        index.ok_or_else(no_servers)
    }
}

#[cold]
fn no_servers() -> Error {
    let message = "there is no server that may get this key";
    Error::new(ErrorKind::NoServers, message).sent(Sent::NotSent)
}
