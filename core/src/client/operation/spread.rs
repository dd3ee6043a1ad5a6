//! Several requests at once.

use super::single::{Question, verdict};
use super::{Dispatch, Input, Outbox, Outcome, Part, Parts, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Hits, Reply, Request};

/// Several requests at once.
#[derive(Debug)]
pub struct Spread<'a> {
    dispatches: Vec<Dispatch<'a>>,
    /// For each request: the positions, in the call, of the keys it names.
    /// Empty when its keys are the call's own, in order.
    positions: Vec<Vec<usize>>,
    /// For each request: its endpoint.
    endpoints: Vec<usize>,
    unanswered: usize,
    answered: usize,
    failed: Vec<usize>,
    errors: Vec<Error>,
    /// Whether each request writes one key, so that its refusal is that key's.
    each_has_key: bool,
}

impl<'a> Spread<'a> {
    /// Creates an operation whose requests each read several keys; the
    /// positions tell where each request's keys stood in the call.
    #[must_use]
    pub fn retrieve(
        requests: impl ExactSizeIterator<Item = (usize, Request<'a>, Vec<usize>)>,
    ) -> Self {
        let mut spread = Self::empty(requests.len());
        for (id, (endpoint, request, positions)) in requests.enumerate() {
            spread.dispatches.push(Dispatch {
                id: id as u32,
                endpoint,
                request,
            });
            spread.endpoints.push(endpoint);
            spread.positions.push(positions);
        }
        spread
    }

    /// Creates an operation whose requests each concern the key at their position.
    #[must_use]
    pub fn each(requests: impl Iterator<Item = (usize, Request<'a>)>) -> Self {
        let mut spread = Self {
            each_has_key: true,
            ..Self::empty(requests.size_hint().0)
        };
        for (id, (endpoint, request)) in requests.enumerate() {
            spread.dispatches.push(Dispatch {
                id: id as u32,
                endpoint,
                request,
            });
            spread.endpoints.push(endpoint);
        }
        spread
    }

    /// Tells that the requests read: a miss is no failure of its key.
    #[must_use]
    pub fn reading(mut self) -> Self {
        self.each_has_key = false;
        self
    }

    /// Creates an operation that asks every one of `endpoints` the same.
    #[must_use]
    pub fn everywhere(endpoints: usize, request: &Request<'a>) -> Self {
        let requests = (0..endpoints).map(|endpoint| (endpoint, request.clone()));
        Self::each(requests).reading()
    }

    fn empty(capacity: usize) -> Self {
        Self {
            dispatches: Vec::with_capacity(capacity),
            positions: Vec::new(),
            endpoints: Vec::with_capacity(capacity),
            unanswered: 0,
            answered: 0,
            failed: Vec::new(),
            errors: Vec::new(),
            each_has_key: false,
        }
    }

    pub(super) fn into_owned(self) -> Spread<'static> {
        let dispatches = self.dispatches.into_iter();
        Spread {
            dispatches: dispatches.map(Dispatch::into_owned).collect(),
            positions: self.positions,
            endpoints: self.endpoints,
            unanswered: self.unanswered,
            answered: self.answered,
            failed: self.failed,
            errors: self.errors,
            each_has_key: self.each_has_key,
        }
    }

    pub(super) fn endpoints(&self) -> &[usize] {
        &self.endpoints
    }

    /// The requests, until they were sent.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Dispatch<'a>> {
        self.dispatches.iter()
    }

    pub(super) fn step(
        &mut self,
        input: Input<'_>,
        outbox: &mut Outbox<'a>,
        parts: &mut dyn Parts,
    ) -> Step {
        match input {
            Input::Start => {
                self.unanswered = self.dispatches.len();
                for dispatch in self.dispatches.drain(..) {
                    outbox.push(dispatch);
                }
            }
            Input::Reply { id, reply, last } => {
                let request = id as usize;
                let refused = matches!(reply, Reply::Failed(_));
                match reply {
                    Reply::Item(mut item) => {
                        item.index = self.position(request, item.index);
                        parts.part(Part::Item(item));
                    }
                    Reply::Failed(error) => {
                        if self.each_has_key {
                            self.failed.push(request);
                        }
                        // What a server refuses concerns that key alone.
                        match error.kind() {
                            ErrorKind::ValueTooLarge | ErrorKind::Server if self.each_has_key => {}
                            _ => self.errors.push(error),
                        }
                    }
                    Reply::Exists | Reply::NotFound | Reply::NotStored => self.failed.push(request),
                    reply => {
                        let endpoint = self.endpoints.get(request).copied().unwrap_or_default();
                        if let Err(error) =
                            verdict(reply, Question::Flag, endpoint, &mut false, parts)
                        {
                            self.errors.push(error);
                        }
                    }
                }
                if last {
                    self.end();
                    self.answered += usize::from(!refused);
                }
            }
            Input::Failed { id, error } => {
                if self.each_has_key {
                    self.failed.push(id as usize);
                }
                self.errors.push(error);
                if self.unanswered == 0 {
                    // What came behind the reply casts doubt on it.
                    self.answered = 0;
                }
                self.end();
            }
            Input::Answer(_) | Input::Elapsed => {}
        }
        if self.unanswered > 0 {
            Step::Continue
        } else {
            let failed = std::mem::take(&mut self.failed);
            let errors = std::mem::take(&mut self.errors);
            Step::Done(conclude(failed, errors, self.answered))
        }
    }

    /// Notes that a request is answered or has failed. One that was answered may
    /// fail, or be made again, for what came behind its reply.
    const fn end(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    pub(super) fn hits(&mut self, id: u32, hits: &mut Hits<'_>, parts: &mut dyn Parts) {
        let request = id as usize;
        if self
            .positions
            .get(request)
            .is_none_or(|own| !own.is_empty())
        {
            hits.renumber(|index| self.position(request, index));
        }
        parts.hits(hits);
    }

    /// Returns where a key of a request stood in the call.
    #[inline]
    fn position(&self, request: usize, index: usize) -> usize {
        match self.positions.get(request) {
            Some(positions) if !positions.is_empty() => positions[index],
            Some(_) => index,
            None => request,
        }
    }
}

/// Ends an operation of several requests, of which so many were answered.
pub(super) fn conclude(
    mut failed: Vec<usize>,
    mut errors: Vec<Error>,
    answered: usize,
) -> Result<Outcome> {
    failed.sort_unstable();
    failed.dedup();
    if errors.is_empty() {
        return Ok(Outcome::Many { failed });
    }
    // Many requests of one broken connection fail alike: one error tells it.
    errors.dedup();
    if answered == 0 && errors.len() == 1 {
        return Err(errors.remove(0).with_failed(failed));
    }
    let mut servers: Vec<_> = errors.iter().filter_map(Error::endpoint).collect();
    servers.sort_unstable();
    servers.dedup();
    let message = format!(
        "some servers failed: {}; first: {}",
        servers.join(", "),
        errors[0]
    );
    Err(Error::new(ErrorKind::Partial, message)
        .with_parts(errors)
        .with_failed(failed))
}
