//! The keys that a server lists.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::client::blocking::{Host, Runner};
use crate::client::composite::Uptake;
use crate::client::operation::{Answer, Part};
use crate::client::plan::{Place, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::DumpedKey;

/// How long a server may take for the next piece of its list, or be busy with
/// the list of somebody else.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a list tells about a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Listed {
    /// The key on the wire.
    pub(super) key: Vec<u8>,
    /// When the item expires, in seconds since 1970.
    pub(super) expires: Option<u64>,
    /// The bytes it takes.
    pub(super) size: u64,
}

/// Gives every key that one server lists to `each`, until that breaks off. It is
/// to be quick: the server may hold a lock of items meanwhile.
///
/// While nothing comes, `interrupted` is asked ten times a second.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] when the server cannot list keys; those of the way
/// to it, with which the list is not complete; what `interrupted` fails with.
pub(super) fn list(
    plan: &Plan,
    runner: &Arc<Runner>,
    endpoint: usize,
    interrupted: &dyn Fn() -> Result<()>,
    each: &mut dyn FnMut(Listed) -> ControlFlow<()>,
) -> Result<()> {
    let operation = plan.list_keys(Uptake::Immediate, Place::Endpoint(endpoint))?;
    let mut reading = runner.begin(operation, PATIENCE);
    let mut lister = Lister {
        interrupted,
        each,
        end: None,
    };
    let mut read = Ok(true);
    while lister.end.is_none() && matches!(read, Ok(true)) {
        read = reading.next(&mut lister);
    }
    lister.end.unwrap_or_else(|| read.map(drop))
}

/// The thread that reads a list.
struct Lister<'s> {
    interrupted: &'s dyn Fn() -> Result<()>,
    each: &'s mut dyn FnMut(Listed) -> ControlFlow<()>,
    /// Set when nothing more is wanted.
    end: Option<Result<()>>,
}

impl Host for Lister<'_> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    fn interrupted(&self) -> Result<()> {
        (self.interrupted)()
    }

    fn ask(&mut self) -> Result<Answer> {
        let message = "a list asks nothing";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    fn part(&mut self, part: Part<'_>) {
        let Part::Line { line, .. } = part else {
            return;
        };
        if self.end.is_some() {
            return;
        }
        let flow = DumpedKey::parse(line).map(
            |DumpedKey {
                 key, expires, size, ..
             }| (self.each)(Listed { key, expires, size }),
        );
        match flow {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
    }
}
