//! Writing.

use super::AsyncClient;
use crate::client::convert::ToValue;
use crate::client::operation::CasOutcome;
use crate::client::ttl::Ttl;
use crate::client::view::nothing;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::protocol::StoreMode;
use crate::value::{Foreign, Value};

impl AsyncClient {
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

    /// Puts bytes or text behind the present value; tells whether there was
    /// one. Flags and expiry stay.
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

    /// Puts bytes or text before the present value; tells whether there was
    /// one. Flags and expiry stay.
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
        let encoded = self.view.encode(&value)?;
        let expiry = ttl.into().expiry()?;
        let mode = StoreMode::Set;
        let outcome = self
            .call(
                |plan, place| plan.store(mode, key.as_ref(), encoded, expiry, Some(cas), place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.cas())
    }

    /// Stores flags and bytes as they are, for whoever reads them.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set), but for [`ErrorKind::Encode`].
    pub async fn set_raw(
        &self,
        key: impl AsRef<[u8]> + Send,
        flags: u32,
        bytes: impl AsRef<[u8]> + Send,
        ttl: impl Into<Ttl> + Send,
    ) -> Result<bool> {
        let value = Value::Foreign(Foreign::opaque(flags, bytes.as_ref()));
        self.store(StoreMode::Set, key.as_ref(), &value, ttl.into())
            .await
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

    pub(in crate::client) async fn store(
        &self,
        mode: StoreMode,
        key: &[u8],
        value: &(dyn ToValue + Sync),
        ttl: Ttl,
    ) -> Result<bool> {
        let encoded = self.view.encode(value)?;
        let expiry = ttl.expiry()?;
        let outcome = self
            .call(
                |plan, place| plan.store(mode, key, encoded, expiry, None, place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.flag())
    }

    async fn store_multi<K: AsRef<[u8]> + Sync, V: ToValue + Sync>(
        &self,
        mode: StoreMode,
        items: &[(K, V)],
        ttl: Ttl,
    ) -> Result<Vec<usize>> {
        let encoded = self.view.encode_all(items)?;
        let expiry = ttl.expiry()?;
        let outcome = self
            .call(
                |plan, place| plan.store_many(mode, encoded.into_iter(), expiry, place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.into_failed())
    }
}
