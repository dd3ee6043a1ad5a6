"""The blocking client against the embedded server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import memoxide
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(memoxide_server: memoxide.EmbeddedServer) -> Iterator[memoxide.Client]:
    with memoxide.Client([memoxide_server.endpoint]) as client:
        yield client


def test_what_is_set_is_got(client: memoxide.Client) -> None:
    assert client.set("greeting", "hello", time=60) is True
    assert client.get("greeting") == "hello"
    assert client.get("nothing") is None
    assert client.get("nothing", default=5) == 5


@pytest.mark.parametrize(
    "time", [None, 0, 60, 60.5, timedelta(minutes=1), 2_592_001, 2_000_000_000]
)
def test_a_time_to_live_is_seconds_or_a_timedelta(
    client: memoxide.Client, time: float | timedelta | None
) -> None:
    assert client.set("key", 1, time=time)
    assert client.set("key", 2, ttl=time)
    assert client.get("key") == 2
