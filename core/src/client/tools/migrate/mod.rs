//! Copying the items of a running cluster to another placement, and comparing.

mod batch;
mod options;
mod pace;
mod side;
mod sink;
mod spill;
mod summary;
mod work;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

pub use self::options::{MigrationOptions, Mode};
use self::sink::channel;
pub use self::summary::{MigrationSummary, Reason, Unresolved};
use self::work::{Found, Work};
use super::listing::{Listed, list};
use crate::client::plan::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::net;

/// Copies the items of a running cluster to where another placement or another
/// list of servers wants them, or compares both sides.
///
/// Keys are listed by the source servers (`lru_crawler metadump`), one server
/// after the other, or given. Items are read without counting as a use, and
/// written as they are: same flags, same bytes, the time to live that is left.
/// Values are not decoded, so any dialect will do. Unless told otherwise
/// (`overwrite`), what the target has already is left alone, so that a run can be
/// repeated: it then copies what is missing.
///
/// The connections are the migration's own; options that concern connections
/// (timeouts, protocol, …) are those of the two plans. Each batch of up to 256
/// keys may take ten times the `timeout`. In memory are a batch of values of
/// about 4 MiB and up to 131,072 listed keys; a server is not kept waiting with
/// its list, so further keys go to a temporary file.
///
/// Neither side is locked meanwhile. An item that is deleted on the source after
/// it was read is on the target nevertheless; one that changes after it was
/// copied is the old one on the target. `docs/migrating.md` tells how to go
/// about it with applications at work.
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use memoxide::Client;
/// use memoxide::client::Setting;
/// use memoxide::client::tools::{Migration, Progress};
///
/// let old = Client::builder().server("10.0.0.1")?.server("10.0.0.2")?
///     .option("hashing", &Setting::Text("pylibmc"))?.build()?;
/// let new = Client::new("10.0.1.1,10.0.1.2,10.0.1.3")?;
///
/// let migration = Migration::new(old.plan(), new.plan());
/// let summary = migration.run(&mut |progress: &Progress<'_>| {
///     eprintln!("{}: {} copied", progress.server, progress.summary.copied);
///     ControlFlow::Continue(())
/// })?;
/// println!("{summary}");
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Migration<'p> {
    source: &'p Plan,
    target: &'p Plan,
    options: MigrationOptions,
}

/// Who wants to know how a migration goes, and may end it.
pub trait Observer {
    /// Told after each batch, and at the end of each server's list; may end the
    /// run.
    fn progress(&mut self, progress: &Progress<'_>) -> ControlFlow<()>;

    /// Asked ten times a second while the migration waits, and before each
    /// batch.
    ///
    /// # Errors
    ///
    /// When the run is to fail with that.
    fn interrupted(&self) -> Result<()> {
        Ok(())
    }
}

impl<F: FnMut(&Progress<'_>) -> ControlFlow<()>> Observer for F {
    fn progress(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        self(progress)
    }
}

/// How far a migration has come.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The source server whose keys are at work; empty where keys were given.
    pub server: &'a str,
    /// How many servers have been worked through.
    pub servers_done: usize,
    /// How many servers there are.
    pub servers: usize,
    /// How many items the source servers said they have, where they told.
    pub expected: Option<u64>,
    /// What was done so far.
    pub summary: &'a MigrationSummary,
}

impl<'p> Migration<'p> {
    /// Prepares to copy from one side to the other; nothing is opened.
    #[must_use]
    pub fn new(source: &'p Plan, target: &'p Plan) -> Self {
        Self {
            source,
            target,
            options: MigrationOptions::default(),
        }
    }

    /// Sets the options.
    #[must_use]
    pub fn with_options(mut self, options: MigrationOptions) -> Self {
        self.options = options;
        self
    }

    /// Works through all keys that the source servers list.
    ///
    /// Keys that fail are told in the summary, and so are servers that do not
    /// list all their keys.
    ///
    /// # Errors
    ///
    /// When no server lists any key: [`ErrorKind::Unsupported`] when none can,
    /// or those of the way to the servers. What the observer fails with.
    pub fn run(&self, observer: &mut dyn Observer) -> Result<MigrationSummary> {
        let mut work = Work::new(self.source, self.target, &self.options, observer);
        let servers = self.source.servers().len();
        if servers == 0 {
            let message = "there is no source server";
            return Err(Error::new(ErrorKind::NoServers, message));
        }
        work.expect_items()?;
        let mut flow = ControlFlow::Continue(());
        for endpoint in 0..servers {
            flow = self.run_server(&mut work, endpoint)?;
            if flow.is_break() {
                break;
            }
        }
        let summary = work.finish(flow);
        if summary.unlisted.len() == servers && summary.listed == 0 {
            return Err(nothing_listed(summary.unlisted));
        }
        Ok(summary)
    }

    /// Works through keys that the caller has, each without the prefix.
    ///
    /// # Errors
    ///
    /// What the iterator or the observer fails with.
    pub fn run_keys(
        &self,
        keys: impl IntoIterator<Item = Result<Vec<u8>>>,
        observer: &mut dyn Observer,
    ) -> Result<MigrationSummary> {
        let mut work = Work::new(self.source, self.target, &self.options, observer);
        for key in keys {
            if let ControlFlow::Break(()) = work.take(Found::given(key?))? {
                return Ok(work.finish(ControlFlow::Break(())));
            }
        }
        let flow = work.flush()?;
        Ok(work.finish(flow))
    }

    /// Works through the keys that one server lists.
    fn run_server(&self, work: &mut Work<'_>, endpoint: usize) -> Result<ControlFlow<()>> {
        work.begin_server(endpoint);
        let (plan, runner) = (work.source_plan(), work.source_runner());
        let stopped = AtomicBool::new(false);
        let (mut sink, chunks) = channel();
        let (flow, listed) = std::thread::scope(|scope| {
            let (runner, stopped) = (&runner, &stopped);
            // The end of the sink is that of the list.
            let lister = scope.spawn(move || {
                let go_on = || match stopped.load(Ordering::Relaxed) {
                    false => Ok(()),
                    true => Err(Error::new(ErrorKind::Closed, "migration was stopped")),
                };
                let listed = list(plan, runner, endpoint, &go_on, &mut |listed| {
                    sink.push(listed)
                });
                // The keys that were listed are good, however the list ended.
                let finished = sink.finish();
                listed.and(finished)
            });
            let flow = take_all(work, endpoint, chunks);
            stopped.store(true, Ordering::Relaxed);
            let listed = lister.join();
            (
                flow,
                listed.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            )
        });
        let flow = flow?;
        if flow.is_continue() {
            return work.end_server(listed);
        }
        Ok(flow)
    }
}

/// Works through a list until its end or until there is enough.
fn take_all(
    work: &mut Work<'_>,
    endpoint: usize,
    chunks: Receiver<Vec<Listed>>,
) -> Result<ControlFlow<()>> {
    for chunk in chunks {
        for key in chunk {
            if let ControlFlow::Break(()) = work.take(Found::listed(endpoint, key))? {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    work.flush()
}

fn nothing_listed(mut errors: Vec<Error>) -> Error {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let message = format!("no server lists its keys; first: {}", errors[0]);
    let kind = errors[0].kind();
    let kind = if errors.iter().all(|error| error.kind() == kind) {
        kind
    } else {
        ErrorKind::Partial
    };
    Error::new(kind, message).with_parts(errors)
}

/// Returns the moment that lies `duration` from now.
fn from_now(duration: Duration) -> u64 {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    net::now().saturating_add(nanoseconds)
}
