//! `update`: read, let the caller change, store if unchanged, else begin again.

use std::time::Duration;

use super::pace::Pace;
use super::{read, send, unexpected};
use crate::client::operation::{
    Answer, Composite, Input, Moment, Outbox, Outcome, Part, Parts, Step,
};
use crate::error::{Error, ErrorKind};
use crate::protocol::{Reply, Request, Store, StoreMode};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// A compare-and-swap loop.
///
/// Each round gives the present item, if there is one, as a part and asks the
/// caller's function for a new value. A store whose outcome is unknown ends the
/// loop: it is never made twice.
#[derive(Debug)]
pub(in crate::client) struct Update {
    endpoint: usize,
    key: Vec<u8>,
    attempts: u32,
    limit: u32,
    pace: Pace,
    cas: Option<u64>,
    storing: bool,
}

impl Update {
    /// Gives up with [`ErrorKind::Conflict`] after `limit` rounds.
    pub(in crate::client) fn new(endpoint: usize, key: Vec<u8>, limit: u32) -> Self {
        Self {
            endpoint,
            key,
            attempts: 0,
            limit: limit.max(1),
            pace: Pace::new(LONGEST_PAUSE),
            cas: None,
            storing: false,
        }
    }

    fn read(&mut self, outbox: &mut Outbox<'static>) -> Step {
        self.cas = None;
        self.storing = false;
        send(outbox, self.endpoint, read(&self.key))
    }

    fn lose(&mut self, now: Moment) -> Step {
        self.attempts += 1;
        if self.attempts < self.limit {
            return Step::Wait(self.pace.next(now));
        }
        let message = format!(
            "update gave up after {} attempts: other writers were faster",
            self.limit
        );
        Step::Done(Err(Error::new(ErrorKind::Conflict, message)))
    }
}

impl Composite for Update {
    fn step(
        &mut self,
        input: Input<'_>,
        now: Moment,
        outbox: &mut Outbox<'static>,
        parts: &mut dyn Parts,
    ) -> Step {
        match input {
            Input::Start | Input::Elapsed => self.read(outbox),
            Input::Answer(Answer::Leave) => Step::Done(Ok(Outcome::Flag(false))),
            Input::Answer(Answer::Store {
                flags,
                value,
                expiry,
            }) => {
                self.storing = true;
                let store = Store {
                    mode: if self.cas.is_some() {
                        StoreMode::Set
                    } else {
                        StoreMode::Add
                    },
                    key: self.key.clone().into(),
                    flags,
                    expiry,
                    value: value.into(),
                    cas: self.cas,
                };
                send(outbox, self.endpoint, Request::Store(store))
            }
            Input::Failed { error, .. } => Step::Done(Err(error)),
            Input::Reply { reply, last, .. } => match reply {
                Reply::Failed(error) => Step::Done(Err(error)),
                Reply::Item(item) if !self.storing => {
                    self.cas = item.cas;
                    parts.part(Part::Item(item));
                    if last { Step::Ask } else { Step::Continue }
                }
                Reply::End if !self.storing => Step::Ask,
                Reply::Stored => Step::Done(Ok(Outcome::Flag(true))),
                // Changed, gone or newly there: all mean to look again.
                Reply::Exists | Reply::NotFound | Reply::NotStored => self.lose(now),
                other => unexpected(&other),
            },
        }
    }
}
