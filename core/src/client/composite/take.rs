//! `take`: read an item and remove it, so that one caller gets it.

use super::{read, send, unexpected};
use crate::client::operation::{Composite, Input, Moment, Outbox, Outcome, Part, Parts, Step};
use crate::error::ErrorKind;
use crate::protocol::{Delete, Expiry, Reply, Request, Store, StoreMode};

/// Reads an item and removes that very version of it.
///
/// The item is given as a part; it counts only if the outcome is yes. With meta
/// commands the removal is a delete with the cas id, in text a compare-and-swap
/// with an expiry in the past, which every server knows.
#[derive(Debug)]
pub(in crate::client) struct Take {
    endpoint: usize,
    key: Vec<u8>,
    cas: u64,
    found: bool,
    removing: bool,
}

impl Take {
    pub(in crate::client) const fn new(endpoint: usize, key: Vec<u8>) -> Self {
        Self {
            endpoint,
            key,
            cas: 0,
            found: false,
            removing: false,
        }
    }

    fn read(&mut self, outbox: &mut Outbox<'static>) -> Step {
        self.found = false;
        self.removing = false;
        send(outbox, self.endpoint, read(&self.key))
    }

    fn remove(&mut self, outbox: &mut Outbox<'static>) -> Step {
        self.removing = true;
        let delete = Delete {
            key: self.key.clone().into(),
            cas: Some(self.cas),
        };
        send(outbox, self.endpoint, Request::Delete(delete))
    }

    fn expire(&self, outbox: &mut Outbox<'static>) -> Step {
        let store = Store {
            mode: StoreMode::Set,
            key: self.key.clone().into(),
            flags: 0,
            expiry: Expiry::AT_ONCE,
            value: Vec::new().into(),
            cas: Some(self.cas),
        };
        send(outbox, self.endpoint, Request::Store(store))
    }
}

impl Composite for Take {
    fn step(
        &mut self,
        input: Input<'_>,
        _now: Moment,
        outbox: &mut Outbox<'static>,
        parts: &mut dyn Parts,
    ) -> Step {
        match input {
            Input::Start => self.read(outbox),
            Input::Failed { error, .. }
                if error.kind() == ErrorKind::Unsupported && self.removing =>
            {
                self.expire(outbox)
            }
            Input::Failed { error, .. } => Step::Done(Err(error)),
            Input::Answer(_) | Input::Elapsed => Step::Continue,
            Input::Reply { reply, last, .. } => match reply {
                Reply::Failed(error) => Step::Done(Err(error)),
                Reply::Item(item) if !self.removing => {
                    self.cas = item.cas.unwrap_or_default();
                    self.found = true;
                    parts.part(Part::Item(item));
                    if last {
                        self.remove(outbox)
                    } else {
                        Step::Continue
                    }
                }
                Reply::End if self.found && !self.removing => self.remove(outbox),
                Reply::End | Reply::NotFound => Step::Done(Ok(Outcome::Flag(false))),
                Reply::Deleted | Reply::Stored => Step::Done(Ok(Outcome::Flag(true))),
                // Somebody stored a newer one: take that.
                Reply::Exists => self.read(outbox),
                other => unexpected(&other),
            },
        }
    }
}
