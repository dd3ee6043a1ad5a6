//! What drivers tell of connections.

use super::*;
use crate::client::delivery::labelled;

impl Engine {
    /// Passes on the addresses of an endpoint's host, or why there are none.
    pub fn resolved(
        &mut self,
        endpoint: usize,
        addresses: Result<Vec<SocketAddr>>,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        let state = &mut self.endpoints[endpoint];
        let label = Arc::clone(&state.label);
        match addresses {
            Ok(addresses) if !addresses.is_empty() => {
                state.resolution = Resolution::Known {
                    addresses,
                    tried: 0,
                };
                if !state.waiting.is_empty() {
                    self.open(endpoint, now);
                }
            }
            failed => {
                state.resolution = Resolution::Unknown;
                let error = failed.err().unwrap_or_else(|| {
                    Error::new(ErrorKind::Resolve, "host name has no address").sent(Sent::NotSent)
                });
                self.fail_endpoint(endpoint, error.at(label), now, handler);
            }
        }
    }

    /// Notes that a connection is open. Returns false when the engine has given
    /// it up meanwhile; close it then.
    pub fn connected(&mut self, id: ConnectionId, now: Moment, handler: &mut impl Handler) -> bool {
        let Some(index) = self.position(id) else {
            return false;
        };
        let link = &mut self.links[index];
        link.state = LinkState::Open;
        link.heard = now;
        link.answered = now;
        link.used = now;
        let endpoint = link.endpoint;
        if let Resolution::Known { tried, .. } = &mut self.endpoints[endpoint].resolution {
            *tried = 0;
        }
        self.note(endpoint, Event::ConnectionOpened, None);
        self.earliest = self.earliest.min(now.after(self.options.idle_timeout));
        let waiting = std::mem::take(&mut self.endpoints[endpoint].waiting);
        for flight in waiting {
            self.board(flight, now, handler);
        }
        true
    }

