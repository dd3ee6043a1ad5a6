//! The meta codec: single-key requests written as meta commands, each with an
//! opaque that its reply must repeat.

use super::expect::{Line, Shape, bad_line, number, token};
use super::keys::Keys;
use super::request::{Admin, Direction, Request, Retrieve, Store, StoreMode, Want};
use super::text::push_number;
use super::{Item, Reply};
use crate::error::Result;

/// Appends a request under `opaque` and tells what its reply looks like.
///
/// Plain reads of several keys and administration are written as text.
///
/// # Errors
///
/// Those of the text codec for what it is given.
pub(super) fn encode(request: &Request<'_>, opaque: u32, out: &mut Vec<u8>) -> Result<Shape> {
    match request {
        Request::Admin(Admin::Noop) => {
            out.extend_from_slice(b"mn\r\n");
            return Ok(Shape::Noop);
        }
        Request::Retrieve(Retrieve {
            keys: Keys::Many(_),
            ..
        })
        | Request::Admin(_) => {
            return super::text::encode(request, out);
        }
        Request::Retrieve(retrieve) => encode_retrieve(retrieve, out),
        Request::Arithmetic(arithmetic) => {
            out.extend_from_slice(b"ma ");
            out.extend_from_slice(&arithmetic.key);
            out.extend_from_slice(b" v");
            if arithmetic.direction == Direction::Decrement {
                out.extend_from_slice(b" MD");
            }
            push_flag(out, b'D', arithmetic.delta);
            if let Some(expiry) = arithmetic.touch {
                push_flag(out, b'T', expiry.wire());
            }
        }
        Request::Delete(delete) => {
            out.extend_from_slice(b"md ");
            out.extend_from_slice(&delete.key);
            if let Some(cas) = delete.cas {
                push_flag(out, b'C', cas);
            }
        }
        Request::Store(store) => {
            encode_store(store, opaque, out);
            return Ok(Shape::MetaStore);
        }
        Request::StoreMany(batch) => return Ok(super::batch::encode_meta(batch, opaque, out)),
        Request::Touch(touch) => {
            out.extend_from_slice(b"mg ");
            out.extend_from_slice(&touch.key);
            push_flag(out, b'T', touch.expiry.wire());
        }
    }
    push_flag(out, b'O', opaque);
    out.extend_from_slice(b"\r\n");
    Ok(match request {
        Request::Arithmetic(_) => Shape::MetaArithmetic,
        Request::Delete(_) => Shape::MetaDelete,
        Request::Touch(_) => Shape::MetaTouch,
        _ => Shape::MetaRetrieve,
    })
}

/// Appends the read of one value.
pub(super) fn encode_read(key: &[u8], opaque: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b"mg ");
    out.extend_from_slice(key);
    out.extend_from_slice(b" f v");
    push_flag(out, b'O', opaque);
    out.extend_from_slice(b"\r\n");
}

fn encode_retrieve(retrieve: &Retrieve<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"mg ");
    out.extend_from_slice(retrieve.keys.as_bytes());
    let want = retrieve.want;
    if want.contains(Want::VALUE) {
        out.extend_from_slice(b" f v");
    }
    if want.contains(Want::CAS) {
        out.extend_from_slice(b" c");
    }
    if want.contains(Want::TTL) {
        out.extend_from_slice(b" t");
    }
    if want.contains(Want::SIZE) {
        out.extend_from_slice(b" s");
    }
    if want.contains(Want::ACCESS) {
        out.extend_from_slice(b" h l");
    }
    if !retrieve.bump {
        out.extend_from_slice(b" u");
    }
    if let Some(expiry) = retrieve.touch {
        push_flag(out, b'T', expiry.wire());
    }
}

/// Appends the write of one item.
pub(super) fn encode_store(store: &Store<'_>, opaque: u32, out: &mut Vec<u8>) {
    out.reserve(store.key.len() + store.value.len() + 64);
    out.extend_from_slice(b"ms ");
    out.extend_from_slice(&store.key);
    push_number(out, store.value.len());
    match store.mode {
        StoreMode::Add => out.extend_from_slice(b" ME"),
        StoreMode::Append => out.extend_from_slice(b" MA"),
        StoreMode::Prepend => out.extend_from_slice(b" MP"),
        StoreMode::Replace => out.extend_from_slice(b" MR"),
        StoreMode::Set => {}
    }
    if !matches!(store.mode, StoreMode::Append | StoreMode::Prepend) {
        if store.flags != 0 {
            push_flag(out, b'F', store.flags);
        }
        if store.expiry.wire() != 0 {
            push_flag(out, b'T', store.expiry.wire());
        }
        if let Some(cas) = store.cas {
            push_flag(out, b'C', cas);
        }
    }
    push_flag(out, b'O', opaque);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&store.value);
    out.extend_from_slice(b"\r\n");
}

