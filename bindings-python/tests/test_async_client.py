"""The asyncio client against the embedded server."""

from __future__ import annotations

import asyncio

import memoxide
import pytest


@pytest.mark.asyncio
async def test_what_is_set_is_got(memoxide_server: memoxide.EmbeddedServer) -> None:
    async with memoxide.AsyncClient([memoxide_server.endpoint]) as client:
        assert await client.set("greeting", "hello", time=60) is True
        assert await client.get("greeting") == "hello"
        assert await client.get("nothing") is None
        assert await client.get("nothing", default=5) == 5


@pytest.mark.asyncio
async def test_calls_of_one_turn_share_a_connection(
    memoxide_server: memoxide.EmbeddedServer,
) -> None:
    async with memoxide.AsyncClient([memoxide_server.endpoint]) as client:
        keys = [f"key{number}" for number in range(100)]
        await asyncio.gather(*[client.set(key, key) for key in keys])
        assert await asyncio.gather(*[client.get(key) for key in keys]) == keys
        assert client.open_connections == 1
    assert client.open_connections == 0


@pytest.mark.asyncio
async def test_a_closed_client_says_so(
    memoxide_server: memoxide.EmbeddedServer,
) -> None:
    async with memoxide.AsyncClient([memoxide_server.endpoint]) as client:
        await client.set("key", 1)
    with pytest.raises(memoxide.ClosedError):
        await client.get("key")
