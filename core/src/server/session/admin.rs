//! Commands for those who run a server, in the text protocol.
//!
//! What tunes memcached's insides (slabs, segmented LRU, external storage) is
//! read, answered as memcached answers it, reported by `stats settings`, and
//! without effect. Names may be shortened wherever memcached allows it.

use super::text::Request;
use super::words::{Words, ends_in_noreply, number32, signed32, signed64};
use super::{Flow, Phase, Talk, reply};
use crate::server::CloseReason;
use crate::server::crawl::{Dump, Form, Scope, sweep};
use crate::server::shared::{Access, Shared, count};
use crate::server::store::classes::CLASSES;
use crate::server::watch::kind;
use std::sync::atomic::Ordering;

const OK: &[u8] = b"OK";
const CRAWLER_OFF: &[u8] = b"CLIENT_ERROR lru crawler disabled";
const MEGABYTE: u64 = 1 << 20;

/// Whether `word` is `name` or a beginning of it.
fn shortens(word: &[u8], name: &[u8]) -> bool {
    !word.is_empty() && name.starts_with(word)
}

impl Talk {
    /// Executes a command that is none of the usual ones.
    #[cold]
    pub(super) fn administer(
        &mut self,
        access: &mut Access<'_>,
        request: Request<'_>,
        output: &mut Vec<u8>,
    ) -> Flow {
        let mut words = Words::new(request.line);
        let noreply = ends_in_noreply(words.clone());
        let command = words.next().unwrap_or_default();
        let shared = access.shared;
        access.release();
        let answer: &[u8] = match command {
            b"cache_memlimit" => cache_memlimit(shared, words),
            b"debugtime" => {
                let answer = debugtime(shared, words);
                access.now = shared.now();
                answer
            }
            b"extstore" => extstore(words),
            b"flush_all" => flush_all(shared, words, noreply),
            b"lru" => lru(shared, words),
            b"lru_crawler" => match self.lru_crawler(shared, words) {
                Some(answer) => answer,
                None => return Flow::Stream,
            },
            b"refresh_certs" => match shared.refresh_certificates() {
                Some(Ok(())) => OK,
                // memcached tells of failures even whom it shall tell nothing.
                Some(Err(complaint)) => {
                    reply::line(output, complaint.as_bytes());
                    return Flow::Continue;
                }
                None => {
                    reply::line(output, b"Error TLS not enabled");
                    return Flow::Continue;
                }
            },
            b"shutdown" => match shutdown(shared, words) {
                Ok(graceful) => return Flow::Shutdown { graceful },
                Err(answer) => answer,
            },
            b"slabs" => slabs(shared, words),
            b"verbosity" => match words.next().and_then(number32) {
                Some(level) => {
                    shared.tunables.lock().verbosity = level.min(2);
                    OK
                }
                None => reply::BAD_FORMAT,
            },
            _ => {
                if words.last().is_some_and(|word| word.starts_with(b"HTTP/")) {
                    self.reason = CloseReason::Error;
                    return Flow::Close;
                }
                reply::ERROR
            }
        };
        reply::line_unless(noreply, output, answer);
        Flow::Continue
    }

    /// `lru_crawler …`; `None` when a dump has begun.
    fn lru_crawler(&mut self, shared: &Shared, mut words: Words<'_>) -> Option<&'static [u8]> {
        let parts = (words.next(), words.next(), words.next());
        let running = shared.crawler.load(Ordering::Relaxed);
        let answer: &[u8] = match parts {
            (Some(verb), Some(scope), None) => {
                let form = if shortens(verb, b"crawl") {
                    None
                } else if shortens(verb, b"metadump") {
                    Some(Form::Metadata)
                } else if shortens(verb, b"mgdump") {
                    Some(Form::MetaGet)
                } else {
                    return Some(tune_crawler(shared, verb, scope));
                };
                let allowed = shared.settings().dump_enabled;
                match (running, form) {
                    (false, _) => CRAWLER_OFF,
                    (true, None) => crawl(shared, scope),
                    (true, Some(Form::Metadata)) if !allowed => b"ERROR metadump not allowed",
                    (true, Some(Form::MetaGet)) if !allowed => b"ERROR key dump not allowed",
                    (true, Some(Form::Metadata)) if self.batch > 0 => {
                        b"ERROR cannot pipeline other commands before metadump"
                    }
                    (true, Some(Form::MetaGet)) if self.batch > 0 => {
                        b"ERROR cannot pipeline other commands before mgdump"
                    }
                    (true, Some(form)) => return self.dump(shared, form, scope),
                }
            }
            (Some(verb), None, _) if shortens(verb, b"enable") => {
                if running {
                    b"ERROR failed to start lru crawler thread"
                } else {
                    shared.crawler.store(true, Ordering::Relaxed);
                    OK
                }
            }
            (Some(verb), None, _) if shortens(verb, b"disable") => {
                shared.crawler.store(false, Ordering::Relaxed);
                OK
            }
            _ => reply::ERROR,
        };
        Some(answer)
    }

    fn dump(&mut self, shared: &Shared, form: Form, scope: &[u8]) -> Option<&'static [u8]> {
        let Some(scope) = Scope::parse(scope) else {
            return Some(b"BADCLASS invalid class id");
        };
        if scope.is_empty() {
            return Some(b"NOTSTARTED no items to crawl");
        }
        let Some(dump) = Dump::begin(shared, form, scope) else {
            return Some(b"BUSY currently processing crawler request");
        };
        self.phase = Phase::Dump(Box::new(dump));
        None
    }

