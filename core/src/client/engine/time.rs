//! Deadlines, and what becomes of what passed them.

use super::*;

impl Engine {
    /// Ends what has passed its deadline.
    pub fn tick(&mut self, now: Moment, handler: &mut impl Handler) {
        if now < self.earliest {
            return;
        }
        let mut earliest = Moment::NEVER;
        let mut late = Vec::new();
        let mut woken = Vec::new();
        for (slot, work) in self.works.iter_mut() {
            let ticket = Ticket {
                slot,
                serial: work.serial,
            };
            if work.deadline <= now {
                late.push(ticket);
                continue;
            }
            if work.wake <= now {
                work.wake = Moment::NEVER;
                woken.push(ticket);
            }
            earliest = earliest.min(work.deadline).min(work.wake);
        }
        let mut overdue = Vec::new();
        for link in &self.links {
            let end = match link.state {
                LinkState::Opening(until) => until,
                LinkState::Open if link.protocol.outstanding() == 0 => {
                    link.used.max(link.heard).after(self.options.idle_timeout)
                }
                LinkState::Open => continue,
            };
            if end <= now {
                overdue.push((link.id, link.state));
            } else {
                earliest = earliest.min(end);
            }
        }
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            if let Resolution::Asked(until) = endpoint.resolution {
                if until <= now {
                    overdue.push((
                        ConnectionId(index as u64),
                        LinkState::Opening(Moment::NEVER),
                    ));
                } else {
                    earliest = earliest.min(until);
                }
            }
        }
        self.earliest = earliest;
        for (id, state) in overdue {
            self.end_overdue(id, state, now, handler);
        }
        for ticket in late {
            self.time_out(ticket, now, handler);
        }
        for ticket in woken {
            self.advance(ticket, Input::Elapsed, now, handler);
        }
    }

    fn end_overdue(
        &mut self,
        id: ConnectionId,
        state: LinkState,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        match state {
            LinkState::Opening(Moment::NEVER) => {
                let endpoint = id.0 as usize;
                let error = timed_out(
                    Phase::Resolve,
                    &self.endpoints[endpoint].label,
                    Sent::NotSent,
                );
                self.resolved(endpoint, Err(error), now, handler);
            }
            LinkState::Opening(_) => {
                let Some(index) = self.position(id) else {
                    return;
                };
                let label = &self.endpoints[self.links[index].endpoint].label;
                let error = timed_out(Phase::Connect, label, Sent::NotSent);
                self.lost(id, error, now, handler);
            }
            LinkState::Open => {
                if let Some(index) = self.position(id) {
                    let endpoint = self.links[index].endpoint;
                    self.note(endpoint, Event::ConnectionClosed, None);
                    self.close_link(index);
                }
            }
        }
    }

    /// Ends an operation whose deadline has passed, and connections that gave
    /// no sign of life while it waited.
    pub(super) fn time_out(&mut self, ticket: Ticket, now: Moment, handler: &mut impl Handler) {
        let mut error = None;
        let mut used = Vec::new();
        for (tag, flight) in self.flights.iter_mut() {
            if flight.ticket != Some(ticket) {
                continue;
            }
            let label = &self.endpoints[flight.endpoint].label;
            let link = self.links.iter().find(|link| Some(link.id) == flight.link);
            let found = match link {
                Some(link) => {
                    used.push(link.id);
                    timed_out(phase(&link.protocol), label, link.protocol.was_sent(tag))
                }
                None => timed_out(Phase::Connect, label, Sent::NotSent),
            };
            error.get_or_insert(found);
        }
        self.detach(ticket);
        let error = error.unwrap_or_else(|| {
            Error::new(ErrorKind::Timeout, "deadline passed between two attempts")
                .in_phase(Phase::Queue)
        });
        self.finish(ticket, Err(error.clone()), now, handler);
        for id in used {
            // Whoever waits behind a stalled request waits in vain.
            if let Some(index) = self.position(id)
                && self.is_stalled(index, now)
            {
                let label = Arc::clone(&self.endpoints[self.links[index].endpoint].label);
                let error = lost("server does not answer", &label, Sent::MaybeApplied);
                self.give_up(index, error, now, handler);
            }
        }
    }

    /// Whether a connection has answered nothing for half the time of a call
    /// (opening it may have taken the other half), and nobody waits any more for
    /// what it is to answer next.
    fn is_stalled(&mut self, index: usize, now: Moment) -> bool {
        let link = &self.links[index];
        let (oldest, answered) = (link.protocol.oldest(), link.answered);
        let Some(flight) = oldest.and_then(|tag| self.flights.get(tag)) else {
            return false;
        };
        let (owner, since) = (flight.ticket, flight.since);
        let work = owner.and_then(|ticket| self.work(ticket));
        let is_over = work.is_none_or(|work| work.deadline <= now);
        is_over && now.since(since.max(answered)) >= self.options.timeout / 2
    }
}
