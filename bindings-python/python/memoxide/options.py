"""The options of a client, and those of python-memcached that mean the same.

What an option is and which values it takes is the core's affair: the names are
passed on as they are. Only what python-memcached's constructor calls otherwise
is translated here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from importlib import import_module
from os import PathLike, fspath
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

from memoxide.errors import ConfigError

__all__ = ["Options", "Seconds", "Serializer", "Servers"]

Seconds: TypeAlias = float | timedelta
Servers: TypeAlias = str | Iterable[str | tuple[str, int]] | Mapping[str, int]
Hashing: TypeAlias = Callable[[bytes, list[str]], int]
Path: TypeAlias = str | PathLike[str]


NativeSerializer: TypeAlias = tuple[
    Callable[[Any], Any], Callable[[bytes], Any], int | None
]

CUSTOM_FLAGS = 0x80000
"""The flags of what a serializer of the caller's wrote, unless it has its own."""


class Serializer(Protocol):
    """What the option `serializer` takes beside names."""

    @property
    def dumps(self) -> Callable[[Any], bytes | str]:
        """Returns what stands for an object."""

    @property
    def loads(self) -> Callable[[bytes], Any]:
        """Returns the object that stands for bytes."""


class Options(TypedDict, total=False):
    """Keyword arguments of `Client` and `AsyncClient`.

    The first block has the same names, units and defaults in every language;
    times are seconds or a `timedelta`, and None leaves the default.

    Attributes:
        timeout: What a call takes at most, 1 second.
        connect_timeout: What opening a connection takes at most, 0.25 seconds.
        max_idle: Idle connections that `Client` keeps per server, 2.
        max_connections: Connections per server: 64 in `Client`, whose calls use
            one each; 1 in `AsyncClient`, whose calls share it.
        idle_timeout: An idle connection is closed after this time, 60 seconds.
        busy_poll: How long `AsyncClient` keeps the event loop awake for the reply to
            a call that is alone under way, at most: it looks for events without
            sleeping, and need not be woken when the reply comes. That is done only
            where it was found to make replies a tenth faster at least: with a near
            server that has a CPU of its own. 0 never does it; 0.00005 seconds.
        default_ttl: The time to live of items stored without one, in seconds;
            for ever.
        prefix: Put before each key; nothing.
        hashing: The preset that tells which server has a key, `"ketama"`;
            `"python-memcached"`, `"pymemcache"`, `"pylibmc"` and many more. Or a
            function that gets a key without the prefix and the names of the
            servers, and returns the position of one, always the same for a key.
        values: The dialect that values are written in, `"memoxide"`; `"python"`
            is that of python-memcached, pylibmc and pymemcache.
        serializer: What writes everything but bytes, text and integers. `"json"`,
            the default, and `"native"` are the dialect's own ways; `"msgpack"`
            is MessagePack by the package of that name, with the dialect
            `"memoxide"`; `"pickle"` is the same as `pickle=True`. Or an object
            with `dumps`, which returns bytes or text, and `loads`, which gets
            bytes; a module such as `orjson` will do. What it writes has the
            flags 0x80000, or those in its attribute `flags`.
        foreign: Formats of single languages that are let through, such as
            `"pickle"`, separated by commas; none.
        compression: The format to compress in, `"zlib"` or `"zstd"` or another of
            the dialect's; `"zlib"` where only `compress_above` is given.
        compress_above: The bytes beyond which values are compressed; 1024 where
            only `compression` is given, else never.
        max_value_size: The most bytes of a stored value, 1 MiB.
        max_decompressed_size: The most bytes that a value inflates to, 64 MiB.
        protocol: `"auto"`, `"meta"` or `"text"`.
        retry_attempts: How often a read is made again, 1.
        dead_after: Failures in a row that take a server out of service, 3.
        dead_retry: The first pause before it is tried again, 1 second; it
            doubles up to 30.
        on_error: `"raise"`; `"miss"` turns reads from a failing server into misses
            and drops writes to it.
        username: The name to authenticate with; nothing.
        password: The password that belongs to it; nothing.
        auth: How to authenticate, `"sasl"` or `"ascii"`.
        plaintext_auth: What to do about credentials that would go over a network
            unencrypted: `"warn"` in the log, `"allow"` or `"refuse"`.
        tls: Whether connections are encrypted; False.
        tls_ca: The file in PEM of the authorities to trust; those of the system.
        tls_cert: The file in PEM of the client's own certificate; nothing.
        tls_key: The file in PEM of that certificate's key; `tls_cert`.
        tls_server_name: The name that certificates of servers must carry; the
            host.
        tls_verify: Whether certificates are checked; True.

        pickle: Whether other objects are pickled and stored pickles are loaded,
            which runs code that their writer chose; False.
        pickle_protocol: The protocol to pickle in, Python's default.

        socket_timeout: python-memcached's name of `timeout`.
        pickleProtocol: python-memcached's name of `pickle_protocol`.
        server_max_value_length: python-memcached's name of `max_value_size`.
        cache_cas: As in python-memcached, where only True makes `cas` safe;
            here it always is.
    """

    timeout: Seconds | None
    connect_timeout: Seconds | None
    max_idle: int | None
    max_connections: int | None
    idle_timeout: Seconds | None
    busy_poll: Seconds | None
    default_ttl: int | timedelta | None
    prefix: str | bytes | None
    hashing: str | Hashing | None
    values: str | None
    serializer: Literal["json", "msgpack", "native", "pickle"] | Serializer | None
    foreign: str | None
    compression: str | None
    compress_above: int | None
    max_value_size: int | None
    max_decompressed_size: int | None
    protocol: Literal["auto", "meta", "text"] | None
    retry_attempts: int | None
    dead_after: int | None
    dead_retry: Seconds | None
    on_error: Literal["raise", "miss"] | None
    username: str | None
    password: str | None
    auth: Literal["sasl", "ascii"] | None
    plaintext_auth: Literal["warn", "allow", "refuse"] | None
    tls: bool | None
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    tls_server_name: str | None
    tls_verify: bool | None

    pickle: bool
    pickle_protocol: int | None

    socket_timeout: Seconds | None
    pickleProtocol: int | None
    server_max_value_length: int | None
    cache_cas: Literal[True]


