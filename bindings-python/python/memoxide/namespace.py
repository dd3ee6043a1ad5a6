"""Namespaces: keys that can all be made unreachable in one request.

The keys of a namespace begin with its generation, a number that is kept in the
cache. Each call reads the number first, so it takes one round trip more; raising
it (`Client.invalidate`) hides every key at once. What is hidden goes when it
expires or is evicted.

Example:
    >>> import memoxide
    >>> with memoxide.EmbeddedServer() as server:
    ...     with memoxide.Client([server.endpoint]) as client:
    ...         shop = client.namespace("shop")
    ...         _ = shop.set("offer", "tea", time=60)
    ...         shop.get("offer")
    ...         shop.invalidate()
    ...         shop.get("offer", "nothing")
    'tea'
    'nothing'
"""

from __future__ import annotations

from functools import wraps
from time import monotonic
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from memoxide import _native
from memoxide.keys import KeyStream
from memoxide.lock import AsyncLock, Lock
from memoxide.options import in_seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from memoxide._native import KeyIterator
    from memoxide.options import Seconds

__all__ = ["AsyncNamespace", "Namespace"]

P = ParamSpec("P")
R = TypeVar("R")


class _Allowance:
    """What a call may take, of which reading the generation takes its part."""

    def __init__(self, client: Any, timeout: Seconds | None) -> None:
        whole = client._call_timeout if timeout is None else in_seconds(timeout)
        self._until = monotonic() + whole

    @property
    def left(self) -> float:
        # None at all is no timeout.
        return max(self._until - monotonic(), 0.001)


def _within(
    method: Callable[Concatenate[_native.Client, P], R],
) -> Callable[Concatenate[Namespace, P], R]:
    """Returns the method of a client for a namespace."""

    @wraps(method)
    def call(self: Namespace, *arguments: Any, **keywords: Any) -> R:
        allowance = _Allowance(self._client, keywords.get("timeout"))
        client = self._enter(allowance)
        return method(client, *arguments, **{**keywords, "timeout": allowance.left})

    return cast("Callable[Concatenate[Namespace, P], R]", call)


def _within_on_loop(
    method: Callable[Concatenate[_native.AsyncClient, P], Awaitable[R]],
) -> Callable[Concatenate[AsyncNamespace, P], Coroutine[Any, Any, R]]:
    """Returns the method of an asyncio client for a namespace."""

    @wraps(method)
    async def call(self: AsyncNamespace, *arguments: Any, **keywords: Any) -> R:
        allowance = _Allowance(self._client, keywords.get("timeout"))
        client = await self._enter(allowance)
        keywords["timeout"] = allowance.left
        return await method(client, *arguments, **keywords)

    return cast(
        "Callable[Concatenate[AsyncNamespace, P], Coroutine[Any, Any, R]]", call
    )


