//! Commands that decide on the way.

use std::sync::Arc;
use std::time::Duration;

use super::{Counting, NAMESPACE_SUFFIX, Place, Plan};
use crate::client::composite::{Acquire, Counter, Goal, Release, Scoped, Take, Update};
use crate::client::operation::Operation;
use crate::client::options::Options;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Arithmetic, Direction, Expiry, Request};
use crate::value::Value;

impl Plan {
    /// Counts; with an initial value an absent counter is created.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`]; [`ErrorKind::Encode`]
    /// when the dialect cannot express the initial value.
    pub fn count<'a>(
        &self,
        direction: Direction,
        key: &'a [u8],
        delta: u64,
        counting: Counting,
        place: Place<'_>,
    ) -> Result<Operation<'a>> {
        let (endpoint, key) = self.locate(key, place)?;
        let touch = counting.expiry;
        if counting.initial.is_none() && touch.is_none() {
            let request = Arithmetic {
                direction,
                key,
                delta,
                touch,
            };
            return Ok(Operation::single(endpoint, Request::Arithmetic(request)));
        }
        let initial = match counting.initial {
            None => None,
            Some(number) => {
                let flags = self.options.values.encode(Value::from(number))?.flags;
                let created = touch.or(counting.initial_expiry);
                Some((number, flags, created.unwrap_or(self.options.default_ttl)))
            }
        };
        let key = key.into_owned().into();
        let request = Arithmetic {
            direction,
            key,
            delta,
            touch,
        };
        Ok(Operation::composite(Counter::new(
            endpoint, request, initial,
        )))
    }

    /// Changes an item by the caller's function, in up to `limit` rounds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn update(&self, key: &[u8], limit: u32, place: Place<'_>) -> Result<Operation<'static>> {
        let (endpoint, key) = self.locate(key, place)?;
        Ok(Operation::composite(Update::new(
            endpoint,
            key.into_owned(),
            limit,
        )))
    }

    /// Reads an item and removes it. The item that is given as a part counts
    /// only if the outcome is yes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn take(&self, key: &[u8], place: Place<'_>) -> Result<Operation<'static>> {
        let (endpoint, key) = self.locate(key, place)?;
        Ok(Operation::composite(Take::new(endpoint, key.into_owned())))
    }

    /// Takes a lock for `token`, waiting for it up to `wait`. It is given back
    /// by itself when `expiry` comes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn acquire(
        &self,
        key: &[u8],
        token: &[u8],
        expiry: Expiry,
        wait: Duration,
        place: Place<'_>,
    ) -> Result<Operation<'static>> {
        if expiry.wire() <= 0 {
            // One that never ends would outlive its owner, one in the past hold nothing.
            let message = "time to live of a lock is not above 0 s";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let (endpoint, key) = self.locate(key, place)?;
        let acquire = Acquire::new(endpoint, key.into_owned(), token.to_vec(), expiry, wait);
        Ok(Operation::composite(acquire))
    }

    /// Gives a lock back if `token` still owns it, or extends it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn release(
        &self,
        key: &[u8],
        token: &[u8],
        extend: Option<Expiry>,
        place: Place<'_>,
    ) -> Result<Operation<'static>> {
        let (endpoint, key) = self.locate(key, place)?;
        let release = Release::new(endpoint, key.into_owned(), token.to_vec(), extend);
        Ok(Operation::composite(release))
    }

    /// Works within the namespace `name`: reads its generation, then does what
    /// `work` builds over the plan of that generation. `unix_now` begins a
    /// namespace that has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`] when the name cannot be part of a key, or
    /// [`ErrorKind::NoServers`].
    pub fn within(
        self: &Arc<Self>,
        name: &[u8],
        unix_now: i64,
        work: impl FnOnce(&Self) -> Result<Operation<'static>> + Send + 'static,
    ) -> Result<Operation<'static>> {
        self.namespaced(name, unix_now, Goal::Work(Box::new(work)))
    }

    /// Finds out the generation of the namespace `name`; the outcome is its
    /// number, for [`scoped`](Self::scoped).
    ///
    /// # Errors
    ///
    /// Those of [`within`](Self::within).
    pub fn generation(self: &Arc<Self>, name: &[u8], unix_now: i64) -> Result<Operation<'static>> {
        self.namespaced(name, unix_now, Goal::Read)
    }

    /// Makes every key of the namespace `name` unreachable, in one request.
    ///
    /// # Errors
    ///
    /// Those of [`within`](Self::within).
    pub fn invalidate(self: &Arc<Self>, name: &[u8], unix_now: i64) -> Result<Operation<'static>> {
        self.namespaced(name, unix_now, Goal::Raise)
    }

    fn namespaced(
        self: &Arc<Self>,
        name: &[u8],
        unix_now: i64,
        goal: Goal,
    ) -> Result<Operation<'static>> {
        let key = [name, NAMESPACE_SUFFIX].concat();
        let (endpoint, key) = self.locate(&key, Place::Key)?;
        // Seconds leave room for many invalidations before the next first number.
        let fresh = unix_now.unsigned_abs() << 20;
        let (plan, key) = (Arc::clone(self), key.into_owned());
        let scoped = Scoped::new(plan, name.to_vec(), endpoint, key, fresh, goal);
        Ok(Operation::composite(scoped))
    }

    /// Returns the plan for one generation of a namespace.
    #[must_use]
    pub fn scoped(&self, name: &[u8], generation: u64) -> Self {
        let digits = itoa::Buffer::new().format(generation).to_owned();
        let prefix = [&self.options.prefix, name, b":", digits.as_bytes(), b":"].concat();
        Self {
            servers: Arc::clone(&self.servers),
            labels: Arc::clone(&self.labels),
            router: Arc::clone(&self.router),
            security: self.security.clone(),
            options: Options {
                prefix,
                ..self.options.clone()
            },
        }
    }
}
