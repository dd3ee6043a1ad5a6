"""Servers and options, checked against the file that every language checks."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import memoxide
import pytest
from memoxide.options import Options

VECTORS = pathlib.Path(__file__).parents[2] / "tests" / "vectors" / "urls.json"


def cases(kind: str) -> list[Any]:
    found: list[Any] = json.loads(VECTORS.read_text(encoding="utf-8"))[kind]
    assert found
    return found


def check(case: Any, servers: str | None) -> None:
    if "error" in case:
        with pytest.raises(memoxide.ConfigError):
            memoxide.Client(servers)
        return
    options = case["options"]
    refused = None
    if "username" in options and "password" not in options:
        refused = "without password"
    elif "tls_ca" in options:
        refused = "No such file"
    elif options.get("plaintext_auth") == "refuse":
        refused = "unencrypted"
    if refused:
        # They are read well enough to be refused for what they say.
        with pytest.raises(memoxide.ConfigError, match=refused):
            memoxide.Client(servers)
        return
    for kind in (memoxide.Client, memoxide.AsyncClient):
        try:
            client = kind(servers)
        except memoxide.UnsupportedError as error:
            assert "username" in options
            pytest.skip(str(error))
        shown = json.loads(client.configuration)
        assert shown["servers"] == case["servers"]
        assert shown["options"] == case["options"]
        if case.get("password"):
            assert case["password"] not in client.configuration + repr(client)


@pytest.mark.parametrize("case", cases("urls"), ids=lambda case: case["text"])
def test_texts_become_servers_and_options(case: Any) -> None:
    check(case, case["text"])


@pytest.mark.parametrize("case", cases("environments"), ids=lambda case: str(case))
def test_variables_become_servers_and_options(
    case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = ("MEMCACHIER", "MEMCACHE", "MEMCACHED")
    parts = ("SERVERS", "USERNAME", "PASSWORD")
    for name in ("MEMOXIDE_URL", *(f"{a}_{b}" for a in families for b in parts)):
        monkeypatch.delenv(name, raising=False)
    for name, value in case["variables"].items():
        monkeypatch.setenv(name, value)
    if "none" in case:
        with pytest.raises(memoxide.ConfigError, match="environment"):
            memoxide.Client()
        return
    check(case, None)


def test_keywords_win_over_a_url() -> None:
    client = memoxide.Client("memcache://a/app:?timeout=0.5&max_idle=3", timeout=2)
    options = json.loads(client.configuration)["options"]
    assert options == {"max_idle": 3, "prefix": "app:", "timeout": 2.0}


def test_every_option_of_the_core_has_its_type_here() -> None:
    wrong: Any = {"no_such_option": 1}
    with pytest.raises(memoxide.ConfigError) as error:
        memoxide.Client("a", **wrong)
    names = error.value.message.split("only: ")[1].split(", ")
    own = {"pickle", "pickle_protocol"}
    python_memcached = {
        "cache_cas",
        "pickleProtocol",
        "server_max_value_length",
        "socket_timeout",
    }
    assert set(Options.__annotations__) == {*names, *own, *python_memcached}
    assert all(f"        {name}: " in str(Options.__doc__) for name in names)


def test_a_function_tells_which_server_has_a_key() -> None:
    seen = []

    def choose(key: bytes, servers: list[str]) -> int:
        seen.append((key, servers))
        return len(key) % len(servers)

    client = memoxide.Client("a,b", hashing=choose, prefix="p:")
    assert client.server_for("four") == "a:11211"
    assert client.server_for("three") == "b:11211"
    assert seen[0] == (b"four", ["a:11211", "b:11211"])


@pytest.mark.parametrize("answer", [2, -1, None, "a"])
def test_a_function_that_tells_nonsense(answer: Any) -> None:
    client = memoxide.Client("a,b", hashing=lambda *_: answer)
    with pytest.raises(memoxide.InvalidArgumentError):
        client.get("key")


def test_a_function_that_fails() -> None:
    def choose(key: bytes, servers: list[str]) -> int:
        raise LookupError(key, servers)

    client = memoxide.Client("a,b", hashing=choose)
    with pytest.raises(memoxide.InvalidArgumentError) as error:
        client.get("key")
    assert isinstance(error.value.__cause__, LookupError)
