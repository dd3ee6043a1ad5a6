//! Changing and removing what is there.

use super::AsyncClient;
use crate::client::convert::{FromValue, ToValue};
use crate::client::operation::CasOutcome;
use crate::client::plan::{Counting, UPDATE_ATTEMPTS};
use crate::client::ttl::Ttl;
use crate::client::view::{Change, One, nothing};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::protocol::Direction;

impl AsyncClient {
    /// Removes an item; tells whether there was one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`]; those of the way to the server.
    pub async fn delete(&self, key: impl AsRef<[u8]> + Send) -> Result<bool> {
        let outcome = self
            .call(
                |plan, place| plan.delete(key.as_ref(), None, place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.flag())
    }

    /// Removes an item only if it is still the one that was read with
    /// [`gets`](Self::gets).
    ///
    /// # Errors
    ///
    /// Those of [`delete`](Self::delete), and [`ErrorKind::Unsupported`] when
    /// the server does not speak the meta protocol.
    pub async fn delete_cas(&self, key: impl AsRef<[u8]> + Send, cas: u64) -> Result<CasOutcome> {
        let outcome = self
            .call(
                |plan, place| plan.delete(key.as_ref(), Some(cas), place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.cas())
    }

    /// Removes several items. Returns the positions of those that were absent.
    ///
    /// # Errors
    ///
    /// Those of [`delete`](Self::delete); [`ErrorKind::Partial`] when some servers failed.
    pub async fn delete_multi<K: AsRef<[u8]> + Sync>(&self, keys: &[K]) -> Result<Vec<usize>> {
        let keys = keys.iter().map(AsRef::as_ref);
        let outcome = self
            .call(|plan, place| plan.delete_many(keys, place), &mut nothing)
            .await?;
        Ok(outcome.into_failed())
    }

    /// Reads a value and removes that very item, so that one caller gets it.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub async fn take<T: FromValue + Send>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<Option<T>> {
        let mut one = One::new(|item| self.view.decode(item));
        let outcome = self
            .call(|plan, place| plan.take(key.as_ref(), place), &mut one)
            .await?;
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
    pub async fn touch(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<bool> {
        let expiry = self.view.expiry(ttl.into())?;
        let outcome = self
            .call(
                |plan, place| plan.touch(key.as_ref(), expiry, place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.flag())
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
        let expiry = self.view.expiry(ttl.into())?;
        let keys = keys.iter().map(AsRef::as_ref);
        let outcome = self
            .call(
                |plan, place| plan.touch_many(keys, expiry, place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.into_failed())
    }

    /// Counts up and returns the new number, wrapping at 2^64; `None` when
    /// there is no such item.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotNumeric`] when the value is no decimal number; those of
    /// the way to the server.
    pub async fn incr(&self, key: impl AsRef<[u8]> + Send, delta: u64) -> Result<Option<u64>> {
        let counting = Counting::default();
        self.count(Direction::Increment, key.as_ref(), delta, counting)
            .await
    }

    /// Counts down and returns the new number, stopping at 0; `None` when there
    /// is no such item.
    ///
    /// # Errors
    ///
    /// Those of [`incr`](Self::incr).
    pub async fn decr(&self, key: impl AsRef<[u8]> + Send, delta: u64) -> Result<Option<u64>> {
        let counting = Counting::default();
        self.count(Direction::Decrement, key.as_ref(), delta, counting)
            .await
    }

    /// Counts up; an absent counter is created with `initial`, where given, to
    /// which `delta` is not added. [`Ttl::Default`] leaves the expiry of a
    /// present counter as it is.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(client: memoxide::AsyncClient) -> memoxide::Result<()> {
    /// let visits = client.incr_with("visits", 1, Some(1), Duration::from_secs(3600)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`incr`](Self::incr); [`ErrorKind::InvalidArgument`] for the
    /// time to live.
    pub async fn incr_with(
        &self,
        key: impl AsRef<[u8]> + Send,
        delta: u64,
        initial: impl Into<Option<u64>> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<Option<u64>> {
        let counting = Counting {
            initial: initial.into(),
            expiry: ttl.into().expiry()?,
            initial_expiry: None,
        };
        self.count(Direction::Increment, key.as_ref(), delta, counting)
            .await
    }

    /// Counts down; an absent counter is created with `initial`, where given,
    /// from which `delta` is not taken. [`Ttl::Default`] leaves the expiry of a
    /// present counter as it is.
    ///
    /// # Errors
    ///
    /// Those of [`incr_with`](Self::incr_with).
    pub async fn decr_with(
        &self,
        key: impl AsRef<[u8]> + Send,
        delta: u64,
        initial: impl Into<Option<u64>> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<Option<u64>> {
        let counting = Counting {
            initial: initial.into(),
            expiry: ttl.into().expiry()?,
            initial_expiry: None,
        };
        self.count(Direction::Decrement, key.as_ref(), delta, counting)
            .await
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
    /// # async fn example(client: memoxide::AsyncClient) -> memoxide::Result<()> {
    /// let seen = client.update("seen", Duration::from_secs(60), |seen: Option<String>| {
    ///     let seen = seen.unwrap_or_default();
    ///     (!seen.contains("ada")).then(|| seen + "ada ")
    /// }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when other writers were faster each time; those
    /// of [`get`](Self::get) and [`set`](Self::set). A store whose outcome is
    /// unknown is not made again.
    pub async fn update<T: FromValue + Send, U: ToValue + Send + Sync>(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: impl Into<Ttl> + Send,
        mut change: impl FnMut(Option<T>) -> Option<U> + Send,
    ) -> Result<Option<U>> {
        self.try_update(key, ttl, UPDATE_ATTEMPTS, |value| Ok(change(value)))
            .await
    }

    /// Changes a value as [`update`](Self::update) does, in up to `limit`
    /// attempts, with a function that may fail.
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update), and what `change` returns.
    pub async fn try_update<T: FromValue + Send, U: ToValue + Send + Sync>(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: impl Into<Ttl> + Send,
        limit: u32,
        change: impl FnMut(Option<T>) -> Result<Option<U>> + Send,
    ) -> Result<Option<U>> {
        let expiry = self.view.expiry(ttl.into())?;
        let mut change = Change::new(&self.view, expiry, change);
        let outcome = self
            .call(
                |plan, place| plan.update(key.as_ref(), limit, place),
                &mut change,
            )
            .await?;
        Ok(change.finish(&outcome))
    }

    async fn count(
        &self,
        direction: Direction,
        key: &[u8],
        delta: u64,
        counting: Counting,
    ) -> Result<Option<u64>> {
        let outcome = self
            .call(
                |plan, place| plan.count(direction, key, delta, counting, place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.number())
    }
}
