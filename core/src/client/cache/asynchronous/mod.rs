//! The traits of async caches.

mod typed;

use std::future::Future;
use std::pin::Pin;

pub use self::typed::AsyncCacheExt;
use crate::client::asynchronous::AsyncClient;
use crate::client::operation::CasOutcome;
use crate::client::ttl::Ttl;
use crate::error::Result;
use crate::protocol::{Direction, StoreMode};
use crate::value::Value;

/// A future on the heap, as object-safe methods return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The function of [`AsyncCache::change`]: returns the new value, or nothing to
/// leave the present one.
pub type ChangeFn<'a> =
    dyn FnMut(Option<Value<'static>>) -> Result<Option<Value<'static>>> + Send + 'a;

/// A cache that is waited for, in terms of keys as bytes and of [`Value`]s.
///
/// Each method does what the method of [`AsyncClient`] does that its first sentence
/// names, and fails as that does. Applications call the typed methods of
/// [`AsyncCacheExt`].
pub trait AsyncCache: Send + Sync {
    /// [`AsyncClient::get`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::get`].
    fn read<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value<'static>>>>;

    /// [`AsyncClient::gets`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::gets`].
    fn read_with_cas<'a>(
        &'a self,
        key: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<(Value<'static>, u64)>>>;

    /// [`AsyncClient::get_multi`], with the values at the positions of their keys.
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::get_multi`].
    fn read_many<'a>(
        &'a self,
        keys: &'a [&'a [u8]],
    ) -> BoxFuture<'a, Result<Vec<Option<Value<'static>>>>>;

    /// [`AsyncClient::set`], `add`, `replace`, `append` or `prepend`, as `mode` says.
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::set`].
    fn write<'a>(
        &'a self,
        mode: StoreMode,
        key: &'a [u8],
        value: &'a Value<'a>,
        ttl: Ttl,
    ) -> BoxFuture<'a, Result<bool>>;

    /// [`AsyncClient::cas`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::cas`].
    fn write_if<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a Value<'a>,
        ttl: Ttl,
        cas: u64,
    ) -> BoxFuture<'a, Result<CasOutcome>>;

    /// [`AsyncClient::set_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::set_multi`].
    fn write_many<'a>(
        &'a self,
        items: &'a [(&'a [u8], Value<'a>)],
        ttl: Ttl,
    ) -> BoxFuture<'a, Result<Vec<usize>>>;

    /// [`AsyncClient::delete`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::delete`].
    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool>>;

    /// [`AsyncClient::delete_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::delete_multi`].
    fn remove_many<'a>(&'a self, keys: &'a [&'a [u8]]) -> BoxFuture<'a, Result<Vec<usize>>>;

    /// [`AsyncClient::touch`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::touch`].
    fn renew<'a>(&'a self, key: &'a [u8], ttl: Ttl) -> BoxFuture<'a, Result<bool>>;

    /// [`AsyncClient::take`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::take`].
    fn claim<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value<'static>>>>;

    /// [`AsyncClient::incr_with`] or `decr_with`, as `direction` says.
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::incr_with`].
    fn count<'a>(
        &'a self,
        direction: Direction,
        key: &'a [u8],
        delta: u64,
        initial: Option<u64>,
        ttl: Ttl,
    ) -> BoxFuture<'a, Result<Option<u64>>>;

    /// [`AsyncClient::try_update`]; tells whether a value was stored.
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::try_update`].
    fn change<'a>(
        &'a self,
        key: &'a [u8],
        ttl: Ttl,
        limit: u32,
        change: &'a mut ChangeFn<'a>,
    ) -> BoxFuture<'a, Result<bool>>;
}

impl AsyncCache for AsyncClient {
    fn read<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value<'static>>>> {
        Box::pin(self.get(key))
    }

    fn read_with_cas<'a>(
        &'a self,
        key: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<(Value<'static>, u64)>>> {
        Box::pin(self.gets(key))
    }

    fn read_many<'a>(
        &'a self,
        keys: &'a [&'a [u8]],
    ) -> BoxFuture<'a, Result<Vec<Option<Value<'static>>>>> {
        Box::pin(async move {
            let mut found = self.get_multi(keys).await?;
            Ok(keys.iter().map(|key| found.remove(key)).collect())
        })
    }

    fn write<'a>(
        &'a self,
        mode: StoreMode,
        key: &'a [u8],
        value: &'a Value<'a>,
        ttl: Ttl,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.store(mode, key, value, ttl))
    }

    fn write_if<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a Value<'a>,
        ttl: Ttl,
        cas: u64,
    ) -> BoxFuture<'a, Result<CasOutcome>> {
        Box::pin(self.cas(key, value, ttl, cas))
    }

    fn write_many<'a>(
        &'a self,
        items: &'a [(&'a [u8], Value<'a>)],
        ttl: Ttl,
    ) -> BoxFuture<'a, Result<Vec<usize>>> {
        Box::pin(self.set_multi(items, ttl))
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.delete(key))
    }

    fn remove_many<'a>(&'a self, keys: &'a [&'a [u8]]) -> BoxFuture<'a, Result<Vec<usize>>> {
        Box::pin(self.delete_multi(keys))
    }

    fn renew<'a>(&'a self, key: &'a [u8], ttl: Ttl) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.touch(key, ttl))
    }

    fn claim<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value<'static>>>> {
        Box::pin(self.take(key))
    }

    fn count<'a>(
        &'a self,
        direction: Direction,
        key: &'a [u8],
        delta: u64,
        initial: Option<u64>,
        ttl: Ttl,
    ) -> BoxFuture<'a, Result<Option<u64>>> {
        match direction {
            Direction::Decrement => Box::pin(self.decr_with(key, delta, initial, ttl)),
            Direction::Increment => Box::pin(self.incr_with(key, delta, initial, ttl)),
        }
    }

    fn change<'a>(
        &'a self,
        key: &'a [u8],
        ttl: Ttl,
        limit: u32,
        change: &'a mut ChangeFn<'a>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let stored = self.try_update(key, ttl, limit, change).await?;
            Ok(stored.is_some())
        })
    }
}
