//! The binary protocol: a header of 24 bytes, extras, key, value.

use super::auth::SaslMessage;
use super::reply_binary::{Header, status};
use super::storing::{Answer, Order};
use super::{Flow, Talk};
use crate::key::MAX_KEY_LENGTH;
use crate::server::CloseReason;
use crate::server::shared::{Access, count};
use crate::server::store::commands::{Mode, Outcome, Terms, Value};
use crate::server::store::counting::Counted;
use crate::server::store::item::Draft;

/// First byte of a request.
pub(super) const REQUEST: u8 = 0x80;
/// Bytes of a header.
pub(super) const HEADER: usize = 24;
/// Longest body that a header may announce.
const LONGEST_BODY: usize = 1 << 30;
/// Exptime of an increment that must not create.
const NEVER_CREATE: u32 = u32::MAX;

/// What an opcode asks for, whether or not it is quiet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Command {
    Arithmetic {
        increment: bool,
    },
    Delete,
    Flush,
    /// Get, get and touch, or touch.
    Get {
        key: bool,
        touch: bool,
        value: bool,
    },
    Noop,
    Quit,
    SaslAuth,
    SaslList,
    SaslStep,
    Stat,
    Store(Mode),
    Version,
}

/// Returns what an opcode asks for, whether it is quiet, and the name of its
/// cousin in the text protocol.
pub(super) const fn command(opcode: u8) -> Option<(Command, bool, &'static str)> {
    use Command::{Arithmetic, Delete, Flush, Get, Noop, Quit, Stat, Store, Version};
    const fn get(key: bool, touch: bool) -> Command {
        Get {
            key,
            touch,
            value: true,
        }
    }
    Some(match opcode {
        0x00 => (get(false, false), false, "get"),
        0x01 => (Store(Mode::Set), false, "set"),
        0x02 => (Store(Mode::Add), false, "add"),
        0x03 => (Store(Mode::Replace), false, "replace"),
        0x04 => (Delete, false, "delete"),
        0x05 => (Arithmetic { increment: true }, false, "incr"),
        0x06 => (Arithmetic { increment: false }, false, "decr"),
        0x07 => (Quit, false, "quit"),
        0x08 => (Flush, false, "flush_all"),
        0x09 => (get(false, false), true, "get"),
        0x0a => (Noop, false, "mn"),
        0x0b => (Version, false, "version"),
        0x0c => (get(true, false), false, "get"),
        0x0d => (get(true, false), true, "get"),
        0x0e => (Store(Mode::Append { create: false }), false, "append"),
        0x0f => (Store(Mode::Prepend { create: false }), false, "prepend"),
        0x10 => (Stat, false, "stats"),
        0x11 => (Store(Mode::Set), true, "set"),
        0x12 => (Store(Mode::Add), true, "add"),
        0x13 => (Store(Mode::Replace), true, "replace"),
        0x14 => (Delete, true, "delete"),
        0x15 => (Arithmetic { increment: true }, true, "incr"),
        0x16 => (Arithmetic { increment: false }, true, "decr"),
        0x17 => (Quit, true, "quit"),
        0x18 => (Flush, true, "flush_all"),
        0x19 => (Store(Mode::Append { create: false }), true, "append"),
        0x1a => (Store(Mode::Prepend { create: false }), true, "prepend"),
        0x1c => {
            let touch = Get {
                key: false,
                touch: true,
                value: false,
            };
            (touch, false, "touch")
        }
        0x1d => (get(false, true), false, "gat"),
        0x1e => (get(false, true), true, "gat"),
        0x20 => (Command::SaslList, false, "sasl_list"),
        0x21 => (Command::SaslAuth, false, "sasl_auth"),
        0x22 => (Command::SaslStep, false, "sasl_step"),
        0x23 => (get(true, true), false, "gat"),
        0x24 => (get(true, true), true, "gat"),
        _ => return None,
    })
}

