"""Clients on an event loop, asyncio's or uvloop's."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from worker import AGE, KEYS, LARGE, LARGE_GETS, SMALL, VALUE, Spent

Call = Callable[[Any, Any], Awaitable[object]]

#: Each is told the client and the key of its caller.
CALLS: dict[str, Call] = {
    "delete": lambda client, _: client.delete(b"bench:none"),
    "get": lambda client, key: client.get(key),
    "incr": lambda client, _: incr(client)(b"bench:count", 1),
    "set": lambda client, key: client.set(key, VALUE),
    "touch": lambda client, key: client.touch(key, 3600),
}


def incr(client: Any) -> Callable[[bytes, int], Awaitable[object]]:
    return getattr(client, "incr", None) or client.increment


async def open_client(
    library: str, host: str, port: int, in_flight: int, stack: contextlib.AsyncExitStack
) -> Any:
    if library == "memoxide":
        import memoxide

        return await stack.enter_async_context(memoxide.AsyncClient([f"{host}:{port}"]))
    if library == "aiomcache":
        import aiomcache

        client = aiomcache.Client(host, port, pool_size=in_flight)
        stack.push_async_callback(client.close)
        return client
    if library in ("emcache", "emcachebatch"):
        import emcache

        batch = library == "emcachebatch"
        client = await emcache.create_client(
            [emcache.MemcachedHostAddress(host, port)],
            autobatching=batch,
            max_connections=2 if batch else in_flight,
        )
        stack.push_async_callback(client.close)
        return client
    raise SystemExit(f"unknown library {library}")


async def serve(name: str, host: str, port: int) -> None:
    library, operation, number = name.split("-")
    in_flight = int(number)
    # Each caller has a key of its own: batches would merge equal ones. The
    # others want bytes.
    keys: list[Any] = KEYS if library == "memoxide" else [key.encode() for key in KEYS]
    async with contextlib.AsyncExitStack() as stack:
        if operation in ("fresh", "aged"):

            async def run(operations: int) -> Spent:
                return await aging(
                    host, port, AGE if operation == "aged" else 1, operations
                )

        else:
            client = await open_client(library, host, port, in_flight, stack)
            call = CALLS[operation]

            async def loop(calls: int, key: Any) -> None:
                for _ in range(calls):
                    await call(client, key)

            async def run(operations: int) -> Spent:
                each = operations // in_flight + 1
                spent = Spent()
                spent.start()
                if in_flight == 1:
                    await loop(each, keys[0])
                else:
                    await asyncio.gather(
                        *(loop(each, keys[task]) for task in range(in_flight))
                    )
                spent.stop(each * in_flight)
                return spent

            if operation == "get" and await client.get(keys[0]) is None:
                raise SystemExit("the client does not find what it is to read")
        await run(20 * in_flight)
        print("ready", flush=True)
        # Nothing else runs on this loop while the next number is awaited.
        for line in sys.stdin:
            (await run(int(line))).report()


async def aging(host: str, port: int, small: int, operations: int) -> Spent:
    """Large gets on a connection that has served so many small ones."""
    import memoxide

    spent = Spent()
    while spent.operations < operations:
        async with memoxide.AsyncClient([f"{host}:{port}"]) as client:
            for _ in range(small):
                await client.get(SMALL)
            spent.start()
            for _ in range(LARGE_GETS):
                await client.get(LARGE)
            spent.stop(LARGE_GETS)
    return spent
