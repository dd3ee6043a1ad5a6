//! What a fault does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether something happens before a request is executed or after.
///
/// After means that the request had its effect and only the answer suffers:
/// the case in which a client cannot know.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The request has no effect.
    #[default]
    Before,
    /// The request has its effect.
    After,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With FIN: an orderly end of the stream.
    #[default]
    Close,
    /// Not at all: it stays open and silent.
    Hang,
    /// With RST.
    Reset,
}

/// How a TLS handshake fails.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsFailure {
    /// A fatal `handshake_failure` alert.
    #[default]
    Alert,
    /// FIN instead of an answer.
    Close,
    /// Bytes that are no TLS record.
    Garbage,
    /// No answer.
    Hang,
    /// RST instead of an answer.
    Reset,
}

/// Which bytes of a connection are meant.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Those that the server sends.
    #[default]
    Replies,
    /// Those that the server receives.
    Requests,
}

/// Where an unasked reply stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Behind the reply.
    #[default]
    After,
    /// In front of it.
    Before,
}

/// An error that a server may answer with.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorReply {
    /// `SERVER_ERROR temporary failure`; binary status 0x86.
    Busy,
    /// `CLIENT_ERROR` and a message; binary status 4.
    Client,
    /// `SERVER_ERROR out of memory storing object`; binary status 0x82.
    OutOfMemory,
    /// `SERVER_ERROR` and a message; binary status 0x84.
    #[default]
    Server,
    /// `SERVER_ERROR object too large for cache`; binary status 3.
    TooLarge,
    /// `ERROR`; binary status 0x81.
    UnknownCommand,
}

/// What a fault does when its rule matches.
///
/// The first group acts when a connection is accepted, the second on single
/// requests and their replies, the third on the server as a whole when a request
/// matches. In JSON the variant is the field `action` in snake case and its
/// fields stand beside it; times are seconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    // Connections.
    /// Accepts a connection and ends it with FIN.
    AcceptAndClose {},
    /// Accepts a connection and never reads from it. After `seconds` it is
    /// closed; without, when the rule is removed.
    AcceptAndHang {
        /// How long it stays open.
        #[serde(default, with = "optional_seconds")]
        seconds: Option<Duration>,
    },
    /// Accepts a connection and ends it with RST.
    AcceptAndReset {},
    /// Closes the listening sockets, so that connecting fails. Of the conditions
    /// only `connection` applies: with `{"from": 3}` two connections are let in
    /// first. Ends when the rule is removed, or after `seconds`.
    Refuse {
        /// How long connections are refused.
        #[serde(default, with = "optional_seconds")]
        seconds: Option<Duration>,
    },
    /// Lets the handshake of a TLS connection fail; plain connections are spared.
    TlsFailure {
        /// In which way.
        #[serde(default)]
        how: TlsFailure,
    },

    // Requests and replies.
    /// Answers as a server that wants credentials: `CLIENT_ERROR
    /// unauthenticated`, to an attempt to authenticate `CLIENT_ERROR
    /// authentication failure`; binary status 0x20.
    AuthFailure {},
    /// Sends replies, or receives requests, at this speed.
    Bandwidth {
        /// The speed.
        bytes_per_second: u64,
        /// Which of both.
        #[serde(default)]
        stream: Stream,
    },
    /// Ends the connection with FIN.
    Close {
        /// Before or after execution.
        #[serde(default)]
        when: Moment,
    },
    /// Lets time pass.
    Delay {
        /// How long.
        #[serde(with = "seconds")]
        seconds: Duration,
        /// How much longer or shorter, at random.
        #[serde(default, with = "seconds")]
        jitter: Duration,
        /// Before or after execution.
        #[serde(default)]
        when: Moment,
    },
    /// Sends the reply in small pieces.
    Drip {
        /// Bytes of a piece.
        #[serde(default = "one")]
        bytes: usize,
        /// Time between two pieces.
        #[serde(default = "ten_milliseconds", with = "seconds")]
        seconds: Duration,
    },
    /// Sends the reply twice.
    DuplicateReply {},
    /// Answers with an error.
    Error {
        /// Which one.
        #[serde(default)]
        kind: ErrorReply,
        /// Its text, where the kind has room for one.
        #[serde(default)]
        message: Option<String>,
        /// Before or after execution.
        #[serde(default)]
        when: Moment,
    },
    /// Sends a reply that nobody asked for.
    ExtraReply {
        /// The reply; by default one that looks like a miss.
        #[serde(default)]
        text: Option<String>,
        /// In front of the true reply or behind it.
        #[serde(default)]
        place: Place,
    },
    /// Sends random bytes instead of the reply.
    Garbage {
        /// How many.
        #[serde(default = "sixty_four")]
        bytes: usize,
    },
    /// Sends nothing more on this connection. After `seconds` it is closed;
    /// without, when the rule is removed.
    Hang {
        /// How long it stays open.
        #[serde(default, with = "optional_seconds")]
        seconds: Option<Duration>,
        /// Before or after execution.
        #[serde(default)]
        when: Moment,
    },
    /// Sends, or receives, no more than so many bytes over the whole life of a
    /// connection, then ends it with FIN. A request that goes beyond is not
    /// executed.
    LimitData {
        /// How many.
        bytes: u64,
        /// Which of both.
        #[serde(default)]
        stream: Stream,
    },
    /// Ends the connection with RST.
    Reset {
        /// Before or after execution.
        #[serde(default)]
        when: Moment,
    },
    /// Sends nothing on connections opened from now on, nor on those that are
    /// open, and ends them after `seconds` with RST if `reset` is set, else with
    /// FIN. Without `seconds` they stay open until the rule is removed.
    Silence {
        /// How long it stays open.
        #[serde(default, with = "optional_seconds")]
        seconds: Option<Duration>,
        /// Whether it ends with RST.
        #[serde(default)]
        reset: bool,
    },
    /// Sends replies, or receives requests, in pieces of random size.
    Slice {
        /// Bytes of a piece on average.
        average: usize,
        /// How many more or fewer.
        #[serde(default)]
        variation: usize,
        /// Time between two pieces.
        #[serde(default, with = "seconds")]
        seconds: Duration,
        /// Which of both.
        #[serde(default)]
        stream: Stream,
    },
    /// Takes time to close a connection that is to be closed.
    SlowClose {
        /// How long.
        #[serde(with = "seconds")]
        seconds: Duration,
    },
    /// Sends the reply byte by byte, each in a packet of its own, without pause.
    Split {},
    /// Sends the connection's previous reply instead of the true one. A
    /// connection's first request is spared.
    StaleReply {},
    /// Sends the beginning of the reply and ends the connection.
    Truncate {
        /// How many bytes are sent.
        bytes: usize,
        /// How it ends.
        #[serde(default)]
        then: Ending,
    },
    /// Sends another key than the one asked for, in replies that name one.
    WrongKey {
        /// The key; by default the true one with another last character.
        #[serde(default)]
        wrong: Option<String>,
    },
    /// Announces a value as longer, or with a negative number shorter, than it is.
    WrongLength {
        /// By how many bytes.
        #[serde(default = "plus_one")]
        by: i64,
    },
    /// Sends another opaque token than the request's, in replies that have one.
    WrongOpaque {},

    // The server as a whole.
    /// Moves the server's clock.
    ClockJump {
        /// By how many seconds, back if negative.
        seconds: i64,
    },
    /// Evicts items: so many of those unused for longest, or without a number
    /// the one that the request names.
    Evict {
        /// How many.
        #[serde(default)]
        count: Option<usize>,
    },
    /// Flushes all items.
    Flush {},
    /// Freezes the server, for `seconds` or until it is thawed.
    Freeze {
        /// How long.
        #[serde(default, with = "optional_seconds")]
        seconds: Option<Duration>,
    },
    /// Restarts the server, empty, on the same port.
    Restart {
        /// How long it refuses connections.
        #[serde(default, with = "seconds")]
        seconds: Duration,
        /// Before or after execution.
        #[serde(default)]
        when: Moment,
    },
}

