//! What is asked, and how long the answers are.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::str::FromStr;

use super::median;

/// Keys that are asked for.
const KEYS: usize = 10_000;

/// Keys of one multi-get.
const KEYS_AT_ONCE: usize = 100;

/// Requests after which a connection begins anew.
pub(crate) const ROUND: usize = 4096;

/// What one request does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `get` of a 100-byte value.
    Get,
    /// `get` of a 10 KB value.
    Large,
    /// `set` of a 10 KB value.
    LargeSet,
    /// `get` of a hundred keys with 100-byte values.
    MultiGet,
    /// `set` of a 100-byte value.
    Set,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Large => "large",
            Self::LargeSet => "largeset",
            Self::MultiGet => "multiget",
            Self::Set => "set",
        }
    }

    fn value_size(self) -> usize {
        match self {
            Self::Get | Self::MultiGet | Self::Set => 100,
            Self::Large | Self::LargeSet => 10_240,
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [
            Self::Get,
            Self::Large,
            Self::LargeSet,
            Self::MultiGet,
            Self::Set,
        ];
        all.into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("no workload is called {name:?}"))
    }
}

/// A kind of request, and how many at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    pub(crate) depth: usize,
}

impl Workload {
    /// The workloads of the table.
    pub(crate) fn table() -> impl Iterator<Item = Self> {
        [
            (Kind::Get, 1, 1),
            (Kind::Get, 1, 50),
            (Kind::Get, 16, 1),
            (Kind::Get, 16, 50),
            (Kind::MultiGet, 16, 1),
            (Kind::Set, 1, 1),
            (Kind::Set, 16, 50),
            (Kind::Large, 1, 1),
            (Kind::Large, 16, 4),
            (Kind::LargeSet, 16, 4),
        ]
        .into_iter()
        .map(|(kind, connections, depth)| Self {
            kind,
            connections,
            depth,
        })
    }

    /// Requests for a connection to send over and over, and the size of each.
    pub(crate) fn requests(&self, seed: usize) -> (Vec<u8>, usize) {
        let mut requests = Vec::new();
        let mut number = seed;
        for _ in 0..ROUND {
            // A full cycle through all keys that looks random enough.
            let mut key = || {
                number = (number * 2141 + 1013) % KEYS;
                key(number)
            };
            match self.kind {
                Kind::Get | Kind::Large => {
                    requests.extend_from_slice(format!("get {}\r\n", key()).as_bytes());
                }
                Kind::MultiGet => {
                    requests.extend_from_slice(b"get");
                    for _ in 0..KEYS_AT_ONCE {
                        requests.extend_from_slice(format!(" {}", key()).as_bytes());
                    }
                    requests.extend_from_slice(b"\r\n");
                }
                Kind::Set | Kind::LargeSet => self.set(&key(), &mut requests),
            }
        }
        let size = requests.len() / ROUND;
        (requests, size)
    }

    /// The size of every reply.
    pub(crate) fn reply_size(&self) -> usize {
        let value = self.kind.value_size();
        let one = format!("VALUE {} 0 {value}\r\n", key(0)).len() + value + 2;
        match self.kind {
            Kind::Get | Kind::Large => one + 5,
            Kind::MultiGet => one * KEYS_AT_ONCE + 5,
            Kind::Set | Kind::LargeSet => "STORED\r\n".len(),
        }
    }

    /// What every reply ends with.
    pub(crate) fn reply_end(&self) -> &'static [u8] {
        match self.kind {
            Kind::Set | Kind::LargeSet => b"STORED\r\n",
            _ => b"\r\nEND\r\n",
        }
    }

    /// Puts every key that is asked for into the server.
    pub(crate) fn load(&self, address: &str) {
        let mut stream = TcpStream::connect(address).unwrap();
        for first in (0..KEYS).step_by(100) {
            let mut requests = Vec::new();
            for number in first..first + 100 {
                self.set(&key(number), &mut requests);
            }
            stream.write_all(&requests).unwrap();
            let mut replies = vec![0; 100 * "STORED\r\n".len()];
            stream.read_exact(&mut replies).unwrap();
        }
    }

    fn set(&self, key: &str, requests: &mut Vec<u8>) {
        let size = self.kind.value_size();
        requests.extend_from_slice(format!("set {key} 0 0 {size}\r\n").as_bytes());
        requests.resize(requests.len() + size, b'v');
        requests.extend_from_slice(b"\r\n");
    }

    /// The first line, which tells a canned server what to do.
    pub(crate) fn greeting(&self) -> String {
        let (_, request) = self.requests(0);
        let end = String::from_utf8_lossy(self.reply_end());
        let end = end.escape_default();
        format!("canned {request} {} {end}\r\n", self.reply_size())
    }

    /// The JSON of a result: rate and cost by server, and how they compare to
    /// the first one's.
    pub(crate) fn report(&self, rows: &[Row<'_>]) -> serde_json::Value {
        let mut report = serde_json::json!({
            "workload": self.kind.name(),
            "connections": self.connections,
            "depth": self.depth,
        });
        let first = &rows[0].results;
        for row in rows {
            let rounds = || row.results.iter().zip(first);
            let ratios = rounds().map(|((rate, _), (first, _))| rate / first);
            let mut result = serde_json::json!({
                "operations_per_second": median(row.results.iter().map(|(rate, _)| *rate)).round(),
                "ratio": rounded(median(ratios)),
            });
            let cost = median(row.results.iter().map(|(_, cost)| *cost));
            if cost > 0.0 {
                let ratios = rounds().map(|((_, cost), (_, first))| first / cost);
                result["microseconds_of_server"] = rounded(cost).into();
                result["cost_ratio"] = rounded(median(ratios)).into();
            }
            report[row.name] = result;
        }
        report
    }
}

/// What one server did.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    /// Of each round, operations per second, and microseconds of the server's
    /// processor time for one operation; 0 unknown.
    pub(crate) results: Vec<(f64, f64)>,
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

fn key(number: usize) -> String {
    format!("key:{number:016}")
}
