"""How the event loop stays awake for the reply to a lone call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from memoxide import AsyncClient, EmbeddedServer
from memoxide._driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Run

WARM_UP = 64
"""Lone calls before a trial begins (`vigil` in the core)."""

BLOCK = 8
"""Calls of one kind in a row in a trial."""


class Watched(Driver):
    """A driver that counts the turns in which the loop is awake for it."""

    turns = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        watch = self.watch

        def count() -> None:
            Watched.turns += 1
            watch()

        self.watch = count


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    monkeypatch.setattr("memoxide._driver.Driver", Watched)
    monkeypatch.setattr(Watched, "turns", 0)
    with EmbeddedServer() as server:
        yield server


async def warmed(server: EmbeddedServer, busy_poll: float | None) -> AsyncClient:
    """Returns a client whose next calls are a trial; a get takes 20 milliseconds."""
    # The timer would wake the loop for a turn of its own.
    far: Any = {"timeout": 30, "connect_timeout": 30}
    client = AsyncClient([server.endpoint], busy_poll=busy_poll, **far)
    for _ in range(WARM_UP):
        await client.get_stats()
    assert Watched.turns == 0
    server.fault(action="delay", seconds=0.02, command=("get", "mg"))
    return client


async def turns(client: AsyncClient, at_once: int = 1) -> int:
    """Returns how often the loop turns without sleeping during some calls."""
    before = Watched.turns
    for _ in range(BLOCK):
        await asyncio.gather(*[client.get(f"k{key}") for key in range(at_once)])
    return Watched.turns - before


def test_a_trial_sleeps_for_some_calls_and_stays_awake_for_others(
    server: EmbeddedServer, run: Run[Any]
) -> None:
    async def main() -> None:
        async with await warmed(server, busy_poll=0.016) as client:
            counts = [await turns(client) for _ in range(5)]
        assert counts[0] == 0
        assert counts[1] > 5 * BLOCK
        # One turn may be left of the last call before.
        assert counts[2] <= 1
        assert counts[3] > 5 * BLOCK
        assert counts[4] <= 1, "the server is too far away"

    run(main())


def test_the_loop_sleeps_once_the_time_is_over(
    server: EmbeddedServer, run: Run[Any]
) -> None:
    async def main() -> None:
        async with await warmed(server, busy_poll=1e-6) as client:
            counts = [await turns(client) for _ in range(4)]
        assert counts[0] == 0
        # The first turn of a call finds that the time is over, if the reply is not
        # there before; one turn may be left of the last call before.
        assert 0 < counts[1] <= BLOCK
        assert counts[2] <= 1
        assert counts[3] <= BLOCK + 1

    run(main())


@pytest.mark.parametrize(("busy_poll", "at_once"), [(1, 2), (0, 1)])
def test_the_loop_sleeps_where_calls_are_joined_or_nothing_is_wanted(
    server: EmbeddedServer, run: Run[Any], busy_poll: float, at_once: int
) -> None:
    async def main() -> None:
        async with await warmed(server, busy_poll) as client:
            await turns(client)
            counts = [await turns(client, at_once) for _ in range(3)]
        # What a call of a trial began, the call that joins it ends.
        assert sum(counts) <= 3 * BLOCK

    run(main())


def test_a_loop_may_end_while_it_is_kept_awake(server: EmbeddedServer) -> None:
    loop = asyncio.new_event_loop()
    client = AsyncClient([server.endpoint], busy_poll=1, timeout=30)

    async def begin() -> asyncio.Future[Any]:
        for _ in range(WARM_UP + BLOCK):
            await client.get("k")
        server.freeze()
        return client.get("k")

    async def go_on(pending: asyncio.Future[Any]) -> Any:
        begun = Watched.turns
        while Watched.turns < begun + 20:  # noqa: ASYNC110
            await asyncio.sleep(0)
        server.thaw()
        return await pending

    pending = loop.run_until_complete(begin())
    assert not pending.done()
    # Another run of the same loop goes on where the first has ended.
    assert loop.run_until_complete(go_on(pending)) is None
    loop.run_until_complete(client.aclose())
    loop.close()
