//! A call under way, as its caller waits for it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;

use super::Driver;
use super::calls::{Gathered, Slot};
use crate::client::engine::Ticket;
use crate::client::operation::{Answer, Moment, Operation, Outcome};
use crate::client::view::Conversation;
use crate::error::{Error, ErrorKind, Result, Sent};

/// A call under way. Dropping it gives the call up.
#[derive(Debug)]
pub(in crate::client) struct Call {
    driver: Arc<Driver>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    New {
        operation: Option<Operation<'static>>,
        limit: Limit,
    },
    Waiting {
        token: u64,
        ticket: Ticket,
        /// Tells the state that the call belongs to.
        timer: Arc<Notify>,
        /// Whether the engine was for staying awake when the call began.
        awake: bool,
    },
    Over,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// Until then.
    Deadline(Moment),
    /// So long for each piece, which the caller takes as it comes.
    Patience(Duration),
}

/// What a call tells its caller.
#[derive(Debug)]
pub(in crate::client) enum Event {
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
                limit: Limit::Deadline(deadline),
            },
        };
        loop {
            match call.next().await {
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
        }
    }

    /// Prepares an operation whose pieces are wanted as they come, each within
    /// `patience`.
    pub(in crate::client) fn stream(
        self: &Arc<Self>,
        operation: Operation<'static>,
        patience: Duration,
    ) -> Call {
        Call {
            driver: Arc::clone(self),
            stage: Stage::New {
                operation: Some(operation),
                limit: Limit::Patience(patience),
            },
        }
    }
}

impl Call {
    /// Waits for what happens next. The runtime looks for events without sleeping
    /// meanwhile, as long as the engine wants it: a task that has yielded is due.
    async fn next(&mut self) -> Event {
        loop {
            let polled = poll_fn(|context| Poll::Ready(self.poll(context))).await;
            if let Poll::Ready(event) = polled {
                return event;
            }
            let Stage::Waiting { awake: true, .. } = self.stage else {
                return poll_fn(|context| self.poll(context)).await;
            };
            if self.driver.is_to_sleep() {
                return poll_fn(|context| self.poll(context)).await;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits for what happens next.
    pub(in crate::client) fn poll(&mut self, context: &Context<'_>) -> Poll<Event> {
        match &mut self.stage {
            Stage::New { operation, limit } => {
                let limit = *limit;
                match operation.take() {
                    Some(operation) => self.begin(operation, limit, context),
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
        limit: Limit,
        context: &Context<'_>,
    ) -> Poll<Event> {
        self.stage = Stage::Over;
        if self.driver.refuses.load(Ordering::Relaxed) {
            let error = Error::new(ErrorKind::Closed, "client is closed").sent(Sent::NotSent);
            return Poll::Ready(Event::Ended(Gathered::default(), Err(error)));
        }
        let (stage, event) = self.driver.with_state(|state, now| {
            let token = state.calls.open();
            let (engine, calls) = (&mut state.engine, &mut state.calls);
            let (ticket, stream) = match limit {
                Limit::Deadline(deadline) => {
                    let ticket = engine.submit(token, operation, deadline, now, calls);
                    (ticket, None)
                }
                Limit::Patience(patience) => {
                    let ticket = engine.submit_stream(token, operation, patience, now, calls);
                    (ticket, Some(ticket))
                }
            };
            let slot = &mut state.calls.slots[token as usize];
            slot.stream = stream;
            if slot.result.is_some() {
                return (Stage::Over, Some(ended(state.calls.close(token))));
            }
            let event = hear(slot, context);
            let timer = Arc::clone(&state.timer);
            let awake = state.engine.awake_until().is_some();
            let stage = Stage::Waiting {
                token,
                ticket,
                timer,
                awake,
            };
            (stage, event)
        });
        self.stage = stage;
        event.map_or(Poll::Pending, Poll::Ready)
    }

    fn look(&mut self, context: &Context<'_>) -> Poll<Event> {
        let Stage::Waiting {
            token,
            ticket,
            timer,
            ..
        } = &self.stage
        else {
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
                    let event = hear(slot, context);
                    if event.is_some() && std::mem::take(&mut slot.paused) {
                        drop(guard);
                        self.driver.with_own_state(timer, |state, now| {
                            state.engine.resume(*ticket, now);
                        });
                    }
                    return event.map_or(Poll::Pending, Poll::Ready);
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
    if slot.stream.is_some() && !slot.gathered.is_empty() {
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
            ..
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
