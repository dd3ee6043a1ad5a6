"""What the recorders share: the questions asked and the form of the answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Topology = dict[str, Any]
Answers = dict[str, Any]

_ASKED = json.loads(Path(__file__).with_name("topologies.json").read_text("utf-8"))
KEYS: list[str] = _ASKED["keys"]
TOPOLOGIES: list[Topology] = _ASKED["topologies"]


def is_weighted(topology: Topology) -> bool:
    return any(server["weight"] != 1 for server in topology["servers"])


def is_named(topology: Topology) -> bool:
    return any("name" in server for server in topology["servers"])


def is_unix(server: dict[str, Any]) -> bool:
    return server["host"].startswith("/")


def case(topology: Topology, keys: Answers, options: Answers | None = None) -> Answers:
    return {**topology, "options": options or {}, "keys": keys}


def preset(name: str, client: str, version: str, cases: list[Answers]) -> Answers:
    return {"client": client, "version": version, "preset": name, "cases": cases}


def record(
    name: str,
    client: str,
    version: str,
    answer: Callable[[Topology], Answers],
    asked: Callable[[Topology], bool],
) -> Answers:
    """Ask a client about every topology that it can be asked about."""
    cases = [
        case(topology, answer(topology)) for topology in TOPOLOGIES if asked(topology)
    ]
    return preset(name, client, version, cases)


def write(presets: list[Answers]) -> None:
    """Print the answers, for `pack.py`."""
    json.dump(presets, sys.stdout, ensure_ascii=False)
