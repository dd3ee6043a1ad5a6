//! `ms`, `md` and `ma`: meta storage, deletion and arithmetic.

use super::meta_flags::{MetaFlags, MetaKey, OPAQUE_TOO_LONG, flag, is_opaque, key_flag, split};
use super::storing::{Answer, Order, data_length};
use super::text::Request;
use super::words::Words;
use super::{Flow, Talk, reply};
use crate::server::shared::Access;
use crate::server::store::Store;
use crate::server::store::arena::Handle;
use crate::server::store::commands::{Mode, Outcome, Terms, Value};
use crate::server::store::counting::{Count, Counted};
use crate::server::store::item::{self, BINARY_KEY, Draft, STALE, TOKEN_SENT};
use crate::server::watch::Deleter;

/// How an `ms` is answered.
#[derive(Clone, Copy)]
pub(super) struct MetaReply<'a> {
    /// The flags as sent.
    pub(super) flags: &'a [u8],
    pub(super) quiet: bool,
    pub(super) binary_key: bool,
}

impl MetaReply<'_> {
    /// Writes the answer; `length` is that of the request's value.
    pub(super) fn write(self, key: &[u8], stored: Outcome, length: usize, output: &mut Vec<u8>) {
        let (status, cas, length): (&[u8], _, _) = match stored {
            Outcome::Stored { .. } if self.quiet => return,
            Outcome::Stored { cas, length } => (b"HD", cas, length),
            Outcome::Exists => (b"EX", 0, length),
            Outcome::NotFound => (b"NF", 0, length),
            Outcome::NotStored => (b"NS", 0, length),
            Outcome::NoMemory => {
                reply::line(output, reply::OUT_OF_MEMORY);
                return;
            }
        };
        output.extend_from_slice(status);
        for word in Words::new(self.flags) {
            match word[0] {
                b'O' => {
                    output.push(b' ');
                    output.extend_from_slice(word);
                }
                b'k' => key_flag(output, key, self.binary_key),
                b'c' => flag(output, b'c', cas),
                b's' => flag(output, b's', length),
                _ => {}
            }
        }
        output.extend_from_slice(b"\r\n");
    }
}

