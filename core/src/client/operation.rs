//! Operations: what a caller asked for, as a value advanced by pure steps.
//!
//! An operation names requests to send, is told their replies, and in the end
//! is done. Drivers move the bytes and keep the time; they know no command.
//!
//! Three shapes exist: one request to one server, several requests at once
//! (multi-key work, the whole cluster), and [`Composite`] for everything that
//! decides on the way (`update`, locks, `take`).

use std::collections::VecDeque;

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Expiry, Item, Reply, Request, StoreMode};

/// A moment on a monotonic clock of the driver's choice, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// Returns the moment `duration` later.
    #[must_use]
    pub fn after(self, duration: std::time::Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// Returns the time from `earlier` to here, zero when it lies behind.
    #[must_use]
    pub const fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A request and where it goes.
#[derive(Clone, Debug)]
pub struct Dispatch<'a> {
    /// Names the request towards its operation.
    pub id: u32,
    /// Which endpoint, by position in the configuration.
    pub endpoint: usize,
    /// What is asked.
    pub request: Request<'a>,
}

/// What an operation wants sent, in order.
#[derive(Debug, Default)]
pub struct Outbox<'a> {
    /// The first one lies beside the list, so that a single request costs no allocation.
    first: Option<Dispatch<'a>>,
    rest: VecDeque<Dispatch<'a>>,
}

impl<'a> Outbox<'a> {
    /// Appends a request.
    pub fn push(&mut self, dispatch: Dispatch<'a>) {
        if self.first.is_none() && self.rest.is_empty() {
            self.first = Some(dispatch);
        } else {
            self.rest.push_back(dispatch);
        }
    }

    /// Takes the oldest request.
    pub fn pop(&mut self) -> Option<Dispatch<'a>> {
        self.first.take().or_else(|| self.rest.pop_front())
    }

    /// Returns how many requests wait.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What an operation is told.
#[derive(Debug)]
pub enum Input<'r> {
    /// Begin.
    Start,
    /// A reply, or a part of one.
    Reply {
        /// The request's name.
        id: u32,
        /// What the server said.
        reply: Reply<'r>,
        /// Whether the request is answered completely.
        last: bool,
    },
    /// A request failed for good.
    Failed {
        /// The request's name.
        id: u32,
        /// Why.
        error: Error,
    },
    /// The caller's function answered.
    Answer(Answer),
    /// The time asked for by [`Step::Wait`] has come.
    Elapsed,
}

/// What the caller's function decided.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Leave the item as it is.
    Leave,
    /// Store this, already encoded.
    Store {
        /// The flags.
        flags: u32,
        /// The bytes.
        value: Vec<u8>,
        /// When it expires.
        expiry: Expiry,
    },
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// Ask the caller's function; the item it is about was given as a part before.
    Ask,
    /// Send what is in the outbox, if anything, and tell the replies.
    Continue,
    /// The operation is over.
    Done(Result<Outcome>),
    /// Come back with [`Input::Elapsed`] at this moment.
    Wait(Moment),
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The verdict on a compare-and-swap.
    Cas(CasOutcome),
    /// It is done, there is nothing to tell.
    Done,
    /// Yes or no: found, stored, deleted, touched.
    Flag(bool),
    /// Several keys: those that were not written, by position.
    Many {
        /// Positions of the keys that were refused by their server or absent.
        failed: Vec<usize>,
    },
    /// The counter's new number; `None` when there is none.
    Number(Option<u64>),
}

impl Outcome {
    /// Returns the yes or no; a verdict counts as yes when the item was stored.
    #[must_use]
    pub const fn flag(&self) -> bool {
        matches!(self, Self::Flag(true) | Self::Cas(CasOutcome::Stored))
    }

    /// Returns the verdict on a compare-and-swap.
    #[must_use]
    pub const fn cas(&self) -> CasOutcome {
        match self {
            Self::Cas(verdict) => *verdict,
            Self::Flag(true) => CasOutcome::Stored,
            _ => CasOutcome::NotFound,
        }
    }

    /// Returns the counter's new number.
    #[must_use]
    pub const fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => *number,
            _ => None,
        }
    }

    /// Returns the positions of the keys that were not written.
    #[must_use]
    pub fn into_failed(self) -> Vec<usize> {
        match self {
            Self::Many { failed } => failed,
            _ => Vec::new(),
        }
    }
}

/// The verdict on a compare-and-swap.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CasOutcome {
    /// The item changed since it was read.
    Exists,
    /// The item is gone.
    NotFound,
    /// The new value is stored.
    Stored,
}