    /// Takes bytes that arrived.
    pub fn received(
        &mut self,
        id: ConnectionId,
        mut chunk: &[u8],
        now: Moment,
        handler: &mut impl Handler,
    ) {
        let Some(index) = self.position(id) else {
            return;
        };
        self.links[index].heard = now;
        let endpoint = self.links[index].endpoint;
        let is_lone = self.works.len() == 1;
        let mut at = index;
        let failure = loop {
            // An operation's next step may open or close connections.
            if self.links.get(at).is_none_or(|link| link.id != id) {
                match self.position(id) {
                    Some(index) => at = index,
                    None => return,
                }
            }
            self.pass_hits(at, &mut chunk, now, handler);
            let received = match self.links[at].protocol.receive(&mut chunk) {
                Ok(Some(received)) => received,
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            let (tag, last) = (received.tag, received.last);
            if last {
                self.links[at].answered = now;
            }
            let reply = labelled(received.reply, &self.endpoints[endpoint].label);
            let Some(flight) = self.flights.get(tag) else {
                continue;
            };
            let (ticket, request) = (flight.ticket, flight.id);
            if last {
                self.flights.remove(tag);
            }
            if let Some(ticket) = ticket {
                let input = Input::Reply {
                    id: request,
                    reply,
                    last,
                };
                self.advance(ticket, input, now, handler);
            }
        };
        if is_lone && self.works.len() == 0 {
            self.vigil.end(now);
        }
        if let Some(error) = failure {
            let label = Arc::clone(&self.endpoints[endpoint].label);
            self.lost(id, error.at(label), now, handler);
            return;
        }
        let codec = self.links[at].protocol.codec();
        let health = &mut self.endpoints[endpoint].health;
        if health.codec().is_none() {
            health.found_codec(codec);
        }
        if health.succeed() {
            self.note(endpoint, Event::ServerBackInService, None);
        }
        let link = &self.links[at];
        if link.exclusive && link.protocol.outstanding() == 0 {
            self.close_link(at);
        } else {
            // The answer about the codec releases requests that waited for it.
            self.mark_dirty(at);
        }
    }

    /// Takes hits from the front of a chunk together, where their operation does
    /// nothing but pass them on. The others are left.
    fn pass_hits(
        &mut self,
        index: usize,
        chunk: &mut &[u8],
        now: Moment,
        handler: &mut impl Handler,
    ) {
        let protocol = &mut self.links[index].protocol;
        let flight = protocol
            .expects_hits(chunk)
            .and_then(|tag| self.flights.get(tag));
        let Some((ticket, id)) = flight.and_then(|flight| Some((flight.ticket?, flight.id))) else {
            return;
        };
        let Some(work) = self.works.get_mut(ticket.slot) else {
            return;
        };
        if work.serial != ticket.serial || work.patience.is_some() || !work.operation.passes_hits()
        {
            return;
        }
        let (operation, outbox) = (&mut work.operation, &mut self.outbox);
        let mut parts = ToHandler {
            handler,
            token: work.token,
        };
        protocol.receive_hits(chunk, |_, hits| {
            operation.hits(id, hits, now, outbox, &mut parts);
        });
    }

    /// Notes that a connection could not be opened or has ended.
    pub fn lost(
        &mut self,
        id: ConnectionId,
        error: Error,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        let Some(index) = self.position(id) else {
            return;
        };
        let link = &self.links[index];
        let endpoint = link.endpoint;
        let label = Arc::clone(&self.endpoints[endpoint].label);
        let error = error.at(Arc::clone(&label));
        if let LinkState::Opening(_) = link.state {
            self.close_link(index);
            let another = match &mut self.endpoints[endpoint].resolution {
                Resolution::Known { addresses, tried } => {
                    *tried += 1;
                    addresses.rotate_left(1);
                    *tried < addresses.len()
                }
                _ => false,
            };
            if another {
                self.open(endpoint, now);
                return;
            }
            if self.endpoints[endpoint].is_named() {
                // The name may have moved; ask again next time.
                self.endpoints[endpoint].resolution = Resolution::Unknown;
            } else if let Resolution::Known { tried, .. } = &mut self.endpoints[endpoint].resolution
            {
                *tried = 0;
            }
            self.fail_endpoint(endpoint, error.sent(Sent::NotSent), now, handler);
            return;
        }
        if link.protocol.asked_in_vain() && error.kind() == ErrorKind::ConnectionLost {
            // A peer that closes when asked for meta commands knows none.
            self.endpoints[endpoint]
                .health
                .found_codec(Some(Codec::Text));
        }
        self.give_up(index, error, now, handler);
    }

    /// Closes a connection, and fails what it has not answered.
    pub(super) fn give_up(
        &mut self,
        index: usize,
        error: Error,
        now: Moment,
        handler: &mut impl Handler,
    ) {
        let mut link = self.links.swap_remove(index);
        self.actions.push_back(Action::Close(link.id));
        let endpoint = link.endpoint;
        let unanswered = link.protocol.abandon();
        self.note_end(endpoint, &error, !unanswered.is_empty());
        if !unanswered.is_empty() {
            self.blame(endpoint, &error, now);
        }
        self.note_retries(endpoint, &unanswered, &error);
        for request in unanswered {
            let error = error.clone().sent(request.sent);
            self.fail_flight(request.tag, error, now, handler);
        }
    }

    /// Notes that the socket of a connection takes no more bytes.
    pub fn blocked(&mut self, id: ConnectionId) {
        if let Some(index) = self.position(id) {
            self.links[index].blocked = true;
        }
    }

    /// Notes that the socket of a connection takes bytes again.
    pub fn writable(&mut self, id: ConnectionId) {
        if let Some(index) = self.position(id) {
            self.links[index].blocked = false;
            self.mark_dirty(index);
        }
    }
}

/// Gives the pieces of one operation to the handler.
struct ToHandler<'h, H> {
    handler: &'h mut H,
    token: u64,
}

impl<H: Handler> Parts for ToHandler<'_, H> {
    fn part(&mut self, part: Part<'_>) {
        self.handler.part(self.token, part);
    }

    fn hits(&mut self, hits: &Hits<'_>) {
        self.handler.hits(self.token, hits);
    }
}
