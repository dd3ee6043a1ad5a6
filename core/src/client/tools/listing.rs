//! The keys that a server lists.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::client::blocking::{Host, Runner};
use crate::client::composite::{BUSY_PAUSE, is_busy};
use crate::client::operation::{Answer, Part};
use crate::error::{Error, ErrorKind, Result};
use crate::net;
use crate::protocol::{Admin, DumpedKey, Reply, Request};

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

/// Gives every key that one server lists to `each`, until that breaks off.
///
/// While nothing comes, `interrupted` is asked ten times a second.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] when the server cannot list keys; those of the way
/// to it, with which the list is not complete; what `interrupted` fails with.
pub(super) fn list(
    runner: &Runner,
    endpoint: usize,
    interrupted: &dyn Fn() -> Result<()>,
    each: &mut dyn FnMut(Listed) -> ControlFlow<()>,
) -> Result<()> {
    let mut host = Lister(interrupted);
    let give_up = net::now() + PATIENCE.as_nanos() as u64;
    loop {
        match list_once(runner, endpoint, &mut host, each) {
            Err(error) if is_busy(&error) && net::now() < give_up => {
                let again = net::now() + BUSY_PAUSE.as_nanos() as u64;
                Runner::pause(again, &host)?;
            }
            listed => return listed,
        }
    }
}

fn list_once(
    runner: &Runner,
    endpoint: usize,
    host: &mut Lister<'_>,
    each: &mut dyn FnMut(Listed) -> ControlFlow<()>,
) -> Result<()> {
    let mut failure = None;
    let request = Request::Admin(Admin::Metadump);
    let listed = runner.stream(endpoint, &request, PATIENCE, host, |reply| {
        let key = match reply {
            Reply::Failed(error) => Err(error),
            Reply::Line(line) => DumpedKey::parse(&line),
            _ => return ControlFlow::Continue(()),
        };
        match key {
            Ok(DumpedKey {
                key, expires, size, ..
            }) => each(Listed { key, expires, size }),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    failure.map_or(listed, Err)
}

/// The thread that reads a list.
struct Lister<'s>(&'s dyn Fn() -> Result<()>);

impl Host for Lister<'_> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    fn interrupted(&self) -> Result<()> {
        (self.0)()
    }

    fn ask(&mut self) -> Result<Answer> {
        let message = "a list asks nothing";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    fn part(&mut self, _part: Part<'_>) {}
}