    /// `watch <kind>*`.
    pub(super) fn watch(
        &mut self,
        access: &Access<'_>,
        words: Words<'_>,
        output: &mut Vec<u8>,
    ) -> Flow {
        if !access.shared.settings().watch_enabled {
            reply::line(output, b"CLIENT_ERROR watch commands not allowed");
            return Flow::Continue;
        }
        if self.batch > 0 {
            reply::line(output, b"ERROR cannot pipeline other commands before watch");
            return Flow::Continue;
        }
        let mut kinds = 0;
        for word in words {
            let Some((_, kind)) = kind::NAMES.iter().find(|(name, _)| shortens(word, name)) else {
                reply::line(output, reply::ERROR);
                return Flow::Continue;
            };
            kinds |= kind;
        }
        if kinds == 0 {
            kinds = kind::FETCHERS;
        }
        let Some(id) = access.shared.watchers.add(kinds) else {
            reply::line(output, b"WATCHER_TOO_MANY log watcher limit reached");
            return Flow::Continue;
        };
        reply::line(output, OK);
        self.phase = Phase::Watch(id);
        Flow::Stream
    }
}

fn crawl(shared: &Shared, scope: &[u8]) -> &'static [u8] {
    match Scope::parse(scope) {
        None => b"BADCLASS invalid class id",
        Some(Scope::Hash) => b"ERROR an unknown error happened",
        Some(scope) if scope.is_empty() => b"NOTSTARTED no items to crawl",
        Some(_) if shared.crawling.load(Ordering::Relaxed) => {
            b"BUSY currently processing crawler request"
        }
        Some(_) => {
            sweep(shared);
            OK
        }
    }
}

fn tune_crawler(shared: &Shared, verb: &[u8], word: &[u8]) -> &'static [u8] {
    let number = number32(word);
    if shortens(verb, b"tocrawl") {
        let Some(number) = number else {
            return reply::BAD_FORMAT;
        };
        shared.tunables.lock().crawler_tocrawl = number;
    } else if shortens(verb, b"sleep") {
        match number {
            None => return reply::BAD_FORMAT,
            Some(micros) if micros > 1_000_000 => {
                return b"CLIENT_ERROR sleep must be one second or less";
            }
            Some(micros) => shared.tunables.lock().crawler_sleep = micros,
        }
    } else {
        return reply::ERROR;
    }
    OK
}

