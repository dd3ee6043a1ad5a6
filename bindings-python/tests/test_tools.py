"""The tools of whoever runs a cluster, by the vectors of all languages."""

from __future__ import annotations

import doctest
import json
import signal
import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from memoxide import _native
from memoxide.tools import Progress, Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
TOOLS = json.loads((VECTORS / "tools.json").read_text("utf-8"))


def data_of(value: dict[str, str]) -> bytes:
    return value["utf8"].encode() if "utf8" in value else bytes.fromhex(value["hex"])


def side(described: dict[str, Any]) -> memoxide.Client:
    return memoxide.Client(described["servers"], hashing=described["hashing"])


class Wire:
    """A connection to one server, without a client."""

    def __init__(self, endpoint: str) -> None:
        host, port = endpoint.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.file.close()
        self.socket.close()

    def store(self, key: str, flags: int, ttl: int, data: bytes) -> None:
        head = f"set {key} {flags} {ttl} {len(data)}\r\n".encode()
        self.socket.sendall(head + data + b"\r\n")
        assert self.file.readline() == b"STORED\r\n"

    def load(self, key: str) -> tuple[int, int, bytes] | None:
        """Returns flags, time to live (-1 for none) and bytes of an item."""
        self.socket.sendall(f"mg {key} f t v u\r\n".encode())
        head = self.file.readline().split()
        if head[0] != b"VA":
            assert head == [b"EN"]
            return None
        data = self.file.read(int(head[1]))
        assert self.file.read(2) == b"\r\n"
        return int(head[2][1:]), int(head[3][1:]), data


@pytest.fixture
def servers() -> Iterator[list[memoxide.EmbeddedServer]]:
    with ExitStack() as stack:
        start = memoxide.EmbeddedServer
        yield [stack.enter_context(start()) for _ in range(5)]


@pytest.fixture
def old(servers: list[memoxide.EmbeddedServer]) -> Iterator[memoxide.Client]:
    names = [server.endpoint for server in servers[:3]]
    with memoxide.Client(names, hashing="python-memcached") as client:
        yield client


@pytest.fixture
def new(servers: list[memoxide.EmbeddedServer]) -> Iterator[memoxide.Client]:
    with memoxide.Client([server.endpoint for server in servers[3:]]) as client:
        yield client


@pytest.mark.parametrize(
    "name", ["compare_placements", "explain_key", "explain_value", "migrate"]
)
def test_the_examples_of_the_functions_are_true(name: str) -> None:
    tests = doctest.DocTestFinder().find(getattr(_native, name), name)
    results = [doctest.DocTestRunner(verbose=False).run(test) for test in tests]
    assert [result.failed for result in results] == [0]
    assert results[0].attempted > 1


def test_keys_are_explained() -> None:
    assert len(TOOLS["explain"]) == 24
    for case in TOOLS["explain"]:
        explained = memoxide.explain_key(side(case), case["key"])
        assert explained.server == case["server"]
        assert explained.order[0] == case["server"]
        assert explained.hashing == case["hashing"]
        assert explained.key == explained.hashed == case["key"].encode()
        for figure in ("hash", "point", "points", "slot", "slots"):
            assert getattr(explained, figure) == case.get(figure), (case, figure)


def test_a_prefix_is_part_of_the_key_and_may_not_be_hashed() -> None:
    client = memoxide.AsyncClient("a,b,c", prefix="app:")
    explained = memoxide.explain_key(client, b"user:1")
    assert (explained.key, explained.hashed) == (b"app:user:1", b"user:1")
    client = memoxide.AsyncClient("a,b,c", prefix="app:", hashing="memjs")
    assert memoxide.explain_key(client, b"user:1").hashed == b"app:user:1"


def test_the_key_of_a_server_that_is_down_goes_elsewhere() -> None:
    client = memoxide.Client("a,b,c")
    first = memoxide.explain_key(client, "user:1")
    second = memoxide.explain_key(client, "user:1", down=[first.server])
    assert second.server == first.order[1]
    assert first.server not in second.order
    with pytest.raises(memoxide.NoServersError):
        memoxide.explain_key(client, "user:1", down=client.servers)
    with pytest.raises(memoxide.InvalidArgumentError, match="no server is called"):
        memoxide.explain_key(client, "user:1", down=["d"])
    with pytest.raises(memoxide.InvalidArgumentError, match="list of names"):
        memoxide.explain_key(client, "user:1", down="a:11211")
    with pytest.raises(memoxide.InvalidKeyError):
        memoxide.explain_key(client, "two words")
    with pytest.raises(memoxide.InvalidArgumentError, match="Client or AsyncClient"):
        memoxide.explain_key("a,b,c", "user:1")  # type: ignore[arg-type]


