//! Lists that the caller takes piece by piece, at a pace of its own.

use std::sync::Arc;
use std::time::Duration;

use super::turn::{Failure, grow, turn_of};
use super::waiting::{LOOK, from_now, waits};
use super::{Host, Runner, advance};
use crate::client::delivery::labelled;
use crate::client::operation::{Input, Moment, Operation, Outbox, Step};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::fork;
use crate::net::Pooled;

/// An operation under way whose pieces are read as they are wanted: a list of
/// keys, begun by [`Runner::begin`].
///
/// One server is asked after the other, each on a connection of its own that is
/// read no further than the caller has come, so that the server waits and
/// nothing gathers in memory. A server that is busy is asked again for as long as
/// a piece may take. Dropping it closes the connection.
#[derive(Debug)]
pub struct Reading {
    runner: Arc<Runner>,
    operation: Operation<'static>,
    outbox: Outbox<'static>,
    patience: Duration,
    stage: Stage,
    /// Connections whose replies are complete, for what else their endpoints are
    /// asked.
    spare: Vec<(usize, Box<Pooled>)>,
    /// Until when servers may be busy, once one is.
    give_up: Option<u64>,
    generation: u64,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is asked yet.
    New,
    /// The next server is to be asked.
    Between,
    /// Nothing is asked before this moment.
    Waiting(Moment),
    /// A server lists.
    Open {
        endpoint: usize,
        id: u32,
        pooled: Box<Pooled>,
    },
    Over,
}

impl Runner {
    /// Prepares an operation whose pieces are wanted one after the other. A
    /// server may take `patience` for each, and all the time it wants for all of
    /// them. Nothing is sent before [`Reading::next`].
    #[must_use]
    pub fn begin(self: &Arc<Self>, operation: Operation<'static>, patience: Duration) -> Reading {
        Reading {
            runner: Arc::clone(self),
            operation,
            outbox: Outbox::default(),
            patience,
            stage: Stage::New,
            spare: Vec::new(),
            give_up: None,
            generation: fork::generation(),
        }
    }
}

impl Reading {
    /// Reads once and gives the pieces that came to `host`; tells whether more may
    /// come.
    ///
    /// # Errors
    ///
    /// What the operation ends with, once; nothing comes after it.
    /// [`ErrorKind::Closed`] in a forked child, whose parent goes on reading.
    pub fn next<H: Host>(&mut self, host: &mut H) -> Result<bool> {
        if self.generation != fork::generation() {
            let message = "the list belongs to the process that began it";
            return Err(Error::new(ErrorKind::Closed, message));
        }
        let read = self.read(host);
        if !matches!(read, Ok(true)) {
            self.close();
        }
        read
    }

    /// Ends the list; nothing more comes.
    pub fn close(&mut self) {
        self.stage = Stage::Over;
        self.spare.clear();
    }

    fn read<H: Host>(&mut self, host: &mut H) -> Result<bool> {
        if matches!(self.stage, Stage::New) {
            self.stage = Stage::Between;
            let step = advance(&mut self.operation, Input::Start, &mut self.outbox, host);
            if let Step::Done(result) = step {
                return result.map(|_| false);
            }
        }
        let runner = Arc::clone(&self.runner);
        loop {
            let (step, gave) = match self.stage {
                Stage::New | Stage::Over => return Ok(false),
                Stage::Between => (self.ask(&runner, host)?, false),
                Stage::Waiting(until) => (self.wait(until.0, host)?, false),
                Stage::Open { .. } => self.listen(&runner, host)?,
            };
            match step {
                Step::Done(result) => return result.map(|_| false),
                Step::Wait(until) => self.stage = Stage::Waiting(until),
                _ if gave => {
                    self.give_up = None;
                    return Ok(true);
                }
                _ => {}
            }
        }
    }

    /// Waits until busy servers are to be asked again.
    fn wait<H: Host>(&mut self, until: u64, host: &mut H) -> Result<Step> {
        let give_up = self.give_up.unwrap_or_else(|| from_now(self.patience));
        self.give_up = Some(give_up);
        if until > give_up {
            let message = "servers list keys for somebody else all the time";
            return Err(Error::new(ErrorKind::Timeout, message).in_phase(Phase::Queue));
        }
        Runner::pause(until, host)?;
        self.stage = Stage::Between;
        let input = Input::Elapsed;
        Ok(advance(&mut self.operation, input, &mut self.outbox, host))
    }

