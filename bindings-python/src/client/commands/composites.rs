//! What decides on the way: updates, taking, locks, namespaces; and the raw path.

/// Defines the methods; see [`commands`](super).
macro_rules! composites {
    ($class:ident, $answer:ident) => {
        #[pymethods]
        #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
        impl $class {
            /// Reads a value and removes it, so that one caller gets it.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     default: Returned if the key has no value.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `get`.
            #[pyo3(signature = (key, default = None, *, timeout = None, server_key = None))]
            fn take<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                default: Option<Bound<'py, PyAny>>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Anything>> {
                self.call(py, timeout, |core| core.take(key, default, place(server_key)))
            }

            /// Changes a value by a function: reads it, stores what the function
            /// returns if nobody else wrote meanwhile, and else begins again after
            /// a pause, which doubles from about 1 to about 50 milliseconds.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     change: Called with the present value, or None if there is
            ///         none; returns the new one, or None to leave it. It may be
            ///         called several times and must not wait.
            ///     time: As in `set`.
            ///     ttl: Another name of `time`.
            ///     limit: How often it is tried, 16 times by default and at least once.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Returns:
            ///     The value that was stored, or None if it was left.
            ///
            /// Raises:
            ///     InvalidArgumentError: `change` cannot be called.
            ///     ConflictError: Others were faster `limit` times.
            ///     MemoxideError: As in `set`. What `change` raises is passed on.
            #[pyo3(
                signature = (
                    key, change, time = None, *, ttl = None, limit = Count(16), timeout = None,
                    server_key = None
                ),
                text_signature = "($self, key, change, time=None, *, ttl=None, limit=16, timeout=None, \
                    server_key=None)"
            )]
            fn update<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                change: Bound<'py, PyAny>,
                time: Option<Time>,
                ttl: Option<Time>,
                limit: Count,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Anything>> {
                let expiry = expiry(time, ttl)?;
                callable("change", &change)?;
                self.call(py, timeout, |core| {
                    core.update(key, change, expiry, limit, place(server_key))
                })
            }

            /// Reads flags and bytes as they are stored, without decoding.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Returns:
            ///     A pair of flags and bytes, or None if the key has no value.
            ///
            /// Raises:
            ///     MemoxideError: As in `get`.
            #[pyo3(signature = (key, *, timeout = None, server_key = None))]
            fn get_raw<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, MaybeRaw>> {
                self.call(py, timeout, |core| core.get_raw(key, place(server_key)))
            }

            /// Stores flags and bytes as they are, without encoding.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     flags: 0 to 2^32 - 1.
            ///     data: Bytes, a bytearray or a memoryview.
            ///     time: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `set`.
            #[pyo3(signature = (
                key, flags, data, time = None, *, ttl = None, timeout = None, server_key = None
            ))]
            fn set_raw<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                flags: Count,
                data: Data<'_>,
                time: Option<Time>,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let expiry = expiry(time, ttl)?;
                let encoded = Encoded { flags: flags.small()?, bytes: data.0 };
                self.call(py, timeout, |core| {
                    core.store(StoreMode::Set, key, encoded, expiry, None, place(server_key))
                })
            }

            /// Reads several values with their cas ids: a dict of pairs of value and id.
            ///
            /// Args:
            ///     keys: As in `get_multi`.
            ///     key_prefix: As in `get_multi`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `get_multi`.
            #[pyo3(signature = (keys, key_prefix = None, *, timeout = None, server_key = None))]
            fn gets_multi<'py>(
                &self,
                py: Python<'py>,
                keys: Iterable<'py>,
                key_prefix: Option<Key<'_>>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, CasValues>> {
                let keys = Keys::read(&keys, key_prefix)?;
                self.call(py, timeout, |core| core.items(&keys, false, place(server_key)))
            }

            /// Reads several items: a dict of `Item`, as `get_item` returns one.
            ///
            /// Args:
            ///     keys: As in `get_multi`.
            ///     key_prefix: As in `get_multi`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `get_item`; PartialError as in `get_multi`.
            #[pyo3(signature = (keys, key_prefix = None, *, timeout = None, server_key = None))]
            fn get_items<'py>(
                &self,
                py: Python<'py>,
                keys: Iterable<'py>,
                key_prefix: Option<Key<'_>>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Items>> {
                let keys = Keys::read(&keys, key_prefix)?;
                self.call(py, timeout, |core| core.items(&keys, true, place(server_key)))
            }

            /// Makes every key of a namespace unreachable, in one request, and
            /// returns the number of its new generation.
            ///
            /// Args:
            ///     name: The name of the namespace.
            ///     timeout: Seconds that this call may take.
            ///
            /// Raises:
            ///     InvalidKeyError: The name cannot be part of a key.
            ///     NotNumericError: Another program uses the key
            ///         `<name>:generation`.
            ///     MemoxideError: As in `incr`.
            #[pyo3(signature = (name, *, timeout = None))]
            fn invalidate<'py>(
                &self,
                py: Python<'py>,
                name: Key<'_>,
                timeout: Option<Timeout>,
            ) -> Result<$answer<'py, Number>> {
                self.call(py, timeout, |core| core.generation(name, true))
            }

            /// Finds out the generation of a namespace; see `namespace`.
            #[pyo3(signature = (name, *, timeout = None))]
            fn _generation<'py>(
                &self,
                py: Python<'py>,
                name: Key<'_>,
                timeout: Option<Timeout>,
            ) -> Result<$answer<'py, Number>> {
                self.call(py, timeout, |core| core.generation(name, false))
            }

            /// Seconds that a call may take unless it says otherwise.
            #[getter]
            fn _call_timeout(&self) -> Result<f64> {
                Ok(self.core()?.plan().options().timeout.as_secs_f64())
            }

            /// Takes a lock for a token; see `lock`.
            #[pyo3(signature = (key, token, time, wait, *, timeout, server_key = None))]
            fn _acquire<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                token: &[u8],
                time: Option<Time>,
                wait: f64,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let expiry = expiry(time, None)?;
                let wait = Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX);
                self.call(py, timeout, |core| {
                    core.acquire(key, token, expiry, wait, place(server_key))
                })
            }

            /// Gives a lock back if the token still owns it; see `lock`.
            #[pyo3(signature = (key, token, *, timeout = None, server_key = None))]
            fn _release<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                token: &[u8],
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                self.call(py, timeout, |core| {
                    core.release(key, token, None, place(server_key))
                })
            }

            /// Extends a lock if the token still owns it; see `lock`.
            #[pyo3(signature = (key, token, time, *, timeout = None, server_key = None))]
            fn _extend<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                token: &[u8],
                time: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let expiry = expiry(time, None)?;
                self.call(py, timeout, |core| {
                    let expiry = core.expiry(expiry);
                    core.release(key, token, Some(expiry), place(server_key))
                })
            }
        }
    };
}

pub(crate) use composites;
