"""What python-memcached 1.62 does, as tables that both modules are held to.

Each line is run with python-memcached itself and with the module in its place,
against memcached and against the embedded server. Where ours is meant to differ,
`ours` says how; `docs/migrating-from-python-memcached.md` lists these.
"""

from __future__ import annotations

import contextlib
import io
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .conftest import World


@dataclass(frozen=True)
class Raised:
    """An exception: the name of its class, and what its text begins with."""

    name: str
    text: str = ""


@dataclass(frozen=True)
class Case:
    """What is done, and what comes of it."""

    name: str
    do: Callable[..., Any]
    expect: Any
    ours: Any = ...


class Pair:
    """An object to be pickled."""

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right

    def __eq__(self, other: object) -> bool:
        return type(other) is Pair and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class Text(str):
    """A text that is more than a text."""

    __slots__ = ()


class OtherPickler(pickle.Pickler):
    """A pickler of the program's own."""


KEY_ERROR = "Control/space characters not allowed (key="
TOO_LONG = Raised("MemcachedKeyLengthError", "Key length is > 250")
WRONG_TYPE = Raised("MemcachedKeyTypeError", "Key must be a binary string")
NO_KEY = Raised("MemcachedKeyNoneError", "Key is None")
BIG = "x" * (1 << 20) + "y"


def several(*calls: Callable[[World], Any]) -> Callable[[World], Any]:
    """Does one thing after the other and gives all results."""
    return lambda w: [call(w) for call in calls]


def messages(*calls: Callable[[Any], Any], **options: Any) -> Callable[[World], Any]:
    """Gives results and what a client with `debug` writes meanwhile."""

    def do(w: World) -> Any:
        client = w.client(debug=1, **options)
        with contextlib.redirect_stderr(io.StringIO()) as written:
            results = [call(client) for call in calls]
        return results, written.getvalue()

    return do


def round_trip(value: Any, **options: Any) -> Callable[[World], Any]:
    """Stores a value; gives the answer, what is stored and what comes back."""

    def do(w: World) -> Any:
        answer = w.c.set("value", value, **options)
        return answer, w.stored("value"), w.c.get("value")

    return do


def with_flags(flags: int, data: bytes) -> Callable[[World], Any]:
    """Reads bytes that somebody else stored."""

    def do(w: World) -> Any:
        w.raw(b"set foreign %d 0 %d\r\n%s\r\n" % (flags, len(data), data))
        return w.c.get("foreign")

    return do


def sums(**names: Any) -> dict[str, Any]:
    return names


def outcome(do: Callable[[], Any]) -> Any:
    """Gives a result, or what was raised."""
    try:
        return do()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return Raised(type(error).__name__, str(error))


def same(found: Any, wanted: Any) -> bool:
    """Whether values and their types are the same; texts of exceptions may go on."""
    if isinstance(wanted, Raised):
        return (
            isinstance(found, Raised)
            and found.name == wanted.name
            and found.text.startswith(wanted.text)
        )
    if type(found) is not type(wanted):
        return False
    if isinstance(wanted, list | tuple):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(
            same(found[key], value) for key, value in wanted.items()
        )
    return bool(found == wanted)


def table(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Runs a test once for each line of a table."""
    lines = [pytest.param(case, id=case.name) for case in cases]
    return pytest.mark.parametrize("case", lines)


def check(
    world: World, case: Case, run: Callable[[Callable[[], Any]], Any] = lambda do: do()
) -> None:
    """Compares what happens with what is to happen; `run` does what is done."""
    wanted = case.expect
    if world.is_ours and case.ours is not ...:
        wanted = case.ours
    found = run(lambda: outcome(lambda: case.do(world)))
    assert same(found, wanted), f"{found!r} instead of {wanted!r}"
