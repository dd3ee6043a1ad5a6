"""Placement: every recorded key through the client, and functions of the caller."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import memoxide
import pytest

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
TOOLS = json.loads((VECTORS / "tools.json").read_text("utf-8"))


def client_of(preset: str, servers: list[dict[str, Any]]) -> memoxide.Client:
    described = []
    for server in servers:
        host, port, name = server["host"], server["port"], server.get("name")
        if host.startswith("/"):
            address = f"unix:{host}"
        else:
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if name is not None:
            address += f";name={name}"
        described.append((address, server["weight"]))
    # As recorded, `app_` was added before sending.
    prefix = "app_" if preset.startswith("php-memcached-prefix") else None
    return memoxide.Client(described, hashing=preset, prefix=prefix)


# Some keys are too long with their prefix: the clients were
# asked where they would go, but could not have stored them.
@pytest.mark.parametrize(
    ("file", "presets", "keys", "too_long"),
    [("distribution", 68, 120_120, 30), ("distribution-more", 46, 53_352, 0)],
)
def test_every_recorded_key_goes_to_its_server(
    file: str, presets: int, keys: int, too_long: int
) -> None:
    packed = (VECTORS / "interop" / f"{file}.json.gz").read_bytes()
    recorded = json.loads(gzip.decompress(packed))["presets"]
    seen = 0
    refused = 0
    wrong = []
    for entry in recorded:
        for case in entry["cases"]:
            client = client_of(entry["preset"], case["servers"])
            names = client.servers
            down = [names[index] for index in case.get("down", [])]
            for key, index in case["keys"].items():
                seen += 1
                try:
                    if down:
                        server = memoxide.explain_key(client, key, down=down).server
                    else:
                        server = client.server_for(key)
                except memoxide.NoServersError:
                    server = None
                except memoxide.InvalidKeyError:
                    assert len(key.encode()) > 246
                    refused += 1
                    continue
                if server != (None if index is None else names[index]):
                    wrong.append((entry["preset"], case["topology"], down, key))
    assert wrong == []
    assert (len(recorded), seen, refused) == (presets, keys, too_long)


def md5_modulo(key: bytes, servers: list[str]) -> int:
    return int.from_bytes(hashlib.md5(key).digest(), "big") % len(servers)  # noqa: S324


def test_md5_modulo_is_a_function_of_the_caller() -> None:
    assert len(TOOLS["md5_modulo"]) == 324
    for case in TOOLS["md5_modulo"]:
        for kind in (memoxide.Client, memoxide.AsyncClient):
            client = kind(case["servers"], hashing=md5_modulo)
            assert client.server_for(case["key"]) == case["servers"][case["index"]]


def test_a_function_gets_the_bare_key_and_the_names() -> None:
    asked = []

    def first(key: bytes, servers: list[str]) -> int:
        asked.append((key, servers))
        return 0

    servers: list[str | tuple[str, int]] = ["a;weight=3", ("b:11311", 2)]
    client = memoxide.Client(servers, hashing=first, prefix="app:")
    assert client.server_for("grüße") == "a:11211"
    assert asked == [("grüße".encode(), ["a:11211", "b:11311"])]
    assert memoxide.explain_key(client, "key").hashing == "custom"


def test_a_function_places_every_call() -> None:
    with memoxide.EmbeddedServer() as one, memoxide.EmbeddedServer() as two:
        servers = [one.endpoint, two.endpoint]

        def by_length(key: bytes, _: list[str]) -> int:
            return len(key) % 2

        with (
            memoxide.Client(servers, hashing=by_length) as client,
            memoxide.Client([one.endpoint]) as even,
            memoxide.Client([two.endpoint]) as odd,
        ):
            client.set("k", 1)
            client.set_multi({"kk": 2, "kkk": 3})
            assert client.get_multi(["k", "kk", "kkk"]) == {"k": 1, "kk": 2, "kkk": 3}
            assert even.get_multi(["k", "kk", "kkk"]) == {"kk": 2}
            assert odd.get_multi(["k", "kk", "kkk"]) == {"k": 1, "kkk": 3}
            client.set("k", 4, server_key="kk")
            assert even.get("k") == 4
            summary = memoxide.migrate(client, odd)
            # Misplaced are what the server key has put there, and the copy of kk.
            assert (summary.copied, summary.in_place, summary.misplaced) == (1, 2, 2)

        async def main() -> None:
            async with memoxide.AsyncClient(servers, hashing=by_length) as client:
                assert await client.get_multi(["kk", "kkk"]) == {"kk": 2, "kkk": 3}

        asyncio.run(main())


def test_a_function_that_fails_fails_the_call() -> None:
    def client(answer: Any) -> memoxide.Client:
        def hashing(_key: bytes, _servers: list[str]) -> Any:
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return memoxide.Client("a,b", hashing=hashing)

    for answer, message in [
        (2, "named server 2, there are 2"),
        (-1, "failed"),
        ("a", "failed"),
        (None, "failed"),
    ]:
        with pytest.raises(memoxide.InvalidArgumentError, match=message):
            client(answer).get("key")
    with pytest.raises(
        memoxide.InvalidArgumentError, match="as hashing failed"
    ) as caught:
        client(LookupError("no")).set("key", 1)
    assert isinstance(caught.value.__cause__, LookupError)
    with pytest.raises(KeyboardInterrupt):
        client(KeyboardInterrupt()).server_for("key")
