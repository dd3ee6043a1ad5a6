//! Why a text or a payload is refused, and where.

use std::fmt;

/// A broken rule of a format, and where it is broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flaw {
    /// The offset in bytes.
    pub at: usize,
    /// The rule that is broken.
    pub rule: &'static str,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.rule, self.at)
    }
}

impl std::error::Error for Flaw {}
