//! The work on a batch of keys: read here, written or compared there.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::batch::Verdict;
use super::options::{MigrationOptions, Mode};
use super::pace::Pace;
use super::side::{Caller, Side, Spot};
use super::summary::{MigrationSummary, Reason, Unresolved};
use super::{Observer, Progress};
use crate::client::blocking::Runner;
use crate::client::operation::Moment;
use crate::client::plan::Plan;
use crate::client::tools::listing::Listed;
use crate::error::{Error, ErrorKind, Result};
use crate::net;
use crate::protocol::{Expiry, Item, Request, Store, StoreMode, Want};

/// The most keys that are worked on at once.
const KEYS: usize = 256;

/// The bytes of values beyond which no further key joins a batch.
const BYTES: u64 = 4 << 20;

/// What a value of unknown size counts in a batch.
const UNKNOWN: u64 = BYTES / KEYS as u64;

/// A key and what its list tells.
#[derive(Debug)]
pub(super) struct Found {
    /// The server that listed it.
    endpoint: Option<usize>,
    key: Vec<u8>,
    /// When it expires; `None` where that is not known.
    expires: Option<Option<u64>>,
    size: u64,
}

impl Found {
    /// A key on the wire, as a server lists it.
    pub(super) fn listed(endpoint: usize, listed: Listed) -> Self {
        Self {
            endpoint: Some(endpoint),
            key: listed.key,
            expires: Some(listed.expires),
            size: listed.size,
        }
    }

    /// A key without its prefix, as the caller has it.
    pub(super) const fn given(key: Vec<u8>) -> Self {
        Self {
            endpoint: None,
            key,
            expires: None,
            size: UNKNOWN,
        }
    }
}

/// A key that is to be worked on.
#[derive(Debug)]
struct Candidate {
    /// Without prefixes.
    key: Vec<u8>,
    from: Spot,
    to: Spot,
    expires: Option<Option<u64>>,
}

/// A migration under way.
pub(super) struct Work<'w> {
    source: Side<'w>,
    target: Side<'w>,
    options: &'w MigrationOptions,
    observer: &'w mut dyn Observer,
    pace: Pace,
    begun: u64,
    batch: Vec<Candidate>,
    /// Bytes of the batch, by the list.
    size: u64,
    server: Option<usize>,
    servers_done: usize,
    expected: Option<u64>,
    summary: MigrationSummary,
}

impl<'w> Work<'w> {
    pub(super) fn new(
        source: &'w Plan,
        target: &'w Plan,
        options: &'w MigrationOptions,
        observer: &'w mut dyn Observer,
    ) -> Self {
        Self {
            source: Side::new(source),
            target: Side::new(target),
            pace: Pace::new(options.keys_per_second, options.bytes_per_second),
            options,
            observer,
            begun: net::now(),
            batch: Vec::with_capacity(KEYS),
            size: 0,
            server: None,
            servers_done: 0,
            expected: None,
            summary: MigrationSummary::default(),
        }
    }