def test_values_are_explained() -> None:
    first, *_ = memoxide.explain_value(0x10010, b'{"id":1}')
    assert first.dialect == "memoxide"
    assert first.kind == "map"
    assert first.compression is None
    assert first.size == 8
    assert first.confidence == "likely"
    assert str(first) == first.text
    assert memoxide.explain_value(0xDEADBEEF, b"\xff")
    assert memoxide.explain_value(0x10010, bytearray(b'{"id":1}'))[0] == first
    for flags, value in ((-1, b""), (2**32, b""), ("0", b""), (0, "text")):
        arguments: Any = (flags, value)
        with pytest.raises(memoxide.InvalidArgumentError):
            memoxide.explain_value(*arguments)


def test_placements_are_compared() -> None:
    for case in TOOLS["compare"]:
        prefix, count = case["keys"]["prefix"], case["keys"]["count"]
        keys = (f"{prefix}{number}" for number in range(count))
        compared = memoxide.compare_placements(
            side(case["old"]), side(case["new"]), keys, limit=10
        )
        assert (compared.keys, compared.moved) == (count, case["moved"])
        assert compared.share == case["moved"] / count
        assert sum(flow.keys for flow in compared.flows) == case["moved"]
        shares = [
            {"server": share.server, "before": share.before, "after": share.after}
            for share in compared.shares
        ]
        assert shares == case["shares"]
        assert len(compared.moving) == min(10, case["moved"])


def test_keys_come_from_a_file_or_from_the_servers(
    old: memoxide.Client, new: memoxide.Client, tmp_path: Path
) -> None:
    keys = [f"user:{number}" for number in range(300)]
    old.set_multi(dict.fromkeys(keys, 1))
    file = tmp_path / "keys"
    file.write_text(
        "\n".join([*keys[:150], *(f"key={key} exp=-1" for key in keys[150:])])
    )
    for source in (keys, file, None):
        compared = memoxide.compare_placements(old, new, source)
        assert (compared.keys, compared.moved, compared.passed_over) == (300, 300, 0)
        assert sorted(compared.moving) == sorted(key.encode() for key in keys)
    assert memoxide.compare_placements(old, old).moved == 0
    with pytest.raises(memoxide.InvalidArgumentError, match="cannot be read"):
        memoxide.compare_placements(old, new, tmp_path / "none")


def test_items_are_migrated_as_they_are(
    old: memoxide.Client, new: memoxide.Client
) -> None:
    for item in TOOLS["items"]:
        with Wire(old.server_for(item["key"])) as wire:
            data = data_of(item["value"])
            wire.store(item["key"], item["flags"], item["ttl"], data)
    summary = memoxide.migrate(old, new)
    count = len(TOOLS["items"])
    assert summary.finished
    assert (summary.listed, summary.copied, summary.moved) == (count, count, count)
    assert summary.bytes == sum(len(data_of(item["value"])) for item in TOOLS["items"])
    for item in TOOLS["items"]:
        with Wire(new.server_for(item["key"])) as wire:
            found = wire.load(item["key"])
        assert found is not None
        flags, ttl, data = found
        assert (flags, data) == (item["flags"], data_of(item["value"]))
        if item["ttl"]:
            assert item["ttl"] - 60 <= ttl <= item["ttl"]
        else:
            assert ttl == -1
    verified = memoxide.migrate(old, new, mode="verify")
    assert (verified.same, verified.unresolved) == (count, ())
    again = memoxide.migrate(old, new, check_first=True)
    assert (again.copied, again.present) == (0, count)
    assert str(again).startswith(f"{count} keys: {count} already there; 0 bytes in ")


