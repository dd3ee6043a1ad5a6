//! The state of one endpoint: in service, or out of service until a moment.

use std::time::Duration;

use super::operation::Moment;
use crate::protocol::Codec;

/// When an endpoint is taken out of service and when it is tried again.
#[derive(Clone, Copy, Debug)]
pub struct HealthPolicy {
    /// Failures in a row that take an endpoint out of service. Default 3.
    pub dead_after: u32,
    /// The first pause before it is tried again. Default 1 s.
    pub dead_retry: Duration,
    /// The pause doubles up to this. Default 30 s.
    pub dead_retry_max: Duration,
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self {
            dead_after: 3,
            dead_retry: Duration::from_secs(1),
            dead_retry_max: Duration::from_secs(30),
        }
    }
}

/// What is known of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Health {
    failures: u32,
    pauses: u32,
    retry_at: Option<Moment>,
    codec: Option<Codec>,
    seed: u64,
    /// When the log was told last that failures pass as misses.
    reported: Option<Moment>,
}

/// Whether a request may go to an endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// It may; after a pause, this one call finds out for all.
    Admitted,
    /// Not before this moment.
    Refused(Moment),
}

impl Health {
    /// Creates the state of an endpoint that has not been used; the seed
    /// scatters its pauses.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed: seed | 1,
            ..Self::default()
        }
    }

    /// Whether the endpoint may be in a pause, so that [`admit`](Self::admit) is
    /// to be asked.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        self.retry_at.is_some()
    }

    /// Tells whether a request may be sent now. After a pause one call is
    /// admitted as a probe, and the pause goes on for the others.
    pub fn admit(&mut self, now: Moment, policy: &HealthPolicy) -> Admission {
        match self.retry_at {
            None => Admission::Admitted,
            Some(until) if now < until => Admission::Refused(until),
            Some(_) => {
                self.retry_at = Some(now.after(policy.dead_retry));
                Admission::Admitted
            }
        }
    }

    /// Notes an answer: the endpoint is in service. Returns whether it was out.
    pub fn succeed(&mut self) -> bool {
        self.failures = 0;
        self.pauses = 0;
        let was_out = self.retry_at.take().is_some();
        if was_out {
            self.reported = None;
        }
        was_out
    }

    /// Tells whether it is time to report that failures pass as misses: when the
    /// last report is older than [`REMINDER`], or of an earlier outage.
    pub(super) fn reports(&mut self, now: Moment) -> bool {
        let is_due = self
            .reported
            .is_none_or(|reported| now.since(reported) >= REMINDER);
        if is_due {
            self.reported = Some(now);
        }
        is_due
    }

    /// Notes that the way to the endpoint failed. Returns whether that takes it
    /// out of service.
    pub fn fail(&mut self, now: Moment, policy: &HealthPolicy) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < policy.dead_after {
            return false;
        }
        let was_in = self.retry_at.is_none();
        let pause = policy
            .dead_retry
            .saturating_mul(1 << self.pauses.min(16))
            .min(policy.dead_retry_max);
        self.pauses = self.pauses.saturating_add(1);
        self.retry_at = Some(now.after(self.jitter(pause)));
        was_in
    }

    /// Scatters a pause over 75 % to 125 %, so that clients do not return together.
    fn jitter(&mut self, pause: Duration) -> Duration {
        // xorshift64: quality does not matter here, only that clients differ.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        pause.mul_f64(0.75 + (self.seed % 1000) as f64 / 2000.0)
    }

    /// Whether the endpoint is out of service.
    #[must_use]
    pub const fn is_out(&self) -> bool {
        self.retry_at.is_some()
    }

    /// Returns the codec that the endpoint was found to speak.
    #[must_use]
    pub const fn codec(&self) -> Option<Codec> {
        self.codec
    }

    /// Notes the codec that the endpoint was found to speak.
    pub fn found_codec(&mut self, codec: Option<Codec>) {
        self.codec = codec;
    }
}

/// How often an outage that goes on is reported.
const REMINDER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(seconds * 1_000_000_000)
    }

    #[test]
    fn three_failures_take_an_endpoint_out_and_one_probe_brings_it_back() {
        let policy = HealthPolicy::default();
        let mut health = Health::new(7);
        assert!(!health.fail(at(10), &policy));
        assert!(!health.fail(at(10), &policy));
        assert!(health.fail(at(10), &policy));
        assert!(matches!(
            health.admit(at(10), &policy),
            Admission::Refused(_)
        ));
        assert_eq!(health.admit(at(12), &policy), Admission::Admitted);
        assert!(matches!(
            health.admit(at(12), &policy),
            Admission::Refused(_)
        ));
        assert!(health.succeed());
        assert_eq!(health.admit(at(12), &policy), Admission::Admitted);
    }

    #[test]
    fn an_outage_is_reported_once_a_minute_and_the_next_one_at_once() {
        let policy = HealthPolicy {
            dead_after: 1,
            ..HealthPolicy::default()
        };
        let mut health = Health::new(7);
        for _outage in 0..2 {
            health.fail(at(10), &policy);
            let due: Vec<_> = [10, 11, 69, 70, 71]
                .map(|now| health.reports(at(now)))
                .into();
            assert_eq!(due, [true, false, false, true, false]);
            assert!(health.succeed());
        }
        // Failures among successes are no new outage each.
        assert!(health.reports(at(80)));
        assert!(!health.succeed());
        assert!(!health.reports(at(81)));
    }

    #[test]
    fn pauses_double_up_to_the_limit() {
        let policy = HealthPolicy {
            dead_after: 1,
            ..HealthPolicy::default()
        };
        let mut health = Health::new(1);
        let mut longest = Duration::ZERO;
        for _ in 0..12 {
            health.fail(at(0), &policy);
            let Admission::Refused(until) = health.admit(at(0), &policy) else {
                panic!("in service")
            };
            longest = longest.max(until.since(at(0)));
        }
        assert!(longest > Duration::from_secs(20) && longest < Duration::from_secs(38));
    }
}
