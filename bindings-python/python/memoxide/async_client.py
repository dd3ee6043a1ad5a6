"""The asyncio client.

Example:
    >>> import asyncio
    >>> import memoxide
    >>> async def main(endpoint: str) -> None:
    ...     async with memoxide.AsyncClient([endpoint]) as client:
    ...         await client.set("greeting", "hello", time=60)
    ...         print(await client.get("greeting"))
    >>> with memoxide.EmbeddedServer() as server:
    ...     asyncio.run(main(server.endpoint))
    hello
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, overload

from memoxide import _native
from memoxide.lock import AsyncLock
from memoxide.namespace import AsyncNamespace
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

__all__ = ["AsyncClient"]


class AsyncClient(_native.AsyncClient):
    """An asyncio client; the calls of all tasks share one connection per server.

    Calls begin at once and return futures: await them, gather them, or put a time
    limit around them. Those of one turn of the loop go out together. Cancelling
    one gives it up; what was sent already may have been applied. Connections are
    opened on first use, on the loop that runs then; another loop, or a forked
    child, gets connections of its own. A call ends within `timeout`, whatever the
    servers do.

    Names and arguments are those of `Client`, and so are results and errors. A
    bad key, value or argument raises at once, before there is a future. What
    happens to servers is told to the logger `memoxide`, on the loop.

    Args:
        servers: As in `Client`.
        debug: As in `Client`.
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

    async def aclose(self) -> None:
        """Closes the client: calls under way and further ones raise `ClosedError`.

        Returns when the connections of the running loop are closed. Those of
        other loops are closed by them.
        """
        driver = self._close()
        if driver is not None:
            await driver.wait_closed()

    async def disconnect_all(self) -> None:
        """Closes the connections of the running loop that are not in use.

        The client can be used on.
        """
        self._disconnect()

    async def quit_all(self) -> None:
        """Does what `disconnect_all` does, under python-memcached's other name."""
        await self.disconnect_all()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if self.open_connections:
            # As for files: whoever wants to know turns the warning on.
            message = f"unclosed {self!r}"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
            self._close()

    def lock(
        self,
        key: str | bytes,
        time: Seconds = 30,
        *,
        wait: Seconds | None = None,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> AsyncLock:
        """Returns a lock that programs on several machines share.

        Nothing is sent until it is taken, by `await acquire()` or `async with`.

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
        return AsyncLock(self, key, time, wait, allowed, server_key)

    def namespace(self, name: str | bytes) -> AsyncNamespace:
        """Returns the methods that concern keys, within a namespace.

        All its keys can be made unreachable in one request, by `invalidate`. Each
        call takes one round trip more.
        """
        return AsyncNamespace(self, name)

    @overload
    async def get_report(
        self,
        report: Literal[""] = "",
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, GeneralReport]]: ...

    @overload
    async def get_report(
        self,
        report: Literal["settings"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, SettingsReport]]: ...

    @overload
    async def get_report(
        self,
        report: Literal["items"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, ItemsReport]]: ...

    @overload
    async def get_report(
        self,
        report: Literal["slabs"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, SlabsReport]]: ...

    @overload
    async def get_report(
        self,
        report: Literal["sizes"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, SizesReport]]: ...

    @overload
    async def get_report(
        self,
        report: Literal["conns"],
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, ConnectionsReport]]: ...

    @overload
    async def get_report(
        self,
        report: str,
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[tuple[str, Any]]: ...

    async def get_report(
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
        raw = await self.get_stats(
            report or None, timeout=timeout, server_key=server_key
        )
        return [(server, typed(report, texts)) for server, texts in raw]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.servers!r})"
