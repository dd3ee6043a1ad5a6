"""The methods of both clients, against both kinds of servers."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import memoxide
import pytest

if TYPE_CHECKING:
    from conftest import WithinASecond


def test_what_is_set_is_got(client: Any) -> None:
    assert client.set("greeting", "hello", time=60) is True
    assert client.get("greeting") == "hello"
    assert client.get("nothing") is None
    assert client.get("nothing", 5) == client.get("nothing", default=5) == 5


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x00\r\n\xff",
        "",
        "grüße",
        0,
        -42,
        2**100,
        None,
        True,
        1.5,
        [1, {"a": "b"}],
    ],
)
def test_values_come_back_with_their_type(client: Any, value: Any) -> None:
    client.set("key", value)
    found = client.get("key", default="missing")
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_or_bytes(client: Any) -> None:
    class Text(str):
        pass

    client.set("schlüssel", 1)
    assert client.get("schlüssel".encode()) == 1
    assert client.get(Text("schlüssel")) == 1


@pytest.mark.parametrize(
    "time", [None, 0, 60, 60.5, timedelta(minutes=1), 2_592_001, 2_000_000_000]
)
def test_a_time_to_live_is_seconds_or_a_timedelta(
    client: Any, time: float | timedelta | None
) -> None:
    assert client.set("key", 1, time=time)
    assert client.get("key") == 1
    assert client.set("key", 2, ttl=time)
    assert client.get("key") == 2


@pytest.mark.parametrize(
    ("time", "seconds"),
    [(59.1, 60), (timedelta(seconds=59, milliseconds=1), 60), (60, 60), (0, None)],
)
def test_times_to_live_are_counted_upwards(
    client: Any,
    time: float | timedelta,
    seconds: int | None,
    within_a_second: WithinASecond,
) -> None:
    def store_and_look() -> Any:
        client.set("key", 1, time)
        return client.get_item("key")

    assert within_a_second(client.servers[0], store_and_look).ttl == seconds


@pytest.mark.parametrize("time", [-1, -0.5, timedelta(0), timedelta(days=-1)])
def test_no_time_to_live_is_not_for_ever(client: Any, time: float | timedelta) -> None:
    client.set("key", 1, time=time)
    assert client.get("key") is None


def test_add_replace_append_prepend(client: Any) -> None:
    assert client.replace("key", "x") is False
    assert client.append("key", "x") is False
    assert client.prepend("key", "x") is False
    assert client.add("key", "b") is True
    assert client.add("key", "x") is False
    assert client.append("key", "c") is True
    assert client.prepend("key", "a") is True
    assert client.get("key") == "abc"
    assert client.replace("key", "d") is True
    assert client.get("key") == "d"


def test_gets_remembers_an_id_that_cas_uses_once(client: Any) -> None:
    client.set("key", 1)
    assert client.gets("key") == 1
    assert client.cas("key", 2) is True
    with pytest.raises(memoxide.InvalidArgumentError, match="gets"):
        client.cas("key", 3)
    assert client.gets("key") == 2
    client.set("key", 4)
    assert client.cas("key", 5) is False
    assert client.get("key") == 4
    assert client.gats("key", 60) == 4
    assert client.cas("key", 6) is True


def test_a_miss_forgets_the_id_of_an_earlier_read(client: Any) -> None:
    client.set("key", 1)
    client.gets("key")
    client.delete("key")
    assert client.gets("key", default=0) == 0
    with pytest.raises(memoxide.InvalidArgumentError):
        client.cas("key", 2)


def test_remembered_ids_are_bounded(client: Any) -> None:
    keys = [f"key{number}" for number in range(1025)]
    client.set_multi(dict.fromkeys(keys, 1))
    for key in keys:
        client.gets(key)
    with pytest.raises(memoxide.InvalidArgumentError):
        client.cas(keys[0], 2)
    assert client.cas(keys[1], 2)
    assert client.cas(keys[-1], 2)


def test_an_item_tells_what_the_server_knows(
    client: Any, within_a_second: WithinASecond
) -> None:
    def store_and_look() -> Any:
        client.set("key", "value", time=100)
        return client.get_item("key")

    item = within_a_second(client.servers[0], store_and_look)
    assert (item.value, item.size, item.hit_before) == ("value", 5, False)
    assert (item.ttl, item.last_access) == (100, 0)
    assert client.cas("key", "other", cas=item.cas) is True
    assert client.cas("key", "third", cas=item.cas) is False
    client.get("key")
    again = client.get_item("key")
    assert again is not None
    assert again.hit_before
    assert again.ttl is None
    assert client.delete("key", cas=item.cas) is False
    assert client.delete("key", cas=again.cas) is True
    assert client.get_item("key") is None


def test_exists_reads_no_value(client: Any) -> None:
    client.set("key", 1)
    assert client.exists("key") is True
    assert client.exists("other") is False


def test_counting(client: Any) -> None:
    assert client.incr("number") is None
    assert client.decr("number") is None
    assert client.incr("number", initial=5) == 5
    assert client.incr("number", 10) == 15
    assert client.decr("number") == 14
    assert client.decr("number", delta=100) == 0
    client.set("number", 2**64 - 1)
    assert client.incr("number", 2) == 1
    assert client.get("number") == 1
    client.set("text", "ten")
    with pytest.raises(memoxide.NotNumericError) as error:
        client.incr("text")
    assert error.value.endpoint == client.servers[0]


def test_deleting_and_touching(client: Any, within_a_second: WithinASecond) -> None:
    client.set_multi({"a": 1, "b": 2, "c": 3})

    def touch_and_look() -> Any:
        touched = [
            client.touch("a", 100),
            client.touch("x"),
            client.touch_multi(["a", "x", "b"], 100),
            client.gat("c", 100),
            client.gat("x", 100, default="none"),
        ]
        return touched, [client.get_item(key).ttl for key in "abc"]

    touched, times = within_a_second(client.servers[0], touch_and_look)
    assert touched == [True, False, ["x"], 3, "none"]
    assert times == [100, 100, 100]
    assert client.delete("a") is True
    assert client.delete("a") is False
    assert client.delete_multi(["a", "b", "c"]) == ["a"]
    assert client.get_multi(["a", "b", "c"]) == {}


def test_several_keys_keep_the_shape_in_which_they_were_given(
    client: Any,
) -> None:
    assert client.set_multi({"a": 1, b"b": [2]}, 60) == []
    assert client.get_multi(["a", b"b", "c"]) == {"a": 1, b"b": [2]}
    assert client.get_multi(key for key in (b"a", "b")) == {b"a": 1, "b": [2]}
    assert client.get_multi([]) == {}
    assert client.set_multi({}) == []
    assert client.add_multi({"a": 9, "c": 3}) == ["a"]
    assert client.get_multi(["a", "a", "c"]) == {"a": 1, "c": 3}


class Name(str):
    """A key of a class of the caller's, which is compared by code of the caller's."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, str)
        return str(self) == str(other)


