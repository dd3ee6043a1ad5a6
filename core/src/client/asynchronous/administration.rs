//! Commands for whole servers.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::Duration;

use super::{AsyncClient, KeyStream};
use crate::client::stats::{RawReport, Report};
use crate::client::view::{Reports, Versions, nothing};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::protocol::{Admin, DumpedKey};

impl AsyncClient {
    /// Expires every item on all servers: at once when `delay` is zero, else
    /// after it, where fractions of a second count as a whole one. memcached is up
    /// to two seconds early: it flushes at the beginning of the last second, and
    /// counts the one that has begun.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a delay over 30 days; those of the way
    /// to the servers.
    pub async fn flush_all(&self, delay: Duration) -> Result<()> {
        self.administer(Admin::flush_after(delay)?).await
    }

    /// Returns each server's name and version.
    ///
    /// # Errors
    ///
    /// Those of the way to the servers.
    pub async fn version(&self) -> Result<Vec<(String, String)>> {
        let mut versions = Versions::new(self.plan());
        self.call(
            |plan, place| plan.administer(Admin::Version, place),
            &mut versions,
        )
        .await?;
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
    pub async fn stats(&self, report: &str) -> Result<Vec<(String, RawReport)>> {
        let mut reports = Reports::new(self.plan());
        let report = Cow::Borrowed(report.as_bytes());
        self.call(
            |plan, place| plan.administer(Admin::Stats { report }, place),
            &mut reports,
        )
        .await?;
        Ok(reports.finish())
    }

    /// Returns each server's name and a report of the type asked for.
    ///
    /// ```no_run
    /// use memoxide::client::stats::General;
    ///
    /// # async fn example(client: memoxide::AsyncClient) -> memoxide::Result<()> {
    /// for (server, report) in client.report::<General>().await? {
    ///     println!("{server}: {} items, {:?} hits", report.curr_items, report.hit_ratio());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`stats`](Self::stats).
    pub async fn report<R: Report>(&self) -> Result<Vec<(String, R)>> {
        let reports = self.stats(R::NAME).await?.into_iter();
        Ok(reports.map(|(name, raw)| (name, R::read(raw))).collect())
    }

    /// Sets how much the servers log: 0 little, 1 to 3 more.
    ///
    /// # Errors
    ///
    /// Those of the way to the servers.
    pub async fn verbosity(&self, level: u32) -> Result<()> {
        self.administer(Admin::Verbosity { level }).await
    }

    /// Sets the memory limit of the servers, in mebibytes, at least 8.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Server`] when a server refuses; those of the way to the servers.
    pub async fn cache_memlimit(&self, megabytes: u32) -> Result<()> {
        self.administer(Admin::CacheMemlimit { megabytes }).await
    }

    /// Lists the keys that begin with `prefix`, of all servers, as a stream; its
    /// [`next`](KeyStream::next) gives what is known of one item after the
    /// other. Awaited itself, it collects the keys alone.
    ///
    /// They are listed by `lru_crawler metadump`, which walks through the whole
    /// cache: use it to look, not to work. The list is no snapshot; keys that
    /// are stored meanwhile may be missing and keys that are deleted may be in
    /// it. What is there all the time is listed once; memcached before 1.6.9, and
    /// before 1.6.19 unless the keys are collected, may list a key twice and leave
    /// out what was used a moment ago. The client's own prefix is taken off, and
    /// keys without it are left out.
    ///
    /// Servers list at the pace at which the stream is read: each uses a
    /// connection of its own, which is not read while about a thousand items
    /// wait for the caller. The time that a call may take is that of each step
    /// here: the stream fails when no server lists a further item for so long
    /// while the caller waits. Dropping it closes the connections.
    ///
    /// ```no_run
    /// # async fn example(client: memoxide::AsyncClient) -> memoxide::Result<()> {
    /// let mut bytes = 0;
    /// let mut sessions = client.keys("session:");
    /// while let Some(item) = sessions.next().await {
    ///     bytes += item?.size;
    /// }
    /// let keys: Vec<Vec<u8>> = client.keys("user:").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The stream, or the collection, fails with [`ErrorKind::Unsupported`] when
    /// a server cannot list keys; [`ErrorKind::Timeout`] also when one lists for
    /// somebody else all the time, as a server lists for one caller after the
    /// other; [`ErrorKind::Partial`] when some servers failed; those of the way
    /// to the servers.
    pub fn keys(&self, prefix: impl AsRef<[u8]>) -> KeyStream {
        KeyStream::new(self.clone(), prefix.as_ref().to_vec())
    }

    /// Gives what is known of every key that begins with `prefix` to `each`, as
    /// [`keys`](Self::keys) lists them, until that breaks off.
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    ///
    /// # async fn example(client: memoxide::AsyncClient) -> memoxide::Result<()> {
    /// let mut bytes = 0;
    /// client.each_key("session:", |item| {
    ///     bytes += item.size;
    ///     ControlFlow::Continue(())
    /// }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`keys`](Self::keys).
    pub async fn each_key(
        &self,
        prefix: impl AsRef<[u8]> + Send,
        mut each: impl FnMut(DumpedKey) -> ControlFlow<()> + Send,
    ) -> Result<()> {
        let mut keys = self.keys(prefix);
        while let Some(item) = keys.next().await {
            if each(item?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the name of the server that has a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidKey`], or [`ErrorKind::NoServers`].
    pub fn server_for(&self, key: impl AsRef<[u8]> + Send) -> Result<&str> {
        let endpoint = self.plan().place(key.as_ref(), self.view.place())?;
        Ok(self.plan().label(endpoint))
    }

    async fn administer(&self, admin: Admin<'static>) -> Result<()> {
        self.call(|plan, place| plan.administer(admin, place), &mut nothing)
            .await
            .map(drop)
    }
}
