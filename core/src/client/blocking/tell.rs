//! Telling an operation what came, and its pieces to the host.

use std::sync::Arc;

use super::Host;
use super::turn::Listener;
use crate::client::delivery::labelled;
use crate::client::operation::{Input, Moment, Operation, Outbox, Part, Parts, Step};
use crate::net;
use crate::protocol::{Hits, Reply};

/// Tells an operation the replies of one endpoint.
pub(super) struct Telling<'t, 'a, I> {
    pub(super) operation: &'t mut Operation<'a>,
    pub(super) outbox: &'t mut Outbox<'a>,
    /// What came of the last reply.
    pub(super) step: &'t mut Step,
    pub(super) label: &'t Arc<str>,
    /// The operation's name for the request with a tag.
    pub(super) id: I,
}

impl<H: Host, I: Fn(u32) -> u32> Listener<H> for Telling<'_, '_, I> {
    fn reply(&mut self, tag: u32, reply: Reply<'_>, last: bool, host: &mut H) {
        let id = (self.id)(tag);
        let reply = labelled(reply, self.label);
        let input = Input::Reply { id, reply, last };
        *self.step = advance(self.operation, input, self.outbox, host);
    }

    fn hits(&mut self, tag: u32, hits: &mut Hits<'_>, host: &mut H) {
        let (id, now) = ((self.id)(tag), moment(self.operation));
        let parts = &mut ToHost(host);
        *self.step = self.operation.hits(id, hits, now, self.outbox, parts);
    }
}

/// Advances an operation.
pub(super) fn advance<'a, H: Host>(
    operation: &mut Operation<'a>,
    input: Input<'_>,
    outbox: &mut Outbox<'a>,
    host: &mut H,
) -> Step {
    operation.step(input, moment(operation), outbox, &mut ToHost(host))
}

/// The time, for those that look at it.
#[inline]
fn moment(operation: &Operation<'_>) -> Moment {
    match operation {
        Operation::Composite(_) => Moment(net::now()),
        _ => Moment::default(),
    }
}

struct ToHost<'h, H>(&'h mut H);

impl<H: Host> Parts for ToHost<'_, H> {
    fn part(&mut self, part: Part<'_>) {
        self.0.part(part);
    }

    fn hits(&mut self, hits: &Hits<'_>) {
        self.0.hits(hits);
    }
}