def test_several_values_stand_in_the_order_of_their_keys(client: Any) -> None:
    more = [f"more{number}" for number in range(20)]
    for keys in (
        ["a", "b", "c", "d"],
        ["a", Name("b"), "c", b"d"],
        (Name("d"), "c", Name("b"), b"a"),
        ["a", "b", *more, "c"],
        (*more, "c", Name("b"), b"a"),
        [*more, Name("c"), Name("d")],
    ):
        items = {key: [0] if key == "c" else b"%d" % n for n, key in enumerate(keys)}
        assert client.set_multi(items) == []
        found = client.get_multi(keys)
        assert list(found.items()) == list(items.items())
        assert all(ours is theirs for ours, theirs in zip(found, keys, strict=True))


def test_dicts_of_many_values_are_like_any_other(client: Any) -> None:
    items = {f"key{number}": b"%d" % number for number in range(100)}
    assert client.set_multi(items) == []
    found = client.get_multi(list(items))
    assert type(found) is dict
    assert list(found.items()) == list(items.items())
    # One is the caller's own, whatever becomes of the others.
    again = client.get_multi(list(items))
    found["more"] = b"value"
    del found["key0"]
    assert again == items
    # Some are not there, and some are named twice.
    assert client.delete_multi(["key0", "key50", "key99"]) == []
    names = ["key1", *items, "key2", "key1"]
    rest = {key: items[key] for key in items if key not in ("key0", "key50", "key99")}
    assert client.get_multi(names) == rest
    assert list(client.get_multi(names))[:3] == ["key1", "key2", "key3"]
    assert client.get_multi([key.encode() for key in items]) == {
        key.encode(): value for key, value in rest.items()
    }


