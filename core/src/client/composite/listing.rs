//! Lists of keys: how a server is asked for one, and asked again.
//!
//! memcached can walk through its hash table, which lists each key once, or
//! through its LRU queues, which omits keys that are in use or change their queue
//! and lists others twice. The hash table is what everybody wants, but not every
//! version has that walk, and some hold a lock of items while their reader is
//! slow ([`Walk`]). So a reader that lets servers wait asks for the version first,
//! and a server that refuses one walk is asked for the other.

use std::time::Duration;

use super::pace::Pace;
use crate::client::operation::{
    Composite, Dispatch, Input, Moment, Operation, Outbox, Parts, Step,
};
use crate::error::{Error, ErrorKind};
use crate::protocol::{Admin, Reply, Request, Walk};

/// The longest pause before a busy server is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// The first version that holds no lock of items while it waits for the reader
/// of a walk through the hash table (memcached's release notes).
const PATIENT: [u32; 3] = [1, 6, 19];

/// How soon the pieces of a list are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Uptake {
    /// As fast as they come.
    Immediate,
    /// As the caller comes to them, who lets the servers wait and may ask them for
    /// other things meanwhile.
    Paced,
}

impl Uptake {
    /// Returns what a server is asked first.
    pub(crate) const fn first(self) -> Admin<'static> {
        match self {
            Self::Immediate => Admin::Metadump {
                walk: Walk::HashTable,
            },
            Self::Paced => Admin::Version,
        }
    }
}

/// Has servers list their keys, all at once.
///
/// Those that are busy are asked again when the others are done, as often as
/// the time of the call allows. A server that is asked again has listed nothing,
/// so no key comes twice.
#[derive(Debug)]
pub(crate) struct Listing {
    /// Counts the answers.
    lists: Operation<'static>,
    /// By the name of the request.
    servers: Vec<Server>,
    pace: Pace,
}

#[derive(Debug)]
struct Server {
    endpoint: usize,
    question: Question,
    has_begun: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// It owes an answer.
    Asked,
    /// It is to be asked again.
    Busy,
    /// It has listed its keys, or failed.
    Over,
}

/// What a server was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Question {
    Version,
    List(Walk),
}

/// What becomes of a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    /// It is the list, or its end.
    Pass,
    /// The server is asked for a list.
    Ask(Walk),
    /// The server is asked again, later.
    Busy,
    /// The server was given up already.
    Ignore,
}

impl Listing {
    /// Creates a list from `lists`, which asks each of its endpoints what `uptake`
    /// begins with.
    pub(crate) fn new(lists: Operation<'static>, uptake: Uptake) -> Self {
        let question = match uptake.first() {
            Admin::Metadump { walk } => Question::List(walk),
            _ => Question::Version,
        };
        let server = |endpoint: &usize| Server {
            endpoint: *endpoint,
            question,
            has_begun: false,
            state: State::Asked,
        };
        Self {
            servers: lists.endpoints().iter().map(server).collect(),
            lists,
            pace: Pace::new(BUSY_PAUSE),
        }
    }

    /// Asks the servers that were busy again.
    fn ask_again(&mut self, outbox: &mut Outbox<'static>) -> Step {
        for (id, server) in self.servers.iter_mut().enumerate() {
            if let (State::Busy, Question::List(walk)) = (server.state, server.question) {
                outbox.push(server.ask(id as u32, walk));
            }
        }
        Step::Continue
    }

    /// Takes what one server answered.
    fn answer(
        &mut self,
        id: u32,
        reply: Reply<'_>,
        last: bool,
        now: Moment,
        outbox: &mut Outbox<'static>,
        parts: &mut dyn Parts,
    ) -> Step {
        let server = &mut self.servers[id as usize];
        match server.judge(&reply) {
            Verdict::Pass => {
                if last {
                    server.state = State::Over;
                }
                let input = Input::Reply { id, reply, last };
                self.lists.step(input, now, outbox, parts)
            }
            Verdict::Ask(walk) => {
                outbox.push(server.ask(id, walk));
                Step::Continue
            }
            Verdict::Ignore => Step::Continue,
            Verdict::Busy => {
                server.state = State::Busy;
                Step::Continue
            }
        }
    }

