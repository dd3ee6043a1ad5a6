//! Namespaces: keys that begin with a generation, which is kept in the cache.

use std::sync::Arc;

use super::unexpected;
use crate::client::operation::{
    Composite, Dispatch, Input, Moment, Operation, Outbox, Outcome, Parts, Step,
};
use crate::client::plan::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Arithmetic, Direction, Expiry, Reply, Request, Store, StoreMode};

/// What is done within a namespace, once its generation is known: builds the
/// operation over the plan whose prefix holds the generation.
pub(in crate::client) type Work = Box<dyn FnOnce(&Plan) -> Result<Operation<'static>> + Send>;

/// Requests for the generation have this name; the work's own are left alone.
const GENERATION: u32 = u32::MAX;

/// An operation within a namespace: reads the generation, then works under it.
///
/// The generation is a number in the cache. Whoever raises it makes every key
/// of the namespace unreachable at once, at the cost of one request; the items
/// go when they expire or are evicted. A lost generation begins anew at the
/// time of day, so that an old one does not come back.
pub(in crate::client) struct Scoped {
    plan: Arc<Plan>,
    name: Vec<u8>,
    endpoint: usize,
    key: Vec<u8>,
    /// The first number of a namespace without one.
    fresh: u64,
    stage: Stage,
}

/// What is wanted of a generation.
pub(in crate::client) enum Goal {
    /// To be raised.
    Raise,
    /// To be known.
    Read,
    /// To be worked under.
    Work(Work),
}

enum Stage {
    Asking(Goal),
    Working(Operation<'static>),
    Over,
}

impl std::fmt::Debug for Scoped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scoped")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Scoped {
    /// `key` is where the generation is kept.
    pub(in crate::client) const fn new(
        plan: Arc<Plan>,
        name: Vec<u8>,
        endpoint: usize,
        key: Vec<u8>,
        fresh: u64,
        goal: Goal,
    ) -> Self {
        Self {
            plan,
            name,
            endpoint,
            key,
            fresh,
            stage: Stage::Asking(goal),
        }
    }

    fn ask(&self, outbox: &mut Outbox<'static>, request: Request<'static>) -> Step {
        outbox.push(Dispatch {
            id: GENERATION,
            endpoint: self.endpoint,
            request,
        });
        Step::Continue
    }

    /// Counts by 0 to read the number, by 1 to raise it.
    fn count(&self, outbox: &mut Outbox<'static>) -> Step {
        let raise = matches!(self.stage, Stage::Asking(Goal::Raise));
        let request = Arithmetic {
            direction: Direction::Increment,
            key: self.key.clone().into(),
            delta: u64::from(raise),
            touch: None,
        };
        self.ask(outbox, Request::Arithmetic(request))
    }

    fn begin(
        &mut self,
        generation: u64,
        now: Moment,
        outbox: &mut Outbox<'static>,
        parts: &mut dyn Parts,
    ) -> Step {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Asking(Goal::Work(work)) => {
                let plan = self.plan.scoped(&self.name, generation);
                match work(&plan) {
                    Err(error) => Step::Done(Err(error)),
                    Ok(mut operation) => {
                        let step = operation.step(Input::Start, now, outbox, parts);
                        self.stage = Stage::Working(operation);
                        step
                    }
                }
            }
            _ => Step::Done(Ok(Outcome::Number(Some(generation)))),
        }
    }
}

impl Composite for Scoped {
    fn step(
        &mut self,
        input: Input<'_>,
        now: Moment,
        outbox: &mut Outbox<'static>,
        parts: &mut dyn Parts,
    ) -> Step {
        if let Stage::Working(operation) = &mut self.stage {
            return operation.step(input, now, outbox, parts);
        }
        let reply = match input {
            Input::Start => return self.count(outbox),
            Input::Failed { error, .. } => return Step::Done(Err(error)),
            Input::Answer(_) | Input::Elapsed => return Step::Continue,
            Input::Reply { reply, .. } => reply,
        };
        match reply {
            Reply::Failed(error) if error.kind() == ErrorKind::NotNumeric => {
                let message =
                    "the generation of the namespace is no number: another program uses its key";
                Step::Done(Err(Error::new(ErrorKind::NotNumeric, message)))
            }
            Reply::Failed(error) => Step::Done(Err(error)),
            Reply::Number(generation) => self.begin(generation, now, outbox, parts),
            Reply::NotFound => {
                let store = Store {
                    mode: StoreMode::Add,
                    key: self.key.clone().into(),
                    flags: 0,
                    expiry: Expiry::NEVER,
                    value: self.fresh.to_string().into_bytes().into(),
                    cas: None,
                };
                self.ask(outbox, Request::Store(store))
            }
            Reply::Stored => self.begin(self.fresh, now, outbox, parts),
            // Another caller began it in between.
            Reply::NotStored => self.count(outbox),
            other => unexpected(&other),
        }
    }
}
