//! Locks in the cache.

use std::time::Duration;

use super::Client;
use crate::client::log::Entry;
use crate::client::ttl::lock_expiry;
use crate::client::view::nothing;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::net;

/// A lock that is held; dropping it gives it back.
///
/// It is an item whose value is a token that nobody else has, and it ends by
/// itself when its time to live is over or the server evicts it: it keeps
/// callers from doing the same work at once, and is no proof that nobody else
/// does it. Work that must never overlap needs a store that is not a cache.
#[derive(Debug)]
#[must_use = "a lock is given back when it is dropped"]
pub struct Lock {
    client: Client,
    key: Vec<u8>,
    token: String,
    held: bool,
}

impl Client {
    /// Takes the lock `key` for `ttl`, or returns `None` when another holds it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let client = memoxide::Client::new("127.0.0.1:11211")?;
    /// if let Some(lock) = client.try_lock("report:lock", Duration::from_secs(30))? {
    ///     // make the report
    ///     lock.release()?;
    /// }
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] when the time to live is zero or out of
    /// range; [`ErrorKind::InvalidKey`]; those of the way to the server. After
    /// an error of unknown outcome the lock may be taken until `ttl` is over.
    pub fn try_lock(&self, key: impl AsRef<[u8]>, ttl: Duration) -> Result<Option<Lock>> {
        self.lock(key, ttl, Duration::ZERO)
    }

    /// Takes the lock `key` for `ttl`, waiting for it up to `wait`; `None` when
    /// another held it all that time. The client's timeout comes on top of
    /// `wait`.
    ///
    /// # Errors
    ///
    /// Those of [`try_lock`](Self::try_lock).
    pub fn lock(
        &self,
        key: impl AsRef<[u8]>,
        ttl: Duration,
        wait: Duration,
    ) -> Result<Option<Lock>> {
        let expiry = lock_expiry(ttl)?;
        let (key, token) = (key.as_ref(), net::token());
        let place = self.view.place();
        let operation = self
            .plan()
            .acquire(key, token.as_bytes(), expiry, wait, place)?;
        let deadline = self.view.deadline().after(wait);
        let taken = self.run(operation, deadline, &mut nothing)?.flag();
        Ok(taken.then(|| Lock {
            client: self.clone(),
            key: key.to_vec(),
            token,
            held: true,
        }))
    }
}

impl Lock {
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
    /// Those of [`Client::try_lock`].
    pub fn extend(&mut self, ttl: Duration) -> Result<bool> {
        let expiry = Some(lock_expiry(ttl)?);
        self.held = self.change(expiry)?;
        Ok(self.held)
    }

    /// Gives the lock back; tells whether it was still held.
    ///
    /// # Errors
    ///
    /// Those of the way to the server; the lock then ends with its time to live.
    pub fn release(mut self) -> Result<bool> {
        self.held = false;
        self.change(None)
    }

    fn change(&self, extend: Option<crate::protocol::Expiry>) -> Result<bool> {
        let token = self.token.as_bytes();
        let outcome = self.client.call(
            |plan, place| plan.release(&self.key, token, extend, place),
            &mut nothing,
        )?;
        Ok(outcome.flag())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if !self.held {
            return;
        }
        if let Err(error) = self.change(None) {
            let client = &self.client;
            let place = client.view.place();
            if let Some(entry) = Entry::of_lock(client.plan(), &self.key, place) {
                entry.because(&error).trace();
            }
        }
    }
}