    /// Returns servers and placement of the source.
    pub(super) const fn source_plan(&self) -> &'w Plan {
        self.source.plan
    }

    pub(super) fn source_runner(&self) -> Arc<Runner> {
        Arc::clone(&self.source.runner)
    }

    /// Asks the source how many items it has, for the progress.
    pub(super) fn expect_items(&mut self) -> Result<()> {
        self.expected = self.source.items(&*self.observer)?;
        Ok(())
    }

    pub(super) const fn begin_server(&mut self, endpoint: usize) {
        self.server = Some(endpoint);
    }

    /// Notes that a server's list is worked through, or why it is not complete.
    pub(super) fn end_server(&mut self, listed: Result<()>) -> Result<ControlFlow<()>> {
        self.servers_done += 1;
        self.summary.unlisted.extend(listed.err());
        Ok(self.tell())
    }

    /// Ends the work.
    pub(super) fn finish(mut self, flow: ControlFlow<()>) -> MigrationSummary {
        self.summary.finished = flow.is_continue() && self.summary.unlisted.is_empty();
        self.summary.elapsed = Duration::from_nanos(net::now() - self.begun);
        self.summary
    }

    /// Takes a key; works on the batch when it is full.
    pub(super) fn take(&mut self, found: Found) -> Result<ControlFlow<()>> {
        self.summary.listed += 1;
        let size = found.size;
        if let Some(candidate) = self.consider(found) {
            self.batch.push(candidate);
            self.size += size;
        }
        let full = self.batch.len() >= self.pace.keys_at_once(KEYS) || self.size >= BYTES;
        if full || self.summary.unresolved.len() >= self.options.max_failures {
            return self.flush();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Decides whether there is anything to do about a key.
    fn consider(&mut self, found: Found) -> Option<Candidate> {
        let Found {
            endpoint,
            mut key,
            expires,
            ..
        } = found;
        let prefix = &self.source.plan.options().prefix;
        if endpoint.is_some() {
            if !key.starts_with(prefix) {
                self.summary.outside += 1;
                return None;
            }
            key.drain(..prefix.len());
        }
        let mut from = match self.source.spot(&key) {
            Ok(spot) => spot,
            Err(error) => {
                let server = endpoint.map_or_else(|| "".into(), |at| self.source.label(at).clone());
                self.fail(key, server, error);
                return None;
            }
        };
        if let Some(endpoint) = endpoint.filter(|endpoint| *endpoint != from.endpoint) {
            if !self.options.misplaced {
                self.summary.misplaced += 1;
                return None;
            }
            from.endpoint = endpoint;
        }
        let to = match self.target.spot(&key) {
            Ok(spot) => spot,
            Err(error) => {
                self.fail(key, "".into(), error);
                return None;
            }
        };
        let (here, there) = (&self.source, &self.target);
        if from.key == to.key && here.label(from.endpoint) == there.label(to.endpoint) {
            self.summary.in_place += 1;
            return None;
        }
        Some(Candidate {
            key,
            from,
            to,
            expires,
        })
    }

    /// Works on the batch.
    pub(super) fn flush(&mut self) -> Result<ControlFlow<()>> {
        let mut batch = std::mem::take(&mut self.batch);
        self.size = 0;
        if !batch.is_empty() {
            Runner::pause(self.pace.next().0, &Caller(&*self.observer))?;
            self.observer.interrupted()?;
            let begun = Moment(net::now());
            let (count, bytes) = (batch.len(), self.summary.bytes);
            match self.options.mode {
                Mode::Copy => self.copy(&mut batch)?,
                Mode::DryRun => self.dry_run(&mut batch)?,
                Mode::Verify => self.verify(&mut batch)?,
            }
            self.pace.spend(count, self.summary.bytes - bytes, begun);
        }
        let told = self.tell();
        if self.summary.unresolved.len() >= self.options.max_failures {
            return Ok(ControlFlow::Break(()));
        }
        Ok(told)
    }

    fn tell(&mut self) -> ControlFlow<()> {
        self.summary.elapsed = Duration::from_nanos(net::now() - self.begun);
        self.observer.progress(&Progress {
            server: self.server.map_or("", |server| self.source.label(server)),
            servers_done: self.servers_done,
            servers: self.source.plan.servers().len(),
            expected: self.expected,
            summary: &self.summary,
        })
    }

    fn copy(&mut self, batch: &mut Vec<Candidate>) -> Result<()> {
        if self.options.check_first {
            self.leave_out_present(batch)?;
        }
        let items = self.read_source(batch, Want::VALUE | Want::TTL)?;
        let mut writes = Vec::with_capacity(items.len());
        for (candidate, item) in items {
            match expiry(&item, candidate.expires) {
                Ok(Some(expiry)) => writes.push((candidate, item, expiry)),
                Ok(None) => self.summary.gone += 1,
                Err(error) => {
                    let server = self.source.label(candidate.from.endpoint).clone();
                    self.fail(candidate.key, server, error);
                }
            }
        }
        let mode = if self.options.overwrite {
            StoreMode::Set
        } else {
            StoreMode::Add
        };
        let results = self.target.ask(&*self.observer, writes.len(), |position| {
            let (candidate, item, expiry) = &writes[position];
            let store = Store {
                mode,
                key: candidate.to.key.clone().into(),
                flags: item.flags,
                expiry: *expiry,
                value: item.value.clone(),
                cas: None,
            };
            (candidate.to.endpoint, Request::Store(store))
        })?;
        for ((candidate, item, _), result) in writes.into_iter().zip(results) {
            match result {
                Ok(Verdict::Yes) => {
                    self.summary.copied += 1;
                    self.summary.bytes += item.value.len() as u64;
                }
                Ok(_) => self.summary.present += 1,
                Err(error) => {
                    let server = self.target.label(candidate.to.endpoint).clone();
                    self.fail(candidate.key, server, error);
                }
            }
        }
        Ok(())
    }

    fn dry_run(&mut self, batch: &mut Vec<Candidate>) -> Result<()> {
        self.leave_out_present(batch)?;
        for (candidate, item) in self.read_source(batch, Want::SIZE | Want::TTL)? {
            match expiry(&item, candidate.expires) {
                Ok(Some(_)) => {
                    self.summary.copied += 1;
                    self.summary.bytes += item.size.unwrap_or(item.value.len() as u64);
                }
                Ok(None) => self.summary.gone += 1,
                Err(error) => {
                    let server = self.source.label(candidate.from.endpoint).clone();
                    self.fail(candidate.key, server, error);
                }
            }
        }
        Ok(())
    }

    fn verify(&mut self, batch: &mut Vec<Candidate>) -> Result<()> {
        let items = self.read_source(batch, Want::VALUE)?;
        let spots: Vec<&Spot> = items.iter().map(|(candidate, _)| &candidate.to).collect();
        let results = self.target.read(&*self.observer, Want::VALUE, &spots)?;
        for ((candidate, here), there) in items.into_iter().zip(results) {
            let server = self.target.label(candidate.to.endpoint).clone();
            let reason = match there {
                Err(error) => {
                    self.fail(candidate.key, server, error);
                    continue;
                }
                Ok(Some(there)) if (there.flags, &there.value) == (here.flags, &here.value) => {
                    self.summary.same += 1;
                    self.summary.bytes += here.value.len() as u64;
                    continue;
                }
                Ok(Some(_)) => {
                    self.summary.different += 1;
                    Reason::Different
                }
                Ok(None) => {
                    self.summary.missing += 1;
                    Reason::Missing
                }
            };
            self.summary.unresolved.push(Unresolved {
                key: candidate.key,
                server,
                reason,
            });
        }
        Ok(())
    }

    /// Takes out the keys that the target has, unless they are overwritten.
    fn leave_out_present(&mut self, batch: &mut Vec<Candidate>) -> Result<()> {
        if self.options.overwrite {
            return Ok(());
        }
        let spots: Vec<&Spot> = batch.iter().map(|candidate| &candidate.to).collect();
        let results = self.target.read(&*self.observer, Want::EXISTENCE, &spots)?;
        for (candidate, result) in std::mem::take(batch).into_iter().zip(results) {
            match result {
                Ok(None) => batch.push(candidate),
                Ok(Some(_)) => self.summary.present += 1,
                Err(error) => {
                    let server = self.target.label(candidate.to.endpoint).clone();
                    self.fail(candidate.key, server, error);
                }
            }
        }
        Ok(())
    }

    /// Reads the items of a batch; those that are gone or fail are counted.
    fn read_source(
        &mut self,
        batch: &mut Vec<Candidate>,
        want: Want,
    ) -> Result<Vec<(Candidate, Item<'static>)>> {
        let spots: Vec<&Spot> = batch.iter().map(|candidate| &candidate.from).collect();
        let results = self.source.read(&*self.observer, want, &spots)?;
        let mut items = Vec::with_capacity(batch.len());
        for (candidate, result) in batch.drain(..).zip(results) {
            match result {
                Ok(Some(item)) => items.push((candidate, item)),
                Ok(None) => self.summary.gone += 1,
                Err(error) => {
                    let server = self.source.label(candidate.from.endpoint).clone();
                    self.fail(candidate.key, server, error);
                }
            }
        }
        Ok(items)
    }

    fn fail(&mut self, key: Vec<u8>, server: Arc<str>, error: Error) {
        self.summary.failed += 1;
        self.summary.unresolved.push(Unresolved {
            key,
            server,
            reason: Reason::Failed(error),
        });
    }
}

/// Returns the expiry that keeps what is left of an item's life; nothing when
/// that is over.
fn expiry(item: &Item<'_>, listed: Option<Option<u64>>) -> Result<Option<Expiry>> {
    let seconds = match (item.ttl, listed) {
        (Some(-1), _) | (None, Some(None)) => return Ok(Some(Expiry::NEVER)),
        (Some(left), _) => left,
        (None, Some(Some(date))) => i64::try_from(date).unwrap_or(i64::MAX) - net::unix_now(),
        (None, None) => {
            let message = "server knows no meta commands, so that only its list tells when \
                items expire: copy what it lists rather than given keys";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    };
    if seconds <= 0 {
        return Ok(None);
    }
    Expiry::from_seconds(seconds, net::unix_now).map(Some)
}
