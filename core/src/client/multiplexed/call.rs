//! A call under way, as its caller waits for it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use tokio::sync::Notify;

use super::Driver;
use super::calls::{Gathered, Slot};
use crate::client::engine::Ticket;
use crate::client::operation::{Answer, Moment, Operation, Outcome};
use crate::client::view::Conversation;
use crate::error::{Error, ErrorKind, Result, Sent};

/// A call under way. Dropping it gives the call up.
#[derive(Debug)]
struct Call {
    driver: Arc<Driver>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    New {
        operation: Option<Operation<'static>>,
        deadline: Moment,
        streams: bool,
    },
    Waiting {
        token: u64,
        ticket: Ticket,
        /// Tells the state that the call belongs to.
        timer: Arc<Notify>,
    },
    Over,
}

/// What a call tells its caller.
#[derive(Debug)]
enum Event {
    /// The caller's function is wanted; [`Call::answer`] takes what it says.
    Asked(Gathered, Ticket),
    /// The call is over.
    Ended(Gathered, Result<Outcome>),
    /// Pieces have come.
    Gathered(Gathered),
}

impl Driver {
    /// Runs an operation to its end, at the latest until `deadline`. The caller's
    /// side is heard while no lock is held.
    pub(in crate::client) async fn run(
        self: &Arc<Self>,
        operation: Operation<'static>,
        deadline: Moment,
        conversation: &mut (dyn Conversation + Send),
    ) -> Result<Outcome> {
        let mut call = Call {
            driver: Arc::clone(self),
            stage: Stage::New {
                operation: Some(operation),
                deadline,
                streams: conversation.streams(),
            },
        };
        loop {
            match poll_fn(|context| call.poll(context)).await {
                Event::Gathered(gathered) => gathered.replay(conversation),
                Event::Asked(gathered, ticket) => {
                    gathered.replay(conversation);
                    call.answer(ticket, conversation.ask()?);
                }
                Event::Ended(gathered, result) => {
                    gathered.replay(conversation);
                    return result;
                }
            }
            if conversation.is_over() {
                let message = "call was broken off by its caller";
                return Err(Error::new(ErrorKind::Closed, message));
            }
        }
    }
}

impl Call {
    /// Waits for what happens next.
    fn poll(&mut self, context: &Context<'_>) -> Poll<Event> {
        match &mut self.stage {
            Stage::New {
                operation,
                deadline,
                streams,
            } => {
                let (deadline, streams) = (*deadline, *streams);
                match operation.take() {
                    Some(operation) => self.begin(operation, deadline, streams, context),
                    None => Poll::Pending,
                }
            }
            Stage::Waiting { .. } => self.look(context),
            Stage::Over => Poll::Pending,
        }
    }

    fn begin(
        &mut self,
        operation: Operation<'static>,
        deadline: Moment,
        streams: bool,
        context: &Context<'_>,
    ) -> Poll<Event> {
        self.stage = Stage::Over;
        if self.driver.refuses.load(Ordering::Relaxed) {
            let error = Error::new(ErrorKind::Closed, "client is closed").sent(Sent::NotSent);
            return Poll::Ready(Event::Ended(Gathered::default(), Err(error)));
        }
        let (stage, event) = self.driver.with_state(|state, now| {
            let token = state.calls.open(streams);
            let calls = &mut state.calls;
            let ticket = state.engine.submit(token, operation, deadline, now, calls);
            let slot = &mut state.calls.slots[token as usize];
            if slot.result.is_some() {
                return (Stage::Over, Some(ended(state.calls.close(token))));
            }
            let event = hear(slot, context);
            let timer = Arc::clone(&state.timer);
            let stage = Stage::Waiting {
                token,
                ticket,
                timer,
            };
            (stage, event)
        });
        self.stage = stage;
        event.map_or(Poll::Pending, Poll::Ready)
    }

    fn look(&mut self, context: &Context<'_>) -> Poll<Event> {
        let Stage::Waiting { token, timer, .. } = &self.stage else {
            return Poll::Pending;
        };
        let mut guard = self.driver.state.lock();
        let state = guard
            .as_mut()
            .filter(|state| Arc::ptr_eq(&state.timer, timer));
        let event = match state {
            None => {
                let message = "connection lost: client is used on another runtime";
                let error = Error::new(ErrorKind::ConnectionLost, message);
                let result = Err(error.sent(Sent::MaybeApplied));
                Event::Ended(Gathered::default(), result)
            }
            Some(state) => {
                let slot = &mut state.calls.slots[*token as usize];
                if slot.result.is_none() {
                    return hear(slot, context).map_or(Poll::Pending, Poll::Ready);
                }
                ended(state.calls.close(*token))
            }
        };
        drop(guard);
        self.stage = Stage::Over;
        Poll::Ready(event)
    }

    /// Passes on what the caller's function said.
    fn answer(&self, ticket: Ticket, answer: Answer) {
        if let Stage::Waiting { timer, .. } = &self.stage {
            self.driver.with_own_state(timer, |state, now| {
                state.engine.answer(ticket, answer, now, &mut state.calls);
            });
        }
    }
}

/// Takes what came for a call that is not over, or leaves the waker.
fn hear(slot: &mut Slot, context: &Context<'_>) -> Option<Event> {
    if let Some(ticket) = slot.asked.take() {
        let gathered = std::mem::take(&mut slot.gathered);
        return Some(Event::Asked(gathered, ticket));
    }
    if slot.streams && !slot.gathered.is_empty() {
        return Some(Event::Gathered(std::mem::take(&mut slot.gathered)));
    }
    match &mut slot.waker {
        Some(waker) => waker.clone_from(context.waker()),
        None => slot.waker = Some(context.waker().clone()),
    }
    None
}

/// The end of a call whose slot has a result.
fn ended(slot: Slot) -> Event {
    let result = slot.result.unwrap_or_else(|| {
        let message = "call ended without a result";
        Err(Error::new(ErrorKind::Protocol, message))
    });
    Event::Ended(slot.gathered, result)
}

impl Drop for Call {
    fn drop(&mut self) {
        let Stage::Waiting {
            token,
            ticket,
            timer,
        } = &self.stage
        else {
            return;
        };
        let mut guard = self.driver.state.lock();
        let state = guard
            .as_mut()
            .filter(|state| Arc::ptr_eq(&state.timer, timer));
        if let Some(state) = state {
            state.engine.cancel(*ticket);
            drop(state.calls.close(*token));
            state.close_given_up();
        }
    }
}
