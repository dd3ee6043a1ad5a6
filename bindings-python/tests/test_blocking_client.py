"""The blocking client beside its methods."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import warnings
import weakref
from typing import Any

import memoxide
import pytest


def test_keys_of_one_server_key_are_together() -> None:
    with memoxide.EmbeddedServer() as one, memoxide.EmbeddedServer() as two:
        endpoints = [one.endpoint, two.endpoint]
        with memoxide.Client(endpoints) as client:
            keys = [f"key{number}" for number in range(50)]
            assert {client.server_for(key) for key in keys} == set(endpoints)
            client.set_multi(dict.fromkeys(keys, 1), server_key="group")
            home = client.server_for("group")
            with memoxide.Client([home]) as there:
                assert len(there.get_multi(keys)) == 50
            assert len(client.get_multi(keys, server_key="group")) == 50
            assert client.get(keys[0], server_key=b"group") == 1
            assert [name for name, _ in client.version()] == endpoints
            assert [name for name, _ in client.version(server_key="group")] == [home]


def references(values: list[Any]) -> list[int]:
    return [sys.getrefcount(value) for value in values]


@pytest.mark.parametrize("prefix", ["", "prefix:"])
@pytest.mark.parametrize("count", [1, 5, 6, 100])
def test_nobody_else_holds_values_and_keys(
    endpoint: str, count: int, prefix: str
) -> None:
    names = [f"held{number}" for number in range(count)]
    with memoxide.Client([endpoint], prefix=prefix) as client:
        client.set_multi({name: name.encode() for name in names})
        before = references(names)
        values = list(client.get_multi(names).values())
        assert len(values) == count
        fresh = [name.encode() for name in names]
        assert references(values) == references(fresh)
        assert references(names) == before
        client.delete("held0")
        assert len(client.get_multi([*names, "held0", Name("held1")])) == count - 1
        assert references(names) == before


class Name(str):
    __slots__ = ()


def test_a_server_that_fails_does_not_hide_what_the_others_answer() -> None:
    with (
        memoxide.EmbeddedServer() as one,
        memoxide.EmbeddedServer() as two,
        memoxide.Client([one.endpoint, two.endpoint]) as client,
    ):
        items = {f"key{number}": number for number in range(50)}
        client.set_multi(items)
        lost = {key for key in items if client.server_for(key) == two.endpoint}
        two.stop()
        with pytest.raises(memoxide.PartialError) as error:
            client.get_multi(items)
        kept = {key: items[key] for key in items if key not in lost}
        assert error.value.results == kept
        assert {part.endpoint for part in error.value.parts} == {two.endpoint}
        with pytest.raises(memoxide.PartialError) as error:
            client.set_multi(items)
        assert set(error.value.results) == lost


def test_a_failing_server_can_pass_as_a_miss() -> None:
    with memoxide.EmbeddedServer() as server:
        endpoint = server.endpoint
    with memoxide.Client([endpoint], on_error="miss") as client:
        assert client.get("key", default=1) == 1
        assert client.set("key", 1) is False
        assert client.get_multi(["key"]) == {}
        assert client.set_multi({"key": 1}) == ["key"]


def test_a_unix_socket(tmp_path: Any) -> None:
    path = tmp_path / "memcached.sock"
    with (
        memoxide.EmbeddedServer(unix_socket=path),
        memoxide.Client([f"unix:{path}"]) as client,
    ):
        client.set("key", 1)
        assert client.get("key") == 1
        assert client.server_for("key") == f"unix:{path}"


def test_ways_to_name_servers() -> None:
    def servers(servers: Any) -> list[str]:
        return memoxide.Client(servers).servers

    assert servers("a,b:1") == ["a:11211", "b:1"]
    assert servers(["a", ("b:1", 2)]) == ["a:11211", "b:1"]
    assert servers(("inet6:[::1]:5", "unix:/x")) == ["[::1]:5", "unix:/x"]
    assert servers(iter(["a"])) == ["a:11211"]


def test_a_weight_gives_a_share() -> None:
    client = memoxide.Client([("a", 1), ("b", 3)])
    homes = [client.server_for(f"key{number}") for number in range(2000)]
    assert 0.65 < homes.count("b:11211") / 2000 < 0.85
    client = memoxide.Client([("a", 1), ("b", 0)])
    assert client.server_for("key") == "a:11211"
    described = [("a:11211", None), ("b:11311", 3)]
    for servers in ([("a", 1), ("b:11311", 3)], {"a": 1, "b:11311": 3}):
        configuration = json.loads(memoxide.Client(servers).configuration)["servers"]
        assert [(s["address"], s.get("weight")) for s in configuration] == described


def test_a_client_of_ones_own(endpoint: str) -> None:
    class Mine(memoxide.Client):
        def __init__(self, name: str) -> None:
            super().__init__([endpoint], timeout=5)
            self.name = name
            self.reads = 0

        def get(self, *args: Any, **kwargs: Any) -> Any:
            self.reads += 1
            return super().get(*args, **kwargs)

    with Mine("mine") as client:
        client.set("key", 1)
        assert client.get("key") == 1
        assert (client.name, client.reads, client.debug) == ("mine", 1, 0)
    unready = Mine.__new__(Mine)
    with pytest.raises(memoxide.ClosedError, match="__init__"):
        unready.set("key", 1)
    assert repr(unready) == "Mine([])"
    with pytest.raises(memoxide.ConfigError, match="twice"):
        memoxide.Client.__init__(client, [endpoint])


def test_a_closed_client_says_so(endpoint: str) -> None:
    client = memoxide.Client([endpoint])
    client.set("key", 1)
    assert client.open_connections == 1
    client.disconnect_all()
    assert client.open_connections == 0
    assert client.get("key") == 1
    client.quit_all()
    client.close()
    client.close()
    with pytest.raises(memoxide.ClosedError):
        client.get("key")


def test_an_unclosed_client_is_reported_and_closed(endpoint: str) -> None:
    client = memoxide.Client([endpoint])
    client.set("key", 1)
    with pytest.warns(ResourceWarning, match="unclosed Client"):
        del client
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        memoxide.Client([endpoint])
        gc.collect()


def test_nothing_keeps_a_client_alive(endpoint: str) -> None:
    client = memoxide.Client([endpoint])
    client.set("key", [1])
    client.gets("key")
    client.close()
    gone = weakref.ref(client)
    default = object()
    before = sys.getrefcount(default)
    for _ in range(100):
        with pytest.raises(memoxide.ClosedError):
            client.get("key", default)
    assert sys.getrefcount(default) == before
    del client
    gc.collect()
    assert gone() is None


def test_a_program_may_end_with_an_open_client(endpoint: str) -> None:
    program = f"import memoxide; c = memoxide.Client(['{endpoint}']); c.set('k', 1)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_pickles_are_for_those_who_ask(endpoint: str) -> None:
    value = {(1, 2): {3, 4}}
    with (
        memoxide.Client([endpoint], values="python", pickle=True) as trusting,
        memoxide.Client([endpoint], values="python") as careful,
    ):
        trusting.set_multi({"a": value, "b": "text"})
        assert trusting.get("a") == value
        assert trusting.get_multi(["a", "b"]) == {"a": value, "b": "text"}
        with pytest.raises(memoxide.DecodeError) as error:
            careful.get("a")
        assert error.value.raw is not None
        with pytest.raises(memoxide.EncodeError):
            careful.set("a", value)


def test_pickles_among_several_values_stand_in_their_places(endpoint: str) -> None:
    with memoxide.Client([endpoint], pickle=True) as client:
        items = {"a": "1", "b": {(1, 2)}, "c": b"3", "d": {(3, 4)}, "e": 5}
        assert client.set_multi(items) == []
        assert list(client.get_multi(items).items()) == list(items.items())
        client.set_raw("b", 1, b"no pickle")
        with pytest.raises(memoxide.DecodeError) as error:
            client.get_multi(items)
        assert error.value.raw == (1, b"no pickle")


class Reentrant:
    """Calls the client that loads it."""

    client: memoxide.Client

    def __setstate__(self, state: Any) -> None:
        assert state == "state"
        assert self.client.get("other") == "value"

    def __getstate__(self) -> str:
        return "state"


def test_loading_a_pickle_may_use_the_client(endpoint: str) -> None:
    options: Any = {"pickle": True, "values": "python", "max_connections": 1}
    with memoxide.Client([endpoint], **options) as client:
        Reentrant.client = client
        client.set("other", "value")
        client.set("key", Reentrant())
        assert isinstance(client.get("key"), Reentrant)
        assert list(client.get_multi(["key", "other"])) == ["key", "other"]
