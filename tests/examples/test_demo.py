"""The demo from end to end, as `make demo` runs it."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memoxide
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

DEMO = Path(__file__).parents[2] / "examples" / "demo" / "drive.py"
# The demo ends itself before that; it takes about 15 seconds.
LIMIT_SECONDS = 200

pytestmark = pytest.mark.timeout(LIMIT_SECONDS + 10)


@contextlib.contextmanager
def demo(
    *words: str, servers: str = "", **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Starts the demo in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, DEMO, *words],
        env={**os.environ, "MEMCACHED_SERVERS": servers, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def run(*words: str, servers: str = "") -> tuple[int, str, str]:
    """Runs the demo; returns its exit status and what it printed."""
    with demo(*words, servers=servers) as process:
        output, errors = process.communicate(timeout=LIMIT_SECONDS)
        assert not is_alive(process.pid), "the demo has left processes behind"
        return process.returncode, output, errors


def is_alive(group: int) -> bool:
    """Whether a process group has members."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def check(document: dict[str, Any], statements: int) -> None:
    """Checks what the demo says of itself, and that it has looked."""
    stated = document["statements"]
    assert [it["text"] for it in stated if not it["holds"]] == []
    assert len(stated) == statements
    assert document["passed"] is True
    assert (document["countries"], document["subdivisions"]) == (249, 5046)

    # What was stated, seen from the requests themselves.
    seen = {
        (it["app"], it["cache"], it["source"])
        for it in document["requests"]
        if it["cache"]
    }
    for reader, writer in [("flask", "express"), ("express", "flask")]:
        assert (reader, "HIT", writer) in seen
        assert (reader, "HIT", "rust") in seen
        assert (reader, "MISS", reader) in seen
    for app in ("flask", "express"):
        figures = document["traffic"][app]
        assert figures["with_cache"]["requests"] == 500
        assert figures["hit_ratio"] > 0.9
        fast, slow = figures["with_cache"], figures["without_cache"]
        assert fast["median_ms"] < slow["median_ms"]
        assert fast["median_ms"] <= fast["p95_ms"]
    assert document["rust"]["different"] == []


def test_with_a_server_of_its_own() -> None:
    status, output, errors = run("--json")
    assert (status, errors) == (0, "")
    document = json.loads(output)
    check(document, statements=31)
    assert "skipped" not in document


def test_over_two_servers_one_of_them_memcached(tmp_path: Path) -> None:
    with memcached(tmp_path) as endpoint, memoxide.EmbeddedServer() as embedded:
        status, output, errors = run(servers=f"{endpoint},{embedded.endpoint}")
        assert (status, errors) == (0, "")
        lines = output.splitlines()
        assert lines[-1] == "All 29 statements hold."
        assert max(map(len, lines)) <= 100
        assert "\033" not in output
        for server in (endpoint, embedded.endpoint):
            with memoxide.Client([server]) as client:
                [(_, report)] = client.get_stats()
            assert int(report["get_hits"]) > 0, f"nothing was read from {server}"


def test_a_statement_that_does_not_hold_fails_the_demo() -> None:
    with memoxide.EmbeddedServer(item_size_limit=2048) as too_small_for_pages:
        status, output, _ = run("--json", servers=too_small_for_pages.endpoint)
    assert status == 1
    document = json.loads(output)
    assert document["passed"] is False
    failed = {it["text"] for it in document["statements"] if not it["holds"]}
    assert "Express sends the page that Flask rendered and cached" in failed


def test_a_server_that_is_not_there_is_named() -> None:
    with memoxide.EmbeddedServer() as server:
        gone = server.endpoint
    status, output, errors = run("--json", servers=gone)
    assert (status, output) == (1, "")
    assert gone in errors


def test_nothing_outlives_a_demo_that_is_killed(tmp_path: Path) -> None:
    with demo(TMPDIR=str(tmp_path)) as process:
        assert process.stdout
        for line in process.stdout:
            if "GET /countries/FR" in line:
                break
        else:
            pytest.fail("the demo ended early")
        process.kill()
        process.wait()
        deadline = time.monotonic() + 30
        while is_alive(process.pid):
            assert time.monotonic() < deadline, "children outlive the demo"
            time.sleep(0.02)


@contextlib.contextmanager
def memcached(folder: Path) -> Iterator[str]:
    """Runs the system's memcached on a free port, and gives its address."""
    program = shutil.which("memcached")
    if not program:
        if os.environ.get("CI"):
            pytest.fail("memcached is not installed")
        pytest.skip("memcached is not installed")
    ports = folder / "ports"
    process = subprocess.Popen(
        [program, "-u", getpass.getuser(), "-l", "127.0.0.1", "-p", "-1", "-U", "0"],
        env={**os.environ, "MEMCACHED_PORT_FILENAME": str(ports)},
    )
    try:
        deadline = time.monotonic() + 30
        while not ports.exists():
            assert time.monotonic() < deadline, "memcached does not start"
            assert process.poll() is None, "memcached has ended"
            time.sleep(0.01)
        yield f"127.0.0.1:{ports.read_text().split()[-1]}"
    finally:
        process.terminate()
        process.wait(30)
