"""The module in place of python-memcached 1.62.

Programs written for python-memcached run on it unchanged: names, arguments,
results, exceptions, placement of keys and stored bytes are the same. What it does
better, and the few differences, are listed in
`docs/migrating-from-python-memcached.md`. Write new programs with
`memoxide.Client`, which raises errors instead of hiding them.

As in python-memcached, values of other types than bytes, text and integers are
pickled, and stored pickles are loaded, which runs code that their writer chose:
every program that can write to the servers is trusted.

Example:
    >>> import memoxide
    >>> from memoxide.compat import memcache
    >>> with memoxide.EmbeddedServer() as server:
    ...     mc = memcache.Client([server.endpoint])
    ...     mc.set("some_key", "Some value"), mc.get("some_key")
    (True, 'Some value')
"""

from __future__ import annotations

import binascii
import pickle
import sys
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from memoxide import _native
from memoxide.compat.memcache._host import DEAD_RETRY as _DEAD_RETRY
from memoxide.compat.memcache._host import SOCKET_TIMEOUT as _SOCKET_TIMEOUT
from memoxide.compat.memcache._host import Host as _Host
from memoxide.compat.memcache._items import Items
from memoxide.compat.memcache._keys import valid_key_chars_re
from memoxide.compat.memcache._several import Several

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__author__ = "the memoxide developers"
__copyright__ = "Copyright (C) 2025 the memoxide developers"
__license__ = "MIT OR Apache-2.0"
__version__ = "1.62"

__all__ = [
    "SERVER_MAX_KEY_LENGTH",
    "SERVER_MAX_VALUE_LENGTH",
    "_DEAD_RETRY",
    "_SOCKET_TIMEOUT",
    "Client",
    "_ConnectionDeadError",
    "_Error",
    "_Host",
    "cmemcache_hash",
    "serverHashFunction",
    "useOldServerHashFunction",
    "valid_key_chars_re",
]

SERVER_MAX_KEY_LENGTH = 250
"""The longest key in bytes; read when a client is made."""

SERVER_MAX_VALUE_LENGTH = 1024 * 1024
"""The most bytes of a value; read when a client is made."""


def cmemcache_hash(key: bytes) -> int:
    """Returns the number that tells where a key is: 15 bits of its CRC-32."""
    return _native.cmemcache_hash(key)


serverHashFunction: Callable[[bytes], int] = cmemcache_hash
"""The hash function of all clients, to be replaced by assignment."""


def useOldServerHashFunction() -> None:
    """Makes all clients place keys by their whole CRC-32, as long ago."""
    global serverHashFunction
    serverHashFunction = binascii.crc32


class _Error(Exception):
    """For programs that name it; nothing raises it."""


class _ConnectionDeadError(Exception):
    """For programs that name it; nothing raises it."""


class Client(Items, Several):
    """A pool of memcached servers.

    Every thread that uses the object has connections and attributes of its own:
    the constructor runs again there. Keys are text, bytes, or a tuple of a number
    that takes the place of the key's hash, and the key.

    Args:
        servers: `"host:port"`, `"inet6:[addr]:port"` or `"unix:/path"`, or tuples
            of that and a weight.
        debug: Whether messages are written to `sys.stderr`.
        pickleProtocol: The protocol to pickle in.
        pickler: The class that pickles, called with a file and `protocol`.
        unpickler: The class that unpickles, called with a file.
        compressor: The function that compresses values longer than
            `min_compress_len`.
        decompressor: Its inverse.
        pload: Becomes `persistent_load` of every unpickler.
        pid: Becomes `persistent_id` of every pickler.
        server_max_key_length: The longest key in bytes; 0 for no limit, None for
            `SERVER_MAX_KEY_LENGTH`.
        server_max_value_length: The most bytes of a value; 0 for no limit, None
            for `SERVER_MAX_VALUE_LENGTH`.
        dead_retry: Seconds for which a server that failed is skipped.
        socket_timeout: Seconds that a call to a server, and connecting to it, may
            take; None for no limit.
        cache_cas: Whether `gets` remembers what `cas` needs. Without it `cas` is
            `set`.
        flush_on_reconnect: Whether a server is flushed when it is used again after
            it failed.
        check_keys: Whether keys are checked for their type and length.
        key_encoder: A function that each key goes through first.

    Raises:
        ValueError: A server does not parse.
    """

    def __init__(
        self,
        servers: Iterable[str | tuple[str, int]],
        debug: int = 0,
        pickleProtocol: int = 0,
        pickler: Callable[..., Any] = pickle.Pickler,
        unpickler: Callable[..., Any] = pickle.Unpickler,
        compressor: Callable[[bytes], bytes] = zlib.compress,
        decompressor: Callable[[bytes], bytes] = zlib.decompress,
        pload: Callable[[Any], Any] | None = None,
        pid: Callable[[Any], Any] | None = None,
        server_max_key_length: int | None = None,
        server_max_value_length: int | None = None,
        dead_retry: float = _DEAD_RETRY,
        socket_timeout: float | None = _SOCKET_TIMEOUT,
        cache_cas: bool = False,
        flush_on_reconnect: int = 0,
        check_keys: bool = True,
        key_encoder: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        self.debug = debug
        self.dead_retry = dead_retry
        self.socket_timeout = socket_timeout
        self.flush_on_reconnect = flush_on_reconnect
        self.set_servers(servers)
        self.stats = {}
        self.cache_cas = cache_cas
        self.reset_cas()
        self.do_check_key = check_keys
        self.pickleProtocol = pickleProtocol
        self.pickler = pickler
        self.unpickler = unpickler
        self.compressor = compressor
        self.decompressor = decompressor
        self.persistent_load = pload
        self.persistent_id = pid
        if server_max_key_length is None:
            server_max_key_length = SERVER_MAX_KEY_LENGTH
        self.server_max_key_length = server_max_key_length
        if server_max_value_length is None:
            server_max_value_length = SERVER_MAX_VALUE_LENGTH
        self.server_max_value_length = server_max_value_length
        self.key_encoder = key_encoder or (lambda key: key)
        try:
            self.pickler(BytesIO(), protocol=self.pickleProtocol)
            self.picklerIsKeyword = True
        except TypeError:
            self.picklerIsKeyword = False

    def _hash_function(self) -> Callable[[bytes], int] | str:
        if serverHashFunction is cmemcache_hash:
            return "crc15"
        if serverHashFunction is binascii.crc32:
            return "crc32"
        return serverHashFunction


def _doctest() -> None:
    """Runs the examples of this module."""
    import doctest

    results = doctest.testmod(sys.modules[__name__])
    if results.failed:
        sys.exit(1)
