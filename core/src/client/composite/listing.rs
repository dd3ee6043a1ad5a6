//! Lists of keys, from servers that list for one caller at a time.

use std::time::Duration;

use super::pace::Pace;
use crate::client::operation::{
    Composite, Dispatch, Input, Moment, Operation, Outbox, Parts, Step,
};
use crate::error::Error;
use crate::protocol::{Admin, Reply, Request};

/// The longest pause before a busy server is asked again.
pub(crate) const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// Whether a server lists keys for somebody else, or crawls for itself, at the
/// moment: it has one crawler.
pub(crate) fn is_busy(error: &Error) -> bool {
    error.reply().is_some_and(|line| line.starts_with("BUSY"))
}

/// Has servers list their keys, all at once.
///
/// Those that are busy are asked again when the others are done, as often as
/// the time of the call allows. A busy server has listed nothing, so no key
/// comes twice.
#[derive(Debug)]
pub(crate) struct Listing {
    /// Counts the answers.
    lists: Operation<'static>,
    endpoints: Vec<usize>,
    /// Requests that are not answered yet.
    under_way: usize,
    /// Requests that met a busy server.
    busy: Vec<u32>,
    pace: Pace,
}

impl Listing {
    /// Creates a list from `lists`, which asks each of its endpoints for one.
    pub(crate) fn new(lists: Operation<'static>) -> Self {
        Self {
            endpoints: lists.endpoints().to_vec(),
            lists,
            under_way: 0,
            busy: Vec::new(),
            pace: Pace::new(BUSY_PAUSE),
        }
    }

    /// Asks the servers that were busy again.
    fn ask_again(&mut self, outbox: &mut Outbox<'static>) -> Step {
        for id in self.busy.drain(..) {
            self.under_way += 1;
            outbox.push(Dispatch {
                id,
                endpoint: self.endpoints[id as usize],
                request: Request::Admin(Admin::Metadump),
            });
        }
        Step::Continue
    }
}

impl Composite for Listing {
    fn step(
        &mut self,
        input: Input<'_>,
        now: Moment,
        outbox: &mut Outbox<'static>,
        parts: &mut dyn Parts,
    ) -> Step {
        let step = match input {
            Input::Elapsed => return self.ask_again(outbox),
            Input::Reply {
                id,
                reply: Reply::Failed(error),
                last: true,
            } if is_busy(&error) => {
                self.under_way -= 1;
                self.busy.push(id);
                Step::Continue
            }
            Input::Start => {
                self.under_way = self.endpoints.len();
                self.lists.step(input, now, outbox, parts)
            }
            input => {
                let ends = matches!(
                    input,
                    Input::Failed { .. } | Input::Reply { last: true, .. }
                );
                self.under_way -= usize::from(ends);
                self.lists.step(input, now, outbox, parts)
            }
        };
        match step {
            Step::Continue if self.under_way == 0 && !self.busy.is_empty() => {
                Step::Wait(self.pace.next(now))
            }
            step => step,
        }
    }
}
