//! What rules do around one request.

use std::sync::Arc;
use std::time::Duration;

use super::{Attendant, Request};
use crate::server::fault::{self, Active, Ending, Fault, Moment, Stream};
use crate::server::listener::connection::Exit;
use crate::server::shared::Access;

impl Attendant<'_> {
    /// Lets a rule act before the request is executed; tells whether it struck.
    pub(super) async fn before(
        &mut self,
        active: &Arc<Active>,
        request: &Request,
        instead: &mut Option<Vec<u8>>,
    ) -> Result<bool, Exit> {
        let engine = self.control.engine();
        match active.rule.fault() {
            Fault::Delay {
                seconds,
                jitter,
                when: Moment::Before,
            } if active.strike() => {
                self.flush().await?;
                tokio::time::sleep(around(active, *seconds, *jitter)).await;
            }
            Fault::Hang {
                seconds,
                when: Moment::Before,
            } if active.strike() => {
                self.flush().await?;
                self.hang(active, *seconds).await;
                self.end(Ending::Close, active).await?;
            }
            Fault::Close {
                when: Moment::Before,
            } if active.strike() => {
                self.flush().await?;
                self.end(Ending::Close, active).await?;
            }
            Fault::Reset {
                when: Moment::Before,
            } if active.strike() => {
                self.flush().await?;
                self.end(Ending::Reset, active).await?;
            }
            Fault::Error {
                kind,
                message,
                when: Moment::Before,
            } if active.strike() => {
                let answer = fault::refusal(&request.head, *kind, message.as_deref());
                *instead = Some(unless_quiet(&request.head, answer));
            }
            Fault::AuthFailure {} if active.strike() => {
                let asked = engine.settings().auth_file.is_some();
                let attempt = asked && request.command == "set" && request.number == 1;
                *instead = Some(fault::unauthenticated(&request.head, attempt));
            }
            Fault::Bandwidth {
                stream: Stream::Requests,
                ..
            }
            | Fault::Slice {
                stream: Stream::Requests,
                ..
            } if active.strike() => {
                let pieces = fault::pieces(active, request.length).unwrap_or_default();
                self.flush().await?;
                tokio::time::sleep(pieces.iter().map(|(_, pause)| *pause).sum()).await;
            }
            Fault::LimitData {
                bytes,
                stream: Stream::Requests,
            } if self.connection.received > *bytes && active.strike() => {
                self.flush().await?;
                self.end(Ending::Close, active).await?;
            }
            Fault::Silence { .. } => {
                self.flush().await?;
                self.silence(active).await?;
            }
            Fault::ClockJump { seconds } if active.strike() => engine.clock().shift(*seconds),
            Fault::Evict { count: Some(count) } if active.strike() => {
                engine.evict(*count);
            }
            Fault::Evict { count: None } if !request.key.is_empty() && active.strike() => {
                let mut access = Access::new(&engine, self.connection.number);
                for key in request.seen(0).keys() {
                    let hash = access.hash(key);
                    access.store(hash).delete_silently(hash, key);
                }
            }
            Fault::Flush {} if active.strike() => engine.flush_all(0),
            Fault::Freeze { seconds } if active.strike() => {
                self.flush().await?;
                match *seconds {
                    Some(duration) => self.control.freeze_for(duration),
                    None => self.control.freeze(true),
                }
                self.wait_for_thaw().await;
            }
            Fault::Restart {
                seconds,
                when: Moment::Before,
            } if active.strike() => {
                self.flush().await?;
                self.restart(*seconds).await;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Lets a rule act on the reply of an executed request; tells whether it
    /// struck.
    pub(super) async fn after(
        &mut self,
        active: &Arc<Active>,
        request: &Request,
        reply: &mut Vec<u8>,
        pieces: &mut Option<Vec<(usize, Duration)>>,
        ending: &mut Option<(Ending, Arc<Active>)>,
    ) -> Result<bool, Exit> {
        match active.rule.fault() {
            Fault::Delay {
                seconds,
                jitter,
                when: Moment::After,
            } if active.strike() => {
                self.flush().await?;
                tokio::time::sleep(around(active, *seconds, *jitter)).await;
            }
            Fault::Hang {
                seconds,
                when: Moment::After,
            } if active.strike() => {
                self.flush().await?;
                self.hang(active, *seconds).await;
                self.end(Ending::Close, active).await?;
            }
            Fault::Close {
                when: Moment::After,
            } if active.strike() => {
                self.flush().await?;
                self.end(Ending::Close, active).await?;
            }
            Fault::Reset {
                when: Moment::After,
            } if active.strike() => {
                self.flush().await?;
                self.end(Ending::Reset, active).await?;
            }
            Fault::Restart {
                seconds,
                when: Moment::After,
            } if active.strike() => {
                self.flush().await?;
                self.restart(*seconds).await;
            }
            Fault::Error {
                kind,
                message,
                when: Moment::After,
            } if active.strike() => {
                let answer = fault::refusal(&request.head, *kind, message.as_deref());
                *reply = unless_quiet(&request.head, answer);
            }
            Fault::Truncate { bytes, then } if !reply.is_empty() && active.strike() => {
                reply.truncate(*bytes);
                *ending = Some((*then, Arc::clone(active)));
            }
            Fault::LimitData {
                bytes,
                stream: Stream::Replies,
            } => {
                let sent = self.connection.delivered + self.replies.len() as u64;
                let left = usize::try_from(bytes.saturating_sub(sent)).unwrap_or(usize::MAX);
                if reply.len() < left || !active.strike() {
                    return Ok(false);
                }
                reply.truncate(left);
                *ending = Some((Ending::Close, Arc::clone(active)));
            }
            Fault::Bandwidth {
                stream: Stream::Replies,
                ..
            }
            | Fault::Slice {
                stream: Stream::Replies,
                ..
            }
            | Fault::Drip { .. }
            | Fault::Split {}
                if !reply.is_empty() && active.strike() =>
            {
                *pieces = fault::pieces(active, reply.len());
            }
            _ => {
                let seen = request.seen(self.connection.number);
                match fault::forge(active, &seen, reply, &self.previous) {
                    Some(forged) if active.strike() => *reply = forged,
                    _ => return Ok(false),
                }
            }
        }
        Ok(true)
    }
}

/// A time of `middle`, longer or shorter by up to `spread`.
fn around(active: &Active, middle: Duration, spread: Duration) -> Duration {
    let shift = spread.mul_f64(2.0 * active.dice());
    (middle + shift).saturating_sub(spread)
}

/// An answer in the place of one that was not wanted is not wanted either.
fn unless_quiet(request: &[u8], answer: Vec<u8>) -> Vec<u8> {
    if fault::is_quiet(request) {
        Vec::new()
    } else {
        answer
    }
}
