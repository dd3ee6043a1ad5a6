//! One side of a migration: requests to its servers.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::batch::{Batch, Verdict};
use super::{Observer, from_now};
use crate::client::blocking::{Host, PlainConnector, Runner};
use crate::client::operation::{Answer, Operation, Part};
use crate::client::plan::{Place, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Admin, Item, Keys, Request, Retrieve, Want};

/// The pauses before requests are made again that did not reach their server.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// One side of a migration.
pub(super) struct Side<'w> {
    pub(super) plan: &'w Plan,
    pub(super) runner: Arc<Runner>,
    /// The servers that do not speak meta commands.
    plain: Vec<bool>,
}

/// Where a key is on one side, and what it is called there.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) endpoint: usize,
    pub(super) key: Vec<u8>,
}

impl<'w> Side<'w> {
    pub(super) fn new(plan: &'w Plan) -> Self {
        Self {
            plan,
            runner: Arc::new(Runner::for_plan(plan, Box::new(PlainConnector))),
            plain: vec![false; plan.servers().len()],
        }
    }

    /// Returns where a key is, and its name there.
    pub(super) fn spot(&self, key: &[u8]) -> Result<Spot> {
        Ok(Spot {
            endpoint: self.plan.place(key, Place::Key)?,
            key: self.plan.wire_key(key)?.into_owned(),
        })
    }

    pub(super) fn label(&self, endpoint: usize) -> &Arc<str> {
        self.plan.label(endpoint)
    }

    /// Makes requests at once, and again those that did not reach their server.
    pub(super) fn ask(
        &self,
        observer: &dyn Observer,
        count: usize,
        request: impl Fn(usize) -> (usize, Request<'static>),
    ) -> Result<Vec<Result<Verdict>>> {
        let mut results = self.ask_once(observer, &Vec::from_iter(0..count), &request)?;
        for pause in PAUSES {
            let failed = |position: &usize| {
                let result = &results[*position];
                result.as_ref().is_err_and(Error::is_connection)
            };
            let again: Vec<usize> = (0..count).filter(failed).collect();
            if again.is_empty() {
                break;
            }
            Runner::pause(from_now(pause), &Caller(observer))?;
            let answers = self.ask_once(observer, &again, &request)?;
            for (position, answer) in again.into_iter().zip(answers) {
                results[position] = answer;
            }
        }
        Ok(results)
    }

    fn ask_once(
        &self,
        observer: &dyn Observer,
        positions: &[usize],
        request: &impl Fn(usize) -> (usize, Request<'static>),
    ) -> Result<Vec<Result<Verdict>>> {
        const CALLS: u32 = 10;
        let (sender, receiver) = channel();
        let requests = positions.iter().map(|position| request(*position));
        let operation = Operation::composite(Batch::new(requests.collect(), sender));
        let deadline = from_now(self.plan.options().timeout.saturating_mul(CALLS));
        let outcome = self.runner.run(operation, deadline, &mut Caller(observer));
        observer.interrupted()?;
        let unanswered = outcome.err().unwrap_or_else(|| {
            let message = "request got no answer";
            Error::new(ErrorKind::Protocol, message)
        });
        let mut results = vec![Err(unanswered); positions.len()];
        for (position, result) in receiver {
            results[position] = result;
        }
        Ok(results)
    }

    /// Returns how many items the servers have, where all of them tell.
    pub(super) fn items(&self, observer: &dyn Observer) -> Result<Option<u64>> {
        let report = b"".as_slice().into();
        let operation = self.plan.administer(Admin::Stats { report }, Place::Key)?;
        let mut counter = Counter { observer, items: 0 };
        let deadline = from_now(self.plan.options().timeout);
        let outcome = self.runner.run(operation, deadline, &mut counter);
        observer.interrupted()?;
        Ok(outcome.is_ok().then_some(counter.items))
    }

    /// Reads items without counting as a use, or as a plain client where the
    /// server knows no other way.
    pub(super) fn read(
        &mut self,
        observer: &dyn Observer,
        want: Want,
        spots: &[&Spot],
    ) -> Result<Vec<Result<Option<Item<'static>>>>> {
        let mut results = self.read_as_known(observer, want, spots)?;
        let refused = |position: &usize| {
            let result: &Result<_> = &results[*position];
            let error = result.as_ref().err();
            error.is_some_and(|error: &Error| error.kind() == ErrorKind::Unsupported)
        };
        let again: Vec<usize> = (0..spots.len()).filter(refused).collect();
        if !again.is_empty() {
            for position in &again {
                self.plain[spots[*position].endpoint] = true;
            }
            let some: Vec<&Spot> = again.iter().map(|position| spots[*position]).collect();
            let answers = self.read_as_known(observer, want, &some)?;
            for (position, answer) in again.into_iter().zip(answers) {
                results[position] = answer;
            }
        }
        Ok(results)
    }

    fn read_as_known(
        &self,
        observer: &dyn Observer,
        want: Want,
        spots: &[&Spot],
    ) -> Result<Vec<Result<Option<Item<'static>>>>> {
        let results = self.ask(observer, spots.len(), |position| {
            let spot = spots[position];
            let plain = self.plain[spot.endpoint];
            let read = Retrieve {
                keys: Keys::One(spot.key.clone().into()),
                want: if plain { Want::VALUE } else { want },
                touch: None,
                bump: plain,
            };
            (spot.endpoint, Request::Retrieve(read))
        })?;
        let item = |verdict| match verdict {
            Verdict::Item(item) => Some(item),
            Verdict::No | Verdict::Yes => None,
        };
        Ok(results.into_iter().map(|result| result.map(item)).collect())
    }
}

/// The thread that works.
pub(super) struct Caller<'o>(pub(super) &'o dyn Observer);

impl Host for Caller<'_> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    fn interrupted(&self) -> Result<()> {
        self.0.interrupted()
    }

    fn ask(&mut self) -> Result<Answer> {
        Err(asked())
    }

    fn part(&mut self, _part: Part<'_>) {}
}

/// Adds up how many items servers have.
struct Counter<'o> {
    observer: &'o dyn Observer,
    items: u64,
}

impl Host for Counter<'_> {
    fn blocking<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    fn interrupted(&self) -> Result<()> {
        self.observer.interrupted()
    }

    fn ask(&mut self) -> Result<Answer> {
        Err(asked())
    }

    fn part(&mut self, part: Part<'_>) {
        if let Part::Stat { name, value, .. } = part
            && name == b"curr_items"
        {
            let items = std::str::from_utf8(value).ok().and_then(|n| n.parse().ok());
            self.items += items.unwrap_or(0_u64);
        }
    }
}

fn asked() -> Error {
    let message = "operation asks for a function that was not given";
    Error::new(ErrorKind::InvalidArgument, message)
}
