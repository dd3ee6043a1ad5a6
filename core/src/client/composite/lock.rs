//! A lock in the cache: owned by a token, released only by its owner.

use std::time::Duration;

use super::pace::Pace;
use super::{read, send, unexpected};
use crate::client::operation::{
    CasOutcome, Composite, Input, Moment, Outbox, Outcome, Parts, Step,
};
use crate::error::ErrorKind;
use crate::protocol::{Delete, Expiry, Reply, Request, Store, StoreMode};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Takes a lock, waiting for it if it is held.
#[derive(Debug)]
pub(in crate::client) struct Acquire {
    endpoint: usize,
    store: Store<'static>,
    wait: Duration,
    until: Option<Moment>,
    pace: Pace,
    /// Whether an `add` ended without a reply, so that the lock may be ours.
    unsure: bool,
}

impl Acquire {
    /// Tries for `wait`; the lock is given back by itself when `expiry` comes.
    pub(in crate::client) fn new(
        endpoint: usize,
        key: Vec<u8>,
        token: Vec<u8>,
        expiry: Expiry,
        wait: Duration,
    ) -> Self {
        let store = Store {
            mode: StoreMode::Add,
            key: key.into(),
            flags: 0,
            expiry,
            value: token.into(),
            cas: None,
        };
        Self {
            endpoint,
            store,
            wait,
            until: None,
            pace: Pace::new(LONGEST_PAUSE),
            unsure: false,
        }
    }

    fn add(&self, outbox: &mut Outbox<'static>) -> Step {
        send(outbox, self.endpoint, Request::Store(self.store.clone()))
    }

    fn held_by_another(&mut self, now: Moment) -> Step {
        let again = self.pace.next(now);
        if self.until.is_some_and(|until| again <= until) {
            return Step::Wait(again);
        }
        Step::Done(Ok(Outcome::Flag(false)))
    }
}

impl Composite for Acquire {
    fn step(
        &mut self,
        input: Input<'_>,
        now: Moment,
        outbox: &mut Outbox<'static>,
        _parts: &mut dyn Parts,
    ) -> Step {
        match input {
            Input::Start => {
                self.until = Some(now.after(self.wait));
                self.add(outbox)
            }
            Input::Elapsed => self.add(outbox),
            Input::Answer(_) => Step::Continue,
            Input::Failed { error, .. } if error.is_ambiguous() && !self.unsure => {
                // The token tells whether the lost request took the lock.
                self.unsure = true;
                send(outbox, self.endpoint, read(&self.store.key))
            }
            Input::Failed { error, .. } => Step::Done(Err(error)),
            Input::Reply { reply, .. } => match reply {
                Reply::Failed(error) => Step::Done(Err(error)),
                Reply::Stored => Step::Done(Ok(Outcome::Flag(true))),
                Reply::Item(item) if item.value == self.store.value => {
                    Step::Done(Ok(Outcome::Flag(true)))
                }
                Reply::Item(_) | Reply::NotStored => self.held_by_another(now),
                // Nobody has it after all; or the end behind another's token.
                Reply::End => Step::Wait(self.pace.next(now)),
                other => unexpected(&other),
            },
        }
    }
}

/// Gives a lock back, or extends it, if the token is still its owner.
///
/// The outcome is yes when it was, no when the lock is another's or gone.
#[derive(Debug)]
pub(in crate::client) struct Release {
    endpoint: usize,
    key: Vec<u8>,
    token: Vec<u8>,
    /// The new expiry of an extended lock; `None` gives it back.
    extend: Option<Expiry>,
    /// The cas id of the item that holds our token.
    owned: Option<u64>,
    changing: bool,
}

impl Release {
    pub(in crate::client) const fn new(
        endpoint: usize,
        key: Vec<u8>,
        token: Vec<u8>,
        extend: Option<Expiry>,
    ) -> Self {
        Self {
            endpoint,
            key,
            token,
            extend,
            owned: None,
            changing: false,
        }
    }

    /// Changes the item with the cas id that was read.
    fn change(&mut self, outbox: &mut Outbox<'static>, cas: u64, text: bool) -> Step {
        self.changing = true;
        let key = self.key.clone().into();
        let request = match self.extend {
            None if !text => Request::Delete(Delete {
                key,
                cas: Some(cas),
            }),
            // Text knows no delete with a cas id; an expiry in the past is one.
            extend => Request::Store(Store {
                mode: StoreMode::Set,
                key,
                flags: 0,
                expiry: extend.unwrap_or(Expiry::AT_ONCE),
                value: self.token.clone().into(),
                cas: Some(cas),
            }),
        };
        send(outbox, self.endpoint, request)
    }
}

impl Composite for Release {
    fn step(
        &mut self,
        input: Input<'_>,
        _now: Moment,
        outbox: &mut Outbox<'static>,
        _parts: &mut dyn Parts,
    ) -> Step {
        let reply = match input {
            Input::Start => return send(outbox, self.endpoint, read(&self.key)),
            Input::Answer(_) | Input::Elapsed => return Step::Continue,
            Input::Failed { error, .. } => {
                return match self.owned {
                    Some(cas) if error.kind() == ErrorKind::Unsupported => {
                        self.change(outbox, cas, true)
                    }
                    _ => Step::Done(Err(error)),
                };
            }
            Input::Reply { reply, last, .. } => match reply {
                Reply::Item(item) => {
                    if *item.value == *self.token {
                        self.owned = item.cas;
                    }
                    if !last {
                        return Step::Continue;
                    }
                    Reply::End
                }
                reply => reply,
            },
        };
        match (reply, self.owned) {
            (Reply::Failed(error), _) => Step::Done(Err(error)),
            (Reply::End, Some(cas)) if !self.changing => self.change(outbox, cas, false),
            (Reply::End, _) => Step::Done(Ok(Outcome::Cas(CasOutcome::NotFound))),
            (Reply::Deleted | Reply::Stored, _) => Step::Done(Ok(Outcome::Cas(CasOutcome::Stored))),
            (Reply::Exists, _) => Step::Done(Ok(Outcome::Cas(CasOutcome::Exists))),
            (Reply::NotFound, _) => Step::Done(Ok(Outcome::Cas(CasOutcome::NotFound))),
            (other, _) => unexpected(&other),
        }
    }
}
