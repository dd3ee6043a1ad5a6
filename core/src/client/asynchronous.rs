//! The async client, on tokio.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use super::convert::{FromValue, ToValue};
use super::multiplexed::Driver;
use super::operation::{CasOutcome, Operation, Outcome, Part};
use super::plan::{Counting, Place, Plan};
use super::servers::ServerAddress;
use super::sync::{Builder, ItemView};
use super::ttl::Ttl;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::protocol::{Admin, Direction, Item, StoreMode, Want};

/// An async client: requests of all tasks share one connection per server and
/// go out together.
///
/// Connections are opened on first use, on the runtime of the call. A call ends
/// within [`timeout`](super::Options::timeout) whatever the servers do; dropping
/// its future gives it up. Its methods panic outside of a tokio runtime.
///
/// ```no_run
/// use std::time::Duration;
/// use memoxide::AsyncClient;
///
/// # async fn example() -> memoxide::Result<()> {
/// let client = AsyncClient::new("127.0.0.1:11211")?;
/// client.set("greeting", "hello", Duration::from_secs(60)).await?;
/// assert_eq!(client.get::<String>("greeting").await?.as_deref(), Some("hello"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncClient {
    plan: Plan,
    driver: Arc<Driver>,
}

impl Builder {
    /// Returns the async client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when options contradict
    /// each other.
    pub fn build_async(self) -> Result<AsyncClient> {
        let plan = self.plan()?;
        let driver = Driver::new(&plan);
        Ok(AsyncClient { plan, driver })
    }
}

impl AsyncClient {
    /// Creates a client for a list of servers separated by commas.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the list does not parse.
    pub fn new(servers: &str) -> Result<Self> {
        Builder::default()
            .servers(ServerAddress::parse_list(servers)?)
            .build_async()
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
    pub async fn get<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<T>> {
        let operation = self
            .plan
            .retrieve(key.as_ref(), Want::VALUE, None, Place::Key)?;
        self.read_one(operation, |item| self.decode(item)).await
    }

    /// Reads a value with its cas id, for [`cas`](Self::cas).
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub async fn gets<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<(T, u64)>> {
        let want = Want::VALUE | Want::CAS;
        let operation = self.plan.retrieve(key.as_ref(), want, None, Place::Key)?;
        self.read_one(operation, |item| {
            let cas = item.cas.unwrap_or_default();
            Ok((self.decode(item)?, cas))
        })
        .await
    }

    /// Reads a value and sets a new expiry.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub async fn gat<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<Option<T>> {
        let touch = self.expiry(ttl)?;
        let operation = self
            .plan
            .retrieve(key.as_ref(), Want::VALUE, Some(touch), Place::Key)?;
        self.read_one(operation, |item| self.decode(item)).await
    }

    /// Reads a value with everything that the server tells about the item.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and [`ErrorKind::Unsupported`] when the
    /// server does not speak the meta protocol.
    pub async fn item<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<ItemView<T>>> {
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
        .await
    }

    /// Whether there is an item, without reading its value.
    ///
    /// # Errors
    ///
    /// Those of [`item`](Self::item).
    pub async fn exists(&self, key: impl AsRef<[u8]> + Send) -> Result<bool> {
        let operation = self
            .plan
            .retrieve(key.as_ref(), Want::EXISTENCE, None, Place::Key)?;
        Ok(self.run(operation, &mut |_| ()).await?.flag())
    }

