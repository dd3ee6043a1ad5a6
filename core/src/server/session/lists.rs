//! `get`, `gets`, `gat`, `gats`: retrieval of any number of keys.
//!
//! A long answer is given in pieces: when the output is full the session
//! remembers that it is inside a list, and the listener shows the rest of the
//! line again.

use super::reply;
use super::text::Request;
use super::words::Words;
use super::{Flow, OUTPUT_BUDGET, Phase, Talk};
use crate::key::MAX_KEY_LENGTH;
use crate::server::shared::Access;

/// How the keys of a list are fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyList {
    with_cas: bool,
    /// The store second to which every hit's expiry is set.
    touch: Option<u32>,
}

impl Talk {
    /// Answers a list of keys, which are the words left in `request`.
    pub(super) fn list(
        &mut self,
        access: &mut Access<'_>,
        with_cas: bool,
        touch: Option<u32>,
        request: Request<'_>,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let list = KeyList { with_cas, touch };
        let start = output.len();
        match self.keys(access, list, request.words, start, output) {
            None => (request.used, Flow::Continue),
            Some(rest) => (request.line.len() - rest.len(), Flow::Full),
        }
    }

    /// Goes on with a list; `input` starts with the rest of its line.
    pub(super) fn more_keys(
        &mut self,
        access: &mut Access<'_>,
        list: KeyList,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let Some(end) = memchr::memchr(b'\n', input) else {
            // The listener shows the whole rest again, so this cannot be.
            return (input.len(), Flow::Close);
        };
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        let start = output.len();
        match self.keys(access, list, Words::new(line), start, output) {
            None => (end + 1, Flow::Continue),
            Some(rest) => (line.len() - rest.len(), Flow::Full),
        }
    }

    /// Answers keys until all are done or the output is full; then returns the
    /// rest of the line.
    #[inline]
    fn keys<'a>(
        &mut self,
        access: &mut Access<'_>,
        list: KeyList,
        mut keys: Words<'a>,
        start: usize,
        output: &mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        while let Some(key) = keys.next() {
            if key.len() > MAX_KEY_LENGTH {
                // One bad key spoils the whole answer.
                output.truncate(start);
                reply::line(output, reply::BAD_FORMAT);
                return None;
            }
            match list.touch {
                None => fetch_with(access, key, list.with_cas, output),
                Some(expires) => touch(access, key, list.with_cas, expires, output),
            }
            if output.len() - start >= OUTPUT_BUDGET && !keys.is_empty() {
                // What is answered now can no longer be taken back.
                if keys.clone().any(|key| key.len() > MAX_KEY_LENGTH) {
                    output.truncate(start);
                    reply::line(output, reply::BAD_FORMAT);
                    return None;
                }
                self.phase = Phase::Keys(list);
                return Some(keys.rest());
            }
        }
        output.extend_from_slice(b"END\r\n");
        None
    }
}

/// Answers one key of a `get`.
#[inline]
pub(super) fn fetch(access: &mut Access<'_>, key: &[u8], output: &mut Vec<u8>) {
    fetch_with(access, key, false, output);
}

#[inline]
fn fetch_with(access: &mut Access<'_>, key: &[u8], with_cas: bool, output: &mut Vec<u8>) {
    let hash = access.hash(key);
    let store = access.store(hash);
    let found = store.lookup(hash, key);
    store.counters.get_commands += 1;
    match found {
        Some(handle) => reply::value(output, key, store.hit(handle), with_cas),
        None => store.counters.get_misses += 1,
    }
    access.shared.note_get(key, found.is_some());
}

/// Answers one key of a `gat`.
fn touch(access: &mut Access<'_>, key: &[u8], with_cas: bool, expires: u32, output: &mut Vec<u8>) {
    let hash = access.hash(key);
    let store = access.store(hash);
    let found = store.touch(hash, key, expires);
    store.counters.touch_commands += 1;
    match found {
        Some(handle) => {
            store.class_counters(handle).touch_hits += 1;
            reply::value(output, key, store.arena.item(handle), with_cas);
        }
        None => store.counters.touch_misses += 1,
    }
    access.shared.note_get(key, found.is_some());
}
