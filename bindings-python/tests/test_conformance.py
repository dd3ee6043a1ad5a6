"""Runs the shared scenarios (tests/README.md) through both clients."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memoxide
import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from conftest import RunMemcached

ROOT = Path(__file__).resolve().parents[2]

FIELDS = {
    *("call", "args", "expect", "error", "sent", "endpoint", "within", "save"),
    *("raw", "reply", "server", "advance", "stop", "fault"),
}


def bytes_of(notation: Any) -> bytes:
    match notation:
        case str(text) | {"utf8": str(text)}:
            return text.encode()
        case {"fill": str(fill), "count": int(count)}:
            return (fill * count).encode()
        case {"hex": str(digits)}:
            return bytes.fromhex(digits)
    raise AssertionError(f"no byte string: {notation}")


def key_of(notation: Any) -> str | bytes:
    data = bytes_of(notation)
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode()
    return data


def value_of(notation: dict[str, Any]) -> Any:
    ((kind, inner),) = notation.items()
    match kind:
        case "text" | "json":
            return inner
        case "int":
            return int(inner)
        case "bytes":
            return bytes_of(inner)
    raise AssertionError(f"unknown kind of value: {kind}")


def written(value: Any) -> dict[str, Any]:
    if type(value) is str:
        return {"text": value}
    if type(value) is int:
        return {"int": str(value)}
    if type(value) is bytes:
        return {"bytes": {"hex": value.hex()}}
    return {"json": value}


def normal(expectation: Any) -> Any:
    """Brings the byte strings in an expectation to hex."""
    if isinstance(expectation, dict):
        return {
            name: {"hex": bytes_of(inner).hex()} if name == "bytes" else normal(inner)
            for name, inner in expectation.items()
        }
    return expectation


class Embedded:
    name = "embedded"

    def __init__(self, servers: int) -> None:
        self.servers = [memoxide.EmbeddedServer() for _ in range(servers)]
        # Only `advance` moves their clocks.
        for server in self.servers:
            server.pause_time()
        self.endpoints = [server.endpoint for server in self.servers]

    def advance(self, seconds: int) -> None:
        for server in self.servers:
            server.advance(seconds)

    def stop(self, server: int) -> None:
        self.servers[server].stop()

    def close(self) -> None:
        for server in self.servers:
            server.stop()


class Memcached:
    name = "memcached"

    def __init__(self, run: RunMemcached, servers: int) -> None:
        self.stack = contextlib.ExitStack()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.endpoints: list[str] = []
        for _ in range(servers):
            # Its own use of the crawler would make lists of keys answer "busy".
            running = run("-o", "no_lru_maintainer,lru_crawler")
            process, endpoint = self.stack.enter_context(running)
            self.processes.append(process)
            self.endpoints.append(endpoint)

    def advance(self, seconds: int) -> None:
        raise AssertionError(f"the clock of memcached cannot be moved by {seconds} s")

    def stop(self, server: int) -> None:
        self.processes[server].kill()
        self.processes[server].wait()

    def close(self) -> None:
        self.stack.close()


class Blocking:
    """Calls methods of the blocking client."""

    name = "python-sync"

    def __init__(self, servers: list[str], options: dict[str, Any]) -> None:
        self.client = memoxide.Client(servers, **options)

    def perform(self, work: Callable[[Any], Any]) -> Any:
        return work(self.client)

    def shut(self) -> None:
        self.client.close()

    def close(self) -> None:
        self.client.close()


class Asynchronous:
    """Calls methods of the asyncio client, one loop for each scenario."""

    name = "python-async"

    def __init__(self, servers: list[str], options: dict[str, Any]) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = memoxide.AsyncClient(servers, **options)

    def perform(self, work: Callable[[Any], Any]) -> Any:
        async def run() -> Any:
            return await work(self.client)

        return self.loop.run_until_complete(run())

    def shut(self) -> None:
        self.loop.run_until_complete(self.client.aclose())

    def close(self) -> None:
        self.shut()
        self.loop.close()


Surface = Blocking | Asynchronous
Target = Embedded | Memcached


class Call:
    """One call: how it is made, and what its result means."""

    def __init__(self, surface: Surface, target: Target, saved: dict[str, Any]) -> None:
        self.surface = surface
        self.target = target
        self.saved = saved
        self.cas: int | None = None
        self.lock: Any = None

    def perform(self, method: str, arguments: dict[str, Any]) -> Any:
        handler = getattr(self, method, None)
        assert handler is not None, f"unknown method {method}"
        self.arguments = arguments
        self.how = {
            name: arguments[name]
            for name in ("timeout", "server_key")
            if name in arguments
        }
        self.keys = [key_of(key) for key in arguments.get("keys", [])]
        self.items = {
            key_of(key): value_of(value) for key, value in arguments.get("items", [])
        }
        return handler()

    @property
    def key(self) -> str | bytes:
        return key_of(self.arguments["key"])

    @property
    def value(self) -> Any:
        return value_of(self.arguments["value"])

    @property
    def time(self) -> dict[str, Any]:
        return {"time": self.arguments["ttl"]} if "ttl" in self.arguments else {}

    def run(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Calls a method of the client, or of its namespace."""

        def work(client: Any) -> Any:
            if "namespace" in self.arguments:
                client = client.namespace(self.arguments["namespace"])
            return getattr(client, name)(*arguments, **keywords, **self.how)

        return self.surface.perform(work)

    def found(self, value: Any) -> dict[str, Any]:
        return {"miss": True} if value is MISS else {"value": written(value)}

    def get(self) -> Any:
        return self.found(self.run("get", self.key, MISS))

    def gat(self) -> Any:
        return self.found(self.run("gat", self.key, default=MISS, **self.time))

    def gets(self) -> Any:
        return self.with_cas(self.run("gets_multi", [self.key]))

    def gats(self) -> Any:
        def work(client: Any) -> Any:
            return client.gats(self.key, default=MISS, **self.time, **self.how)

        value = self.surface.perform(work)
        if value is not MISS:
            # The id is remembered for the task or thread; this is how to see it.
            self.cas = self.run("gets_multi", [self.key])[self.key][1]
        return self.found(value)

    def with_cas(self, found: dict[Any, tuple[Any, int]]) -> Any:
        if self.key not in found:
            return {"miss": True}
        value, self.cas = found[self.key]
        return {"value": written(value)}

    def item(self) -> Any:
        item = self.run("get_item", self.key)
        if item is None:
            return {"miss": True}
        self.cas = item.cas
        return {"item": self.fields(item)}

    def fields(self, item: memoxide.Item) -> dict[str, Any]:
        names = ("flags", "ttl", "size", "hit_before")
        return {"value": written(item.value)} | {
            name: getattr(item, name) for name in names
        }

    def exists(self) -> Any:
        return {"flag": self.run("exists", self.key)}

    def get_raw(self) -> Any:
        raw = self.run("get_raw", self.key)
        if raw is None:
            return {"miss": True}
        return {"raw": {"flags": raw[0], "bytes": {"hex": raw[1].hex()}}}

    def set_raw(self) -> Any:
        data = bytes_of(self.arguments["bytes"])
        flags = self.arguments["flags"]
        return {"flag": self.run("set_raw", self.key, flags, data, **self.time)}

    def get_multi(self) -> Any:
        found = self.run("get_multi", self.keys)
        return {"values": {key: written(value) for key, value in found.items()}}

    def gets_multi(self) -> Any:
        found = self.run("gets_multi", self.keys)
        assert all(cas > 0 for _, cas in found.values())
        return {"values": {key: written(value) for key, (value, _) in found.items()}}

    def items_multi(self) -> Any:
        found = self.run("get_items", self.keys)
        return {"items": {key: self.fields(item) for key, item in found.items()}}

    def store(self, method: str) -> Any:
        return {"flag": self.run(method, self.key, self.value, **self.time)}

    def set(self) -> Any:
        return self.store("set")

    def add(self) -> Any:
        return self.store("add")

    def replace(self) -> Any:
        return self.store("replace")

    def append(self) -> Any:
        return self.store("append")

    def prepend(self) -> Any:
        return self.store("prepend")

    def cas_(self) -> Any:
        cas = int(self.arguments["cas"])
        return {"cas": self.run("cas", self.key, self.value, cas=cas, **self.time)}

    def many(self, method: str, *arguments: Any) -> Any:
        return {"failed": self.run(method, *arguments, **self.time)}

    def set_multi(self) -> Any:
        return self.many("set_multi", self.items)

    def add_multi(self) -> Any:
        return self.many("add_multi", self.items)

    def delete_multi(self) -> Any:
        return self.many("delete_multi", self.keys)

    def touch_multi(self) -> Any:
        return self.many("touch_multi", self.keys)

    def delete(self) -> Any:
        if "cas" in self.arguments:
            return {"cas": self.run("delete", self.key, cas=int(self.arguments["cas"]))}
        return {"flag": self.run("delete", self.key)}

    def touch(self) -> Any:
        return {"flag": self.run("touch", self.key, **self.time)}

    def take(self) -> Any:
        return self.found(self.run("take", self.key, MISS))

    def count(self, method: str) -> Any:
        initial = self.arguments.get("initial")
        more = {} if initial is None else {"initial": int(initial)}
        delta = int(self.arguments.get("delta", 1))
        number = self.run(method, self.key, delta, **more, **self.time)
        return {"number": None if number is None else str(number)}

    def incr(self) -> Any:
        return self.count("incr")

    def decr(self) -> Any:
        return self.count("decr")

    def update(self) -> Any:
        change = self.arguments["change"]

        def function(value: Any) -> Any:
            if "meanwhile" in change:
                exchange(self.target.endpoints[0], bytes_of(change["meanwhile"]))
            match change:
                case {"set": new}:
                    return value_of(new)
                case {"add": number}:
                    return (0 if value is None else value) + number
                case {"leave": True}:
                    return None
            raise AssertionError(f"unknown change: {change}")

        more = {"limit": self.arguments["limit"]} if "limit" in self.arguments else {}
        stored = self.run("update", self.key, function, **more, **self.time)
        return {"stored": None if stored is None else written(stored)}

    def lock_(self) -> Any:
        time_ = self.arguments.get("ttl", 30)

        def work(client: Any) -> Any:
            self.lock = client.lock(self.key, time_, wait=self.arguments.get("wait"))
            return self.lock.acquire()

        return {"flag": self.surface.perform(work)}

    def held(self) -> Any:
        return self.saved[self.arguments["lock"]]

    def extend(self) -> Any:
        return {
            "flag": self.surface.perform(
                lambda _: self.held().extend(self.arguments["ttl"])
            )
        }

    def release(self) -> Any:
        return {"flag": self.surface.perform(lambda _: self.held().release())}

    def invalidate(self) -> Any:
        self.surface.perform(lambda client: client.invalidate(self.arguments["name"]))
        return {"done": True}

    def flush_all(self) -> Any:
        self.run("flush_all", self.arguments.get("delay", 0))
        return {"done": True}

    def verbosity(self) -> Any:
        self.run("verbosity", self.arguments["level"])
        return {"done": True}

    def cache_memlimit(self) -> Any:
        self.run("cache_memlimit", self.arguments["megabytes"])
        return {"done": True}

    def version(self) -> Any:
        versions = self.run("version")
        assert all(version for _, version in versions)
        return {"servers": len(versions)}

    def stats(self) -> Any:
        reports = self.run("get_stats", self.arguments.get("report"))
        return {
            "servers": len(reports),
            "names": [set(report) for _, report in reports],
        }

    def report(self) -> Any:
        def work(client: Any) -> Any:
            return client.get_report(self.arguments.get("report", ""))

        # Numbers of classes are text in the scenarios, as they are in JSON.
        reports = [report for _, report in self.surface.perform(work)]
        return {"reports": json.loads(json.dumps(reports))}

    def keys_(self) -> Any:
        prefix = self.arguments.get("prefix")
        found = self.run("keys", prefix)
        return {"keys": sorted(found)}

    def server_for(self) -> Any:
        server_key = self.arguments.get("server_key")
        name = self.surface.client.server_for(self.key, server_key=server_key)
        return {"server": self.target.endpoints.index(name)}

    def close(self) -> Any:
        self.surface.shut()
        return {"done": True}


