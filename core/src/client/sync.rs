//! The blocking client.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use super::blocking::{Host, PlainConnector, Runner, Times};
use super::convert::{FromValue, ToValue};
use super::operation::{Answer, CasOutcome, Operation, Outcome, Part};
use super::options::{Options, Setting};
use super::plan::{Counting, Place, Plan};
use super::servers::ServerAddress;
use super::ttl::Ttl;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{self, PoolLimits};
use crate::protocol::{Admin, Direction, Item, Limits, StoreMode, Want};

/// A blocking client: cheap to share between threads, each call uses a
/// connection of its own from a pool.
///
/// Connections are opened on first use. A call ends within
/// [`timeout`](Options::timeout) whatever the servers do.
///
/// ```no_run
/// use std::time::Duration;
/// use memoxide::Client;
///
/// let client = Client::new("127.0.0.1:11211")?;
/// client.set("greeting", "hello", Duration::from_secs(60))?;
/// assert_eq!(client.get::<String>("greeting")?.as_deref(), Some("hello"));
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Debug)]
pub struct Client {
    plan: Plan,
    runner: Runner,
}

/// A value with what the server tells about it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ItemView<T> {
    /// The value.
    pub value: T,
    /// The stored flags.
    pub flags: u32,
    /// The cas id, for [`Client::cas`].
    pub cas: u64,
    /// The remaining time to live; `None` when the item does not expire.
    pub ttl: Option<Duration>,
    /// The size of the stored bytes.
    pub size: u64,
    /// The time since the last access.
    pub last_access: Duration,
    /// Whether the item was read before.
    pub hit_before: bool,
}

/// Makes a [`Client`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    servers: Vec<ServerAddress>,
    options: Options,
}

impl Builder {
    /// Adds a server.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the address does not parse.
    pub fn server(mut self, address: &str) -> Result<Self> {
        self.servers.push(address.parse()?);
        Ok(self)
    }

    /// Adds servers.
    #[must_use]
    pub fn servers(mut self, servers: impl IntoIterator<Item = ServerAddress>) -> Self {
        self.servers.extend(servers);
        self
    }

    /// Changes options in place.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// Sets an option by the name that URLs and the other languages use.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], see [`Options::set`].
    pub fn option(mut self, name: &str, value: &Setting<'_>) -> Result<Self> {
        self.options.set(name, value)?;
        Ok(self)
    }

    /// Returns the blocking client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when options contradict each other.
    pub fn build(self) -> Result<Client> {
        let plan = Plan::new(self.servers, self.options)?;
        let runner = Runner::for_plan(&plan, Box::new(PlainConnector));
        Ok(Client { plan, runner })
    }

    /// Returns servers and options, for drivers of other clients.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when options contradict each other.
    pub fn plan(self) -> Result<Plan> {
        Plan::new(self.servers, self.options)
    }
}

impl Runner {
    /// Creates the runner for the servers and options of a plan.
    #[must_use]
    pub fn for_plan(plan: &Plan, connector: Box<dyn super::Connector>) -> Self {
        let options = plan.options();
        let addresses = plan.servers().iter().map(|server| server.address.clone());
        let times = Times {
            timeout: options.timeout,
            connect_timeout: options.connect_timeout,
            retry_attempts: options.retry_attempts,
            degrade: options.on_error == super::OnError::Miss,
        };
        let pool = PoolLimits {
            max_idle: options.max_idle,
            max_connections: options.max_connections.unwrap_or(64),
            idle_timeout: options.idle_timeout,
        };
        let limits = Limits::default();
        Self::new(
            addresses,
            connector,
            times,
            pool,
            options.health,
            limits,
            options.protocol,
        )
    }
}

/// The host of a plain Rust call.
struct Caller<'c> {
    part: &'c mut dyn FnMut(Part<'_>),
    ask: &'c mut dyn FnMut() -> Result<Answer>,
}

impl Host for Caller<'_> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    fn interrupted(&self) -> Result<()> {
        Ok(())
    }

    fn ask(&mut self) -> Result<Answer> {
        (self.ask)()
    }

    fn part(&mut self, part: Part<'_>) {
        (self.part)(part);
    }
}

impl Client {
    /// Creates a client for a list of servers separated by commas.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the list does not parse.
    pub fn new(servers: &str) -> Result<Self> {
        Self::builder()
            .servers(ServerAddress::parse_list(servers)?)
            .build()
    }

