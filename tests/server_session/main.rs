//! The server's inside, joined in memory under a clock that is moved by hand.
//!
//! What memcached answers is recorded (`vectors/server`) or compared live
//! (`server_differential`). Here is what needs time, memory or several
//! connections, and what is this server's own.

mod arbitrary;
mod limits;
mod memory;
mod reports;
mod streams;
mod time;
mod transcripts;

use std::sync::Arc;

use memoxide::server::{Clock, Next, PeerInfo, Session, Settings, Shared};

/// The second at which every server here starts.
const START: u64 = 1_700_000_000;

/// A server and one connection to it.
struct Pair {
    shared: Arc<Shared>,
    line: Line,
}

impl Pair {
    fn new(settings: Settings) -> Self {
        let shared = Shared::new(settings, Clock::virtual_at(START));
        let line = Line::new(&shared, 1);
        Self { shared, line }
    }

    fn default() -> Self {
        Self::new(Settings::default())
    }

    /// Opens another connection.
    fn connect(&self, number: u64) -> Line {
        Line::new(&self.shared, number)
    }

    /// Sends text and returns the answer.
    fn ask(&mut self, request: &str) -> String {
        self.line.ask(request)
    }

    fn advance(&self, seconds: u64) {
        self.shared.clock().advance(seconds);
    }

    /// Returns one general statistic.
    fn statistic(&self, name: &str) -> String {
        let report = self.shared.statistics("");
        let found = report.into_iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no statistic {name}"), |(_, value)| value)
    }
}

/// A connection with what a listener keeps for it.
struct Line {
    session: Session,
    kept: Vec<u8>,
    next: Next,
}

impl Line {
    fn new(shared: &Arc<Shared>, connection: u64) -> Self {
        let peer = PeerInfo {
            connection,
            address: Some(([127, 0, 0, 1], 40_000 + connection as u16).into()),
            listener: Some(([127, 0, 0, 1], 11_211).into()),
        };
        Self {
            session: Session::new(Arc::clone(shared), peer),
            kept: Vec::new(),
            next: Next::NeedInput,
        }
    }

    fn ask(&mut self, request: &str) -> String {
        String::from_utf8(self.send(request.as_bytes())).expect("the answer is text")
    }

    /// Hands over bytes and returns the answer, up to a close or a stream.
    fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut input = std::mem::take(&mut self.kept);
        input.extend_from_slice(bytes);
        let mut output = Vec::new();
        let mut rest = &input[..];
        loop {
            let progress = self.session.process(rest, &mut output);
            rest = &rest[progress.consumed..];
            self.next = progress.next;
            if progress.next != Next::Yield {
                break;
            }
        }
        self.kept = rest.to_vec();
        output
    }
}
