//! Counting with an initial value or a new expiry.

use super::{send, unexpected};
use crate::client::operation::{Composite, Input, Moment, Outbox, Outcome, Parts, Step};
use crate::error::ErrorKind;
use crate::protocol::{Arithmetic, Reply, Request, Store, StoreMode, Touch};

/// Counts; an absent counter is created with its initial value.
///
/// The meta command that does this in one request creates items without flags,
/// which would come back as bytes and not as a number. So a missing counter is
/// added, with the flags of an integer; if another caller was faster, counting
/// begins again. A new expiry goes along with a meta command; in text it is a
/// request of its own.
#[derive(Debug)]
pub(in crate::client) struct Counter {
    endpoint: usize,
    request: Arithmetic<'static>,
    /// What is added when there is no counter.
    initial: Option<(u64, Store<'static>)>,
    /// Whether the server knows no meta commands.
    text: bool,
    number: Option<u64>,
}

impl Counter {
    /// `flags` and the expiry of `initial` are those of the counter it creates.
    pub(in crate::client) fn new(
        endpoint: usize,
        request: Arithmetic<'static>,
        initial: Option<(u64, u32, crate::protocol::Expiry)>,
    ) -> Self {
        let initial = initial.map(|(number, flags, expiry)| {
            let store = Store {
                mode: StoreMode::Add,
                key: request.key.clone(),
                flags,
                expiry,
                value: number.to_string().into_bytes().into(),
                cas: None,
            };
            (number, store)
        });
        Self {
            endpoint,
            request,
            initial,
            text: false,
            number: None,
        }
    }

    fn count(&self, outbox: &mut Outbox<'static>) -> Step {
        let mut request = self.request.clone();
        if self.text {
            request.touch = None;
        }
        send(outbox, self.endpoint, Request::Arithmetic(request))
    }

    fn done(number: Option<u64>) -> Step {
        Step::Done(Ok(Outcome::Number(number)))
    }
}

impl Composite for Counter {
    fn step(
        &mut self,
        input: Input<'_>,
        _now: Moment,
        outbox: &mut Outbox<'static>,
        _parts: &mut dyn Parts,
    ) -> Step {
        let reply = match input {
            Input::Start => return self.count(outbox),
            Input::Failed { error, .. } if error.kind() == ErrorKind::Unsupported && !self.text => {
                self.text = true;
                return self.count(outbox);
            }
            Input::Failed { error, .. } => return Step::Done(Err(error)),
            Input::Answer(_) | Input::Elapsed => return Step::Continue,
            Input::Reply { reply, .. } => reply,
        };
        match reply {
            Reply::Failed(error) => Step::Done(Err(error)),
            Reply::Number(number) => match self.request.touch {
                Some(expiry) if self.text => {
                    self.number = Some(number);
                    let key = self.request.key.clone();
                    send(outbox, self.endpoint, Request::Touch(Touch { key, expiry }))
                }
                _ => Self::done(Some(number)),
            },
            // A counter that went away after it was counted was counted all the same.
            Reply::Touched => Self::done(self.number),
            Reply::NotFound if self.number.is_some() => Self::done(self.number),
            Reply::NotFound => match &self.initial {
                Some((_, store)) => send(outbox, self.endpoint, Request::Store(store.clone())),
                None => Self::done(None),
            },
            Reply::Stored => Self::done(self.initial.as_ref().map(|(number, _)| *number)),
            Reply::NotStored => self.count(outbox),
            other => unexpected(&other),
        }
    }
}
