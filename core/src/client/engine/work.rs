//! Operations and requests under way, and how they move.

use super::*;
use crate::client::operation::Step;

/// Names an operation under way.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ticket {
    pub(super) slot: u32,
    pub(super) serial: u32,
}

impl Ticket {
    /// Returns the ticket as one number, for drivers that keep numbers.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        (self.slot as u64) << 32 | self.serial as u64
    }

    /// Reads back [`to_bits`](Self::to_bits).
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self {
            slot: (bits >> 32) as u32,
            serial: bits as u32,
        }
    }
}

/// An operation under way.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) token: u64,
    pub(super) serial: u32,
    pub(super) operation: Operation<'static>,
    pub(super) deadline: Moment,
    /// When the operation asked to be woken.
    pub(super) wake: Moment,
    /// Whether a failing server passes as a miss.
    degrade: bool,
    /// What each piece of a stream may take; `None` when the whole has a deadline.
    pub(super) patience: Option<Duration>,
    /// Whether the pieces of a stream are to wait.
    pub(super) paused: bool,
}

impl Work {
    pub(super) fn new(
        token: u64,
        serial: u32,
        operation: Operation<'static>,
        deadline: Moment,
        degrade: bool,
    ) -> Self {
        Self {
            degrade: degrade && operation.may_degrade(),
            token,
            serial,
            operation,
            deadline,
            wake: Moment::NEVER,
            patience: None,
            paused: false,
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Flight {
    /// Whose it is; `None` when nobody waits for it any more.
    pub(super) ticket: Option<Ticket>,
    /// Its name towards the operation.
    pub(super) id: u32,
    pub(super) endpoint: usize,
    request: Request<'static>,
    attempts: u32,
    /// Where it was put.
    pub(super) link: Option<ConnectionId>,
    pub(super) since: Moment,
}

impl Flight {
    /// Whether the request will be made again after it failed so.
    pub(super) fn may_go_again(&self, error: &Error, allowed: u32) -> bool {
        let attempts = self.attempts + 1;
        self.ticket.is_some() && may_retry(&self.request, error, attempts, allowed)
    }
}

impl Engine {
    pub(super) fn work(&mut self, ticket: Ticket) -> Option<&mut Work> {
        self.works
            .get_mut(ticket.slot)
            .filter(|work| work.serial == ticket.serial)
    }

    /// Tells an operation something and sends what it wants sent.
    pub(super) fn advance(
        &mut self,
        ticket: Ticket,
        input: Input<'_>,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        let mut outbox = std::mem::take(&mut self.outbox);
        let Some(work) = self.work(ticket) else {
            self.outbox = outbox;
            return;
        };
        let token = work.token;
        // What tells that a list is not to be had yet is no piece of it.
        let nothing = matches!(
            input,
            Input::Elapsed
                | Input::Reply {
                    reply: crate::protocol::Reply::Failed(_),
                    ..
                }
        );
        if let Some(patience) = work.patience
            && !work.paused
            && !nothing
        {
            work.deadline = now.after(patience);
        }
        let mut parts = |part: Part<'_>| handler.part(token, part);
        let step = work.operation.step(input, now, &mut outbox, &mut parts);
        match step {
            Step::Done(result) => {
                self.outbox = outbox;
                self.finish(ticket, result, now, handler);
                return;
            }
            Step::Wait(until) => {
                work.wake = until;
                self.vigil.disturb();
                self.earliest = self.earliest.min(until);
            }
            Step::Ask => {
                self.vigil.disturb();
                handler.ask(token, ticket);
            }
            Step::Continue => {}
        }
        while let Some(dispatch) = outbox.pop() {
            self.launch(ticket, dispatch, now, handler);
        }
        self.outbox = outbox;
    }

    pub(super) fn finish(
        &mut self,
        ticket: Ticket,
        result: Result<Outcome>,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        if let Some(work) = self.works.remove(ticket.slot) {
            let result = if work.degrade {
                degraded(result, |label, error| self.report(label, error, now))
            } else {
                result
            };
            handler.completed(work.token, result);
        }
    }

    /// Leaves the requests of an operation without an owner. Connections that
    /// served it alone are closed: what they still bring is of no use.
    pub(super) fn detach(&mut self, ticket: Ticket) {
        let mut served = Vec::new();
        for (_, flight) in self.flights.iter_mut() {
            if flight.ticket == Some(ticket) {
                flight.ticket = None;
                served.extend(flight.link);
            }
        }
        for id in served {
            if let Some(index) = self.position(id)
                && self.links[index].exclusive
            {
                for request in self.links[index].protocol.abandon() {
                    self.flights.remove(request.tag);
                }
                self.close_link(index);
            }
        }
    }

    fn launch(
        &mut self,
        ticket: Ticket,
        dispatch: Dispatch<'static>,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        let flight = Flight {
            ticket: Some(ticket),
            id: dispatch.id,
            endpoint: dispatch.endpoint,
            request: dispatch.request,
            attempts: 0,
            link: None,
            since: now,
        };
        let flight = self.flights.insert(flight);
        self.board(flight, now, handler);
    }

    /// Puts a request on a connection, or lets it wait for one.
    pub(super) fn board(&mut self, tag: u32, now: Moment, handler: &mut impl Handler) {
        let Some(flight) = self.flights.get(tag) else {
            return;
        };
        if flight.ticket.is_none() {
            // Its caller gave up while it waited.
            self.flights.remove(tag);
            return;
        }
        let endpoint = flight.endpoint;
        let exclusive = matches!(flight.request, Request::Admin(Admin::Metadump { .. }));
        if let Some(index) = self.choose(endpoint, exclusive) {
            let Some(flight) = self.flights.get_mut(tag) else {
                return;
            };
            let link = &mut self.links[index];
            let was_idle = link.protocol.outstanding() == 0;
            let was_alone = link.burst <= 1;
            match link.protocol.enqueue(tag, &flight.request) {
                Ok(()) => {
                    flight.link = Some(link.id);
                    flight.since = now;
                    link.used = now;
                    link.exclusive |= exclusive;
                    link.burst = if was_idle { 1 } else { link.burst + 1 };
                    self.urgent |= was_idle && was_alone;
                    self.mark_dirty(index);
                    if exclusive {
                        self.pause_if_wanted(tag);
                    }
                }
                Err(error) => {
                    let error = error.at(Arc::clone(&self.endpoints[endpoint].label));
                    self.fail_flight(tag, error, now, handler);
                }
            }
            return;
        }
        let opening = self
            .links
            .iter()
            .any(|link| link.endpoint == endpoint && matches!(link.state, LinkState::Opening(_)));
        let asked = matches!(self.endpoints[endpoint].resolution, Resolution::Asked(_));
        if !opening && !asked {
            let state = &mut self.endpoints[endpoint];
            if let Admission::Refused(until) = state.health.admit(now, &self.options.health) {
                let error = out_of_service(&state.label, until.since(now));
                self.fail_flight(tag, error, now, handler);
                return;
            }
            self.endpoints[endpoint].waiting.push_back(tag);
            self.open(endpoint, now);
        } else {
            self.endpoints[endpoint].waiting.push_back(tag);
        }
    }

    /// Chooses an open connection for a request; `None` when one is to be opened.
    fn choose(&self, endpoint: usize, exclusive: bool) -> Option<usize> {
        let mut best: Option<(usize, usize)> = None;
        let mut shared = 0;
        for (index, link) in self.links.iter().enumerate() {
            if link.endpoint != endpoint || link.exclusive {
                continue;
            }
            shared += 1;
            let outstanding = link.protocol.outstanding();
            if link.state == LinkState::Open && best.is_none_or(|(_, least)| outstanding < least) {
                best = Some((index, outstanding));
            }
        }
        let (index, outstanding) = best?;
        if exclusive {
            // What occupies a connection waits for nothing and delays nobody.
            return (outstanding == 0).then_some(index);
        }
        (outstanding == 0 || shared >= self.options.max_connections).then_some(index)
    }

    /// Opens a connection, or first asks for the addresses of the host.
    pub(super) fn open(&mut self, endpoint: usize, now: Moment) {
        let until = now.after(self.options.connect_timeout);
        self.earliest = self.earliest.min(until);
        let state = &mut self.endpoints[endpoint];
        let address = match &state.resolution {
            Resolution::Asked(_) => return,
            Resolution::Unknown => {
                // Looking a name up may take as long as a call.
                let until = now.after(self.options.timeout);
                state.resolution = Resolution::Asked(until);
                self.actions.push_back(Action::Resolve { endpoint });
                return;
            }
            Resolution::Known { addresses, .. } => addresses.first().copied(),
            Resolution::NotNeeded => None,
        };
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        let codec = self.options.codec.or_else(|| state.health.codec());
        self.links.push(EngineLink {
            id: connection,
            endpoint,
            state: LinkState::Opening(until),
            protocol: Connection::new(codec, self.options.limits)
                .with_credentials(self.credentials.clone()),
            exclusive: false,
            dirty: false,
            blocked: false,
            burst: 0,
            heard: now,
            answered: now,
            used: now,
            excused: false,
        });
        self.actions.push_back(Action::Connect {
            connection,
            endpoint,
            address,
        });
    }

    /// Fails everything that waits for a connection to an endpoint.
    pub(super) fn fail_endpoint(
        &mut self,
        endpoint: usize,
        error: Error,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        self.note(endpoint, Event::ConnectionFailed, Some(&error));
        self.blame(endpoint, &error, now);
        for tag in std::mem::take(&mut self.endpoints[endpoint].waiting) {
            self.fail_flight(tag, error.clone(), now, handler);
        }
    }

    /// Makes a failed request again if it may, or tells its operation.
    pub(super) fn fail_flight(
        &mut self,
        tag: u32,
        error: Error,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        let Some(flight) = self.flights.get_mut(tag) else {
            return;
        };
        let again = flight.may_go_again(&error, self.options.retry_attempts);
        flight.attempts += 1;
        flight.link = None;
        if again {
            self.board(tag, now, handler);
            return;
        }
        let Some(flight) = self.flights.remove(tag) else {
            return;
        };
        if let Some(ticket) = flight.ticket {
            let input = Input::Failed {
                id: flight.id,
                error,
            };
            self.advance(ticket, input, now, handler);
        }
    }

    pub(super) fn blame(&mut self, endpoint: usize, error: &Error, now: Moment) {
        let state = &mut self.endpoints[endpoint];
        if is_endpoints_fault(error) && state.health.fail(now, &self.options.health) {
            self.note(endpoint, Event::ServerOutOfService, Some(error));
        }
    }

    pub(super) fn position(&self, id: ConnectionId) -> Option<usize> {
        self.links.iter().position(|link| link.id == id)
    }

    pub(super) fn mark_dirty(&mut self, index: usize) {
        let link = &mut self.links[index];
        if !link.dirty && !link.blocked && !link.protocol.output().is_empty() {
            link.dirty = true;
            self.dirty.push_back(link.id);
        }
    }

    pub(super) fn close_link(&mut self, index: usize) {
        let link = self.links.swap_remove(index);
        self.actions.push_back(Action::Close(link.id));
    }
}
