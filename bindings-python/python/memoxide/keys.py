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
from typing import TYPE_CHECKING, Any

from memoxide.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterator

    from memoxide._native import KeySource

__all__ = ["KeyStream"]


class KeyStream:
    """The keys that servers list, as `AsyncClient.keys` returns them.

    `async for` takes them as they come; awaited it is a list of them. They can be
    taken once.
    """

    __slots__ = ("_is_read", "_source")

    def __init__(self, source: KeySource) -> None:
        self._source = source
        self._is_read = False

    async def __aiter__(self) -> AsyncGenerator[Any, None]:
        with self._reading():
            while keys := await self._source.next():
                for key in keys:
                    yield key

    def __await__(self) -> Generator[Any, None, list[Any]]:
        return self._all().__await__()

    async def _all(self) -> list[Any]:
        found = []
        with self._reading():
            while keys := await self._source.next():
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
            self._source.close()
