//! Waits during which the caller is asked whether it still wants to wait.

use std::io;
use std::time::Duration;

use super::{Host, Runner};
use crate::error::Result;
use crate::net;

/// How often a wait looks whether the caller still wants to wait.
pub(super) const LOOK: Duration = Duration::from_millis(100);

impl Runner {
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
