"""Event loops, tasks and cancellation under the asyncio client."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from memoxide._driver import Driver

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Fake, Run


def test_calls_of_many_tasks_share_a_connection(run: Run[None], endpoint: str) -> None:
    async def work(client: memoxide.AsyncClient, number: int) -> None:
        for turn in range(20):
            key, value = f"{number}:{turn}", [number, turn] * 50
            assert await client.set(key, value)
            assert await client.get(key) == value
            assert await client.get_multi([key, "absent"]) == {key: value}

    async def main() -> None:
        async with memoxide.AsyncClient([endpoint], timeout=10) as client:
            await asyncio.gather(*[work(client, number) for number in range(50)])
            assert client.open_connections == 1
        assert client.open_connections == 0

    run(main())


def test_calls_begin_before_they_are_awaited(run: Run[None], endpoint: str) -> None:
    async def main() -> None:
        async with memoxide.AsyncClient([endpoint], timeout=5) as client:
            stored = client.set("key", 1)
            counted = client.incr("key")
            assert isinstance(stored, asyncio.Future)
            assert await counted == 2
            assert stored.done()
            assert await stored is True

    run(main())


def test_calls_of_one_turn_go_out_together(
    run: Run[None], fake: Callable[..., Fake]
) -> None:
    chunks: list[bytes] = []

    def behaviour(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            chunks.append(data)
            # The first is under way until the others have come.
            if data.startswith(b"get"):
                connection.sendall(b"EN O1\r\nEND\r\n")

    async def main(endpoint: str) -> None:
        options: Any = {"protocol": "meta", "timeout": 5}
        async with memoxide.AsyncClient([endpoint], **options) as client:
            calls = [client.get("key0")]
            while not chunks:  # noqa: ASYNC110
                await asyncio.sleep(0)
            calls += [client.get(f"key{number}") for number in range(1, 51)]
            assert await asyncio.gather(*calls) == [None] * 51

    with fake(behaviour) as server:
        run(main(server.endpoint))
    # The first one by itself, because nothing was under way; then all others,
    # and as one command.
    others = b" ".join(b"key%d" % number for number in range(1, 51))
    assert chunks == [b"mg key0 f v O1\r\n", b"get " + others + b"\r\n"]


def test_a_call_on_an_idle_connection_goes_out_at_once(
    run: Run[None], fake: Callable[..., Fake]
) -> None:
    arrived = [threading.Event(), threading.Event()]

    def behaviour(connection: socket.socket) -> None:
        for number, event in enumerate(arrived, 1):
            connection.recv(65536)
            event.set()
            connection.sendall(b"EN O%d\r\n" % number)
        connection.recv(1)

    async def main(endpoint: str) -> None:
        options: Any = {"protocol": "meta", "timeout": 5}
        async with memoxide.AsyncClient([endpoint], **options) as client:
            await client.get("one")
            call = client.get("two")
            # The loop has had no turn in between.
            assert arrived[1].wait(30)
            await call

    with fake(behaviour) as server:
        run(main(server.endpoint))


def test_more_than_a_socket_takes_at_once(run: Run[None], endpoint: str) -> None:
    async def main() -> None:
        options: Any = {"timeout": 30, "connect_timeout": 30}
        async with memoxide.AsyncClient([endpoint], **options) as client:
            values = {f"key{number}": os.urandom(900_000) for number in range(30)}
            calls = [client.set(key, value) for key, value in values.items()]
            assert all(await asyncio.gather(*calls))
            for key, value in values.items():
                assert await client.get(key) == value

    run(main())


def test_ids_are_remembered_for_one_task(run: Run[None], endpoint: str) -> None:
    async def main() -> None:
        async with memoxide.AsyncClient([endpoint]) as client:
            await client.set("key", 1)
            await client.gets("key")

            async def elsewhere() -> None:
                with pytest.raises(memoxide.InvalidArgumentError):
                    await client.cas("key", 2)
                assert await client.gets("key") == 1

            await asyncio.create_task(elsewhere())
            assert await client.cas("key", 3)
            assert await client.get("key") == 3

    run(main())


# Giving up --------------------------------------------------------------------


def test_a_cancelled_call_harms_no_other(run: Run[None], endpoint: str) -> None:
    async def main() -> None:
        async with memoxide.AsyncClient([endpoint], timeout=10) as client:
            keys = [f"key{number}" for number in range(100)]
            await client.set_multi({key: key for key in keys})
            calls = [client.get(key) for key in keys]
            for call in calls[::3]:
                call.cancel()
            found = await asyncio.gather(*calls, return_exceptions=True)
            for number, (key, value) in enumerate(zip(keys, found, strict=True)):
                if number % 3 == 0:
                    assert isinstance(value, asyncio.CancelledError)
                else:
                    assert value == key
            assert await client.get("key0") == "key0"

    run(main())


def test_a_cancelled_task(run: Run[None], endpoint: str) -> None:
    async def main() -> None:
        async with memoxide.AsyncClient([endpoint], timeout=10) as client:
            await client.set("key", 1)

            async def work() -> None:
                while True:
                    await client.get("key")

            task = asyncio.create_task(work())
            for _ in range(10):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await client.get("key") == 1

    run(main())


def test_a_time_limit_of_asyncio(
    run: Run[None], memoxide_server: memoxide.EmbeddedServer
) -> None:
    async def main() -> None:
        endpoint = memoxide_server.endpoint
        async with memoxide.AsyncClient([endpoint], timeout=10) as client:
            await client.set_multi({"a": 1, "b": 2})
            memoxide_server.freeze()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get("a"), 0.05)
            memoxide_server.thaw()
            assert await client.get("b") == 2
            assert memoxide_server.connections == 1

    run(main())


def test_what_is_cancelled_before_it_was_sent_is_never_sent(
    run: Run[None],
    memoxide_server: memoxide.EmbeddedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        if type(loop).__module__.startswith("uvloop"):
            pytest.skip("the loop's getaddrinfo cannot be replaced")
        found = loop.create_future()

        async def getaddrinfo(*_: object, **__: object) -> Any:
            await found
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", memoxide_server.address)
            ]

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        server = f"cache.invalid:{memoxide_server.port}"
        options: Any = {"protocol": "meta", "timeout": 10}
        async with memoxide.AsyncClient([server], **options) as client:
            unwanted, wanted = client.set("a", 1), client.set("b", 2)
            await asyncio.sleep(0)
            unwanted.cancel()
            found.set_result(None)
            assert await wanted
            assert await client.get_multi(["a", "b"]) == {"b": 2}

    run(main())


def test_a_call_that_takes_too_long(
    run: Run[None], memoxide_server: memoxide.EmbeddedServer
) -> None:
    async def main() -> None:
        endpoint = memoxide_server.endpoint
        async with memoxide.AsyncClient([endpoint], timeout=0.2) as client:
            await client.set("key", 1, timeout=10)
            memoxide_server.freeze()
            patient = client.get("key", timeout=10)
            for timeout in (None, 0.1):
                with pytest.raises(memoxide.TimeoutError) as error:
                    await client.get("key", timeout=timeout)
                assert isinstance(error.value, TimeoutError)
            assert not patient.done()
            memoxide_server.thaw()
            assert await patient == 1

    run(main())


# Loops and processes ----------------------------------------------------------


def test_outside_of_a_loop_there_is_no_call(endpoint: str) -> None:
    client = memoxide.AsyncClient([endpoint])
    with pytest.raises(RuntimeError, match="no running event loop"):
        client.get("key")
    assert client.server_for("key") == endpoint


def test_one_loop_after_the_other(run: Run[int], endpoint: str) -> None:
    client = memoxide.AsyncClient([endpoint], timeout=5)

    async def main() -> int:
        try:
            return await client.incr("key", initial=1) or 0
        finally:
            await client.disconnect_all()

    assert [run(main()) for _ in range(3)] == [1, 2, 3]
    assert client.open_connections == 0


def test_loops_side_by_side(run: Run[None], endpoint: str) -> None:
    client = memoxide.AsyncClient([endpoint], timeout=10)

    async def main(number: int) -> None:
        for turn in range(50):
            await client.set(f"key{number}", [number, turn])
            assert await client.get(f"key{number}") == [number, turn]
        await client.disconnect_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: run(main(number)), range(4)))
    assert client.open_connections == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_child_has_a_loop_of_its_own(
    run: Run[None], memoxide_server: memoxide.EmbeddedServer
) -> None:
    client = memoxide.AsyncClient([memoxide_server.endpoint], timeout=10)

    async def in_child() -> None:
        assert client.open_connections == 0
        assert await client.get("key") == 1
        await client.aclose()

    async def main() -> None:
        await client.set("key", 1)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                asyncio._set_running_loop(None)
                run(in_child())
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)  # noqa: ASYNC222
        assert os.waitstatus_to_exitcode(status) == 0
        assert memoxide_server.connections == 2
        assert await client.get("key") == 1
        assert memoxide_server.connections == 2
        await client.aclose()

    run(main())


# The end ----------------------------------------------------------------------


def test_a_closed_client_says_so(
    run: Run[None], memoxide_server: memoxide.EmbeddedServer
) -> None:
    async def main() -> None:
        async with memoxide.AsyncClient([memoxide_server.endpoint]) as client:
            await client.set("key", 1)
            memoxide_server.freeze()
            waiting = client.get("key")
        assert client.open_connections == 0
        with pytest.raises(memoxide.ClosedError):
            await waiting
        with pytest.raises(memoxide.ClosedError):
            client.get("key")
        await client.aclose()

    run(main())


def test_closing_idle_connections_leaves_calls_alone(
    run: Run[None], memoxide_server: memoxide.EmbeddedServer
) -> None:
    async def main() -> None:
        async with memoxide.AsyncClient(
            [memoxide_server.endpoint], timeout=5
        ) as client:
            await client.set("key", 1)
            memoxide_server.freeze()
            waiting = client.get("key")
            await client.disconnect_all()
            memoxide_server.thaw()
            assert await waiting == 1
            await client.quit_all()
            assert client.open_connections == 0
            assert await client.get("key") == 1

    run(main())


def test_a_connection_that_is_given_up_before_the_loop_has_had_a_turn(
    run: Run[None], endpoint: str
) -> None:
    async def main() -> None:
        client = memoxide.AsyncClient([endpoint])
        waiting = client.get("key")
        await client.aclose()
        with pytest.raises(memoxide.ClosedError):
            await waiting

    run(main())
    # What was never awaited says so when it is collected, which fails the test.
    gc.collect()


def test_a_loop_that_is_busy_while_a_connection_opens(
    run: Run[None], endpoint: str
) -> None:
    async def main() -> None:
        options: Any = {"connect_timeout": 0.3, "timeout": 30}
        async with memoxide.AsyncClient([endpoint], **options) as client:
            call = client.get("key")
            time.sleep(0.7)  # noqa: ASYNC251 - no turn before all time is over
            assert await call is None

    run(main())


def test_a_client_that_never_did_anything(run: Run[None]) -> None:
    async def main() -> None:
        async with memoxide.AsyncClient(["127.0.0.1:1"]):
            pass

    run(main())


def test_an_unclosed_client_is_reported_and_closed(
    run: Run[None], memoxide_server: memoxide.EmbeddedServer
) -> None:
    async def main() -> None:
        client = memoxide.AsyncClient([memoxide_server.endpoint])
        await client.set("key", 1)
        assert memoxide_server.open_connections == 1
        with pytest.warns(ResourceWarning, match="unclosed AsyncClient"):
            del client
        while memoxide_server.open_connections:  # noqa: ASYNC110
            await asyncio.sleep(0)

    run(main())


def test_nothing_stays_behind(run: Run[None], endpoint: str) -> None:
    gone: list[weakref.ref[Any]] = []

    async def main() -> None:
        async with memoxide.AsyncClient([endpoint]) as client:
            await client.set("key", [1])
            await client.gets("key")
            gone.append(weakref.ref(client))
            # Not isinstance, which asks objects that are lazy.
            drivers = [o for o in gc.get_objects() if type(o) is Driver]
            gone.extend(weakref.ref(driver.engine) for driver in drivers)

    gc.collect()
    run(main())
    gc.collect()
    assert len(gone) >= 2
    assert [ref() for ref in gone] == [None] * len(gone)


def test_a_finalizer_may_call_while_a_reply_is_read(
    run: Run[None], endpoint: str
) -> None:
    calls: list[asyncio.Future[Any]] = []

    async def main() -> None:
        async with memoxide.AsyncClient([endpoint], timeout=5) as client:
            await client.set("tree", [[[number]] for number in range(500)])
            await client.set("other", "value")

            def collecting(phase: str, _: object) -> None:
                if phase == "start" and len(calls) < 10:
                    calls.append(client.get("other"))

            thresholds = gc.get_threshold()
            gc.callbacks.append(collecting)
            gc.set_threshold(1)
            try:
                for _ in range(5):
                    assert len(await client.get("tree")) == 500
            finally:
                gc.callbacks.remove(collecting)
                gc.set_threshold(*thresholds)
            assert calls
            assert set(await asyncio.gather(*calls)) == {"value"}

    run(main())


def test_a_finalizer_may_close_the_client_while_a_reply_is_read(
    run: Run[None], endpoint: str
) -> None:
    async def main() -> None:
        client = memoxide.AsyncClient([endpoint], timeout=5)
        await client.set("tree", [[[number]] for number in range(500)])
        closed: list[str] = []

        def collecting(phase: str, _: object) -> None:
            if phase == "start" and not closed:
                closed.append(phase)
                client._close()

        calls = [client.get("tree") for _ in range(5)]
        thresholds = gc.get_threshold()
        gc.callbacks.append(collecting)
        gc.set_threshold(1)
        try:
            found = await asyncio.gather(*calls, return_exceptions=True)
        finally:
            gc.callbacks.remove(collecting)
            gc.set_threshold(*thresholds)
        assert closed
        assert len(found) == 5
        with pytest.raises(memoxide.ClosedError):
            client.get("tree")
        await client.aclose()

    run(main())


def test_a_loop_in_debug_mode(endpoint: str) -> None:
    async def main() -> None:
        async with memoxide.AsyncClient([endpoint]) as client:
            await client.set("key", 1)
            assert await asyncio.gather(*[client.get("key")] * 10) == [1] * 10

    asyncio.run(main(), debug=True)
