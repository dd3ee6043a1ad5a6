//! The text protocol: one line at a time, dispatched by its first word.

use super::words::{MAX_WORDS, Words, ends_in_noreply, number64, signed32};
use super::{Flow, KEY_LIST_LIMIT, LINE_LIMIT, Talk, lists, reply};
use crate::key::MAX_KEY_LENGTH;
use crate::server::CloseReason;
use crate::server::shared::Access;
use crate::server::store::commands::Mode;
use crate::server::store::counting::Counted;

/// Shortest line, line end included.
const SHORTEST_LINE: usize = 4;

/// A line and what follows it.
pub(super) struct Request<'a> {
    /// The line without its end.
    pub(super) line: &'a [u8],
    /// The words behind the command.
    pub(super) words: Words<'a>,
    /// Input behind the line.
    pub(super) rest: &'a [u8],
    /// Bytes of the line with its end.
    pub(super) used: usize,
}

impl Talk {
    /// Executes the text request at the front of `input`.
    #[inline]
    pub(super) fn text(
        &mut self,
        access: &mut Access<'_>,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        if let Some(used) = self.get_one(access, input, output) {
            return (used, Flow::Continue);
        }
        let scanned = self.scanned.min(input.len());
        let Some(end) = memchr::memchr(b'\n', &input[scanned..]) else {
            self.scanned = input.len();
            return (0, self.incomplete(input));
        };
        self.scanned = 0;
        let end = scanned + end;
        let line = match &input[..end] {
            [line @ .., b'\r'] => line,
            line => line,
        };
        if !self.authenticated {
            return self.ask_for_credentials(access, line, end + 1, output);
        }
        let first = line
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(line.len());
        let (command, words) = line.split_at(first);
        let request = Request {
            line,
            words: Words::new(words),
            rest: &input[end + 1..],
            used: end + 1,
        };
        let result = self.dispatch(access, command, request, output);
        self.batch += 1;
        result
    }

    /// Answers `get` with one key, by far the most frequent request, in one look
    /// at its bytes; `None` for anything else.
    #[inline]
    fn get_one(
        &mut self,
        access: &mut Access<'_>,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> Option<usize> {
        let rest = input.strip_prefix(b"get ")?;
        let end = memchr::memchr2(b' ', b'\n', rest)?;
        let key = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        if rest[end] != b'\n'
            || !(1..=MAX_KEY_LENGTH).contains(&key.len())
            || !self.authenticated
            || self.scanned > 0
        {
            return None;
        }
        lists::fetch(access, key, output);
        output.extend_from_slice(b"END\r\n");
        self.batch += 1;
        Some(b"get ".len() + end + 1)
    }

    #[inline]
    fn dispatch(
        &mut self,
        access: &mut Access<'_>,
        command: &[u8],
        request: Request<'_>,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let done = (request.used, Flow::Continue);
        if request.used < SHORTEST_LINE {
            reply::line(output, reply::BAD_FORMAT);
            return done;
        }
        match command {
            b"get" => return self.get(access, false, request, output),
            b"mg" => self.meta_get(access, request, output),
            b"set" => return self.storage(access, Mode::Set, request, output),
            b"ms" => return self.meta_set(access, request, output),
            b"gets" => return self.get(access, true, request, output),
            b"delete" => delete(access, request.words, output),
            b"incr" => arithmetic(access, true, request.words, output),
            b"decr" => arithmetic(access, false, request.words, output),
            b"add" => return self.storage(access, Mode::Add, request, output),
            b"cas" => return self.storage(access, Mode::Cas, request, output),
            b"replace" => return self.storage(access, Mode::Replace, request, output),
            b"append" => {
                let mode = Mode::Append { create: false };
                return self.storage(access, mode, request, output);
            }
            b"prepend" => {
                let mode = Mode::Prepend { create: false };
                return self.storage(access, mode, request, output);
            }
            b"touch" => touch(access, request.words, output),
            b"gat" => return self.get_and_touch(access, false, request, output),
            b"gats" => return self.get_and_touch(access, true, request, output),
            b"md" => self.meta_delete(access, request, output),
            b"ma" => self.meta_arithmetic(access, request, output),
            b"me" => self.meta_debug(access, request, output),
            b"mn" => reply::line(output, b"MN"),
            b"version" => {
                output.extend_from_slice(b"VERSION ");
                reply::line(output, access.shared.settings().version.as_bytes());
            }
            b"quit" => return (request.used, Flow::Close),
            b"stats" => self.stats(access, request.words, output),
            b"watch" => return (request.used, self.watch(access, request.words, output)),
            _ => return (request.used, self.administer(access, request, output)),
        }
        done
    }

    /// What becomes of a line without an end.
    fn incomplete(&mut self, input: &[u8]) -> Flow {
        let limit = if self.authenticated && is_key_list(input) {
            KEY_LIST_LIMIT
        } else {
            LINE_LIMIT
        };
        if input.len() > limit {
            self.reason = CloseReason::Error;
            return Flow::Close;
        }
        Flow::NeedInput
    }

    fn get(
        &mut self,
        access: &mut Access<'_>,
        with_cas: bool,
        request: Request<'_>,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        if request.words.is_empty() {
            reply::line(output, reply::BAD_FORMAT);
            return (request.used, Flow::Continue);
        }
        self.list(access, with_cas, None, request, output)
    }

    fn get_and_touch(
        &mut self,
        access: &mut Access<'_>,
        with_cas: bool,
        mut request: Request<'_>,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let exptime = request.words.next();
        if request.words.is_empty() {
            reply::line(output, reply::BAD_FORMAT);
            return (request.used, Flow::Continue);
        }
        let Some(exptime) = exptime.and_then(signed32) else {
            reply::line(output, reply::INVALID_EXPTIME);
            return (request.used, Flow::Continue);
        };
        let expires = access.expiry(exptime);
        self.list(access, with_cas, Some(expires), request, output)
    }
}

