//! The reports `sizes` and `conns`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::classes::by_class;
use super::text::fill;
use super::{RawReport, Report};

/// How many items there are of each size.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sizes {
    /// Whether the server counts; it does so with `-o track_sizes`.
    pub enabled: bool,
    /// Items by size in bytes, key and header included, rounded up to a
    /// multiple of 32.
    pub counts: BTreeMap<u64, u64>,
    /// Everything that was reported.
    #[serde(skip)]
    pub raw: RawReport,
}

impl Report for Sizes {
    const NAME: &'static str = "sizes";

    fn read(raw: RawReport) -> Self {
        let status = raw.get("sizes_status").map(String::as_str);
        let count = |(size, count): (&String, &String)| {
            Some((size.parse().ok()?, count.parse().unwrap_or_default()))
        };
        Self {
            enabled: !matches!(status, Some("disabled" | "error")),
            counts: raw.iter().filter_map(count).collect(),
            raw,
        }
    }
}

/// The connections that are open.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Connections {
    /// The connections, by the number that the server gives them.
    pub connections: BTreeMap<u32, Connection>,
    /// Everything that was reported.
    #[serde(skip)]
    pub raw: RawReport,
}

/// A connection that is open, or a socket that is listened on.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Connection {
    /// The peer, as `tcp:127.0.0.1:50000` or `unix:/path`.
    pub addr: String,
    /// Where it was accepted.
    pub listen_addr: Option<String>,
    /// What it is doing, as `conn_listening` or `conn_read`.
    pub state: String,
    /// Seconds since its last command.
    pub secs_since_last_cmd: u64,
}

impl Report for Connections {
    const NAME: &'static str = "conns";

    fn read(raw: RawReport) -> Self {
        let figures = raw.iter().map(|(name, text)| (&**name, &**text));
        let connections = by_class(figures)
            .into_iter()
            .map(|(number, figures)| (number, fill(figures.into_iter())))
            .collect();
        Self { connections, raw }
    }
}
