"""Other clients go round the embedded server and round memcached.

A tour is a program that calls everything its client has and prints each result
as a line of JSON. It has to be told the same by both servers; `DIFFERENCES` has
what they may tell differently, and why.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import servers

TOURS = Path(__file__).parent / "tours"
PEERS = servers.ROOT / "build" / "peers"
PYTHON = PEERS / "venv" / "bin" / "python"
CI = os.environ.get("CI") == "true"

# Program, variant, and the server that it is for.
RUNS = [
    ("pymemcache_tour.py", "plain", "plain"),
    ("pymemcache_tour.py", "tls", "tls"),
    ("pylibmc_tour.py", "text", "plain"),
    ("pylibmc_tour.py", "binary", "plain"),
    # Not with SASL: pylibmc's wheels have its library without a mechanism.
    ("bmemcached_tour.py", "plain", "plain"),
    ("bmemcached_tour.py", "sasl", "sasl"),
    ("emcache_tour.py", "plain", "plain"),
    ("emcache_tour.py", "ascii", "ascii"),
    ("emcache_tour.py", "tls", "tls"),
    ("memjs_tour.mjs", "plain", "plain"),
    ("memjs_tour.mjs", "sasl", "sasl"),
    ("php_tour.php", "text", "plain"),
    ("php_tour.php", "binary", "plain"),
    ("php_tour.php", "sasl", "sasl"),
    ("session_tour.php", "plain", "plain"),
    ("session_tour.php", "sasl", "sasl"),
]

# Calls whose results differ, and why; see also tests/vectors/version_differences.json.
DIFFERENCES = {
    "raw get": "1.6.18 says ERROR, 1.6.45 and memoxide CLIENT_ERROR",
    "shutdown is off": "1.6.18 says ERROR, 1.6.45 and memoxide SERVER_ERROR",
}

# Statistics that memcached had before 1.6.45.
GONE = {"slab_reassign_evictions_nomem"}


@pytest.mark.parametrize(("program", "variant", "kind"), RUNS)
def test_a_tour(tmp_path: Path, program: str, variant: str, kind: str) -> None:
    if shutil.which("memcached") is None:
        missing("memcached is not installed")
    flags = servers.memcached_flags(kind, tmp_path)
    if flags is None:
        pytest.skip(f"the system's memcached cannot be one with {kind}")
    with servers.memcached(flags, tmp_path) as server:
        at_theirs = tour(program, variant, server)
    with servers.embedded(kind) as server:
        at_ours = tour(program, variant, server)
    calls = [line["call"] for line in at_theirs]
    assert len(calls) > 20
    assert [line["call"] for line in at_ours] == calls
    different = []
    for mine, other in zip(at_ours, at_theirs, strict=True):
        if mine["call"] in DIFFERENCES:
            continue
        left, right = parts(mine["result"], other["result"])
        if left != right:
            different.append((mine["call"], left, right))
    report = "\n".join(
        f"{call}:\n    memoxide  {mine}\n    memcached {other}"
        for call, mine, other in different
    )
    assert not different, f"{len(different)} of {len(calls)}:\n{report}"
    print(f"\n{program} {variant}: {len(calls)} results are the same", end="")


def parts(mine: Any, other: Any) -> tuple[Any, Any]:
    """Returns what is to be equal of two results.

    Of statistics that is what memcached has; newer versions have more.
    """
    if isinstance(other, dict) and {"counted", "names"} <= set(other):
        lacking = set(other["names"]) - set(mine["names"]) - GONE
        counted = {
            name: (mine["counted"].get(name), count)
            for name, count in other["counted"].items()
            if mine["counted"].get(name) != count
        }
        return (sorted(lacking), counted), ([], {})
    return mine, other


def missing(what: str) -> NoReturn:
    """Skips a test for want of something, which continuous integration has."""
    if CI:
        pytest.fail(what)
    pytest.skip(what)


def tour(program: str, variant: str, server: str) -> list[dict[str, Any]]:
    """Runs a tour and returns its lines."""
    interpreter = {".py": str(PYTHON), ".mjs": "node", ".php": "php"}
    start = shutil.which(interpreter[Path(program).suffix])
    if start is None or (program.endswith(".php") and not php_has_memcached(start)):
        missing(f"what runs {program} is not installed")
    words = [start, str(TOURS / program), server, variant, servers.AUTHORITY]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PEERS": str(PEERS)},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    _, _, port = server.rpartition(":")
    text = re.sub(rf"\b{port}\b", "PORT", done.stdout)
    return [json.loads(line) for line in text.splitlines()]


def php_has_memcached(php: str) -> bool:
    """Tells whether PHP has the extension."""
    listed = subprocess.run([php, "-m"], capture_output=True, text=True, check=True)
    return "memcached" in listed.stdout.split()
