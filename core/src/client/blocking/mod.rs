//! The blocking runner: drives operations over links that it checks out.
//!
//! A call for one server is one write and one read on a link of its own.
//! Several servers are written and read together, because writing everything
//! before reading anything would stall on large batches.

mod host;
mod judgement;
mod links;
mod reading;
mod tell;
mod turn;
mod waiting;

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

pub use self::host::{Connector, Host, PlainConnector, Times};
use self::judgement::Retried;
pub use self::reading::Reading;
use self::tell::{Telling, advance};
use self::turn::{Failure, Lane, drive, is_large, put_off, take_turn, turn_all};
use super::delivery::{degraded, may_retry, out_of_service};
use super::health::{Admission, Health, HealthPolicy};
use super::log::Event;
use super::operation::{Dispatch, Input, Moment, Operation, Outbox, Outcome, Step};
use super::security::Security;
use crate::error::{Error, ErrorKind, Phase, Result, Sent};
use crate::net::{self, Address, Lease, Link, Pool, PoolLimits, Pooled};
use crate::protocol::{Codec, Connection, Limits};

/// Drives operations on blocking links; shared by all threads of a client.
#[derive(Debug)]
pub struct Runner {
    endpoints: Vec<Endpoint>,
    connector: Box<dyn Connector>,
    times: Times,
    policy: HealthPolicy,
    limits: Limits,
    /// The codec asked for; `None` finds out.
    codec: Option<Codec>,
    security: Security,
}

#[derive(Debug)]
struct Endpoint {
    address: Address,
    label: Arc<str>,
    pool: Pool,
    health: Mutex<Health>,
}

/// A request under way.
#[derive(Debug)]
struct Flight<'a> {
    dispatch: Dispatch<'a>,
    attempts: u32,
}

impl Runner {
    /// Creates a runner; nothing is opened.
    #[must_use]
    pub fn new(
        addresses: impl IntoIterator<Item = Address>,
        connector: Box<dyn Connector>,
        times: Times,
        pool: PoolLimits,
        policy: HealthPolicy,
        limits: Limits,
        codec: Option<Codec>,
    ) -> Self {
        let endpoint = |(index, address): (usize, Address)| Endpoint {
            label: address.to_string().into(),
            address,
            pool: Pool::new(pool),
            health: Mutex::new(Health::new(net::now() ^ ((index as u64) << 32))),
        };
        let endpoints = addresses.into_iter().enumerate().map(endpoint).collect();
        Self {
            endpoints,
            connector,
            times,
            policy,
            limits,
            codec,
            security: Security::default(),
        }
    }