MISS = object()

# Names that are Python's own, or attributes of the class.
RENAMED = {"cas": "cas_", "lock": "lock_", "keys": "keys_"}


def exchange(endpoint: str, request: bytes) -> bytes:
    """Sends bytes over a plain socket and returns all that comes back."""
    host, _, port = endpoint.rpartition(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        reply = b""
        while chunk := connection.recv(65536):
            reply += chunk
        return reply


def only(fields: Any, of: Any) -> Any:
    """Keeps of a result what is named in the expectation."""
    if isinstance(fields, dict) and isinstance(of, dict):
        return {name: only(fields[name], of[name]) for name in fields if name in of}
    return of


def compare(at: str, method: str, expected: Any, result: Any) -> None:
    if method == "stats":
        assert result["servers"] == expected["servers"], at
        for report in result["names"]:
            assert report >= set(expected.get("has", [])), at
        return
    if "item" in expected or "items" in expected:
        result = only(expected, result)
    if "reports" in expected:
        pairs = zip(expected["reports"], result["reports"], strict=True)
        result = {"reports": [only(fields, report) for fields, report in pairs]}
    if "cas" in expected and isinstance(result.get("cas"), bool):
        expected = {"cas": expected["cas"] == "stored"}
    assert result == expected, f"{at}: {method}"


def make_call(at: str, call: Call, step: dict[str, Any], timeout: float) -> None:
    method = step["call"]
    arguments = dict(step["args"])
    for name, value in arguments.items():
        if isinstance(value, str) and value.startswith("$"):
            arguments[name] = call.saved[value[1:]]
    allowed = arguments.get("timeout", timeout) + arguments.get("wait", 0)
    within = step.get("within", allowed + 0.05)
    begin = time.monotonic()
    try:
        result = call.perform(RENAMED.get(method, method), arguments)
    except memoxide.MemoxideError as error:
        took = time.monotonic() - begin
        assert "error" in step, f"{at}: {method} failed: {error!r}"
        assert error.kind == step["error"], f"{at}: {method}: {error!r}"
        if step.get("sent"):
            assert error.sent == step["sent"], f"{at}: {error!r}"
        if "endpoint" in step:
            assert error.endpoint, f"{at}: no endpoint in {error!r}"
    else:
        took = time.monotonic() - begin
        assert "error" not in step, f"{at}: {method} gave {result}, not {step['error']}"
        compare(at, method, normal(step["expect"]), result)
        if "save" in step:
            call.saved[step["save"]] = call.lock if method == "lock" else call.cas
    assert took <= within, f"{at}: {method} took {took:.3f} s"


def run_scenario(
    name: str,
    scenario: dict[str, Any],
    surface: type[Surface],
    start: Callable[[int], Target],
) -> int:
    servers = start(scenario.get("servers", 1))
    try:
        options = scenario.get("options", {})
        client = surface(servers.endpoints, options)
        saved: dict[str, Any] = {}
        try:
            for number, step in enumerate(scenario["steps"], 1):
                at = f"{name}, step {number}"
                assert set(step) <= FIELDS, f"{at}: unknown field in {step}"
                if "call" in step:
                    call = Call(client, servers, saved)
                    make_call(at, call, step, options.get("timeout", 1.0))
                elif "raw" in step:
                    endpoint = servers.endpoints[step.get("server", 0)]
                    reply = exchange(endpoint, bytes_of(step["raw"]))
                    assert reply == bytes_of(step["reply"]), f"{at}: reply"
                elif "advance" in step:
                    servers.advance(step["advance"])
                elif "stop" in step:
                    servers.stop(step["stop"])
                elif "fault" in step:
                    assert isinstance(servers, Embedded), f"{at}: only ours has faults"
                    servers.servers[step.get("server", 0)].add_fault(step["fault"])
                else:
                    raise AssertionError(f"{at}: unknown step {step}")
        finally:
            client.close()
    finally:
        servers.close()
    return len(scenario["steps"])


def scenarios() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((ROOT / "tests" / "scenarios").glob("*.json")):
        for scenario in json.loads(path.read_text())["scenarios"]:
            yield f"{path.stem}: {scenario['name']}", scenario


@pytest.mark.parametrize("target", ["embedded", "memcached"])
@pytest.mark.parametrize(
    "surface", [Blocking, Asynchronous], ids=lambda surface: surface.name
)
def test_conformance(
    surface: type[Surface], target: str, run_memcached: RunMemcached
) -> None:
    start: Callable[[int], Target] = Embedded
    if target == "memcached":
        start = functools.partial(Memcached, run_memcached)
    ran, steps = 0, 0
    skipped = []
    for name, scenario in scenarios():
        if target not in scenario.get("targets", [target]):
            print(f"skipped against {target}: {name}: {scenario['why']}")
            skipped.append(f"{name}: {scenario['why']}")
            continue
        steps += run_scenario(name, scenario, surface, start)
        ran += 1
    print(f"{surface.name} against {target}: {ran} scenarios, {steps} steps")
    folder = ROOT / "build" / "conformance"
    folder.mkdir(parents=True, exist_ok=True)
    report = {
        "surface": surface.name,
        "target": target,
        "scenarios": ran,
        "steps": steps,
        "skipped": skipped,
    }
    path = folder / f"{surface.name}-{target}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
