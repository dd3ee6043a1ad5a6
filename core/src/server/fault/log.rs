//! What clients asked, for assertions.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::Serialize;

/// Bytes of a request's head that are kept.
const KEPT_HEAD: usize = 512;

/// One request, as the server received it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The connection, counted from 1 as the server accepts them.
    pub connection: u64,
    /// The request, counted from 1 on its connection.
    pub request: u64,
    /// The command, in the text protocol's words also for binary requests.
    pub command: String,
    /// The first key, with other than UTF-8 replaced; empty without one.
    pub key: String,
    /// The line without its end, or the binary header with extras and key; at
    /// most 512 bytes.
    #[serde(serialize_with = "as_text")]
    pub head: Vec<u8>,
    /// Bytes of the request, data block included.
    pub length: usize,
    /// Bytes of the session's reply, before any fault.
    pub reply_length: usize,
    /// The numbers of the fault rules that struck.
    pub faults: Vec<u64>,
}

fn as_text<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

/// The last requests of a server.
#[derive(Default)]
pub(crate) struct Log(Mutex<State>);

#[derive(Default)]
struct State {
    capacity: usize,
    requests: VecDeque<LoggedRequest>,
}

impl Log {
    /// Keeps the last `capacity` requests from now on; 0 keeps none and forgets
    /// those that are there.
    pub(crate) fn keep(&self, capacity: usize) {
        let mut state = self.0.lock();
        state.capacity = capacity;
        while state.requests.len() > capacity {
            state.requests.pop_front();
        }
    }

    /// Whether requests are kept.
    pub(crate) fn is_on(&self) -> bool {
        self.0.lock().capacity > 0
    }

    pub(crate) fn push(&self, mut request: LoggedRequest) {
        request.head.truncate(KEPT_HEAD);
        let mut state = self.0.lock();
        if state.capacity == 0 {
            return;
        }
        if state.requests.len() == state.capacity {
            state.requests.pop_front();
        }
        state.requests.push_back(request);
    }

    /// Returns the kept requests, oldest first.
    pub(crate) fn requests(&self) -> Vec<LoggedRequest> {
        self.0.lock().requests.iter().cloned().collect()
    }

    /// Forgets the kept requests and goes on.
    pub(crate) fn clear(&self) {
        self.0.lock().requests.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64) -> LoggedRequest {
        LoggedRequest {
            connection: 1,
            request: number,
            command: "get".into(),
            key: "k".into(),
            head: b"get k".to_vec(),
            length: 7,
            reply_length: 5,
            faults: Vec::new(),
        }
    }

    #[test]
    fn the_last_ones_are_kept() {
        let log = Log::default();
        log.push(request(1));
        assert!(log.requests().is_empty());
        log.keep(2);
        (1..=5).for_each(|number| log.push(request(number)));
        let kept: Vec<u64> = log.requests().iter().map(|kept| kept.request).collect();
        assert_eq!(kept, [4, 5]);
        log.keep(0);
        assert!(log.requests().is_empty());
    }
}
