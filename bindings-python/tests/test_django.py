"""The backend for Django, beside Django's own tests (`make test-django`)."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import decimal
import gc
import gzip
import json
import logging.config
import os
import pickle
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from django.core.cache.backends.base import InvalidCacheKey
from memoxide.django import MemoxideCache

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES = Path(__file__).parents[2] / "tests" / "vectors" / "interop" / "values"
# What the recorded expressions name.
NAMES = {"datetime": dt, "decimal": decimal, "uuid": uuid}


@pytest.fixture
def cache(memoxide_server: memoxide.EmbeddedServer) -> MemoxideCache:
    return MemoxideCache(memoxide_server.endpoint, {})


def test_an_outage_is_in_the_log_of_a_project(
    memoxide_server: memoxide.EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    # As Django does with the setting `LOGGING`.
    handlers = {"console": {"class": "logging.StreamHandler"}}
    loggers = {"memoxide": {"level": "INFO", "handlers": ["console"]}}
    logger = logging.getLogger("memoxide")
    before, level = list(logger.handlers), logger.level
    whole: Any = {"version": 1, "handlers": handlers, "loggers": loggers}
    logging.config.dictConfig({**whole, "disable_existing_loggers": False})
    try:
        options = {"on_error": "miss", "dead_after": 1, "dead_retry": 30}
        cache = MemoxideCache(memoxide_server.endpoint, {"OPTIONS": options})
        memoxide_server.add_fault(action="refuse")
        assert cache.get("key", "default") == "default"
        assert cache.get("key") is None
    finally:
        logger.handlers[:] = before
        logger.setLevel(level)
    out, degraded = capsys.readouterr().err.splitlines()
    where = f"({memoxide_server.endpoint}): "
    assert out.startswith(f"server is out of service {where}")
    assert degraded.startswith(f"failing server passed as a miss {where}")


def recorded(name: str) -> list[Any]:
    data = json.loads(gzip.decompress((VALUES / f"{name}.json.gz").read_bytes()))
    return [case for case in data["cases"] if "error" not in case]


@pytest.mark.parametrize(
    ("client", "dialect"),
    [
        ("django-PyMemcacheCache", "python"),
        ("django-PyLibMCCache", "python"),
        ("django-PyLibMCCache", "pylibmc"),
    ],
)
def test_values_of_djangos_own_backends(
    memoxide_server: memoxide.EmbeddedServer, client: str, dialect: str
) -> None:
    options = {"values": dialect, "pickle": True}
    cache = MemoxideCache(memoxide_server.endpoint, {"OPTIONS": options})
    raw = memoxide.Client(memoxide_server.endpoint, values="raw")
    cases = recorded(client)
    assert len(cases) > 30
    for case in cases:
        value = eval(case["python"], dict(NAMES))  # noqa: S307 - recorded by us
        data = base64.b64decode(case["raw_base64"])
        raw.set(":1:stored", data)
        stored = raw.get_item(":1:stored")
        assert stored is not None
        # Bytes alone do not tell the flags: these are written by hand.
        write_with_flags(memoxide_server, ":1:key", case["flags"], data)
        found = cache.get("key")
        assert found == value, case["python"]
        if not isinstance(value, bool) or dialect == "pylibmc":
            assert type(found) is type(value)
        # And the other way: the same flags, the same bytes unless pickled.
        cache.set("mine", value)
        mine = raw.get_item(":1:mine")
        assert mine is not None
        if dialect == "pylibmc" or client == "django-PyMemcacheCache":
            assert mine.flags == case["flags"], case["python"]
            if case["flags"] == 1:
                assert pickle.loads(mine.value) == value
            else:
                assert mine.value == data
    raw.close()


def write_with_flags(
    server: memoxide.EmbeddedServer, key: str, flags: int, data: bytes
) -> None:
    import socket

    with socket.create_connection(server.address, timeout=5) as connection:
        head = f"set {key} {flags} 0 {len(data)}\r\n".encode()
        connection.sendall(head + data + b"\r\n")
        assert connection.recv(100) == b"STORED\r\n"


@pytest.mark.parametrize(
    ("timeout", "is_kept"),
    [(None, True), (1, True), (0, False), (0.5, False), (-1, False), (2592001, True)],
)
def test_timeouts(
    memoxide_server: memoxide.EmbeddedServer,
    cache: MemoxideCache,
    timeout: float | None,
    is_kept: bool,
) -> None:
    memoxide_server.pause_time()
    stores: list[Callable[[], Any]] = [
        lambda: cache.set("key", 1, timeout),
        lambda: cache.add("key", 1, timeout),
        lambda: cache.set_many({"key": 1}, timeout),
        lambda: [cache.add("key", 1), cache.touch("key", timeout)],
    ]
    for store in stores:
        cache.delete("key")
        store()
        assert cache.has_key("key") is is_kept
        assert cache.get("key", "default") == (1 if is_kept else "default")


def test_a_stored_none_is_a_hit(cache: MemoxideCache) -> None:
    cache.set("key", None)
    assert cache.get("key", "default") is None
    assert cache.has_key("key")
    assert cache.get_many(["key", "other"]) == {"key": None}


def test_a_value_that_is_refused_leaves_no_old_one(cache: MemoxideCache) -> None:
    for value, error in [
        ("x" * 2_000_000, memoxide.ValueTooLargeError),
        ("x" * (1 << 20), memoxide.ValueTooLargeError),
    ]:
        cache.set("key", "old")
        with pytest.raises(error):
            cache.set("key", value)
        assert cache.get("key") is None


def test_errors_of_pickle_are_raised_as_they_are(cache: MemoxideCache) -> None:
    class Stubborn:
        def __reduce__(self) -> Any:
            raise pickle.PicklingError("no")

    with pytest.raises(pickle.PicklingError, match="no"):
        cache.set("key", Stubborn())
    with pytest.raises(pickle.PicklingError):
        cache.add("key", Stubborn())
    with pytest.raises(pickle.PicklingError):
        cache.set_many({"key": Stubborn()})


@pytest.mark.parametrize("key", ["a b", "a\n", "a\x7f", "k" * 251, "会" * 84])
def test_keys_that_memcached_does_not_take(cache: MemoxideCache, key: str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: cache.get(key),
        lambda: cache.set(key, 1),
        lambda: cache.add(key, 1),
        lambda: cache.touch(key),
        lambda: cache.delete(key),
        lambda: cache.incr(key),
        lambda: cache.decr(key),
        lambda: cache.has_key(key),
        lambda: cache.get_many([key]),
        lambda: cache.set_many({key: 1}),
        lambda: cache.delete_many([key]),
    ]
    for call in calls:
        with pytest.raises(InvalidCacheKey):
            call()


def test_keys_beyond_ascii(cache: MemoxideCache) -> None:
    cache.set("schlüssel", 1)
    assert cache.get("schlüssel") == 1
    cache.set("会" * 82, 1)
    assert cache.get("会" * 82) == 1


def test_counting(cache: MemoxideCache) -> None:
    with pytest.raises(ValueError, match="not found"):
        cache.incr("key")
    cache.set("key", 5)
    assert cache.incr("key") == 6
    assert cache.incr("key", -4) == 2
    assert cache.decr("key", -8) == 10
    assert cache.get("key") == 10
    cache.set("text", "x")
    with pytest.raises(memoxide.NotNumericError):
        cache.incr("text")


def test_keys_that_fail_are_the_callers(
    memoxide_server: memoxide.EmbeddedServer,
) -> None:
    params = {"KEY_PREFIX": "app", "OPTIONS": {"max_value_size": 4 << 20}}
    cache = MemoxideCache(memoxide_server.endpoint, params)
    assert cache.set_many({"big": "x" * (3 << 20), "small": 1}) == ["big"]
    assert cache.get_many(key for key in ("big", "small")) == {"small": 1}


@pytest.mark.parametrize(
    ("location", "servers"),
    [
        ("a:1,b:2", ["a:1", "b:2"]),
        ("a:1;b:2", ["a:1", "b:2"]),
        (["a:1", ("b:2", 3)], ["a:1", "b:2"]),
        ("unix:/run/memcached.sock", ["unix:/run/memcached.sock"]),
        ("/run/memcached.sock", ["unix:/run/memcached.sock"]),
        ("[::1]:5", ["[::1]:5"]),
        ("memcache://a:1,b:2/app:?timeout=0.5", ["a:1", "b:2"]),
    ],
)
def test_locations(location: Any, servers: list[str]) -> None:
    assert MemoxideCache(location, {})._cache.servers == servers


def test_an_option_that_does_not_exist() -> None:
    cache = MemoxideCache("127.0.0.1:1", {"OPTIONS": {"nonsense": 1}})
    with pytest.raises(memoxide.ConfigError, match="nonsense"):
        cache.get("key")


def test_threads_share_a_client(memoxide_server: memoxide.EmbeddedServer) -> None:
    def make() -> MemoxideCache:
        return MemoxideCache(memoxide_server.endpoint, {"OPTIONS": {"timeout": 5}})

    one = make()
    one.set("key", 1)
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(make()._cache))
    thread.start()
    thread.join()
    assert seen == [one._cache]
    assert MemoxideCache(memoxide_server.endpoint, {})._cache is not one._cache
    one.close()
    assert one._cache.open_connections == 1
    # Nobody is told of connections that nobody opened.
    seen.clear()
    del one
    gc.collect()


def test_a_server_that_is_away(memoxide_server: memoxide.EmbeddedServer) -> None:
    memoxide_server.stop()
    strict = MemoxideCache(memoxide_server.endpoint, {})
    with pytest.raises(ConnectionError):
        strict.get("key")
    with pytest.raises(ConnectionError):
        strict.set("key", 1)
    lenient = MemoxideCache(memoxide_server.endpoint, {"OPTIONS": {"on_error": "miss"}})
    assert lenient.get("key", "default") == "default"
    lenient.set("key", 1)
    assert lenient.get_many(["key"]) == {}
    assert lenient.has_key("key") is False


def test_a_server_that_speaks_text_alone(
    memoxide_server: memoxide.EmbeddedServer,
) -> None:
    params = {"OPTIONS": {"protocol": "text"}}
    cache = MemoxideCache(memoxide_server.endpoint, params)
    assert cache.has_key("key") is False
    cache.set("key", None)
    assert cache.has_key("key") is True
    with pytest.raises(InvalidCacheKey):
        cache.has_key("a b")


def test_async_twins(cache: MemoxideCache) -> None:
    async def main() -> None:
        await cache.aset("key", [1])
        assert await cache.aget("key") == [1]
        assert await cache.aadd("key", 2) is False
        assert await cache.ahas_key("key") is True
        assert await cache.aget_or_set("other", lambda: 5) == 5
        assert await cache.aincr("other") == 6
        assert await cache.aset_many({"a": 1, "b": 2}) == []
        assert await cache.aget_many(["a", "b", "c"]) == {"a": 1, "b": 2}
        assert await cache.atouch("a", 0) is True
        await cache.adelete_many(["b"])
        assert await cache.aget_many(["a", "b"]) == {}
        assert await cache.adelete("key") is True
        with pytest.raises(ValueError, match="not found"):
            await cache.aincr("nothing")
        await cache.aclear()
        assert await cache.aget("other") is None
        await cache.aclose()

    asyncio.run(main())


def test_a_backend_can_be_wrapped(cache: MemoxideCache) -> None:
    calls = []
    get = cache.get

    def wrapper(*args: Any) -> Any:
        calls.append(args)
        return get(*args)

    cache.get = wrapper
    cache._djdt_panel = object()
    cache.set("key", 1)
    assert cache.get("key") == 1
    assert calls == [("key",)]


def test_a_forked_child(cache: MemoxideCache) -> None:
    cache.set("key", "parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if cache.get("key") == "parent" else 2
            cache.set("key", "child")
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert cache.get("key") == "child"
