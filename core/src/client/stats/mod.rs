//! Reports of servers as typed values.
//!
//! memcached reports figures as lines of names and texts. The types here read
//! them under memcached's own names, so that its documentation is theirs; what
//! a server does not report is zero, no or empty, and what they do not know is
//! in [`raw`](General::raw). Asking the servers is left to the clients.
//!
//! ```
//! use memoxide::client::stats::{General, RawReport, Report};
//!
//! let raw: RawReport = [("curr_items", "2"), ("get_hits", "90"), ("get_misses", "10")]
//!     .map(|(name, text)| (name.to_owned(), text.to_owned()))
//!     .into();
//! let report = General::read(raw);
//! assert_eq!(report.curr_items, 2);
//! assert_eq!(report.hit_ratio(), Some(0.9));
//! ```

mod classes;
mod general;
mod lists;
mod settings;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::classes::{ItemClass, Items, SlabClass, Slabs};
pub use self::general::General;
pub use self::lists::{Connection, Connections, Sizes};
pub use self::settings::Settings;
use crate::error::{Error, ErrorKind, Result};

/// A report as the server gave it: names and texts.
pub type RawReport = BTreeMap<String, String>;

/// A report of one kind.
pub trait Report: Serialize + Sized {
    /// What follows `stats` in the request; empty for the general report.
    const NAME: &'static str;

    /// Reads a report. Figures that are absent or malformed are left at zero.
    fn read(raw: RawReport) -> Self;
}

/// Reads the report of this name and writes it as JSON, for bindings.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] when there is no type for such a report.
pub fn to_json(name: &str, raw: RawReport) -> Result<String> {
    fn written<R: Report>(raw: RawReport) -> Result<String> {
        serde_json::to_string(&R::read(raw)).map_err(|error| {
            Error::new(ErrorKind::Encode, "report cannot be written as JSON").caused_by(error)
        })
    }
    match name {
        General::NAME => written::<General>(raw),
        Settings::NAME => written::<Settings>(raw),
        Items::NAME => written::<Items>(raw),
        Slabs::NAME => written::<Slabs>(raw),
        Sizes::NAME => written::<Sizes>(raw),
        Connections::NAME => written::<Connections>(raw),
        _ => {
            let message = format!(
                "there is no type for the report \"{}\"",
                name.escape_debug()
            );
            Err(Error::new(ErrorKind::InvalidArgument, message))
        }
    }
}

#[cfg(test)]
mod tests;