/// Reads one line of the reply to a meta command, other than an error.
///
/// # Errors
///
/// [`ErrorKind::Protocol`](crate::ErrorKind::Protocol) when the line is no
/// answer to this command or carries another opaque.
pub(super) fn parse<'a>(shape: Shape, opaque: u32, line: &'a [u8]) -> Result<Line<'a>> {
    if matches!(shape, Shape::MetaStoreMany | Shape::Noop) {
        return if line == b"MN" {
            Ok(Line::Last(Reply::Ok))
        } else {
            Err(bad_line(line))
        };
    }
    if let Some(reply) = parse_done(shape, opaque, line) {
        return Ok(Line::Last(reply));
    }
    let (code, mut rest) = token(line);
    let mut length = None;
    if code == b"VA" {
        let (digits, after) = token(rest);
        length = Some(
            number(digits)
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| bad_line(line))?,
        );
        rest = after;
    }
    let item = parse_flags(rest, opaque).ok_or_else(|| bad_line(line))?;
    let reply = match (shape, code) {
        (Shape::MetaRetrieve | Shape::MetaArithmetic, b"VA") => {
            let length = length.unwrap_or_default();
            return Ok(if shape == Shape::MetaArithmetic {
                Line::NumberBody { length }
            } else {
                Line::Body { length, item }
            });
        }
        (Shape::MetaRetrieve, b"HD") => Reply::Item(item),
        (Shape::MetaRetrieve, b"EN") => Reply::End,
        (Shape::MetaTouch, b"HD") => Reply::Touched,
        (Shape::MetaTouch, b"EN") => Reply::NotFound,
        (Shape::MetaStore, b"HD") => Reply::Stored,
        (Shape::MetaStore, b"NS") => Reply::NotStored,
        (Shape::MetaStore | Shape::MetaDelete, b"EX") => Reply::Exists,
        (Shape::MetaStore | Shape::MetaDelete | Shape::MetaArithmetic, b"NF") => Reply::NotFound,
        (Shape::MetaArithmetic, b"NS") => Reply::NotStored,
        (Shape::MetaDelete, b"HD") => Reply::Deleted,
        _ => return Err(bad_line(line)),
    };
    Ok(Line::Last(reply))
}

/// Reads the most frequent answer to a change: done, under our opaque and with
/// nothing else. `None` leaves the line to those who look closer.
#[inline]
fn parse_done(shape: Shape, opaque: u32, line: &[u8]) -> Option<Reply<'static>> {
    let digits = line.strip_prefix(b"HD O")?;
    let reply = match shape {
        Shape::MetaDelete => Reply::Deleted,
        Shape::MetaStore => Reply::Stored,
        Shape::MetaTouch => Reply::Touched,
        _ => return None,
    };
    (number(digits)? == u64::from(opaque)).then_some(reply)
}

/// Reads the flags of a reply; `None` when one is malformed, or the opaque is
/// absent or another's.
fn parse_flags(mut rest: &[u8], opaque: u32) -> Option<Item<'static>> {
    let mut item = Item::default();
    let mut ours = false;
    while !rest.is_empty() {
        let (flag, after) = token(rest);
        rest = after;
        let (name, argument) = flag.split_first()?;
        match name {
            b'O' => ours = number(argument)? == u64::from(opaque),
            b'f' => item.flags = u32::try_from(number(argument)?).ok()?,
            b'c' => item.cas = Some(number(argument)?),
            b't' => {
                item.ttl = Some(if argument == b"-1" {
                    -1
                } else {
                    i64::try_from(number(argument)?).ok()?
                })
            }
            b's' => item.size = Some(number(argument)?),
            b'l' => item.last_access = Some(number(argument)?),
            b'h' => item.hit_before = Some(argument == b"1"),
            b'W' => item.won = true,
            b'X' => item.stale = true,
            _ => {}
        }
    }
    ours.then_some(item)
}

fn push_flag(out: &mut Vec<u8>, flag: u8, number: impl itoa::Integer) {
    out.extend_from_slice(&[b' ', flag]);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
