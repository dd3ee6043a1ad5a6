"""Namespaces: keys that can all be made unreachable in one request.

The keys of a namespace begin with its generation, a number that is kept in the
cache. Each call reads the number first, so it takes one round trip more; raising
it (`Client.invalidate`) hides every key at once. What is hidden goes when it
expires or is evicted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memoxide import _native

__all__ = ["AsyncNamespace", "Namespace"]

METHODS = frozenset(
    [
        "add",
        "add_multi",
        "append",
        "cas",
        "decr",
        "delete",
        "delete_multi",
        "exists",
        "gat",
        "gats",
        "get",
        "get_item",
        "get_items",
        "get_multi",
        "get_raw",
        "gets",
        "gets_multi",
        "incr",
        "keys",
        "prepend",
        "replace",
        "set",
        "set_multi",
        "set_raw",
        "take",
        "touch",
        "touch_multi",
        "update",
    ]
)
"""The methods of a client that a namespace has, with the same arguments."""


def _check(name: str, of: object) -> None:
    if name not in METHODS:
        raise AttributeError(f"{type(of).__name__!r} object has no attribute {name!r}")


class Namespace:
    """The methods of a blocking client that concern keys, within a namespace.

    Made by `Client.namespace`. Methods and arguments are those of the client.
    """

    def __init__(self, client: _native.Client, name: str | bytes) -> None:
        self._client = client
        self.name = name

    def __getattr__(self, name: str) -> Any:
        _check(name, self)

        def call(*arguments: object, **keywords: object) -> Any:
            generation = self._client._generation(self.name)
            within = self._client._within(self.name, generation)
            return getattr(within, name)(*arguments, **keywords)

        return call

    def invalidate(self) -> None:
        """Makes every key of the namespace unreachable."""
        self._client.invalidate(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {self._client!r}>"


class AsyncNamespace:
    """The methods of an asyncio client that concern keys, within a namespace.

    Made by `AsyncClient.namespace`. Methods and arguments are those of the client.
    """

    def __init__(self, client: _native.AsyncClient, name: str | bytes) -> None:
        self._client = client
        self.name = name

    def __getattr__(self, name: str) -> Any:
        _check(name, self)

        async def call(*arguments: object, **keywords: object) -> Any:
            generation = await self._client._generation(self.name)
            within = self._client._within(self.name, generation)
            return await getattr(within, name)(*arguments, **keywords)

        return call

    async def invalidate(self) -> None:
        """Makes every key of the namespace unreachable."""
        await self._client.invalidate(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {self._client!r}>"
