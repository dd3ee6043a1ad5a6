"""Values, flags and pickles: the tables of both modules."""

from __future__ import annotations

import pickle
import zlib
from typing import TYPE_CHECKING

from .cases import (
    BIG,
    Case,
    OtherPickler,
    Pair,
    Raised,
    Text,
    check,
    outcome,
    round_trip,
    several,
    table,
    with_flags,
)

if TYPE_CHECKING:
    from .conftest import World

VALUES = (
    [
        Case(f"value {value!r:.30}", round_trip(value), (True, stored, value))
        for value, stored in [
            (b"bytes", (0, b"bytes")),
            (b"", (0, b"")),
            ("text", (16, b"text")),
            ("Iñtërnâ", (16, "Iñtërnâ".encode())),
            (42, (2, b"42")),
            (-42, (2, b"-42")),
            (1 << 200, (2, str(1 << 200).encode())),
            *(
                (other, (1, pickle.dumps(other, 0)))
                for other in (
                    True,
                    None,
                    1.5,
                    [1],
                    {"a": 1},
                    Text("t"),
                    bytearray(b"b"),
                    Pair(1, 2),
                )
            ),
        ]
    ]
    + [
        Case(f"flags {flags}", with_flags(flags, data), expect)
        for flags, data, expect in [
            (0, b"1", b"1"),
            (16, b"1", "1"),
            (2, b"1", 1),
            (4, b"1", 1),
            (2, b"9 ", 9),
            (17, b"1", "1"),
            (3, b"1", 1),
            (0x10010, b"{}", "{}"),
            (8, zlib.compress(b"1"), b"1"),
            (24, zlib.compress(b"1"), "1"),
            (10, zlib.compress(b"1"), 1),
            (1, pickle.dumps([1], 5), [1]),
            (9, zlib.compress(pickle.dumps([1])), [1]),
            (1, b"no pickle", None),
            (1, b"cno.such.module\nname\n.", None),
            (32, b"1", Raised("ValueError", "Unknown flags on get: 20")),
            (40, zlib.compress(b"1"), Raised("ValueError", "Unknown flags on get: 20")),
            (8, b"no zlib", Raised("error", "Error -3")),
            (16, b"\xff", Raised("UnicodeDecodeError", "'utf-8' codec can't decode")),
            (2, b"x", Raised("ValueError", "invalid literal for int()")),
        ]
    ]
    + [
        Case(
            "still in step after a bad value",
            several(
                lambda w: outcome(lambda: with_flags(16, b"\xff")(w)),
                lambda w: w.c.set("a", 1),
                lambda w: w.c.get("a"),
            ),
            [Raised("UnicodeDecodeError"), True, 1],
        ),
        Case(
            "among several",
            lambda w: (
                with_flags(0, b"x")(w),
                w.c.set("a", 1),
                w.c.get_multi(["foreign", "a"]),
            )[2],
            {"foreign": b"x", "a": 1},
        ),
        Case(
            "what cannot be pickled",
            lambda w: w.c.set("a", lambda: 1),
            Raised("AttributeError" if hasattr(pickle, "PickleBuffer") else ""),
        ),
        Case(
            "text that cannot be encoded",
            lambda w: w.c.set("a", "\ud800"),
            Raised("UnicodeEncodeError"),
        ),
        Case(
            "protocol",
            lambda w: (lambda c: (c.set("a", [1]), w.stored("a")))(
                w.client(pickleProtocol=2)
            ),
            (True, (1, pickle.dumps([1], 2))),
        ),
        Case(
            "persistent ids",
            lambda w: (lambda c: (c.set("a", [Pair(1, 2)]), c.get("a")))(
                w.client(
                    pid=lambda value: "pair" if isinstance(value, Pair) else None,
                    pload=lambda name: name.upper(),
                )
            ),
            (True, ["PAIR"]),
        ),
        Case(
            "pickler by position",
            lambda w: (lambda c: (c.picklerIsKeyword, c.set("a", [1]), c.get("a")))(
                w.client(pickler=lambda file, version: pickle.Pickler(file, version))
            ),
            (False, True, [1]),
        ),
        Case(
            "a class of pickler",
            lambda w: (lambda c: (c.set("a", [1]), c.get("a")))(
                w.client(pickler=OtherPickler)
            ),
            (True, [1]),
        ),
        *(
            Case(
                f"compressed above {above!r}",
                lambda w, above=above, value=value: (
                    w.c.set("a", value, min_compress_len=above),
                    w.stored("a")[0],
                    w.c.get("a") == value,
                ),
                (True, flags, True),
            )
            for above, value, flags in [
                (0, "x" * 100, 16),
                (99, "x" * 100, 24),
                (100, "x" * 100, 16),
                (99, b"x" * 100, 8),
                (99, "é" * 50, 24),
                (10, ["x" * 100], 9),
                (1, int("9" * 200), 2),
                (1, "ab", 16),
                (None, "x" * 100, 16),
                (-1, "x" * 100, 24),
            ]
        ),
        Case(
            "compressor",
            lambda w: (
                lambda c: (
                    c.set("a", "text", min_compress_len=1),
                    w.stored("a"),
                    c.get("a"),
                )
            )(
                w.client(
                    compressor=lambda data: data[:2], decompressor=lambda data: data * 2
                )
            ),
            (True, (24, b"te"), "tete"),
        ),
        Case(
            "compressed several",
            lambda w: (
                w.c.set_multi({"a": "x" * 100}, min_compress_len=50),
                w.stored("a")[0],
                w.c.get("a"),
            ),
            ([], 24, "x" * 100),
        ),
        Case(
            "too large here",
            several(
                lambda w: w.c.set("a", 1),
                lambda w: w.c.set("a", BIG),
                lambda w: w.c.get("a"),
            ),
            [True, 0, 1],
        ),
        Case(
            "too large there",
            several(
                lambda w: w.c.set("a", 1),
                lambda w: w.c.set("a", BIG[:-1]),
                lambda w: w.c.get("a"),
            ),
            [True, False, None],
        ),
        Case(
            "no limit of values",
            lambda w: w.client(server_max_value_length=0).set("a", BIG),
            False,
        ),
        Case(
            "another limit of values",
            lambda w: (lambda c: (c.set("a", "1234"), c.set("a", "123")))(
                w.client(server_max_value_length=3)
            ),
            (0, True),
        ),
        Case(
            "small enough when compressed",
            lambda w: (w.c.set("a", BIG, min_compress_len=1), len(w.c.get("a"))),
            (True, len(BIG)),
        ),
    ]
)


@table(VALUES)
def test_values(world: World, case: Case) -> None:
    check(world, case)