impl Talk {
    /// `ms <key> <length> <flags>*` and data.
    #[inline]
    pub(super) fn meta_set(
        &mut self,
        access: &mut Access<'_>,
        request: Request<'_>,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let length = request.words.clone().nth(1).and_then(data_length);
        let (Some(meta), Some(length)) = (split(request.words.clone(), 1), length) else {
            reply::line(output, reply::BAD_FORMAT);
            return (request.used, Flow::Continue);
        };
        let parsed = meta.parse(access).and_then(|(key, flags)| {
            let mode = mode(&flags)?;
            Ok((key, flags, mode))
        });
        let (key, flags, mode) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => return self.refuse_data(request.used, length, error, output),
        };
        let expires = match mode {
            Mode::Append { create: true } | Mode::Prepend { create: true } => flags.create,
            _ => flags.expires,
        };
        let hash = access.hash(key.bytes());
        let store = access.store(hash);
        let size = store
            .classes
            .item_size(key.bytes().len(), flags.client_flags, length);
        let class = store.classes.class(size);
        if class == 0 {
            store.too_large(hash, key.bytes(), true);
            return self.refuse_data(request.used, length, reply::TOO_LARGE, output);
        }
        store.counters.classes[class].set_commands += 1;
        if Words::new(meta.flags).any(|word| word[0] == b'O' && !is_opaque(word)) {
            return self.refuse_data(request.used, length, OPAQUE_TOO_LONG, output);
        }
        let order = Order {
            hash,
            draft: Draft {
                key: key.bytes(),
                flags: flags.client_flags,
                expires: expires.unwrap_or_default(),
                marks: if key.is_binary() { BINARY_KEY } else { 0 },
            },
            terms: Terms {
                mode,
                compare: flags.compare.unwrap_or_default(),
                cas: flags.cas.filter(|cas| *cas != 0),
                allow_stale: flags.invalidate,
            },
            length,
            answer: Answer::Meta(MetaReply {
                flags: meta.flags,
                quiet: flags.quiet,
                binary_key: key.is_binary(),
            }),
        };
        let (used, flow) = self.take_value(access, order, request.rest, output);
        (request.used + used, flow)
    }

    /// Answers an error and skips the data block, which is of no use now.
    fn refuse_data(
        &mut self,
        used: usize,
        length: usize,
        error: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        reply::line(output, error);
        self.swallow(length + 2);
        (used, Flow::Continue)
    }

    /// `md <key> <flags>*`.
    pub(super) fn meta_delete(
        &mut self,
        access: &mut Access<'_>,
        request: Request<'_>,
        output: &mut Vec<u8>,
    ) {
        let Some(request) = split(request.words, 0) else {
            reply::line(output, reply::BAD_FORMAT);
            return;
        };
        let (key, flags) = match request.parse(access) {
            Ok(parsed) => parsed,
            Err(error) => {
                reply::line(output, error);
                return;
            }
        };
        if Words::new(request.flags).any(|word| word[0] == b'O' && !is_opaque(word)) {
            reply::line(output, OPAQUE_TOO_LONG);
            return;
        }
        let hash = access.hash(key.bytes());
        let store = access.store(hash);
        let status = delete(store, hash, key.bytes(), &flags);
        if status == b"HD" && flags.quiet {
            return;
        }
        output.extend_from_slice(status);
        if status.len() == 2 {
            echo(output, &key, request.flags);
        }
        output.extend_from_slice(b"\r\n");
    }

    /// `ma <key> <flags>*`.
    pub(super) fn meta_arithmetic(
        &mut self,
        access: &mut Access<'_>,
        request: Request<'_>,
        output: &mut Vec<u8>,
    ) {
        let Some(request) = split(request.words, 0) else {
            reply::line(output, reply::BAD_FORMAT);
            return;
        };
        let Ok((key, flags)) = request.parse(access) else {
            reply::line(output, b"CLIENT_ERROR invalid or duplicate flag");
            return;
        };
        let increment = match flags.mode {
            0 | b'I' | b'+' => true,
            b'D' | b'-' => false,
            _ => {
                reply::line(output, b"CLIENT_ERROR invalid mode for ma M token");
                return;
            }
        };
        let (hash, now) = (access.hash(key.bytes()), access.now);
        let store = access.store(hash);
        let (delta, compare) = (flags.delta.unwrap_or(1), flags.compare.unwrap_or_default());
        let start = output.len();
        let counter = match store.count(hash, key.bytes(), increment, delta, compare) {
            Counted::Done(count) => Counter::of(store, count, &flags),
            Counted::Missing => match flags.create {
                Some(_) => Counter::create(store, hash, key.bytes(), &flags),
                None => {
                    store.count_miss(increment);
                    Err(&b"NF"[..])
                }
            },
            Counted::Exists => Err(&b"EX"[..]),
            Counted::NotNumeric => {
                reply::line(output, reply::NOT_NUMERIC);
                return;
            }
            Counted::NoMemory => {
                reply::line(output, b"SERVER_ERROR out of memory");
                return;
            }
        };
        let written = match counter {
            Ok(counter) => counter.write(store, &key, &flags, request.flags, now, output),
            Err(status) => {
                output.extend_from_slice(status);
                let fits = status.len() > 2 || echo(output, &key, request.flags);
                output.extend_from_slice(b"\r\n");
                fits
            }
        };
        if !written {
            output.truncate(start);
            reply::line(output, OPAQUE_TOO_LONG);
        }
    }
}

/// A counter whose value is to be answered.
struct Counter {
    value: u64,
    cas: u64,
    /// The expiry that `t` shows.
    expires: u32,
    /// The item that `T` touches.
    touched: Option<Handle>,
    created: bool,
}

