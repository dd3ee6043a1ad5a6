//! What a runner needs from the language it runs in.

use std::time::Duration;

use crate::client::log::Entry;
use crate::client::operation::{Answer, Part};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::net::{Address, Link, SocketLink};
use crate::protocol::Hits;

/// How a runner treats the thread it runs on, and the caller.
pub trait Host {
    /// Runs work that may wait for the network.
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R;

    /// Tells that a signal came while waiting.
    ///
    /// # Errors
    ///
    /// When the call is to end because of it.
    fn interrupted(&self) -> Result<()>;

    /// Asks the caller's function. No link is held meanwhile.
    ///
    /// # Errors
    ///
    /// When the function failed; the call ends with that.
    fn ask(&mut self) -> Result<Answer>;

    /// Takes a piece of the result.
    fn part(&mut self, part: Part<'_>);

    /// Takes note of what happened to a server, for the log. No lock is held, but
    /// a link may be. By default `tracing` is told at once.
    fn note(&mut self, entry: Entry) {
        entry.trace();
    }

    /// Takes hits that came together; each is a [`Part::Item`] unless there is
    /// a shorter way.
    fn hits(&mut self, hits: &Hits<'_>) {
        for hit in hits.as_slice() {
            self.part(Part::Item((*hit).into()));
        }
    }

    /// What each piece of the result may take, where the call as a whole has no
    /// deadline: that is put off with every piece. Time that the caller spends
    /// on a piece does not count.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Whether the caller has enough: the call then ends, with an error of
    /// kind [`ErrorKind::Closed`], and the links it used are closed.
    fn is_over(&self) -> bool {
        false
    }
}

/// Opens links to an endpoint; replaced where sockets are not the system's own.
pub trait Connector: Send + Sync + std::fmt::Debug {
    /// Opens a link.
    ///
    /// # Errors
    ///
    /// See [`SocketLink::connect`].
    fn connect(&self, address: &Address, times: &Times, deadline: u64) -> Result<Box<dyn Link>>;
}

/// Opens plain sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainConnector;

impl Connector for PlainConnector {
    fn connect(&self, address: &Address, times: &Times, deadline: u64) -> Result<Box<dyn Link>> {
        SocketLink::connect(address, times.connect_timeout, times.timeout, deadline)
            .map(|link| Box::new(link) as _)
    }
}

/// How long things may take, and what becomes of failures.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// What a call takes at most, unless it says otherwise.
    pub timeout: Duration,
    /// What opening a connection takes at most.
    pub connect_timeout: Duration,
    /// How often a read is made again.
    pub retry_attempts: u32,
    /// Whether a failing server passes as a miss.
    pub degrade: bool,
}
