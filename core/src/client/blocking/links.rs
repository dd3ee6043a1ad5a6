//! Links that are opened and closed on purpose, not on the way of a call.

use super::{Host, Runner};
use crate::error::{Error, ErrorKind, Result};
use crate::net::Pooled;
use crate::protocol::QUIT;

impl Runner {
    /// Returns how many connections this process has open, in use or idle.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.endpoints
            .iter()
            .map(|endpoint| endpoint.pool.open())
            .sum()
    }

    /// Makes sure that a link to an endpoint is open, in place of one that the
    /// peer has closed if need be; tells whether it was opened for that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Resolve`], [`ErrorKind::Connect`] or [`ErrorKind::Timeout`];
    /// [`ErrorKind::InvalidArgument`] when there is no such endpoint.
    pub fn open<H: Host>(&self, endpoint: usize, deadline: u64, host: &mut H) -> Result<bool> {
        let endpoint = self
            .endpoints
            .get(endpoint)
            .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "there is no such endpoint"))?;
        let (_, opened) = self.checkout(endpoint, deadline, host)?;
        Ok(opened)
    }

    /// Whether this process has a link to an endpoint open, in use or idle.
    #[must_use]
    pub fn is_open(&self, endpoint: usize) -> bool {
        let endpoint = self.endpoints.get(endpoint);
        endpoint.is_some_and(|endpoint| endpoint.pool.open() > 0)
    }

    /// Closes the idle links to one endpoint, where `quit` with a word to the
    /// peer, which then closes first and keeps the port in TIME_WAIT.
    pub fn close_endpoint<H: Host>(&self, endpoint: usize, quit: bool, deadline: u64, host: &H) {
        let Some(endpoint) = self.endpoints.get(endpoint) else {
            return;
        };
        let links = endpoint.pool.drain();
        if quit {
            host.blocking(|| {
                for link in links {
                    say_goodbye(link, deadline);
                }
            });
        }
    }

    /// Closes idle links and, when `for_good`, refuses further calls.
    pub fn close(&self, for_good: bool) {
        for endpoint in &self.endpoints {
            endpoint.pool.close(for_good);
        }
    }
}

/// Tells the peer that nothing more will come and waits for it to close. A peer
/// that does otherwise is left.
fn say_goodbye(mut pooled: Box<Pooled>, deadline: u64) {
    let mut unsent = QUIT;
    while !unsent.is_empty() {
        let Ok(written) = pooled.link.write(unsent, deadline) else {
            return;
        };
        unsent = &unsent[written..];
    }
    // Nothing is owed, so whatever comes is the end.
    drop(pooled.link.read(&mut pooled.buffer, deadline));
}