impl Counter {
    fn of(store: &mut Store, count: Count, flags: &MetaFlags) -> Result<Self, &'static [u8]> {
        let mut cas = count.cas;
        if let Some(given) = flags.cas {
            cas = store.kept_cas(given);
            if let Some(handle) = count.in_place {
                item::set_cas(store.arena.bytes_mut(handle), cas);
            }
        }
        Ok(Self {
            value: count.value,
            cas,
            expires: count.expires,
            touched: count.in_place,
            created: false,
        })
    }

    fn create(
        store: &mut Store,
        hash: u64,
        key: &[u8],
        flags: &MetaFlags,
    ) -> Result<Self, &'static [u8]> {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(flags.initial).as_bytes();
        let draft = Draft {
            key,
            flags: 0,
            expires: 0,
            marks: 0,
        };
        let terms = Terms {
            cas: flags.cas,
            ..Terms::of(Mode::Add)
        };
        match store.store(hash, draft, terms, Value::Slice(digits)) {
            Outcome::Stored { cas, .. } => Ok(Self {
                value: flags.initial,
                cas,
                expires: 0,
                touched: store.peek(hash, key),
                created: true,
            }),
            Outcome::NoMemory => Err(b"SERVER_ERROR Out of memory allocating new item"),
            _ => Err(b"NS"),
        }
    }

    /// Writes the answer; false when an opaque is too long.
    fn write(
        mut self,
        store: &mut Store,
        key: &MetaKey<'_>,
        flags: &MetaFlags,
        words: &[u8],
        now: u32,
        output: &mut Vec<u8>,
    ) -> bool {
        let start = output.len();
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(self.value).as_bytes();
        if flags.value {
            output.extend_from_slice(b"VA ");
            reply::number(output, digits.len());
        } else {
            output.extend_from_slice(b"HD");
        }
        for word in Words::new(words) {
            match word[0] {
                b'c' => flag(output, b'c', self.cas),
                b't' => match self.expires {
                    0 => output.extend_from_slice(b" t-1"),
                    expires => flag(output, b't', expires.wrapping_sub(now)),
                },
                b'T' => self.touch(store, flags.expires.unwrap_or_default()),
                b'N' if self.created => self.touch(store, flags.create.unwrap_or_default()),
                b'O' if !is_opaque(word) => return false,
                b'O' => {
                    output.push(b' ');
                    output.extend_from_slice(word);
                }
                b'k' => key_flag(output, key.bytes(), key.is_binary()),
                _ => {}
            }
        }
        output.extend_from_slice(b"\r\n");
        if flags.value {
            output.extend_from_slice(digits);
            output.extend_from_slice(b"\r\n");
        }
        if flags.quiet {
            output.truncate(start);
        }
        true
    }

    fn touch(&mut self, store: &mut Store, expires: u32) {
        self.expires = expires;
        if let Some(handle) = self.touched {
            item::set_expires(store.arena.bytes_mut(handle), expires);
        }
    }
}

/// How an `ms` stores.
fn mode(flags: &MetaFlags) -> Result<Mode, &'static [u8]> {
    let create = flags.create.is_some();
    let mode = match flags.mode {
        0 | b'S' => Mode::Set,
        b'A' => Mode::Append { create },
        b'E' => Mode::Add,
        b'P' => Mode::Prepend { create },
        b'R' => Mode::Replace,
        _ => return Err(b"CLIENT_ERROR invalid mode for ms M token"),
    };
    Ok(match mode {
        Mode::Set | Mode::Replace if flags.compare.is_some() => Mode::Cas,
        mode => mode,
    })
}

/// Deletes, empties or marks as stale; returns the status.
fn delete(store: &mut Store, hash: u64, key: &[u8], flags: &MetaFlags) -> &'static [u8] {
    let Some(mut handle) = store.lookup(hash, key) else {
        store.counters.delete_misses += 1;
        return b"NF";
    };
    let present = store.arena.item(handle).cas();
    if flags.compare.is_some_and(|compare| compare != present) {
        store.counters.delete_misses += 1;
        return b"EX";
    }
    if flags.remove_value {
        let draft = Draft {
            key,
            flags: flags.client_flags,
            expires: flags.expires.unwrap_or_default(),
            marks: 0,
        };
        let terms = Terms {
            cas: Some(flags.cas.unwrap_or(present)),
            ..Terms::of(Mode::Set)
        };
        match store.store(hash, draft, terms, Value::Slice(b"")) {
            Outcome::Stored { .. } => {}
            _ => return b"SERVER_ERROR out of memory",
        }
        handle = store
            .peek(hash, key)
            .expect("the item was stored under this very lock");
    }
    if flags.invalidate {
        let cas = store.cas_for(flags.cas);
        let bytes = store.arena.bytes_mut(handle);
        if let Some(expires) = flags.expires {
            item::set_expires(bytes, expires);
        }
        let marks = (item::Item::new(bytes).marks() | STALE) & !TOKEN_SENT;
        item::set_marks(bytes, marks);
        item::set_cas(bytes, cas);
        return b"HD";
    }
    if flags.remove_value {
        store.count_deletion(handle, Deleter::Meta);
    } else {
        store.remove(hash, handle, Deleter::Meta);
    }
    b"HD"
}

/// Writes opaque and key back; false when the opaque is too long.
fn echo(output: &mut Vec<u8>, key: &MetaKey<'_>, words: &[u8]) -> bool {
    for word in Words::new(words) {
        match word[0] {
            b'O' if !is_opaque(word) => return false,
            b'O' => {
                output.push(b' ');
                output.extend_from_slice(word);
            }
            b'k' => key_flag(output, key.bytes(), key.is_binary()),
            _ => {}
        }
    }
    true
}
