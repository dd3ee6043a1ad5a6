"""Lists of keys, taken as they come."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from memoxide import AsyncClient, Client, EmbeddedServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from conftest import Fake, Run

# More than what is read ahead, and more than the buffers between the two hold.
MANY = 60_000


@pytest.fixture(scope="module")
def full() -> Iterator[EmbeddedServer]:
    """A server with many items."""
    with (
        EmbeddedServer(memory_limit=256 << 20) as server,
        Client([server.endpoint], timeout=30) as client,
    ):
        for begin in range(0, MANY, 10_000):
            keys = (f"item:{number}" for number in range(begin, begin + 10_000))
            client.set_multi(dict.fromkeys(keys, ""))
        yield server


def test_an_iterator_has_the_keys_of_the_list(endpoint: str) -> None:
    with Client([endpoint], prefix="p:") as client, Client([endpoint]) as other:
        client.set_multi({"user:1": 1, "user:2": 2, "näme": 3, b"user:\xff": 4})
        other.set("user:3", 3)
        keys = client.iter_keys("user:")
        assert iter(keys) is keys
        assert sorted(keys, key=str) == sorted(
            ["user:1", "user:2", b"user:\xff"], key=str
        )
        assert list(keys) == []
        assert sorted(client.iter_keys(), key=str) == sorted(client.keys(), key=str)
        assert list(client.iter_keys("nobody")) == []


def test_both_ways_to_read_a_list(endpoint: str, run: Run[Any]) -> None:
    async def main() -> None:
        async with AsyncClient([endpoint], prefix="p:") as client:
            await client.set_multi({"user:1": 1, "user:2": 2, "x": 3, b"user:\xff": 4})
            expected = sorted(["user:1", "user:2", b"user:\xff"], key=str)
            assert sorted(await client.keys("user:"), key=str) == expected
            found = [key async for key in client.keys("user:")]
            assert sorted(found, key=str) == expected
            keys = client.keys("user:")
            assert len(await keys) == 3
            assert await keys == []
            together = await asyncio.gather(client.keys("x"), client.keys("user:1"))
            assert list(together) == [["x"], ["user:1"]]

    run(main())


def test_long_lists_are_complete(full: EmbeddedServer, run: Run[Any]) -> None:
    expected = {f"item:{number}" for number in range(MANY)}
    with Client([full.endpoint]) as client:
        assert set(client.iter_keys()) == expected

    async def main() -> None:
        async with AsyncClient([full.endpoint]) as client:
            found = set()
            async for key in client.keys():
                found.add(key)
                if len(found) % 10_000 == 0:
                    # Behind while the server goes on.
                    await client.get("item:1")
            assert found == expected
            assert len(await client.keys()) == MANY

    run(main())


def test_servers_wait_for_the_reader(full: EmbeddedServer, run: Run[Any]) -> None:
    async def main() -> None:
        async with AsyncClient([full.endpoint], timeout=0.2) as client:
            keys = aiter(client.keys())
            assert await anext(keys)
            # Longer than the time that a server may be silent: it does not count
            # while nothing is wanted. Other calls go on.
            until = asyncio.get_running_loop().time() + 0.5
            while asyncio.get_running_loop().time() < until:
                assert await client.get("item:1") == ""
            assert len([key async for key in keys]) == MANY - 1

    run(main())


@pytest.mark.parametrize("times", [2, sys.maxsize])
def test_a_busy_server_is_asked_again(
    fake: type[Fake], run: Run[Any], times: int
) -> None:
    asked = 0

    def answer(connection: socket.socket) -> None:
        nonlocal asked
        while question := connection.recv(4096):
            if question == b"version\r\n":
                connection.sendall(b"VERSION 1.6.45\r\n")
                continue
            assert question == b"lru_crawler metadump hash\r\n"
            asked += 1
            reply = b"BUSY currently processing crawler request\r\n"
            if asked > times:
                reply = b"OK\r\nkey=a exp=-1 la=1 cas=1 fetch=no cls=1 size=50\nEND\r\n"
            connection.sendall(reply)

    with fake(answer) as server:
        options: Any = {"timeout": 30 if times == 2 else 0.5, "protocol": "meta"}

        async def read() -> list[Any]:
            async with AsyncClient([server.endpoint], **options) as client:
                return [key async for key in client.keys("")]

        async def collect() -> list[Any]:
            async with AsyncClient([server.endpoint], **options) as client:
                return await client.keys()

        with Client([server.endpoint], **options) as client:
            ways: list[Callable[[], list[Any]]] = [
                client.keys,
                lambda: list(client.iter_keys()),
                lambda: run(collect()),
                lambda: run(read()),
            ]
            for way in ways:
                asked = 0
                if times == 2:
                    assert way() == ["a"]
                    continue
                with pytest.raises(memoxide.TimeoutError):
                    way()
                assert asked > 1


def test_the_rest_of_a_list_is_not_read(full: EmbeddedServer, run: Run[Any]) -> None:
    with Client([full.endpoint]) as client:
        keys = client.iter_keys()
        assert next(keys)
        keys.close()
        assert list(keys) == []
        with contextlib.closing(client.iter_keys()) as keys:
            assert next(keys)
        # A server lists for one client at a time, and notices the end later.
        assert sum(1 for _ in client.iter_keys()) == MANY

    async def main() -> None:
        async with AsyncClient([full.endpoint]) as client:
            async with contextlib.aclosing(aiter(client.keys())) as keys:
                assert await anext(keys)
                # Not on the connection of the list.
                assert await client.get("item:1") == ""
                assert client.open_connections == 2
            assert client.open_connections == 1

    run(main())
    with Client([full.endpoint]) as client:
        assert sum(1 for _ in client.iter_keys()) == MANY


def test_a_wait_can_be_given_up(run: Run[Any]) -> None:
    async def main() -> None:
        with EmbeddedServer() as server:
            async with AsyncClient([server.endpoint]) as client:
                await client.set("a", 1)
                server.freeze()
                keys = client.keys()
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(keys, 0.05)
                server.thaw()
                assert await client.keys() == ["a"]

    run(main())


def test_a_server_that_cannot_list(run: Run[Any]) -> None:
    with (
        EmbeddedServer(dump_enabled=False) as server,
        EmbeddedServer() as able,
        Client([server.endpoint]) as client,
        Client([server.endpoint, able.endpoint]) as both,
    ):
        both.set_multi({f"key:{number}": 1 for number in range(100)})
        with pytest.raises(memoxide.MemoxideError) as alone:
            client.keys()
        keys = client.iter_keys()
        with pytest.raises(type(alone.value)):
            next(keys)
        assert list(keys) == []
        keys = both.iter_keys()
        found: list[Any] = []
        with pytest.raises(memoxide.PartialError) as partial:
            found.extend(keys)
        assert [part.endpoint for part in partial.value.parts] == [server.endpoint]

        async def main() -> None:
            async with AsyncClient([server.endpoint, able.endpoint]) as client:
                found: list[Any] = []

                async def read() -> None:
                    async for key in client.keys():
                        found.append(key)  # noqa: PERF401 - it fails at the end

                with pytest.raises(memoxide.PartialError):
                    await read()
                assert len(found) == able.items
                with pytest.raises(memoxide.PartialError):
                    await client.keys()

        run(main())


def test_a_silent_server_is_waited_for_no_longer_than_allowed(run: Run[Any]) -> None:
    with EmbeddedServer() as server, Client([server.endpoint]) as client:
        client.set("a", 1)
        server.freeze()
        with pytest.raises(memoxide.TimeoutError):
            next(client.iter_keys(timeout=0.1))

        async def main() -> None:
            async with AsyncClient([server.endpoint]) as client:
                with pytest.raises(memoxide.TimeoutError):
                    await client.keys(timeout=0.1)

        run(main())


def test_a_list_may_take_longer_than_a_call(fake: type[Fake], run: Run[Any]) -> None:
    count = 6

    def list_slowly(connection: socket.socket) -> None:
        while question := connection.recv(4096):
            if question == b"version\r\n":
                connection.sendall(b"VERSION 1.6.45\r\n")
                continue
            assert question == b"lru_crawler metadump hash\r\n"
            for number in range(count):
                time.sleep(0.1)
                line = f"key=k{number} exp=-1 la=1 cas=1 fetch=no cls=1 size=50\n"
                connection.sendall(line.encode())
            connection.sendall(b"END\r\n")

    with fake(list_slowly) as server:
        # Each step is far within the time, all of them are not.
        options: Any = {"timeout": 0.4, "protocol": "meta"}
        with Client([server.endpoint], **options) as client:
            assert len(client.keys()) == count
            assert len(list(client.iter_keys())) == count

        async def main() -> None:
            async with AsyncClient([server.endpoint], **options) as client:
                assert len(await client.keys()) == count

        run(main())


def test_a_list_has_one_reader(full: EmbeddedServer) -> None:
    async def main() -> None:
        async with AsyncClient([full.endpoint]) as client:
            keys = client.keys()

            async def read() -> list[Any]:
                return await keys

            results = await asyncio.gather(read(), read(), return_exceptions=True)
            assert {type(result) for result in results} == {
                list,
                memoxide.InvalidArgumentError,
            }

    asyncio.run(main())
    with Client([full.endpoint]) as client:
        keys = client.iter_keys()
        found: list[Any] = []
        failures: list[BaseException] = []

        def read() -> None:
            try:
                found.extend(keys)
            except memoxide.InvalidArgumentError as failure:
                failures.append(failure)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(failures) < 4
        assert len(set(found)) == len(found)


@pytest.mark.parametrize("prefix", [1, "\ud800"])
def test_a_bad_prefix_raises_at_once(
    memoxide_server: EmbeddedServer, prefix: Any
) -> None:
    with (
        Client([memoxide_server.endpoint]) as client,
        pytest.raises(memoxide.InvalidKeyError),
    ):
        client.iter_keys(prefix)
    with pytest.raises(memoxide.InvalidKeyError):
        AsyncClient([memoxide_server.endpoint]).keys(prefix)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_list_stays_with_the_parent(full: EmbeddedServer) -> None:
    with Client([full.endpoint]) as client:
        keys = client.iter_keys()
        found = [next(keys)]
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for _ in keys:
                    pass
            except memoxide.ClosedError:
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        found.extend(keys)
        assert len(set(found)) == MANY
