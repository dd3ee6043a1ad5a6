"""The interfaces of the clients, for applications to depend on.

A function that takes a `Cache` is satisfied by `Client`, by a `Namespace` of one,
and by a double in its tests; one that takes an `AsyncCache`, by `AsyncClient` and
`AsyncNamespace`. They have what an application does with items. Arguments that
only concern the way to a server, such as `timeout`, are left to the classes.

Example:
    >>> import memoxide
    >>> def greeting(cache: memoxide.Cache, name: str) -> str:
    ...     text = cache.get(f"greeting:{name}")
    ...     if text is None:
    ...         text = f"Hello, {name}!"
    ...         cache.set(f"greeting:{name}", text, time=60)
    ...     return text
    >>> with memoxide.EmbeddedServer() as server:
    ...     with memoxide.Client([server.endpoint]) as client:
    ...         greeting(client, "Ada")
    'Hello, Ada!'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from memoxide.item import Item
    from memoxide.options import Seconds

__all__ = ["AsyncCache", "Cache", "Key"]

Key: TypeAlias = str | bytes

K = TypeVar("K", str, bytes)


@runtime_checkable
class Cache(Protocol):
    """What `Client` does with items; see there."""

    def get(self, key: Key, default: Any = None) -> Any:
        """Returns the value of a key, or `default` if there is none."""
        ...

    def gets(self, key: Key, default: Any = None) -> Any:
        """Returns the value of a key and remembers its cas id for `cas`."""
        ...

    def gat(self, key: Key, time: Seconds | None = None, default: Any = None) -> Any:
        """Returns the value of a key and sets a new time to live."""
        ...

    def gats(self, key: Key, time: Seconds | None = None, default: Any = None) -> Any:
        """Does what `gat` and `gets` do."""
        ...

    def get_item(self, key: Key) -> Item | None:
        """Returns the value of a key and what the server tells about it."""
        ...

    def exists(self, key: Key) -> bool:
        """Tells whether there is an item, without reading its value."""
        ...

    def get_multi(
        self, keys: Iterable[K], key_prefix: Key | None = None
    ) -> dict[K, Any]:
        """Returns the values of several keys; those without one are absent."""
        ...

    def set(self, key: Key, value: Any, time: Seconds | None = None) -> bool:
        """Stores a value and returns True."""
        ...

    def add(self, key: Key, value: Any, time: Seconds | None = None) -> bool:
        """Stores a value if the key has none, and tells whether it had none."""
        ...

    def replace(self, key: Key, value: Any, time: Seconds | None = None) -> bool:
        """Stores a value if the key has one, and tells whether it had one."""
        ...

    def append(self, key: Key, value: Any) -> bool:
        """Puts bytes or text behind what is stored; tells whether there was some."""
        ...

    def prepend(self, key: Key, value: Any) -> bool:
        """Puts bytes or text before what is stored; tells whether there was some."""
        ...

    def cas(
        self,
        key: Key,
        value: Any,
        time: Seconds | None = None,
        *,
        cas: int | None = None,
    ) -> bool:
        """Stores a value if the item is still the one that was read."""
        ...

    def set_multi(
        self,
        mapping: Mapping[K, Any],
        time: Seconds | None = None,
        key_prefix: Key | None = None,
    ) -> list[K]:
        """Stores several values and returns the keys of those that were refused."""
        ...

    def add_multi(
        self,
        mapping: Mapping[K, Any],
        time: Seconds | None = None,
        key_prefix: Key | None = None,
    ) -> list[K]:
        """Stores values whose keys have none, and returns the keys that had one."""
        ...

    def incr(
        self,
        key: Key,
        delta: int = 1,
        *,
        initial: int | None = None,
        time: Seconds | None = None,
    ) -> int | None:
        """Adds to a stored number and returns the sum."""
        ...

    def decr(
        self,
        key: Key,
        delta: int = 1,
        *,
        initial: int | None = None,
        time: Seconds | None = None,
    ) -> int | None:
        """Subtracts from a stored number and returns the difference, at least 0."""
        ...

    def update(
        self,
        key: Key,
        change: Callable[[Any], Any],
        time: Seconds | None = None,
        *,
        limit: int = 16,
    ) -> Any:
        """Changes a value by a function, which others' changes survive."""
        ...

    def take(self, key: Key, default: Any = None) -> Any:
        """Reads a value and removes it, so that one caller gets it."""
        ...

    def delete(self, key: Key, *, cas: int | None = None) -> bool:
        """Removes an item and tells whether there was one."""
        ...

    def delete_multi(
        self, keys: Iterable[K], *, key_prefix: Key | None = None
    ) -> list[K]:
        """Removes several items and returns the keys that had none."""
        ...

    def touch(self, key: Key, time: Seconds | None = None) -> bool:
        """Sets a new time to live and tells whether there is an item."""
        ...

    def touch_multi(
        self,
        keys: Iterable[K],
        time: Seconds | None = None,
        key_prefix: Key | None = None,
    ) -> list[K]:
        """Sets a new time to live for several items; returns the absent keys."""
        ...


