"""Values that are written by pickle, MessagePack or functions of the caller."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import memoxide
import msgpack
import pytest
from memoxide import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import Callable

TREE = {"name": "Ada", "tags": [1, 2.5, None, True], "raw": b"\x00\xff", 3: "three"}
PLAIN = [b"bytes", "text", 42, -(10**30), bytearray(b"array"), memoryview(b"view")]


def flags_of(client: Client, key: str) -> int:
    raw = client.get_raw(key)
    assert raw is not None
    return raw[0]


class Upper:
    """Writes text in capitals, to be told apart from everything else."""

    flags = 0x300000

    def dumps(self, value: object) -> str:
        return json.dumps(value).upper()

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored.lower())


@pytest.mark.parametrize(
    ("serializer", "flags", "dumps"),
    [
        ("msgpack", 0x40000, msgpack.packb),
        ("pickle", 1, pickle.dumps),
        (pickle, 0x80000, pickle.dumps),
    ],
    ids=["msgpack", "pickle", "module"],
)
def test_trees_are_written_as_asked_and_come_back(
    endpoint: str,
    open_client: Callable[..., Any],
    serializer: Any,
    flags: int,
    dumps: Callable[[object], bytes],
) -> None:
    with open_client([endpoint], serializer=serializer) as client:
        assert client.set("tree", TREE)
        assert client.get("tree") == TREE
        assert client.get_raw("tree") == (flags, dumps(TREE))
        client.set_multi({"a": TREE, "b": (1, 2) if serializer != "msgpack" else [1]})
        assert client.get_multi(["a", "b"])["a"] == TREE
        assert client.get_item("a").value == TREE
        assert client.update("a", lambda tree: {**tree, "new": []}) == {
            **TREE,
            "new": [],
        }
        assert client.take("a") == {**TREE, "new": []}


@pytest.mark.parametrize("serializer", [None, "json", "msgpack", "pickle", Upper()])
def test_plain_values_are_written_as_ever(endpoint: str, serializer: Any) -> None:
    with (
        Client([endpoint], serializer=serializer) as client,
        Client([endpoint]) as other,
    ):
        for value in PLAIN:
            client.set("key", value)
            plain = (
                bytes(value) if isinstance(value, (bytearray, memoryview)) else value
            )
            assert client.get("key") == other.get("key") == plain


def test_an_object_may_have_flags_of_its_own(
    endpoint: str, open_client: Callable[..., Any]
) -> None:
    with open_client([endpoint], serializer=Upper(), compress_above=1) as client:
        client.set("key", ["a", None])
        assert client.get_raw("key") == (0x300000, b'["A", NULL]')
        assert client.get("key") == ["a", None]
        # What others wrote is read as they wrote it.
        client.set_raw("json", 0x10010, b'[1,"a"]')
        assert client.get("json") == [1, "a"]
        with Client([endpoint]) as other:
            with pytest.raises(memoxide.DecodeError) as caught:
                other.get("key")
            assert caught.value.raw == (0x300000, b'["A", NULL]')


@pytest.mark.parametrize(("compression", "mark"), [("zlib", 8), ("zstd", 0x20008)])
def test_what_a_serializer_of_ones_own_writes_is_compressed(
    endpoint: str, open_client: Callable[..., Any], compression: str, mark: int
) -> None:
    rows = [{"id": number, "name": "user"} for number in range(500)]
    options = {"compression": compression, "compress_above": 1000}
    with (
        open_client([endpoint], serializer=json, **options) as client,
        Client([endpoint], serializer=json) as plain,
    ):
        client.set("rows", rows)
        flags, stored = client.get_raw("rows")
        assert flags == 0x80000 | mark
        assert len(stored) < len(json.dumps(rows)) / 2
        assert client.get("rows") == plain.get("rows") == rows
        assert client.get_multi(["rows"]) == {"rows": rows}
        assert client.update("rows", lambda rows: rows[:400]) == rows[:400]
        assert plain.get("rows") == rows[:400]
        client.set("small", [1])
        assert flags_of(plain, "small") == 0x80000
        client.set_raw("broken", 0x80000 | mark, b"neither")
        with pytest.raises(memoxide.DecodeError) as caught:
            client.get("broken")
        assert caught.value.raw == (0x80000 | mark, b"neither")


def test_messagepack_is_compressed_and_read_by_name_only(endpoint: str) -> None:
    with (
        Client([endpoint], serializer="msgpack", compress_above=100) as client,
        Client([endpoint], foreign="msgpack") as other,
    ):
        client.set("key", ["x"] * 1000)
        assert flags_of(client, "key") == 0x40008
        assert client.get("key") == ["x"] * 1000
        with pytest.raises(memoxide.DecodeError, match="msgpack"):
            other.get("key")
    with Client([endpoint]) as stranger, pytest.raises(memoxide.DecodeError):
        stranger.get("key")


def test_pickles_beside_messagepack(endpoint: str) -> None:
    with Client([endpoint], serializer="msgpack", pickle=True) as client:
        client.set("tree", [1])
        client.set("object", Decimal("1.5"))
        assert flags_of(client, "tree") == 0x40000
        assert flags_of(client, "object") == 1
        assert client.get_multi(["tree", "object"]) == {
            "tree": [1],
            "object": Decimal("1.5"),
        }


def test_what_a_serializer_raises_is_told(
    endpoint: str, open_client: Callable[..., Any]
) -> None:
    class Broken:
        def dumps(self, value: object) -> Any:
            if value is None:
                return 1
            raise LookupError("dumps")

        def loads(self, stored: bytes) -> Any:
            raise LookupError(stored)

    with open_client([endpoint], serializer=Broken()) as client:
        with pytest.raises(
            memoxide.EncodeError, match="cannot be serialized"
        ) as caught:
            client.set("key", [])
        assert isinstance(caught.value.__cause__, LookupError)
        with pytest.raises(memoxide.EncodeError):
            client.set("key", None)
        client.set_raw("key", 0x80000, b"stored")
        with pytest.raises(
            memoxide.DecodeError, match="cannot be deserialized"
        ) as read:
            client.get("key")
        assert read.value.raw == (0x80000, b"stored")
        assert isinstance(read.value.__cause__, LookupError)
    with Client([endpoint], serializer="msgpack") as packed:
        with pytest.raises(memoxide.EncodeError):
            packed.set("key", Decimal(1))
        packed.set_raw("key", 0x40000, b"\xc1")
        with pytest.raises(memoxide.DecodeError):
            packed.get("key")


def test_a_serializer_may_call_its_client(endpoint: str) -> None:
    async def main() -> None:
        class Nested:
            client: AsyncClient
            calls: list[asyncio.Future[Any]]

            def dumps(self, value: Any) -> bytes:
                self.calls.append(self.client.get("other"))
                return json.dumps(value).encode()

            def loads(self, stored: bytes) -> Any:
                self.calls.append(self.client.get("other"))
                return json.loads(stored)

        nested = Nested()
        nested.calls = []
        async with AsyncClient([endpoint], serializer=nested) as client:
            nested.client = client
            await client.set("key", [1])
            assert await client.get("key") == [1]
            assert list(await asyncio.gather(*nested.calls)) == [None, None]
        # The client keeps its serializer, and the collector does not see how.
        del nested.client

    asyncio.run(main())


@pytest.mark.parametrize(
    ("serializer", "message"),
    [
        ("yaml", "serializer"),
        (object(), "neither a name nor has dumps and loads"),
        (type("Half", (), {"dumps": print}), "neither a name"),
        (type("Flagged", (), {"dumps": 1, "loads": 2}), "neither a name"),
        (type("Odd", (), {"dumps": repr, "loads": eval, "flags": 0}), "32 bits"),
    ],
    ids=["name", "object", "half", "numbers", "flags"],
)
def test_serializers_that_cannot_be(serializer: Any, message: str) -> None:
    with pytest.raises(memoxide.ConfigError, match=message):
        Client(["127.0.0.1"], serializer=serializer)


def test_a_dialect_without_messagepack_says_so(endpoint: str) -> None:
    with (
        Client([endpoint], values="python", serializer="msgpack") as client,
        pytest.raises(memoxide.EncodeError),
    ):
        client.set("key", [1])


def test_messagepack_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(memoxide.ConfigError, match=r"pip install memoxide\[msgpack\]"):
        Client(["127.0.0.1"], serializer="msgpack")