def test_what_differs_is_told_and_can_be_given_again(
    old: memoxide.Client, new: memoxide.Client
) -> None:
    old.set_multi({f"user:{number}": number for number in range(20)})
    planned = memoxide.migrate(old, new, mode="dry-run")
    assert (planned.copied, new.get("user:1")) == (20, None)
    memoxide.migrate(old, new)
    new.set("user:3", "other")
    new.delete("user:4")
    verified = memoxide.migrate(old, new, mode="verify")
    assert (verified.same, verified.different, verified.missing) == (18, 1, 1)
    told = sorted(verified.unresolved, key=lambda unresolved: unresolved.key)
    assert told == [
        Unresolved(
            key=b"user:3",
            server=new.server_for("user:3"),
            reason="different",
            error=None,
        ),
        Unresolved(
            key=b"user:4", server=new.server_for("user:4"), reason="missing", error=None
        ),
    ]
    keys = [unresolved.key for unresolved in told]
    repaired = memoxide.migrate(old, new, keys, overwrite=True)
    assert (repaired.listed, repaired.copied) == (2, 2)
    assert (new.get("user:3"), new.get("user:4")) == (3, 4)


def test_progress_is_told_and_may_end_the_run(
    old: memoxide.Client, new: memoxide.Client
) -> None:
    old.set_multi({f"user:{number}": number for number in range(1000)})
    told: list[Progress] = []

    def enough(progress: Progress) -> bool:
        told.append(progress)
        return progress.counts.copied < 300

    summary = memoxide.migrate(old, new, progress=enough)
    assert not summary.finished
    assert 300 <= summary.copied < 1000
    assert told[0].servers == 3
    assert told[0].expected == 1000
    assert told[0].server in old.servers
    assert told[-1].counts.copied == summary.copied
    assert memoxide.migrate(old, new, progress=told.append).finished
    assert told[-1].servers_done == 3


def test_what_the_caller_raises_comes_out(
    old: memoxide.Client, new: memoxide.Client
) -> None:
    old.set("key", 1)

    def fail(_: Progress) -> None:
        raise LookupError("enough")

    def keys() -> Iterator[str]:
        yield "key"
        raise LookupError("no more")

    with pytest.raises(LookupError, match="enough"):
        memoxide.migrate(old, new, progress=fail)
    with pytest.raises(LookupError, match="no more"):
        memoxide.migrate(old, new, keys())
    with pytest.raises(LookupError, match="no more"):
        memoxide.compare_placements(old, new, keys())
    with pytest.raises(memoxide.InvalidKeyError):
        memoxide.migrate(old, new, [5])  # type: ignore[list-item]
    with pytest.raises(memoxide.InvalidArgumentError, match="one key"):
        memoxide.migrate(old, new, "key")
    with pytest.raises(memoxide.InvalidArgumentError, match="mode"):
        memoxide.migrate(old, new, mode="move")  # type: ignore[arg-type]
    with pytest.raises(memoxide.InvalidArgumentError, match="keys_per_second"):
        memoxide.migrate(old, new, keys_per_second=0)
    with pytest.raises(memoxide.InvalidArgumentError, match="progress"):
        memoxide.migrate(old, new, progress=5)  # type: ignore[arg-type]


def test_a_signal_ends_a_run_that_waits(
    old: memoxide.Client, new: memoxide.Client
) -> None:
    old.set_multi({f"user:{number}": number for number in range(100)})
    begun = threading.Event()

    def interrupt() -> None:
        begun.wait()
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    # At this rate it would take three hours.
    with pytest.raises(KeyboardInterrupt):
        memoxide.migrate(old, new, keys_per_second=0.01, progress=lambda _: begun.set())
    thread.join()


def test_other_threads_run_meanwhile(
    old: memoxide.Client, new: memoxide.Client
) -> None:
    old.set_multi({f"user:{number}": number for number in range(50)})
    other = threading.Event()
    thread = threading.Thread(target=other.set)

    def look(_: Progress) -> bool:
        if thread.ident is None:
            thread.start()
        # Set by the other thread while the migration waits for its rate.
        return not other.is_set()

    summary = memoxide.migrate(old, new, keys_per_second=10, progress=look)
    thread.join()
    assert 0 < summary.copied < 50


def test_a_server_that_is_down_is_told(old: memoxide.Client) -> None:
    server = memoxide.EmbeddedServer()
    with memoxide.Client([server.endpoint]) as gone:
        server.stop()
        with pytest.raises(memoxide.ConnectError):
            memoxide.migrate(gone, old)
        old.set("key", 1)
        summary = memoxide.migrate(old, gone, max_failures=1)
    assert not summary.finished
    (unresolved,) = summary.unresolved
    assert (unresolved.key, unresolved.reason) == (b"key", "failed")
    assert isinstance(unresolved.error, memoxide.ConnectError)