    /// Authenticates and encrypts every link.
    pub(super) fn secured(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Runs an operation to its end, at the latest until `deadline`, a moment
    /// of [`net::now`].
    ///
    /// # Errors
    ///
    /// What the operation ends with.
    pub fn run<H: Host>(
        &self,
        mut operation: Operation<'_>,
        deadline: u64,
        host: &mut H,
    ) -> Result<Outcome> {
        let degrade = self.times.degrade && operation.may_degrade();
        let result = self.run_through(&mut operation, deadline, host);
        if !degrade {
            return result;
        }
        degraded(result, |label, error| {
            let failed = self.endpoints.iter().find(|it| *it.label == *label);
            if let Some(endpoint) = failed
                && endpoint.health.lock().reports(Moment(net::now()))
            {
                host.note(endpoint.entry(Event::CallDegraded).because(error));
            }
        })
    }

    fn run_through<H: Host>(
        &self,
        operation: &mut Operation<'_>,
        deadline: u64,
        host: &mut H,
    ) -> Result<Outcome> {
        let mut outbox = Outbox::default();
        let mut step = advance(operation, Input::Start, &mut outbox, host);
        loop {
            step = match step {
                Step::Done(result) => return result,
                Step::Continue => match outbox.len() {
                    // Nothing to send and nothing to wait for.
                    0 => {
                        let message = "operation ended without a result";
                        return Err(Error::new(ErrorKind::Protocol, message));
                    }
                    1 => {
                        let Some(dispatch) = outbox.pop() else {
                            continue;
                        };
                        if is_large(&dispatch.request) {
                            outbox.push(dispatch);
                            self.exchange(operation, &mut outbox, deadline, host)?
                        } else {
                            self.exchange_one(operation, &dispatch, &mut outbox, deadline, host)?
                        }
                    }
                    _ => self.exchange(operation, &mut outbox, deadline, host)?,
                },
                Step::Ask => {
                    let answer = host.ask()?;
                    advance(operation, Input::Answer(answer), &mut outbox, host)
                }
                Step::Wait(until) => {
                    sleep(until.0, deadline, host)?;
                    advance(operation, Input::Elapsed, &mut outbox, host)
                }
            };
        }
    }

    /// Sends one request and tells the operation its reply.
    fn exchange_one<'a, H: Host>(
        &self,
        operation: &mut Operation<'a>,
        dispatch: &Dispatch<'a>,
        outbox: &mut Outbox<'a>,
        deadline: u64,
        host: &mut H,
    ) -> Result<Step> {
        let endpoint = &self.endpoints[dispatch.endpoint];
        let id = dispatch.id;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut step = Step::Continue;
            let error = match self.checkout(endpoint, deadline, host) {
                Err(error) => error,
                Ok((mut lease, _)) => match lease.connection.enqueue(0, &dispatch.request) {
                    Err(error) => error.at(Arc::clone(&endpoint.label)),
                    Ok(()) => {
                        let mut telling = Telling {
                            operation,
                            outbox,
                            step: &mut step,
                            label: &endpoint.label,
                            id: |_| id,
                        };
                        match drive(&mut lease, deadline, host, &mut telling) {
                            Ok(()) => {
                                self.succeeded(endpoint, &lease, host);
                                return Ok(step);
                            }
                            Err(Failure::Host(error)) => return Err(error),
                            Err(failure) => {
                                let sent = lease
                                    .connection
                                    .abandon()
                                    .first()
                                    .map_or(Sent::MaybeApplied, |unanswered| unanswered.sent);
                                self.failed(endpoint, &mut lease, failure, host).sent(sent)
                            }
                        }
                    }
                },
            };
            if !may_retry(
                &dispatch.request,
                &error,
                attempts,
                self.times.retry_attempts,
            ) {
                return Ok(advance(
                    operation,
                    Input::Failed { id, error },
                    outbox,
                    host,
                ));
            }
            host.note(endpoint.retried(&error, 1));
        }
    }

    /// Sends what is in the outbox and tells the operation every reply.
    fn exchange<'a, H: Host>(
        &self,
        operation: &mut Operation<'a>,
        outbox: &mut Outbox<'a>,
        mut deadline: u64,
        host: &mut H,
    ) -> Result<Step> {
        let mut flights = Vec::with_capacity(outbox.len());
        while let Some(dispatch) = outbox.pop() {
            flights.push(Flight {
                dispatch,
                attempts: 0,
            });
        }
        let mut step = Step::Continue;
        let mut waiting: Vec<u32> = (0..flights.len() as u32).collect();
        while !waiting.is_empty() {
            let mut failed = Vec::new();
            let mut lanes = self.board(&flights, &waiting, &mut failed, deadline, host);
            while !lanes.is_empty() {
                turn_all(&mut lanes, deadline, host);
                let mut progressed = false;
                let mut index = 0;
                while let Some(lane) = lanes.get_mut(index) {
                    let endpoint = &self.endpoints[lane.endpoint];
                    let mut telling = Telling {
                        operation,
                        outbox,
                        step: &mut step,
                        label: &endpoint.label,
                        id: |tag| flights[tag as usize].dispatch.id,
                    };
                    let taken = take_turn(lane, host, &mut telling);
                    progressed |= matches!(taken, Ok(true));
                    match taken {
                        Ok(_) if lane.lease.connection.outstanding() > 0 => {
                            index += 1;
                            continue;
                        }
                        Ok(_) => self.succeeded(endpoint, &lane.lease, host),
                        Err(Failure::Interrupted) => {
                            host.interrupted()?;
                            index += 1;
                            continue;
                        }
                        Err(Failure::Host(error)) => return Err(error),
                        Err(failure) => {
                            let unanswered = lane.lease.connection.abandon();
                            let error = self.failed(endpoint, &mut lane.lease, failure, host);
                            for request in unanswered {
                                failed.push((request.tag, error.clone().sent(request.sent)));
                            }
                        }
                    }
                    lanes.swap_remove(index);
                }
                put_off(&mut deadline, progressed, host);
                if host.is_over() {
                    return Err(enough());
                }
            }
            waiting.clear();
            let mut retried = Retried::default();
            for (tag, error) in failed {
                let flight = &mut flights[tag as usize];
                flight.attempts += 1;
                let (request, attempts) = (&flight.dispatch.request, flight.attempts);
                if may_retry(request, &error, attempts, self.times.retry_attempts) {
                    waiting.push(tag);
                    retried.add(flight.dispatch.endpoint, error);
                } else {
                    let id = flight.dispatch.id;
                    step = advance(operation, Input::Failed { id, error }, outbox, host);
                }
            }
            for (endpoint, error, requests) in retried.0 {
                host.note(self.endpoints[endpoint].retried(&error, requests));
            }
        }
        Ok(step)
    }

    /// Puts requests onto links, one link per endpoint.
    fn board<'p, H: Host>(
        &'p self,
        flights: &[Flight<'_>],
        waiting: &[u32],
        failed: &mut Vec<(u32, Error)>,
        deadline: u64,
        host: &mut H,
    ) -> Vec<Lane<'p>> {
        let mut lanes: Vec<Lane<'p>> = Vec::new();
        // Where each endpoint's lane is, or why it has none.
        let mut by_endpoint: Vec<Option<Result<usize>>> = Vec::new();
        by_endpoint.resize_with(self.endpoints.len(), || None);
        for &tag in waiting {
            let dispatch = &flights[tag as usize].dispatch;
            let endpoint = &self.endpoints[dispatch.endpoint];
            let lane = by_endpoint[dispatch.endpoint].get_or_insert_with(|| {
                let (lease, _) = self.checkout(endpoint, deadline, host)?;
                lanes.push(Lane {
                    endpoint: dispatch.endpoint,
                    lease,
                    in_turns: false,
                    turn: Ok(0),
                });
                Ok(lanes.len() - 1)
            });
            let boarded = match lane {
                Ok(lane) => lanes[*lane]
                    .lease
                    .connection
                    .enqueue(tag, &dispatch.request),
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = boarded {
                failed.push((tag, error.at(Arc::clone(&endpoint.label))));
            }
        }
        lanes.retain(|lane| lane.lease.connection.outstanding() > 0);
        lanes
    }

    /// Takes a link to an endpoint, opening one if there is none; tells whether
    /// it did.
    fn checkout<'p, H: Host>(
        &self,
        endpoint: &'p Endpoint,
        deadline: u64,
        host: &mut H,
    ) -> Result<(Lease<'p>, bool)> {
        let mut health = endpoint.health.lock();
        if health.is_doubtful() {
            let now = Moment(net::now());
            if let Admission::Refused(until) = health.admit(now, &self.policy) {
                return Err(out_of_service(&endpoint.label, until.since(now)));
            }
        }
        drop(health);
        let lease = if endpoint.pool.is_exhausted() {
            host.blocking(|| endpoint.pool.take(deadline))
        } else {
            endpoint.pool.take(deadline)
        };
        let mut lease = lease.map_err(|error| error.at(Arc::clone(&endpoint.label)))?;
        for _ in 0..lease.discarded() {
            host.note(endpoint.entry(Event::ConnectionClosed));
        }
        let opens = !lease.is_open();
        if opens {
            let link = host.blocking(|| self.connect(endpoint, deadline));
            let link = link.inspect_err(|error| {
                host.note(endpoint.entry(Event::ConnectionFailed).because(error));
                self.blame(endpoint, error, host);
            })?;
            host.note(endpoint.entry(Event::ConnectionOpened));
            // A signal may have come meanwhile, and would not end the wait for a
            // reply any more.
            host.interrupted()?;
            let codec = self.codec.or_else(|| endpoint.health.lock().codec());
            let connection = Connection::new(codec, self.limits)
                .with_credentials(self.security.credentials.clone());
            lease.fill(Pooled::new(link, connection));
        }
        Ok((lease, opens))
    }

    /// Opens a link, encrypted where that is wanted.
    fn connect(&self, endpoint: &Endpoint, deadline: u64) -> Result<Box<dyn Link>> {
        let opened = Moment(net::now()).after(self.times.connect_timeout);
        let address = &endpoint.address;
        let link = self.connector.connect(address, &self.times, deadline)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.security.tls {
            // The handshake belongs to opening a connection.
            return tls.wrap(link, address, deadline.min(opened.0));
        }
        let _ = opened;
        Ok(link)
    }
}

/// The end of a call whose caller has enough.
fn enough() -> Error {
    Error::new(ErrorKind::Closed, "call was broken off by its caller")
}

/// Waits until a moment that an operation asked for.
fn sleep<H: Host>(until: u64, deadline: u64, host: &H) -> Result<()> {
    while let Err(error) = host.blocking(|| net::wait(&[], until.min(deadline))) {
        if error.kind() != io::ErrorKind::Interrupted {
            break;
        }
        host.interrupted()?;
    }
    if until <= deadline {
        return Ok(());
    }
    let message = "deadline passed between two attempts";
    Err(Error::new(ErrorKind::Timeout, message).in_phase(Phase::Queue))
}
