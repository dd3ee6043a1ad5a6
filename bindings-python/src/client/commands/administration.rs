//! Commands for whole servers.

/// Defines the methods; see [`commands`](super).
macro_rules! administration {
    ($class:ident, $answer:ident) => {
        #[pymethods]
        impl $class {
            /// Expires every item of every server. memcached is up to two
            /// seconds early: it flushes at the beginning of the last second,
            /// and counts the one that has begun.
            ///
            /// Args:
            ///     delay: Seconds or a timedelta until then, up to 30 days, fractions
            ///         upwards; 0 by default.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server alone is flushed.
            ///
            /// Raises:
            ///     InvalidArgumentError: The delay is negative or over 30 days.
            ///     PartialError: Some servers failed.
            ///     MemoxideError: As in `set`.
            #[pyo3(
                        signature = (delay = Delay::NONE, *, timeout = None, server_key = None),
                        text_signature = "($self, delay=0, *, timeout=None, server_key=None)"
                    )]
            fn flush_all<'py>(
                &self,
                py: Python<'py>,
                delay: Delay,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Nothing>> {
                let flush = Admin::flush_after(delay.0)?;
                self.call(py, timeout, |core| {
                    core.administer(flush, place(server_key))
                })
            }

            /// Returns pairs of server and version, in the order of the servers.
            ///
            /// Args:
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server alone is asked.
            ///
            /// Raises:
            ///     PartialError: Some servers failed; `results` has the others.
            ///     MemoxideError: As in `get`.
            #[pyo3(signature = (*, timeout = None, server_key = None))]
            fn version<'py>(
                &self,
                py: Python<'py>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Versions>> {
                self.call(py, timeout, |core| core.version(place(server_key)))
            }

            /// Returns pairs of server and report, in the order of the servers;
            /// a report is a dict of text.
            ///
            /// Args:
            ///     report: `"settings"`, `"items"`, `"slabs"`, `"conns"` and so on;
            ///         None, the default, for the general one.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server alone is asked.
            ///
            /// Raises:
            ///     InvalidArgumentError: `report` is no name of a report.
            ///     PartialError: Some servers failed; `results` has what came.
            ///     MemoxideError: As in `get`.
            #[pyo3(signature = (report = None, *, timeout = None, server_key = None))]
            fn get_stats<'py>(
                &self,
                py: Python<'py>,
                report: Option<&str>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Reports>> {
                self.call(py, timeout, |core| {
                    core.stats(py, report, place(server_key))
                })
            }

            /// Sets how much the servers log.
            ///
            /// Args:
            ///     level: 0 to 3.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server alone is meant.
            ///
            /// Raises:
            ///     PartialError: Some servers failed.
            ///     MemoxideError: As in `set`.
            #[pyo3(signature = (level, *, timeout = None, server_key = None))]
            fn verbosity<'py>(
                &self,
                py: Python<'py>,
                level: Count,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Nothing>> {
                let level = level.small()?;
                self.call(py, timeout, |core| {
                    core.administer(Admin::Verbosity { level }, place(server_key))
                })
            }

            /// Sets the memory limit of the servers.
            ///
            /// Args:
            ///     megabytes: The new limit in mebibytes, at least 8.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server alone is meant.
            ///
            /// Raises:
            ///     ServerError: The limit is too small or cannot be changed.
            ///     PartialError: Some servers failed.
            ///     MemoxideError: As in `set`.
            #[pyo3(signature = (megabytes, *, timeout = None, server_key = None))]
            fn cache_memlimit<'py>(
                &self,
                py: Python<'py>,
                megabytes: Count,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Nothing>> {
                let megabytes = megabytes.small()?;
                self.call(py, timeout, |core| {
                    core.administer(Admin::CacheMemlimit { megabytes }, place(server_key))
                })
            }

            /// Returns the name of the server that has a key, such as
            /// `127.0.0.1:11211`. Nothing is sent.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     server_key: A key whose server calls with it go to.
            ///
            /// Raises:
            ///     InvalidKeyError: The key is not as in `get`.
            ///     NoServersError: There are no servers.
            #[pyo3(signature = (key, *, server_key = None))]
            fn server_for<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                server_key: Option<Key<'_>>,
            ) -> Result<Bound<'py, PyString>> {
                self.core()?.server_for(py, key, place(server_key))
            }
        }
    };
}

pub(crate) use administration;
