//! When a failed request is made again, and how a failure is told.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::operation::Outcome;
use crate::error::{Error, ErrorKind, Phase, Result, Sent};
use crate::protocol::{Admin, Connection, Reply, Request};

/// Whether a request that failed may be made once more, after `attempts`.
///
/// Reads may; anything else only if not one byte of it was sent.
pub(super) fn may_retry(request: &Request<'_>, error: &Error, attempts: u32, allowed: u32) -> bool {
    if attempts > allowed {
        return false;
    }
    // A list begun anew would give its first keys twice.
    let repeats = request.is_read() && !matches!(request, Request::Admin(Admin::Metadump { .. }));
    match error.kind() {
        ErrorKind::ConnectionLost => repeats || error.was_sent() == Some(Sent::NotSent),
        // Bytes that answer something else: the connection was at fault.
        ErrorKind::Protocol => repeats,
        _ => false,
    }
}

/// Whether a failure speaks against the endpoint rather than the request.
pub(super) fn is_endpoints_fault(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Connect
        | ErrorKind::ConnectionLost
        | ErrorKind::Protocol
        | ErrorKind::Resolve
        | ErrorKind::Tls => true,
        ErrorKind::Timeout => error.phase() != Some(Phase::Queue),
        _ => false,
    }
}

/// Whether a failure is the cache's and not the caller's.
///
/// `SERVER_ERROR` is: a server out of memory, or a proxy whose server is down,
/// is of as little use as none. A value that is too large is the caller's; it
/// would be refused for ever, and nobody would know.
fn passes_as_miss(error: &Error) -> bool {
    error.is_connection() || matches!(error.kind(), ErrorKind::Partial | ErrorKind::Server)
}

/// Turns the failure of a server into a miss, where that was asked for. `report`
/// is told of each server that failed, and how.
pub(super) fn degraded(
    result: Result<Outcome>,
    mut report: impl FnMut(&str, &Error),
) -> Result<Outcome> {
    match result {
        Err(error) if passes_as_miss(&error) => {
            for error in std::iter::once(&error).chain(error.parts()) {
                if let Some(endpoint) = error.endpoint() {
                    report(endpoint, error);
                }
            }
            let failed = error.failed().to_vec();
            Ok(Outcome::Many { failed })
        }
        result => result,
    }
}

/// Names the endpoint in a refusal.
pub(super) fn labelled<'r>(reply: Reply<'r>, endpoint: &Arc<str>) -> Reply<'r> {
    match reply {
        Reply::Failed(error) => Reply::Failed(error.at(Arc::clone(endpoint))),
        Reply::Refused(error) => Reply::Refused(error.at(Arc::clone(endpoint))),
        reply => reply,
    }
}

/// The error of a connection that ended before its replies were complete.
pub(super) fn lost(what: &str, endpoint: &Arc<str>, sent: Sent) -> Error {
    let message = format!("connection lost: {what}");
    Error::new(ErrorKind::ConnectionLost, message)
        .at(Arc::clone(endpoint))
        .sent(sent)
}

/// The error of a connection whose socket failed, or whose encryption did.
pub(super) fn broken(error: io::Error) -> Error {
    let (kind, what) = match error.kind() {
        io::ErrorKind::InvalidData => (ErrorKind::Tls, "TLS failed"),
        _ => (ErrorKind::ConnectionLost, "connection lost"),
    };
    Error::new(kind, format!("{what}: {error}")).caused_by(error)
}

/// Where a call is whose requests are on a connection.
pub(super) fn phase<T: Copy>(connection: &Connection<T>) -> Phase {
    if connection.is_authenticating() {
        Phase::Auth
    } else if connection.output().is_empty() {
        Phase::Read
    } else {
        Phase::Write
    }
}

/// The error of a call whose deadline passed.
pub(super) fn timed_out(phase: Phase, endpoint: &Arc<str>, sent: Sent) -> Error {
    let message = format!("deadline passed in phase {}", phase.name());
    Error::new(ErrorKind::Timeout, message)
        .at(Arc::clone(endpoint))
        .in_phase(phase)
        .sent(sent)
}

/// The error of a call to an endpoint that is out of service.
pub(super) fn out_of_service(endpoint: &Arc<str>, pause: Duration) -> Error {
    let message = format!(
        "server is out of service after repeated failures, next try in {:.1} s",
        pause.as_secs_f64()
    );
    Error::new(ErrorKind::Connect, message)
        .at(Arc::clone(endpoint))
        .sent(Sent::NotSent)
}
