//! What the end of a conversation says of an endpoint, and what the log is told.

use std::io;
use std::sync::Arc;

use super::turn::Failure;
use super::{Endpoint, Host, Runner};
use crate::client::delivery::{broken, is_endpoints_fault, lost, phase, timed_out};
use crate::client::log::{Entry, Event};
use crate::client::operation::Moment;
use crate::error::{Error, Sent};
use crate::net::{self, Lease};
use crate::protocol::{Codec, Connection};

impl Runner {
    /// Notes that an endpoint has answered.
    pub(super) fn succeeded<H: Host>(&self, endpoint: &Endpoint, lease: &Lease<'_>, host: &mut H) {
        let mut health = endpoint.health.lock();
        let was_out = health.succeed();
        if health.codec().is_none() {
            health.found_codec(lease.connection.codec());
        }
        drop(health);
        if was_out {
            host.note(endpoint.entry(Event::ServerBackInService));
        }
    }

    /// Closes the link of a failed conversation and puts the failure into words.
    pub(super) fn failed<H: Host>(
        &self,
        endpoint: &Endpoint,
        lease: &mut Lease<'_>,
        failure: Failure,
        host: &mut H,
    ) -> Error {
        match lease.empty() {
            Some(pooled) => self.judge(endpoint, &pooled.connection, failure, host),
            None => lost("nothing was open", &endpoint.label, Sent::MaybeApplied),
        }
    }

    /// Puts the failure of a conversation into words.
    pub(super) fn judge<H: Host>(
        &self,
        endpoint: &Endpoint,
        connection: &Connection<u32>,
        failure: Failure,
        host: &mut H,
    ) -> Error {
        let label = &endpoint.label;
        // What single requests know better is told by whoever abandoned them.
        let sent = Sent::MaybeApplied;
        let error = match failure {
            Failure::Closed => {
                if connection.asked_in_vain() {
                    // A peer that closes when asked for meta commands knows none.
                    endpoint.health.lock().found_codec(Some(Codec::Text));
                }
                lost("server closed it", label, sent)
            }
            Failure::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                timed_out(phase(connection), label, sent)
            }
            Failure::Io(error) => broken(error).at(Arc::clone(label)).sent(sent),
            Failure::Protocol(error) | Failure::Host(error) => error.at(Arc::clone(label)),
            Failure::Interrupted => lost("interrupted", label, sent),
        };
        host.note(Entry::ended(label, &error, true));
        self.blame(endpoint, &error, host);
        error
    }

    /// Counts a failure of the way to an endpoint.
    pub(super) fn blame<H: Host>(&self, endpoint: &Endpoint, error: &Error, host: &mut H) {
        if is_endpoints_fault(error)
            && endpoint
                .health
                .lock()
                .fail(Moment(net::now()), &self.policy)
        {
            host.note(endpoint.entry(Event::ServerOutOfService).because(error));
        }
    }
}

impl Endpoint {
    /// Begins an entry of the log.
    pub(super) fn entry(&self, event: Event) -> Entry {
        Entry::new(event, Arc::clone(&self.label))
    }

    pub(super) fn retried(&self, error: &Error, requests: usize) -> Entry {
        let entry = self.entry(Event::RequestsRetried);
        entry.because(error).concerning(requests)
    }
}

/// By endpoint, requests that are made again, and why.
#[derive(Default)]
pub(super) struct Retried(pub(super) Vec<(usize, Error, usize)>);

impl Retried {
    pub(super) fn add(&mut self, endpoint: usize, error: Error) {
        match self.0.iter_mut().find(|(of, ..)| *of == endpoint) {
            Some((.., requests)) => *requests += 1,
            None => self.0.push((endpoint, error, 1)),
        }
    }
}