/// A request whose extras and key have arrived.
#[derive(Clone, Copy)]
struct Packet<'a> {
    header: Header,
    extras: &'a [u8],
    key: &'a [u8],
    /// Bytes of the value.
    length: usize,
    cas: u64,
    /// Input behind the key.
    rest: &'a [u8],
    /// Bytes up to there.
    used: usize,
}

impl Packet<'_> {
    fn u32_at(&self, at: usize) -> u32 {
        self.extras[at..at + 4]
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
    }

    fn u64_at(&self, at: usize) -> u64 {
        u64::from(self.u32_at(at)) << 32 | u64::from(self.u32_at(at + 4))
    }

    /// Whether extras, key and value have the lengths that a command wants.
    const fn is_shaped(&self, extras: usize, key: bool, value: bool) -> bool {
        self.extras.len() == extras && self.key.is_empty() != key && (value || self.length == 0)
    }
}

impl Talk {
    /// Executes the binary request at the front of `input`.
    pub(super) fn binary(
        &mut self,
        access: &mut Access<'_>,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let Some(head) = input.first_chunk::<HEADER>() else {
            return (0, Flow::NeedInput);
        };
        if head[0] != REQUEST {
            self.reason = CloseReason::Error;
            return (0, Flow::Close);
        }
        let known = command(head[1]);
        let header = Header {
            opcode: head[1],
            opaque: [head[12], head[13], head[14], head[15]],
            quiet: known.is_some_and(|(_, quiet, _)| quiet),
        };
        let key_length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let extras_length = usize::from(head[4]);
        let body = u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let known = known.map(|(command, ..)| command);
        let refusal = if key_length + extras_length > body {
            Some(status::UNKNOWN_COMMAND)
        } else if body > LONGEST_BODY {
            Some(status::INVALID)
        } else if !self.authenticated && !known.is_some_and(is_open_to_all) {
            Some(status::AUTH_ERROR)
        } else if key_length > MAX_KEY_LENGTH {
            Some(status::INVALID)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            header.error(refusal, output);
            self.reason = CloseReason::Error;
            return (HEADER, Flow::Close);
        }
        let used = HEADER + extras_length + key_length;
        let Some(front) = input.get(HEADER..used) else {
            return (0, Flow::NeedInput);
        };
        let (extras, key) = front.split_at(extras_length);
        let [.., a, b, c, d, e, f, g, h] = *head;
        let packet = Packet {
            header,
            extras,
            key,
            length: body - extras_length - key_length,
            cas: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            rest: &input[used..],
            used,
        };
        let result = match known {
            Some(command) => self.execute(access, command, packet, output),
            None => {
                header.error(status::UNKNOWN_COMMAND, output);
                self.swallow(packet.length);
                (used, Flow::Continue)
            }
        };
        if result.1 != Flow::NeedInput || result.0 > 0 {
            self.batch += 1;
        }
        result
    }

    #[inline]
    fn execute(
        &mut self,
        access: &mut Access<'_>,
        command: Command,
        packet: Packet<'_>,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let header = packet.header;
        let shaped = match command {
            Command::Arithmetic { .. } => packet.is_shaped(20, true, false),
            Command::Delete => packet.is_shaped(0, true, false),
            Command::Flush => {
                packet.is_shaped(0, false, false) || packet.is_shaped(4, false, false)
            }
            Command::Get { touch: false, .. } => packet.is_shaped(0, true, false),
            Command::Get { touch: true, .. } => packet.is_shaped(4, true, true),
            Command::Noop | Command::Quit | Command::SaslList | Command::Version => {
                packet.is_shaped(0, false, false)
            }
            Command::SaslAuth | Command::SaslStep => packet.is_shaped(0, true, true),
            Command::Stat => packet.extras.is_empty(),
            Command::Store(Mode::Append { .. } | Mode::Prepend { .. }) => {
                packet.is_shaped(0, true, true)
            }
            Command::Store(_) => packet.is_shaped(8, true, true),
        };
        if !shaped {
            header.error(status::INVALID, output);
            self.reason = CloseReason::Error;
            return (packet.used, Flow::Close);
        }
        match command {
            Command::Arithmetic { increment } => arithmetic(access, increment, packet, output),
            Command::Delete => delete(access, packet, output),
            Command::Flush => flush(access, packet, output),
            Command::Get { key, touch, value } => {
                get(access, packet, key, touch, value, output);
                // memcached ignores a value here, and takes it for a request.
                return (packet.used, Flow::Continue);
            }
            Command::Noop => header.done(0, output),
            Command::Quit => {
                header.done(0, output);
                return (packet.used, Flow::Close);
            }
            Command::SaslAuth | Command::SaslStep => {
                let message = SaslMessage {
                    start: command == Command::SaslAuth,
                    mechanism: packet.key,
                    length: packet.length,
                    rest: packet.rest,
                };
                let Some(used) = self.sasl(access, header, message, output) else {
                    return (0, Flow::NeedInput);
                };
                return (packet.used + used, Flow::Continue);
            }
            Command::SaslList if access.shared.settings().sasl.is_none() => {
                header.error(status::UNKNOWN_COMMAND, output);
            }
            Command::SaslList => header.body(status::OK, b"PLAIN", output),
            Command::Stat => {
                self.binary_stats(access, header, packet.key, output);
                self.swallow(packet.length);
            }
            Command::Store(mode) => {
                let (used, flow) = self.binary_store(access, mode, packet, output);
                return (packet.used + used, flow);
            }
            Command::Version => {
                let version = access.shared.settings().version.as_bytes();
                header.body(status::OK, version, output);
            }
        }
        (packet.used, Flow::Continue)
    }

    fn binary_store(
        &mut self,
        access: &mut Access<'_>,
        mode: Mode,
        packet: Packet<'_>,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let (key, header) = (packet.key, packet.header);
        let joins = matches!(mode, Mode::Append { .. } | Mode::Prepend { .. });
        let (flags, expires) = if joins {
            (0, 0)
        } else {
            let exptime = i64::from(packet.u32_at(4));
            (packet.u32_at(0), access.shared.expiry(exptime, access.now))
        };
        access.shared.note_set(key);
        let hash = access.hash(key);
        let store = access.store(hash);
        let size = store.classes.item_size(key.len(), flags, packet.length);
        let class = store.classes.class(size);
        if class == 0 {
            if mode == Mode::Set {
                store.delete_silently(hash, key);
            }
            header.error(status::TOO_LARGE, output);
            self.swallow(packet.length);
            return (0, Flow::Continue);
        }
        store.counters.classes[class].set_commands += 1;
        let mode = if packet.cas != 0 && !joins {
            Mode::Cas
        } else {
            mode
        };
        let order = Order {
            hash,
            draft: Draft {
                key,
                flags,
                expires,
                marks: 0,
            },
            terms: Terms {
                compare: packet.cas,
                ..Terms::of(mode)
            },
            length: packet.length,
            answer: Answer::Binary(header),
        };
        self.take_value(access, order, packet.rest, output)
    }
}