/// Whether an unfinished line may be longer than others.
fn is_key_list(input: &[u8]) -> bool {
    [&b"get "[..], b"gets ", b"gat ", b"gats "]
        .iter()
        .any(|start| input.starts_with(start))
}

/// Takes the key and says whether the answer is wanted, for commands whose last
/// word may be `noreply`; `None` with too few words, after an answer.
fn key_and_noreply<'a>(
    words: &mut Words<'a>,
    least: usize,
    output: &mut Vec<u8>,
) -> Option<(&'a [u8], bool)> {
    if words.clone().take(MAX_WORDS).count() < least {
        reply::line(output, reply::BAD_FORMAT);
        return None;
    }
    let noreply = ends_in_noreply(words.clone());
    let key = words.next()?;
    if key.len() > MAX_KEY_LENGTH {
        reply::line_unless(noreply, output, reply::BAD_FORMAT);
        return None;
    }
    Some((key, noreply))
}

fn delete(access: &mut Access<'_>, mut words: Words<'_>, output: &mut Vec<u8>) {
    let Some((key, noreply)) = key_and_noreply(&mut words, 1, output) else {
        return;
    };
    access.shared.note_delete(key);
    let hash = access.hash(key);
    let deleted = access.store(hash).delete(hash, key);
    let answer: &[u8] = if deleted { b"DELETED" } else { b"NOT_FOUND" };
    reply::line_unless(noreply, output, answer);
}

fn touch(access: &mut Access<'_>, mut words: Words<'_>, output: &mut Vec<u8>) {
    let Some((key, noreply)) = key_and_noreply(&mut words, 2, output) else {
        return;
    };
    let Some(exptime) = words.next().and_then(signed32) else {
        reply::line_unless(noreply, output, reply::INVALID_EXPTIME);
        return;
    };
    let (hash, expires) = (access.hash(key), access.expiry(exptime));
    let store = access.store(hash);
    let answer: &[u8] = if let Some(handle) = store.touch(hash, key, expires) {
        store.class_counters(handle).touch_hits += 1;
        b"TOUCHED"
    } else {
        store.counters.touch_misses += 1;
        b"NOT_FOUND"
    };
    store.counters.touch_commands += 1;
    reply::line_unless(noreply, output, answer);
}

fn arithmetic(
    access: &mut Access<'_>,
    increment: bool,
    mut words: Words<'_>,
    output: &mut Vec<u8>,
) {
    let Some((key, noreply)) = key_and_noreply(&mut words, 2, output) else {
        return;
    };
    let Some(delta) = words.next().and_then(number64) else {
        let answer = b"CLIENT_ERROR invalid numeric delta argument";
        reply::line_unless(noreply, output, answer);
        return;
    };
    let hash = access.hash(key);
    let store = access.store(hash);
    let answer: &[u8] = match store.count(hash, key, increment, delta, 0) {
        Counted::Done(count) => {
            if !noreply {
                reply::number(output, count.value);
                output.extend_from_slice(b"\r\n");
            }
            return;
        }
        Counted::Missing => {
            store.count_miss(increment);
            b"NOT_FOUND"
        }
        Counted::NotNumeric => reply::NOT_NUMERIC,
        Counted::Exists | Counted::NoMemory => b"SERVER_ERROR out of memory",
    };
    reply::line_unless(noreply, output, answer);
}
