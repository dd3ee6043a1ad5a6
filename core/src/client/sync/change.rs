//! Changing and removing what is there.

use super::Client;
use crate::client::convert::{FromValue, ToValue};
use crate::client::operation::CasOutcome;
use crate::client::plan::{Counting, UPDATE_ATTEMPTS};
use crate::client::ttl::Ttl;
use crate::client::view::{Change, One, nothing};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::protocol::Direction;

impl Client {
    /// Removes an item; tells whether there was one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`]; those of the way to the server.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        let outcome = self.call(
            |plan, place| plan.delete(key.as_ref(), None, place),
            &mut nothing,
        )?;
        Ok(outcome.flag())
    }

    /// Removes an item only if it is still the one that was read with
    /// [`gets`](Self::gets).
    ///
    /// # Errors
    ///
    /// Those of [`delete`](Self::delete), and [`ErrorKind::Unsupported`] when
    /// the server does not speak the meta protocol.
    pub fn delete_cas(&self, key: impl AsRef<[u8]>, cas: u64) -> Result<CasOutcome> {
        let outcome = self.call(
            |plan, place| plan.delete(key.as_ref(), Some(cas), place),
            &mut nothing,
        )?;
        Ok(outcome.cas())
    }

    /// Removes several items. Returns the positions of those that were absent.
    ///
    /// # Errors
    ///
    /// Those of [`delete`](Self::delete); [`ErrorKind::Partial`] when some servers failed.
    pub fn delete_multi<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<usize>> {
        let keys = keys.iter().map(AsRef::as_ref);
        let outcome = self.call(|plan, place| plan.delete_many(keys, place), &mut nothing)?;
        Ok(outcome.into_failed())
    }

    /// Reads a value and removes that very item, so that one caller gets it.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub fn take<T: FromValue>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>> {
        let mut one = One::new(|item| self.view.decode(item));
        let outcome = self.call(|plan, place| plan.take(key.as_ref(), place), &mut one)?;
        if outcome.flag() {
            one.finish()
        } else {
            Ok(None)
        }
    }

    /// Sets a new expiry; tells whether there is such an item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], [`ErrorKind::InvalidArgument`]; those of the
    /// way to the server.
    pub fn touch(&self, key: impl AsRef<[u8]>, ttl: impl Into<Ttl>) -> Result<bool> {
        let expiry = self.view.expiry(ttl.into())?;
        let outcome = self.call(
            |plan, place| plan.touch(key.as_ref(), expiry, place),
            &mut nothing,
        )?;
        Ok(outcome.flag())
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
        let expiry = self.view.expiry(ttl.into())?;
        let keys = keys.iter().map(AsRef::as_ref);
        let outcome = self.call(
            |plan, place| plan.touch_many(keys, expiry, place),
            &mut nothing,
        )?;
        Ok(outcome.into_failed())
    }

    /// Counts up and returns the new number, wrapping at 2^64; `None` when
    /// there is no such item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotNumeric`] when the value is no decimal number; those of
    /// the way to the server.
    pub fn incr(&self, key: impl AsRef<[u8]>, delta: u64) -> Result<Option<u64>> {
        let counting = Counting::default();
        self.count(Direction::Increment, key.as_ref(), delta, counting)
    }

    /// Counts down and returns the new number, stopping at 0; `None` when there
    /// is no such item.
    ///
    /// # Errors
    ///
    /// Those of [`incr`](Self::incr).
    pub fn decr(&self, key: impl AsRef<[u8]>, delta: u64) -> Result<Option<u64>> {
        let counting = Counting::default();
        self.count(Direction::Decrement, key.as_ref(), delta, counting)
    }

    /// Counts up; an absent counter is created with `initial`, where given, to
    /// which `delta` is not added. [`Ttl::Default`] leaves the expiry of a
    /// present counter as it is.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let client = memoxide::Client::new("127.0.0.1:11211")?;
    /// let visits = client.incr_with("visits", 1, Some(1), Duration::from_secs(3600))?;
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`incr`](Self::incr); [`ErrorKind::InvalidArgument`] for the
    /// time to live.
    pub fn incr_with(
        &self,
        key: impl AsRef<[u8]>,
        delta: u64,
        initial: impl Into<Option<u64>>,
        ttl: impl Into<Ttl>,
    ) -> Result<Option<u64>> {
        let counting = Counting {
            initial: initial.into(),
            expiry: ttl.into().expiry()?,
            initial_expiry: None,
        };
        self.count(Direction::Increment, key.as_ref(), delta, counting)
    }

    /// Counts down; an absent counter is created with `initial`, where given,
    /// from which `delta` is not taken. [`Ttl::Default`] leaves the expiry of a
    /// present counter as it is.
    ///
    /// # Errors
    ///
    /// Those of [`incr_with`](Self::incr_with).
    pub fn decr_with(
        &self,
        key: impl AsRef<[u8]>,
        delta: u64,
        initial: impl Into<Option<u64>>,
        ttl: impl Into<Ttl>,
    ) -> Result<Option<u64>> {
        let counting = Counting {
            initial: initial.into(),
            expiry: ttl.into().expiry()?,
            initial_expiry: None,
        };
        self.count(Direction::Decrement, key.as_ref(), delta, counting)
    }

    /// Changes a value without losing the change of another: reads it, calls
    /// `change`, and stores what that returns if the item is still the same,
    /// else begins again, up to [`UPDATE_ATTEMPTS`] times.
    ///
    /// `change` is given `None` when there is no item; when it returns `None`
    /// the item stays as it is. Returns the value that was stored.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let client = memoxide::Client::new("127.0.0.1:11211")?;
    /// let seen = client.update("seen", Duration::from_secs(60), |seen: Option<String>| {
    ///     let seen = seen.unwrap_or_default();
    ///     (!seen.contains("ada")).then(|| seen + "ada ")
    /// })?;
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when other writers were faster each time; those
    /// of [`get`](Self::get) and [`set`](Self::set). A store whose outcome is
    /// unknown is not made again.
    pub fn update<T: FromValue, U: ToValue>(
        &self,
        key: impl AsRef<[u8]>,
        ttl: impl Into<Ttl>,
        mut change: impl FnMut(Option<T>) -> Option<U>,
    ) -> Result<Option<U>> {
        self.try_update(key, ttl, UPDATE_ATTEMPTS, |value| Ok(change(value)))
    }

    /// Changes a value as [`update`](Self::update) does, in up to `limit`
    /// attempts, with a function that may fail.
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update), and what `change` returns.
    pub fn try_update<T: FromValue, U: ToValue>(
        &self,
        key: impl AsRef<[u8]>,
        ttl: impl Into<Ttl>,
        limit: u32,
        change: impl FnMut(Option<T>) -> Result<Option<U>>,
    ) -> Result<Option<U>> {
        let expiry = self.view.expiry(ttl.into())?;
        let mut change = Change::new(&self.view, expiry, change);
        let outcome = self.call(
            |plan, place| plan.update(key.as_ref(), limit, place),
            &mut change,
        )?;
        Ok(change.finish(&outcome))
    }

    fn count(
        &self,
        direction: Direction,
        key: &[u8],
        delta: u64,
        counting: Counting,
    ) -> Result<Option<u64>> {
        let outcome = self.call(
            |plan, place| plan.count(direction, key, delta, counting, place),
            &mut nothing,
        )?;
        Ok(outcome.number())
    }
}
