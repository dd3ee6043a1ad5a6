"""The blocking client.

Example:
    >>> import memoxide
    >>> with memoxide.EmbeddedServer() as server:
    ...     with memoxide.Client([server.endpoint]) as client:
    ...         _ = client.set("greeting", "hello", time=60)
    ...         client.get("greeting")
    'hello'
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, overload

from memoxide import _native
from memoxide.lock import Lock
from memoxide.namespace import Namespace
from memoxide.options import to_native
from memoxide.reports import typed

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from memoxide.options import Options, Seconds, Servers
    from memoxide.reports import (
        ConnectionsReport,
        GeneralReport,
        ItemsReport,
        SettingsReport,
        SizesReport,
        SlabsReport,
    )

__all__ = ["Client"]


class Client(_native.Client):
    """A blocking client; one is enough for all threads of a program.

    Each call takes a connection of its own from a pool, so that threads do not
    wait for each other; the GIL is released while a call waits. Connections are
    opened on first use. A forked child opens its own. A call ends within
    `timeout`, whatever the servers do. What happens to servers is told to the
    logger `memoxide`, on the thread that called.

    Methods have the names and arguments of python-memcached. Results are True or
    False, a value, or None; whatever goes wrong raises a `MemoxideError`, which
    is also the builtin that fits, such as `ConnectionError`.

    Args:
        servers: `"host:port"`, `"[ipv6]:port"` or `"unix:/path"` in a list or
            separated by commas; a pair of one and its weight, or a mapping of
            them to weights, gives it a larger share of the keys. The port is
            11211 by default. Or a URL,
            `"memcache://host,host/prefix?timeout=0.5"`, with options that yield
            to those given here. None, the default, takes the servers that the
            environment names in `MEMOXIDE_URL`, `MEMCACHIER_SERVERS`,
            `MEMCACHE_SERVERS` or `MEMCACHED_SERVERS`.
        debug: Accepted for python-memcached's sake. Errors are raised here, not
            printed.
        **options: See `memoxide.options.Options`.

    Raises:
        ConfigError: A server or an option does not parse, or there is no such
            option.
    """

    def __init__(
        self,
        servers: Servers | None = None,
        debug: int = 0,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(servers, *to_native(options))
        self.debug = debug

    def quit_all(self) -> None:
        """Does what `disconnect_all` does, under python-memcached's other name."""
        self.disconnect_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self.open_connections:
            # As for files: whoever wants to know turns the warning on.
            message = f"unclosed {self!r}"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
            self.close()

    def lock(
        self,
        key: str | bytes,
        time: Seconds = 30,
        *,
        wait: Seconds | None = None,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> Lock:
        """Returns a lock that programs on several machines share.

        Nothing is sent until it is taken, by `acquire()` or `with`.

        Args:
            key: Where the lock is kept.
            time: Seconds after which it is given back by itself.
            wait: Seconds to wait for it while another holds it; by default it is
                tried once.
            timeout: Seconds that each call of the lock may take, beyond `wait`;
                the client's `timeout` by default.
            server_key: A key whose server has the lock, in place of that of `key`.
        """
        allowed = self._call_timeout if timeout is None else timeout
        return Lock(self, key, time, wait, allowed, server_key)

    def namespace(self, name: str | bytes) -> Namespace:
        """Returns the methods that concern keys, within a namespace.

        All its keys can be made unreachable in one request, by `invalidate`. Each
        call takes one round trip more.
        """
        return Namespace(self, name)

    @overload
    def get_report(
        self,
        report: Literal[""] = "",
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, GeneralReport]]: ...

    @overload
    def get_report(
        self,
        report: Literal["settings"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, SettingsReport]]: ...

    @overload
    def get_report(
        self,
        report: Literal["items"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, ItemsReport]]: ...

    @overload
    def get_report(
        self,
        report: Literal["slabs"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, SlabsReport]]: ...

    @overload
    def get_report(
        self,
        report: Literal["sizes"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, SizesReport]]: ...

    @overload
    def get_report(
        self,
        report: Literal["conns"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, ConnectionsReport]]: ...

    @overload
    def get_report(
        self,
        report: str,
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, Any]]: ...

    def get_report(
        self,
        report: str = "",
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, Any]]:
        """Returns a report of each server with numbers, truths and texts.

        `memoxide.reports` tells what is in them.

        Args:
            report: `"settings"`, `"items"`, `"slabs"`, `"sizes"` or `"conns"`; the
                general one by default.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is asked.

        Raises:
            InvalidArgumentError: There is no such report.
            MemoxideError: As in `get_stats`.
        """
        raw = self.get_stats(report or None, timeout=timeout, server_key=server_key)
        return [(server, typed(report, texts)) for server, texts in raw]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.servers!r})"
