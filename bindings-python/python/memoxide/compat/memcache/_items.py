"""Calls for single items."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from memoxide.compat.memcache._keys import Keys
from memoxide.compat.memcache._servers import Servers
from memoxide.compat.memcache._values import Values, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from memoxide.compat.memcache._host import Host
    from memoxide.compat.memcache._keys import Key

__all__ = ["Items"]

_WHOLE_NUMBER = re.compile(r" *[+-]?[0-9]+")


class Items(Servers, Keys, Values):
    """The part of a client that reads and writes single items."""

    cache_cas: bool
    cas_ids: dict[bytes, int]
    key_encoder: Callable[[Any], Any]

    def get(self, key: Key, default: Any = None) -> Any:
        """Returns a value, or `default` if there is none.

        It is None, and not `default`, if no server can be reached.

        Raises:
            Client.MemcachedKeyError: The key cannot be used.
        """
        return self._get("get", self.key_encoder(key), default)

    def gets(self, key: Key) -> Any:
        """Returns a value or None, and remembers what `cas` needs if `cache_cas`.

        Raises:
            Client.MemcachedKeyError: The key cannot be used.
        """
        return self._get("gets", self.key_encoder(key))

    def set(
        self,
        key: Key,
        val: Any,
        time: float | timedelta = 0,
        min_compress_len: int = 0,
        noreply: bool = False,
    ) -> bool | Literal[0]:
        """Stores a value and tells whether it is stored; 0 if no server was reached.

        Args:
            key: The key.
            val: The value.
            time: The time to live: seconds up to 30 days, beyond that a Unix time;
                0 for ever. Only here it may be a `timedelta`.
            min_compress_len: Bytes beyond which the value is compressed; 0 for
                never.
            noreply: Whether the answer does not matter.

        Raises:
            Client.MemcachedKeyError: The key cannot be used.
        """
        if isinstance(time, timedelta):
            time = int(time.total_seconds())
        key = self.key_encoder(key)
        return self._set("set", key, val, time, min_compress_len, noreply)

    def add(
        self,
        key: Key,
        val: Any,
        time: float = 0,
        min_compress_len: int = 0,
        noreply: bool = False,
    ) -> bool | Literal[0]:
        """Does what `set` does, if there is no value."""
        key = self.key_encoder(key)
        return self._set("add", key, val, time, min_compress_len, noreply)

    def replace(
        self,
        key: Key,
        val: Any,
        time: float = 0,
        min_compress_len: int = 0,
        noreply: bool = False,
    ) -> bool | Literal[0]:
        """Does what `set` does, if there is a value."""
        key = self.key_encoder(key)
        return self._set("replace", key, val, time, min_compress_len, noreply)

    def append(
        self,
        key: Key,
        val: Any,
        time: float = 0,
        min_compress_len: int = 0,
        noreply: bool = False,
    ) -> bool | Literal[0]:
        """Puts a value behind the one that is there."""
        key = self.key_encoder(key)
        return self._set("append", key, val, time, min_compress_len, noreply)

    def prepend(
        self,
        key: Key,
        val: Any,
        time: float = 0,
        min_compress_len: int = 0,
        noreply: bool = False,
    ) -> bool | Literal[0]:
        """Puts a value before the one that is there."""
        key = self.key_encoder(key)
        return self._set("prepend", key, val, time, min_compress_len, noreply)

    def cas(
        self,
        key: Key,
        val: Any,
        time: float = 0,
        min_compress_len: int = 0,
        noreply: bool = False,
    ) -> bool | Literal[0]:
        """Does what `set` does, if the item is the one that `gets` has read.

        Without `cache_cas`, and before `gets`, it does what `set` does.
        """
        key = self.key_encoder(key)
        return self._set("cas", key, val, time, min_compress_len, noreply)

    def delete(self, key: Key, noreply: bool = False) -> Literal[0, 1]:
        """Removes an item and tells whether there was one.

        Raises:
            Client.MemcachedKeyError: The key cannot be used.
        """
        host, wire = self._find(self.key_encoder(key))
        if host is None:
            return 0
        self._statlog("delete")
        try:
            reply = self._refusal(wire) or host.core.delete(
                host.index, wire, host.socket_timeout
            )
        except OSError as error:
            host.failed(error)
            return 0
        if noreply or reply == "DELETED":
            return 1
        self.debuglog(f"delete expected DELETED, got: {reply.encode()!r}")
        return 0

    def touch(self, key: Key, time: float = 0, noreply: bool = False) -> Literal[0, 1]:
        """Sets the time to live of an item and tells whether there is one.

        Args:
            key: The key.
            time: As in `set`; only whole numbers are taken.
            noreply: Whether the answer does not matter.

        Raises:
            Client.MemcachedKeyError: The key cannot be used.
        """
        host, wire = self._find(self.key_encoder(key))
        if host is None:
            return 0
        self._statlog("touch")
        try:
            reply = self._refusal(wire)
            if not _WHOLE_NUMBER.fullmatch(str(time)):
                reply = "CLIENT_ERROR invalid exptime argument"
            if reply is None:
                reply = host.core.touch(
                    host.index, wire, int(str(time)), host.socket_timeout
                )
        except OSError as error:
            host.failed(error)
            return 0
        if noreply or reply == "TOUCHED":
            return 1
        self.debuglog(f"touch expected TOUCHED, got: {reply.encode()!r}")
        return 0

    def incr(self, key: Key, delta: int = 1, noreply: bool = False) -> int | None:
        """Counts up and returns the new number; None if there is no item.

        Raises:
            ValueError: The item is no number, or `delta` is negative or none.
            Client.MemcachedKeyError: The key cannot be used.
        """
        return self._incrdecr("incr", self.key_encoder(key), delta, noreply)

    def decr(self, key: Key, delta: int = 1, noreply: bool = False) -> int | None:
        """Counts down, at most to 0, and returns the new number, None without item.

        Raises:
            ValueError: The item is no number, or `delta` is negative or none.
            Client.MemcachedKeyError: The key cannot be used.
        """
        return self._incrdecr("decr", self.key_encoder(key), delta, noreply)

    def reset_cas(self) -> None:
        """Forgets what `gets` has remembered."""
        self.cas_ids = {}

    def _get(self, cmd: str, key: Key, default: Any = None) -> Any:
        host, wire = self._find(key)
        if host is None:
            return None
        self._statlog(cmd)
        if self._refusal(wire):
            return default
        try:
            found = host.core.get(host.index, wire, cmd == "gets", host.socket_timeout)
        except OSError as error:
            host.failed(error)
            return None
        if found is None:
            return default
        flags, data, cas = found
        if cas is not None and self.cache_cas:
            self.cas_ids[wire] = cas
        return self._decode(flags, data)

    def _set(
        self,
        cmd: str,
        key: Key,
        val: Any,
        time: float,
        min_compress_len: int = 0,
        noreply: bool = False,
    ) -> bool | Literal[0]:
        host, wire = self._find(key)
        if host is None:
            return 0
        self._statlog(cmd)
        cas = None
        if cmd == "cas":
            cas = self.cas_ids.get(wire)
            if cas is None:
                return self._set("set", wire, val, time, min_compress_len, noreply)
        item = self._encode(val, min_compress_len)
        if item is None:
            return 0
        expiry = seconds(time)
        try:
            reply = self._refusal(wire) or host.core.store(
                host.index, cmd, wire, item, expiry, cas, host.socket_timeout
            )
        except OSError as error:
            host.failed(error)
            return 0
        if noreply:
            return True
        host.expected("STORED", reply)
        return reply == "STORED"

    def _incrdecr(self, cmd: str, key: Key, delta: int, noreply: bool) -> int | None:
        host, wire = self._find(key)
        if host is None:
            return None
        self._statlog(cmd)
        number = str(delta)
        answer: int | str | None = self._refusal(wire)
        if not _WHOLE_NUMBER.fullmatch(number) or not 0 <= int(number) < 1 << 64:
            answer = "CLIENT_ERROR invalid numeric delta argument"
        if answer is None:
            try:
                answer = host.core.count(
                    host.index, cmd == "incr", wire, int(number), host.socket_timeout
                )
            except OSError as error:
                host.failed(error)
                return None
        if noreply or answer is None:
            return None
        # What the server says instead of a number is in the message.
        return answer if isinstance(answer, int) else int(answer.encode())

    def _find(self, key: Key) -> tuple[Host, bytes] | tuple[None, Any]:
        """Checks a key and returns its server and its bytes."""
        key = self._encode_key(key)
        if self.do_check_key:
            self.check_key(key)
        return self._get_server(key)
