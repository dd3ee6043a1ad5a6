//! The traits of blocking caches.

mod typed;

pub use self::typed::CacheExt;
use crate::client::operation::CasOutcome;
use crate::client::sync::Client;
use crate::client::ttl::Ttl;
use crate::error::Result;
use crate::protocol::{Direction, StoreMode};
use crate::value::Value;

/// A cache, in terms of keys as bytes and of [`Value`]s.
///
/// Each method does what the method of [`Client`] does that its first sentence
/// names, and fails as that does. Applications call the typed methods of
/// [`CacheExt`].
pub trait Cache: Send + Sync {
    /// [`Client::get`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::get`].
    fn read(&self, key: &[u8]) -> Result<Option<Value<'static>>>;

    /// [`Client::gets`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::gets`].
    fn read_with_cas(&self, key: &[u8]) -> Result<Option<(Value<'static>, u64)>>;

    /// [`Client::get_multi`], with the values at the positions of their keys.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_multi`].
    fn read_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Value<'static>>>>;

    /// [`Client::set`], `add`, `replace`, `append` or `prepend`, as `mode` says.
    ///
    /// # Errors
    ///
    /// Those of [`Client::set`].
    fn write(&self, mode: StoreMode, key: &[u8], value: &Value<'_>, ttl: Ttl) -> Result<bool>;

    /// [`Client::cas`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::cas`].
    fn write_if(&self, key: &[u8], value: &Value<'_>, ttl: Ttl, cas: u64) -> Result<CasOutcome>;

    /// [`Client::set_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::set_multi`].
    fn write_many(&self, items: &[(&[u8], Value<'_>)], ttl: Ttl) -> Result<Vec<usize>>;

    /// [`Client::delete`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::delete`].
    fn remove(&self, key: &[u8]) -> Result<bool>;

    /// [`Client::delete_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::delete_multi`].
    fn remove_many(&self, keys: &[&[u8]]) -> Result<Vec<usize>>;

    /// [`Client::touch`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::touch`].
    fn renew(&self, key: &[u8], ttl: Ttl) -> Result<bool>;

    /// [`Client::take`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::take`].
    fn claim(&self, key: &[u8]) -> Result<Option<Value<'static>>>;

    /// [`Client::incr_with`] or `decr_with`, as `direction` says.
    ///
    /// # Errors
    ///
    /// Those of [`Client::incr_with`].
    fn count(
        &self,
        direction: Direction,
        key: &[u8],
        delta: u64,
        initial: Option<u64>,
        ttl: Ttl,
    ) -> Result<Option<u64>>;

    /// [`Client::try_update`]; tells whether a value was stored.
    ///
    /// # Errors
    ///
    /// Those of [`Client::try_update`].
    fn change(
        &self,
        key: &[u8],
        ttl: Ttl,
        limit: u32,
        change: &mut dyn FnMut(Option<Value<'static>>) -> Result<Option<Value<'static>>>,
    ) -> Result<bool>;
}

impl Cache for Client {
    fn read(&self, key: &[u8]) -> Result<Option<Value<'static>>> {
        self.get(key)
    }

    fn read_with_cas(&self, key: &[u8]) -> Result<Option<(Value<'static>, u64)>> {
        self.gets(key)
    }

    fn read_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Value<'static>>>> {
        let mut found = self.get_multi(keys)?;
        Ok(keys.iter().map(|key| found.remove(key)).collect())
    }

    fn write(&self, mode: StoreMode, key: &[u8], value: &Value<'_>, ttl: Ttl) -> Result<bool> {
        self.store(mode, key, value, ttl)
    }

    fn write_if(&self, key: &[u8], value: &Value<'_>, ttl: Ttl, cas: u64) -> Result<CasOutcome> {
        self.cas(key, value, ttl, cas)
    }

    fn write_many(&self, items: &[(&[u8], Value<'_>)], ttl: Ttl) -> Result<Vec<usize>> {
        self.set_multi(items, ttl)
    }

    fn remove(&self, key: &[u8]) -> Result<bool> {
        self.delete(key)
    }

    fn remove_many(&self, keys: &[&[u8]]) -> Result<Vec<usize>> {
        self.delete_multi(keys)
    }

    fn renew(&self, key: &[u8], ttl: Ttl) -> Result<bool> {
        self.touch(key, ttl)
    }

    fn claim(&self, key: &[u8]) -> Result<Option<Value<'static>>> {
        self.take(key)
    }

    fn count(
        &self,
        direction: Direction,
        key: &[u8],
        delta: u64,
        initial: Option<u64>,
        ttl: Ttl,
    ) -> Result<Option<u64>> {
        match direction {
            Direction::Decrement => self.decr_with(key, delta, initial, ttl),
            Direction::Increment => self.incr_with(key, delta, initial, ttl),
        }
    }

    fn change(
        &self,
        key: &[u8],
        ttl: Ttl,
        limit: u32,
        change: &mut dyn FnMut(Option<Value<'static>>) -> Result<Option<Value<'static>>>,
    ) -> Result<bool> {
        let stored = self.try_update(key, ttl, limit, change)?;
        Ok(stored.is_some())
    }
}
