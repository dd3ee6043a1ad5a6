"""The Python clients, as workers of bench/run (bench/README.md)."""

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable

KEYS = [f"bench:{key:03}" for key in range(100)]
VALUE = b"x" * 100
ITEMS = dict.fromkeys(KEYS, VALUE)
THREADS = 8
IN_FLIGHT = 64

Case = Callable[[int], None]


def repeat(call: Callable[[], object]) -> Case:
    def run(operations: int) -> None:
        for _ in range(operations):
            call()

    return run


def threads(call: Callable[[], object]) -> Case:
    def loop(operations: int) -> None:
        for _ in range(operations):
            call()

    def run(operations: int) -> None:
        workers = [
            threading.Thread(target=loop, args=(operations // THREADS,))
            for _ in range(THREADS)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return run


def blocking(name: str, host: str, port: int) -> Case:
    library, _, operation = name.partition("-")
    endpoint = f"{host}:{port}"
    if library == "memoxide":
        import memoxide

        client = memoxide.Client([endpoint])
    elif library == "pylibmc":
        import pylibmc

        client = pylibmc.Client([endpoint], behaviors={"tcp_nodelay": True})
        if operation == "threads":
            pool = pylibmc.ThreadMappedPool(client)

            def get() -> object:
                with pool.reserve() as own:
                    return own.get("bench:000")

            return threads(get)
    elif library == "pymemcache":
        from pymemcache.client.base import Client

        client = Client((host, port), no_delay=True)
    elif library == "pymemcachepool":
        from pymemcache.client.base import PooledClient

        client = PooledClient((host, port), no_delay=True, max_pool_size=THREADS)
    elif library == "pymemcachehash":
        from pymemcache.client.hash import HashClient

        client = HashClient([(host, port)], no_delay=True, use_pooling=True)
    elif library == "pythonmemcached":
        import memcache

        client = memcache.Client([endpoint])
    elif library == "binarymemcached":
        import bmemcached

        client = bmemcached.Client([endpoint])
    else:
        raise SystemExit(f"unknown library {library}")
    many = getattr(client, "get_multi", None) or client.get_many
    match operation:
        case "get":
            return repeat(lambda: client.get("bench:000"))
        case "set":
            return repeat(lambda: client.set("bench:000", VALUE))
        case "get10k":
            return repeat(lambda: client.get("bench:10k"))
        case "multiget":
            return repeat(lambda: many(KEYS))
        case "multiset":
            store = getattr(client, "set_multi", None) or client.set_many
            return repeat(lambda: store(ITEMS))
        case "threads":
            return threads(lambda: client.get("bench:000"))
    raise SystemExit(f"unknown operation {operation}")


async def serve_async(name: str, host: str, port: int) -> None:
    library, _, rest = name.removeprefix("async-").partition("-")
    in_flight = int(rest.split("-")[0])
    operation = rest.partition("-")[2] or "get"
    # Each caller reads a key of its own: batches would merge equal ones.
    keys: list[object] = [key.encode() for key in KEYS]
    async with contextlib.AsyncExitStack() as stack:
        if library == "memoxide":
            import memoxide

            client = memoxide.AsyncClient([f"{host}:{port}"])
            stack.push_async_callback(client.aclose)
            keys = list(KEYS)
        elif library == "aiomcache":
            import aiomcache

            client = aiomcache.Client(host, port, pool_size=IN_FLIGHT)
        elif library in ("emcache", "emcachebatch"):
            import emcache

            client = await emcache.create_client(
                [emcache.MemcachedHostAddress(host, port)],
                autobatching=library == "emcachebatch",
                max_connections=2 if library == "emcachebatch" else IN_FLIGHT,
            )
            stack.push_async_callback(client.close)
        else:
            raise SystemExit(f"unknown library {library}")

        if operation == "set":

            async def loop(operations: int, key: object) -> None:
                for _ in range(operations):
                    await client.set(key, VALUE)

        else:

            async def loop(operations: int, key: object) -> None:
                for _ in range(operations):
                    await client.get(key)

        async def run(operations: int) -> None:
            each = operations // in_flight
            await asyncio.gather(*(loop(each, keys[task]) for task in range(in_flight)))

        await run(64 * IN_FLIGHT)
        print("ready", flush=True)
        for line in sys.stdin:
            operations = int(line) // in_flight * in_flight
            begin, cpu = time.perf_counter(), time.process_time()
            await run(operations)
            report(operations, time.perf_counter() - begin, time.process_time() - cpu)


def report(operations: int, wall: float, cpu: float) -> None:
    print(json.dumps({"ops": operations, "wall": wall, "cpu": cpu}), flush=True)


def fill(host: str, port: int) -> None:
    import memoxide

    with memoxide.Client([f"{host}:{port}"]) as client:
        client.set_multi(ITEMS)
        client.set("bench:10k", b"x" * 10_000)


def main() -> None:
    name, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    fill(host, port)
    if name.startswith("async-"):
        if name.endswith("-uvloop"):
            import uvloop

            uvloop.run(serve_async(name.removesuffix("-uvloop"), host, port))
        else:
            asyncio.run(serve_async(name, host, port))
        return
    case = blocking(name, host, port)
    case(200)
    print("ready", flush=True)
    for line in sys.stdin:
        operations = int(line)
        begin, cpu = time.perf_counter(), time.process_time()
        case(operations)
        report(operations, time.perf_counter() - begin, time.process_time() - cpu)


if __name__ == "__main__":
    main()
