"""Runs the tests of other projects against memoxide; called by `run`.

Each project's source distribution is fetched from the package index; its tests
are copied to `build/foreign`, told where the server is, and run with memoxide in
place of the client they were written for, or of the server: `memoxide serve`
under memcached's name. What is known to fail, and why, is listed here; anything
else that fails, or does no longer, fails this program.

Usage:
    run [project ...]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import memoxide

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "foreign"
CI = os.environ.get("CI") == "true"

# Where `memcached` is memoxide.
PROGRAMS = BUILD / "bin"

# What stands for a server in the texts of a project.
Address = dict[str, str]


@dataclass(frozen=True)
class Project:
    """A project whose tests are run.

    Attributes:
        name: Its name on the package index.
        tests: The arguments of pytest, or of Django's own runner.
        server: What they run against: "memcached" where memoxide is the client,
            else "memoxide".
        folder: Where its tests are.
        edits: Texts in its tests and what they become; `{host}` and `{port}` are
            those of the server. One of memoxide is also at `{local}`, a loopback
            address of its own, with the port that everybody expects, and at
            `{socket}`, a unix socket.
        settings: Environment variables.
        failing: Parts of the names of tests that fail, and why.
    """

    name: str
    tests: list[str]
    server: str = "memcached"
    folder: str = "tests"
    edits: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)


# They start a memcached for pylibmc, on a port of their own.
PALLETS = {'package_name = "pylibmc"': 'package_name = "memcache"', "11212": "{port}"}

# Seconds that a server may take to listen.
START = 60

# What lives for a second may end with the next, which begins at any moment, and
# before it was read; what they wait for ends in two seconds as well.
TWO_SECONDS = {
    "Django": {
        'cache.set("expire1", "very quickly", timeout=1)': (
            'cache.set("expire1", "very quickly", timeout=2)'
        ),
        'cache.set("key5", "belgian fries", timeout=1)': (
            'cache.set("key5", "belgian fries", timeout=2)'
        ),
    },
    "Flask-Caching": {'c.set("foo", "bar", 1)': 'c.set("foo", "bar", 2)'},
    "pylibmc": {"self.mc.set(touch_test, tval, 1)": "self.mc.set(touch_test, tval, 2)"},
}

# Neither memcached nor memoxide runs as root without being told to.
AS_ROOT = '"-u", "root", ' if os.geteuid() == 0 else ""

INSIDE = "looks inside: replaces python-memcached's own way to write and read"

PROJECTS = [
    Project(
        "python-memcached",
        ["tests"],
        edits={"127.0.0.1:11211": "{host}:{port}"},
        failing={
            "test_Socket_Disconnect": "looks inside: replaces socket.socket",
            "test_touch_unexpected_reply": INSIDE,
            "test_touch": INSIDE,
        },
    ),
    Project("cachelib", ["tests/test_memcached_cache.py"], edits=PALLETS),
    Project(
        "Flask-Caching",
        ["tests/test_backend_cache.py::TestMemcachedCache"],
        edits=PALLETS | TWO_SECONDS["Flask-Caching"],
    ),
    Project(
        "dogpile.cache",
        [
            f"tests/cache/test_memcached_backend.py::{name}"
            for name in (
                "MemcachedTest",
                "MemcachedDistributedTest",
                "MemcachedDistributedMutexTest",
            )
        ],
        settings={"DOGPILE_MEMCACHED_PORT": "{port}"},
    ),
    Project(
        "Django",
        # The second makes the first find its models.
        ["memoxide_cache", "cache.tests.CacheHandlerTest", "sessions_tests"],
        edits=TWO_SECONDS["Django"],
        settings={"MEMOXIDE_TEST_SERVER": "{host}:{port}"},
    ),
    Project(
        "pymemcache",
        ["pymemcache/test/test_integration.py", "--server={host}", "--port={port}"],
        server="memoxide",
        folder="pymemcache",
    ),
    Project(
        "pylibmc",
        ["tests"],
        server="memoxide",
        edits={
            'memcached_port = "11211"': 'memcached_port = "{port}"',
            "elasticache()": 'elasticache("{host}:{port}")',
            **TWO_SECONDS["pylibmc"],
        },
        settings={"MEMCACHED_HOST": "{host}", "MEMCACHED_PORT": "{port}"},
    ),
    Project(
        "python-binary-memcached",
        ["test"],
        server="memoxide",
        folder="test",
        edits={
            "/tmp/memcached.sock": "{socket}",  # noqa: S108 - theirs
            '"-p5001",': f'"-p5001", "-l{{local}}", {AS_ROOT}',
            # Python starts more slowly than memcached.
            "time.sleep(0.1)": "__import__('conftest').wait_for(5001)",
            # Their proxy has to start within this time.
            "_set_retry_delay(0.25)": "_set_retry_delay(3)",
            "time.sleep(0.3)": "time.sleep(3.1)",
        },
        settings={"MEMCACHED_HOST": "{local}"},
    ),
]


def main() -> int:
    """Runs what is asked for and tells how many tests passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [project.name for project in PROJECTS]
    parser.add_argument("project", nargs="*", metavar="project", help=", ".join(names))
    wanted = parser.parse_args().project or names
    if unknown := set(wanted) - set(names):
        parser.error(f"no such project: {', '.join(sorted(unknown))}")
    BUILD.mkdir(parents=True, exist_ok=True)
    good = True
    for kind, running in {"memcached": memcached, "memoxide": memoxide_serve}.items():
        chosen = [
            project
            for project in PROJECTS
            if project.name in wanted and project.server == kind
        ]
        if chosen:
            with running() as address:
                for project in chosen:
                    good &= run(project, address)
    return 0 if good else 1