/// Whether a command is allowed before authentication.
const fn is_open_to_all(command: Command) -> bool {
    matches!(
        command,
        Command::SaslAuth | Command::SaslList | Command::SaslStep | Command::Version
    )
}

fn get(
    access: &mut Access<'_>,
    packet: Packet<'_>,
    with_key: bool,
    touch: bool,
    with_value: bool,
    output: &mut Vec<u8>,
) {
    let (key, header) = (packet.key, packet.header);
    let hash = access.hash(key);
    let expires = if touch {
        let exptime = i64::from(packet.u32_at(0));
        Some(access.shared.expiry(exptime, access.now))
    } else {
        None
    };
    let store = access.store(hash);
    let found = match expires {
        Some(expires) => store.touch(hash, key, expires),
        None => store
            .lookup(hash, key)
            .inspect(|handle| store.bump(*handle)),
    };
    if touch {
        store.counters.touch_commands += 1;
    } else {
        store.counters.get_commands += 1;
    }
    if let Some(handle) = found {
        let counters = store.class_counters(handle);
        if touch {
            counters.touch_hits += 1;
        } else {
            counters.get_hits += 1;
        }
        let item = store.arena.item(handle);
        let key = if with_key { key } else { b"" };
        let value = if with_value { item.value() } else { b"" };
        header.value(item.flags(), item.cas(), key, value, output);
    } else {
        if touch {
            store.counters.touch_misses += 1;
        } else {
            store.counters.get_misses += 1;
        }
        if !header.quiet {
            if with_key {
                header.key(status::NOT_FOUND, key, output);
            } else {
                header.error(status::NOT_FOUND, output);
            }
        }
    }
    access.shared.note_get(key, found.is_some());
}

