"""What the tools of whoever runs a cluster return.

The functions themselves are `memoxide.explain_key`, `memoxide.explain_value`,
`memoxide.compare_placements` and `memoxide.migrate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from memoxide.errors import MemoxideError

__all__ = [
    "Counts",
    "Flow",
    "Guess",
    "KeyExplanation",
    "MigrationSummary",
    "PlacementComparison",
    "Progress",
    "Share",
    "Unresolved",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExplanation:
    """Which server has a key, and why. As text it is one line.

    Attributes:
        key: The key on the wire, prefix included.
        hashed: The part of it that is hashed.
        hashing: The placement, `"custom"` for a function.
        server: The name of the server.
        order: The names of the servers to try one after the other: that of the
            key, those that the client whose placement it is would try, then all
            others; without those that are down.
        hash: The hash of the key; on a ring its position. None where the
            placement computes no such number.
        point: On a ring, the point that the position belongs to.
        points: On a ring, how many points there are.
        slot: On a list, the slot.
        slots: On a list, how many slots there are.
        score: With rendezvous, the score of the winner.
        text: All of it in one line.
    """

    key: bytes
    hashed: bytes
    hashing: str
    server: str
    order: tuple[str, ...]
    hash: int | None = None
    point: int | None = None
    points: int | None = None
    slot: int | None = None
    slots: int | None = None
    score: int | None = None
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """One way to read a stored value. As text it is one line.

    Attributes:
        dialect: The name of the dialect, as the option `values` takes it.
        clients: The clients that write this dialect.
        kind: What the value is then, such as `"text"`, `"integer"` or `"pickle"`.
        compression: How it is compressed; None if it is not.
        size: The bytes of the value, decompressed.
        confidence: How well the bytes fit.
        text: All of it in one line.
    """

    dialect: str
    clients: tuple[str, ...]
    kind: str
    compression: str | None
    size: int
    confidence: Literal["likely", "possible", "unlikely"]
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The keys that move from one server to another.

    Attributes:
        from_server: The server before.
        to_server: The server after.
        keys: How many keys.
    """

    from_server: str
    to_server: str
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The keys of one server before and after.

    Attributes:
        server: The name of the server.
        before: How many keys it has before, 0 when it is new.
        after: How many keys it has after, 0 when it is gone.
    """

    server: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementComparison:
    """How many keys belong to another server after a change.

    Attributes:
        keys: How many keys were counted.
        moved: How many of them move.
        passed_over: Keys that were not counted: one side cannot take them, or they
            were listed without the prefix or on another server than the old
            placement says.
        flows: Between which servers keys move, the most first.
        shares: How many keys each server has before and after.
        moving: The keys that move, without the prefix, up to `limit`.
    """

    keys: int
    moved: int
    passed_over: int
    flows: tuple[Flow, ...]
    shares: tuple[Share, ...]
    moving: tuple[bytes, ...]

    @property
    def share(self) -> float:
        """The part of the keys that move, from 0 to 1."""
        return self.moved / self.keys if self.keys else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a migration has done so far.

    Every key that was listed is in one of `outside`, `misplaced`, `in_place`,
    `gone`, `present`, `copied`, `same`, `missing`, `different` and `failed`.

    Attributes:
        listed: Keys that the source's servers listed, or that were given.
        outside: Keys without the source's prefix; they belong to somebody else.
        misplaced: Keys on another source server than the placement says; no
            client reads them there.
        in_place: Keys that are on their server already, because it has them in
            both placements.
        moved: Keys that belong to another server than before.
        gone: Keys that were gone when they were read: expired, deleted, evicted.
        present: Keys that the target had and that were left as they were there.
        copied: Items that were written, or that would have been.
        same: Items that are the same on both sides.
        missing: Items that the target does not have.
        different: Items whose flags or bytes are others on the target.
        failed: Keys that failed.
        bytes: Bytes of the values that were copied, or would have been, or that
            were found the same.
        elapsed: Seconds that it took.
    """

    listed: int
    outside: int
    misplaced: int
    in_place: int
    moved: int
    gone: int
    present: int
    copied: int
    same: int
    missing: int
    different: int
    failed: int
    bytes: int
    elapsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a migration has come.

    Attributes:
        server: The source server whose keys are at work; empty where keys were
            given.
        servers_done: How many servers have been worked through.
        servers: How many servers there are.
        expected: How many items the source's servers said they have; None where
            they did not tell, or keys were given.
        counts: What was done so far.
    """

    server: str
    servers_done: int
    servers: int
    expected: int | None
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A key that is not on the target as it is on the source.

    Attributes:
        key: The key without prefixes.
        server: The server that the reason is about.
        reason: Why.
        error: What failed, where the reason is `"failed"`.
    """

    key: bytes
    server: str
    reason: Literal["different", "failed", "missing"]
    error: MemoxideError | None


@dataclass(frozen=True, kw_only=True)
class MigrationSummary(Counts):
    """What a migration has done. As text it is one line.

    Attributes:
        finished: Whether it came to its end: it was not stopped, not given up
            after too many failures, and every server has listed its keys.
        unlisted: Why servers did not list all their keys.
        unresolved: The keys that failed, are missing or differ. They are what to
            give to the next run.
        text: The counts that are not 0 in one line.
    """

    finished: bool
    unlisted: tuple[MemoxideError, ...]
    unresolved: tuple[Unresolved, ...]
    text: str

    def __str__(self) -> str:
        return self.text
