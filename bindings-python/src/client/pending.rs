//! The calls that an engine has under way.

use std::sync::Arc;

use memoxide::client::{Handler, Moment, Operation, Outcome, Part, Ticket};
use memoxide::protocol::Hits;
use pyo3::prelude::*;

use super::calls::Core;
use super::harvest::{Harvest, Wish};
use super::keys::Queue;

/// A call that is to begin.
pub(super) struct Submission {
    pub(super) operation: Operation<'static>,
    pub(super) deadline: Moment,
    pub(super) pending: Pending,
}

/// A call under way.
pub(super) struct Pending {
    /// What the caller waits for; a list of keys has it in its harvest.
    pub(super) future: Option<Py<PyAny>>,
    pub(super) harvest: Harvest,
    pub(super) ticket: Option<Ticket>,
}

/// The calls under way by their token, and those that are over.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) slots: Vec<Option<Pending>>,
    free: Vec<usize>,
    pub(super) completed: Vec<(Pending, memoxide::Result<Outcome>)>,
    /// Calls that want their caller's function to answer.
    pub(super) asked: Vec<(u64, Ticket)>,
    /// Lists of keys that have something for their caller.
    pub(super) listed: Vec<Arc<Queue>>,
    /// Lists of keys whose callers are behind.
    pub(super) behind: Vec<Ticket>,
}

impl Calls {
    /// Takes a call and returns its token.
    pub(super) fn insert(&mut self, pending: Pending) -> u64 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(pending);
        slot as u64
    }

    /// Takes a call out.
    pub(super) fn remove(&mut self, token: u64) -> Option<Pending> {
        let slot = token as usize;
        let pending = self.slots.get_mut(slot)?.take()?;
        self.free.push(slot);
        Some(pending)
    }

    /// Takes the harvest of a call out of its place.
    pub(super) fn borrow(&mut self, token: u64) -> Option<Harvest> {
        let pending = self.slots.get_mut(token as usize)?.as_mut()?;
        let placeholder = Wish::Nothing.into();
        Some(std::mem::replace(&mut pending.harvest, placeholder))
    }

    /// Puts it back, unless the call is over.
    pub(super) fn give_back(&mut self, token: u64, harvest: Harvest) {
        if let Some(Some(pending)) = self.slots.get_mut(token as usize) {
            pending.harvest = harvest;
        }
    }
}

/// Tells the calls what came for them.
pub(super) struct Delivery<'d, 'py> {
    pub(super) py: Python<'py>,
    pub(super) core: &'d Core,
    pub(super) calls: &'d mut Calls,
}

impl Handler for Delivery<'_, '_> {
    fn part(&mut self, token: u64, part: Part<'_>) {
        let Some(Some(pending)) = self.calls.slots.get_mut(token as usize) else {
            return;
        };
        self.core.part(self.py, &mut pending.harvest, part);
        if let Some(queue) = pending.harvest.queue() {
            if queue.is_awaited() {
                self.calls.listed.push(Arc::clone(queue));
            }
            if queue.is_behind() {
                self.calls.behind.extend(pending.ticket);
            }
        }
    }

    fn hits(&mut self, token: u64, hits: &Hits<'_>) {
        if let Some(Some(pending)) = self.calls.slots.get_mut(token as usize) {
            self.core.hits(self.py, &mut pending.harvest, hits);
        }
    }

    fn completed(&mut self, token: u64, result: memoxide::Result<Outcome>) {
        if let Some(pending) = self.calls.remove(token) {
            self.calls.completed.push((pending, result));
        }
    }

    fn ask(&mut self, token: u64, ticket: Ticket) {
        self.calls.asked.push((token, ticket));
    }
}