fn cache_memlimit(shared: &Shared, mut words: Words<'_>) -> &'static [u8] {
    match words.next().and_then(number32) {
        None => reply::ERROR,
        Some(0..8) => b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m",
        Some(megabytes) if megabytes > 1_000_000_000 => {
            b"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes"
        }
        Some(megabytes) => {
            shared.set_memory_limit(u64::from(megabytes) * MEGABYTE);
            OK
        }
    }
}

fn flush_all(shared: &Shared, mut words: Words<'_>, noreply: bool) -> &'static [u8] {
    count(&shared.totals.flush_commands);
    if !shared.settings().flush_enabled {
        return b"CLIENT_ERROR flush_all not allowed";
    }
    let given = words.clone().count() != usize::from(noreply);
    let exptime = if given {
        let Some(exptime) = words.next().and_then(signed32) else {
            return reply::INVALID_EXPTIME;
        };
        exptime
    } else {
        0
    };
    shared.flush(i64::from(exptime));
    OK
}

fn shutdown(shared: &Shared, mut words: Words<'_>) -> Result<bool, &'static [u8]> {
    if !shared.settings().shutdown_enabled {
        return Err(b"SERVER_ERROR: shutdown not enabled");
    }
    match (words.next(), words.next()) {
        (None, _) => Ok(false),
        (Some(mode), None) if shortens(mode, b"graceful") => Ok(true),
        _ => Err(b"CLIENT_ERROR invalid shutdown mode"),
    }
}

/// `debugtime p|r|<seconds>`: stops, resumes or moves the clock.
fn debugtime(shared: &Shared, mut words: Words<'_>) -> &'static [u8] {
    match words.next() {
        Some(b"p") => shared.clock().pause(),
        Some(b"r") => shared.clock().resume(),
        Some(word) => match signed64(word) {
            Some(seconds) => shared.clock().shift(seconds),
            None => return reply::ERROR,
        },
        None => return reply::ERROR,
    }
    OK
}

fn slabs(shared: &Shared, mut words: Words<'_>) -> &'static [u8] {
    let count = words.clone().count();
    let verb = words.next().unwrap_or_default();
    if count == 3 && shortens(verb, b"reassign") {
        let (source, target) = (
            words.next().and_then(signed32),
            words.next().and_then(signed32),
        );
        let (Some(source), Some(target)) = (source, target) else {
            return reply::BAD_FORMAT;
        };
        return reassign(shared, source, target);
    }
    if count >= 2 && shortens(verb, b"automove") {
        return automove(shared, words);
    }
    reply::ERROR
}

fn reassign(shared: &Shared, source: i32, target: i32) -> &'static [u8] {
    if source == target {
        return b"SAME src and dst class are identical";
    }
    let largest = shared.classes.largest() as i32;
    let known = |class| (0..=largest).contains(&class);
    let pages = super::super::stats::slab_pages(shared);
    if source == -1 && known(target) {
        return if pages.iter().any(|pages| *pages > 1) {
            OK
        } else {
            b"NOSPARE source class has no spare pages"
        };
    }
    if !known(source) || !known(target) {
        return b"BADCLASS invalid src or dst class id";
    }
    if pages[(source as usize).min(CLASSES - 1)] < 2 {
        return b"NOSPARE source class has no spare pages";
    }
    OK
}

fn automove(shared: &Shared, mut words: Words<'_>) -> &'static [u8] {
    let verb = words.next().unwrap_or_default();
    let value = words.next();
    let mut tunables = shared.tunables.lock();
    if shortens(verb, b"ratio") {
        let Some(ratio) = value.and_then(fraction) else {
            return reply::ERROR;
        };
        tunables.automove_ratio = ratio;
    } else if shortens(verb, b"freeratio") {
        let Some(ratio) = value.and_then(fraction) else {
            return reply::ERROR;
        };
        tunables.automove_free_ratio = ratio;
    } else if shortens(verb, b"window") {
        match value.and_then(number32) {
            None => return reply::BAD_FORMAT,
            Some(window @ 3..=1800) => tunables.automove_window = window,
            Some(_) => return b"CLIENT_ERROR automove window too low or too high",
        }
    } else {
        match number32(verb) {
            None => return reply::BAD_FORMAT,
            Some(level @ 0..=2) => tunables.automove = level,
            Some(_) => return reply::ERROR,
        }
    }
    OK
}

fn lru(shared: &Shared, mut words: Words<'_>) -> &'static [u8] {
    let count = words.clone().count();
    let verb = words.next().unwrap_or_default();
    let maintained = shared.settings().lru_maintainer;
    if shortens(verb, b"tune") && count >= 5 {
        return tune_lru(shared, words);
    }
    let word = words.next().unwrap_or_default();
    if shortens(verb, b"mode") && count >= 2 && maintained {
        let segmented = if shortens(word, b"flat") {
            false
        } else if shortens(word, b"segmented") {
            true
        } else {
            return reply::ERROR;
        };
        shared.tunables.lock().segmented = segmented;
        for shard in &shared.shards {
            shard.lock().set_segmented(segmented);
        }
        return OK;
    }
    if shortens(verb, b"temp_ttl") && count >= 2 && maintained {
        let Some(ttl) = signed32(word) else {
            return reply::ERROR;
        };
        shared.tunables.lock().temporary_ttl = u32::try_from(ttl).ok();
        return OK;
    }
    reply::ERROR
}

fn tune_lru(shared: &Shared, mut words: Words<'_>) -> &'static [u8] {
    let percents = (
        words.next().and_then(number32),
        words.next().and_then(number32),
    );
    let factors = (
        words.next().and_then(fraction),
        words.next().and_then(fraction),
    );
    let ((Some(hot), Some(warm)), (Some(hot_factor), Some(warm_factor))) = (percents, factors)
    else {
        return reply::ERROR;
    };
    if hot.saturating_add(warm) > 80 {
        return b"ERROR hot and warm pcts must not exceed 80";
    }
    if hot_factor <= 0.0 || warm_factor <= 0.0 {
        return b"ERROR hot/warm age factors must be greater than 0";
    }
    let mut tunables = shared.tunables.lock();
    tunables.hot_percent = hot;
    tunables.warm_percent = warm;
    tunables.hot_factor = hot_factor;
    tunables.warm_factor = warm_factor;
    OK
}

/// External storage: there is none, but its settings are taken.
fn extstore(mut words: Words<'_>) -> &'static [u8] {
    const WHOLE: [&[u8]; 8] = [
        b"item_size",
        b"item_age",
        b"low_ttl",
        b"recache_rate",
        b"compact_under",
        b"drop_under",
        b"max_sleep",
        b"drop_unread",
    ];
    let verb = words.next().unwrap_or_default();
    let values = (words.next(), words.next());
    let valid = if shortens(verb, b"free_memchunks") && values.1.is_some() {
        values.1.and_then(number32).is_some()
            && values
                .0
                .and_then(number32)
                .is_some_and(|class| (class as usize) < CLASSES)
    } else if WHOLE.iter().any(|name| shortens(verb, name)) {
        values.0.and_then(number32).is_some()
    } else if shortens(verb, b"max_frag") {
        values.0.and_then(fraction).is_some()
    } else {
        false
    };
    if valid { OK } else { reply::ERROR }
}

fn fraction(word: &[u8]) -> Option<f64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}
