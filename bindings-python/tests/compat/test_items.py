"""Single items: the tables of both modules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .cases import (
    Case,
    Raised,
    check,
    outcome,
    several,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import WithinASecond

    from .conftest import World


def counting(delta: Any) -> Callable[[World], Any]:
    """Counts, and gives the number or what was raised."""
    return lambda w: outcome(lambda: w.c.incr("a", delta))


OPERATIONS = [
    Case(
        "set, get",
        several(lambda w: w.c.set("a", "b"), lambda w: w.c.get("a")),
        [True, "b"],
    ),
    Case(
        "default",
        several(
            lambda w: w.c.get("a"),
            lambda w: w.c.get("a", 5),
            lambda w: w.c.get("a", default=5),
        ),
        [None, 5, 5],
    ),
    Case(
        "a stored None is no miss",
        several(lambda w: w.c.set("a", None), lambda w: w.c.get("a", 5)),
        [True, None],
    ),
    Case(
        "add",
        several(
            lambda w: w.c.add("a", 1), lambda w: w.c.add("a", 2), lambda w: w.c.get("a")
        ),
        [True, False, 1],
    ),
    Case(
        "replace",
        several(
            lambda w: w.c.replace("a", 1),
            lambda w: w.c.set("a", 1),
            lambda w: w.c.replace("a", 2),
            lambda w: w.c.get("a"),
        ),
        [False, True, True, 2],
    ),
    Case(
        "append, prepend",
        several(
            lambda w: w.c.append("a", "c"),
            lambda w: w.c.prepend("a", "c"),
            lambda w: w.c.set("a", "b"),
            lambda w: w.c.append("a", "c"),
            lambda w: w.c.prepend("a", "a"),
            lambda w: w.c.get("a"),
        ),
        [False, False, True, True, True, "abc"],
    ),
    Case(
        "append to a number",
        several(
            lambda w: w.c.set("a", 1),
            lambda w: w.c.append("a", 2),
            lambda w: w.c.get("a"),
        ),
        [True, True, 12],
    ),
    Case(
        "delete",
        several(
            lambda w: w.c.delete("a"),
            lambda w: w.c.set("a", 1),
            lambda w: w.c.delete("a"),
            lambda w: w.c.get("a"),
        ),
        [0, True, 1, None],
    ),
    Case(
        "touch",
        several(
            lambda w: w.c.touch("a"),
            lambda w: w.c.set("a", 1),
            lambda w: w.c.touch("a", 50),
            lambda w: w.c.touch("a", -1),
            lambda w: w.c.get("a"),
        ),
        [0, True, 1, 1, None],
    ),
    Case(
        "incr, decr",
        several(
            lambda w: w.c.incr("a"),
            lambda w: w.c.decr("a"),
            lambda w: w.c.set("a", 5),
            lambda w: w.c.incr("a"),
            lambda w: w.c.incr("a", 10),
            lambda w: w.c.decr("a", 7),
            lambda w: w.c.decr("a", 100),
            lambda w: w.c.get("a"),
        ),
        [None, None, True, 6, 16, 9, 0, 0],
    ),
    Case(
        "a counter keeps its type",
        several(
            lambda w: w.c.set("a", "7"),
            lambda w: w.c.incr("a"),
            lambda w: w.c.get("a"),
            lambda w: w.c.set("a", "10"),
            lambda w: w.c.decr("a"),
            lambda w: w.c.get("a"),
            lambda w: w.c.set("a", 10),
            lambda w: w.c.decr("a"),
            lambda w: w.c.get("a"),
        ),
        [True, 8, "8", True, 9, "9 ", True, 9, 9],
    ),
    Case(
        "counting what is no number",
        several(lambda w: w.c.set("a", "x"), lambda w: outcome(lambda: w.c.incr("a"))),
        [
            True,
            Raised(
                "ValueError",
                "invalid literal for int() with base 10: "
                "b'CLIENT_ERROR cannot increment or decrement non-numeric value'",
            ),
        ],
    ),
    *(
        Case(
            f"delta {delta!r}",
            several(
                lambda w: w.c.set("a", 5),
                counting(delta),
            ),
            [True, expect],
        )
        for delta, expect in [
            (0, 5),
            ("2", 7),
            (2**64 - 1, 4),
            *(
                (
                    wrong,
                    Raised(
                        "ValueError",
                        "invalid literal for int() with base 10: "
                        "b'CLIENT_ERROR invalid numeric delta argument'",
                    ),
                )
                for wrong in (-1, 1.5, 2**64, None, True)
            ),
        ]
    ),
    Case(
        "noreply",
        several(
            lambda w: w.c.set("a", 1, noreply=True),
            lambda w: w.c.get("a"),
            lambda w: w.c.add("a", 2, noreply=True),
            lambda w: w.c.replace("b", 2, noreply=True),
            lambda w: w.c.append("b", 2, noreply=True),
            lambda w: w.c.cas("a", 4, noreply=True),
            lambda w: w.c.incr("a", noreply=True),
            lambda w: w.c.decr("b", noreply=True),
            lambda w: w.c.get("a"),
            lambda w: w.c.touch("b", noreply=True),
            lambda w: w.c.delete("b", noreply=True),
            lambda w: w.c.delete("a", noreply=True),
            lambda w: w.c.get("a"),
            lambda w: w.c.set_multi({"a": 1, "b": 2}, noreply=True),
            lambda w: w.c.get_multi(["a", "b"]),
            lambda w: w.c.delete_multi(["a", "x"], noreply=True),
            lambda w: w.c.get_multi(["a", "b"]),
        ),
        [
            True,
            1,
            True,
            True,
            True,
            True,
            None,
            None,
            5,
            1,
            1,
            1,
            None,
            [],
            {"a": 1, "b": 2},
            1,
            {"b": 2},
        ],
    ),
    Case(
        "statistics of calls",
        lambda w: (
            w.c.get("a"),
            w.c.get("b"),
            w.c.set("a", 1),
            w.c.cas("a", 1),
            w.c.get_multi(["a", "b"]),
            w.c.set_multi({"a": 1}),
            w.c.delete_multi(["a"]),
            w.c.incr("a"),
            w.c.touch("a"),
            w.c.delete("a"),
            w.c.stats,
        )[-1],
        {
            "get": 2,
            "set": 2,
            "cas": 1,
            "get_multi": 1,
            "set_multi": 1,
            "delete_multi": 1,
            "incr": 1,
            "touch": 1,
            "delete": 1,
        },
    ),
    Case(
        "disconnect_all",
        several(
            lambda w: w.c.set("a", 1),
            lambda w: w.c.disconnect_all(),
            lambda w: w.c.servers[0].socket,
            lambda w: w.c.get("a"),
            lambda w: w.c.servers[0].socket is None,
        ),
        [True, None, None, 1, False],
    ),
    Case(
        "quit_all",
        several(
            lambda w: w.c.quit_all(),
            lambda w: w.c.set("a", 1),
            lambda w: w.c.quit_all(),
            lambda w: w.c.servers[0].socket,
            lambda w: w.c.get("a"),
        ),
        [None, True, None, None, 1],
    ),
    Case(
        "flush_all",
        several(
            lambda w: w.c.set("a", 1), lambda w: w.c.flush_all(), lambda w: w.c.get("a")
        ),
        [True, None, None],
    ),
    Case(
        "set_servers",
        several(
            lambda w: w.c.set("a", 1),
            lambda w: w.c.set_servers([]),
            lambda w: w.c.get("a"),
            lambda w: w.c.set_servers([w.endpoint]),
            lambda w: w.c.get("a"),
        ),
        [True, None, None, None, 1],
    ),
    Case(
        "reset_cas, forget_dead_hosts",
        several(lambda w: w.c.reset_cas(), lambda w: w.c.forget_dead_hosts()),
        [None, None],
    ),
]

TIMES = (
    [
        Case(
            f"time {time!r}",
            lambda w, time=time: (w.c.set("a", 1, time=time), w.c.get("a")),
            expect,
        )
        for time, expect in [
            (0, (True, 1)),
            (60, (True, 1)),
            (-1, (True, None)),
            (-(1 << 20), (True, None)),
            (2592000, (True, 1)),
            (2592001, (True, None)),
            (2147483647, (True, 1)),
            (1.9, (True, 1)),
            (True, (True, 1)),
            (timedelta(seconds=60), (True, 1)),
            (timedelta(seconds=-60), (True, None)),
            ("60", Raised("TypeError")),
            (None, Raised("TypeError", "%d format: a real number is required")),
        ]
    ]
    + [
        Case(
            f"touch with {time!r}",
            lambda w, time=time: (w.c.set("a", 1), w.c.touch("a", time), w.c.get("a")),
            (True, *expect),
        )
        for time, expect in [
            (60, (1, 1)),
            ("60", (1, 1)),
            (-1, (1, None)),
            (1.9, (0, 1)),
            (None, (0, 1)),
            (True, (0, 1)),
            (timedelta(seconds=60), (0, 1)),
            (2592001, (1, None)),
        ]
    ]
    + [
        Case(
            f"{name} takes no timedelta",
            lambda w, name=name: getattr(w.c, name)("a", 1, timedelta(seconds=60)),
            Raised("TypeError"),
        )
        for name in ("add", "replace", "append", "prepend", "cas")
    ]
    + [
        Case(
            "set_multi takes no timedelta",
            lambda w: w.c.set_multi({"a": 1}, timedelta(seconds=60)),
            Raised("TypeError"),
        ),
    ]
)

CAS = [
    Case(
        "cas is set",
        several(
            lambda w: w.c.set("a", 1),
            lambda w: w.c.gets("a"),
            lambda w: w.c.cas_ids,
            lambda w: w.client().set("a", 2),
            lambda w: w.c.cas("a", 3),
            lambda w: w.c.get("a"),
        ),
        [True, 1, {}, True, True, 3],
    ),
    Case(
        "cas with cache_cas",
        lambda w: (
            lambda c: [
                c.set("a", 1),
                c.gets("a"),
                list(c.cas_ids),
                c.cas("a", 2),
                c.cas("a", 3),
                c.gets("a"),
                w.c.set("a", 4),
                c.cas("a", 5),
                c.reset_cas(),
                c.cas("a", 6),
                c.get("a"),
            ]
        )(w.client(cache_cas=True)),
        [True, 1, [b"a"], True, False, 2, True, False, None, True, 6],
    ),
    Case(
        "cas of nothing",
        lambda w: (
            lambda c: [
                c.set("a", 1),
                c.gets("a"),
                c.delete("a"),
                c.cas("a", 2),
                c.gets("b"),
                c.cas("b", 1),
                c.get("b"),
            ]
        )(w.client(cache_cas=True)),
        [True, 1, 1, False, None, True, 1],
    ),
]


@table(OPERATIONS)
def test_operations(world: World, case: Case) -> None:
    check(world, case)


@table(TIMES)
def test_times(world: World, case: Case, within_a_second: WithinASecond) -> None:
    # Some of these times to live are over with the next second.
    check(world, case, lambda do: within_a_second(world.endpoint, do))


@table(CAS)
def test_cas(world: World, case: Case) -> None:
    check(world, case)
