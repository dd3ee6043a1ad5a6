//! A caller of the blocking runner, for tests that drive it without a client.

use std::time::Duration;

use memoxide::client::{Answer, Host, Part};
use memoxide::{Error, ErrorKind, Result};

/// A caller without functions who keeps of the pieces that come what `take` makes
/// of them.
pub(crate) struct Caller<T> {
    pub(crate) found: Vec<T>,
    /// What each piece may take, where it is not the whole that has a deadline.
    pub(crate) patience: Option<Duration>,
    take: fn(Part<'_>) -> Option<T>,
}

impl<T> Caller<T> {
    pub(crate) const fn new(take: fn(Part<'_>) -> Option<T>) -> Self {
        Self {
            found: Vec::new(),
            patience: None,
            take,
        }
    }
}

impl<T> Host for Caller<T> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    fn interrupted(&self) -> Result<()> {
        Ok(())
    }

    fn ask(&mut self) -> Result<Answer> {
        Err(Error::new(ErrorKind::InvalidArgument, "nothing to ask"))
    }

    fn part(&mut self, part: Part<'_>) {
        self.found.extend((self.take)(part));
    }

    fn patience(&self) -> Option<Duration> {
        self.patience
    }
}
