//! Operations: what a caller asked for, as a value advanced by pure steps.
//!
//! An operation names requests to send, is told their replies, and in the end
//! is done. Drivers move the bytes and keep the time; they know no command.
//!
//! Four shapes exist: one request to one server, several requests at once
//! (multi-key work, the whole cluster), batches of stores ([`Stores`]), and
//! [`Composite`] for everything that decides on the way (`update`, locks, `take`).

mod single;
mod spread;
mod stores;

use std::collections::VecDeque;

pub use self::single::Single;
pub use self::spread::Spread;
pub use self::stores::Stores;
use crate::error::{Error, Result};
use crate::protocol::{Expiry, Hits, Item, Reply, Request, StoreMode};

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

impl Dispatch<'_> {
    fn into_owned(self) -> Dispatch<'static> {
        Dispatch {
            id: self.id,
            endpoint: self.endpoint,
            request: self.request.into_owned(),
        }
    }

    /// Whether the request reads, or writes without deciding anything.
    fn is_harmless(&self) -> bool {
        match &self.request {
            Request::Delete(_)
            | Request::Retrieve(_)
            | Request::StoreMany(_)
            | Request::Touch(_) => true,
            Request::Store(store) => store.mode == StoreMode::Set && store.cas.is_none(),
            Request::Admin(_) | Request::Arithmetic(_) => false,
        }
    }
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

    /// Takes hits that came together; each is a [`Part::Item`] unless there is
    /// a shorter way.
    fn hits(&mut self, hits: &Hits<'_>) {
        for hit in hits.as_slice() {
            self.part(Part::Item((*hit).into()));
        }
    }
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
    /// Several items written in any case.
    Stores(Box<Stores<'a>>),
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
        Self::Single(Single::new(endpoint, request))
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
            Self::Single(single) => single.endpoints(),
            Self::Spread(spread) => spread.endpoints(),
            Self::Stores(stores) => stores.endpoints(),
        }
    }

    /// Copies what is borrowed, so that the operation outlives the call.
    #[must_use]
    pub fn into_owned(self) -> Operation<'static> {
        match self {
            Self::Composite(composite) => Operation::Composite(composite),
            Self::Single(single) => Operation::Single(single.into_owned()),
            Self::Spread(spread) => Operation::Spread(Box::new(spread.into_owned())),
            Self::Stores(stores) => Operation::Stores(Box::new(stores.into_owned())),
        }
    }

    /// Whether a failing server may pass as a miss: reads, and writes that
    /// decide nothing. An `add`, a counter or a lock must not.
    #[must_use]
    pub fn may_degrade(&self) -> bool {
        match self {
            Self::Composite(_) => false,
            Self::Single(single) => single.waiting().all(Dispatch::is_harmless),
            Self::Spread(spread) => spread.waiting().all(Dispatch::is_harmless),
            // Each item is stored whatever is there.
            Self::Stores(_) => true,
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
            Self::Stores(stores) => stores.step(input, outbox),
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

    /// Whether hits are passed on and nothing is done besides.
    #[must_use]
    pub const fn passes_hits(&self) -> bool {
        matches!(self, Self::Single(_) | Self::Spread(_))
    }

    /// Takes hits of the request `id`, with more to come: what
    /// [`step`](Self::step) does with such replies, by a shorter way.
    pub fn hits(
        &mut self,
        id: u32,
        hits: &mut Hits<'_>,
        now: Moment,
        outbox: &mut Outbox<'a>,
        parts: &mut dyn Parts,
    ) -> Step {
        match self {
            Self::Single(single) => single.hits(hits, parts),
            Self::Spread(spread) => spread.hits(id, hits, parts),
            Self::Composite(_) | Self::Stores(_) => {
                let mut step = Step::Continue;
                for hit in hits.as_slice() {
                    let reply = Reply::Item((*hit).into());
                    let last = false;
                    step = self.step(Input::Reply { id, reply, last }, now, outbox, parts);
                }
                return step;
            }
        }
        Step::Continue
    }
}
