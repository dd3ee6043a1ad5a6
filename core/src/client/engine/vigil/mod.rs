//! Whether an event loop stays awake for the reply to a call.
//!
//! A loop that sleeps until a reply arrives has to be woken, which takes the
//! system longer than a near server takes to answer: 20 of 50 µs where client
//! and server have a CPU each. A loop that goes on looking for events instead
//! (busy polling) has the reply at once, and spends on looking what falling
//! asleep and waking up would have cost.
//!
//! That pays for a call that is alone under way, whose server is near and has a
//! CPU of its own; elsewhere it is a waste. So the vigil finds out: now and then
//! some calls are watched for and some slept through, in turn, and watching is
//! kept where it makes the round trip a tenth shorter at least and shorter than
//! the time that a call is watched for at most. A server that moves away is
//! noticed at once, one that comes near at the next trial. Nothing depends on
//! chance: the same round trips lead to the same decisions.
//!
//! The vigil leaves to drivers how their loop is kept awake. Every event is
//! looked for meanwhile, so nobody else waits.
//!
//! ```text
//! warm-up, asleep │ trial: 8 asleep, 8 awake, 8 asleep, 8 awake │ as found out … │ trial …
//! ```

use std::time::Duration;

use crate::client::operation::Moment;

/// Decides for one engine until when its loop stays awake.
#[derive(Debug)]
pub(super) struct Vigil {
    /// How long a call is watched for at most; zero is never.
    window: Duration,
    /// The call that is alone under way.
    watch: Option<Watch>,
    stage: Stage,
    /// Whether calls were watched for since the last trial.
    pays: bool,
    /// How many lone calls lie between the last trial and the next.
    rest: u32,
    /// Nanoseconds of round trips in a trial: asleep, and awake.
    trips: [[u32; TRIPS]; 2],
}

/// A call that is alone under way.
#[derive(Clone, Copy, Debug)]
struct Watch {
    since: Moment,
    awake: bool,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// So many more lone calls are as was found out; `late` counts those in a row
    /// whose reply the window did not see.
    Settled { left: u32, late: u32 },
    /// So many of the calls of a trial are over.
    Trial { done: usize },
}

impl Vigil {
    /// Creates a vigil that watches for a call for this time at most; for none
    /// when it is zero.
    pub(super) const fn new(window: Duration) -> Self {
        Self {
            window,
            watch: None,
            stage: Stage::Settled {
                left: WARM_UP,
                late: 0,
            },
            pays: false,
            rest: FIRST_REST,
            trips: [[0; TRIPS]; 2],
        }
    }

    /// Notes that a call begins while no other is under way.
    pub(super) const fn begin(&mut self, now: Moment) {
        if self.window.is_zero() {
            return;
        }
        let awake = match self.stage {
            Stage::Settled { .. } => self.pays,
            Stage::Trial { done } => is_awake(done),
        };
        self.watch = Some(Watch { since: now, awake });
    }

    /// Notes that how long the call takes means nothing any more: others have
    /// joined it, or it waits for something else than its server.
    pub(super) const fn disturb(&mut self) {
        self.watch = None;
    }

    /// Notes that the reply has ended the call that was alone.
    pub(super) fn end(&mut self, now: Moment) {
        let Some(watch) = self.watch.take() else {
            return;
        };
        let trip = now.since(watch.since);
        match &mut self.stage {
            Stage::Settled { left, late } => {
                *left -= 1;
                *late = if watch.awake && trip > self.window {
                    *late + 1
                } else {
                    0
                };
                if *left == 0 || *late == PATIENCE {
                    self.stage = Stage::Trial { done: 0 };
                }
            }
            Stage::Trial { done } => {
                let trips = &mut self.trips[usize::from(watch.awake)];
                trips[*done / (2 * BLOCK) * BLOCK + *done % BLOCK] =
                    u32::try_from(trip.as_nanos()).unwrap_or(u32::MAX);
                *done += 1;
                if *done == 2 * TRIPS {
                    self.conclude();
                }
            }
        }
    }

    /// Returns the moment until which the loop is to stay awake for the call that
    /// is alone under way; `None` when it may sleep.
    pub(super) fn until(&self) -> Option<Moment> {
        let watch = self.watch.filter(|watch| watch.awake)?;
        Some(watch.since.after(self.window))
    }

    /// Ends a trial. Calls go on as they did better, and the more often that is
    /// found, the longer.
    fn conclude(&mut self) {
        let [asleep, awake] = &mut self.trips;
        let (asleep, awake) = (median(asleep), median(awake));
        let pays =
            awake <= asleep - asleep / 10 && Duration::from_nanos(awake.into()) <= self.window;
        self.rest = if pays == self.pays {
            (self.rest * 2).min(LONGEST_REST)
        } else {
            FIRST_REST
        };
        self.pays = pays;
        self.stage = Stage::Settled {
            left: self.rest,
            late: 0,
        };
    }
}

/// Whether the loop stays awake for a call of a trial, by its position. Calls of
/// a kind come in blocks, since the peer's sleep depends on ours.
const fn is_awake(position: usize) -> bool {
    position / BLOCK % 2 == 1
}

fn median(trips: &mut [u32; TRIPS]) -> u32 {
    *trips.select_nth_unstable(TRIPS / 2).1
}

/// Calls of one kind in a row in a trial.
const BLOCK: usize = 8;

/// Calls of each kind in a trial.
const TRIPS: usize = 2 * BLOCK;

/// Lone calls before the first trial: connections are opened and code is warmed.
const WARM_UP: u32 = 64;

/// Lone calls between two trials, at first and once they have kept agreeing: of
/// 8192 calls 16 are then not as they should be.
const FIRST_REST: u32 = 256;
const LONGEST_REST: u32 = 8192;

/// Lone calls in a row whose replies come too late for the window, until that is
/// looked into.
const PATIENCE: u32 = 8;

#[cfg(test)]
mod tests;
