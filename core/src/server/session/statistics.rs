//! `stats` in text and binary.

use std::sync::atomic::Ordering;

use super::reply_binary::{Header, status};
use super::words::{Words, number32};
use super::{Talk, reply};
use crate::server::shared::{Access, Shared};
use crate::server::stats;
use crate::server::store::classes::CLASSES;

const DETAIL_USAGE: &[u8] = b"CLIENT_ERROR usage: stats detail on|off|dump";

/// Whether `word` is `name` or a beginning of it.
fn shortens(word: &[u8], name: &[u8]) -> bool {
    name.starts_with(word)
}

impl Talk {
    /// `stats [report …]`. The names of most reports may be shortened.
    pub(super) fn stats(
        &mut self,
        access: &mut Access<'_>,
        mut words: Words<'_>,
        output: &mut Vec<u8>,
    ) {
        let shared = access.shared;
        access.release();
        let name = match words.next() {
            None => &b""[..],
            Some(word) if shortens(word, b"reset") => {
                stats::reset(shared);
                reply::line(output, b"RESET");
                return;
            }
            Some(word) if shortens(word, b"detail") => {
                detail(shared, words.next(), output);
                return;
            }
            Some(word) if shortens(word, b"settings") => b"settings",
            Some(word) if shortens(word, b"cachedump") => {
                cachedump(shared, words, output);
                return;
            }
            Some(word) if shortens(word, b"conns") => b"conns",
            Some(word) if shortens(word, b"extstore") => {
                reply::line(output, b"END");
                return;
            }
            Some(b"") => b"unknown",
            Some(word) => word,
        };
        let Some(report) = stats::report(shared, name) else {
            reply::line(output, reply::ERROR);
            return;
        };
        for (name, value) in report {
            output.extend_from_slice(b"STAT ");
            output.extend_from_slice(name.as_bytes());
            output.push(b' ');
            reply::line(output, value.as_bytes());
        }
        reply::line(output, b"END");
    }

    /// The binary command, whose key names the report.
    pub(super) fn binary_stats(
        &mut self,
        access: &mut Access<'_>,
        header: Header,
        name: &[u8],
        output: &mut Vec<u8>,
    ) {
        let shared = access.shared;
        access.release();
        if name.starts_with(b"reset") {
            stats::reset(shared);
        } else if let Some(verb) = name.strip_prefix(b"detail") {
            let allowed = shared.settings().dump_enabled;
            match verb {
                _ if !allowed => return header.error(status::NOT_FOUND, output),
                _ if verb.starts_with(b" dump") => {
                    let mut dump = Vec::new();
                    shared.prefixes.lock().write(&mut dump);
                    header.statistic(b"detailed", &dump, output);
                }
                _ if verb.starts_with(b" on") => shared.detail.store(true, Ordering::Relaxed),
                _ if verb.starts_with(b" off") => shared.detail.store(false, Ordering::Relaxed),
                _ => return header.error(status::NOT_FOUND, output),
            }
        } else {
            let report = match name {
                _ if name.starts_with(b"settings") => stats::report(shared, b"settings"),
                b"conns" => None,
                name => stats::report(shared, name),
            };
            let Some(report) = report else {
                return header.error(status::NOT_FOUND, output);
            };
            for (name, value) in report {
                header.statistic(name.as_bytes(), value.as_bytes(), output);
            }
        }
        header.statistic(b"", b"", output);
    }
}

fn detail(shared: &Shared, verb: Option<&[u8]>, output: &mut Vec<u8>) {
    if !shared.settings().dump_enabled {
        reply::line(output, b"CLIENT_ERROR stats detail not allowed");
        return;
    }
    match verb {
        Some(verb) if shortens(verb, b"on") => {
            shared.detail.store(true, Ordering::Relaxed);
            reply::line(output, b"OK");
        }
        Some(verb) if shortens(verb, b"off") => {
            shared.detail.store(false, Ordering::Relaxed);
            reply::line(output, b"OK");
        }
        Some(verb) if shortens(verb, b"dump") => shared.prefixes.lock().write(output),
        _ => reply::line(output, DETAIL_USAGE),
    }
}

fn cachedump(shared: &Shared, mut words: Words<'_>, output: &mut Vec<u8>) {
    if !shared.settings().dump_enabled {
        reply::line(output, b"CLIENT_ERROR stats cachedump not allowed");
        return;
    }
    let (Some(class), Some(limit)) = (words.next(), words.next()) else {
        reply::line(output, b"CLIENT_ERROR bad command line");
        return;
    };
    let (Some(class), Some(limit)) = (number32(class), number32(limit)) else {
        reply::line(output, reply::BAD_FORMAT);
        return;
    };
    if class as usize >= CLASSES {
        reply::line(output, b"CLIENT_ERROR Illegal slab id");
        return;
    }
    stats::cachedump(shared, class as usize, limit as usize, output);
}
