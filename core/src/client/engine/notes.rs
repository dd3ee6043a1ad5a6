//! What the engine has to say for the log.

use super::*;
use crate::protocol::Unanswered;

impl Engine {
    /// Notes what happened to an endpoint.
    pub(super) fn note(&mut self, endpoint: usize, event: Event, error: Option<&Error>) {
        let entry = Entry::new(event, Arc::clone(&self.endpoints[endpoint].label));
        self.keep(match error {
            Some(error) => entry.because(error),
            None => entry,
        });
    }

    /// Notes the end of a connection, with or without requests that wait for it.
    pub(super) fn note_end(&mut self, endpoint: usize, error: &Error, waiting: bool) {
        let label = &self.endpoints[endpoint].label;
        self.keep(Entry::ended(label, error, waiting));
    }

    /// Notes how many of the requests that a connection left unanswered are going
    /// to be made again.
    pub(super) fn note_retries(
        &mut self,
        endpoint: usize,
        unanswered: &[Unanswered<u32>],
        error: &Error,
    ) {
        let again = unanswered.iter().filter(|request| {
            let flight = self.flights.get(request.tag);
            flight.is_some_and(|flight| {
                let error = error.clone().sent(request.sent);
                flight.may_go_again(&error, self.options.retry_attempts)
            })
        });
        let count = again.count();
        if count > 0 {
            let label = Arc::clone(&self.endpoints[endpoint].label);
            let entry = Entry::new(Event::RequestsRetried, label);
            self.keep(entry.because(error).concerning(count));
        }
    }

    /// Notes that the failure of an endpoint passed as a miss, where the log has
    /// not been told lately.
    pub(super) fn report(&mut self, label: &str, error: &Error, now: Moment) {
        let found = self.endpoints.iter().position(|it| *it.label == *label);
        if let Some(endpoint) = found
            && self.endpoints[endpoint].health.reports(now)
        {
            self.note(endpoint, Event::CallDegraded, Some(error));
        }
    }

    fn keep(&mut self, entry: Entry) {
        if self.entries.len() < ENTRIES {
            self.entries.push(entry);
        }
    }
}
