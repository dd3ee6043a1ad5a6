//! Several items written in any case, in one batch per server.
//!
//! Over the meta protocol a batch is quiet (see [`StoreMany`]): its end tells
//! that everything is stored, unless lines before it tell that something was
//! refused. They do not tell what. So the server is asked which of the keys it
//! has, which is sound for the two refusals that a full server and one with a
//! low limit answer, as both drop what was stored under the key before:
//!
//! - A key that is absent counts as not stored. Should it have been stored and
//!   evicted since, the cache does not have it either.
//! - A key that is there was stored, or refused and then written by somebody
//!   else, which leaves nothing that would differ had ours come first.
//!
//! That holds where each refusal left a key absent. When fewer keys are absent
//! than were refused, some refusal left an old value behind or somebody wrote
//! in between, and nothing tells the two apart: then, as after a refusal of any
//! other kind, no key of the batch counts as stored. A key may thus be told as
//! failed that is stored, never the reverse.

use std::sync::Arc;

use super::spread::conclude;
use super::{Dispatch, Input, Outbox, Step};
use crate::error::{Error, ErrorKind};
use crate::protocol::{Keys, Reply, Request, Retrieve, StoreMany, Want};

/// Several items written in any case, in one batch per server.
#[derive(Debug)]
pub struct Stores<'a> {
    batches: Vec<Batch<'a>>,
    /// For each batch: its endpoint.
    endpoints: Vec<usize>,
    /// Which key each question is about that was asked after a refusal: the
    /// batch, and the item's number in it. Their requests come behind those of
    /// the batches.
    questions: Vec<(usize, usize)>,
    unanswered: usize,
    failed: Vec<usize>,
    errors: Vec<Error>,
}

#[derive(Debug)]
struct Batch<'a> {
    items: Arc<StoreMany<'a>>,
    /// The positions, in the call, of the items. Empty when they are the call's
    /// own, in order.
    positions: Vec<usize>,
    /// How many items, from the first on, have a reply of their own.
    confirmed: usize,
    /// How many items were refused without a word which.
    refused: usize,
    /// Whether every refusal was one that drops what was stored before.
    dropped: bool,
    /// Whether no more replies to it come.
    over: bool,
    /// Whether anything is known to be stored.
    answered: bool,
    /// How many questions are open.
    open: usize,
    /// The items that are not known to be there.
    absent: Vec<usize>,
}

