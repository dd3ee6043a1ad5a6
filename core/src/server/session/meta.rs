//! `mg` and `me`: meta retrieval.

use super::meta_flags::{
    MetaFlags, MetaKey, OPAQUE_TOO_LONG, encode_base64, flag, is_opaque, key_flag, split,
};
use super::text::Request;
use super::words::{Words, decode_base64};
use super::{Talk, reply};
use crate::key::MAX_KEY_LENGTH;
use crate::server::shared::Access;
use crate::server::store::Store;
use crate::server::store::arena::Handle;
use crate::server::store::item::{self, BINARY_KEY, FETCHED, STALE, TOKEN_SENT};

impl Talk {
    /// `mg <key> <flags>*`.
    #[inline]
    pub(super) fn meta_get(
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
        let start = output.len();
        let (hash, now) = (access.hash(key.bytes()), access.now);
        let store = access.store(hash);
        let mut found = store.lookup(hash, key.bytes());
        let mut created = false;
        if found.is_none() && flags.create.is_some() {
            found = store.create(hash, key.bytes(), flags.cas);
            created = found.is_some();
        }
        let written = match found {
            Some(handle) => hit(store, handle, created, &flags, request.flags, now, output),
            None => miss(store, &key, &flags, request.flags, output),
        };
        if !written {
            output.truncate(start);
            reply::line(output, OPAQUE_TOO_LONG);
        }
    }

    /// `me <key> [b]`: what is known of an item, for people.
    pub(super) fn meta_debug(
        &mut self,
        access: &mut Access<'_>,
        request: Request<'_>,
        output: &mut Vec<u8>,
    ) {
        let Some(request) = split(request.words, 0) else {
            reply::line(output, reply::BAD_FORMAT);
            return;
        };
        let mut decoded = [0; MAX_KEY_LENGTH];
        let mut key = request.key;
        if key.len() > MAX_KEY_LENGTH {
            reply::line(output, reply::BAD_FORMAT);
            return;
        }
        if Words::new(request.flags).next() == Some(b"b") {
            let length = decode_base64(key, &mut decoded[..key.len()]);
            if length == 0 {
                reply::line(output, reply::BAD_FORMAT);
                return;
            }
            key = &decoded[..length];
        }
        let (hash, now) = (access.hash(key), access.now);
        let store = access.store(hash);
        store.counters.meta_commands += 1;
        let Some(handle) = store.lookup(hash, key) else {
            reply::line(output, b"EN");
            return;
        };
        let item = store.arena.item(handle);
        let (class, size) = store.measure(item);
        output.extend_from_slice(b"ME ");
        if item.has(BINARY_KEY) {
            encode_base64(key, output);
        } else {
            output.extend_from_slice(key);
        }
        let expires = match item.expires() {
            0 => -1,
            expires => expires.wrapping_sub(now) as i32,
        };
        let (age, cas) = (now.saturating_sub(item.used()), item.cas());
        let fetched = if item.has(FETCHED) { "yes" } else { "no" };
        crate::server::watch::write_to(
            output,
            format_args!(
                " exp={expires} la={age} cas={cas} fetch={fetched} cls={class} size={size}\r\n"
            ),
        );
    }
}

/// Writes a hit; false when an opaque is too long.
fn hit(
    store: &mut Store,
    handle: Handle,
    created: bool,
    flags: &MetaFlags,
    words: &[u8],
    now: u32,
    output: &mut Vec<u8>,
) -> bool {
    let item = store.arena.item(handle);
    let with_value = flags.value && flags.compare.is_none_or(|compare| item.cas() != compare);
    if with_value {
        output.extend_from_slice(b"VA ");
        reply::number(output, item.length());
    } else {
        output.extend_from_slice(b"HD");
    }
    let mut won = false;
    for word in Words::new(words) {
        let item = store.arena.item(handle);
        match word[0] {
            b'T' => {
                let expires = flags.expires.unwrap_or_default();
                item::set_expires(store.arena.bytes_mut(handle), expires);
            }
            b'N' if created => {
                let expires = flags.create.unwrap_or_default();
                item::set_expires(store.arena.bytes_mut(handle), expires);
                won = true;
            }
            b'R' => {
                won |= !created
                    && !item.has(TOKEN_SENT)
                    && item.expires() != 0
                    && item.expires() < flags.recache;
            }
            b's' => flag(output, b's', item.length()),
            b't' => match item.expires() {
                0 => output.extend_from_slice(b" t-1"),
                expires => flag(output, b't', expires.wrapping_sub(now)),
            },
            b'c' => flag(output, b'c', item.cas()),
            b'f' => flag(output, b'f', item.flags()),
            b'l' => flag(output, b'l', now.wrapping_sub(item.used())),
            b'h' => flag(output, b'h', u8::from(item.has(FETCHED))),
            b'O' => {
                if !is_opaque(word) {
                    if !flags.late && !flags.no_update {
                        store.bump(handle);
                    }
                    return false;
                }
                output.push(b' ');
                output.extend_from_slice(word);
            }
            b'k' => key_flag(output, item.key(), item.has(BINARY_KEY)),
            _ => {}
        }
    }
    let item = store.arena.item(handle);
    let marks = item.marks();
    if marks & TOKEN_SENT != 0 {
        output.extend_from_slice(b" Z");
    }
    if marks & STALE != 0 {
        output.extend_from_slice(b" X");
        won |= marks & TOKEN_SENT == 0;
    }
    if won {
        output.extend_from_slice(b" W");
    }
    output.extend_from_slice(b"\r\n");
    if with_value {
        output.extend_from_slice(item.value());
        output.extend_from_slice(b"\r\n");
    }
    if won {
        item::set_marks(store.arena.bytes_mut(handle), marks | TOKEN_SENT);
    }
    if !flags.no_update {
        store.bump(handle);
    }
    if flags.expires.is_some() {
        store.counters.touch_commands += 1;
        store.class_counters(handle).touch_hits += 1;
    } else {
        store.counters.get_commands += 1;
        store.class_counters(handle).get_hits += 1;
    }
    true
}

/// Writes a miss; false when an opaque is too long.
fn miss(
    store: &mut Store,
    key: &MetaKey<'_>,
    flags: &MetaFlags,
    words: &[u8],
    output: &mut Vec<u8>,
) -> bool {
    store.counters.get_commands += 1;
    store.counters.get_misses += 1;
    let start = output.len();
    output.extend_from_slice(b"EN");
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
    output.extend_from_slice(b"\r\n");
    if flags.quiet {
        output.truncate(start);
    }
    true
}
