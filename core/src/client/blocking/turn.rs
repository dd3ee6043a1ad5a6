//! Turns: writing and reading on checked-out links, without any decision.

use std::io;

use super::waiting::from_now;
use super::{Host, enough};
use crate::error::{Error, Result};
use crate::net::{self, LARGEST_BUFFER, Lease, Link, Pooled};
use crate::protocol::{Connection, Hits, Reply, Request};

/// A batch with more output than this is written and read in turns.
const WRITTEN_AT_ONCE: usize = 64 * 1024;

/// The requests of one call to one endpoint, and the link they use.
pub(super) struct Lane<'p> {
    pub(super) endpoint: usize,
    pub(super) lease: Lease<'p>,
    /// Whether it is written and read in turns until its output is gone.
    pub(super) in_turns: bool,
    /// Bytes that the last turn put into the link's buffer, or how it failed.
    pub(super) turn: io::Result<usize>,
}

/// Why a conversation ended early.
#[derive(Debug)]
pub(super) enum Failure {
    Closed,
    Host(Error),
    Interrupted,
    Io(io::Error),
    Protocol(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::Io(error),
        }
    }
}

/// Whether a request may have replies coming before all of it is written, so
/// many that its server waits for somebody to read them.
pub(super) fn is_large(request: &Request<'_>) -> bool {
    matches!(request, Request::StoreMany(batch) if batch.wire_length() > WRITTEN_AT_ONCE)
}

/// Who is told what came for the requests of a call, by their tags.
pub(super) trait Listener<H> {
    /// Takes a reply, or a part of one, and whether it is the last.
    fn reply(&mut self, tag: u32, reply: Reply<'_>, last: bool, host: &mut H);

    /// Takes hits, with more to come.
    fn hits(&mut self, tag: u32, hits: &mut Hits<'_>, host: &mut H);
}

/// Drives a link until everything asked on it is answered.
pub(super) fn drive<H: Host>(
    lease: &mut Lease<'_>,
    mut deadline: u64,
    host: &mut H,
    listener: &mut impl Listener<H>,
) -> Result<(), Failure> {
    while lease.connection.outstanding() > 0 {
        let count = match turn(lease, deadline, host) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                host.interrupted().map_err(Failure::Host)?;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if count == 0 {
            return Err(Failure::Closed);
        }
        let Pooled {
            connection, buffer, ..
        } = &mut **lease;
        let progressed = hand_out(connection, &buffer[..count], host, listener)?;
        grow(buffer, count);
        put_off(&mut deadline, progressed, host);
        if host.is_over() && lease.connection.outstanding() > 0 {
            return Err(Failure::Host(enough()));
        }
    }
    Ok(())
}

/// Writes what is to be written and reads what has come.
pub(super) fn turn<H: Host>(lease: &mut Lease<'_>, deadline: u64, host: &H) -> io::Result<usize> {
    turn_of(lease, deadline, host)
}

/// The same, of a link that is no pool's.
pub(super) fn turn_of<H: Host>(pooled: &mut Pooled, deadline: u64, host: &H) -> io::Result<usize> {
    let Pooled {
        link,
        connection,
        buffer,
        ..
    } = pooled;
    host.blocking(move || {
        while !connection.output().is_empty() {
            let written = link.write(connection.output(), deadline)?;
            connection.consume(written);
        }
        link.read(buffer, deadline)
    })
}

/// Puts the deadline of a call off that has made progress, where the pieces of
/// its result are given time and not the whole.
pub(super) fn put_off<H: Host>(deadline: &mut u64, progressed: bool, host: &H) {
    if progressed && let Some(patience) = host.patience() {
        *deadline = from_now(patience);
    }
}

/// One turn of every lane: writes and reads what it can without waiting, and
/// waits when no lane can.
pub(super) fn turn_all<H: Host>(lanes: &mut [Lane<'_>], deadline: u64, host: &H) {
    if let [lane] = &mut *lanes {
        let output = lane.lease.connection.output().len();
        lane.in_turns = output > WRITTEN_AT_ONCE || lane.in_turns && output > 0;
        if !lane.in_turns {
            // Alone, a plain write and read save the question what is ready.
            lane.turn = turn(&mut lane.lease, deadline, host);
            return;
        }
    }
    host.blocking(|| {
        loop {
            let mut moved = false;
            for lane in &mut *lanes {
                let Pooled {
                    link,
                    connection,
                    buffer,
                    ..
                } = &mut *lane.lease;
                lane.turn =
                    write_ready(&mut **link, connection).and_then(|()| link.try_read(buffer));
                moved |= !is_idle(&lane.turn);
            }
            if moved {
                return;
            }
            let waits: Vec<_> = lanes
                .iter()
                .map(|lane| {
                    let lease = &lane.lease;
                    let writes = !lease.connection.output().is_empty() || lease.link.wants_write();
                    (lease.link.descriptor(), writes)
                })
                .collect();
            if let Err(error) = net::wait(&waits, deadline) {
                let kind = error.kind();
                for lane in &mut *lanes {
                    lane.turn = Err(kind.into());
                }
                return;
            }
        }
    });
}

/// Whether a turn found nothing to do.
fn is_idle(turn: &io::Result<usize>) -> bool {
    matches!(turn, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Writes what fits without waiting.
fn write_ready(link: &mut dyn Link, connection: &mut Connection<u32>) -> io::Result<()> {
    while !connection.output().is_empty() {
        match link.try_write(connection.output()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            result => connection.consume(result?),
        }
    }
    Ok(())
}

/// Hands out what received bytes tell; returns whether that was anything.
fn hand_out<H>(
    connection: &mut Connection<u32>,
    mut chunk: &[u8],
    host: &mut H,
    listener: &mut impl Listener<H>,
) -> Result<bool, Failure> {
    let mut progressed = false;
    loop {
        connection.receive_hits(&mut chunk, |tag, hits| {
            progressed = true;
            listener.hits(tag, hits, host);
        });
        let Some(received) = connection.receive(&mut chunk).map_err(Failure::Protocol)? else {
            return Ok(progressed);
        };
        progressed = true;
        listener.reply(received.tag, received.reply, received.last, host);
    }
}

/// Hands out the replies that the last turn of a lane brought; returns whether
/// it brought any.
pub(super) fn take_turn<H>(
    lane: &mut Lane<'_>,
    host: &mut H,
    listener: &mut impl Listener<H>,
) -> Result<bool, Failure> {
    let count = match std::mem::replace(&mut lane.turn, Ok(0)) {
        Ok(0) => return Err(Failure::Closed),
        Ok(count) => count,
        turn if is_idle(&turn) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let Pooled {
        connection, buffer, ..
    } = &mut *lane.lease;
    let progressed = hand_out(connection, &buffer[..count], host, listener)?;
    grow(buffer, count);
    Ok(progressed)
}

/// Doubles a buffer that one read filled.
pub(super) fn grow(buffer: &mut Vec<u8>, count: usize) {
    if count == buffer.len() && count < LARGEST_BUFFER {
        buffer.resize(count * 2, 0);
    }
}
