"""Several keys, reports and messages: the tables of both modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cases import (
    BIG,
    KEY_ERROR,
    NO_KEY,
    TOO_LONG,
    Case,
    Raised,
    check,
    messages,
    outcome,
    several,
    table,
    with_flags,
)

if TYPE_CHECKING:
    from .conftest import World

UNEXPECTED = "MemCached: while expecting 'STORED', got unexpected response"

SEVERAL = [
    Case(
        "set_multi, get_multi",
        several(
            lambda w: w.c.set_multi({"a": 1, "b": "2"}),
            lambda w: w.c.get_multi(["a", "x", "b"]),
        ),
        [[], {"a": 1, "b": "2"}],
    ),
    Case(
        "other keys",
        several(
            lambda w: w.c.set_multi({1: "x", 2.5: "y", b"z": "z"}),
            lambda w: w.c.get_multi([1, 2.5, b"z", 3]),
            lambda w: w.c.get("1"),
        ),
        [[], {1: "x", 2.5: "y", b"z": "z"}, "x"],
    ),
    Case(
        "tuples",
        several(
            lambda w: w.c.set_multi({(5, "a"): 1, (6, 7): 2}),
            lambda w: w.c.get_multi([(5, "a"), (6, 7), (6, b"a")]),
            lambda w: w.c.get("7"),
        ),
        [[], {(6, b"a"): 1, (6, 7): 2}, 2],
    ),
    Case(
        "two spellings",
        several(
            lambda w: w.c.set("a", 1),
            lambda w: w.c.get_multi(["a", b"a"]),
            lambda w: w.c.get_multi([b"a", "a"]),
        ),
        [True, {b"a": 1}, {"a": 1}],
    ),
    Case(
        "any iterable",
        several(
            lambda w: w.c.set_multi({"a": 1, "b": 2}),
            lambda w: w.c.get_multi("ab"),
            lambda w: w.c.get_multi(key for key in "ab"),
            lambda w: w.c.get_multi({"a": 0}.keys()),
        ),
        [[], {"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 1}],
    ),
    Case(
        "nothing at all",
        several(
            lambda w: w.c.get_multi([]),
            lambda w: w.c.set_multi({}),
            lambda w: w.c.delete_multi([]),
        ),
        [{}, [], 1],
    ),
    Case("no mapping", lambda w: w.c.set_multi([("a", 1)]), Raised("AttributeError")),
    Case(
        "prefix",
        several(
            lambda w: w.c.set_multi({"a": 1, 2: 2}, key_prefix="p_"),
            lambda w: w.c.get_multi(["a", 2], key_prefix="p_"),
            lambda w: w.c.get_multi(["a", 2], key_prefix=b"p_"),
            lambda w: w.c.get_multi(["p_a", "p_2"]),
            lambda w: w.c.delete_multi(["a"], key_prefix="p_"),
            lambda w: w.c.get_multi(["p_a", "p_2"]),
        ),
        [[], {"a": 1, 2: 2}, {"a": 1, 2: 2}, {"p_a": 1, "p_2": 2}, 1, {"p_2": 2}],
    ),
    Case(
        "prefix and tuples",
        several(
            lambda w: w.c.set_multi({(3, "a"): 1}, key_prefix="p_"),
            lambda w: w.c.get_multi([(3, "a")], key_prefix="p_"),
            lambda w: w.stored("p_a"),
        ),
        [[], {(3, "a"): 1}, (2, b"1")],
    ),
    Case(
        "prefix with a space",
        lambda w: w.c.get_multi(["a"], key_prefix="a b"),
        Raised("MemcachedKeyCharacterError", KEY_ERROR),
    ),
    Case(
        "prefix that is no text",
        lambda w: w.c.get_multi(["a"], key_prefix=5),
        Raised("TypeError"),
    ),
    Case(
        "prefix makes it too long", lambda w: w.c.get_multi(["k" * 249], "pp"), TOO_LONG
    ),
    Case(
        "a bad key",
        several(
            lambda w: outcome(lambda: w.c.set_multi({"a": 1, "b b": 2})),
            lambda w: w.c.get("a"),
        ),
        [Raised("MemcachedKeyCharacterError"), None],
    ),
    Case("None among the keys", lambda w: w.c.get_multi(["a", None]), NO_KEY),
    Case(
        "None among unchecked keys",
        lambda w: w.client(check_keys=False).get_multi([None]),
        NO_KEY,
    ),
    Case("None in a tuple", lambda w: w.c.get_multi([(1, None)]), {}),
    Case(
        "an empty key",
        lambda w: w.c.get_multi([""]),
        Raised("MemcachedKeyCharacterError", KEY_ERROR),
    ),
    Case(
        "an empty key with a prefix",
        lambda w: w.c.get_multi([""], key_prefix="p"),
        Raised("MemcachedKeyCharacterError", KEY_ERROR),
    ),
    Case(
        "a bad value",
        lambda w: w.c.set_multi({"a": lambda: 1}),
        Raised("AttributeError"),
    ),
    Case(
        "delete_multi",
        several(
            lambda w: w.c.set_multi({"a": 1, "b": 2, "c": 3}),
            lambda w: w.c.delete_multi(["a", "x"]),
            lambda w: w.c.delete_multi(["b"], 0),
            lambda w: w.c.delete_multi(["c"], "0"),
            lambda w: w.c.get_multi("abc"),
        ),
        [[], 1, 1, 1, {}],
    ),
    Case(
        "time for several",
        several(
            lambda w: w.c.set_multi({"a": 1}, time=-1),
            lambda w: w.c.get("a"),
            lambda w: w.c.set_multi({"a": 1}, 60),
            lambda w: w.c.get("a"),
        ),
        [[], None, [], 1],
    ),
    Case(
        "a value too large for the server",
        several(
            lambda w: sorted(w.c.set_multi({"a": 1, "big": BIG[:-1], "b": 2})),
            lambda w: w.c.get_multi(["a", "big", "b"]),
        ),
        [["big"], {"a": 1, "b": 2}],
    ),
    Case(
        "a value too large here, without an answer",
        several(
            lambda w: w.c.set_multi({"big": BIG, "b": 2}, noreply=True),
            lambda w: w.c.get("b"),
        ),
        [["big"], 2],
    ),
]

REPORTS = [
    Case(
        "get_stats",
        lambda w: [
            (
                name == f"{w.endpoint} (1)",
                {type(text) for text in stats.values()},
                "version" in stats,
            )
            for name, stats in w.c.get_stats()
        ],
        [(True, {str}, True)],
    ),
    Case(
        "weight in the name",
        lambda w: [
            name.endswith(" (3)") for name, _ in w.client((w.endpoint, 3)).get_stats()
        ],
        [True],
    ),
    Case(
        "get_stats of a report",
        lambda w: "maxbytes" in w.c.get_stats("settings")[0][1],
        True,
    ),
    Case(
        "get_slab_stats",
        lambda w: (
            w.c.set("a", 1),
            [
                (
                    sorted(key for key in slabs if key.islower()),
                    slabs["1"]["chunk_size"],
                )
                for _, slabs in w.c.get_slab_stats()
            ],
        )[1],
        [(["active_slabs", "total_malloced"], "96")],
    ),
    Case(
        "get_slabs",
        lambda w: (
            w.c.set("a", 1),
            [int(slabs["1"]["number"]) > 0 for _, slabs in w.c.get_slabs()],
        )[1],
        Raised("TypeError"),
        ours=[True],
    ),
    Case(
        "get_stats that is no report",
        lambda w: w.c.get_stats("reset")[0][1],
        Raised("IndexError"),
        ours={},
    ),
]

MESSAGES = [
    Case(
        "not stored",
        messages(lambda c: c.replace("a", 1)),
        (
            [False],
            "MemCached: while expecting 'STORED', got unexpected response "
            "'NOT_STORED'\n",
        ),
    ),
    Case(
        "a refused value",
        messages(lambda c: c.set("a", BIG[:-1])),
        (
            [False],
            "MemCached: while expecting 'STORED', got unexpected response "
            "'SERVER_ERROR object too large for cache'\n",
        ),
    ),
    Case(
        "cas conflict",
        messages(
            lambda c: c.set("a", 1),
            lambda c: c.gets("a"),
            lambda c: c.set("a", 1),
            lambda c: c.cas("a", 1),
            lambda c: c.delete("a"),
            lambda c: c.cas("a", 1),
            cache_cas=True,
        ),
        (
            [True, 1, True, False, 1, False],
            f"{UNEXPECTED} 'EXISTS'\n{UNEXPECTED} 'NOT_FOUND'\n",
        ),
    ),
    Case(
        "nothing to delete",
        messages(lambda c: c.delete("a")),
        ([0], "MemCached: delete expected DELETED, got: b'NOT_FOUND'\n"),
    ),
    Case(
        "nothing to touch",
        messages(lambda c: c.touch("a"), lambda c: c.touch("a", 0.5)),
        (
            [0, 0],
            "MemCached: touch expected TOUCHED, got: b'NOT_FOUND'\n"
            "MemCached: touch expected TOUCHED, got: "
            "b'CLIENT_ERROR invalid exptime argument'\n",
        ),
    ),
    Case(
        "nothing of several",
        messages(lambda c: c.delete_multi(["a", "b"])),
        (
            [1],
            "MemCached: while expecting 'DELETED', got unexpected response "
            "'NOT_FOUND'\n" * 2,
        ),
    ),
    Case(
        "a miss is none",
        messages(lambda c: c.get("a"), lambda c: c.incr("a")),
        ([None, None], ""),
    ),
    Case(
        "a bad pickle",
        lambda w: (with_flags(1, b"junk")(w), messages(lambda c: c.get("foreign"))(w))[
            1
        ][1].startswith("MemCached: Pickle error: "),
        True,
    ),
    Case(
        "debuglog",
        messages(lambda c: c.debuglog("hello")),
        ([None], "MemCached: hello\n"),
    ),
    Case(
        "marked dead",
        lambda w: messages(lambda c: c.servers[0].mark_dead("test"))(w)[1].replace(
            w.endpoint, "HOST"
        ),
        "MemCached: MemCache: inet:HOST: test.  Marking dead.\n",
    ),
]


@table(SEVERAL)
def test_several(world: World, case: Case) -> None:
    check(world, case)


@table(REPORTS)
def test_reports(world: World, case: Case) -> None:
    check(world, case)


@table(MESSAGES)
def test_messages(world: World, case: Case) -> None:
    check(world, case)
