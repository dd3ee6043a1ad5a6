"""Lists of keys on an event loop.

Example:
    >>> import asyncio
    >>> import memoxide
    >>> async def main(endpoint: str) -> None:
    ...     async with memoxide.AsyncClient([endpoint]) as client:
    ...         await client.set_multi({"user:1": "Ada", "user:2": "Alan", "x": 1})
    ...         async for key in client.keys("user:2"):
    ...             print(key)
    ...         print(sorted(await client.keys("user:")))
    >>> with memoxide.EmbeddedServer() as server:
    ...     asyncio.run(main(server.endpoint))
    user:2
    ['user:1', 'user:2']
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from memoxide.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator

__all__ = ["KeyStream"]


class _Source(Protocol):
    """What gives keys, some at a time, none at the end: the native `KeySource`."""

    def next(self, collects: bool) -> Awaitable[list[Any]]: ...

    def close(self) -> None: ...


class KeyStream:
    """The keys that servers list, as `AsyncClient.keys` returns them.

    `async for` takes them as they come; awaited it is a list of them. They can be
    taken once.

    Attributes:
        source: What gives the keys; for this package only.
    """

    __slots__ = ("_is_read", "source")

    def __init__(self, source: _Source) -> None:
        self.source = source
        self._is_read = False

    @classmethod
    def later(cls, begin: Callable[[], Awaitable[KeyStream]]) -> KeyStream:
        """Returns the keys of a list that is begun when the first is wanted."""
        return cls(_Later(begin))

    async def __aiter__(self) -> AsyncGenerator[Any, None]:
        with self._reading():
            while keys := await self.source.next(False):
                for key in keys:
                    yield key

    def __await__(self) -> Generator[Any, None, list[Any]]:
        return self._all().__await__()

    async def _all(self) -> list[Any]:
        found = []
        with self._reading():
            while keys := await self.source.next(True):
                found += keys
        return found

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if self._is_read:
            raise InvalidArgumentError("list of keys is read by another task")
        self._is_read = True
        try:
            yield
        finally:
            self._is_read = False
            self.source.close()


class _Later:
    """The source of a list that is begun when the first keys are wanted."""

    def __init__(self, begin: Callable[[], Awaitable[KeyStream]]) -> None:
        self._begin = begin
        self._source: _Source | None = None

    async def next(self, collects: bool) -> list[Any]:
        if self._source is None:
            self._source = (await self._begin()).source
        return await self._source.next(collects)

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