impl Fault {
    /// Returns the name that stands for it in JSON, such as `accept_and_close`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AcceptAndClose {} => "accept_and_close",
            Self::AcceptAndHang { .. } => "accept_and_hang",
            Self::AcceptAndReset {} => "accept_and_reset",
            Self::Refuse { .. } => "refuse",
            Self::TlsFailure { .. } => "tls_failure",
            Self::AuthFailure {} => "auth_failure",
            Self::Bandwidth { .. } => "bandwidth",
            Self::Close { .. } => "close",
            Self::Delay { .. } => "delay",
            Self::Drip { .. } => "drip",
            Self::DuplicateReply {} => "duplicate_reply",
            Self::Error { .. } => "error",
            Self::ExtraReply { .. } => "extra_reply",
            Self::Garbage { .. } => "garbage",
            Self::Hang { .. } => "hang",
            Self::LimitData { .. } => "limit_data",
            Self::Reset { .. } => "reset",
            Self::Silence { .. } => "silence",
            Self::Slice { .. } => "slice",
            Self::SlowClose { .. } => "slow_close",
            Self::Split {} => "split",
            Self::StaleReply {} => "stale_reply",
            Self::Truncate { .. } => "truncate",
            Self::WrongKey { .. } => "wrong_key",
            Self::WrongLength { .. } => "wrong_length",
            Self::WrongOpaque {} => "wrong_opaque",
            Self::ClockJump { .. } => "clock_jump",
            Self::Evict { .. } => "evict",
            Self::Flush {} => "flush",
            Self::Freeze { .. } => "freeze",
            Self::Restart { .. } => "restart",
        }
    }

    /// When in the life of a connection it has its say.
    pub(crate) const fn stage(&self) -> Stage {
        match self {
            Self::AcceptAndClose {}
            | Self::AcceptAndHang { .. }
            | Self::AcceptAndReset {}
            | Self::TlsFailure { .. } => Stage::Accept,
            Self::Silence { .. } => Stage::AcceptOrRequest,
            Self::SlowClose { .. } => Stage::Close,
            Self::Refuse { .. } => Stage::Listen,
            _ => Stage::Request,
        }
    }
}

/// When a rule is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    Accept,
    /// When a connection is accepted, and for older ones at a request.
    AcceptOrRequest,
    Close,
    Listen,
    Request,
}

const fn one() -> usize {
    1
}

const fn plus_one() -> i64 {
    1
}

const fn sixty_four() -> usize {
    64
}

const fn ten_milliseconds() -> Duration {
    Duration::from_millis(10)
}

/// Durations as seconds with a fraction.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| D::Error::custom(format_args!("{seconds} is no number of seconds")))
    }
}

mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::seconds::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Wrapper(#[serde(with = "super::seconds")] Duration);
        Ok(Option::<Wrapper>::deserialize(deserializer)?.map(|Wrapper(duration)| duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_lists_every_action() {
        // What serde says of an unknown one is the list of those it knows.
        let error = serde_json::from_str::<Fault>(r#"{"action": "?"}"#).unwrap_err();
        let error = error.to_string();
        let (_, list) = error.split_once("expected one of ").unwrap();
        let guide = include_str!("../../../../docs/faults.md");
        let mut actions = 0;
        for action in list.split('`').skip(1).step_by(2) {
            assert!(guide.contains(&format!("| `{action}` |")), "{action}");
            actions += 1;
        }
        assert!(actions > 25, "{list}");
    }
}
