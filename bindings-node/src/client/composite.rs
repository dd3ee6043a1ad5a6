//! Reads calls that decide on the way, and what they have of their own.

use std::sync::Arc;
use std::time::Duration;

use memoxide::Result;
use memoxide::client::{Plan, UPDATE_ATTEMPTS, Uptake};
use memoxide::net::unix_now;
use memoxide::protocol::Expiry;

use super::submission::{Header, Options, Prepared, Reader, expiry, invalid, whole};
use super::verb::Verb;

impl<'a> Reader<'a> {
    /// Reads the rest of such a call.
    ///
    /// # Errors
    ///
    /// What the core says about keys and numbers.
    pub(super) fn composite(
        &mut self,
        plan: &Arc<Plan>,
        header: &Header,
        options: &Options<'a>,
    ) -> Result<Prepared<'a>> {
        let place = options.place();
        let operation = match header.verb {
            Verb::Take => plan.take(self.take(header.count), place),
            Verb::Update => {
                let limit = self.number();
                let key = self.take(header.count);
                let limit = match limit {
                    limit if limit.is_nan() => UPDATE_ATTEMPTS,
                    limit => whole("limit", limit)?,
                };
                plan.update(key, limit, place)
            }
            Verb::Acquire => {
                let (ttl, wait) = (self.number(), self.number());
                let key = self.take(header.count);
                let token = self.slice();
                let wait = waiting(wait)?;
                let operation = plan.acquire(key, token, lease(ttl)?, wait, place)?;
                return Ok(Prepared {
                    timeout: wait,
                    ..Prepared::new(operation)
                });
            }
            Verb::Release => {
                let key = self.take(header.count);
                let token = self.slice();
                let extend = options.expiry.map(lease).transpose()?;
                plan.release(key, token, extend, place)
            }
            Verb::Generation => plan.generation(self.take(header.count), unix_now()),
            Verb::Invalidate => plan.invalidate(self.take(header.count), unix_now()),
            Verb::Keys => {
                let uptake = match self.number() {
                    0.0 => Uptake::Paced,
                    _ => Uptake::Immediate,
                };
                let prefix = self.take(header.count).to_vec();
                let operation = plan.list_keys(uptake, place)?;
                return Ok(Prepared {
                    list: Some((Arc::clone(plan), prefix)),
                    ..Prepared::new(operation)
                });
            }
            _ => Err(invalid(format!("no such call: {:?}", header.verb))),
        };
        operation.map(Prepared::new)
    }
}

/// Reads the seconds for which a lock is held.
fn lease(seconds: f64) -> Result<Expiry> {
    if seconds > 0.0 {
        return expiry(seconds);
    }
    let message = format!("time to live of a lock is no number of seconds above 0: {seconds}");
    Err(invalid(message))
}

/// Reads the seconds for which a lock is waited for.
fn waiting(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| invalid(format!("wait is no time in seconds: {seconds}")))
}
