//! Counting, removing, and setting the time to live.

/// Defines the methods; see [`commands`](super).
macro_rules! change {
    ($class:ident, $answer:ident) => {
        #[pymethods]
        #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
        impl $class {
            /// Adds to a stored number and returns the sum, or None if the key
            /// has no value and `initial` is not given.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     delta: What is added, 0 to 2^64 - 1, 1 by default; the sum wraps at
            ///         2^64.
            ///     noreply: As in `set`.
            ///     initial: Stored and returned if the key has no value.
            ///     time: A new time to live as in `set`, also for `initial`; by
            ///         default it stays, and `initial` gets `default_ttl`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     NotNumericError: What is stored is no decimal number.
            ///     InvalidArgumentError: `delta` or `initial` is out of range.
            ///     MemoxideError: As in `set`.
            #[pyo3(
                signature = (
                    key, delta = Count(1), noreply = NoReply, *, initial = None, time = None,
                    ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, delta=1, noreply=False, *, initial=None, time=None, ttl=None, \
                    timeout=None, server_key=None)"
            )]
            fn incr<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                delta: Count,
                noreply: NoReply,
                initial: Option<Count>,
                time: Option<Time>,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, MaybeNumber>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| {
                    let place = place(server_key);
                    core.count(Direction::Increment, key, delta, initial, expiry, place)
                })
            }

            /// Subtracts from a stored number and returns the difference, at
            /// least 0, or None if the key has no value and `initial` is not given.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     delta: What is subtracted, 0 to 2^64 - 1, 1 by default.
            ///     noreply: As in `set`.
            ///     initial: As in `incr`.
            ///     time: As in `incr`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `incr`.
            #[pyo3(
                signature = (
                    key, delta = Count(1), noreply = NoReply, *, initial = None, time = None,
                    ttl = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, delta=1, noreply=False, *, initial=None, time=None, ttl=None, \
                    timeout=None, server_key=None)"
            )]
            fn decr<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                delta: Count,
                noreply: NoReply,
                initial: Option<Count>,
                time: Option<Time>,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, MaybeNumber>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| {
                    let place = place(server_key);
                    core.count(Direction::Decrement, key, delta, initial, expiry, place)
                })
            }

            /// Removes an item and tells whether there was one.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     noreply: As in `set`.
            ///     cas: Removes the item only if it is still the one with this id,
            ///         from `get_item`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     UnsupportedError: `cas` is given and the server knows no meta
            ///         commands.
            ///     MemoxideError: As in `set`.
            #[pyo3(
                signature = (
                    key, noreply = NoReply, *, cas = None, timeout = None, server_key = None
                ),
                text_signature = "($self, key, noreply=False, *, cas=None, timeout=None, server_key=None)"
            )]
            fn delete<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                noreply: NoReply,
                cas: Option<Count>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let _ = noreply;
                self.call(py, timeout, |core| core.delete(key, cas, place(server_key)))
            }

            /// Removes several items and returns the keys that had none.
            ///
            /// Args:
            ///     keys: An iterable of keys as in `get`.
            ///     key_prefix: Put before each key on the wire.
            ///     noreply: As in `set`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     PartialError: Some servers failed; `results` has the keys whose
            ///         items were absent or may be there still.
            ///     MemoxideError: As in `set`. One bad key fails the call before
            ///         anything is sent.
            #[pyo3(
                signature = (
                    keys, *, key_prefix = None, noreply = NoReply, timeout = None,
                    server_key = None
                ),
                text_signature = "($self, keys, *, key_prefix=None, noreply=False, timeout=None, \
                    server_key=None)"
            )]
            fn delete_multi<'py>(
                &self,
                py: Python<'py>,
                keys: Iterable<'py>,
                key_prefix: Option<Key<'_>>,
                noreply: NoReply,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, KeyList>> {
                let _ = noreply;
                let keys = Keys::read(&keys, key_prefix)?;
                self.call(py, timeout, |core| core.delete_multi(&keys, place(server_key)))
            }

            /// Sets a new time to live and tells whether there is an item.
            ///
            /// Args:
            ///     key: As in `get`.
            ///     time: As in `set`.
            ///     noreply: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `set`.
            #[pyo3(
                signature = (
                    key, time = None, noreply = NoReply, *, ttl = None, timeout = None,
                    server_key = None
                ),
                text_signature = "($self, key, time=None, noreply=False, *, ttl=None, timeout=None, \
                    server_key=None)"
            )]
            fn touch<'py>(
                &self,
                py: Python<'py>,
                key: Key<'_>,
                time: Option<Time>,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, Truth>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                self.call(py, timeout, |core| core.touch(key, expiry, place(server_key)))
            }

            /// Sets a new time to live for several items and returns the keys
            /// that have none.
            ///
            /// Args:
            ///     keys: An iterable of keys as in `get`.
            ///     time: As in `set`, for all of them.
            ///     key_prefix: Put before each key on the wire.
            ///     noreply: As in `set`.
            ///     ttl: Another name of `time`.
            ///     timeout: Seconds that this call may take.
            ///     server_key: A key whose server this call goes to.
            ///
            /// Raises:
            ///     MemoxideError: As in `delete_multi`.
            #[pyo3(
                signature = (
                    keys, time = None, key_prefix = None, noreply = NoReply, *, ttl = None,
                    timeout = None, server_key = None
                ),
                text_signature = "($self, keys, time=None, key_prefix=None, noreply=False, *, ttl=None, \
                    timeout=None, server_key=None)"
            )]
            fn touch_multi<'py>(
                &self,
                py: Python<'py>,
                keys: Iterable<'py>,
                time: Option<Time>,
                key_prefix: Option<Key<'_>>,
                noreply: NoReply,
                ttl: Option<Time>,
                timeout: Option<Timeout>,
                server_key: Option<Key<'_>>,
            ) -> Result<$answer<'py, KeyList>> {
                let _ = noreply;
                let expiry = expiry(time, ttl)?;
                let keys = Keys::read(&keys, key_prefix)?;
                self.call(py, timeout, |core| {
                    core.touch_multi(&keys, expiry, place(server_key))
                })
            }
        }
    };
}

pub(crate) use change;