def run(project: Project, address: Address) -> bool:
    """Runs the tests of a project; tells whether they went as expected."""
    tests = prepare(project, address)
    if tests is None:
        return not CI
    report = BUILD / f"{project.name}.xml"
    report.unlink(missing_ok=True)
    environment = os.environ | {
        # Their servers are ours, so that none is started.
        "CI": "true",
        "PYTHONPATH": str(HERE),
        **{name: fill(text, address) for name, text in project.settings.items()},
    }
    if project.server == "memoxide":
        environment["PATH"] = f"{PROGRAMS}{os.pathsep}{environment['PATH']}"
    if project.name == "Django":
        words = [sys.executable, "runtests.py", "--settings=memoxide_settings"]
        words += ["--parallel=1", "--verbosity=2", *project.tests]
        place = tests / "tests"
    else:
        words = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}"]
        if project.server == "memcached":
            words += ["-p", "stand_in"]
        words += [fill(word, address) for word in project.tests]
        place = tests
    done = subprocess.run(
        words,
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    (BUILD / f"{project.name}.log").write_text(done.stdout)
    if project.name == "Django":
        results = read_django(done.stdout)
        total = re.search(r"^Ran (\d+) tests", done.stdout, re.MULTILINE)
        if total is None or int(total[1]) != len(results):
            print(f"Django: {len(results)} results of {total and total[1]} tests")
            return False
    else:
        results = read_junit(report) if report.exists() else {}
    if not results:
        print(done.stdout)
        print(f"{project.name}: no test was run")
        return False
    return judge(project, results)


def judge(project: Project, results: dict[str, str]) -> bool:
    """Prints the result of a project and compares it with what is expected."""
    counts = {
        kind: sum(result == kind for result in results.values())
        for kind in ("passed", "failed", "skipped")
    }
    print(
        f"{project.name}: {counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['skipped']} skipped"
    )
    (BUILD / f"{project.name}.json").write_text(json.dumps(results, indent=1))
    good = counts["passed"] > 0
    known = dict(project.failing)
    for name, result in results.items():
        if result != "failed":
            continue
        part = next((part for part in project.failing if name.endswith(part)), None)
        if part is None:
            good = False
            print(f"  {name} fails, see build/foreign/{project.name}.log")
        else:
            print(f"  {name} fails as known: {known.pop(part)}")
    for part in known:
        good = False
        print(f"  {part} does not fail any more; take it off the list")
    return good


def read_junit(report: Path) -> dict[str, str]:
    """Returns the results that pytest has written, by test."""
    results = {}
    for case in ET.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        result = "passed"
        if kinds & {"failure", "error"}:
            result = "failed"
        elif "skipped" in kinds:
            result = "skipped"
        results[f"{case.get('classname')}.{case.get('name')}"] = result
    return results


def read_django(output: str) -> dict[str, str]:
    """Returns the results that Django's runner has printed, by test."""
    results = {}
    # The name may be followed by a line of description.
    pattern = r"^(\S+ \(\S+?\))(?:\n[^\n]+?)? \.\.\. (ok|skipped|expected|FAIL|ERROR)"
    for name, result in re.findall(pattern, output, re.MULTILINE):
        kinds = {"ok": "passed", "expected": "passed", "skipped": "skipped"}
        results[name] = kinds.get(result, "failed")
    for name in re.findall(r"^(?:ERROR|FAIL): (\S+ \(\S+\))", output, re.MULTILINE):
        results[name] = "failed"
    return results


def prepare(project: Project, address: Address) -> Path | None:
    """Fetches a project and returns the folder with its edited tests."""
    version = pinned_version(project.name)
    if version is None:
        print(f"{project.name}: skipped, it needs a newer Python")
        return None
    fetched = BUILD / "fetched" / f"{project.name}-{version}"
    if not fetched.exists() and not fetch(f"{project.name}=={version}", fetched):
        print(f"{project.name}: skipped, its source distribution cannot be fetched")
        return None
    tests = BUILD / project.name
    shutil.rmtree(tests, ignore_errors=True)
    shutil.copytree(fetched / project.folder, tests / project.folder)
    # Their own settings of pytest; else it would find those of this project.
    settings = fetched / "pyproject.toml"
    if settings.exists() and "[tool.pytest" in settings.read_text():
        shutil.copy(fetched / "pyproject.toml", tests)
    else:
        (tests / "pytest.ini").write_text("[pytest]\n")
    additions = HERE / project.name.lower()
    if additions.exists():
        shutil.copytree(additions, tests / project.folder, dirs_exist_ok=True)
    for file in (tests / project.folder).rglob("*.py") if project.edits else ():
        text = edited = file.read_text()
        for old, new in project.edits.items():
            edited = edited.replace(old, fill(new, address))
        if edited != text:
            file.write_text(edited)
    return tests


def pinned_version(name: str) -> str | None:
    """Returns the version of a project that `requirements.txt` names."""
    for line in (HERE / "requirements.txt").read_text().splitlines():
        match = re.match(
            rf"{re.escape(name)}==(\S+?)(; python_version >= .3\.(\d+).)?$", line
        )
        if match and sys.version_info >= (3, int(match[3] or 0)):
            return match[1]
    return None


def fetch(requirement: str, target: Path) -> bool:
    """Unpacks a source distribution; tells whether it could be had."""
    archive = target.with_suffix(".download")
    shutil.rmtree(archive, ignore_errors=True)
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    words += ["--disable-pip-version-check", "--no-binary", ":all:"]
    done = subprocess.run(
        [*words, "--dest", str(archive), requirement], timeout=300, check=False
    )
    packed = next(archive.glob("*.tar.gz"), None)
    if done.returncode != 0 or packed is None:
        return False
    with tarfile.open(packed) as contents:
        top = contents.getnames()[0].split("/")[0]
        contents.extractall(archive, filter="data")
    (archive / top).rename(target)
    shutil.rmtree(archive)
    return True


def fill(text: str, address: Address) -> str:
    """Puts the server into a text."""
    for name, value in address.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@contextlib.contextmanager
def memcached() -> Iterator[Address]:
    """Runs memcached if the system has it, else the embedded server."""
    program = shutil.which("memcached")
    if program is None:
        if CI:
            raise SystemExit("memcached is not installed")
        with memoxide.EmbeddedServer() as server:
            yield {"host": "127.0.0.1", "port": str(server.port)}
        return
    port = free_port()
    words = [program, "-l", "127.0.0.1", "-p", str(port), "-U", "0"]
    if os.geteuid() == 0:
        words += ["-u", "nobody"]
    with process(words, ("127.0.0.1", port)):
        yield {"host": "127.0.0.1", "port": str(port)}


@contextlib.contextmanager
def memoxide_serve() -> Iterator[Address]:
    """Runs `memoxide serve`, under memcached's name, which tests may start too."""
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    program = PROGRAMS / "memcached"
    program.unlink(missing_ok=True)
    program.symlink_to(Path(sys.executable).with_name("memoxide"))
    port = free_port()
    local = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])  # noqa: S311
    places = f"127.0.0.1:{port},{local}:11211,{local}:5000"
    user = ["-u", "root"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        with (
            process([str(program), "-l", places, "-U", "0", *user], (local, 11211)),
            process([str(program), "-s", path, *user], path),
        ):
            yield {
                "host": "127.0.0.1",
                "port": str(port),
                "local": local,
                "socket": path,
            }


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def process(words: list[str], place: tuple[str, int] | str) -> Iterator[None]:
    """Runs a server that listens at a place."""
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with subprocess.Popen(words) as server:
        try:
            deadline = time.monotonic() + START
            while not listens(family, place):
                # It tells nobody that it listens; an early end ends the wait.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.wait(0.01)
                    raise SystemExit(f"{words[0]} did not start")
                if time.monotonic() > deadline:
                    raise SystemExit(f"{words[0]} does not listen")
            yield
        finally:
            server.terminate()


def listens(family: socket.AddressFamily, place: tuple[str, int] | str) -> bool:
    """Tells whether somebody listens at a place."""
    with socket.socket(family) as probe:
        return probe.connect_ex(place) == 0


if __name__ == "__main__":
    sys.exit(main())
