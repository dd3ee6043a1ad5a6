"""Futures of calls: real ones of asyncio, whoever waits for them and how."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from memoxide import AsyncClient, EmbeddedServer
from memoxide._driver import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Run


def new_loop_of(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "asyncio":
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
    return loop


LOOPS = pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
WHERE: contextvars.ContextVar[str] = contextvars.ContextVar("WHERE")


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        yield server


def test_calls_return_futures_of_the_loop(
    server: EmbeddedServer, run: Run[Any]
) -> None:
    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            call = client.get("a")
            assert isinstance(call, asyncio.Future)
            assert call.get_loop() is asyncio.get_running_loop()
            assert not call.done()
            assert await call is None
            assert call.done()
            assert call.result() is None

    run(main())


def test_each_task_goes_on_in_its_own_context(
    server: EmbeddedServer, run: Run[Any]
) -> None:
    seen: list[tuple[str, asyncio.Task[Any] | None]] = []

    async def work(client: AsyncClient, name: str) -> None:
        WHERE.set(name)
        for _ in range(3):
            await client.get(name)
            seen.append((WHERE.get(), asyncio.current_task()))

    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            WHERE.set("outside")
            names = [f"task{number}" for number in range(20)]
            tasks = {name: asyncio.create_task(work(client, name)) for name in names}
            await asyncio.gather(*tasks.values())
            assert WHERE.get() == "outside"
            assert len(seen) == 60
            assert all(tasks[name] is task for name, task in seen)

    run(main())


def test_many_may_wait_for_one_call(server: EmbeddedServer, run: Run[Any]) -> None:
    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            await client.set("a", 1)
            call = client.get("a")
            order: list[str] = []

            async def wait(name: str) -> int:
                value: int = await call
                order.append(name)
                return value

            first = asyncio.create_task(wait("first"))
            await asyncio.sleep(0)
            call.add_done_callback(lambda _: order.append("callback"))
            second = asyncio.create_task(wait("second"))
            assert list(await asyncio.gather(first, second)) == [1, 1]
            assert sorted(order) == ["callback", "first", "second"]

    run(main())


def test_what_asyncio_makes_of_futures_works(
    server: EmbeddedServer, run: Run[Any]
) -> None:
    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            await client.set("a", 1)
            both = await asyncio.gather(client.get("a"), client.get("b"))
            assert list(both) == [1, None]
            assert await asyncio.wait_for(client.get("a"), 5) == 1
            assert await asyncio.shield(client.get("a")) == 1
            done, pending = await asyncio.wait([client.get("a"), client.get("b")])
            assert sorted(map(repr, (call.result() for call in done))) == ["1", "None"]
            assert pending == set()
            for first in asyncio.as_completed([client.get("a"), client.get("a")]):
                assert await first == 1
            cancelled = client.get("a")
            assert cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert await client.get("a") == 1

    run(main())


def test_a_task_that_is_cancelled_as_it_wakes(
    server: EmbeddedServer, run: Run[Any]
) -> None:
    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            await client.set("a", 1)
            tasks: list[asyncio.Task[Any]] = []

            async def work(number: int) -> Any:
                value = await client.get("a")
                # The next one is about to be woken.
                if number + 1 < len(tasks):
                    tasks[number + 1].cancel()
                return value

            tasks += [asyncio.create_task(work(number)) for number in range(10)]
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert results[0] == 1
            assert any(isinstance(it, asyncio.CancelledError) for it in results)
            assert await client.get("a") == 1

    run(main())


def test_a_client_may_be_closed_by_a_task_that_wakes(
    server: EmbeddedServer, run: Run[Any]
) -> None:
    async def main() -> None:
        client = AsyncClient([server.endpoint])
        await client.set("a", 1)

        async def work(number: int) -> Any:
            value = await client.get("a")
            if number == 3:
                await client.aclose()
            return value

        results = await asyncio.gather(*map(work, range(10)), return_exceptions=True)
        assert results[:4] == [1, 1, 1, 1]
        assert client.open_connections == 0

    run(main())


@LOOPS
@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
def test_what_ends_a_program_gets_through(
    server: EmbeddedServer, kind: str, end: type[BaseException]
) -> None:
    client = AsyncClient([server.endpoint])
    values: list[Any] = []

    async def leave() -> None:
        await client.get("a")
        raise end

    async def stay() -> None:
        values.append(await client.get("b"))

    loop = new_loop_of(kind)
    tasks = [loop.create_task(work()) for work in (stay, leave, stay)]
    with pytest.raises(end):
        loop.run_forever()
    # Nothing is lost: the loop may go on where it was left.
    loop.run_until_complete(asyncio.wait([tasks[0], tasks[2]]))
    assert values == [None, None]
    with pytest.raises(end):
        tasks[1].result()
    loop.run_until_complete(client.aclose())
    loop.close()


@LOOPS
def test_one_client_on_several_loops(server: EmbeddedServer, kind: str) -> None:
    client = AsyncClient([server.endpoint])

    async def work(name: str) -> None:
        for number in range(20):
            await client.set(name, number)
            assert await client.get(name) == number

    failures: list[BaseException] = []

    def on_thread(name: str) -> None:
        try:
            loop = new_loop_of(kind)
            loop.run_until_complete(work(name))
            loop.run_until_complete(client.disconnect_all())
            loop.run_until_complete(work(name))
            loop.run_until_complete(client.disconnect_all())
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
        except BaseException as failure:  # noqa: BLE001 - reported below
            failures.append(failure)

    threads = [threading.Thread(target=on_thread, args=(f"t{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    with pytest.raises(RuntimeError, match="no running event loop"):
        client.get("a")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_child_of_a_running_loop_has_none(server: EmbeddedServer) -> None:
    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            await client.set("a", 1)
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    client.get("a")
                except RuntimeError:
                    status = 0
                finally:
                    os._exit(status)
            _, status = os.waitpid(child, 0)  # noqa: ASYNC222 - it has ended or will
            assert os.waitstatus_to_exitcode(status) == 0
            assert await client.get("a") == 1

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tasks take no context")
def test_a_task_whose_context_is_in_use_wakes_later(server: EmbeddedServer) -> None:
    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            await client.set("a", 1)
            context = contextvars.copy_context()
            [connection] = (
                it
                for it in gc.get_objects()
                # Not isinstance: Django's lazy objects answer that by setting up.
                if type(it) is Connection
                and it.transport is not None
                and not it.transport.is_closing()
            )
            received = connection.data_received
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    connection,
                    "data_received",
                    lambda data: context.run(received, data),
                )

                async def work() -> Any:
                    return await client.get("a")

                create: Any = asyncio.get_running_loop().create_task
                inside, outside = create(work(), context=context), create(work())
                assert list(await asyncio.gather(inside, outside)) == [1, 1]

    asyncio.run(main())


def test_debug_mode_is_asyncios_own(server: EmbeddedServer) -> None:
    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            await client.set("a", 1)
            assert await asyncio.gather(*(client.get("a") for _ in range(9))) == [1] * 9

    asyncio.run(main(), debug=True)


def test_asyncio_reads_without_mapping_memory(server: EmbeddedServer) -> None:
    # From 128 KiB on, glibc maps memory for a buffer; CPython's own size is above.
    async def main() -> None:
        async with AsyncClient([server.endpoint]) as client:
            large = os.urandom(1_000_000)
            await client.set("large", large)
            assert await client.get("large") == large
            found = [it for it in gc.get_objects() if type(it) is Connection]
            own = [getattr(it.transport, "__dict__", {}) for it in found]
            sizes = [it["max_size"] for it in own if "max_size" in it]
            assert sizes
            assert max(sizes) < 128 * 1024

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
