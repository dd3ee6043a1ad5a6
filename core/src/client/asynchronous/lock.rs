//! Locks in the cache.

use std::time::Duration;

use super::AsyncClient;
use crate::client::log::Entry;
use crate::client::ttl::lock_expiry;
use crate::client::view::nothing;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::net;
use crate::protocol::Expiry;

/// A lock that is held; give it back with [`release`](Self::release).
///
/// It is an item whose value is a token that nobody else has, and it ends by
/// itself when its time to live is over or the server evicts it: it keeps
/// callers from doing the same work at once, and is no proof that nobody else
/// does it. Work that must never overlap needs a store that is not a cache.
///
/// Dropping it cannot wait for the server and so does not give it back: it says
/// so in the log, and the lock ends with its time to live.
#[derive(Debug)]
#[must_use = "a lock is held until it is released or its time to live is over"]
pub struct AsyncLock {
    client: AsyncClient,
    key: Vec<u8>,
    token: String,
    held: bool,
}

impl AsyncClient {
    /// Takes the lock `key` for `ttl`, or returns `None` when another holds it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(client: memoxide::AsyncClient) -> memoxide::Result<()> {
    /// if let Some(lock) = client.try_lock("report:lock", Duration::from_secs(30)).await? {
    ///     // make the report
    ///     lock.release().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] when the time to live is zero or out of
    /// range; [`ErrorKind::InvalidKey`]; those of the way to the server. After
    /// an error of unknown outcome, and when the future is dropped, the lock may
    /// be taken until `ttl` is over.
    pub async fn try_lock(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: Duration,
    ) -> Result<Option<AsyncLock>> {
        self.lock(key, ttl, Duration::ZERO).await
    }

    /// Takes the lock `key` for `ttl`, waiting for it up to `wait`; `None` when
    /// another held it all that time. The client's timeout comes on top of
    /// `wait`.
    ///
    /// # Errors
    ///
    /// Those of [`try_lock`](Self::try_lock).
    pub async fn lock(
        &self,
        key: impl AsRef<[u8]> + Send,
        ttl: Duration,
        wait: Duration,
    ) -> Result<Option<AsyncLock>> {
        let expiry = lock_expiry(ttl)?;
        let mut lock = AsyncLock {
            client: self.clone(),
            key: key.as_ref().to_vec(),
            token: net::token(),
            held: false,
        };
        let (place, token) = (self.view.place(), lock.token.as_bytes());
        let operation = self.plan().acquire(&lock.key, token, expiry, wait, place)?;
        let deadline = self.view.deadline().after(wait);
        lock.held = self.run(operation, deadline, &mut nothing).await?.flag();
        Ok(lock.held.then_some(lock))
    }
}

impl AsyncLock {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Returns the token that marks the owner.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Holds the lock for `ttl` from now on; tells whether it was still held.
    ///
    /// # Errors
    ///
    /// Those of [`AsyncClient::try_lock`].
    pub async fn extend(&mut self, ttl: Duration) -> Result<bool> {
        let expiry = lock_expiry(ttl)?;
        self.held = self.change(Some(expiry)).await?;
        Ok(self.held)
    }

    /// Gives the lock back; tells whether it was still held.
    ///
    /// # Errors
    ///
    /// Those of the way to the server; the lock then ends with its time to live.
    pub async fn release(mut self) -> Result<bool> {
        self.held = false;
        self.change(None).await
    }

    async fn change(&self, extend: Option<Expiry>) -> Result<bool> {
        let token = self.token.as_bytes();
        let outcome = self
            .client
            .call(
                |plan, place| plan.release(&self.key, token, extend, place),
                &mut nothing,
            )
            .await?;
        Ok(outcome.flag())
    }
}

impl Drop for AsyncLock {
    fn drop(&mut self) {
        if self.held {
            let client = &self.client;
            let place = client.view.place();
            if let Some(entry) = Entry::of_lock(client.plan(), &self.key, place) {
                entry.trace();
            }
        }
    }
}
