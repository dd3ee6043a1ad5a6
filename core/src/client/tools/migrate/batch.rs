//! Requests to any servers at once, with a result for each.

use std::sync::mpsc::Sender;

use crate::client::operation::{Composite, Dispatch, Input, Moment, Outbox, Outcome, Parts, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Item, Reply, Request};

/// What became of one request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The item that was read.
    Item(Item<'static>),
    /// There is none, or a condition was not met.
    No,
    /// It is done.
    Yes,
}

/// Requests that are made at once; each result is sent to the one who asked, by
/// the position of its request.
#[derive(Debug)]
pub(super) struct Batch {
    requests: Vec<(usize, Request<'static>)>,
    unanswered: usize,
    /// Hits whose reply is not over yet.
    hits: Vec<Option<Item<'static>>>,
    results: Sender<(usize, Result<Verdict>)>,
}

impl Batch {
    /// Creates an operation of requests to endpoints.
    pub(super) fn new(
        requests: Vec<(usize, Request<'static>)>,
        results: Sender<(usize, Result<Verdict>)>,
    ) -> Self {
        Self {
            unanswered: requests.len(),
            hits: vec![None; requests.len()],
            requests,
            results,
        }
    }

    fn settle(&mut self, id: u32, result: Result<Verdict>) {
        self.unanswered -= 1;
        // Who asked is gone only when nobody wants to know any more.
        drop(self.results.send((id as usize, result)));
    }
}

impl Composite for Batch {
    fn step(
        &mut self,
        input: Input<'_>,
        _now: Moment,
        outbox: &mut Outbox<'static>,
        _parts: &mut dyn Parts,
    ) -> Step {
        match input {
            Input::Start => {
                for (id, (endpoint, request)) in self.requests.drain(..).enumerate() {
                    outbox.push(Dispatch {
                        id: id as u32,
                        endpoint,
                        request,
                    });
                }
            }
            Input::Reply { id, reply, last } => {
                let verdict = match reply {
                    Reply::Item(item) => {
                        self.hits[id as usize] = Some(item.into_owned());
                        Ok(Verdict::Yes)
                    }
                    Reply::Failed(error) => Err(error),
                    Reply::Stored => Ok(Verdict::Yes),
                    Reply::End | Reply::NotStored | Reply::NotFound | Reply::Exists => {
                        Ok(Verdict::No)
                    }
                    _ => Err(unexpected()),
                };
                if last {
                    let hit = self.hits[id as usize].take().map(Verdict::Item);
                    self.settle(id, verdict.map(|verdict| hit.unwrap_or(verdict)));
                }
            }
            Input::Failed { id, error } => self.settle(id, Err(error)),
            Input::Answer(_) | Input::Elapsed => {}
        }
        if self.unanswered > 0 {
            Step::Continue
        } else {
            Step::Done(Ok(Outcome::Done))
        }
    }
}

#[cold]
fn unexpected() -> Error {
    let message = "server answers a request for an item with something else";
    Error::new(ErrorKind::Protocol, message)
}
