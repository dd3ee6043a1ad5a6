//! Streams: operations whose pieces are handed out as they arrive, no faster
//! than their caller takes them.

use super::*;

impl Engine {
    /// Begins an operation whose pieces the caller takes one after the other: a
    /// list of keys.
    ///
    /// Such an operation has no deadline as a whole. It fails when `patience`
    /// passes without a further piece of it, time in which it is paused not
    /// counted. Otherwise this is [`submit`](Self::submit).
    pub fn submit_stream(
        &mut self,
        token: u64,
        operation: Operation<'static>,
        patience: Duration,
        now: Moment,
        handler: &mut impl Handler,
    ) -> Ticket {
        self.vigil.disturb();
        let ticket = self.admit(token, operation, now.after(patience));
        if let Some(work) = self.work(ticket) {
            work.patience = Some(patience);
        }
        self.begin(ticket, now, handler);
        ticket
    }

    /// Lets the pieces of a stream wait, because its caller has enough for now:
    /// its connections are to be read no more ([`Action::Pause`]).
    ///
    /// Pieces of bytes that were read already may still come. The servers
    /// notice when the buffers on the way to them are full, and wait too; a
    /// memcached lists for nobody else meanwhile.
    pub fn pause(&mut self, ticket: Ticket) {
        let Some(work) = self.work(ticket) else {
            return;
        };
        if work.patience.is_none() || std::mem::replace(&mut work.paused, true) {
            return;
        }
        work.deadline = Moment::NEVER;
        for id in self.own_links(ticket) {
            self.actions.push_back(Action::Pause(id));
        }
    }

    /// Lets the pieces of a stream come again ([`Action::Resume`]).
    pub fn resume(&mut self, ticket: Ticket, now: Moment) {
        let Some(work) = self.work(ticket) else {
            return;
        };
        let Some(patience) = work.patience.filter(|_| work.paused) else {
            return;
        };
        work.paused = false;
        work.deadline = now.after(patience);
        self.earliest = self.earliest.min(now.after(patience));
        for id in self.own_links(ticket) {
            self.actions.push_back(Action::Resume(id));
        }
    }

    /// Pauses the connection that a request was put on just now, where its
    /// stream is paused.
    pub(super) fn pause_if_wanted(&mut self, tag: u32) {
        let Some(flight) = self.flights.get(tag) else {
            return;
        };
        let (ticket, link) = (flight.ticket, flight.link);
        let work = ticket.and_then(|ticket| self.work(ticket));
        if let (Some(id), true) = (link, work.is_some_and(|work| work.paused)) {
            self.actions.push_back(Action::Pause(id));
        }
    }

    /// The connections that serve an operation alone.
    fn own_links(&mut self, ticket: Ticket) -> Vec<ConnectionId> {
        let flights = self.flights.iter_mut();
        let links = flights.filter_map(|(_, flight)| {
            (flight.ticket == Some(ticket))
                .then_some(flight.link)
                .flatten()
        });
        let exclusive = |id: &ConnectionId| {
            let link = self.links.iter().find(|link| link.id == *id);
            link.is_some_and(|link| link.exclusive)
        };
        links.filter(exclusive).collect()
    }
}