class Namespace:
    """The methods of a blocking client that concern keys, within a namespace.

    Made by `Client.namespace`. Arguments, results and errors are those of the
    client. A call ends within its `timeout`, the round trip for the generation
    included. Besides, any call may raise `NotNumericError`: another program uses
    the key `<name>:generation`.

    Attributes:
        name: The name, as it was given.
    """

    def __init__(
        self,
        client: _native.Client,
        name: str | bytes,
        outer: Namespace | None = None,
    ) -> None:
        self._client = client
        self._outer = outer
        self.name = name

    add = _within(_native.Client.add)
    add_multi = _within(_native.Client.add_multi)
    append = _within(_native.Client.append)
    cas = _within(_native.Client.cas)
    decr = _within(_native.Client.decr)
    delete = _within(_native.Client.delete)
    delete_multi = _within(_native.Client.delete_multi)
    exists = _within(_native.Client.exists)
    gat = _within(_native.Client.gat)
    gats = _within(_native.Client.gats)
    get = _within(_native.Client.get)
    get_item = _within(_native.Client.get_item)
    get_items = _within(_native.Client.get_items)
    get_multi = _within(_native.Client.get_multi)
    get_raw = _within(_native.Client.get_raw)
    gets = _within(_native.Client.gets)
    gets_multi = _within(_native.Client.gets_multi)
    incr = _within(_native.Client.incr)
    prepend = _within(_native.Client.prepend)
    replace = _within(_native.Client.replace)
    set = _within(_native.Client.set)
    set_multi = _within(_native.Client.set_multi)
    set_raw = _within(_native.Client.set_raw)
    take = _within(_native.Client.take)
    touch = _within(_native.Client.touch)
    touch_multi = _within(_native.Client.touch_multi)
    update = _within(_native.Client.update)

    _acquire = _within(_native.Client._acquire)
    _extend = _within(_native.Client._extend)
    _release = _within(_native.Client._release)

    def keys(
        self,
        prefix: str | bytes | None = None,
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> list[Any]:
        """Lists the keys as `Client.keys` does, without what the namespace adds."""
        client = self._enter(_Allowance(self._client, timeout))
        return client.keys(prefix, timeout=timeout, server_key=server_key)

    def iter_keys(
        self,
        prefix: str | bytes | None = None,
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> KeyIterator:
        """Iterates over the keys as `Client.iter_keys` does.

        The keys are those of the generation at the time of this call.
        """
        client = self._enter(_Allowance(self._client, timeout))
        return client.iter_keys(prefix, timeout=timeout, server_key=server_key)

    def lock(
        self,
        key: str | bytes,
        time: Seconds = 30,
        *,
        wait: Seconds | None = None,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> Lock:
        """Returns a lock as `Client.lock` does, which ends with the generation."""
        allowed = self._client._call_timeout if timeout is None else timeout
        return Lock(self, key, time, wait, allowed, server_key)

    def namespace(self, name: str | bytes) -> Namespace:
        """Returns a namespace within this one, which ends with it.

        Each call takes a further round trip.
        """
        return Namespace(self._client, name, self)

    def invalidate(self, *, timeout: Seconds | None = None) -> None:
        """Makes every key of the namespace unreachable, in one request.

        Args:
            timeout: Seconds that this call may take.

        Raises:
            MemoxideError: As in `Client.incr`.
        """
        allowance = _Allowance(self._client, timeout)
        outside = self._outside(allowance)
        outside.invalidate(self.name, timeout=allowance.left)

    def _outside(self, allowance: _Allowance) -> _native.Client:
        return self._client if self._outer is None else self._outer._enter(allowance)

    def _enter(self, allowance: _Allowance) -> _native.Client:
        outside = self._outside(allowance)
        generation = outside._generation(self.name, timeout=allowance.left)
        return outside._within(self.name, generation)

    def __repr__(self) -> str:
        outside = self._outer or self._client
        return f"<{type(self).__name__} {self.name!r} of {outside!r}>"


class AsyncNamespace:
    """The methods of an asyncio client that concern keys, within a namespace.

    Made by `AsyncClient.namespace`. They are coroutines, which begin when they are
    awaited; otherwise this is `Namespace`.

    Attributes:
        name: The name, as it was given.
    """

    def __init__(
        self,
        client: _native.AsyncClient,
        name: str | bytes,
        outer: AsyncNamespace | None = None,
    ) -> None:
        self._client = client
        self._outer = outer
        self.name = name

    add = _within_on_loop(_native.AsyncClient.add)
    add_multi = _within_on_loop(_native.AsyncClient.add_multi)
    append = _within_on_loop(_native.AsyncClient.append)
    cas = _within_on_loop(_native.AsyncClient.cas)
    decr = _within_on_loop(_native.AsyncClient.decr)
    delete = _within_on_loop(_native.AsyncClient.delete)
    delete_multi = _within_on_loop(_native.AsyncClient.delete_multi)
    exists = _within_on_loop(_native.AsyncClient.exists)
    gat = _within_on_loop(_native.AsyncClient.gat)
    gats = _within_on_loop(_native.AsyncClient.gats)
    get = _within_on_loop(_native.AsyncClient.get)
    get_item = _within_on_loop(_native.AsyncClient.get_item)
    get_items = _within_on_loop(_native.AsyncClient.get_items)
    get_multi = _within_on_loop(_native.AsyncClient.get_multi)
    get_raw = _within_on_loop(_native.AsyncClient.get_raw)
    gets = _within_on_loop(_native.AsyncClient.gets)
    gets_multi = _within_on_loop(_native.AsyncClient.gets_multi)
    incr = _within_on_loop(_native.AsyncClient.incr)
    prepend = _within_on_loop(_native.AsyncClient.prepend)
    replace = _within_on_loop(_native.AsyncClient.replace)
    set = _within_on_loop(_native.AsyncClient.set)
    set_multi = _within_on_loop(_native.AsyncClient.set_multi)
    set_raw = _within_on_loop(_native.AsyncClient.set_raw)
    take = _within_on_loop(_native.AsyncClient.take)
    touch = _within_on_loop(_native.AsyncClient.touch)
    touch_multi = _within_on_loop(_native.AsyncClient.touch_multi)
    update = _within_on_loop(_native.AsyncClient.update)

    _acquire = _within_on_loop(_native.AsyncClient._acquire)
    _extend = _within_on_loop(_native.AsyncClient._extend)
    _release = _within_on_loop(_native.AsyncClient._release)

    def keys(
        self,
        prefix: str | bytes | None = None,
        *,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> KeyStream:
        """Lists the keys as `AsyncClient.keys` does, to be awaited or iterated over.

        The keys are those of the generation when the first is read.
        """

        async def begin() -> KeyStream:
            client = await self._enter(_Allowance(self._client, timeout))
            return client.keys(prefix, timeout=timeout, server_key=server_key)

        return KeyStream.later(begin)

    def lock(
        self,
        key: str | bytes,
        time: Seconds = 30,
        *,
        wait: Seconds | None = None,
        timeout: Seconds | None = None,
        server_key: str | bytes | None = None,
    ) -> AsyncLock:
        """Returns a lock as `AsyncClient.lock` does, which ends with the generation."""
        allowed = self._client._call_timeout if timeout is None else timeout
        return AsyncLock(self, key, time, wait, allowed, server_key)

    def namespace(self, name: str | bytes) -> AsyncNamespace:
        """Returns a namespace within this one, which ends with it.

        Each call takes a further round trip.
        """
        return AsyncNamespace(self._client, name, self)

    async def invalidate(self, *, timeout: Seconds | None = None) -> None:
        """Makes every key of the namespace unreachable, in one request.

        Args:
            timeout: Seconds that this call may take.

        Raises:
            MemoxideError: As in `Client.incr`.
        """
        allowance = _Allowance(self._client, timeout)
        outside = await self._outside(allowance)
        await outside.invalidate(self.name, timeout=allowance.left)

    async def _outside(self, allowance: _Allowance) -> _native.AsyncClient:
        if self._outer is None:
            return self._client
        return await self._outer._enter(allowance)

    async def _enter(self, allowance: _Allowance) -> _native.AsyncClient:
        outside = await self._outside(allowance)
        generation = await outside._generation(self.name, timeout=allowance.left)
        return outside._within(self.name, generation)

    def __repr__(self) -> str:
        outside = self._outer or self._client
        return f"<{type(self).__name__} {self.name!r} of {outside!r}>"