    fn has(&self, state: State) -> bool {
        self.servers.iter().any(|server| server.state == state)
    }
}

impl Composite for Listing {
    fn step(
        &mut self,
        input: Input<'_>,
        now: Moment,
        outbox: &mut Outbox<'static>,
        parts: &mut dyn Parts,
    ) -> Step {
        let step = match input {
            Input::Elapsed => return self.ask_again(outbox),
            Input::Reply { id, reply, last } => self.answer(id, reply, last, now, outbox, parts),
            // Its connection failed behind the answer, which stands.
            Input::Failed { id, .. } if self.servers[id as usize].state == State::Busy => {
                Step::Continue
            }
            Input::Failed { id, error } => {
                self.servers[id as usize].state = State::Over;
                let input = Input::Failed { id, error };
                self.lists.step(input, now, outbox, parts)
            }
            input => self.lists.step(input, now, outbox, parts),
        };
        match step {
            Step::Continue if !self.has(State::Asked) && self.has(State::Busy) => {
                Step::Wait(self.pace.next(now))
            }
            step => step,
        }
    }
}

impl Server {
    fn ask(&mut self, id: u32, walk: Walk) -> Dispatch<'static> {
        self.question = Question::List(walk);
        self.state = State::Asked;
        Dispatch {
            id,
            endpoint: self.endpoint,
            request: Request::Admin(Admin::Metadump { walk }),
        }
    }

    fn judge(&mut self, reply: &Reply<'_>) -> Verdict {
        let walk = match self.question {
            _ if self.state == State::Over => return Verdict::Ignore,
            Question::List(walk) => walk,
            // Whatever it is that does not tell its version may list keys.
            Question::Version => {
                return Verdict::Ask(match reply {
                    Reply::Version(version) if is_patient(version) => Walk::HashTable,
                    _ => Walk::Lru,
                });
            }
        };
        match reply {
            Reply::Line(_) => self.has_begun = true,
            Reply::Failed(error) if !self.has_begun => {
                if is_busy(error) {
                    return Verdict::Busy;
                }
                // Where lists are refused at all, nothing else will be said.
                if walk == Walk::HashTable && error.kind() != ErrorKind::Unsupported {
                    return Verdict::Ask(Walk::Lru);
                }
            }
            _ => {}
        }
        Verdict::Pass
    }
}

/// Whether a server lists keys for somebody else or crawls for itself at the
/// moment, as it has one crawler, or is about to enlarge its hash table.
fn is_busy(error: &Error) -> bool {
    let is_busy = |line: &str| line.starts_with("BUSY") || line.starts_with("ERROR locked");
    error.reply().is_some_and(is_busy)
}

/// Whether a version may be let wait while it walks through its hash table.
fn is_patient(version: &[u8]) -> bool {
    let number = |part: &[u8]| {
        let digits = part.iter().take_while(|byte| byte.is_ascii_digit());
        digits.fold(0, |number: u32, digit| {
            number
                .saturating_mul(10)
                .saturating_add((digit - b'0').into())
        })
    };
    version
        .split(|byte| *byte == b'.')
        .map(number)
        .chain(std::iter::repeat(0))
        .take(PATIENT.len())
        .ge(PATIENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        for patient in [
            "1.6.19",
            "1.6.45",
            "1.6.38_3_gabc",
            "1.7",
            "1.10.0-rc1",
            "2",
        ] {
            assert!(is_patient(patient.as_bytes()), "{patient}");
        }
        for hasty in [
            "1.6.18",
            "1.6.9",
            "1.6",
            "1.5.22",
            "1.4.14 (Ubuntu)",
            "",
            "proxy",
        ] {
            assert!(!is_patient(hasty.as_bytes()), "{hasty}");
        }
    }
}
