"""Locks that programs on several machines share through the cache.

A lock is an item that holds its owner's token. It is given back by whoever holds
the token, compared and removed in one step, or by itself when its time is over.
A cache may lose items: use such a lock to save work, not to protect what must
never happen twice.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from memoxide import _native

__all__ = ["AsyncLock", "Lock"]

Time = float | timedelta
"""Seconds, or a timedelta."""


def _seconds(time: Time) -> float:
    return time.total_seconds() if isinstance(time, timedelta) else float(time)


class _Terms:
    """What both locks are made of."""

    def __init__(
        self, key: str | bytes, time: Time, wait: Time | None, timeout: float
    ) -> None:
        self.key = key
        self.time = time
        self.wait = 0.0 if wait is None else _seconds(wait)
        self.token = secrets.token_hex(16).encode()
        self._timeout = self.wait + timeout


class Lock(_Terms):
    """A lock of a blocking client; made by `Client.lock`.

    As a context manager it is taken on entering, which raises `TimeoutError`
    when another holds it for longer than `wait`, and given back on leaving.
    """

    def __init__(
        self,
        client: _native.Client,
        key: str | bytes,
        time: Time,
        wait: Time | None,
        timeout: float,
    ) -> None:
        super().__init__(key, time, wait, timeout)
        self._client = client

    def acquire(self) -> bool:
        """Takes the lock, waiting for it up to `wait`; tells whether it was taken."""
        return self._client._acquire(
            self.key, self.token, self.time, self.wait, timeout=self._timeout
        )

    def extend(self, time: Time | None = None) -> bool:
        """Sets a new time to live; tells whether the lock was still held."""
        return self._client._extend(
            self.key, self.token, self.time if time is None else time
        )

    def release(self) -> bool:
        """Gives the lock back; tells whether it was still held."""
        return self._client._release(self.key, self.token)

    def __enter__(self) -> Self:
        if not self.acquire():
            raise TimeoutError(f"lock {self.key!r} is held by another")
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
    on leaving.
    """

    def __init__(
        self,
        client: _native.AsyncClient,
        key: str | bytes,
        time: Time,
        wait: Time | None,
        timeout: float,
    ) -> None:
        super().__init__(key, time, wait, timeout)
        self._client = client

    async def acquire(self) -> bool:
        """Takes the lock, waiting for it up to `wait`; tells whether it was taken."""
        return await self._client._acquire(
            self.key, self.token, self.time, self.wait, timeout=self._timeout
        )

    async def extend(self, time: Time | None = None) -> bool:
        """Sets a new time to live; tells whether the lock was still held."""
        return await self._client._extend(
            self.key, self.token, self.time if time is None else time
        )

    async def release(self) -> bool:
        """Gives the lock back; tells whether it was still held."""
        return await self._client._release(self.key, self.token)

    async def __aenter__(self) -> Self:
        if not await self.acquire():
            raise TimeoutError(f"lock {self.key!r} is held by another")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.release()
