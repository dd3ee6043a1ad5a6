//! Commands for whole servers.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::Duration;

use super::Client;
use crate::client::composite::Uptake;
use crate::client::stats::{RawReport, Report};
use crate::client::view::{Listed, Reports, Versions, nothing};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::protocol::{Admin, DumpedKey};

impl Client {
    /// Expires every item on all servers: at once when `delay` is zero, else
    /// after it, where fractions of a second count as a whole one. memcached is up
    /// to two seconds early: it flushes at the beginning of the last second, and
    /// counts the one that has begun.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a delay over 30 days; those of the way
    /// to the servers.
    pub fn flush_all(&self, delay: Duration) -> Result<()> {
        self.administer(Admin::flush_after(delay)?)
    }

    /// Returns each server's name and version.
    ///
    /// # Errors
    ///
    /// Those of the way to the servers.
    pub fn version(&self) -> Result<Vec<(String, String)>> {
        let mut versions = Versions::new(self.plan());
        self.call(
            |plan, place| plan.administer(Admin::Version, place),
            &mut versions,
        )?;
        Ok(versions.finish())
    }

    /// Returns each server's name and a report: the general one when `report`
    /// is empty, else `settings`, `items`, `slabs`, `sizes`, `conns`, or
    /// another that the servers know. [`report`](Self::report) reads them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownCommand`] when a server has no such report; those of
    /// the way to the servers.
    pub fn stats(&self, report: &str) -> Result<Vec<(String, RawReport)>> {
        let mut reports = Reports::new(self.plan());
        let report = Cow::Borrowed(report.as_bytes());
        self.call(
            |plan, place| plan.administer(Admin::Stats { report }, place),
            &mut reports,
        )?;
        Ok(reports.finish())
    }

    /// Returns each server's name and a report of the type asked for.
    ///
    /// ```no_run
    /// use memoxide::client::stats::General;
    ///
    /// # let client = memoxide::Client::new("127.0.0.1:11211")?;
    /// for (server, report) in client.report::<General>()? {
    ///     println!("{server}: {} items, {:?} hits", report.curr_items, report.hit_ratio());
    /// }
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`stats`](Self::stats).
    pub fn report<R: Report>(&self) -> Result<Vec<(String, R)>> {
        let reports = self.stats(R::NAME)?.into_iter();
        Ok(reports.map(|(name, raw)| (name, R::read(raw))).collect())
    }

    /// Sets how much the servers log: 0 little, 1 to 3 more.
    ///
    /// # Errors
    ///
    /// Those of the way to the servers.
    pub fn verbosity(&self, level: u32) -> Result<()> {
        self.administer(Admin::Verbosity { level })
    }

    /// Sets the memory limit of the servers, in mebibytes, at least 8.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Server`] when a server refuses; those of the way to the servers.
    pub fn cache_memlimit(&self, megabytes: u32) -> Result<()> {
        self.administer(Admin::CacheMemlimit { megabytes })
    }

    /// Returns the keys that begin with `prefix`, of all servers.
    ///
    /// They are listed by `lru_crawler metadump`, which walks through the whole
    /// cache: use it to look, not to work. The list is no snapshot; keys that
    /// are stored meanwhile may be missing and keys that are deleted may be in
    /// it. What is there all the time is listed once; memcached before 1.6.9 may
    /// list a key twice and leave out what was used a moment ago. The client's
    /// own prefix is taken off, and keys without it are left
    /// out. The time that a call may take is that of each step here: the list
    /// fails when no server lists a further item for so long.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when a server cannot list keys;
    /// [`ErrorKind::Timeout`] also when one lists for somebody else all the
    /// time, as a server lists for one caller after the other; those of the way
    /// to the servers.
    pub fn keys(&self, prefix: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        self.list(Uptake::Immediate, prefix.as_ref(), |item| {
            keys.push(item.key);
            ControlFlow::Continue(())
        })?;
        Ok(keys)
    }

    /// Gives what is known of every key that begins with `prefix` to `each`, as
    /// the servers list them, until that breaks off. Nothing is kept in memory.
    /// Servers wait for it; those before memcached 1.6.19, which would hold a lock
    /// of items meanwhile, may give a key twice and leave out what was used a
    /// moment ago.
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    ///
    /// # let client = memoxide::Client::new("127.0.0.1:11211")?;
    /// let mut bytes = 0;
    /// client.each_key("session:", |item| {
    ///     bytes += item.size;
    ///     ControlFlow::Continue(())
    /// })?;
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`keys`](Self::keys).
    pub fn each_key(
        &self,
        prefix: impl AsRef<[u8]>,
        each: impl FnMut(DumpedKey) -> ControlFlow<()>,
    ) -> Result<()> {
        self.list(Uptake::Paced, prefix.as_ref(), each)
    }

    fn list(
        &self,
        uptake: Uptake,
        prefix: &[u8],
        each: impl FnMut(DumpedKey) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut listed = Listed::new(&self.view, prefix, each);
        let outcome = self.call(|plan, place| plan.list_keys(uptake, place), &mut listed);
        listed.finish(outcome)
    }

    /// Returns the name of the server that has a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn server_for(&self, key: impl AsRef<[u8]>) -> Result<&str> {
        let endpoint = self.plan().place(key.as_ref(), self.view.place())?;
        Ok(self.plan().label(endpoint))
    }

    fn administer(&self, admin: Admin<'static>) -> Result<()> {
        self.call(|plan, place| plan.administer(admin, place), &mut nothing)
            .map(drop)
    }
}
