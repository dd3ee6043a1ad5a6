//! One request to one server.

use super::{CasOutcome, Dispatch, Input, Outbox, Outcome, Part, Parts, Step};
use crate::error::Result;
use crate::protocol::{Hits, Reply, Request};

/// One request to one server.
#[derive(Debug)]
pub struct Single<'a> {
    dispatch: Option<Dispatch<'a>>,
    endpoint: usize,
    question: Question,
    found: bool,
}

/// What the outcome of a single request tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Question {
    /// Whether the item was still the one that was read.
    Cas,
    /// Yes or no.
    Flag,
    /// Which number.
    Number,
}

impl Question {
    fn of(request: &Request<'_>) -> Self {
        match request {
            Request::Arithmetic(_) => Self::Number,
            Request::Delete(delete) if delete.cas.is_some() => Self::Cas,
            Request::Store(store) if store.cas.is_some() => Self::Cas,
            _ => Self::Flag,
        }
    }

    fn outcome(self, verdict: CasOutcome) -> Outcome {
        match self {
            Self::Cas => Outcome::Cas(verdict),
            Self::Flag => Outcome::Flag(verdict == CasOutcome::Stored),
            Self::Number => Outcome::Number(None),
        }
    }
}

impl<'a> Single<'a> {
    pub(super) fn new(endpoint: usize, request: Request<'a>) -> Self {
        let question = Question::of(&request);
        let dispatch = Dispatch {
            id: 0,
            endpoint,
            request,
        };
        Self {
            dispatch: Some(dispatch),
            endpoint,
            question,
            found: false,
        }
    }

    pub(super) fn into_owned(self) -> Single<'static> {
        Single {
            dispatch: self.dispatch.map(Dispatch::into_owned),
            endpoint: self.endpoint,
            question: self.question,
            found: self.found,
        }
    }

    pub(super) const fn endpoints(&self) -> &[usize] {
        std::slice::from_ref(&self.endpoint)
    }

    /// The request, until it was sent.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Dispatch<'a>> {
        self.dispatch.iter()
    }

    pub(super) fn step(
        &mut self,
        input: Input<'_>,
        outbox: &mut Outbox<'a>,
        parts: &mut dyn Parts,
    ) -> Step {
        match input {
            Input::Start => {
                if let Some(dispatch) = self.dispatch.take() {
                    outbox.push(dispatch);
                }
                Step::Continue
            }
            Input::Reply { reply, last, .. } => {
                let outcome = verdict(reply, self.question, self.endpoint, &mut self.found, parts);
                if last {
                    Step::Done(outcome)
                } else {
                    Step::Continue
                }
            }
            Input::Failed { error, .. } => Step::Done(Err(error)),
            Input::Answer(_) | Input::Elapsed => Step::Continue,
        }
    }

    pub(super) fn hits(&mut self, hits: &Hits<'_>, parts: &mut dyn Parts) {
        self.found = true;
        parts.hits(hits);
    }
}

/// Turns the reply to one request into an outcome, and gives its pieces away.
pub(super) fn verdict(
    reply: Reply<'_>,
    question: Question,
    endpoint: usize,
    found: &mut bool,
    parts: &mut dyn Parts,
) -> Result<Outcome> {
    Ok(match reply {
        Reply::Item(item) => {
            *found = true;
            parts.part(Part::Item(item));
            Outcome::Flag(true)
        }
        Reply::End => Outcome::Flag(*found),
        Reply::Deleted | Reply::Stored | Reply::Touched => question.outcome(CasOutcome::Stored),
        Reply::NotStored | Reply::NotFound => question.outcome(CasOutcome::NotFound),
        Reply::Exists => question.outcome(CasOutcome::Exists),
        Reply::Number(number) => Outcome::Number(Some(number)),
        Reply::Ok => {
            parts.part(Part::Ok { endpoint });
            Outcome::Done
        }
        Reply::Version(version) => {
            parts.part(Part::Version {
                endpoint,
                version: &version,
            });
            Outcome::Done
        }
        Reply::Stat { name, value } => {
            parts.part(Part::Stat {
                endpoint,
                name: &name,
                value: &value,
            });
            Outcome::Done
        }
        Reply::Line(line) => {
            parts.part(Part::Line {
                endpoint,
                line: &line,
            });
            Outcome::Done
        }
        Reply::Failed(error) | Reply::Refused(error) => return Err(error),
    })
}
