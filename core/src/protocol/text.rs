//! The text codec: requests written as classic commands, and their reply lines.

use super::expect::{Line, Shape, bad_line, number, short_number, token};
use super::request::{Admin, Direction, Request, Retrieve, Store, StoreMode, Walk};
use super::{Expiry, Reply};
use crate::error::{Error, ErrorKind, Result};

/// Appends a request and tells what its reply looks like.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] for what only meta commands can ask.
pub(super) fn encode(request: &Request<'_>, out: &mut Vec<u8>) -> Result<Shape> {
    match request {
        Request::Admin(admin) => Ok(encode_admin(admin, out)),
        Request::Arithmetic(arithmetic) => {
            if arithmetic.touch.is_some() {
                return Err(needs_meta("a counter with a new expiry"));
            }
            out.extend_from_slice(match arithmetic.direction {
                Direction::Decrement => b"decr ",
                Direction::Increment => b"incr ",
            });
            out.extend_from_slice(&arithmetic.key);
            push_number(out, arithmetic.delta);
            out.extend_from_slice(b"\r\n");
            Ok(Shape::TextArithmetic)
        }
        Request::Delete(delete) => {
            if delete.cas.is_some() {
                return Err(needs_meta("a delete with a cas id"));
            }
            out.extend_from_slice(b"delete ");
            out.extend_from_slice(&delete.key);
            out.extend_from_slice(b"\r\n");
            Ok(Shape::TextDelete)
        }
        Request::Retrieve(retrieve) => encode_retrieve(retrieve, out),
        Request::Store(store) => {
            encode_store(store, out);
            Ok(Shape::TextStore)
        }
        Request::StoreMany(batch) => Ok(super::batch::encode_text(batch, out)),
        Request::Touch(touch) => {
            out.extend_from_slice(b"touch ");
            out.extend_from_slice(&touch.key);
            push_expiry(out, touch.expiry);
            out.extend_from_slice(b"\r\n");
            Ok(Shape::TextTouch)
        }
    }
}

fn encode_retrieve(retrieve: &Retrieve<'_>, out: &mut Vec<u8>) -> Result<Shape> {
    if retrieve.needs_meta() {
        return Err(needs_meta("reading the metadata of an item"));
    }
    let cas = retrieve.want.contains(super::Want::CAS);
    match (retrieve.touch, cas) {
        (None, false) => out.extend_from_slice(b"get"),
        (None, true) => out.extend_from_slice(b"gets"),
        (Some(expiry), cas) => {
            out.extend_from_slice(if cas { b"gats" } else { b"gat" });
            push_expiry(out, expiry);
        }
    }
    let keys = retrieve.keys.as_bytes();
    out.reserve(keys.len() + 3);
    out.push(b' ');
    out.extend_from_slice(keys);
    out.extend_from_slice(b"\r\n");
    Ok(Shape::TextRetrieve { cas })
}

fn encode_store(store: &Store<'_>, out: &mut Vec<u8>) {
    out.reserve(store.key.len() + store.value.len() + 64);
    out.extend_from_slice(match (store.mode, store.cas) {
        (StoreMode::Set, Some(_)) => b"cas ",
        (StoreMode::Set, None) => b"set ",
        (StoreMode::Add, _) => b"add ",
        (StoreMode::Append, _) => b"append ",
        (StoreMode::Prepend, _) => b"prepend ",
        (StoreMode::Replace, _) => b"replace ",
    });
    out.extend_from_slice(&store.key);
    push_number(out, store.flags);
    push_expiry(out, store.expiry);
    push_number(out, store.value.len());
    if let (StoreMode::Set, Some(cas)) = (store.mode, store.cas) {
        push_number(out, cas);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&store.value);
    out.extend_from_slice(b"\r\n");
}

/// Appends a command that is the same in both codecs.
pub(super) fn encode_admin(admin: &Admin<'_>, out: &mut Vec<u8>) -> Shape {
    let shape = match admin {
        Admin::CacheMemlimit { megabytes } => {
            out.extend_from_slice(b"cache_memlimit");
            push_number(out, *megabytes);
            Shape::TextOk
        }
        Admin::FlushAll { delay } => {
            out.extend_from_slice(b"flush_all");
            if *delay > 0 {
                push_number(out, *delay);
            }
            Shape::TextOk
        }
        Admin::Metadump { walk } => {
            out.extend_from_slice(b"lru_crawler metadump ");
            out.extend_from_slice(match walk {
                Walk::HashTable => b"hash",
                Walk::Lru => b"all",
            });
            Shape::TextDump
        }
        Admin::Noop | Admin::Version => {
            out.extend_from_slice(b"version");
            Shape::TextVersion
        }
        Admin::Stats { report } => {
            out.extend_from_slice(b"stats");
            if !report.is_empty() {
                out.push(b' ');
                out.extend_from_slice(report);
            }
            Shape::TextStats
        }
        Admin::Verbosity { level } => {
            out.extend_from_slice(b"verbosity");
            push_number(out, *level);
            Shape::TextOk
        }
    };
    out.extend_from_slice(b"\r\n");
    shape
}

