//! Writing items.

/// Defines the methods; see [`commands`](super).
macro_rules! storage {
    ($class:ident, $answer:ident) => {
        #[pymethods]
        #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
        impl $class {
            /// Stores a value and returns True.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     value: Bytes, text, an integer, or a JSON tree of None, bool,
            ///         float, list and dict; other objects where the client
            ///         pickles.
            ///     time: The time to live: seconds or a timedelta, fractions
            ///         upwards; 0 for ever, negative for not at all. Over 30 days
            ///         a number from 1,000,000,000 on is a date, as memcached
            ///         has it. The client's `default_ttl` by default.
            ///     min_compress_len: Compresses a value of more than this many
            ///         bytes; 0, the default, leaves it to `compress_above`.
            ///     noreply: Accepted for python-memcached's sake; the call waits
            ///         for the reply nevertheless.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     InvalidKeyError: The key is not as in `get`.
            ///     InvalidArgumentError: The time to live is out of range.
            ///     EncodeError: The value is none of the above.
            ///     ValueTooLargeError: The value is over `max_value_size`, or the
            ///         server's limit, which also drops what was stored before.
            ///     ServerError: The server is out of memory.
            ///     TimeoutError: The call took too long; `sent` tells whether the
            ///         value may have been stored.
            ///     ConnectError: The server cannot be reached.
            ///     ConnectionLostError: The connection ended; writes are made
            ///         again only if nothing was sent.
            #[pyo3(
                signature = (
                    key, value, time = None, min_compress_len = Count(0), noreply = NoReply, *,
                    ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, value, time=None, min_compress_len=0, noreply=False, *, \
                    ttl=None, timeout=None, server_key=None)"
            )]
            fn set<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                value: Bound<'py, PyAny>,
                time: Option<Time>,
                min_compress_len: Count,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| {
                    let value = core.encode(&value, min_compress_len)?;
                    core.store(StoreMode::Set, key, value, expiry, None, place(server_key))
                })
            }

            /// Stores a value if the key has none, and tells whether it had none.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     value: As in `set`.
            ///     time: As in `set`.
            ///     min_compress_len: As in `set`.
            ///     noreply: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `set`.
            #[pyo3(
                signature = (
                    key, value, time = None, min_compress_len = Count(0), noreply = NoReply, *,
                    ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, value, time=None, min_compress_len=0, noreply=False, *, \
                    ttl=None, timeout=None, server_key=None)"
            )]
            fn add<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                value: Bound<'py, PyAny>,
                time: Option<Time>,
                min_compress_len: Count,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| {
                    let value = core.encode(&value, min_compress_len)?;
                    core.store(StoreMode::Add, key, value, expiry, None, place(server_key))
                })
            }

            /// Stores a value if the key has one, and tells whether it had one.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     value: As in `set`.
            ///     time: As in `set`.
            ///     min_compress_len: As in `set`.
            ///     noreply: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `set`.
            #[pyo3(
                signature = (
                    key, value, time = None, min_compress_len = Count(0), noreply = NoReply, *,
                    ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, value, time=None, min_compress_len=0, noreply=False, *, \
                    ttl=None, timeout=None, server_key=None)"
            )]
            fn replace<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                value: Bound<'py, PyAny>,
                time: Option<Time>,
                min_compress_len: Count,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| {
                    let value = core.encode(&value, min_compress_len)?;
                    core.store(
                        StoreMode::Replace,
                        key,
                        value,
                        expiry,
                        None,
                        place(server_key),
                    )
                })
            }

            /// Puts bytes or text behind what is stored, and tells whether there
            /// was something.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     value: Encoded as in `set`; the flags stay those of the value
            ///         that was there.
            ///     time: Accepted for python-memcached's sake; the server keeps
            ///         the time to live.
            ///     min_compress_len: As in `set`.
            ///     noreply: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `set`.
            #[pyo3(
                signature = (
                    key, value, time = None, min_compress_len = Count(0), noreply = NoReply, *,
                    ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, value, time=None, min_compress_len=0, noreply=False, *, \
                    ttl=None, timeout=None, server_key=None)"
            )]
            fn append<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                value: Bound<'py, PyAny>,
                time: Option<Time>,
                min_compress_len: Count,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| {
                    let value = core.encode(&value, min_compress_len)?;
                    core.store(
                        StoreMode::Append,
                        key,
                        value,
                        expiry,
                        None,
                        place(server_key),
                    )
                })
            }

            /// Puts bytes or text before what is stored, and tells whether there
            /// was something.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     value: As in `append`.
            ///     time: As in `append`.
            ///     min_compress_len: As in `set`.
            ///     noreply: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `set`.
            #[pyo3(
                signature = (
                    key, value, time = None, min_compress_len = Count(0), noreply = NoReply, *,
                    ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, value, time=None, min_compress_len=0, noreply=False, *, \
                    ttl=None, timeout=None, server_key=None)"
            )]
            fn prepend<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                value: Bound<'py, PyAny>,
                time: Option<Time>,
                min_compress_len: Count,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| {
                    let value = core.encode(&value, min_compress_len)?;
                    core.store(
                        StoreMode::Prepend,
                        key,
                        value,
                        expiry,
                        None,
                        place(server_key),
                    )
                })
            }

            /// Stores a value if the item is still the one that was read, and
            /// tells whether it was.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     value: As in `set`.
            ///     time: As in `set`.
            ///     min_compress_len: As in `set`.
            ///     noreply: As in `set`.
            ///     cas: The id of what was read, from `get_item`; by default the
            ///         one that `gets` remembered for this thread or task.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     InvalidArgumentError: There is no id, so that the call would
            ///         overwrite what others wrote.
            ///     MemoxideError: As in `set`.
            #[pyo3(
                signature = (
                    key, value, time = None, min_compress_len = Count(0), noreply = NoReply, *,
                    cas = None, ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, value, time=None, min_compress_len=0, noreply=False, *, \
                    cas=None, ttl=None, timeout=None, server_key=None)"
            )]
            fn cas<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                value: Bound<'py, PyAny>,
                time: Option<Time>,
                min_compress_len: Count,
                noreply: NoReply,
                cas: Option<Count>,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                let mark = self.core()?.mark(key, server_key);
                let cas = Some(cas_id(&self.ids(py)?, &mark, cas)?);
                self.call(py, timeout, |core| {
                    let value = core.encode(&value, min_compress_len)?;
                    core.store(StoreMode::Set, key, value, expiry, cas, place(server_key))
                })
            }

            /// Stores several values and returns the keys of those that a server
            /// refused.
            ///
            /// Args:
            ///     mapping: The values as in `set` by their keys.
            ///     time: As in `set`, for all of them.
            ///     key_prefix: Put before each key on the wire.
            ///     min_compress_len: As in `set`.
            ///     noreply: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     PartialError: Some servers failed; `results` has the keys that
            ///         were not stored or may not have been.
            ///     MemoxideError: As in `set`. One bad key or value fails the call
            ///         before anything is sent.
            #[pyo3(
                signature = (
                    mapping, time = None, key_prefix = None, min_compress_len = Count(0),
                    noreply = NoReply, *, ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, mapping, time=None, key_prefix=None, min_compress_len=0, \
                    noreply=False, *, ttl=None, timeout=None, server_key=None)"
            )]
            fn set_multi<'py>(
                &self,
                py: Python<'py>,
                mapping: Mapping<'py>,
                time: Option<Time>,
                key_prefix: Option<Key<'_>>,
                min_compress_len: Count,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, KeyList>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                let pairs = Pairs::read(&mapping, key_prefix)?;
                self.call(py, timeout, |core| {
                    let place = place(server_key);
                    core.store_multi(StoreMode::Set, &pairs, expiry, min_compress_len, place)
                })
            }

            /// Stores several values whose keys have none, and returns the keys
            /// that had one.
            ///
            /// Args:
            ///     mapping: The values as in `set` by their keys.
            ///     time: As in `set`, for all of them.
            ///     key_prefix: Put before each key on the wire.
            ///     min_compress_len: As in `set`.
            ///     noreply: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `set_multi`.
            #[pyo3(
                signature = (
                    mapping, time = None, key_prefix = None, min_compress_len = Count(0),
                    noreply = NoReply, *, ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, mapping, time=None, key_prefix=None, min_compress_len=0, \
                    noreply=False, *, ttl=None, timeout=None, server_key=None)"
            )]
            fn add_multi<'py>(
                &self,
                py: Python<'py>,
                mapping: Mapping<'py>,
                time: Option<Time>,
                key_prefix: Option<Key<'_>>,
                min_compress_len: Count,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, KeyList>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                let pairs = Pairs::read(&mapping, key_prefix)?;
                self.call(py, timeout, |core| {
                    let place = place(server_key);
                    core.store_multi(StoreMode::Add, &pairs, expiry, min_compress_len, place)
                })
            }
        }
    };
}

pub(crate) use storage;
