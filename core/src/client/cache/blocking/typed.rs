//! The typed methods of blocking caches.

use std::collections::HashMap;
use std::hash::Hash;

use super::Cache;
use crate::client::convert::{FromValue, ToValue};
use crate::client::operation::CasOutcome;
use crate::client::plan::UPDATE_ATTEMPTS;
#[cfg(doc)]
use crate::client::sync::Client;
use crate::client::ttl::Ttl;
use crate::error::Result;
use crate::protocol::{Direction, StoreMode};
use crate::value::Value;

/// The typed methods of [`Client`] on every [`Cache`].
pub trait CacheExt: Cache {
    /// As [`Client::get`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::get`].
    fn get<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>> {
        self.read(key.as_ref())?.map(T::from_value).transpose()
    }

    /// As [`Client::gets`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::gets`].
    fn gets<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<(T, u64)>> {
        match self.read_with_cas(key.as_ref())? {
            None => Ok(None),
            Some((value, cas)) => Ok(Some((T::from_value(value)?, cas))),
        }
    }

    /// As [`Client::get_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_multi`].
    fn get_multi<K, T>(&self, keys: &[K]) -> Result<HashMap<K, T>>
    where
        K: AsRef<[u8]> + Clone + Eq + Hash,
        T: FromValue,
    {
        let wanted: Vec<_> = keys.iter().map(AsRef::as_ref).collect();
        let found = keys.iter().cloned().zip(self.read_many(&wanted)?);
        found
            .filter_map(|(key, value)| Some((key, value?)))
            .map(|(key, value)| Ok((key, T::from_value(value)?)))
            .collect()
    }

    /// As [`Client::set`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::set`].
    fn set(&self, key: impl AsRef<[u8]>, value: impl ToValue, ttl: impl Into<Ttl>) -> Result<bool> {
        let value = value.to_value()?;
        self.write(StoreMode::Set, key.as_ref(), &value, ttl.into())
    }

    /// As [`Client::add`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::add`].
    fn add(&self, key: impl AsRef<[u8]>, value: impl ToValue, ttl: impl Into<Ttl>) -> Result<bool> {
        let value = value.to_value()?;
        self.write(StoreMode::Add, key.as_ref(), &value, ttl.into())
    }

    /// As [`Client::replace`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::replace`].
    fn replace(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        ttl: impl Into<Ttl>,
    ) -> Result<bool> {
        let value = value.to_value()?;
        self.write(StoreMode::Replace, key.as_ref(), &value, ttl.into())
    }

    /// As [`Client::append`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::append`].
    fn append(&self, key: impl AsRef<[u8]>, value: impl ToValue) -> Result<bool> {
        let value = value.to_value()?;
        self.write(StoreMode::Append, key.as_ref(), &value, Ttl::Never)
    }

    /// As [`Client::prepend`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::prepend`].
    fn prepend(&self, key: impl AsRef<[u8]>, value: impl ToValue) -> Result<bool> {
        let value = value.to_value()?;
        self.write(StoreMode::Prepend, key.as_ref(), &value, Ttl::Never)
    }

    /// As [`Client::cas`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::cas`].
    fn cas(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        ttl: impl Into<Ttl>,
        cas: u64,
    ) -> Result<CasOutcome> {
        let value = value.to_value()?;
        self.write_if(key.as_ref(), &value, ttl.into(), cas)
    }

    /// As [`Client::set_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::set_multi`].
    fn set_multi<K: AsRef<[u8]>, V: ToValue>(
        &self,
        items: &[(K, V)],
        ttl: impl Into<Ttl>,
    ) -> Result<Vec<usize>> {
        let mut values = Vec::with_capacity(items.len());
        for (key, value) in items {
            values.push((key.as_ref(), value.to_value()?));
        }
        self.write_many(&values, ttl.into())
    }

    /// As [`Client::delete`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::delete`].
    fn delete(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        self.remove(key.as_ref())
    }

    /// As [`Client::delete_multi`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::delete_multi`].
    fn delete_multi<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<usize>> {
        let keys: Vec<_> = keys.iter().map(AsRef::as_ref).collect();
        self.remove_many(&keys)
    }

    /// As [`Client::touch`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::touch`].
    fn touch(&self, key: impl AsRef<[u8]>, ttl: impl Into<Ttl>) -> Result<bool> {
        self.renew(key.as_ref(), ttl.into())
    }

    /// As [`Client::take`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::take`].
    fn take<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>> {
        self.claim(key.as_ref())?.map(T::from_value).transpose()
    }

    /// As [`Client::incr`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::incr`].
    fn incr(&self, key: impl AsRef<[u8]>, delta: u64) -> Result<Option<u64>> {
        let up = Direction::Increment;
        self.count(up, key.as_ref(), delta, None, Ttl::Default)
    }

    /// As [`Client::decr`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::decr`].
    fn decr(&self, key: impl AsRef<[u8]>, delta: u64) -> Result<Option<u64>> {
        let down = Direction::Decrement;
        self.count(down, key.as_ref(), delta, None, Ttl::Default)
    }

    /// As [`Client::incr_with`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::incr_with`].
    fn incr_with(
        &self,
        key: impl AsRef<[u8]>,
        delta: u64,
        initial: impl Into<Option<u64>>,
        ttl: impl Into<Ttl>,
    ) -> Result<Option<u64>> {
        let (up, initial) = (Direction::Increment, initial.into());
        self.count(up, key.as_ref(), delta, initial, ttl.into())
    }

    /// As [`Client::decr_with`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::decr_with`].
    fn decr_with(
        &self,
        key: impl AsRef<[u8]>,
        delta: u64,
        initial: impl Into<Option<u64>>,
        ttl: impl Into<Ttl>,
    ) -> Result<Option<u64>> {
        let (down, initial) = (Direction::Decrement, initial.into());
        self.count(down, key.as_ref(), delta, initial, ttl.into())
    }

    /// As [`Client::update`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::update`].
    fn update<T: FromValue, U: ToValue>(
        &self,
        key: impl AsRef<[u8]>,
        ttl: impl Into<Ttl>,
        mut change: impl FnMut(Option<T>) -> Option<U>,
    ) -> Result<Option<U>> {
        self.try_update(key, ttl, UPDATE_ATTEMPTS, |value| Ok(change(value)))
    }

    /// As [`Client::try_update`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::try_update`].
    fn try_update<T: FromValue, U: ToValue>(
        &self,
        key: impl AsRef<[u8]>,
        ttl: impl Into<Ttl>,
        limit: u32,
        mut change: impl FnMut(Option<T>) -> Result<Option<U>>,
    ) -> Result<Option<U>> {
        let mut given = None;
        let mut untyped = |present: Option<Value<'static>>| {
            given = change(present.map(T::from_value).transpose()?)?;
            let value = given.as_ref().map(ToValue::to_value).transpose()?;
            Ok(value.map(Value::into_owned))
        };
        let stored = Cache::change(self, key.as_ref(), ttl.into(), limit, &mut untyped)?;
        Ok(given.filter(|_| stored))
    }
}

impl<C: Cache + ?Sized> CacheExt for C {}