/// A piece of the result, given to the driver as soon as it arrives.
#[derive(Debug)]
pub enum Part<'r> {
    /// A hit; `index` is the position of the key in the call.
    Item(Item<'r>),
    /// A line of a list of keys.
    Line {
        /// Which endpoint.
        endpoint: usize,
        /// The line as the server wrote it.
        line: &'r [u8],
    },
    /// A server carried out an administrative command.
    Ok {
        /// Which endpoint.
        endpoint: usize,
    },
    /// A line of a report.
    Stat {
        /// Which endpoint.
        endpoint: usize,
        /// The name of the figure.
        name: &'r [u8],
        /// Its value, as text.
        value: &'r [u8],
    },
    /// A server's version.
    Version {
        /// Which endpoint.
        endpoint: usize,
        /// The version as the server wrote it.
        version: &'r [u8],
    },
}

/// Where the pieces of a result go.
pub trait Parts {
    /// Takes one piece. A read that is repeated may give the same piece twice.
    fn part(&mut self, part: Part<'_>);
}

impl<F: FnMut(Part<'_>)> Parts for F {
    fn part(&mut self, part: Part<'_>) {
        self(part);
    }
}

/// What a caller asked for.
#[derive(Debug)]
pub enum Operation<'a> {
    /// Decides on the way.
    Composite(Box<dyn Composite>),
    /// One request to one server.
    Single(Single<'a>),
    /// Several requests at once.
    Spread(Box<Spread<'a>>),
}

/// An operation that decides on the way.
pub trait Composite: std::fmt::Debug + Send {
    /// Advances the operation.
    fn step(
        &mut self,
        input: Input<'_>,
        now: Moment,
        outbox: &mut Outbox<'static>,
        parts: &mut dyn Parts,
    ) -> Step;
}

impl<'a> Operation<'a> {
    /// Creates an operation of one request.
    #[must_use]
    pub fn single(endpoint: usize, request: Request<'a>) -> Self {
        let question = Question::of(&request);
        let dispatch = Dispatch {
            id: 0,
            endpoint,
            request,
        };
        Self::Single(Single {
            dispatch: Some(dispatch),
            endpoint,
            question,
            found: false,
        })
    }

    /// Creates an operation that decides on the way.
    #[must_use]
    pub fn composite(composite: impl Composite + 'static) -> Self {
        Self::Composite(Box::new(composite))
    }

    /// Returns the endpoints that the operation asks, by position in the
    /// configuration and in the order of its requests; empty where they are
    /// decided on the way.
    #[must_use]
    pub fn endpoints(&self) -> &[usize] {
        match self {
            Self::Composite(_) => &[],
            Self::Single(single) => std::slice::from_ref(&single.endpoint),
            Self::Spread(spread) => &spread.endpoints,
        }
    }

    /// Copies what is borrowed, so that the operation outlives the call.
    #[must_use]
    pub fn into_owned(self) -> Operation<'static> {
        fn own(dispatch: Dispatch<'_>) -> Dispatch<'static> {
            Dispatch {
                id: dispatch.id,
                endpoint: dispatch.endpoint,
                request: dispatch.request.into_owned(),
            }
        }
        match self {
            Self::Composite(composite) => Operation::Composite(composite),
            Self::Single(single) => Operation::Single(Single {
                dispatch: single.dispatch.map(own),
                endpoint: single.endpoint,
                question: single.question,
                found: single.found,
            }),
            Self::Spread(spread) => Operation::Spread(Box::new(Spread {
                dispatches: spread.dispatches.into_iter().map(own).collect(),
                positions: spread.positions,
                endpoints: spread.endpoints,
                unanswered: spread.unanswered,
                failed: spread.failed,
                errors: spread.errors,
                answered: spread.answered,
                each_has_key: spread.each_has_key,
            })),
        }
    }

    /// Whether a failing server may pass as a miss: reads, and writes that
    /// decide nothing. An `add`, a counter or a lock must not.
    #[must_use]
    pub fn may_degrade(&self) -> bool {
        let harmless = |dispatch: &Dispatch<'_>| match &dispatch.request {
            Request::Retrieve(_) | Request::Delete(_) | Request::Touch(_) => true,
            Request::Store(store) => store.mode == StoreMode::Set && store.cas.is_none(),
            Request::Admin(_) | Request::Arithmetic(_) => false,
        };
        match self {
            Self::Composite(_) => false,
            Self::Single(single) => single.dispatch.as_ref().is_some_and(harmless),
            Self::Spread(spread) => spread.dispatches.iter().all(harmless),
        }
    }

    /// Advances the operation: requests to send are appended to `outbox`,
    /// pieces of the result are given to `parts`.
    pub fn step(
        &mut self,
        input: Input<'_>,
        now: Moment,
        outbox: &mut Outbox<'a>,
        parts: &mut dyn Parts,
    ) -> Step {
        match self {
            Self::Single(single) => single.step(input, outbox, parts),
            Self::Spread(spread) => spread.step(input, outbox, parts),
            Self::Composite(composite) => {
                let mut own = Outbox::default();
                let step = composite.step(input, now, &mut own, parts);
                while let Some(dispatch) = own.pop() {
                    outbox.push(dispatch);
                }
                step
            }
        }
    }
}

/// One request to one server.
#[derive(Debug)]
pub struct Single<'a> {
    dispatch: Option<Dispatch<'a>>,
    endpoint: usize,
    question: Question,
    found: bool,
}

