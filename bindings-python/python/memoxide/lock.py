"""Locks that programs on several machines share through the cache.

A lock is an item that holds its owner's token. It is given back by whoever holds
the token, compared and removed in one step, or by itself when its time is over.
A cache may lose items: use such a lock to save work, not to protect what must
never happen twice.

Example:
    >>> import memoxide
    >>> with memoxide.EmbeddedServer() as server:
    ...     with memoxide.Client([server.endpoint]) as client:
    ...         with client.lock("report", time=30):
    ...             client.lock("report").acquire()
    False
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from memoxide.errors import TimeoutError  # noqa: A004 - named as the kind
from memoxide.options import in_seconds

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from memoxide import _native
    from memoxide.namespace import AsyncNamespace, Namespace
    from memoxide.options import Seconds

__all__ = ["AsyncLock", "Lock"]


class _Terms:
    """What both locks are made of.

    Attributes:
        key: Where the lock is kept.
        time: Seconds, or a timedelta, after which it is given back by itself.
        wait: Seconds to wait for it while another holds it.
        token: What marks this owner.
    """

    def __init__(
        self,
        key: str | bytes,
        time: Seconds,
        wait: Seconds | None,
        timeout: Seconds,
        server_key: str | bytes | None,
    ) -> None:
        self.key = key
        self.time = time
        self.wait = 0.0 if wait is None else in_seconds(wait)
        self.token = secrets.token_hex(16).encode()
        self._timeout = in_seconds(timeout)
        self._server_key = server_key

    def _refused(self) -> TimeoutError:
        return TimeoutError(f"lock {self.key!r} is held by another")


class Lock(_Terms):
    """A lock of a blocking client; made by `Client.lock`.

    As a context manager it is taken on entering, which raises `TimeoutError`
    when another holds it for longer than `wait`, and given back on leaving.
    """

    def __init__(
        self,
        client: _native.Client | Namespace,
        key: str | bytes,
        time: Seconds,
        wait: Seconds | None,
        timeout: Seconds,
        server_key: str | bytes | None,
    ) -> None:
        super().__init__(key, time, wait, timeout, server_key)
        self._client = client

    def acquire(self) -> bool:
        """Takes the lock, waiting for it up to `wait`; tells whether it was taken.

        Raises:
            InvalidArgumentError: The time to live is not above 0, or out of range.
            MemoxideError: As in `Client.set`. When the outcome is unknown the lock
                may be taken until its time is over, or until `release`.
        """
        return self._client._acquire(
            self.key,
            self.token,
            self.time,
            self.wait,
            timeout=self.wait + self._timeout,
            server_key=self._server_key,
        )

    def extend(self, time: Seconds | None = None) -> bool:
        """Sets a new time to live; tells whether the lock was still held.

        Args:
            time: Seconds or a timedelta from now on; that of the lock by default.

        Raises:
            MemoxideError: As in `acquire`.
        """
        return self._client._extend(
            self.key,
            self.token,
            self.time if time is None else time,
            timeout=self._timeout,
            server_key=self._server_key,
        )

    def release(self) -> bool:
        """Gives the lock back; tells whether it was still held.

        Raises:
            MemoxideError: As in `Client.delete`; the lock then ends with its time.
        """
        return self._client._release(
            self.key, self.token, timeout=self._timeout, server_key=self._server_key
        )

    def __enter__(self) -> Self:
        if not self.acquire():
            raise self._refused()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class AsyncLock(_Terms):
    """A lock of an asyncio client; made by `AsyncClient.lock`.

    As an async context manager it is taken on entering, which raises
    `TimeoutError` when another holds it for longer than `wait`, and given back
    on leaving. Errors are those of `Lock`.
    """

    def __init__(
        self,
        client: _native.AsyncClient | AsyncNamespace,
        key: str | bytes,
        time: Seconds,
        wait: Seconds | None,
        timeout: Seconds,
        server_key: str | bytes | None,
    ) -> None:
        super().__init__(key, time, wait, timeout, server_key)
        self._client = client

    async def acquire(self) -> bool:
        """Takes the lock, waiting for it up to `wait`; tells whether it was taken."""
        return await self._client._acquire(
            self.key,
            self.token,
            self.time,
            self.wait,
            timeout=self.wait + self._timeout,
            server_key=self._server_key,
        )

    async def extend(self, time: Seconds | None = None) -> bool:
        """Sets a new time to live; tells whether the lock was still held.

        Args:
            time: Seconds or a timedelta from now on; that of the lock by default.
        """
        return await self._client._extend(
            self.key,
            self.token,
            self.time if time is None else time,
            timeout=self._timeout,
            server_key=self._server_key,
        )

    async def release(self) -> bool:
        """Gives the lock back; tells whether it was still held."""
        return await self._client._release(
            self.key, self.token, timeout=self._timeout, server_key=self._server_key
        )

    async def __aenter__(self) -> Self:
        if not await self.acquire():
            raise self._refused()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.release()