    /// Reads several values: one request per server, all at once. Misses are
    /// absent from the result.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get); [`ErrorKind::Partial`] when some servers failed.
    pub async fn get_multi<K, T>(&self, keys: &[K]) -> Result<HashMap<K, T>>
    where
        K: AsRef<[u8]> + Clone + Eq + Hash + Send + Sync,
        T: FromValue + Send,
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
        })
        .await?;
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
    pub async fn set(
        &self,
        key: impl AsRef<[u8]> + Send,
        value: impl ToValue + Send + Sync,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<bool> {
        self.store(StoreMode::Set, key.as_ref(), &value, ttl.into())
            .await
    }

    /// Stores a value only if the key is absent; tells whether it was.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub async fn add(
        &self,
        key: impl AsRef<[u8]> + Send,
        value: impl ToValue + Send + Sync,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<bool> {
        self.store(StoreMode::Add, key.as_ref(), &value, ttl.into())
            .await
    }

    /// Stores a value only if the key is present; tells whether it was.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub async fn replace(
        &self,
        key: impl AsRef<[u8]> + Send,
        value: impl ToValue + Send + Sync,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<bool> {
        self.store(StoreMode::Replace, key.as_ref(), &value, ttl.into())
            .await
    }

    /// Puts bytes or text behind the present value; tells whether there was one.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub async fn append(
        &self,
        key: impl AsRef<[u8]> + Send,
        value: impl ToValue + Send + Sync,
    ) -> Result<bool> {
        self.store(StoreMode::Append, key.as_ref(), &value, Ttl::Never)
            .await
    }

    /// Puts bytes or text before the present value; tells whether there was one.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub async fn prepend(
        &self,
        key: impl AsRef<[u8]> + Send,
        value: impl ToValue + Send + Sync,
    ) -> Result<bool> {
        self.store(StoreMode::Prepend, key.as_ref(), &value, Ttl::Never)
            .await
    }

    /// Stores a value only if the item is still the one that was read with
    /// [`gets`](Self::gets).
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub async fn cas(
        &self,
        key: impl AsRef<[u8]> + Send,
        value: impl ToValue + Send + Sync,
        ttl: impl Into<Ttl> + Send,
        cas: u64,
    ) -> Result<CasOutcome> {
        let value = self.plan.options().values.encode(value.to_value()?)?;
        let expiry = ttl.into().expiry()?;
        let mode = StoreMode::Set;
        let operation =
            self.plan
                .store(mode, key.as_ref(), value, expiry, Some(cas), Place::Key)?;
        Ok(self.run(operation, &mut |_| ()).await?.cas())
    }

    /// Stores several values, pipelined on all servers at once. Returns the
    /// positions of those that a server refused.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set); [`ErrorKind::Partial`] when some servers failed.
    pub async fn set_multi<K: AsRef<[u8]> + Sync, V: ToValue + Sync>(
        &self,
        items: &[(K, V)],
        ttl: impl Into<Ttl> + Send,
    ) -> Result<Vec<usize>> {
        self.store_multi(StoreMode::Set, items, ttl.into()).await
    }

    /// Stores several values whose keys are absent. Returns the positions of
    /// those that were present, or refused.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set); [`ErrorKind::Partial`] when some servers failed.
    pub async fn add_multi<K: AsRef<[u8]> + Sync, V: ToValue + Sync>(
        &self,
        items: &[(K, V)],
        ttl: impl Into<Ttl> + Send,
    ) -> Result<Vec<usize>> {
        self.store_multi(StoreMode::Add, items, ttl.into()).await
    }

    /// Removes an item; tells whether there was one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`]; those of the way to the server.
    pub async fn delete(&self, key: impl AsRef<[u8]> + Send) -> Result<bool> {
        let operation = self.plan.delete(key.as_ref(), None, Place::Key)?;
        Ok(self.run(operation, &mut |_| ()).await?.flag())
    }

    /// Removes several items. Returns the positions of those that were absent.
    ///
    /// # Errors
    ///
    /// Those of [`delete`](Self::delete); [`ErrorKind::Partial`] when some servers failed.
    pub async fn delete_multi<K: AsRef<[u8]> + Sync>(&self, keys: &[K]) -> Result<Vec<usize>> {
        let operation = self
            .plan
            .delete_many(keys.iter().map(AsRef::as_ref), Place::Key)?;
        Ok(self.run(operation, &mut |_| ()).await?.into_failed())
    }

    /// Sets a new expiry; tells whether there is such an item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], [`ErrorKind::InvalidArgument`]; those of the
    /// way to the server.
    pub async fn touch(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<bool> {
        let expiry = self.expiry(ttl)?;
        let operation = self.plan.touch(key.as_ref(), expiry, Place::Key)?;
        Ok(self.run(operation, &mut |_| ()).await?.flag())
    }

    /// Sets a new expiry for several items. Returns the positions of those that
    /// are absent.
    ///
    /// # Errors
    ///
    /// Those of [`touch`](Self::touch); [`ErrorKind::Partial`] when some servers failed.
    pub async fn touch_multi<K: AsRef<[u8]> + Sync>(
        &self,
        keys: &[K],
        ttl: impl Into<Ttl> + Send,
    ) -> Result<Vec<usize>> {
        let expiry = self.expiry(ttl)?;
        let wanted = keys.iter().map(AsRef::as_ref);
        let operation = self.plan.touch_many(wanted, expiry, Place::Key)?;
        Ok(self.run(operation, &mut |_| ()).await?.into_failed())
    }

    /// Counts up and returns the new number, wrapping at 2^64; `None` when
    /// there is no such item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotNumeric`] when the value is no decimal number; those of
    /// the way to the server.
    pub async fn incr(&self, key: impl AsRef<[u8]> + Send, delta: u64) -> Result<Option<u64>> {
        self.count(
            Direction::Increment,
            key.as_ref(),
            delta,
            Counting::default(),
        )
        .await
    }

    /// Counts down and returns the new number, stopping at 0; `None` when there
    /// is no such item.
    ///
    /// # Errors
    ///
    /// Those of [`incr`](Self::incr).
    pub async fn decr(&self, key: impl AsRef<[u8]> + Send, delta: u64) -> Result<Option<u64>> {
        self.count(
            Direction::Decrement,
            key.as_ref(),
            delta,
            Counting::default(),
        )
        .await
    }

    /// Expires every item on all servers, at once or after a delay.
    ///
    /// # Errors
    ///
    /// Those of the way to the servers.
    pub async fn flush_all(&self, delay: Duration) -> Result<()> {
        let delay = u32::try_from(delay.as_secs()).unwrap_or(u32::MAX);
        let operation = self
            .plan
            .administer(Admin::FlushAll { delay }, Place::Key)?;
        self.run(operation, &mut |_| ()).await.map(drop)
    }

    /// Returns each server's name and version.
    ///
    /// # Errors
    ///
    /// Those of the way to the servers.
    pub async fn version(&self) -> Result<Vec<(String, String)>> {
        let operation = self.plan.administer(Admin::Version, Place::Key)?;
        let mut versions = Vec::new();
        self.run(operation, &mut |part| {
            if let Part::Version { endpoint, version } = part {
                versions.push((endpoint, String::from_utf8_lossy(version).into_owned()));
            }
        })
        .await?;
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
    pub async fn stats(&self, report: &str) -> Result<Vec<(String, HashMap<String, String>)>> {
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
        })
        .await?;
        let named = |(endpoint, report)| (self.plan.label(endpoint).to_string(), report);
        Ok(reports.into_iter().enumerate().map(named).collect())
    }

    /// Returns the name of the server that has a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn server_for(&self, key: impl AsRef<[u8]> + Send) -> Result<&str> {
        Ok(self.plan.label(self.plan.server_for(key.as_ref())?))
    }

    /// Closes idle connections; the client can be used on.
    pub fn disconnect_all(&self) {
        self.driver.close(false);
    }

    /// Closes the client: further calls fail with [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.driver.close(true);
    }

    async fn store(
        &self,
        mode: StoreMode,
        key: &[u8],
        value: &(dyn ToValue + Sync),
        ttl: Ttl,
    ) -> Result<bool> {
        let value = self.plan.options().values.encode(value.to_value()?)?;
        let operation = self
            .plan
            .store(mode, key, value, ttl.expiry()?, None, Place::Key)?;
        Ok(self.run(operation, &mut |_| ()).await?.flag())
    }

    async fn store_multi<K: AsRef<[u8]> + Sync, V: ToValue + Sync>(
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
        Ok(self.run(operation, &mut |_| ()).await?.into_failed())
    }

    async fn count(
        &self,
        direction: Direction,
        key: &[u8],
        delta: u64,
        counting: Counting,
    ) -> Result<Option<u64>> {
        let operation = self
            .plan
            .count(direction, key, delta, counting, Place::Key)?;
        Ok(self.run(operation, &mut |_| ()).await?.number())
    }

    fn expiry(&self, ttl: impl Into<Ttl> + Send) -> Result<crate::protocol::Expiry> {
        Ok(ttl
            .into()
            .expiry()?
            .unwrap_or_else(|| self.plan.options().default_ttl))
    }

    fn decode<T: FromValue + Send>(&self, item: Item<'_>) -> Result<T> {
        T::from_value(self.plan.options().values.decode(item.flags, item.value)?)
    }

    async fn read_one<T: Send>(
        &self,
        operation: Operation<'_>,
        mut read: impl FnMut(Item<'_>) -> Result<T> + Send,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.run(operation, &mut |part| {
            if let Part::Item(item) = part {
                found = Some(read(item));
            }
        })
        .await?;
        found.transpose()
    }

    async fn run(
        &self,
        operation: Operation<'_>,
        part: &mut (dyn FnMut(Part<'_>) + Send),
    ) -> Result<Outcome> {
        let timeout = self.plan.options().timeout;
        let (outcome, gathered) = self.driver.run(operation.into_owned(), timeout).await?;
        gathered.replay(part);
        Ok(outcome)
    }
}

impl Drop for AsyncClient {
    fn drop(&mut self) {
        self.driver.close(true);
    }
}