def test_a_prefix_for_one_call(client: Any) -> None:
    assert client.set_multi({"a": 1}, key_prefix="p:") == []
    assert client.get("p:a") == 1
    assert client.get_multi(["a", "b"], "p:") == {"a": 1}
    assert client.touch_multi(["a", "b"], 10, key_prefix=b"p:") == ["b"]
    assert client.delete_multi(["a", "b"], key_prefix="p:") == ["b"]
    with pytest.raises(memoxide.InvalidKeyError, match="empty"):
        client.get_multi([""], key_prefix="p:")
    with pytest.raises(memoxide.InvalidKeyError):
        client.get_multi(["k" * 249], key_prefix="p:")


def test_a_batch_larger_than_every_buffer(client: Any) -> None:
    items = {f"key{number}": b"%d" % number * 2000 for number in range(500)}
    assert client.set_multi(items) == []
    assert client.get_multi(items) == items


def test_values_are_compressed_where_a_call_asks_for_it(client: Any) -> None:
    client.set("key", "x" * 10_000, min_compress_len=100)
    item = client.get_item("key")
    assert item is not None
    assert item.value == "x" * 10_000
    assert item.size < 1000


def test_noreply_waits_nevertheless(client: Any) -> None:
    assert client.set("key", 1, noreply=True) is True
    assert client.incr("key", 1, True) == 2
    assert client.touch("key", 10, True) is True
    assert client.delete("key", noreply=True) is True


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_raw_bytes(client: Any, kind: Any) -> None:
    assert client.set_raw("key", 7, kind(b"\0\xff")) is True
    assert client.get_raw("key") == (7, b"\0\xff")


@pytest.mark.parametrize("kind", [memoxide.Client, memoxide.AsyncClient])
def test_signatures_show_defaults(kind: type) -> None:
    shown = {
        name: inspect.signature(method).parameters
        for name, method in inspect.getmembers(kind, callable)
        if not name.startswith("_")
    }
    assert shown["incr"]["delta"].default == 1
    assert shown["update"]["limit"].default == 16
    assert shown["set"]["noreply"].default is False
    defaults = [one.default for method in shown.values() for one in method.values()]
    assert Ellipsis not in defaults


def test_administration(client: Any, within_a_second: WithinASecond) -> None:
    (server,) = client.servers
    ((name, version),) = client.version()
    assert name == server
    assert version.startswith("1.")
    ((name, general),) = client.get_stats()
    assert name == server
    assert general["version"] == version
    ((_, settings),) = client.get_stats("settings")
    assert "item_size_max" in settings
    assert client.get_stats("settings", server_key="x") == [(server, settings)]
    assert client.server_for("key") == server
    client.verbosity(1)
    client.cache_memlimit(64)

    def flush_later() -> Any:
        client.set("key", 1)
        # Counts as two: memcached expires everything at the beginning of the last
        # one, which is that of the next second.
        client.flush_all(1.5)
        return client.get("key")

    assert within_a_second(server, flush_later) == 1
    client.flush_all(timedelta(days=30))
    client.set("key", 1)
    assert client.get("key") == 1
    client.flush_all()
    assert client.get("key") is None
    with pytest.raises(memoxide.InvalidArgumentError):
        client.get_stats("items\r\nflush_all")
