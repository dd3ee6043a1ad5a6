//! Operations that decide on the way: each a small state machine over plain
//! requests, driven like any other operation.

mod counter;
mod listing;
mod lock;
mod namespace;
mod pace;
mod take;
mod update;

pub(super) use counter::Counter;
pub(super) use listing::Listing;
pub use listing::Uptake;
pub(super) use lock::{Acquire, Release};
pub(super) use namespace::{Goal, Scoped};
pub(super) use take::Take;
pub(super) use update::Update;

use super::operation::{Dispatch, Outbox, Step};
use crate::error::{Error, ErrorKind};
use crate::protocol::{Keys, Reply, Request, Retrieve, Want};

/// Sends one request to the endpoint of a composite.
fn send(outbox: &mut Outbox<'static>, endpoint: usize, request: Request<'static>) -> Step {
    outbox.push(Dispatch {
        id: 0,
        endpoint,
        request,
    });
    Step::Continue
}

/// Asks for a value and its cas id.
fn read(key: &[u8]) -> Request<'static> {
    Request::Retrieve(Retrieve {
        keys: Keys::One(key.to_vec().into()),
        want: Want::VALUE | Want::CAS,
        touch: None,
        bump: true,
    })
}

/// The end of an operation that got an answer to something else.
fn unexpected(reply: &Reply<'_>) -> Step {
    let message = format!(
        "unexpected kind of reply: {:?}",
        std::mem::discriminant(reply)
    );
    Step::Done(Err(Error::new(ErrorKind::Protocol, message)))
}
