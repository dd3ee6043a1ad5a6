"""Clients that block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from worker import AGE, ITEMS, KEYS, LARGE, LARGE_GETS, SMALL, VALUE, Spent

THREADS = 8

Case = Callable[[int], Spent]


def memoxide(endpoint: str) -> Any:
    from memoxide import Client

    return Client([endpoint])


def dropin(endpoint: str) -> Any:
    from memoxide.compat.memcache import Client

    return Client([endpoint])


def pylibmc(endpoint: str) -> Any:
    import pylibmc

    return pylibmc.Client([endpoint], behaviors={"tcp_nodelay": True})


# pymemcache does not wait for the answer to a set unless told to.
def pymemcache(endpoint: str) -> Any:
    from pymemcache.client.base import Client

    return Client(endpoint, no_delay=True, default_noreply=False)


def pymemcachepool(endpoint: str) -> Any:
    from pymemcache.client.base import PooledClient

    return PooledClient(
        endpoint, no_delay=True, max_pool_size=THREADS, default_noreply=False
    )


def pymemcachehash(endpoint: str) -> Any:
    from pymemcache.client.hash import HashClient

    return HashClient(
        [endpoint], no_delay=True, use_pooling=True, default_noreply=False
    )


def pythonmemcached(endpoint: str) -> Any:
    import memcache

    return memcache.Client([endpoint])


def binarymemcached(endpoint: str) -> Any:
    import bmemcached

    return bmemcached.Client([endpoint])


LIBRARIES = {
    open_client.__name__: open_client
    for open_client in (
        memoxide,
        dropin,
        pylibmc,
        pymemcache,
        pymemcachepool,
        pymemcachehash,
        pythonmemcached,
        binarymemcached,
    )
}


def case(name: str, host: str, port: int) -> Case:
    library, _, operation = name.partition("-")
    endpoint = f"{host}:{port}"
    if operation in ("fresh", "aged"):
        return aging(endpoint, AGE if operation == "aged" else 1)
    client = LIBRARIES[library](endpoint)
    if operation == "threads":
        if library != "pylibmc":
            return threads(lambda: client.get(SMALL))
        import pylibmc as library_of_pool

        pool = library_of_pool.ThreadMappedPool(client)

        def get() -> None:
            with pool.reserve() as own:
                own.get(SMALL)

        return threads(get)
    get_many = getattr(client, "get_multi", None) or client.get_many
    set_many = getattr(client, "set_multi", None) or client.set_many
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: client.get(SMALL),
        "get10k": lambda: client.get(LARGE),
        "set": lambda: client.set(SMALL, VALUE),
        "multiget": lambda: get_many(KEYS),
        "multiset": lambda: set_many(ITEMS),
    }
    return repeat(calls[operation], found(client, operation, get_many))


def found(client: Any, operation: str, get_many: Callable[[list[str]], Any]) -> bool:
    """Whether the client finds what the case reads: a miss would cost nothing."""
    if operation == "get":
        return client.get(SMALL) is not None
    if operation == "get10k":
        return client.get(LARGE) is not None
    return operation != "multiget" or len(get_many(KEYS)) == len(KEYS)


def repeat(call: Callable[[], object], finds: bool) -> Case:
    if not finds:
        raise SystemExit("the client does not find what it is to read")

    def run(operations: int) -> Spent:
        spent = Spent()
        spent.start()
        for _ in range(operations):
            call()
        spent.stop(operations)
        return spent

    return run


def threads(call: Callable[[], object]) -> Case:
    """Eight threads share one client."""

    def run(operations: int) -> Spent:
        each = operations // THREADS + 1

        def loop() -> None:
            for _ in range(each):
                call()

        workers = [threading.Thread(target=loop) for _ in range(THREADS)]
        spent = Spent()
        spent.start()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        spent.stop(each * THREADS)
        return spent

    return run


def aging(endpoint: str, small: int) -> Case:
    """Large gets on a connection that has served so many small ones."""

    def run(operations: int) -> Spent:
        spent = Spent()
        while spent.operations < operations:
            with memoxide(endpoint) as client:
                for _ in range(small):
                    client.get(SMALL)
                spent.start()
                for _ in range(LARGE_GETS):
                    client.get(LARGE)
                spent.stop(LARGE_GETS)
        return spent

    return run
