//! What a migration did.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// What a [`Migration`](super::Migration) has done.
///
/// Every key that was listed is in one of the counts that follow.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MigrationSummary {
    /// Keys that the source servers listed, or that were given.
    pub listed: u64,
    /// Keys without the source's prefix; they belong to somebody else.
    pub outside: u64,
    /// Keys on another source server than the placement says; no client reads
    /// them there.
    pub misplaced: u64,
    /// Keys that are on their server already, because it has them in both
    /// placements.
    pub in_place: u64,
    /// Keys that were gone when they were read: expired, deleted or evicted.
    pub gone: u64,
    /// Keys that the target had already and that were left as they were there.
    pub present: u64,
    /// Items that were written, or that would have been.
    pub copied: u64,
    /// Items that are the same on both sides.
    pub same: u64,
    /// Items that the target does not have.
    pub missing: u64,
    /// Items whose flags or bytes are others on the target.
    pub different: u64,
    /// Keys that failed.
    pub failed: u64,
    /// Bytes of the values that were written, or would have been, or that were
    /// compared.
    pub bytes: u64,
    /// The time it took.
    pub elapsed: Duration,
    /// Whether it came to its end: it was not stopped, not given up after too
    /// many failures, and every server has listed its keys.
    pub finished: bool,
    /// Why servers did not list all their keys.
    pub unlisted: Vec<Error>,
    /// The keys that failed, are missing or differ. They are what to give to
    /// the next run.
    pub unresolved: Vec<Unresolved>,
}

impl MigrationSummary {
    /// Returns how many keys belong to another server than before.
    #[must_use]
    pub const fn moved(&self) -> u64 {
        self.listed - self.outside - self.misplaced - self.in_place
    }
}

impl fmt::Display for MigrationSummary {
    /// Tells the counts that are not 0 in one line, such as `1200 keys: 1100
    /// copied, 90 in place, 10 gone; 52000 bytes in 0.3 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.listed)?;
        let counts = [
            (self.copied, "copied"),
            (self.present, "already there"),
            (self.same, "the same"),
            (self.missing, "missing"),
            (self.different, "different"),
            (self.in_place, "in place"),
            (self.misplaced, "misplaced"),
            (self.outside, "outside of the prefix"),
            (self.gone, "gone"),
            (self.failed, "failed"),
        ];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        for (position, (count, name)) in told.enumerate() {
            let separator = if position == 0 { ": " } else { ", " };
            write!(f, "{separator}{count} {name}")?;
        }
        let seconds = self.elapsed.as_secs_f64();
        write!(f, "; {} bytes in {seconds:.1} s", self.bytes)?;
        if !self.finished {
            f.write_str("; not finished")?;
        }
        Ok(())
    }
}

/// A key that is not on the target as it is on the source.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unresolved {
    /// The key without prefixes.
    pub key: Vec<u8>,
    /// The server that the reason is about.
    pub server: Arc<str>,
    /// The reason.
    pub reason: Reason,
}

/// Why a key is not on the target as it is on the source.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// Flags or bytes are others.
    Different,
    /// A request failed.
    Failed(Error),
    /// The target does not have it.
    Missing,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Different => f.write_str("flags or bytes are different"),
            Self::Failed(error) => error.fmt(f),
            Self::Missing => f.write_str("not on the target"),
        }
    }
}
