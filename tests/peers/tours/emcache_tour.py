"""Calls everything that emcache has."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import emcache
from tour import PATIENCE, Tour

tour = Tour()
address = emcache.MemcachedHostAddress(tour.host, tour.port)
options: dict[str, Any] = {"timeout": 10.0}
if tour.variant == "tls":
    options |= {"ssl": True, "ssl_extra_ca": sys.argv[3]}
if tour.variant == "ascii":
    options |= {"username": "user", "password": "secret"}


async def see(name: str, awaitable: Any) -> Any:
    """Awaits a call and writes down what came of it."""
    try:
        result = await awaitable
    except Exception as error:  # noqa: BLE001 - whatever a client raises
        tour.write(name, {"error": type(error).__name__, "text": str(error)})
        return error
    tour.write(name, tour.show(plain(result)))
    return result


def plain(result: Any) -> Any:
    """Returns items as tuples, without their cas ids."""
    if isinstance(result, emcache.Item):
        return (result.value, result.flags)
    if isinstance(result, dict):
        return {key: plain(item) for key, item in result.items()}
    return result


async def commands(client: emcache.Client) -> None:
    """Calls what there is for keys."""
    await see("flush", client.flush_all(address))
    await see("miss", client.get(b"key"))
    await see("set", client.set(b"key", b"value", flags=7))
    await see("set without reply", client.set(b"quiet", b"value", noreply=True))
    await see("get", client.get(b"key"))
    await see("get with flags", client.get(b"key", return_flags=True))
    await see("empty", client.set(b"empty", b""))
    await see("get empty", client.get(b"empty"))
    await see("longest key", client.set(b"k" * 250, b"v"))
    await see("get longest key", client.get(b"k" * 250))
    await see("key too long", client.set(b"k" * 251, b"v"))
    await see("key with a space", client.set(b"a b", b"v"))
    await see("add", client.add(b"added", b"1"))
    await see("add again", client.add(b"added", b"2"))
    await see("replace", client.replace(b"added", b"3"))
    await see("replace nothing", client.replace(b"nothing", b"3"))
    await see("append", client.append(b"added", b"4"))
    await see("prepend", client.prepend(b"added", b"2"))
    await see("append to nothing", client.append(b"nothing", b"4"))
    await see("get what was put together", client.get(b"added"))
    keys = [f"many:{number}".encode() for number in range(300)]
    await asyncio.gather(*(client.set(key, key) for key in keys))
    await see("get many", client.get_many(keys))
    await see("get some", client.get_many([b"many:1", b"nothing", b"many:2"]))
    await see("gets many", client.gets_many(keys[:3]))
    await see("gat many", client.gat_many(100, [*keys[:3], b"nothing"]))
    await see("gats many", client.gats_many(100, keys[:3], return_flags=True))
    await see("gat", client.gat(100, b"key"))
    await see("gat nothing", client.gat(100, b"nothing"))
    await see("gats", client.gats(100, b"key", return_flags=True))
    item = await see("gets", client.gets(b"key"))
    await see("cas", client.cas(b"key", b"other", item.cas))
    await see("cas again", client.cas(b"key", b"third", item.cas))
    await see("cas of nothing", client.cas(b"nothing", b"third", item.cas))
    await see("get after cas", client.get(b"key"))
    await client.set(b"number", b"5")
    await see("increment", client.increment(b"number", 10))
    await see("decrement", client.decrement(b"number", 3))
    await see("decrement below zero", client.decrement(b"number", 1000))
    await see("increment nothing", client.increment(b"nothing", 1))
    await see("increment what is no number", client.increment(b"key", 1))
    await see("increment without reply", client.increment(b"number", 1, noreply=True))
    await see("get the number", client.get(b"number"))
    await see("touch", client.touch(b"key", 100))
    await see("touch nothing", client.touch(b"nothing", 100))
    await see("touch to the end", client.touch(b"number", -1))
    await see("get after that", client.get(b"number"))
    await see("delete", client.delete(b"key"))
    await see("delete again", client.delete(b"key"))
    await see("expired", client.set(b"past", b"v", exptime=-1))
    await see("get expired", client.get(b"past"))
    await see("nearly a megabyte", client.set(b"large", b"x" * 1048000))
    await see("get nearly a megabyte", client.get(b"large"))
    await see("too large", client.set(b"large", b"x" * 1048576))
    await see("get after too large", client.get(b"large"))
    # Many at once, over few connections.
    found = await asyncio.gather(*(client.get(key) for key in keys))
    tour.write("at once", [item.value.decode() for item in found])


async def until_gone(client: emcache.Client, key: bytes) -> None:
    """Waits until something has expired."""
    while await client.get(key) is not None:
        await asyncio.sleep(0.02)


async def administration(client: emcache.Client) -> None:
    """Calls what there is for servers."""
    version = await client.version(address)
    tour.write("version is one", str(version).startswith("1.6."))
    await see("verbosity", client.verbosity(address, 0))
    await see("memory limit", client.cache_memlimit(address, 64))
    tour.see_stats("stats", await client.stats(address))
    tour.see_stats("stats settings", await client.stats(address, "settings"))
    await see("sizes", client.stats(address, "sizes"))
    await client.set(b"short", b"v", exptime=1)
    await asyncio.wait_for(until_gone(client, b"short"), PATIENCE)
    await see("flush later", client.flush_all(address, 100))
    await see("still there", client.get(b"many:1"))
    await see("flush", client.flush_all(address))
    await see("gone", client.get(b"many:1"))


async def main() -> None:
    """Calls everything, one by one and with calls put together."""
    for autobatching in (False, True):
        client = await emcache.create_client(
            [address], autobatching=autobatching, **options
        )
        tour.write("autobatching", autobatching)
        await commands(client)
        if not autobatching:
            await administration(client)
        await client.close()
    if tour.variant == "ascii":
        wrong = options | {"password": "wrong"}
        client = await emcache.create_client([address], **(wrong | {"timeout": 0.5}))
        error = await see("wrong password", client.get(b"key"))
        tour.write("is an error", isinstance(error, Exception))
        await client.close()


asyncio.run(main())