/// Reads one line of the reply to a text command, other than an error.
///
/// # Errors
///
/// [`ErrorKind::Protocol`] when the line is no answer to this command.
pub(super) fn parse<'a>(shape: Shape, line: &'a [u8]) -> Result<Line<'a>> {
    let reply = match shape {
        Shape::TextRetrieve { cas } => {
            if line == b"END" {
                return Ok(Line::Last(Reply::End));
            }
            return parse_value(line, cas);
        }
        Shape::TextJoined => {
            if line == b"END" {
                return Ok(Line::Last(Reply::End));
            }
            return parse_value(line, false);
        }
        Shape::TextStore | Shape::TextStoreMany { .. } => match line {
            b"STORED" => Reply::Stored,
            b"NOT_STORED" => Reply::NotStored,
            b"EXISTS" => Reply::Exists,
            b"NOT_FOUND" => Reply::NotFound,
            _ => return Err(bad_line(line)),
        },
        Shape::TextDelete => match line {
            b"DELETED" => Reply::Deleted,
            b"NOT_FOUND" => Reply::NotFound,
            _ => return Err(bad_line(line)),
        },
        Shape::TextTouch => match line {
            b"TOUCHED" => Reply::Touched,
            b"NOT_FOUND" => Reply::NotFound,
            _ => return Err(bad_line(line)),
        },
        Shape::TextArithmetic => match line {
            b"NOT_FOUND" => Reply::NotFound,
            digits => Reply::Number(number(digits.trim_ascii_end()).ok_or_else(|| bad_line(line))?),
        },
        Shape::TextOk => match line {
            b"OK" => Reply::Ok,
            _ => return Err(bad_line(line)),
        },
        Shape::TextVersion => match line.strip_prefix(b"VERSION ") {
            Some(version) => Reply::Version(version.into()),
            None => return Err(bad_line(line)),
        },
        Shape::TextStats => {
            if line == b"END" {
                return Ok(Line::Last(Reply::End));
            }
            if line == b"RESET" || line == b"OK" {
                return Ok(Line::Last(Reply::End));
            }
            let Some(rest) = line.strip_prefix(b"STAT ") else {
                return Err(bad_line(line));
            };
            let (name, value) = token(rest);
            return Ok(Line::Part(Reply::Stat {
                name: name.into(),
                value: value.into(),
            }));
        }
        Shape::TextDump => {
            // An empty cache is told as an end or as nothing to begin with.
            if line == b"END" || line.starts_with(b"NOTSTARTED") {
                return Ok(Line::Last(Reply::End));
            }
            // Said by newer versions before the first line.
            if line == b"OK" {
                return Ok(Line::Part(Reply::Ok));
            }
            if !line.starts_with(b"key=") {
                return Err(bad_line(line));
            }
            return Ok(Line::Part(Reply::Line(line.into())));
        }
        _ => return Err(bad_line(line)),
    };
    Ok(Line::Last(reply))
}

/// Reads `VALUE <key> <flags> <length>[ <cas>]`.
fn parse_value(line: &[u8], cas: bool) -> Result<Line<'_>> {
    let read = || {
        let rest = line.strip_prefix(b"VALUE ")?;
        let (key, rest) = token(rest);
        let (flags, rest) = short_number(rest)?;
        let (length, rest) = short_number(rest)?;
        let length = length as usize;
        let cas = match (cas, rest.is_empty()) {
            (true, false) => Some(number(rest)?),
            (false, true) => None,
            _ => return None,
        };
        Some(Line::Value {
            key,
            flags,
            length,
            cas,
        })
    };
    read().ok_or_else(|| bad_line(line))
}

/// Appends a space and a number.
pub(super) fn push_number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.push(b' ');
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn push_expiry(out: &mut Vec<u8>, expiry: Expiry) {
    push_number(out, expiry.wire());
}

fn needs_meta(what: &str) -> Error {
    let message = format!("{what} needs the meta protocol (memcached 1.6), the server speaks text");
    Error::new(ErrorKind::Unsupported, message)
}