    /// Asks the next server.
    fn ask<H: Host>(&mut self, runner: &Runner, host: &mut H) -> Result<Step> {
        let Some(dispatch) = self.outbox.pop() else {
            let message = "operation ended without a result";
            return Err(Error::new(ErrorKind::Protocol, message));
        };
        let endpoint = &runner.endpoints[dispatch.endpoint];
        let pooled = match self.take_spare(dispatch.endpoint) {
            Some(pooled) => Ok(Some(pooled)),
            None => {
                let deadline = from_now(self.patience);
                let lease = runner.checkout(endpoint, deadline, host);
                // Out of the pool: it would have to be held as long as the list.
                lease.map(|(mut lease, _)| lease.empty())
            }
        };
        let asked = pooled.and_then(|mut pooled| {
            if let Some(pooled) = &mut pooled {
                let asked = pooled.connection.enqueue(0, &dispatch.request);
                asked.map_err(|error| error.at(Arc::clone(&endpoint.label)))?;
            }
            Ok(pooled)
        });
        let id = dispatch.id;
        match asked {
            Ok(Some(pooled)) => {
                let endpoint = dispatch.endpoint;
                self.stage = Stage::Open {
                    endpoint,
                    id,
                    pooled,
                };
                Ok(Step::Continue)
            }
            Ok(None) => Ok(Step::Continue),
            Err(error) => {
                let input = Input::Failed { id, error };
                Ok(advance(&mut self.operation, input, &mut self.outbox, host))
            }
        }
    }

    /// Reads once; tells whether a piece came.
    fn listen<H: Host>(&mut self, runner: &Runner, host: &mut H) -> Result<(Step, bool)> {
        let give_up = from_now(self.patience);
        let Stage::Open {
            endpoint: number,
            id,
            pooled,
        } = &mut self.stage
        else {
            return Ok((Step::Continue, false));
        };
        let (id, number) = (*id, *number);
        let endpoint = &runner.endpoints[number];
        let failure = loop {
            match turn_of(pooled, give_up.min(from_now(LOOK)), host) {
                Ok(0) => break Failure::Closed,
                Ok(count) => {
                    let Pooled {
                        connection, buffer, ..
                    } = &mut **pooled;
                    let mut chunk = &buffer[..count];
                    let mut step = Step::Continue;
                    let received = loop {
                        match connection.receive(&mut chunk) {
                            Ok(None) => break Ok(()),
                            Err(error) => break Err(error),
                            Ok(Some(received)) => {
                                let reply = labelled(received.reply, &endpoint.label);
                                let last = received.last;
                                let input = Input::Reply { id, reply, last };
                                step = advance(&mut self.operation, input, &mut self.outbox, host);
                                if last {
                                    break Ok(());
                                }
                            }
                        }
                    };
                    match received {
                        Err(error) => break Failure::Protocol(error),
                        Ok(()) => {
                            let is_clean = chunk.is_empty() && connection.is_clean();
                            let is_over = connection.outstanding() == 0;
                            grow(buffer, count);
                            if is_over {
                                self.set_aside(number, is_clean);
                            }
                            return Ok((step, true));
                        }
                    }
                }
                Err(error) if waits(&error, give_up) => host.interrupted()?,
                Err(error) => break error.into(),
            }
        };
        let error = runner.judge(endpoint, &pooled.connection, failure, host);
        self.stage = Stage::Between;
        let input = Input::Failed { id, error };
        let step = advance(&mut self.operation, input, &mut self.outbox, host);
        Ok((step, false))
    }

    /// Keeps the connection of a reply that is complete, where it can be used again.
    fn set_aside(&mut self, endpoint: usize, is_clean: bool) {
        let stage = std::mem::replace(&mut self.stage, Stage::Between);
        if let Stage::Open { pooled, .. } = stage
            && is_clean
        {
            self.spare.push((endpoint, pooled));
        }
    }

    /// Takes a connection that was kept for an endpoint, unless its server has
    /// closed it or said more than it was asked.
    fn take_spare(&mut self, endpoint: usize) -> Option<Box<Pooled>> {
        let found = self.spare.iter().position(|(of, _)| *of == endpoint)?;
        let (_, mut pooled) = self.spare.swap_remove(found);
        (!pooled.link.is_stale()).then_some(pooled)
    }
}
