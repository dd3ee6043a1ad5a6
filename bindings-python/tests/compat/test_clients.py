"""Module, constructor and keys: the tables of both modules."""

from __future__ import annotations

import copy
import pickle
import zlib
from typing import TYPE_CHECKING, Any

from .cases import (
    KEY_ERROR,
    NO_KEY,
    TOO_LONG,
    WRONG_TYPE,
    Case,
    Raised,
    check,
    outcome,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import World

MODULE = [
    Case(
        "limits",
        lambda w: (w.module.SERVER_MAX_KEY_LENGTH, w.module.SERVER_MAX_VALUE_LENGTH),
        (250, 1 << 20),
    ),
    Case("version", lambda w: w.module.__version__, "1.62"),
    Case(
        "names",
        lambda w: [
            hasattr(w.module, name)
            for name in (
                "__author__",
                "__copyright__",
                "__license__",
                "_Host",
                "_Error",
                "_ConnectionDeadError",
                "_doctest",
                "valid_key_chars_re",
            )
        ],
        [True] * 8,
    ),
    Case("times", lambda w: (w.module._DEAD_RETRY, w.module._SOCKET_TIMEOUT), (30, 3)),
    Case(
        "hash",
        lambda w: [
            w.module.cmemcache_hash(key) for key in (b"foo", b"bar", b"key1", b"")
        ],
        [3187, 30463, 11356, 0],
    ),
    Case("hash of text", lambda w: w.module.cmemcache_hash("foo"), Raised("TypeError")),
    Case(
        "hash function",
        lambda w: w.module.serverHashFunction is w.module.cmemcache_hash,
        True,
    ),
]

CONSTRUCTOR = [
    Case(
        f"server {spec!r}",
        lambda w, spec=spec: [
            (str(host), host.weight) for host in w.module.Client([spec]).servers
        ],
        expect,
    )
    for spec, expect in [
        ("host", [("inet:host:11211", 1)]),
        ("host:5", [("inet:host:5", 1)]),
        ("inet:host:5", [("inet:host:5", 1)]),
        ("inet6:[::1]:5", [("inet6:[::1]:5", 1)]),
        ("inet6:[::1]", [("inet6:[::1]:11211", 1)]),
        ("unix:/path", [("unix:/path", 1)]),
        (("host", 3), [("inet:host:11211", 3)]),
        (("host", 0), [("inet:host:11211", 0)]),
        (" host ", [("inet: host :11211", 1)]),
        ("host:99999", [("inet:host:99999", 1)]),
        ("::1", Raised("ValueError", 'Unable to parse connection string: "::1"')),
        ("[::1]:5", Raised("ValueError", "Unable to parse connection string: ")),
        ("a:b:c", Raised("ValueError", "Unable to parse connection string: ")),
        ("", Raised("ValueError", "Unable to parse connection string: ")),
        (["host:1", 2], Raised("TypeError")),
        (("host", 1.5), Raised("TypeError")),
        (("host", 1, 2), Raised("ValueError")),
        (b"host", Raised("TypeError")),
        (None, Raised("TypeError")),
    ]
] + [
    Case(
        "a text is iterated over",
        lambda w: w.module.Client("a:1"),
        Raised("ValueError", 'Unable to parse connection string: ":"'),
    ),
    Case("no list", lambda w: w.module.Client(None), Raised("TypeError")),
    Case(
        "attributes of hosts",
        lambda w: [
            (
                host.address,
                host.ip,
                host.port,
                host.family.name,
                host.weight,
                host.debug,
                host.deaduntil,
                host.dead_retry,
                host.socket_timeout,
                host.socket,
            )
            for host in w.module.Client([("h:5", 2)], debug=1).servers
        ],
        [(("h", 5), "h", 5, "AF_INET", 2, 1, 0, 30, 3, None)],
    ),
    Case(
        "buckets",
        lambda w: [
            host.port
            for host in w.module.Client([("h:1", 2), "h:2", ("h:3", 0)]).buckets
        ],
        [1, 1, 2],
    ),
    Case(
        "attributes",
        lambda w: {
            name: getattr(w.c, name)
            for name in (
                "stats",
                "cas_ids",
                "cache_cas",
                "debug",
                "do_check_key",
                "dead_retry",
                "socket_timeout",
                "flush_on_reconnect",
                "pickleProtocol",
                "pickler",
                "unpickler",
                "compressor",
                "decompressor",
                "persistent_load",
                "persistent_id",
                "server_max_key_length",
                "server_max_value_length",
                "picklerIsKeyword",
            )
        },
        {
            "stats": {},
            "cas_ids": {},
            "cache_cas": False,
            "debug": 0,
            "do_check_key": True,
            "dead_retry": 30,
            "socket_timeout": 3,
            "flush_on_reconnect": 0,
            "pickleProtocol": 0,
            "pickler": pickle.Pickler,
            "unpickler": pickle.Unpickler,
            "compressor": zlib.compress,
            "decompressor": zlib.decompress,
            "persistent_load": None,
            "persistent_id": None,
            "server_max_key_length": 250,
            "server_max_value_length": 1 << 20,
            "picklerIsKeyword": True,
        },
    ),
    Case(
        "everything by position",
        lambda w: vars(
            w.module.Client(
                [],
                1,
                2,
                pickle.Pickler,
                pickle.Unpickler,
                len,
                repr,
                ord,
                chr,
                9,
                8,
                7,
                6,
                True,
                5,
                False,
                str,
            )
        )["flush_on_reconnect"],
        5,
    ),
    Case(
        "no servers",
        lambda w: (
            lambda c: [
                c.get("a", 9),
                c.set("a", 1),
                c.add("a", 1),
                c.delete("a"),
                c.touch("a"),
                c.incr("a"),
                c.get_multi(["a"]),
                c.set_multi({"a": 1}),
                c.delete_multi(["a"]),
                c.get_stats(),
                c.flush_all(),
                c.gets("a"),
                c.cas("a", 1),
                c.stats,
            ]
        )(w.module.Client([])),
        [
            None,
            0,
            0,
            0,
            0,
            None,
            {},
            ["a"],
            1,
            [],
            None,
            None,
            0,
            {"get_multi": 1, "set_multi": 1, "delete_multi": 1},
        ],
    ),
    Case("not copied", lambda w: copy.copy(w.c), Raised("TypeError", "cannot pickle")),
    Case("not pickled", lambda w: pickle.dumps(w.c), Raised("TypeError")),
    Case(
        "no more than there is",
        lambda w: [
            hasattr(w.c, name)
            for name in ("close", "gat", "version", "__enter__", "__getitem__")
        ],
        [False] * 5,
    ),
    Case(
        "bad timeout",
        lambda w: w.client(socket_timeout=-1).get("a"),
        Raised("ValueError", "Timeout value out of range"),
    ),
    Case(
        "no timeout",
        lambda w: (lambda c: [c.set("a", 1), c.get("a")])(
            w.client(socket_timeout=None)
        ),
        [True, 1],
    ),
    Case("timeout of nothing", lambda w: w.client(socket_timeout=0).set("a", 1), 0),
]


def refused(method: Callable[[str], Any]) -> Any:
    """Calls a method with a key that is none."""
    return outcome(lambda: method("a b"))


KEYS = [
    Case(f"key {key!r:.40}", lambda w, key=key: (w.c.set(key, 1), w.c.get(key)), expect)
    for key, expect in [
        ("text", (True, 1)),
        (b"bytes", (True, 1)),
        ("k" * 250, (True, 1)),
        ("k" * 251, TOO_LONG),
        ("会" * 83, (True, 1)),
        ("会" * 84, TOO_LONG),
        (b"\x80\xff", (True, 1)),
        ((3, "text"), (True, 1)),
        ((-3, b"bytes"), (True, 1)),
        ((1 << 80, "text"), (True, 1)),
        ((True, "text"), (True, 1)),
        (("3", "text"), Raised("TypeError")),
        ((1.5, "text"), Raised("TypeError")),
        ((3, None), NO_KEY),
        ((3, 5), WRONG_TYPE),
        ((3, "a b"), Raised("MemcachedKeyCharacterError", KEY_ERROR + "b'a b')")),
        ((1,), Raised("IndexError")),
        (None, NO_KEY),
        ("", Raised("MemcachedKeyCharacterError", KEY_ERROR + "b'')")),
        (b"", Raised("MemcachedKeyCharacterError", KEY_ERROR + "b'')")),
        (5, WRONG_TYPE),
        (5.0, WRONG_TYPE),
        (["a"], WRONG_TYPE),
        (bytearray(b"a"), WRONG_TYPE),
        ("a b", Raised("MemcachedKeyCharacterError", KEY_ERROR + "b'a b')")),
        ("a\x00", Raised("MemcachedKeyCharacterError", KEY_ERROR)),
        ("a\x7f", Raised("MemcachedKeyCharacterError", KEY_ERROR)),
        ("a\nb", Raised("MemcachedKeyCharacterError", KEY_ERROR)),
        ("\ud800", Raised("UnicodeEncodeError")),
    ]
] + [
    Case(
        "all methods check",
        lambda w: [
            refused(method).name
            for method in (
                w.c.get,
                w.c.gets,
                w.c.delete,
                w.c.touch,
                w.c.incr,
                w.c.decr,
                lambda key: w.c.set(key, 1),
                lambda key: w.c.add(key, 1),
                lambda key: w.c.replace(key, 1),
                lambda key: w.c.append(key, 1),
                lambda key: w.c.prepend(key, 1),
                lambda key: w.c.cas(key, 1),
            )
        ],
        ["MemcachedKeyCharacterError"] * 12,
    ),
    Case(
        "classes of errors",
        lambda w: [
            getattr(w.module.Client, "Memcached" + name).__bases__[0].__name__
            for name in (
                "KeyError",
                "KeyLengthError",
                "KeyCharacterError",
                "KeyNoneError",
                "KeyTypeError",
                "StringEncodingError",
            )
        ],
        ["Exception"] + ["MemcachedKeyError"] * 4 + ["Exception"],
    ),
    Case(
        "classes from an instance",
        lambda w: w.c.MemcachedKeyNoneError is w.module.Client.MemcachedKeyNoneError,
        True,
    ),
    Case(
        "check_key",
        lambda w: [
            w.c.check_key(b"a"),
            w.c.check_key((1, b"a")),
            w.c.check_key("", 3),
        ],
        [None] * 3,
    ),
    Case("check_key of text", lambda w: w.c.check_key("a"), WRONG_TYPE),
    Case(
        "check_key of nothing",
        lambda w: w.c.check_key(""),
        Raised("MemcachedKeyNoneError", "Key is empty"),
    ),
    Case("check_key with a prefix", lambda w: w.c.check_key(b"k" * 248, 3), TOO_LONG),
    Case(
        "shorter limit",
        lambda w: w.client(server_max_key_length=3).get("long"),
        Raised("MemcachedKeyLengthError", "Key length is > 3"),
    ),
    Case(
        "no limit",
        lambda w: (
            lambda c, key: [
                c.set(key, 1),
                c.get(key, 5),
                c.gets(key),
                c.delete(key),
                c.touch(key),
                c.delete_multi([key]),
            ]
        )(w.client(server_max_key_length=0), "k" * 251),
        [False, 5, None, 0, 0, 1],
    ),
    Case(
        "no limit and counting",
        lambda w: w.client(server_max_key_length=0).incr("k" * 251),
        Raised(
            "ValueError",
            "invalid literal for int() with base 10: "
            "b'CLIENT_ERROR bad command line format'",
        ),
    ),
    Case(
        "unchecked int",
        lambda w: w.client(check_keys=False).get(5),
        Raised("TypeError"),
    ),
    Case(
        "unchecked int among several",
        lambda w: (lambda c: [c.set_multi({5: 7}), c.get_multi([5]), c.get("5")])(
            w.client(check_keys=False)
        ),
        [[], {5: 7}, 7],
    ),
    Case("unchecked nothing", lambda w: w.client(check_keys=False).get(""), None),
    Case(
        "a newline at the end",
        lambda w: w.module.Client([]).check_key(b"a\n"),
        None,
        ours=Raised("MemcachedKeyCharacterError", KEY_ERROR + "b'a\\n')"),
    ),
    Case(
        "encoder",
        lambda w: (
            lambda c: [
                c.set("LOWER", 1),
                c.get("lower"),
                c.get("LoWeR"),
                w.stored("lower"),
            ]
        )(w.client(key_encoder=str.lower)),
        [True, 1, 1, (2, b"1")],
    ),
    Case(
        "encoder gets tuples whole",
        lambda w: w.client(key_encoder=lambda key: (key[0], key[1] + "!")).set(
            (5, "a"), 1
        ),
        True,
    ),
    Case(
        "encoder runs twice for several",
        lambda w: (
            lambda c: [
                c.set_multi({"a": 1}),
                w.stored("a!!"),
                w.stored("a!"),
                c.get_multi(["a"]),
            ]
        )(
            w.client(
                key_encoder=lambda key: (
                    key + "!" if isinstance(key, str) else key + b"!"
                )
            )
        ),
        [[], (2, b"1"), None, {"a!": 1}],
    ),
]


@table(MODULE)
def test_module(world: World, case: Case) -> None:
    check(world, case)


@table(CONSTRUCTOR)
def test_constructor(world: World, case: Case) -> None:
    check(world, case)


@table(KEYS)
def test_keys(world: World, case: Case) -> None:
    check(world, case)
