//! Reading items.

/// Defines the methods; see [`commands`](super).
macro_rules! retrieval {
    ($class:ident, $answer:ident) => {
        #[pymethods]
        #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
        impl $class {
            /// Returns the value of a key, or `default` if there is none.
            ///
            /// Args:
            ///     key: Text or bytes, 1 to 250 bytes with the prefix, without
            ///         spaces and control characters.
            ///     default: What a miss returns, None by default.
            ///     timeout: Seconds that this call may take, in place of the
            ///         client's `timeout`.
            ///     server_key: A key whose server this call goes to, in place of
            ///         the one of `key`.
            ///
            /// Raises:
            ///     InvalidKeyError: The key is not as above; nothing was sent.
            ///     DecodeError: The value is of a kind that the client does not
            ///         read; `raw` has its flags and bytes.
            ///     TimeoutError: The call took too long.
            ///     ConnectError: The server cannot be reached.
            ///     ConnectionLostError: The connection ended, twice in a row.
            ///     ProtocolError: The answer is no answer to this.
            #[pyo3(signature = (key, default = None, *, timeout = None, server_key = None))]
            fn get<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                default: Option<Bound<'py, PyAny>>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Anything>> {
                self.call(py, timeout, |core| {
                    core.get(key, default, None, None, place(server_key))
                })
            }

            /// Returns the value of a key and remembers its cas id for `cas`.
            ///
            /// An id is remembered for the calling thread or task and used once;
            /// each keeps its 1024 newest.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     default: What a miss returns, None by default.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `get`.
            #[pyo3(signature = (key, default = None, *, timeout = None, server_key = None))]
            fn gets<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                default: Option<Bound<'py, PyAny>>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Anything>> {
                let ids = Ids::cleared(&self.ids(py)?, &self.core()?.mark(key, server_key))?;
                self.call(py, timeout, |core| {
                    core.get(key, default, None, Some(ids), place(server_key))
                })
            }

            /// Returns the value of a key and sets a new time to live.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     time: The time to live as in `set`; the client's `default_ttl`
            ///         by default.
            ///     default: What a miss returns, None by default.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     InvalidArgumentError: The time to live is out of range.
            ///     MemoxideError: As in `get`; the read is not made again.
            #[pyo3(signature = (
                key, time = None, default = None, *, ttl = None, timeout = None, server_key = None
            ))]
            fn gat<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                time: Option<Time>,
                default: Option<Bound<'py, PyAny>>,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Anything>> {
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| {
                    let touch = Some(core.expiry(expiry));
                    core.get(key, default, touch, None, place(server_key))
                })
            }

            /// Returns the value of a key, sets a new time to live, and remembers
            /// the cas id as `gets` does.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     time: The time to live as in `set`; the client's `default_ttl`
            ///         by default.
            ///     default: What a miss returns, None by default.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `gat`.
            #[pyo3(signature = (
                key, time = None, default = None, *, ttl = None, timeout = None, server_key = None
            ))]
            fn gats<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                time: Option<Time>,
                default: Option<Bound<'py, PyAny>>,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Anything>> {
                let expiry = expiry(time, ttl)?;
                let ids = Ids::cleared(&self.ids(py)?, &self.core()?.mark(key, server_key))?;
                self.call(py, timeout, |core| {
                    let touch = Some(core.expiry(expiry));
                    core.get(key, default, touch, Some(ids), place(server_key))
                })
            }

            /// Returns the value of a key and what the server tells about it, or
            /// None if there is none.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     UnsupportedError: The server knows no meta commands, which
            ///         memcached has since 1.6.
            ///     MemoxideError: As in `get`.
            #[pyo3(signature = (key, *, timeout = None, server_key = None))]
            fn get_item<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, MaybeItem>> {
                self.call(py, timeout, |core| core.item(key, place(server_key)))
            }

            /// Tells whether there is an item, without reading its value.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `get_item`.
            #[pyo3(signature = (key, *, timeout = None, server_key = None))]
            fn exists<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                self.call(py, timeout, |core| core.exists(key, place(server_key)))
            }

            /// Returns the values of several keys; those without one are absent.
            ///
            /// All servers are asked at once, each with one request.
            ///
            /// Args:
            ///     keys: An iterable of keys as in `get`; the result has them as
            ///         they are given here.
            ///     key_prefix: Put before each key on the wire.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     PartialError: Some servers failed; `results` has what the
            ///         others answered.
            ///     MemoxideError: As in `get`. One bad key fails the call before
            ///         anything is sent.
            #[pyo3(signature = (keys, key_prefix = None, *, timeout = None, server_key = None))]
            fn get_multi<'py>(
                &self,
                py: Python<'py>,
                keys: Iterable<'py>,
                key_prefix: Option<Key<'_>>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Values>> {
                let keys = Keys::read(&keys, key_prefix)?;
                self.call(py, timeout, |core| core.get_multi(&keys, place(server_key)))
            }
        }
    };
}

pub(crate) use retrieval;