impl<'a> Stores<'a> {
    /// Creates an operation of these batches; each has its endpoint, and the
    /// positions of its items in the call, or none when they are the call's own.
    #[must_use]
    pub fn new(batches: impl IntoIterator<Item = (usize, StoreMany<'a>, Vec<usize>)>) -> Self {
        let mut stores = Self {
            batches: Vec::new(),
            endpoints: Vec::new(),
            questions: Vec::new(),
            unanswered: 0,
            failed: Vec::new(),
            errors: Vec::new(),
        };
        for (endpoint, items, positions) in batches {
            stores.endpoints.push(endpoint);
            stores.batches.push(Batch::new(Arc::new(items), positions));
        }
        stores
    }

    pub(super) fn into_owned(self) -> Stores<'static> {
        let own = |batch: Batch<'_>| Batch {
            items: Arc::new(Arc::unwrap_or_clone(batch.items).into_owned()),
            positions: batch.positions,
            absent: batch.absent,
            ..batch
        };
        Stores {
            batches: self.batches.into_iter().map(own).collect(),
            endpoints: self.endpoints,
            questions: self.questions,
            unanswered: self.unanswered,
            failed: self.failed,
            errors: self.errors,
        }
    }

    pub(super) fn endpoints(&self) -> &[usize] {
        &self.endpoints
    }

    pub(super) fn step(&mut self, input: Input<'_>, outbox: &mut Outbox<'a>) -> Step {
        match input {
            Input::Start => {
                self.unanswered = self.batches.len();
                for (id, batch) in self.batches.iter().enumerate() {
                    outbox.push(Dispatch {
                        id: id as u32,
                        endpoint: self.endpoints[id],
                        request: Request::StoreMany(Arc::clone(&batch.items)),
                    });
                }
            }
            Input::Reply { id, reply, last } => {
                let id = id as usize;
                match id.checked_sub(self.batches.len()) {
                    None => self.take(id, reply, last, outbox),
                    Some(question) => match reply {
                        Reply::Item(_) => self.take_answer(question, true, None),
                        Reply::Failed(error) => self.take_answer(question, false, Some(error)),
                        _ => self.take_answer(question, false, None),
                    },
                }
            }
            Input::Failed { id, error } => {
                let id = id as usize;
                match id.checked_sub(self.batches.len()) {
                    None => self.fail_rest(id, error),
                    Some(question) => self.take_answer(question, false, Some(error)),
                }
            }
            Input::Answer(_) | Input::Elapsed => {}
        }
        if self.unanswered > 0 {
            Step::Continue
        } else {
            let failed = std::mem::take(&mut self.failed);
            let errors = std::mem::take(&mut self.errors);
            let answered = self.batches.iter().filter(|batch| batch.answered).count();
            Step::Done(conclude(failed, errors, answered))
        }
    }

    /// Takes a reply to a batch.
    fn take(&mut self, id: usize, reply: Reply<'_>, last: bool, outbox: &mut Outbox<'a>) {
        if last {
            self.end(id);
        }
        let batch = &mut self.batches[id];
        match reply {
            // The end of a quiet batch.
            Reply::Ok if batch.refused == 0 => batch.answered = true,
            Reply::Ok if batch.dropped => self.ask(id, outbox),
            Reply::Ok => self.fail_unconfirmed(id),
            Reply::Refused(error) => {
                batch.refused += 1;
                batch.dropped &= drops(&error);
                self.keep(error);
            }
            Reply::Stored => {
                batch.confirmed += 1;
                batch.answered = true;
            }
            Reply::Failed(error) if last => {
                self.fail_unconfirmed(id);
                self.keep(error);
            }
            Reply::Failed(error) => {
                self.fail_next(id);
                self.keep(error);
            }
            // Not what memcached says to a plain set.
            _ => {
                batch.answered = true;
                self.fail_next(id);
            }
        }
    }

    /// Asks which keys of a batch are there.
    fn ask(&mut self, id: usize, outbox: &mut Outbox<'a>) {
        let first = self.batches.len() + self.questions.len();
        let batch = &mut self.batches[id];
        let items = batch.items.items();
        batch.open = items.len();
        self.unanswered += items.len();
        for (number, item) in items.iter().enumerate() {
            outbox.push(Dispatch {
                id: (first + number) as u32,
                endpoint: self.endpoints[id],
                request: Request::Retrieve(Retrieve {
                    keys: Keys::One(item.key.clone()),
                    want: Want::EXISTENCE,
                    touch: None,
                    bump: false,
                }),
            });
            self.questions.push((id, number));
        }
    }

    /// Takes the answer to the question whether a key is there; it may be that
    /// nobody can tell.
    fn take_answer(&mut self, question: usize, is_there: bool, error: Option<Error>) {
        let (id, number) = self.questions[question];
        self.unanswered -= 1;
        let batch = &mut self.batches[id];
        batch.open -= 1;
        if !is_there {
            batch.absent.push(number);
        }
        if batch.open == 0 {
            if batch.absent.len() < batch.refused {
                self.fail_unconfirmed(id);
            } else {
                batch.answered = batch.absent.len() < batch.items.items().len();
                let absent = batch.absent.iter().map(|number| batch.position(*number));
                self.failed.extend(absent);
            }
        }
        if let Some(error) = error {
            self.keep(error);
        }
    }

    /// Notes that a batch has no more replies coming; tells whether that is news.
    fn end(&mut self, id: usize) -> bool {
        let is_over = std::mem::replace(&mut self.batches[id].over, true);
        self.unanswered -= usize::from(!is_over);
        !is_over
    }

    /// Notes that the next item of a batch whose replies come in order is not stored.
    fn fail_next(&mut self, id: usize) {
        let batch = &mut self.batches[id];
        self.failed.push(batch.position(batch.confirmed));
        batch.confirmed += 1;
    }

    /// Notes that no item is stored, or known to be, that has no reply of its own.
    fn fail_unconfirmed(&mut self, id: usize) {
        let batch = &self.batches[id];
        let unconfirmed = batch.confirmed..batch.items.items().len();
        let positions = unconfirmed.map(|number| batch.position(number));
        self.failed.extend(positions);
    }

    /// Notes that a batch ended early.
    fn fail_rest(&mut self, id: usize, error: Error) {
        if !self.end(id) {
            // What came behind the last reply casts doubt on all of them.
            let batch = &mut self.batches[id];
            (batch.confirmed, batch.answered) = (0, false);
        }
        self.fail_unconfirmed(id);
        self.keep(error);
    }

    /// Keeps an error to tell it, unless it concerns single items alone.
    fn keep(&mut self, error: Error) {
        match error.kind() {
            ErrorKind::Server | ErrorKind::ValueTooLarge => {}
            _ => self.errors.push(error),
        }
    }
}

impl<'a> Batch<'a> {
    const fn new(items: Arc<StoreMany<'a>>, positions: Vec<usize>) -> Self {
        Self {
            items,
            positions,
            confirmed: 0,
            refused: 0,
            dropped: true,
            over: false,
            answered: false,
            open: 0,
            absent: Vec::new(),
        }
    }

    /// The position in the call of an item.
    fn position(&self, number: usize) -> usize {
        self.positions.get(number).copied().unwrap_or(number)
    }
}

/// Whether a refused store leaves nothing under its key. memcached says so of
/// these two by deleting; a large value for which memory runs out halfway, or a
/// proxy whose server is down, leaves what was there.
fn drops(refusal: &Error) -> bool {
    refusal.kind() == ErrorKind::ValueTooLarge
        || refusal.reply() == Some("SERVER_ERROR out of memory storing object")
}