/// What the outcome of a single request tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Question {
    /// Whether the item was still the one that was read.
    Cas,
    /// Yes or no.
    Flag,
    /// Which number.
    Number,
}

impl Question {
    fn of(request: &Request<'_>) -> Self {
        match request {
            Request::Arithmetic(_) => Self::Number,
            Request::Delete(delete) if delete.cas.is_some() => Self::Cas,
            Request::Store(store) if store.cas.is_some() => Self::Cas,
            _ => Self::Flag,
        }
    }

    fn outcome(self, verdict: CasOutcome) -> Outcome {
        match self {
            Self::Cas => Outcome::Cas(verdict),
            Self::Flag => Outcome::Flag(verdict == CasOutcome::Stored),
            Self::Number => Outcome::Number(None),
        }
    }
}

impl<'a> Single<'a> {
    fn step(&mut self, input: Input<'_>, outbox: &mut Outbox<'a>, parts: &mut dyn Parts) -> Step {
        match input {
            Input::Start => {
                if let Some(dispatch) = self.dispatch.take() {
                    outbox.push(dispatch);
                }
                Step::Continue
            }
            Input::Reply { reply, last, .. } => {
                let outcome = verdict(reply, self.question, self.endpoint, &mut self.found, parts);
                if last {
                    Step::Done(outcome)
                } else {
                    Step::Continue
                }
            }
            Input::Failed { error, .. } => Step::Done(Err(error)),
            Input::Answer(_) | Input::Elapsed => Step::Continue,
        }
    }
}

/// Turns the reply to one request into an outcome, and gives its pieces away.
fn verdict(
    reply: Reply<'_>,
    question: Question,
    endpoint: usize,
    found: &mut bool,
    parts: &mut dyn Parts,
) -> Result<Outcome> {
    Ok(match reply {
        Reply::Item(item) => {
            *found = true;
            parts.part(Part::Item(item));
            Outcome::Flag(true)
        }
        Reply::End => Outcome::Flag(*found),
        Reply::Deleted | Reply::Stored | Reply::Touched => question.outcome(CasOutcome::Stored),
        Reply::NotStored | Reply::NotFound => question.outcome(CasOutcome::NotFound),
        Reply::Exists => question.outcome(CasOutcome::Exists),
        Reply::Number(number) => Outcome::Number(Some(number)),
        Reply::Ok => {
            parts.part(Part::Ok { endpoint });
            Outcome::Done
        }
        Reply::Version(version) => {
            parts.part(Part::Version {
                endpoint,
                version: &version,
            });
            Outcome::Done
        }
        Reply::Stat { name, value } => {
            parts.part(Part::Stat {
                endpoint,
                name: &name,
                value: &value,
            });
            Outcome::Done
        }
        Reply::Line(line) => {
            parts.part(Part::Line {
                endpoint,
                line: &line,
            });
            Outcome::Done
        }
        Reply::Failed(error) => return Err(error),
    })
}

/// Several requests at once.
#[derive(Debug)]
pub struct Spread<'a> {
    dispatches: Vec<Dispatch<'a>>,
    /// For each request: the positions, in the call, of the keys it names.
    /// Empty when its keys are the call's own, in order.
    positions: Vec<Vec<usize>>,
    /// For each request: its endpoint.
    endpoints: Vec<usize>,
    unanswered: usize,
    answered: usize,
    failed: Vec<usize>,
    errors: Vec<Error>,
    /// Whether each request writes one key, so that its refusal is that key's.
    each_has_key: bool,
}

