"""The cache backend for Django.

In the settings:

    CACHES = {
        "default": {
            "BACKEND": "memoxide.django.MemoxideCache",
            "LOCATION": ["127.0.0.1:11211", "127.0.0.1:11212"],
            "OPTIONS": {"timeout": 0.5},
        }
    }

`OPTIONS` are those of `memoxide.Client`. As in Django's own backends, values
other than text, bytes and integers are pickled, and stored pickles are loaded,
which runs code that their writer chose.
"""

from __future__ import annotations

import contextlib
import pickle
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from django.core.cache.backends.base import DEFAULT_TIMEOUT, InvalidCacheKey
from django.core.cache.backends.memcached import BaseMemcachedCache

import memoxide
from memoxide.errors import EncodeError, MemoxideError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Client", "MemoxideCache"]

_LONGEST_KEY = 250


class Client(memoxide.Client):
    """The client of backends with the same settings, closed with the last of them."""

    def __del__(self) -> None:
        self.close()


# Django makes a backend for each thread, and one client is enough for all. There
# is no lock, which a forked child could inherit locked: two threads that come at
# the same time may make two clients, and that does no harm.
_clients: WeakValueDictionary[str, Client] = WeakValueDictionary()


class MemoxideCache(BaseMemcachedCache):
    """A cache over memcached.

    It follows Django's own memcached backends, and can share servers with them:
    `"hashing": "django-pymemcache"` in `OPTIONS` places keys as `PyMemcacheCache`
    does, `"pylibmc"` as `PyLibMCCache` does, and values of both are read.

    All threads of a process share one client, whose connections stay open between
    requests. Errors are raised; with `"on_error": "miss"` in `OPTIONS` a server
    that cannot be reached is an empty cache.

    Args:
        server: `LOCATION`: servers in a list, or separated by commas or
            semicolons, or a `memcache://` URL.
        params: The other settings of the cache.
    """

    def __init__(
        self, server: str | list[str | tuple[str, int]], params: Mapping[str, Any]
    ) -> None:
        super().__init__(
            [server] if isinstance(server, str) and "://" in server else server,
            params,
            library=memoxide,
            # A counter that is not there is None and no exception.
            value_not_found_exception=(),
        )
        self._class = Client
        self._options: dict[str, Any] = {
            "values": "python",
            "pickle": True,
            "pickle_protocol": pickle.HIGHEST_PROTOCOL,
            **(params.get("OPTIONS") or {}),
        }

    @property
    def client_servers(self) -> str | list[str | tuple[str, int]]:
        """The servers, as `memoxide.Client` takes them."""
        servers: list[str | tuple[str, int]] = self._servers
        if len(servers) == 1 and isinstance(servers[0], str) and "://" in servers[0]:
            return servers[0]
        return servers

    @cached_property
    def _cache(self) -> Client:
        servers, options = self.client_servers, self._options
        name = repr((servers, sorted(options.items())))
        client = _clients.get(name)
        if client is None:
            client = _clients[name] = self._class(servers, **options)
        return client

    def validate_key(self, key: str) -> None:
        """Raises unless memcached takes the key.

        Raises:
            InvalidCacheKey: It does not.
        """
        super().validate_key(key)
        # Django counts characters, memcached bytes.
        if len(key) * 4 > _LONGEST_KEY and len(key.encode()) > _LONGEST_KEY:
            raise InvalidCacheKey(
                "Cache key will cause errors if used with memcached: "
                f"{key!r} (longer than {_LONGEST_KEY} bytes in UTF-8)"
            )

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Stores a value if the key has none, and tells whether it had none.

        Raises:
            InvalidCacheKey: memcached does not take the key.
            MemoxideError: The value is too large, or the server failed.
        """
        with _pickling():
            return bool(super().add(key, value, timeout, version))

    def set(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        """Stores a value. If that is refused, the key has none afterwards.

        Raises:
            InvalidCacheKey: memcached does not take the key.
            MemoxideError: The value is too large, or the server failed.
        """
        try:
            with _pickling():
                super().set(key, value, timeout, version)
        except MemoxideError as error:
            # Nobody shall take the old value for this one. A server that cannot
            # be reached would not be reached for that either.
            if not error.is_connection and not error.is_timeout:
                with contextlib.suppress(MemoxideError):
                    self.delete(key, version)
            raise

    def set_many(
        self,
        data: Mapping[str, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[str]:
        """Stores values and returns the keys of those that are not stored.

        Raises:
            InvalidCacheKey: memcached does not take a key.
            MemoxideError: A value is too large, or a server failed.
        """
        with _pickling():
            return list(super().set_many(data, timeout, version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        """Tells whether the key has a value, without fetching it.

        Raises:
            InvalidCacheKey: memcached does not take the key.
            MemoxideError: The server failed.
        """
        try:
            wire = self.make_and_validate_key(key, version=version)
            return bool(self._cache.exists(wire))
        except UnsupportedError:
            # A server that speaks the text protocol alone.
            return bool(super().has_key(key, version))

    def close(self, **kwargs: Any) -> None:
        """Does nothing: connections serve the next request too."""


@contextlib.contextmanager
def _pickling() -> Iterator[None]:
    """Lets errors of pickle out as they are, as other backends do."""
    try:
        yield
    except EncodeError as error:
        cause = error.__cause__
        if cause is None:
            raise
        raise cause from None