    /// Begins a client with options.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns servers, placement and options.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Reads a value; `None` on a miss.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when the value is of another type;
    /// [`ErrorKind::InvalidKey`]; those of the way to the server.
    pub fn get<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>> {
        let operation = self
            .plan
            .retrieve(key.as_ref(), Want::VALUE, None, Place::Key)?;
        self.read_one(operation, |item| self.decode(item))
    }

    /// Reads a value with its cas id, for [`cas`](Self::cas).
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn gets<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<(T, u64)>> {
        let want = Want::VALUE | Want::CAS;
        let operation = self.plan.retrieve(key.as_ref(), want, None, Place::Key)?;
        self.read_one(operation, |item| {
            let cas = item.cas.unwrap_or_default();
            Ok((self.decode(item)?, cas))
        })
    }

    /// Reads a value and sets a new expiry.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn gat<T: FromValue>(
        &self,
        key: impl AsRef<[u8]>,
        ttl: impl Into<Ttl>,
    ) -> Result<Option<T>> {
        let touch = self.expiry(ttl)?;
        let operation = self
            .plan
            .retrieve(key.as_ref(), Want::VALUE, Some(touch), Place::Key)?;
        self.read_one(operation, |item| self.decode(item))
    }

    /// Reads a value with everything that the server tells about the item.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and [`ErrorKind::Unsupported`] when the
    /// server does not speak the meta protocol.
    pub fn item<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<ItemView<T>>> {
        let operation = self
            .plan
            .retrieve(key.as_ref(), Want::ALL, None, Place::Key)?;
        self.read_one(operation, |item| {
            Ok(ItemView {
                flags: item.flags,
                cas: item.cas.unwrap_or_default(),
                ttl: item
                    .ttl
                    .and_then(|ttl| u64::try_from(ttl).ok())
                    .map(Duration::from_secs),
                size: item.size.unwrap_or_default(),
                last_access: Duration::from_secs(item.last_access.unwrap_or_default()),
                hit_before: item.hit_before.unwrap_or_default(),
                value: self.decode(item)?,
            })
        })
    }

    /// Whether there is an item, without reading its value.
    ///
    /// # Errors
    ///
    /// Those of [`item`](Self::item).
    pub fn exists(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        let operation = self
            .plan
            .retrieve(key.as_ref(), Want::EXISTENCE, None, Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.flag())
    }

    /// Reads several values: one request per server, all at once. Misses are
    /// absent from the result.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get); [`ErrorKind::Partial`] when some servers failed.
    pub fn get_multi<K, T>(&self, keys: &[K]) -> Result<HashMap<K, T>>
    where
        K: AsRef<[u8]> + Clone + Eq + Hash,
        T: FromValue,
    {
        let wanted = keys.iter().map(AsRef::as_ref);
        let operation = self
            .plan
            .retrieve_many(wanted, Want::VALUE, None, Place::Key)?;
        let mut found = HashMap::with_capacity(keys.len());
        let mut failure = None;
        self.run(operation, &mut |part| {
            if let Part::Item(item) = part {
                let index = item.index;
                match self.decode(item) {
                    Ok(value) => drop(found.insert(keys[index].clone(), value)),
                    Err(error) => failure = Some(error),
                }
            }
        })?;
        failure.map_or(Ok(found), Err)
    }

    /// Stores a value. Returns whether the server stored it, which it always
    /// does unless it fails.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`], [`ErrorKind::ValueTooLarge`],
    /// [`ErrorKind::InvalidKey`], [`ErrorKind::InvalidArgument`] for the time
    /// to live; those of the way to the server.
    pub fn set(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        ttl: impl Into<Ttl>,
    ) -> Result<bool> {
        self.store(StoreMode::Set, key.as_ref(), &value, ttl.into())
    }

    /// Stores a value only if the key is absent; tells whether it was.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub fn add(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        ttl: impl Into<Ttl>,
    ) -> Result<bool> {
        self.store(StoreMode::Add, key.as_ref(), &value, ttl.into())
    }

    /// Stores a value only if the key is present; tells whether it was.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub fn replace(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        ttl: impl Into<Ttl>,
    ) -> Result<bool> {
        self.store(StoreMode::Replace, key.as_ref(), &value, ttl.into())
    }

    /// Puts bytes or text behind the present value; tells whether there was one.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub fn append(&self, key: impl AsRef<[u8]>, value: impl ToValue) -> Result<bool> {
        self.store(StoreMode::Append, key.as_ref(), &value, Ttl::Never)
    }

    /// Puts bytes or text before the present value; tells whether there was one.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub fn prepend(&self, key: impl AsRef<[u8]>, value: impl ToValue) -> Result<bool> {
        self.store(StoreMode::Prepend, key.as_ref(), &value, Ttl::Never)
    }

    /// Stores a value only if the item is still the one that was read with
    /// [`gets`](Self::gets).
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub fn cas(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        ttl: impl Into<Ttl>,
        cas: u64,
    ) -> Result<CasOutcome> {
        let value = self.plan.options().values.encode(value.to_value()?)?;
        let expiry = ttl.into().expiry()?;
        let mode = StoreMode::Set;
        let operation =
            self.plan
                .store(mode, key.as_ref(), value, expiry, Some(cas), Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.cas())
    }

    /// Stores several values, pipelined on all servers at once. Returns the
    /// positions of those that a server refused.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set); [`ErrorKind::Partial`] when some servers failed.
    pub fn set_multi<K: AsRef<[u8]>, V: ToValue>(
        &self,
        items: &[(K, V)],
        ttl: impl Into<Ttl>,
    ) -> Result<Vec<usize>> {
        self.store_multi(StoreMode::Set, items, ttl.into())
    }

    /// Stores several values whose keys are absent. Returns the positions of
    /// those that were present, or refused.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set); [`ErrorKind::Partial`] when some servers failed.
    pub fn add_multi<K: AsRef<[u8]>, V: ToValue>(
        &self,
        items: &[(K, V)],
        ttl: impl Into<Ttl>,
    ) -> Result<Vec<usize>> {
        self.store_multi(StoreMode::Add, items, ttl.into())
    }

    /// Removes an item; tells whether there was one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`]; those of the way to the server.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        let operation = self.plan.delete(key.as_ref(), None, Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.flag())
    }

    /// Removes several items. Returns the positions of those that were absent.
    ///
    /// # Errors
    ///
    /// Those of [`delete`](Self::delete); [`ErrorKind::Partial`] when some servers failed.
    pub fn delete_multi<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<usize>> {
        let operation = self
            .plan
            .delete_many(keys.iter().map(AsRef::as_ref), Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.into_failed())
    }

    /// Sets a new expiry; tells whether there is such an item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], [`ErrorKind::InvalidArgument`]; those of the
    /// way to the server.
    pub fn touch(&self, key: impl AsRef<[u8]>, ttl: impl Into<Ttl>) -> Result<bool> {
        let expiry = self.expiry(ttl)?;
        let operation = self.plan.touch(key.as_ref(), expiry, Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.flag())
    }

    /// Sets a new expiry for several items. Returns the positions of those that
    /// are absent.
    ///
    /// # Errors
    ///
    /// Those of [`touch`](Self::touch); [`ErrorKind::Partial`] when some servers failed.
    pub fn touch_multi<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        ttl: impl Into<Ttl>,
    ) -> Result<Vec<usize>> {
        let expiry = self.expiry(ttl)?;
        let wanted = keys.iter().map(AsRef::as_ref);
        let operation = self.plan.touch_many(wanted, expiry, Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.into_failed())
    }

    /// Counts up and returns the new number, wrapping at 2^64; `None` when
    /// there is no such item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotNumeric`] when the value is no decimal number; those of
    /// the way to the server.
    pub fn incr(&self, key: impl AsRef<[u8]>, delta: u64) -> Result<Option<u64>> {
        self.count(
            Direction::Increment,
            key.as_ref(),
            delta,
            Counting::default(),
        )
    }

    /// Counts down and returns the new number, stopping at 0; `None` when there
    /// is no such item.
    ///
    /// # Errors
    ///
    /// Those of [`incr`](Self::incr).
    pub fn decr(&self, key: impl AsRef<[u8]>, delta: u64) -> Result<Option<u64>> {
        self.count(
            Direction::Decrement,
            key.as_ref(),
            delta,
            Counting::default(),
        )
    }

    /// Expires every item on all servers, at once or after a delay.
    ///
    /// # Errors
    ///
    /// Those of the way to the servers.
    pub fn flush_all(&self, delay: Duration) -> Result<()> {
        let delay = u32::try_from(delay.as_secs()).unwrap_or(u32::MAX);
        let operation = self
            .plan
            .administer(Admin::FlushAll { delay }, Place::Key)?;
        self.run(operation, &mut |_| ()).map(drop)
    }

    /// Returns each server's name and version.
    ///
    /// # Errors
    ///
    /// Those of the way to the servers.
    pub fn version(&self) -> Result<Vec<(String, String)>> {
        let operation = self.plan.administer(Admin::Version, Place::Key)?;
        let mut versions = Vec::new();
        self.run(operation, &mut |part| {
            if let Part::Version { endpoint, version } = part {
                versions.push((endpoint, String::from_utf8_lossy(version).into_owned()));
            }
        })?;
        versions.sort_unstable();
        let named = |(endpoint, text)| (self.plan.label(endpoint).to_string(), text);
        Ok(versions.into_iter().map(named).collect())
    }

    /// Returns each server's name and a report: the general one when `report`
    /// is empty, else `settings`, `items`, `slabs`, `sizes`, `conns`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownCommand`] when a server has no such report; those of
    /// the way to the servers.
    pub fn stats(&self, report: &str) -> Result<Vec<(String, HashMap<String, String>)>> {
        let report = Cow::Borrowed(report.as_bytes());
        let operation = self.plan.administer(Admin::Stats { report }, Place::Key)?;
        let mut reports = vec![HashMap::new(); self.plan.servers().len()];
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.run(operation, &mut |part| {
            if let Part::Stat {
                endpoint,
                name,
                value,
            } = part
            {
                reports[endpoint].insert(text(name), text(value));
            }
        })?;
        let named = |(endpoint, report)| (self.plan.label(endpoint).to_string(), report);
        Ok(reports.into_iter().enumerate().map(named).collect())
    }

    /// Returns the name of the server that has a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn server_for(&self, key: impl AsRef<[u8]>) -> Result<&str> {
        Ok(self.plan.label(self.plan.server_for(key.as_ref())?))
    }

    /// Closes idle connections; the client can be used on.
    pub fn disconnect_all(&self) {
        self.runner.close(false);
    }

    /// Closes the client: further calls fail with [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.runner.close(true);
    }

    fn store(&self, mode: StoreMode, key: &[u8], value: &dyn ToValue, ttl: Ttl) -> Result<bool> {
        let value = self.plan.options().values.encode(value.to_value()?)?;
        let operation = self
            .plan
            .store(mode, key, value, ttl.expiry()?, None, Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.flag())
    }

    fn store_multi<K: AsRef<[u8]>, V: ToValue>(
        &self,
        mode: StoreMode,
        items: &[(K, V)],
        ttl: Ttl,
    ) -> Result<Vec<usize>> {
        let mut encoded = Vec::with_capacity(items.len());
        for (key, value) in items {
            encoded.push((
                key.as_ref(),
                self.plan.options().values.encode(value.to_value()?)?,
            ));
        }
        let operation =
            self.plan
                .store_many(mode, encoded.into_iter(), ttl.expiry()?, Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.into_failed())
    }

    fn count(
        &self,
        direction: Direction,
        key: &[u8],
        delta: u64,
        counting: Counting,
    ) -> Result<Option<u64>> {
        let operation = self
            .plan
            .count(direction, key, delta, counting, Place::Key)?;
        Ok(self.run(operation, &mut |_| ())?.number())
    }

    fn expiry(&self, ttl: impl Into<Ttl>) -> Result<crate::protocol::Expiry> {
        Ok(ttl
            .into()
            .expiry()?
            .unwrap_or_else(|| self.plan.options().default_ttl))
    }

    fn decode<T: FromValue>(&self, item: Item<'_>) -> Result<T> {
        T::from_value(self.plan.options().values.decode(item.flags, item.value)?)
    }

    fn read_one<T>(
        &self,
        operation: Operation<'_>,
        mut read: impl FnMut(Item<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.run(operation, &mut |part| {
            if let Part::Item(item) = part {
                found = Some(read(item));
            }
        })?;
        found.transpose()
    }

    fn run(&self, operation: Operation<'_>, part: &mut dyn FnMut(Part<'_>)) -> Result<Outcome> {
        let mut ask = || {
            let message = "operation asks for a function that was not given";
            Err(Error::new(ErrorKind::InvalidArgument, message))
        };
        let mut caller = Caller {
            part,
            ask: &mut ask,
        };
        let deadline = net::now() + self.plan.options().timeout.as_nanos() as u64;
        self.runner.run(operation, deadline, &mut caller)
    }
}