@runtime_checkable
class AsyncCache(Protocol):
    """What `AsyncClient` does with items: as in `Cache`, to be awaited."""

    def get(self, key: Key, default: Any = None) -> Awaitable[Any]:
        """Returns the value of a key, or `default` if there is none."""
        ...

    def gets(self, key: Key, default: Any = None) -> Awaitable[Any]:
        """Returns the value of a key and remembers its cas id for `cas`."""
        ...

    def gat(
        self, key: Key, time: Seconds | None = None, default: Any = None
    ) -> Awaitable[Any]:
        """Returns the value of a key and sets a new time to live."""
        ...

    def gats(
        self, key: Key, time: Seconds | None = None, default: Any = None
    ) -> Awaitable[Any]:
        """Does what `gat` and `gets` do."""
        ...

    def get_item(self, key: Key) -> Awaitable[Item | None]:
        """Returns the value of a key and what the server tells about it."""
        ...

    def exists(self, key: Key) -> Awaitable[bool]:
        """Tells whether there is an item, without reading its value."""
        ...

    def get_multi(
        self, keys: Iterable[K], key_prefix: Key | None = None
    ) -> Awaitable[dict[K, Any]]:
        """Returns the values of several keys; those without one are absent."""
        ...

    def set(self, key: Key, value: Any, time: Seconds | None = None) -> Awaitable[bool]:
        """Stores a value and returns True."""
        ...

    def add(self, key: Key, value: Any, time: Seconds | None = None) -> Awaitable[bool]:
        """Stores a value if the key has none, and tells whether it had none."""
        ...

    def replace(
        self, key: Key, value: Any, time: Seconds | None = None
    ) -> Awaitable[bool]:
        """Stores a value if the key has one, and tells whether it had one."""
        ...

    def append(self, key: Key, value: Any) -> Awaitable[bool]:
        """Puts bytes or text behind what is stored; tells whether there was some."""
        ...

    def prepend(self, key: Key, value: Any) -> Awaitable[bool]:
        """Puts bytes or text before what is stored; tells whether there was some."""
        ...

    def cas(
        self,
        key: Key,
        value: Any,
        time: Seconds | None = None,
        *,
        cas: int | None = None,
    ) -> Awaitable[bool]:
        """Stores a value if the item is still the one that was read."""
        ...

    def set_multi(
        self,
        mapping: Mapping[K, Any],
        time: Seconds | None = None,
        key_prefix: Key | None = None,
    ) -> Awaitable[list[K]]:
        """Stores several values and returns the keys of those that were refused."""
        ...

    def add_multi(
        self,
        mapping: Mapping[K, Any],
        time: Seconds | None = None,
        key_prefix: Key | None = None,
    ) -> Awaitable[list[K]]:
        """Stores values whose keys have none, and returns the keys that had one."""
        ...

    def incr(
        self,
        key: Key,
        delta: int = 1,
        *,
        initial: int | None = None,
        time: Seconds | None = None,
    ) -> Awaitable[int | None]:
        """Adds to a stored number and returns the sum."""
        ...

    def decr(
        self,
        key: Key,
        delta: int = 1,
        *,
        initial: int | None = None,
        time: Seconds | None = None,
    ) -> Awaitable[int | None]:
        """Subtracts from a stored number and returns the difference, at least 0."""
        ...

    def update(
        self,
        key: Key,
        change: Callable[[Any], Any],
        time: Seconds | None = None,
        *,
        limit: int = 16,
    ) -> Awaitable[Any]:
        """Changes a value by a function, which others' changes survive."""
        ...

    def take(self, key: Key, default: Any = None) -> Awaitable[Any]:
        """Reads a value and removes it, so that one caller gets it."""
        ...

    def delete(self, key: Key, *, cas: int | None = None) -> Awaitable[bool]:
        """Removes an item and tells whether there was one."""
        ...

    def delete_multi(
        self, keys: Iterable[K], *, key_prefix: Key | None = None
    ) -> Awaitable[list[K]]:
        """Removes several items and returns the keys that had none."""
        ...

    def touch(self, key: Key, time: Seconds | None = None) -> Awaitable[bool]:
        """Sets a new time to live and tells whether there is an item."""
        ...

    def touch_multi(
        self,
        keys: Iterable[K],
        time: Seconds | None = None,
        key_prefix: Key | None = None,
    ) -> Awaitable[list[K]]:
        """Sets a new time to live for several items; returns the absent keys."""
        ...
