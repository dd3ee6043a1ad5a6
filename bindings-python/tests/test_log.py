"""What the logger `memoxide` is told, checked against the file of every language."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pathlib
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from memoxide.compat import memcache

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = pathlib.Path(__file__).parents[2] / "tests" / "vectors" / "log.json"
LOG: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
TERMS = {event["event"]: event for event in LOG["events"]}
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
KEY, VALUE = LOG["forbidden"][:2]
PATIENCE = 10


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG, "memoxide"):
        yield


def records(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if record.name == "memoxide"]


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.event for record in records(caplog)]


def check(record: Any, expected: Any, endpoint: str) -> None:
    """Checks one record; `reason`, `kind` and `requests` where they are known."""
    terms = TERMS[record.event]
    assert record.event == expected["event"]
    assert record.endpoint == endpoint
    assert record.levelno == LEVELS[terms["level"]]
    text = f"{terms['message']} ({endpoint})"
    text += f": {record.reason}" if record.reason is not None else ""
    assert record.getMessage() == text
    for field in ("kind", "reason"):
        assert getattr(record, field) == expected.get(field, getattr(record, field))
    assert record.requests == expected.get("requests")
    assert (record.kind is None) == (record.reason is None)
    for forbidden in LOG["forbidden"]:
        assert forbidden not in str(vars(record))


def fault(server: memoxide.EmbeddedServer, step: Any) -> bool:
    if "fault" in step:
        server.add_faults(step["fault"])
    elif "heal" in step:
        server.clear_faults()
    return "call" not in step


def ended(method: str, result: Any) -> str:
    if method == "get":
        return "miss" if result is None else "ok"
    return "ok" if result else "no"


def play(server: memoxide.EmbeddedServer, client: memoxide.Client, step: Any) -> None:
    if fault(server, step):
        return
    method, give_up = step["call"], time.monotonic() + PATIENCE
    arguments = (KEY,) if method == "get" else (KEY, VALUE)
    while True:
        try:
            end = ended(method, getattr(client, method)(*arguments))
        except memoxide.MemoxideError as error:
            end = error.kind
        if end == step.get("ends", step.get("until")):
            return
        assert "until" in step, f"{step} ends with {end}"
        assert time.monotonic() < give_up, step


async def play_async(
    server: memoxide.EmbeddedServer, client: memoxide.AsyncClient, step: Any
) -> None:
    if fault(server, step):
        return
    method, give_up = step["call"], time.monotonic() + PATIENCE
    arguments = (KEY,) if method == "get" else (KEY, VALUE)
    while True:
        try:
            end = ended(method, await getattr(client, method)(*arguments))
        except memoxide.MemoxideError as error:
            end = error.kind
        if end == step.get("ends", step.get("until")):
            return
        assert "until" in step, f"{step} ends with {end}"
        assert time.monotonic() < give_up, step


@pytest.mark.parametrize("situation", LOG["situations"], ids=lambda it: it["name"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_situations(
    situation: Any, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with memoxide.EmbeddedServer() as server:
        endpoint = situation.get("server", server.endpoint)
        options = situation.get("options", {})
        if is_async:

            async def run() -> None:
                async with memoxide.AsyncClient(endpoint, **options) as client:
                    for step in situation["steps"]:
                        await play_async(server, client, step)

            asyncio.run(run())
        else:
            with memoxide.Client(endpoint, **options) as client:
                for step in situation["steps"]:
                    play(server, client, step)
    told = records(caplog)
    assert [it.event for it in told] == [it["event"] for it in situation["log"]]
    for record, expected in zip(told, situation["log"], strict=True):
        check(record, expected, endpoint)


def test_a_record_names_the_line_that_called(caplog: pytest.LogCaptureFixture) -> None:
    with (
        memoxide.EmbeddedServer() as server,
        memoxide.Client(server.endpoint) as client,
    ):
        client.get(KEY)
    (record,) = records(caplog)
    assert record.funcName == "test_a_record_names_the_line_that_called"
    assert record.pathname == __file__


def test_lists_of_keys_tell_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with (
        memoxide.EmbeddedServer() as server,
        memoxide.Client(server.endpoint) as client,
    ):
        assert list(client.iter_keys()) == []
    assert events(caplog) == ["connection_opened"]


def test_a_connection_that_was_idle_for_too_long_is_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with memoxide.EmbeddedServer() as server:
        with memoxide.Client(server.endpoint, idle_timeout=1e-9) as client:
            client.get(KEY)
            client.get(KEY)
        opened, closed = "connection_opened", "connection_closed"
        assert events(caplog) == [opened, closed, opened]
        check(records(caplog)[1], {"event": closed}, server.endpoint)
        caplog.clear()

        async def run() -> None:
            handler = Waiting(closed)
            logging.getLogger("memoxide").addHandler(handler)
            try:
                client = memoxide.AsyncClient(server.endpoint, idle_timeout=0.001)
                async with client:
                    await client.get(KEY)
                    await handler.told.wait()
            finally:
                logging.getLogger("memoxide").removeHandler(handler)

        asyncio.run(run())
        assert events(caplog) == [opened, closed]


def test_a_disabled_level_costs_no_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "memoxide")
    with memoxide.EmbeddedServer() as server:
        server.add_fault(action="refuse")
        with (
            memoxide.Client(server.endpoint, dead_after=1) as client,
            pytest.raises(memoxide.ConnectError),
        ):
            client.get(KEY)
    assert events(caplog) == ["server_out_of_service"]


class Waiting(logging.Handler):
    """A handler that notes that an event was told."""

    def __init__(self, event: str) -> None:
        super().__init__()
        self.event = event
        self.told = asyncio.Event()

    def emit(self, record: Any) -> None:
        if record.event == self.event:
            self.told.set()


class Failing(logging.Filter):
    """A filter that raises, which `logging` lets through."""

    def __init__(self, raised: BaseException) -> None:
        super().__init__()
        self.raised = raised

    def filter(self, _record: logging.LogRecord) -> bool:
        raise self.raised


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_filter_that_raises_does_not_end_the_call() -> None:
    logger, failing = logging.getLogger("memoxide"), Failing(RuntimeError("broken"))
    logger.addFilter(failing)
    try:
        with memoxide.EmbeddedServer() as server:
            with memoxide.Client(server.endpoint) as client:
                assert client.set(KEY, VALUE)

            async def run() -> Any:
                async with memoxide.AsyncClient(server.endpoint) as client:
                    return await client.get(KEY)

            assert asyncio.run(run()) == VALUE
    finally:
        logger.removeFilter(failing)


def test_an_interrupt_in_a_handler_gets_through() -> None:
    logger, failing = logging.getLogger("memoxide"), Failing(KeyboardInterrupt())
    logger.addFilter(failing)
    try:
        with (
            memoxide.EmbeddedServer() as server,
            memoxide.Client(server.endpoint) as client,
        ):
            with pytest.raises(KeyboardInterrupt):
                client.set(KEY, VALUE)
            # It is told once, and the client goes on.
            assert client.get(KEY) == VALUE
    finally:
        logger.removeFilter(failing)


class Asking(logging.Handler):
    """A handler that uses the client whose record it has."""

    def __init__(self, client: memoxide.Client) -> None:
        super().__init__()
        self.client = client
        self.found: list[Any] = []

    def emit(self, _record: logging.LogRecord) -> None:
        self.found.append(self.client.get(KEY))


def test_a_handler_may_use_the_client() -> None:
    logger = logging.getLogger("memoxide")
    with (
        memoxide.EmbeddedServer() as server,
        memoxide.Client(server.endpoint) as client,
    ):
        handler = Asking(client)
        logger.addHandler(handler)
        try:
            assert client.set(KEY, VALUE)
        finally:
            logger.removeHandler(handler)
        assert handler.found == [VALUE]


def test_threads_tell_of_an_outage_once(caplog: pytest.LogCaptureFixture) -> None:
    with memoxide.EmbeddedServer() as server:
        server.add_fault(action="refuse")
        options: Any = {"on_error": "miss", "dead_after": 8, "dead_retry": 30}
        with memoxide.Client(server.endpoint, **options) as client:
            threads = [
                threading.Thread(target=client.get, args=(KEY,)) for _ in range(16)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    told = events(caplog)
    assert told.count("server_out_of_service") == 1
    assert told.count("call_degraded") == 1


def test_two_clients_of_a_server_tell_each_for_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with memoxide.EmbeddedServer() as server:
        for _ in range(2):
            with memoxide.Client(server.endpoint) as client:
                client.get(KEY)
    assert events(caplog) == ["connection_opened", "connection_opened"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_tells_its_own_log() -> None:
    with (
        memoxide.EmbeddedServer() as server,
        memoxide.Client(server.endpoint) as client,
    ):
        client.get(KEY)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            handler = logging.StreamHandler(os.fdopen(write, "w"))
            logging.getLogger("memoxide").addHandler(handler)
            client.get(KEY)
            handler.flush()
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            told = pipe.read()
        assert os.waitpid(child, 0)[1] == 0
        assert told == f"connection opened ({server.endpoint})\n"


def test_the_drop_in_tells_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with memoxide.EmbeddedServer() as server:
        client = memcache.Client([server.endpoint], dead_retry=30)
        assert client.set(KEY, VALUE)
        server.add_fault(action="refuse")
        server.add_fault(action="close")
        assert client.get(KEY) is None
        assert client.get(KEY) is None
        out = records(caplog)[-1]
        check(out, {"event": "server_out_of_service"}, server.endpoint)
        server.clear_faults()
        for host in client.servers:
            host.deaduntil = time.time() - 1
        assert client.get(KEY) == VALUE
        client.disconnect_all()
    told = events(caplog)
    assert told.count("server_out_of_service") == 1
    assert told[-2:] == ["connection_opened", "server_back_in_service"]


def test_it_is_silent_by_default() -> None:
    program = """
import memoxide
with memoxide.EmbeddedServer() as server:
    server.add_fault(action="refuse")
    client = memoxide.Client(server.endpoint, dead_after=1, on_error="miss")
    assert client.get("key") is None
"""
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