impl<'a> Spread<'a> {
    /// Creates an operation whose requests each read several keys; the
    /// positions tell where each request's keys stood in the call.
    #[must_use]
    pub fn retrieve(requests: Vec<(usize, Request<'a>, Vec<usize>)>) -> Self {
        let mut spread = Self::empty(requests.len());
        for (id, (endpoint, request, positions)) in requests.into_iter().enumerate() {
            spread.dispatches.push(Dispatch {
                id: id as u32,
                endpoint,
                request,
            });
            spread.endpoints.push(endpoint);
            spread.positions.push(positions);
        }
        spread
    }

    /// Creates an operation whose requests each concern the key at their position.
    #[must_use]
    pub fn each(requests: impl Iterator<Item = (usize, Request<'a>)>) -> Self {
        let mut spread = Self {
            each_has_key: true,
            ..Self::empty(requests.size_hint().0)
        };
        for (id, (endpoint, request)) in requests.enumerate() {
            spread.dispatches.push(Dispatch {
                id: id as u32,
                endpoint,
                request,
            });
            spread.endpoints.push(endpoint);
        }
        spread
    }

    /// Tells that the requests read: a miss is no failure of its key.
    #[must_use]
    pub fn reading(mut self) -> Self {
        self.each_has_key = false;
        self
    }

    /// Creates an operation that asks every one of `endpoints` the same.
    #[must_use]
    pub fn everywhere(endpoints: usize, request: &Request<'a>) -> Self {
        let requests = (0..endpoints).map(|endpoint| (endpoint, request.clone()));
        Self::each(requests).reading()
    }

    fn empty(capacity: usize) -> Self {
        Self {
            dispatches: Vec::with_capacity(capacity),
            positions: Vec::new(),
            endpoints: Vec::with_capacity(capacity),
            unanswered: 0,
            answered: 0,
            failed: Vec::new(),
            errors: Vec::new(),
            each_has_key: false,
        }
    }

    fn step(&mut self, input: Input<'_>, outbox: &mut Outbox<'a>, parts: &mut dyn Parts) -> Step {
        match input {
            Input::Start => {
                self.unanswered = self.dispatches.len();
                for dispatch in self.dispatches.drain(..) {
                    outbox.push(dispatch);
                }
            }
            Input::Reply { id, reply, last } => {
                let request = id as usize;
                let refused = matches!(reply, Reply::Failed(_));
                match reply {
                    Reply::Item(mut item) => {
                        item.index = match self.positions.get(request) {
                            Some(positions) if !positions.is_empty() => positions[item.index],
                            Some(_) => item.index,
                            None => request,
                        };
                        parts.part(Part::Item(item));
                    }
                    Reply::Failed(error) => {
                        if self.each_has_key {
                            self.failed.push(request);
                        }
                        // What a server refuses concerns that key alone.
                        match error.kind() {
                            ErrorKind::ValueTooLarge | ErrorKind::Server if self.each_has_key => {}
                            _ => self.errors.push(error),
                        }
                    }
                    Reply::Exists | Reply::NotFound | Reply::NotStored => self.failed.push(request),
                    reply => {
                        let endpoint = self.endpoints.get(request).copied().unwrap_or_default();
                        if let Err(error) =
                            verdict(reply, Question::Flag, endpoint, &mut false, parts)
                        {
                            self.errors.push(error);
                        }
                    }
                }
                if last {
                    self.unanswered -= 1;
                    self.answered += usize::from(!refused);
                }
            }
            Input::Failed { id, error } => {
                if self.each_has_key {
                    self.failed.push(id as usize);
                }
                self.errors.push(error);
                self.unanswered -= 1;
            }
            Input::Answer(_) | Input::Elapsed => {}
        }
        if self.unanswered > 0 {
            Step::Continue
        } else {
            Step::Done(self.finish())
        }
    }

    fn finish(&mut self) -> Result<Outcome> {
        let mut failed = std::mem::take(&mut self.failed);
        failed.sort_unstable();
        if self.errors.is_empty() {
            return Ok(Outcome::Many { failed });
        }
        let mut errors = std::mem::take(&mut self.errors);
        // Many requests of one broken connection fail alike: one error tells it.
        errors.dedup();
        if self.answered == 0 && errors.len() == 1 {
            return Err(errors.remove(0).with_failed(failed));
        }
        let mut servers: Vec<_> = errors.iter().filter_map(Error::endpoint).collect();
        servers.sort_unstable();
        servers.dedup();
        let message = format!(
            "some servers failed: {}; first: {}",
            servers.join(", "),
            errors[0]
        );
        Err(Error::new(ErrorKind::Partial, message)
            .with_parts(errors)
            .with_failed(failed))
    }
}