# What else python-memcached takes: the values that change nothing here, and what
# to do about others.
_ELSEWHERE: dict[str, tuple[tuple[object, ...], str]] = {
    "cache_cas": ((True,), "gets always remembers the id that cas needs"),
    "check_keys": ((True,), "keys are always checked"),
    "compressor": ((None,), "choose a format with compression and compress_above"),
    "decompressor": ((None,), "what others compressed with zlib is read anyway"),
    "flush_on_reconnect": ((0, False), "call flush_all when you need it"),
    "key_encoder": ((None,), "encode keys before the call"),
    "pickler": ((None,), "choose pickle=True or another dialect with values"),
    "pid": ((None,), "choose pickle=True or another dialect with values"),
    "pload": ((None,), "choose pickle=True or another dialect with values"),
    "server_max_key_length": ((None, 250), "memcached takes keys of 250 bytes"),
    "unpickler": ((None,), "choose pickle=True or another dialect with values"),
}

_RENAMED = {
    "pickleProtocol": "pickle_protocol",
    "server_max_value_length": "max_value_size",
    "socket_timeout": "timeout",
}


def in_seconds(time: Seconds) -> float:
    """Returns seconds, or a timedelta, as seconds."""
    return time.total_seconds() if isinstance(time, timedelta) else float(time)


def to_native(
    options: Mapping[str, Any],
) -> tuple[dict[str, Any], int | None, NativeSerializer | None]:
    """Returns the options by their own names, the protocol, and the serializer."""
    native: dict[str, Any] = {}
    for given, value in options.items():
        if given in _ELSEWHERE:
            allowed, instead = _ELSEWHERE[given]
            if value not in allowed:
                raise ConfigError(
                    f"option {given} of python-memcached has no meaning here: {instead}"
                )
            continue
        name = _RENAMED.get(given, given)
        if name in native:
            raise ConfigError(f"{given} is another name of {name}; give one of them")
        native[name] = fspath(value) if isinstance(value, PathLike) else value
    pickle = native.pop("pickle", False)
    if pickle not in (True, False, None):
        raise ConfigError("option pickle is neither True nor False")
    serializer = native.get("serializer")
    chosen: NativeSerializer | None = None
    if serializer == "pickle":
        pickle = True
    elif serializer == "msgpack":
        chosen = _msgpack()
        _allow(native, "msgpack")
    elif serializer is not None and not isinstance(serializer, str):
        chosen = _custom(serializer)
    if serializer == "pickle" or chosen is not None:
        del native["serializer"]
    if pickle:
        _allow(native, "pickle")
    return native, native.pop("pickle_protocol", None), chosen


def _allow(native: dict[str, Any], name: str) -> None:
    foreign = native.get("foreign")
    native["foreign"] = f"{foreign},{name}" if foreign else name


def _msgpack() -> NativeSerializer:
    try:
        msgpack = import_module("msgpack")
    except ImportError as error:
        message = (
            'serializer="msgpack" needs the package: pip install memoxide[msgpack]'
        )
        raise ConfigError(message) from error
    # Keys of maps are whatever was written.
    return msgpack.packb, partial(msgpack.unpackb, strict_map_key=False), None


def _custom(serializer: object) -> NativeSerializer:
    dumps = getattr(serializer, "dumps", None)
    loads = getattr(serializer, "loads", None)
    flags = getattr(serializer, "flags", CUSTOM_FLAGS)
    if not callable(dumps) or not callable(loads):
        raise ConfigError("option serializer is neither a name nor has dumps and loads")
    if type(flags) is not int or not 0 < flags < 1 << 32:
        raise ConfigError("flags of the serializer are no number of 32 bits above 0")
    return dumps, loads, flags