fn arithmetic(access: &mut Access<'_>, increment: bool, packet: Packet<'_>, output: &mut Vec<u8>) {
    let (key, header) = (packet.key, packet.header);
    let (delta, initial, exptime) = (packet.u64_at(0), packet.u64_at(8), packet.u32_at(16));
    let hash = access.hash(key);
    let expires = access.shared.expiry(i64::from(exptime), access.now);
    let store = access.store(hash);
    match store.count(hash, key, increment, delta, packet.cas) {
        Counted::Done(count) => header.number(count.value, count.cas, output),
        Counted::Exists => header.error(status::EXISTS, output),
        Counted::NotNumeric => header.error(status::NOT_NUMERIC, output),
        Counted::NoMemory => {
            header.body(
                status::OUT_OF_MEMORY,
                b"Out of memory incrementing value",
                output,
            );
        }
        Counted::Missing if exptime == NEVER_CREATE => {
            store.count_miss(increment);
            header.error(status::NOT_FOUND, output);
        }
        Counted::Missing => {
            let mut digits = itoa::Buffer::new();
            let digits = digits.format(initial).as_bytes();
            let draft = Draft {
                key,
                flags: 0,
                expires,
                marks: 0,
            };
            let terms = Terms::of(Mode::Add);
            match store.store(hash, draft, terms, Value::Slice(digits)) {
                Outcome::Stored { cas, .. } => header.number(initial, cas, output),
                Outcome::NoMemory => {
                    header.body(
                        status::OUT_OF_MEMORY,
                        b"Out of memory allocating new item",
                        output,
                    );
                }
                _ => header.error(status::NOT_STORED, output),
            }
        }
    }
}

fn delete(access: &mut Access<'_>, packet: Packet<'_>, output: &mut Vec<u8>) {
    let (key, header) = (packet.key, packet.header);
    access.shared.note_delete(key);
    let hash = access.hash(key);
    let store = access.store(hash);
    match store.lookup(hash, key) {
        None => {
            store.counters.delete_misses += 1;
            header.error(status::NOT_FOUND, output);
        }
        Some(handle) if packet.cas != 0 && packet.cas != store.arena.item(handle).cas() => {
            header.error(status::EXISTS, output);
        }
        Some(handle) => {
            store.class_counters(handle).delete_hits += 1;
            store.unlink(hash, handle);
            header.done(0, output);
        }
    }
}

fn flush(access: &mut Access<'_>, packet: Packet<'_>, output: &mut Vec<u8>) {
    if !access.shared.settings().flush_enabled {
        packet.header.error(status::AUTH_ERROR, output);
        return;
    }
    let exptime = if packet.extras.is_empty() {
        0
    } else {
        i64::from(packet.u32_at(0))
    };
    access.release();
    access.shared.flush(exptime);
    count(&access.shared.totals.flush_commands);
    packet.header.done(0, output);
}
