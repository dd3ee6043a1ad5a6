"""Groups of workers that are measured together, and what is claimed of them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Claim:
    """A figure to reach: ``left`` against ``right``, the best of them if several.

    With `at_least` the ratio is how many times better ``left`` is (its rate, or
    its cheapness), with `at_most` how many times as expensive it is.
    """

    text: str
    left: str
    right: str | tuple[str, ...]
    by: str
    """Seconds of an operation: "wall", "cpu" or "p50" (the median of wall)."""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def goal(self) -> str:
        if self.at_least is None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}"

    def met(self, ratio: float) -> bool:
        if self.at_least is None:
            assert self.at_most is not None
            return ratio <= self.at_most
        return ratio >= self.at_least

    def judge(self, results: dict[str, list[dict[str, float]]]) -> dict:
        """Compares what each round gave; ratios are taken within each round."""
        peers = (self.right,) if isinstance(self.right, str) else self.right
        present = [results[peer] for peer in peers if results.get(peer)]
        ratio = None
        if present and results.get(self.left):
            rounds = zip(results[self.left], *present, strict=True)
            ratios = []
            for own, *others in rounds:
                best = min(other[self.by] for other in others)
                better = best / own[self.by]
                ratios.append(better if self.at_least is not None else 1 / better)
            ratio = statistics.median(ratios)
        return {
            "text": self.text,
            "by": self.by,
            "ratio": ratio,
            "goal": self.goal,
            "met": None if ratio is None else self.met(ratio),
        }


@dataclass(frozen=True)
class Group:
    """Workers ("language:case") that do the same."""

    name: str
    section: str
    title: str
    workers: list[str]
    claims: list[Claim] = field(default_factory=list)
    cpus: int = 1
    """Where the claims hold. 1: client and server share a CPU, so that figures
    follow the cost; 2: each has one, which is what a user sees."""
    operations: int | None = None
    """Operations of a round, where they cannot be chosen."""


#: How libraries are called in tables.
LIBRARIES = {
    "c": "C",
    "libmemcached": "libmemcached",
    "gomemcache": "gomemcache",
    "memoxide": "memoxide",
    "dropin": "memoxide.compat.memcache",
    "memcache": "memcache",
    "memcacheexp": "memcache::exp",
    "asyncmemcached": "async-memcached",
    "deadpool": "deadpool-memcached",
    "pylibmc": "pylibmc",
    "pymemcache": "pymemcache Client",
    "pymemcachepool": "pymemcache PooledClient",
    "pymemcachehash": "pymemcache HashClient",
    "pythonmemcached": "python-memcached",
    "binarymemcached": "python-binary-memcached",
    "aiomcache": "aiomcache",
    "emcache": "emcache",
    "emcachebatch": "emcache, autobatching",
    "memjs": "memjs",
    "memcached": "memcached",
    "memcacheclient": "memcache-client",
    "socket": "bare socket",
}

LIMITS = {
    "ping": "C, one request and one reply",
    "clock": "C, one request and one reply",
    "pipeline": "C, 64 requests at once",
}


#: What some operations of a client differ in.
DETAILS = {
    "aged": ", after 10,000 small gets",
    "fresh": ", fresh connection",
    "multigetvec": ", each value a Vec",
}


def label(worker: str) -> str:
    """The name of a worker for readers."""
    language, _, case = worker.partition(":")
    words = case.split("-")
    if language == "c":
        return LIMITS[words[0]]
    if language in ("libmemcached", "gomemcache"):
        return LIBRARIES[language]
    if words[0] in ("async", "uvloop"):
        words = words[1:]
    name = LIBRARIES[words[0]]
    return name + DETAILS.get(words[1], "")


def ours(worker: str) -> bool:
    """Whether the worker is memoxide's."""
    return "memoxide" in worker.partition(":")[2].split("-")


def limit(worker: str) -> bool:
    """Whether the worker is a limit and no client: bytes that nobody parses."""
    return worker.startswith("c:") or ":socket-" in worker
