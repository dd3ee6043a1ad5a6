"""Namespaces and locks beside the scenarios: types, streams, time, nesting."""

from __future__ import annotations

import asyncio
import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from memoxide import AsyncCache, AsyncClient, Cache, Client, EmbeddedServer

if TYPE_CHECKING:
    from conftest import Run


def test_a_namespace_is_a_cache(endpoint: str) -> None:
    def visit(cache: Cache, name: str) -> int | None:
        return cache.incr(name, initial=1, time=60)

    with Client([endpoint]) as client:
        shop = client.namespace("shop")
        assert visit(shop, "visits") == 1
        assert visit(shop, "visits") == 2
        assert visit(client, "visits") == 1
        assert shop.take("visits") == 2
        assert shop.update("seen", lambda seen: (seen or "") + "ada ") == "ada "
        assert client.get("seen") is None
        assert isinstance(shop, Cache)
        assert isinstance(client, Cache)


def test_a_namespace_on_a_loop_is_a_cache(endpoint: str, run: Run[Any]) -> None:
    async def visit(cache: AsyncCache, name: str) -> int | None:
        return await cache.incr(name, initial=1, time=60)

    async def main() -> None:
        async with AsyncClient([endpoint]) as client:
            shop = client.namespace("shop")
            assert await visit(shop, "visits") == 1
            assert await visit(client, "visits") == 1
            assert await shop.take("visits") == 1
            assert await asyncio.create_task(shop.get("visits", "gone")) == "gone"
            assert isinstance(shop, AsyncCache)
            assert isinstance(client, AsyncCache)

    run(main())


@pytest.mark.parametrize("kind", [memoxide.Namespace, memoxide.AsyncNamespace])
def test_methods_are_those_of_the_client(kind: type) -> None:
    client = Client if kind is memoxide.Namespace else AsyncClient
    for name in ("get", "set_multi", "update", "get_raw"):
        method = getattr(kind, name)
        assert method.__doc__ == getattr(client, name).__doc__
        signature = inspect.signature(method)
        assert signature == inspect.signature(getattr(client, name))
    # Administration concerns servers, not keys.
    assert not hasattr(kind, "flush_all")


def test_lists_of_keys(endpoint: str, run: Run[Any]) -> None:
    with Client([endpoint]) as client:
        shop = client.namespace("shop")
        shop.set_multi({"user:1": 1, "user:2": 2, "x": 3})
        client.set("user:3", 3)
        assert sorted(shop.keys("user:")) == ["user:1", "user:2"]
        keys = shop.iter_keys("user:")
        assert sorted(keys) == ["user:1", "user:2"]
        keys = shop.iter_keys()
        shop.invalidate()
        # Begun within the generation before.
        assert sorted(keys) == ["user:1", "user:2", "x"]
        assert list(shop.iter_keys()) == []

    async def main() -> None:
        async with AsyncClient([endpoint]) as client:
            shop = client.namespace("shop")
            await shop.set_multi({"user:1": 1, "user:2": 2, "x": 3})
            assert sorted(await shop.keys("user:")) == ["user:1", "user:2"]
            found = [key async for key in shop.keys("u")]
            assert sorted(found) == ["user:1", "user:2"]
            keys = shop.keys()
            await shop.invalidate()
            assert await keys == []
            assert await keys == []

    run(main())


def test_namespaces_nest(endpoint: str, run: Run[Any]) -> None:
    with Client([endpoint]) as client:
        shop = client.namespace("shop")
        offers = shop.namespace("offers")
        offers.set("tea", 1)
        assert offers.get("tea") == 1
        assert shop.get("tea") is None
        assert client.namespace("offers").get("tea") is None
        offers.invalidate()
        assert offers.get("tea") is None
        offers.set("tea", 2)
        shop.invalidate()
        assert offers.get("tea") is None
        assert repr(offers) == (
            f"<Namespace 'offers' of <Namespace 'shop' of {client!r}>>"
        )

    async def main() -> None:
        async with AsyncClient([endpoint]) as client:
            offers = client.namespace("shop").namespace("offers")
            await offers.set("tea", 1)
            await client.namespace("shop").invalidate()
            assert await offers.get("tea") is None
            await offers.set("tea", 2)
            await offers.invalidate()
            assert await offers.get("tea") is None

    run(main())


def test_both_round_trips_are_within_the_time_of_the_call(run: Run[Any]) -> None:
    with EmbeddedServer() as server:
        # Each request is answered late, so that two are too late.
        server.add_fault({"action": "delay", "seconds": 0.3})
        limit = timedelta(seconds=0.45)
        with Client([server.endpoint], protocol="meta", retry_attempts=0) as client:
            shop = client.namespace("shop")
            # If each had all the time, both would be answered.
            with pytest.raises(memoxide.TimeoutError):
                shop.get("key", timeout=limit)

        async def main() -> None:
            options: Any = {"protocol": "meta", "timeout": 0.45, "retry_attempts": 0}
            async with AsyncClient([server.endpoint], **options) as client:
                with pytest.raises(memoxide.TimeoutError):
                    await client.namespace("shop").get("key")

        run(main())


def test_an_id_is_for_the_item_that_was_read(endpoint: str) -> None:
    with Client([endpoint]) as client:
        shop = client.namespace("shop")
        client.set("key", "outside")
        shop.set("key", "inside")
        assert client.gets("key") == "outside"
        with pytest.raises(memoxide.InvalidArgumentError):
            shop.cas("key", "changed")
        with pytest.raises(memoxide.InvalidArgumentError):
            client.cas("key", "changed", server_key="other")
        assert client.cas("key", "changed")
        assert shop.gets("key") == "inside"
        shop.invalidate()
        # It was read, and is gone.
        assert shop.cas("key", "changed") is False
        assert shop.get("key") is None


def test_a_lock_that_is_held_is_an_error_of_memoxide(
    endpoint: str, run: Run[Any]
) -> None:
    with Client([endpoint]) as client:
        with client.lock("job", 30), pytest.raises(memoxide.TimeoutError) as error:
            client.lock("job", 30).__enter__()
        assert isinstance(error.value, TimeoutError)
        assert client.get("job") is None

    async def main() -> None:
        async with AsyncClient([endpoint]) as client, client.lock("job", 30):
            with pytest.raises(memoxide.TimeoutError):
                await client.lock("job", 30).__aenter__()

    run(main())


def test_where_a_lock_is_kept(run: Run[Any]) -> None:
    with (
        EmbeddedServer() as one,
        EmbeddedServer() as two,
        Client([one.endpoint, two.endpoint]) as client,
    ):
        elsewhere = next(
            f"key{number}"
            for number in range(100)
            if client.server_for(f"key{number}") != client.server_for("job")
        )
        with client.lock("job", server_key=elsewhere, timeout=2) as lock:
            assert client.exists("job", server_key=elsewhere)
            assert not client.exists("job")
            assert lock.extend(60)
        assert not client.exists("job", server_key=elsewhere)
        shop = client.namespace("shop")
        with shop.lock("job"):
            assert shop.exists("job")
            assert not client.exists("job")
        assert not shop.exists("job")
        servers = client.servers

        async def main() -> None:
            async with AsyncClient(servers) as client:
                async with client.lock("job", server_key=elsewhere):
                    assert await client.exists("job", server_key=elsewhere)
                async with client.namespace("shop").lock("job") as lock:
                    assert not await client.exists("job")
                    assert await lock.extend(60)

        run(main())
