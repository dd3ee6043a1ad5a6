//! Deadlines, and what becomes of what passed them.

use super::*;

impl Engine {
    /// Whether anything has passed its deadline, for [`tick`](Self::tick) to end.
    ///
    /// A driver whose loop may have been held up hears first what has arrived
    /// until then: a reply that came in time counts, though nobody looked.
    pub fn is_due(&mut self, now: Moment) -> bool {
        if now < self.earliest {
            return false;
        }
        let works = self.works.iter_mut();
        let works = works.map(|(_, work)| work.deadline.min(work.wake));
        let idle_timeout = self.options.idle_timeout;
        let links = self.links.iter();
        let links = links.filter_map(|link| given_up(link, idle_timeout));
        let answers = self.endpoints.iter();
        let answers = answers.filter_map(|endpoint| match endpoint.resolution {
            Resolution::Asked(until) => Some(until),
            _ => None,
        });
        let earliest = works.chain(links).chain(answers).min();
        self.earliest = earliest.unwrap_or(Moment::NEVER);
        self.earliest <= now
    }

    /// Ends what has passed its deadline.
    ///
    /// A tick that comes late tells of a loop that was busy elsewhere, and that has
    /// looked at no connection meanwhile: one that is being opened gets as much time
    /// again, once and at most what opening it may take.
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
        for link in &mut self.links {
            link.excuse(now, self.options.connect_timeout);
            let Some(end) = given_up(link, self.options.idle_timeout) else {
                continue;
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

/// Returns when a connection is closed that is not open, or not used, until then.
fn given_up(link: &EngineLink, idle_timeout: Duration) -> Option<Moment> {
    match link.state {
        LinkState::Opening(until) => Some(until),
        LinkState::Open if link.protocol.outstanding() == 0 => {
            Some(link.used.max(link.heard).after(idle_timeout))
        }
        LinkState::Open => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Request;

    #[derive(Default)]
    struct Ends(Vec<std::result::Result<(), Option<Phase>>>);

    impl Handler for Ends {
        fn part(&mut self, _: u64, _: Part<'_>) {}

        fn completed(&mut self, _: u64, result: Result<Outcome>) {
            self.0.push(result.map(drop).map_err(|error| error.phase()));
        }

        fn ask(&mut self, _: u64, _: Ticket) {}
    }

    const BEGIN: Moment = Moment(1_000_000_000);

    fn at(millis: u64) -> Moment {
        BEGIN.after(Duration::from_millis(millis))
    }

    /// An engine that opens a connection for a call of a second, until 250 ms.
    fn opening() -> (Engine, ConnectionId, Ends) {
        let address = "127.0.0.1:11211".parse().unwrap();
        let mut engine = Engine::new([address], EngineOptions::default());
        let mut ends = Ends::default();
        let operation = Operation::single(0, Request::get(b"k"));
        engine.submit(1, operation, at(1000), BEGIN, &mut ends);
        let Some(Action::Connect { connection, .. }) = engine.next_action() else {
            panic!("no connection is opened");
        };
        (engine, connection, ends)
    }

    #[test]
    fn a_connection_that_does_not_open_is_given_up_in_time() {
        let (mut engine, connection, mut ends) = opening();
        engine.tick(at(249), &mut ends);
        assert!(ends.0.is_empty());
        engine.tick(at(250), &mut ends);
        assert_eq!(ends.0, [Err(Some(Phase::Connect))]);
        assert!(!engine.connected(connection, at(250), &mut ends));
    }

    #[test]
    fn a_loop_that_was_busy_looks_before_it_gives_a_connection_up() {
        let (mut engine, connection, mut ends) = opening();
        engine.tick(at(300), &mut ends);
        assert_eq!(engine.deadline(), at(350));
        assert!(engine.connected(connection, at(301), &mut ends));
        engine.tick(at(999), &mut ends);
        assert!(ends.0.is_empty());
    }

    #[test]
    fn a_loop_is_excused_once_and_for_no_longer_than_opening_takes() {
        let (mut engine, _, mut ends) = opening();
        engine.tick(at(600), &mut ends);
        assert_eq!(engine.deadline(), at(850));
        engine.tick(at(900), &mut ends);
        assert_eq!(ends.0, [Err(Some(Phase::Connect))]);
        // The call itself is never excused.
        let (mut engine, _, mut ends) = opening();
        engine.tick(at(1001), &mut ends);
        assert_eq!(ends.0, [Err(Some(Phase::Connect))]);
    }
}
