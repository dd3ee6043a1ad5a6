//! The typed methods of async caches.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;

use super::AsyncCache;
#[cfg(doc)]
use crate::client::asynchronous::AsyncClient;
use crate::client::convert::{FromValue, ToValue};
use crate::client::operation::CasOutcome;
use crate::client::plan::UPDATE_ATTEMPTS;
use crate::client::ttl::Ttl;
use crate::error::Result;
use crate::protocol::{Direction, StoreMode};
use crate::value::Value;

/// The typed methods of [`AsyncClient`] on every [`AsyncCache`].
pub trait AsyncCacheExt: AsyncCache {
    /// As [`AsyncClient::get`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::get`].
    fn get<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move {
            self.read(key.as_ref())
                .await?
                .map(T::from_value)
                .transpose()
        }
    }

    /// As [`AsyncClient::gets`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::gets`].
    fn gets<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
    ) -> impl Future<Output = Result<Option<(T, u64)>>> + Send {
        async move {
            match self.read_with_cas(key.as_ref()).await? {
                None => Ok(None),
                Some((value, cas)) => Ok(Some((T::from_value(value)?, cas))),
            }
        }
    }

    /// As [`AsyncClient::get_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::get_multi`].
    fn get_multi<K, T>(&self, keys: &[K]) -> impl Future<Output = Result<HashMap<K, T>>> + Send
    where
        K: AsRef<[u8]> + Clone + Eq + Hash + Send + Sync,
        T: FromValue + Send,
    {
        async move {
            let wanted: Vec<_> = keys.iter().map(AsRef::as_ref).collect();
            let found = keys.iter().cloned().zip(self.read_many(&wanted).await?);
            found
                .filter_map(|(key, value)| Some((key, value?)))
                .map(|(key, value)| Ok((key, T::from_value(value)?)))
                .collect()
        }
    }

    /// As [`AsyncClient::set`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::set`].
    fn set(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        value: impl ToValue + Send + Sync,
        ttl: impl Into<Ttl> + Send,
    ) -> impl Future<Output = Result<bool>> + Send {
        async move {
            let value = value.to_value()?;
            self.write(StoreMode::Set, key.as_ref(), &value, ttl.into())
                .await
        }
    }

    /// As [`AsyncClient::add`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::add`].
    fn add(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        value: impl ToValue + Send + Sync,
        ttl: impl Into<Ttl> + Send,
    ) -> impl Future<Output = Result<bool>> + Send {
        async move {
            let value = value.to_value()?;
            self.write(StoreMode::Add, key.as_ref(), &value, ttl.into())
                .await
        }
    }

    /// As [`AsyncClient::replace`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::replace`].
    fn replace(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        value: impl ToValue + Send + Sync,
        ttl: impl Into<Ttl> + Send,
    ) -> impl Future<Output = Result<bool>> + Send {
        async move {
            let value = value.to_value()?;
            self.write(StoreMode::Replace, key.as_ref(), &value, ttl.into())
                .await
        }
    }

    /// As [`AsyncClient::append`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::append`].
    fn append(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        value: impl ToValue + Send + Sync,
    ) -> impl Future<Output = Result<bool>> + Send {
        async move {
            let value = value.to_value()?;
            self.write(StoreMode::Append, key.as_ref(), &value, Ttl::Never)
                .await
        }
    }

    /// As [`AsyncClient::prepend`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::prepend`].
    fn prepend(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        value: impl ToValue + Send + Sync,
    ) -> impl Future<Output = Result<bool>> + Send {
        async move {
            let value = value.to_value()?;
            self.write(StoreMode::Prepend, key.as_ref(), &value, Ttl::Never)
                .await
        }
    }

    /// As [`AsyncClient::cas`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::cas`].
    fn cas(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        value: impl ToValue + Send + Sync,
        ttl: impl Into<Ttl> + Send,
        cas: u64,
    ) -> impl Future<Output = Result<CasOutcome>> + Send {
        async move {
            let value = value.to_value()?;
            self.write_if(key.as_ref(), &value, ttl.into(), cas).await
        }
    }

    /// As [`AsyncClient::set_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::set_multi`].
    fn set_multi<K: AsRef<[u8]> + Sync, V: ToValue + Sync>(
        &self,
        items: &[(K, V)],
        ttl: impl Into<Ttl> + Send,
    ) -> impl Future<Output = Result<Vec<usize>>> + Send {
        async move {
            let mut values = Vec::with_capacity(items.len());
            for (key, value) in items {
                values.push((key.as_ref(), value.to_value()?));
            }
            self.write_many(&values, ttl.into()).await
        }
    }

    /// As [`AsyncClient::delete`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::delete`].
    fn delete(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
    ) -> impl Future<Output = Result<bool>> + Send {
        async move { self.remove(key.as_ref()).await }
    }

    /// As [`AsyncClient::delete_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::delete_multi`].
    fn delete_multi<K: AsRef<[u8]> + Sync>(
        &self,
        keys: &[K],
    ) -> impl Future<Output = Result<Vec<usize>>> + Send {
        async move {
            let keys: Vec<_> = keys.iter().map(AsRef::as_ref).collect();
            self.remove_many(&keys).await
        }
    }

    /// As [`AsyncClient::touch`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::touch`].
    fn touch(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        ttl: impl Into<Ttl> + Send,
    ) -> impl Future<Output = Result<bool>> + Send {
        async move { self.renew(key.as_ref(), ttl.into()).await }
    }

    /// As [`AsyncClient::take`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::take`].
    fn take<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
    ) -> impl Future<Output = Result<Option<T>>> + Send {
        async move {
            self.claim(key.as_ref())
                .await?
                .map(T::from_value)
                .transpose()
        }
    }

    /// As [`AsyncClient::incr`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::incr`].
    fn incr(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        delta: u64,
    ) -> impl Future<Output = Result<Option<u64>>> + Send {
        async move {
            let up = Direction::Increment;
            self.count(up, key.as_ref(), delta, None, Ttl::Default)
                .await
        }
    }

    /// As [`AsyncClient::decr`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::decr`].
    fn decr(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        delta: u64,
    ) -> impl Future<Output = Result<Option<u64>>> + Send {
        async move {
            let down = Direction::Decrement;
            self.count(down, key.as_ref(), delta, None, Ttl::Default)
                .await
        }
    }

    /// As [`AsyncClient::incr_with`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::incr_with`].
    fn incr_with(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        delta: u64,
        initial: impl Into<Option<u64>> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> impl Future<Output = Result<Option<u64>>> + Send {
        async move {
            let (up, initial) = (Direction::Increment, initial.into());
            self.count(up, key.as_ref(), delta, initial, ttl.into())
                .await
        }
    }

    /// As [`AsyncClient::decr_with`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::decr_with`].
    fn decr_with(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        delta: u64,
        initial: impl Into<Option<u64>> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> impl Future<Output = Result<Option<u64>>> + Send {
        async move {
            let (down, initial) = (Direction::Decrement, initial.into());
            self.count(down, key.as_ref(), delta, initial, ttl.into())
                .await
        }
    }

    /// As [`AsyncClient::update`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::update`].
    fn update<T: FromValue + Send, U: ToValue + Send + Sync>(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        ttl: impl Into<Ttl> + Send,
        mut change: impl FnMut(Option<T>) -> Option<U> + Send,
    ) -> impl Future<Output = Result<Option<U>>> + Send {
        async move {
            self.try_update(key, ttl, UPDATE_ATTEMPTS, |value| Ok(change(value)))
                .await
        }
    }

    /// As [`AsyncClient::try_update`].
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::try_update`].
    fn try_update<T: FromValue + Send, U: ToValue + Send + Sync>(
        &self,
        key: impl AsRef<[u8]> + Send + Sync,
        ttl: impl Into<Ttl> + Send,
        limit: u32,
        mut change: impl FnMut(Option<T>) -> Result<Option<U>> + Send,
    ) -> impl Future<Output = Result<Option<U>>> + Send {
        async move {
            let mut given = None;
            let mut untyped = |present: Option<Value<'static>>| {
                given = change(present.map(T::from_value).transpose()?)?;
                let value = given.as_ref().map(ToValue::to_value).transpose()?;
                Ok(value.map(Value::into_owned))
            };
            let stored =
                AsyncCache::change(self, key.as_ref(), ttl.into(), limit, &mut untyped).await?;
            Ok(given.filter(|_| stored))
        }
    }
}

impl<C: AsyncCache + ?Sized> AsyncCacheExt for C {}
