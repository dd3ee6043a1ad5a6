//! Knowing whether this process is still the one that made a thing.
//!
//! After a fork the child holds copies of sockets, locks and thread handles that
//! belong to its parent. Whoever keeps such things remembers where they were
//! made, and a copy in another process does nothing. The bindings raise the
//! generation from their at-fork hooks (`os.register_at_fork` in Python), so
//! that asking is one atomic load and not a system call.
//!
//! ```
//! use memoxide::fork;
//!
//! let before = fork::generation();
//! fork::raise();
//! assert_eq!(fork::generation(), before + 1);
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Returns the number of forks between the first process and this one, as far
/// as the bindings reported them.
#[must_use]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Tells the core that this process is a new child; called by the bindings in
/// the child, right after the fork.
pub fn raise() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// The process a thing was made in.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Origin {
    generation: u64,
    process: u32,
}

#[cfg(feature = "server")]
impl Origin {
    /// Remembers this process.
    pub(crate) fn here() -> Self {
        Self {
            generation: generation(),
            process: std::process::id(),
        }
    }

    /// Whether this is still the same process. Asks the system as well, since
    /// a fork outside of the bindings raises nothing: not for hot paths.
    pub(crate) fn is_here(self) -> bool {
        self == Self::here()
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    #[test]
    fn another_generation_is_another_process() {
        // Not by `raise`, which would disarm the servers of other tests.
        let origin = Origin {
            generation: generation() + 1,
            ..Origin::here()
        };
        assert!(!origin.is_here());
    }

    #[test]
    fn another_process_is_noticed_without_a_hook() {
        let origin = Origin {
            process: std::process::id() + 1,
            ..Origin::here()
        };
        assert!(!origin.is_here());
    }
}
