//! Replies without a known length, taken piece by piece.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::turn::{Failure, grow, turn};
use super::{Host, Runner};
use crate::client::delivery::labelled;
use crate::error::Result;
use crate::net::{self, Pooled};
use crate::protocol::{Reply, Request};

/// How often a wait looks whether the caller still wants to wait.
pub(super) const LOOK: Duration = Duration::from_millis(100);

impl Runner {
    /// Sends a request to one endpoint and gives the pieces of its reply to
    /// `each`, until that breaks off. The server may take `patience` for each
    /// piece, and all the time it wants for the whole.
    ///
    /// While nothing comes, `host` is asked ten times a second whether to go on.
    ///
    /// # Errors
    ///
    /// Those of the way to the server, with which the reply ends early, and
    /// what the host refuses with.
    pub(in crate::client) fn stream<H: Host>(
        &self,
        endpoint: usize,
        request: &Request<'_>,
        patience: Duration,
        host: &mut H,
        mut each: impl FnMut(Reply<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        let endpoint = &self.endpoints[endpoint];
        let label = &endpoint.label;
        let (mut lease, _) = self.checkout(endpoint, from_now(patience), host)?;
        lease
            .connection
            .enqueue(0, request)
            .map_err(|error| error.at(Arc::clone(label)))?;
        let mut give_up = from_now(patience);
        while lease.connection.outstanding() > 0 {
            let count = match turn(&mut lease, give_up.min(from_now(LOOK)), host) {
                Ok(0) => return Err(self.failed(endpoint, &mut lease, Failure::Closed, host)),
                Ok(count) => count,
                Err(error) if waits(&error, give_up) => {
                    host.interrupted()?;
                    continue;
                }
                Err(error) => return Err(self.failed(endpoint, &mut lease, error.into(), host)),
            };
            let Pooled {
                connection, buffer, ..
            } = &mut *lease;
            let mut chunk = &buffer[..count];
            loop {
                match connection.receive(&mut chunk) {
                    Ok(None) => break,
                    Ok(Some(received)) => {
                        if each(labelled(received.reply, label)).is_break() {
                            // The rest of the reply is lost with the link.
                            return Ok(());
                        }
                    }
                    Err(error) => {
                        let failure = Failure::Protocol(error);
                        return Err(self.failed(endpoint, &mut lease, failure, host));
                    }
                }
            }
            grow(buffer, count);
            give_up = from_now(patience);
        }
        self.succeeded(endpoint, &lease, host);
        Ok(())
    }

    /// Waits until a moment of [`net::now`], asking `host` ten times a second
    /// whether to go on.
    ///
    /// # Errors
    ///
    /// What the host refuses with.
    pub(in crate::client) fn pause<H: Host>(until: u64, host: &H) -> Result<()> {
        while net::now() < until {
            // Both ends of the wait are reasons to look.
            drop(host.blocking(|| net::wait(&[], until.min(from_now(LOOK)))));
            host.interrupted()?;
        }
        Ok(())
    }
}

/// Whether a turn without bytes is no failure yet.
pub(super) fn waits(error: &io::Error, give_up: u64) -> bool {
    match error.kind() {
        io::ErrorKind::Interrupted => true,
        io::ErrorKind::TimedOut => net::now() < give_up,
        _ => false,
    }
}

pub(super) fn from_now(duration: Duration) -> u64 {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    net::now().saturating_add(nanoseconds)
}
