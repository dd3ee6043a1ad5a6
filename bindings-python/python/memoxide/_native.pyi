"""
The native half of the package; import `memoxide` instead.
"""

from _typeshed import SupportsGetItem
from asyncio import Future
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from memoxide.errors import MemoxideError
from memoxide.faults import FaultRules
from memoxide.item import Item
from memoxide.keys import KeyStream
from memoxide.options import NativeSerializer
from memoxide.tools import Guess, KeyExplanation, MigrationSummary, PlacementComparison, Progress
from os import PathLike
from typing import Any, Final, Literal, SupportsFloat, SupportsIndex, final
from typing_extensions import disjoint_base

__all__ = ["__version__", "AsyncClient", "Client", "Codec", "EmbeddedServer", "Engine", "Hosts", "KeyIterator", "KeySource", "Placement", "cmemcache_hash", "compare_placements", "explain_key", "explain_value", "fork_generation", "is_ambiguous", "is_connection", "is_retryable", "is_timeout", "migrate", "python_memcached_decode", "python_memcached_encode", "run_command", "typed_report"]

__version__: Final[str]
"""
The version of the package, the same for the three languages.
"""

@disjoint_base
class AsyncClient:
    """
    The native half of `memoxide.AsyncClient`, which is the class to use.
    """
    def __init__(self, /, servers: Any, options: "dict[str, object]", pickle_protocol: SupportsIndex | None = None, serializer: NativeSerializer | None = None) -> None:
        """
        Prepares the client; nothing is sent, and no loop is needed yet.
        """
    def __new__(cls, /, *args: "object", **kwargs: "object") -> AsyncClient: ...
    def _acquire(self, /, key: str | bytes, token: bytes, time: float | timedelta | None, wait: SupportsFloat | SupportsIndex, *, timeout: float | timedelta | None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Takes a lock for a token; see `lock`.
        """
    @property
    def _call_timeout(self, /) -> float:
        """
        Seconds that a call may take unless it says otherwise.
        """
    def _close(self, /) -> Any | None:
        """
        Closes the client: calls under way and further ones raise `ClosedError`.
        Returns the driver of the running loop, if it has one.
        """
    def _disconnect(self, /) -> Any | None:
        """
        Closes the connections of the running loop that are not in use, and returns
        its driver, which knows when they are closed.
        """
    def _extend(self, /, key: str | bytes, token: bytes, time: float | timedelta | None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Extends a lock if the token still owns it; see `lock`.
        """
    def _generation(self, /, name: str | bytes, *, timeout: float | timedelta | None = None) -> Future[int]:
        """
        Finds out the generation of a namespace; see `namespace`.
        """
    def _release(self, /, key: str | bytes, token: bytes, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Gives a lock back if the token still owns it; see `lock`.
        """
    def _within(self, /, name: str | bytes, generation: SupportsIndex) -> AsyncClient:
        """
        Returns this client for one generation of a namespace; see `namespace`.
        """
    def add(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Stores a value if the key has none, and tells whether it had none.

        Args:
            key: As in `get`.
            value: As in `set`.
            time: As in `set`.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def add_multi(self, /, mapping: Mapping[Any, Any], time: float | timedelta | None = None, key_prefix: str | bytes | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[list[Any]]:
        """
        Stores several values whose keys have none, and returns the keys
        that had one.

        Args:
            mapping: The values as in `set` by their keys.
            time: As in `set`, for all of them.
            key_prefix: Put before each key on the wire.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set_multi`.
        """
    def append(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Puts bytes or text behind what is stored, and tells whether there
        was something.

        Args:
            key: As in `get`.
            value: Encoded as in `set`; the flags stay those of the value
                that was there.
            time: Accepted for python-memcached's sake; the server keeps
                the time to live.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def cache_memlimit(self, /, megabytes: int, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[None]:
        """
        Sets the memory limit of the servers.

        Args:
            megabytes: The new limit in mebibytes, at least 8.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is meant.

        Raises:
            ServerError: The limit is too small or cannot be changed.
            PartialError: Some servers failed.
            MemoxideError: As in `set`.
        """
    def cas(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, cas: int | None = None, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Stores a value if the item is still the one that was read, and
        tells whether it was.

        Args:
            key: As in `get`.
            value: As in `set`.
            time: As in `set`.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            cas: The id of what was read, from `get_item`; by default the
                one that `gets` remembered for this thread or task.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            InvalidArgumentError: There is no id, so that the call would
                overwrite what others wrote.
            MemoxideError: As in `set`.
        """
    @property
    def configuration(self, /) -> str:
        """
        The servers and the options that differ from their default, as JSON; a
        password is shown as `***`.
        """
    def decr(self, /, key: str | bytes, delta: int = ..., noreply: bool = ..., *, initial: int | None = None, time: float | timedelta | None = None, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[int | None]:
        """
        Subtracts from a stored number and returns the difference, at
        least 0, or None if the key has no value and `initial` is not given.

        Args:
            key: As in `get`.
            delta: What is subtracted, 0 to 2^64 - 1, 1 by default.
            noreply: As in `set`.
            initial: As in `incr`.
            time: As in `incr`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `incr`.
        """
    def delete(self, /, key: str | bytes, noreply: bool = ..., *, cas: int | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Removes an item and tells whether there was one.

        Args:
            key: As in `get`.
            noreply: As in `set`.
            cas: Removes the item only if it is still the one with this id,
                from `get_item`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            UnsupportedError: `cas` is given and the server knows no meta
                commands.
            MemoxideError: As in `set`.
        """
    def delete_multi(self, /, keys: Iterable[str | bytes], *, key_prefix: str | bytes | None = None, noreply: bool = ..., timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[list[Any]]:
        """
        Removes several items and returns the keys that had none.

        Args:
            keys: An iterable of keys as in `get`.
            key_prefix: Put before each key on the wire.
            noreply: As in `set`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            PartialError: Some servers failed; `results` has the keys whose
                items were absent or may be there still.
            MemoxideError: As in `set`. One bad key fails the call before
                anything is sent.
        """
    def exists(self, /, key: str | bytes, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Tells whether there is an item, without reading its value.

        Args:
            key: As in `get`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get_item`.
        """
    def flush_all(self, /, delay: float | timedelta = ..., *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[None]:
        """
        Expires every item of every server. memcached is up to two
        seconds early: it flushes at the beginning of the last second,
        and counts the one that has begun.

        Args:
            delay: Seconds or a timedelta until then, up to 30 days, fractions
                upwards; 0 by default.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is flushed.

        Raises:
            InvalidArgumentError: The delay is negative or over 30 days.
            PartialError: Some servers failed.
            MemoxideError: As in `set`.
        """
    def gat(self, /, key: str | bytes, time: float | timedelta | None = None, default: Any | None = None, *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[Any]:
        """
        Returns the value of a key and sets a new time to live.

        Args:
            key: As in `get`.
            time: The time to live as in `set`; the client's `default_ttl`
                by default.
            default: What a miss returns, None by default.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            InvalidArgumentError: The time to live is out of range.
            MemoxideError: As in `get`; the read is not made again.
        """
    def gats(self, /, key: str | bytes, time: float | timedelta | None = None, default: Any | None = None, *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[Any]:
        """
        Returns the value of a key, sets a new time to live, and remembers
        the cas id as `gets` does.

        Args:
            key: As in `get`.
            time: The time to live as in `set`; the client's `default_ttl`
                by default.
            default: What a miss returns, None by default.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `gat`.
        """
    def get(self, /, key: str | bytes, default: Any | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[Any]:
        """
        Returns the value of a key, or `default` if there is none.

        Args:
            key: Text or bytes, 1 to 250 bytes with the prefix, without
                spaces and control characters.
            default: What a miss returns, None by default.
            timeout: Seconds that this call may take, in place of the
                client's `timeout`.
            server_key: A key whose server this call goes to, in place of
                the one of `key`.

        Raises:
            InvalidKeyError: The key is not as above; nothing was sent.
            DecodeError: The value is of a kind that the client does not
                read; `raw` has its flags and bytes.
            TimeoutError: The call took too long.
            ConnectError: The server cannot be reached.
            ConnectionLostError: The connection ended, twice in a row.
            ProtocolError: The answer is no answer to this.
        """
    def get_item(self, /, key: str | bytes, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[Item | None]:
        """
        Returns the value of a key and what the server tells about it, or
        None if there is none.

        Args:
            key: As in `get`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            UnsupportedError: The server knows no meta commands, which
                memcached has since 1.6.
            MemoxideError: As in `get`.
        """
    def get_items(self, /, keys: Iterable[str | bytes], key_prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[dict[Any, Item]]:
        """
        Reads several items: a dict of `Item`, as `get_item` returns one.

        Args:
            keys: As in `get_multi`.
            key_prefix: As in `get_multi`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get_item`; PartialError as in `get_multi`.
        """
    def get_multi(self, /, keys: Iterable[str | bytes], key_prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[dict[Any, Any]]:
        """
        Returns the values of several keys; those without one are absent.

        All servers are asked at once, each with one request.

        Args:
            keys: An iterable of keys as in `get`; the result has them as
                they are given here.
            key_prefix: Put before each key on the wire.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            PartialError: Some servers failed; `results` has what the
                others answered.
            MemoxideError: As in `get`. One bad key fails the call before
                anything is sent.
        """
    def get_raw(self, /, key: str | bytes, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[tuple[int, bytes] | None]:
        """
        Reads flags and bytes as they are stored, without decoding.

        Args:
            key: As in `get`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Returns:
            A pair of flags and bytes, or None if the key has no value.

        Raises:
            MemoxideError: As in `get`.
        """
    def get_stats(self, /, report: str | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[list[tuple[str, dict[str, str]]]]:
        """
        Returns pairs of server and report, in the order of the servers;
        a report is a dict of text.

        Args:
            report: `"settings"`, `"items"`, `"slabs"`, `"conns"` and so on;
                None, the default, for the general one.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is asked.

        Raises:
            InvalidArgumentError: `report` is no name of a report.
            PartialError: Some servers failed; `results` has what came.
            MemoxideError: As in `get`.
        """
    def gets(self, /, key: str | bytes, default: Any | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[Any]:
        """
        Returns the value of a key and remembers its cas id for `cas`.

        An id is remembered for the calling thread or task and used once;
        each keeps its 1024 newest.

        Args:
            key: As in `get`.
            default: What a miss returns, None by default.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get`.
        """
    def gets_multi(self, /, keys: Iterable[str | bytes], key_prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[dict[Any, tuple[Any, int]]]:
        """
        Reads several values with their cas ids: a dict of pairs of value and id.

        Args:
            keys: As in `get_multi`.
            key_prefix: As in `get_multi`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get_multi`.
        """
    def incr(self, /, key: str | bytes, delta: int = ..., noreply: bool = ..., *, initial: int | None = None, time: float | timedelta | None = None, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[int | None]:
        """
        Adds to a stored number and returns the sum, or None if the key
        has no value and `initial` is not given.

        Args:
            key: As in `get`.
            delta: What is added, 0 to 2^64 - 1, 1 by default; the sum wraps at
                2^64.
            noreply: As in `set`.
            initial: Stored and returned if the key has no value.
            time: A new time to live as in `set`, also for `initial`; by
                default it stays, and `initial` gets `default_ttl`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            NotNumericError: What is stored is no decimal number.
            InvalidArgumentError: `delta` or `initial` is out of range.
            MemoxideError: As in `set`.
        """
    def invalidate(self, /, name: str | bytes, *, timeout: float | timedelta | None = None) -> Future[int]:
        """
        Makes every key of a namespace unreachable, in one request, and
        returns the number of its new generation.

        Args:
            name: The name of the namespace.
            timeout: Seconds that this call may take.

        Raises:
            InvalidKeyError: The name cannot be part of a key.
            NotNumericError: Another program uses the key
                `<name>:generation`.
            MemoxideError: As in `incr`.
        """
    def keys(self, /, prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> KeyStream:
        """
        Lists the keys that begin with a prefix, by `lru_crawler metadump`.

        Awaited it is a list; `async for` takes the keys as the servers list them,
        which wait while nothing is taken. It walks through the whole cache of
        every server: use it to look, not to work. The list is no snapshot, but
        what is there all the time is listed once; memcached before 1.6.9, and
        before 1.6.19 with `async for`, may list a key twice and leave out what was
        used a moment ago. Keys are text where they are UTF-8, else bytes; the
        client's own prefix is taken off. Nothing is sent before either.

        Args:
            prefix: What the keys begin with; nothing by default.
            timeout: Seconds in which a server lists nothing while more is wanted.
            server_key: A key whose server alone is asked.

        Raises:
            UnsupportedError: A server cannot list keys.
            TimeoutError: Also when a server lists for somebody else all the time.
            MemoxideError: As in `get`. All of them where the list is read.
        """
    @property
    def open_connections(self, /) -> int:
        """
        How many connections this process has open, on all loops.
        """
    def prepend(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Puts bytes or text before what is stored, and tells whether there
        was something.

        Args:
            key: As in `get`.
            value: As in `append`.
            time: As in `append`.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def replace(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Stores a value if the key has one, and tells whether it had one.

        Args:
            key: As in `get`.
            value: As in `set`.
            time: As in `set`.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def server_for(self, /, key: str | bytes, *, server_key: str | bytes | None = None) -> str:
        """
        Returns the name of the server that has a key, such as
        `127.0.0.1:11211`. Nothing is sent.

        Args:
            key: As in `get`.
            server_key: A key whose server calls with it go to.

        Raises:
            InvalidKeyError: The key is not as in `get`.
            NoServersError: There are no servers.
        """
    @property
    def servers(self, /) -> list[str]:
        """
        The names of the servers, such as `127.0.0.1:11211`, in their order.
        """
    def set(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Stores a value and returns True.

        Args:
            key: As in `get`.
            value: Bytes, text, an integer, or a JSON tree of None, bool,
                float, list and dict; other objects where the client
                pickles.
            time: The time to live: seconds or a timedelta, fractions
                upwards; 0 for ever, negative for not at all. Over 30 days
                a number from 1,000,000,000 on is a date, as memcached
                has it. The client's `default_ttl` by default.
            min_compress_len: Compresses a value of more than this many
                bytes; 0, the default, leaves it to `compress_above`.
            noreply: Accepted for python-memcached's sake; the call waits
                for the reply nevertheless.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            InvalidKeyError: The key is not as in `get`.
            InvalidArgumentError: The time to live is out of range.
            EncodeError: The value is none of the above.
            ValueTooLargeError: The value is over `max_value_size`, or the
                server's limit, which also drops what was stored before.
            ServerError: The server is out of memory.
            TimeoutError: The call took too long; `sent` tells whether the
                value may have been stored.
            ConnectError: The server cannot be reached.
            ConnectionLostError: The connection ended; writes are made
                again only if nothing was sent.
        """
    def set_multi(self, /, mapping: Mapping[Any, Any], time: float | timedelta | None = None, key_prefix: str | bytes | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[list[Any]]:
        """
        Stores several values and returns the keys of those that a server
        refused.

        Args:
            mapping: The values as in `set` by their keys.
            time: As in `set`, for all of them.
            key_prefix: Put before each key on the wire.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            PartialError: Some servers failed; `results` has the keys that
                were not stored or may not have been.
            MemoxideError: As in `set`. One bad key or value fails the call
                before anything is sent.
        """
    def set_raw(self, /, key: str | bytes, flags: int, data: bytes | bytearray | memoryview, time: float | timedelta | None = None, *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Stores flags and bytes as they are, without encoding.

        Args:
            key: As in `get`.
            flags: 0 to 2^32 - 1.
            data: Bytes, a bytearray or a memoryview.
            time: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def take(self, /, key: str | bytes, default: Any | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[Any]:
        """
        Reads a value and removes it, so that one caller gets it.

        Args:
            key: As in `get`.
            default: Returned if the key has no value.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get`.
        """
    def touch(self, /, key: str | bytes, time: float | timedelta | None = None, noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[bool]:
        """
        Sets a new time to live and tells whether there is an item.

        Args:
            key: As in `get`.
            time: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def touch_multi(self, /, keys: Iterable[str | bytes], time: float | timedelta | None = None, key_prefix: str | bytes | None = None, noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[list[Any]]:
        """
        Sets a new time to live for several items and returns the keys
        that have none.

        Args:
            keys: An iterable of keys as in `get`.
            time: As in `set`, for all of them.
            key_prefix: Put before each key on the wire.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `delete_multi`.
        """
    def update(self, /, key: str | bytes, change: Any, time: float | timedelta | None = None, *, ttl: float | timedelta | None = None, limit: int = ..., timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[Any]:
        """
        Changes a value by a function: reads it, stores what the function
        returns if nobody else wrote meanwhile, and else begins again after
        a pause, which doubles from about 1 to about 50 milliseconds.

        Args:
            key: As in `get`.
            change: Called with the present value, or None if there is
                none; returns the new one, or None to leave it. It may be
                called several times and must not wait.
            time: As in `set`.
            ttl: Another name of `time`.
            limit: How often it is tried, 16 times by default and at least once.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Returns:
            The value that was stored, or None if it was left.

        Raises:
            InvalidArgumentError: `change` cannot be called.
            ConflictError: Others were faster `limit` times.
            MemoxideError: As in `set`. What `change` raises is passed on.
        """
    def verbosity(self, /, level: int, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[None]:
        """
        Sets how much the servers log.

        Args:
            level: 0 to 3.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is meant.

        Raises:
            PartialError: Some servers failed.
            MemoxideError: As in `set`.
        """
    def version(self, /, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Future[list[tuple[str, str]]]:
        """
        Returns pairs of server and version, in the order of the servers.

        Args:
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is asked.

        Raises:
            PartialError: Some servers failed; `results` has the others.
            MemoxideError: As in `get`.
        """

@disjoint_base
class Client:
    """
    The native half of `memoxide.Client`, which is the class to use.
    """
    def __init__(self, /, servers: Any, options: "dict[str, object]", pickle_protocol: SupportsIndex | None = None, serializer: NativeSerializer | None = None) -> None:
        """
        Prepares the client; nothing is sent.
        """
    def __new__(cls, /, *args: "object", **kwargs: "object") -> Client: ...
    def _acquire(self, /, key: str | bytes, token: bytes, time: float | timedelta | None, wait: SupportsFloat | SupportsIndex, *, timeout: float | timedelta | None, server_key: str | bytes | None = None) -> bool:
        """
        Takes a lock for a token; see `lock`.
        """
    @property
    def _call_timeout(self, /) -> float:
        """
        Seconds that a call may take unless it says otherwise.
        """
    def _extend(self, /, key: str | bytes, token: bytes, time: float | timedelta | None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Extends a lock if the token still owns it; see `lock`.
        """
    def _generation(self, /, name: str | bytes, *, timeout: float | timedelta | None = None) -> int:
        """
        Finds out the generation of a namespace; see `namespace`.
        """
    def _release(self, /, key: str | bytes, token: bytes, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Gives a lock back if the token still owns it; see `lock`.
        """
    def _within(self, /, name: str | bytes, generation: SupportsIndex) -> Client:
        """
        Returns this client for one generation of a namespace; see `namespace`.
        """
    def add(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Stores a value if the key has none, and tells whether it had none.

        Args:
            key: As in `get`.
            value: As in `set`.
            time: As in `set`.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def add_multi(self, /, mapping: Mapping[Any, Any], time: float | timedelta | None = None, key_prefix: str | bytes | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> list[Any]:
        """
        Stores several values whose keys have none, and returns the keys
        that had one.

        Args:
            mapping: The values as in `set` by their keys.
            time: As in `set`, for all of them.
            key_prefix: Put before each key on the wire.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set_multi`.
        """
    def append(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Puts bytes or text behind what is stored, and tells whether there
        was something.

        Args:
            key: As in `get`.
            value: Encoded as in `set`; the flags stay those of the value
                that was there.
            time: Accepted for python-memcached's sake; the server keeps
                the time to live.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def cache_memlimit(self, /, megabytes: int, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> None:
        """
        Sets the memory limit of the servers.

        Args:
            megabytes: The new limit in mebibytes, at least 8.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is meant.

        Raises:
            ServerError: The limit is too small or cannot be changed.
            PartialError: Some servers failed.
            MemoxideError: As in `set`.
        """
    def cas(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, cas: int | None = None, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Stores a value if the item is still the one that was read, and
        tells whether it was.

        Args:
            key: As in `get`.
            value: As in `set`.
            time: As in `set`.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            cas: The id of what was read, from `get_item`; by default the
                one that `gets` remembered for this thread or task.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            InvalidArgumentError: There is no id, so that the call would
                overwrite what others wrote.
            MemoxideError: As in `set`.
        """
    def close(self, /) -> None:
        """
        Closes the client: further calls raise `ClosedError`.
        """
    @property
    def configuration(self, /) -> str:
        """
        The servers and the options that differ from their default, as JSON; a
        password is shown as `***`.
        """
    def decr(self, /, key: str | bytes, delta: int = ..., noreply: bool = ..., *, initial: int | None = None, time: float | timedelta | None = None, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> int | None:
        """
        Subtracts from a stored number and returns the difference, at
        least 0, or None if the key has no value and `initial` is not given.

        Args:
            key: As in `get`.
            delta: What is subtracted, 0 to 2^64 - 1, 1 by default.
            noreply: As in `set`.
            initial: As in `incr`.
            time: As in `incr`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `incr`.
        """
    def delete(self, /, key: str | bytes, noreply: bool = ..., *, cas: int | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Removes an item and tells whether there was one.

        Args:
            key: As in `get`.
            noreply: As in `set`.
            cas: Removes the item only if it is still the one with this id,
                from `get_item`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            UnsupportedError: `cas` is given and the server knows no meta
                commands.
            MemoxideError: As in `set`.
        """
    def delete_multi(self, /, keys: Iterable[str | bytes], *, key_prefix: str | bytes | None = None, noreply: bool = ..., timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> list[Any]:
        """
        Removes several items and returns the keys that had none.

        Args:
            keys: An iterable of keys as in `get`.
            key_prefix: Put before each key on the wire.
            noreply: As in `set`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            PartialError: Some servers failed; `results` has the keys whose
                items were absent or may be there still.
            MemoxideError: As in `set`. One bad key fails the call before
                anything is sent.
        """
    def disconnect_all(self, /) -> None:
        """
        Closes the connections that are not in use; the client can be used on.
        """
    def exists(self, /, key: str | bytes, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Tells whether there is an item, without reading its value.

        Args:
            key: As in `get`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get_item`.
        """
    def flush_all(self, /, delay: float | timedelta = ..., *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> None:
        """
        Expires every item of every server. memcached is up to two
        seconds early: it flushes at the beginning of the last second,
        and counts the one that has begun.

        Args:
            delay: Seconds or a timedelta until then, up to 30 days, fractions
                upwards; 0 by default.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is flushed.

        Raises:
            InvalidArgumentError: The delay is negative or over 30 days.
            PartialError: Some servers failed.
            MemoxideError: As in `set`.
        """
    def gat(self, /, key: str | bytes, time: float | timedelta | None = None, default: Any | None = None, *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Any:
        """
        Returns the value of a key and sets a new time to live.

        Args:
            key: As in `get`.
            time: The time to live as in `set`; the client's `default_ttl`
                by default.
            default: What a miss returns, None by default.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            InvalidArgumentError: The time to live is out of range.
            MemoxideError: As in `get`; the read is not made again.
        """
    def gats(self, /, key: str | bytes, time: float | timedelta | None = None, default: Any | None = None, *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Any:
        """
        Returns the value of a key, sets a new time to live, and remembers
        the cas id as `gets` does.

        Args:
            key: As in `get`.
            time: The time to live as in `set`; the client's `default_ttl`
                by default.
            default: What a miss returns, None by default.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `gat`.
        """
    def get(self, /, key: str | bytes, default: Any | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Any:
        """
        Returns the value of a key, or `default` if there is none.

        Args:
            key: Text or bytes, 1 to 250 bytes with the prefix, without
                spaces and control characters.
            default: What a miss returns, None by default.
            timeout: Seconds that this call may take, in place of the
                client's `timeout`.
            server_key: A key whose server this call goes to, in place of
                the one of `key`.

        Raises:
            InvalidKeyError: The key is not as above; nothing was sent.
            DecodeError: The value is of a kind that the client does not
                read; `raw` has its flags and bytes.
            TimeoutError: The call took too long.
            ConnectError: The server cannot be reached.
            ConnectionLostError: The connection ended, twice in a row.
            ProtocolError: The answer is no answer to this.
        """
    def get_item(self, /, key: str | bytes, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Item | None:
        """
        Returns the value of a key and what the server tells about it, or
        None if there is none.

        Args:
            key: As in `get`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            UnsupportedError: The server knows no meta commands, which
                memcached has since 1.6.
            MemoxideError: As in `get`.
        """
    def get_items(self, /, keys: Iterable[str | bytes], key_prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> dict[Any, Item]:
        """
        Reads several items: a dict of `Item`, as `get_item` returns one.

        Args:
            keys: As in `get_multi`.
            key_prefix: As in `get_multi`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get_item`; PartialError as in `get_multi`.
        """
    def get_multi(self, /, keys: Iterable[str | bytes], key_prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> dict[Any, Any]:
        """
        Returns the values of several keys; those without one are absent.

        All servers are asked at once, each with one request.

        Args:
            keys: An iterable of keys as in `get`; the result has them as
                they are given here.
            key_prefix: Put before each key on the wire.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            PartialError: Some servers failed; `results` has what the
                others answered.
            MemoxideError: As in `get`. One bad key fails the call before
                anything is sent.
        """
    def get_raw(self, /, key: str | bytes, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> tuple[int, bytes] | None:
        """
        Reads flags and bytes as they are stored, without decoding.

        Args:
            key: As in `get`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Returns:
            A pair of flags and bytes, or None if the key has no value.

        Raises:
            MemoxideError: As in `get`.
        """
    def get_stats(self, /, report: str | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> list[tuple[str, dict[str, str]]]:
        """
        Returns pairs of server and report, in the order of the servers;
        a report is a dict of text.

        Args:
            report: `"settings"`, `"items"`, `"slabs"`, `"conns"` and so on;
                None, the default, for the general one.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is asked.

        Raises:
            InvalidArgumentError: `report` is no name of a report.
            PartialError: Some servers failed; `results` has what came.
            MemoxideError: As in `get`.
        """
    def gets(self, /, key: str | bytes, default: Any | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Any:
        """
        Returns the value of a key and remembers its cas id for `cas`.

        An id is remembered for the calling thread or task and used once;
        each keeps its 1024 newest.

        Args:
            key: As in `get`.
            default: What a miss returns, None by default.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get`.
        """
    def gets_multi(self, /, keys: Iterable[str | bytes], key_prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> dict[Any, tuple[Any, int]]:
        """
        Reads several values with their cas ids: a dict of pairs of value and id.

        Args:
            keys: As in `get_multi`.
            key_prefix: As in `get_multi`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get_multi`.
        """
    def incr(self, /, key: str | bytes, delta: int = ..., noreply: bool = ..., *, initial: int | None = None, time: float | timedelta | None = None, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> int | None:
        """
        Adds to a stored number and returns the sum, or None if the key
        has no value and `initial` is not given.

        Args:
            key: As in `get`.
            delta: What is added, 0 to 2^64 - 1, 1 by default; the sum wraps at
                2^64.
            noreply: As in `set`.
            initial: Stored and returned if the key has no value.
            time: A new time to live as in `set`, also for `initial`; by
                default it stays, and `initial` gets `default_ttl`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            NotNumericError: What is stored is no decimal number.
            InvalidArgumentError: `delta` or `initial` is out of range.
            MemoxideError: As in `set`.
        """
    def invalidate(self, /, name: str | bytes, *, timeout: float | timedelta | None = None) -> int:
        """
        Makes every key of a namespace unreachable, in one request, and
        returns the number of its new generation.

        Args:
            name: The name of the namespace.
            timeout: Seconds that this call may take.

        Raises:
            InvalidKeyError: The name cannot be part of a key.
            NotNumericError: Another program uses the key
                `<name>:generation`.
            MemoxideError: As in `incr`.
        """
    def iter_keys(self, /, prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> KeyIterator:
        """
        Iterates over the keys that begin with a prefix, as the servers list them
        one after the other. Otherwise this is `keys`.

        The list has a connection of its own, which ends with it, with `close()`,
        or when nobody holds the iterator. Servers wait while nothing is taken;
        those before memcached 1.6.19, which would hold a lock of items meanwhile,
        may give a key twice and leave out what was used a moment ago.

        Args:
            prefix: What the keys begin with; nothing by default.
            timeout: Seconds that a server may be silent.
            server_key: A key whose server alone is asked.

        Raises:
            UnsupportedError: A server cannot list keys.
            TimeoutError: Also when a server lists for somebody else all the time.
            MemoxideError: As in `get`. All of them where the iterator is read.
        """
    def keys(self, /, prefix: str | bytes | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> list[Any]:
        """
        Lists the keys that begin with a prefix, by `lru_crawler metadump`.

        It walks through the whole cache of every server: use it to look, not to
        work; `iter_keys` needs no more memory than a few keys.
        The list is no snapshot, but what is there all the time is listed once;
        memcached before 1.6.9 may list a key twice and leave out what was used a
        moment ago. Keys are text where they are UTF-8, else bytes; the client's
        own prefix is taken off.

        Args:
            prefix: What the keys begin with; nothing by default.
            timeout: Seconds that a server may be silent; the whole list may take
                longer.
            server_key: A key whose server alone is asked.

        Raises:
            UnsupportedError: A server cannot list keys.
            TimeoutError: Also when a server lists for somebody else all the time.
            MemoxideError: As in `get`.
        """
    @property
    def open_connections(self, /) -> int:
        """
        How many connections this process has open, in use or idle.
        """
    def prepend(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Puts bytes or text before what is stored, and tells whether there
        was something.

        Args:
            key: As in `get`.
            value: As in `append`.
            time: As in `append`.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def replace(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Stores a value if the key has one, and tells whether it had one.

        Args:
            key: As in `get`.
            value: As in `set`.
            time: As in `set`.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def server_for(self, /, key: str | bytes, *, server_key: str | bytes | None = None) -> str:
        """
        Returns the name of the server that has a key, such as
        `127.0.0.1:11211`. Nothing is sent.

        Args:
            key: As in `get`.
            server_key: A key whose server calls with it go to.

        Raises:
            InvalidKeyError: The key is not as in `get`.
            NoServersError: There are no servers.
        """
    @property
    def servers(self, /) -> list[str]:
        """
        The names of the servers, such as `127.0.0.1:11211`, in their order.
        """
    def set(self, /, key: str | bytes, value: Any, time: float | timedelta | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Stores a value and returns True.

        Args:
            key: As in `get`.
            value: Bytes, text, an integer, or a JSON tree of None, bool,
                float, list and dict; other objects where the client
                pickles.
            time: The time to live: seconds or a timedelta, fractions
                upwards; 0 for ever, negative for not at all. Over 30 days
                a number from 1,000,000,000 on is a date, as memcached
                has it. The client's `default_ttl` by default.
            min_compress_len: Compresses a value of more than this many
                bytes; 0, the default, leaves it to `compress_above`.
            noreply: Accepted for python-memcached's sake; the call waits
                for the reply nevertheless.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            InvalidKeyError: The key is not as in `get`.
            InvalidArgumentError: The time to live is out of range.
            EncodeError: The value is none of the above.
            ValueTooLargeError: The value is over `max_value_size`, or the
                server's limit, which also drops what was stored before.
            ServerError: The server is out of memory.
            TimeoutError: The call took too long; `sent` tells whether the
                value may have been stored.
            ConnectError: The server cannot be reached.
            ConnectionLostError: The connection ended; writes are made
                again only if nothing was sent.
        """
    def set_multi(self, /, mapping: Mapping[Any, Any], time: float | timedelta | None = None, key_prefix: str | bytes | None = None, min_compress_len: int = ..., noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> list[Any]:
        """
        Stores several values and returns the keys of those that a server
        refused.

        Args:
            mapping: The values as in `set` by their keys.
            time: As in `set`, for all of them.
            key_prefix: Put before each key on the wire.
            min_compress_len: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            PartialError: Some servers failed; `results` has the keys that
                were not stored or may not have been.
            MemoxideError: As in `set`. One bad key or value fails the call
                before anything is sent.
        """
    def set_raw(self, /, key: str | bytes, flags: int, data: bytes | bytearray | memoryview, time: float | timedelta | None = None, *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Stores flags and bytes as they are, without encoding.

        Args:
            key: As in `get`.
            flags: 0 to 2^32 - 1.
            data: Bytes, a bytearray or a memoryview.
            time: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def take(self, /, key: str | bytes, default: Any | None = None, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Any:
        """
        Reads a value and removes it, so that one caller gets it.

        Args:
            key: As in `get`.
            default: Returned if the key has no value.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `get`.
        """
    def touch(self, /, key: str | bytes, time: float | timedelta | None = None, noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> bool:
        """
        Sets a new time to live and tells whether there is an item.

        Args:
            key: As in `get`.
            time: As in `set`.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `set`.
        """
    def touch_multi(self, /, keys: Iterable[str | bytes], time: float | timedelta | None = None, key_prefix: str | bytes | None = None, noreply: bool = ..., *, ttl: float | timedelta | None = None, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> list[Any]:
        """
        Sets a new time to live for several items and returns the keys
        that have none.

        Args:
            keys: An iterable of keys as in `get`.
            time: As in `set`, for all of them.
            key_prefix: Put before each key on the wire.
            noreply: As in `set`.
            ttl: Another name of `time`.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Raises:
            MemoxideError: As in `delete_multi`.
        """
    def update(self, /, key: str | bytes, change: Any, time: float | timedelta | None = None, *, ttl: float | timedelta | None = None, limit: int = ..., timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> Any:
        """
        Changes a value by a function: reads it, stores what the function
        returns if nobody else wrote meanwhile, and else begins again after
        a pause, which doubles from about 1 to about 50 milliseconds.

        Args:
            key: As in `get`.
            change: Called with the present value, or None if there is
                none; returns the new one, or None to leave it. It may be
                called several times and must not wait.
            time: As in `set`.
            ttl: Another name of `time`.
            limit: How often it is tried, 16 times by default and at least once.
            timeout: Seconds that this call may take.
            server_key: A key whose server this call goes to.

        Returns:
            The value that was stored, or None if it was left.

        Raises:
            InvalidArgumentError: `change` cannot be called.
            ConflictError: Others were faster `limit` times.
            MemoxideError: As in `set`. What `change` raises is passed on.
        """
    def verbosity(self, /, level: int, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> None:
        """
        Sets how much the servers log.

        Args:
            level: 0 to 3.
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is meant.

        Raises:
            PartialError: Some servers failed.
            MemoxideError: As in `set`.
        """
    def version(self, /, *, timeout: float | timedelta | None = None, server_key: str | bytes | None = None) -> list[tuple[str, str]]:
        """
        Returns pairs of server and version, in the order of the servers.

        Args:
            timeout: Seconds that this call may take.
            server_key: A key whose server alone is asked.

        Raises:
            PartialError: Some servers failed; `results` has the others.
            MemoxideError: As in `get`.
        """

@final
class Codec:
    """
    Encodes and decodes values as a client with the same options does.

    Args:
        values: The dialect, such as `"memoxide"` (the default) or `"python"`.
        pickle: Whether objects without a place in the dialect are pickled and
            stored pickles are read, which runs code that their writer chose.
        pickle_protocol: The protocol to write; Python's default if None.
        compression: The format to compress with, `"zlib"` by default.
        compress_above: The size in bytes beyond which values are compressed;
            None, the default, compresses nothing. What others compressed is
            read regardless.
        max_value_size: The most bytes a stored value may have, 1 MiB by default.
        max_decompressed_size: The most bytes that a compressed value may
            inflate to, 64 MiB by default.

    Raises:
        ConfigError: A name is not known, or the dialect lacks the compression.
    """
    def __new__(cls, /, values: str = "memoxide", *, pickle: bool = False, pickle_protocol: SupportsIndex | None = None, compression: str = "zlib", compress_above: SupportsIndex | None = None, max_value_size: SupportsIndex = ..., max_decompressed_size: SupportsIndex = ...) -> Codec: ...
    def decode(self, flags: SupportsIndex, data: bytes, /) -> Any:
        """
        Returns the value that `flags` and `data` stand for.

        Raises:
            DecodeError: The dialect does not write that; `raw` has both.
        """
    def encode(self, value: Any, /) -> tuple[int, bytes]:
        """
        Returns the flags and bytes that stand for `value`.

        Raises:
            EncodeError: The dialect has no place for the value.
            ValueTooLargeError: The result is over `max_value_size`.
        """

@disjoint_base
class EmbeddedServer:
    """
    A memcached in this process; `memoxide.EmbeddedServer` is the class to use.
    """
    def __new__(cls, /, *, address: str = "127.0.0.1", port: SupportsIndex = 0, unix_socket: str | PathLike[str] | None = None, memory_limit: SupportsIndex = ..., item_size_limit: SupportsIndex = ..., threads: SupportsIndex = 1, max_connections: SupportsIndex = 1024, idle_timeout: SupportsFloat | SupportsIndex | None = None, request_timeout: SupportsFloat | SupportsIndex | None = 120.0, auth: dict[str, str] | None = None, sasl: dict[str, str] | None = None, tls_cert: str | PathLike[str] | None = None, tls_key: str | PathLike[str] | None = None, tls_client_ca: str | PathLike[str] | None = None, tls_client_cert: str = "required", time: SupportsIndex | None = None, listen: SupportsGetItem[int, str] = ..., listen_plain: SupportsGetItem[int, str] = ..., protocol: str = "auto", evictions: bool = True, cas: bool = True, flush_enabled: bool = True, shutdown_enabled: bool = False, dump_enabled: bool = True, watch_enabled: bool = True, version: str | None = None, buffer_limit: SupportsIndex = ..., backlog: SupportsIndex = 1024, queue_connections: bool = False, request_log: SupportsIndex = 0, faults: FaultRules | None = None, fault_control: bool = False) -> EmbeddedServer: ...
    def __repr__(self, /) -> str: ...
    def _faults(self, /) -> list[tuple[int, str, int]]:
        """
        The fault rules: number, JSON and hits of each.
        """
    def _logged_requests(self, /) -> list[tuple[int, int, str, str, bytes, int, int, list[int]]]:
        """
        The logged requests, field by field, oldest first.
        """
    def accept_connections(self, /) -> None:
        """
        Listens again after `refuse_connections`.
        """
    def add_faults(self, rules: FaultRules, /) -> list[int]:
        """
        Adds fault rules and returns their numbers. They apply to what is received
        from now on, on open connections too.

        Args:
            rules: The name of a preset (`slow`, `flaky`, `drip`, `liar`, `dead`,
                `restarting`), a rule as a dict, a list of either, or JSON of that;
                `docs/faults.md` tells what a rule may say.

        Raises:
            ConfigError: A rule cannot be read or contradicts itself; none is added.
            ClosedError: The server has stopped.
        """
    @property
    def address(self, /) -> tuple[str, int]:
        """
        The TCP address and port, as `socket.create_connection` takes them.

        Raises:
            UnsupportedError: The server listens on a unix socket.
        """
    def advance(self, seconds: SupportsIndex, /) -> None:
        """
        Moves the server's time forward by whole seconds; items expire at once.
        """
    def clear(self, /) -> None:
        """
        Removes all items, as a restart does; statistics stay.
        """
    def clear_faults(self, /) -> None:
        """
        Removes all fault rules.
        """
    def clear_log(self, /) -> None:
        """
        Forgets the logged requests and goes on logging.
        """
    @property
    def connections(self, /) -> int:
        """
        How many connections the server has taken since its start.
        """
    def disconnect_all(self, /) -> None:
        """
        Closes every connection that is open now; new ones are welcome.
        """
    @property
    def endpoint(self, /) -> str:
        """
        The address as clients name it: `127.0.0.1:PORT`, `[::1]:PORT`, or the
        path of the unix socket.
        """
    @property
    def endpoints(self, /) -> list[str]:
        """
        Every address listened on, in that form.
        """
    def evict(self, count: SupportsIndex, /) -> int:
        """
        Evicts up to `count` items, those unused for longest first, and returns
        how many there were.
        """
    def fault_hits(self, id: SupportsIndex, /) -> int | None:
        """
        Returns how often the fault rule with this number has struck, None if it
        is no more.
        """
    def flush_all(self, /, delay: SupportsIndex = 0) -> None:
        """
        Lets all items expire, at once or in `delay` seconds.
        """
    @property
    def footprint(self, /) -> int:
        """
        The bytes that count against `memory_limit`, used or not.
        """
    def freeze(self, /) -> None:
        """
        Stops answering without closing anything, as a stopped process does.
        """
    @property
    def is_running(self, /) -> bool:
        """
        Whether the server runs: False after `stop`, after a client's `shutdown`
        and in a forked child.
        """
    @property
    def items(self, /) -> int:
        """
        How many items there are, with expired ones that nobody asked for since.
        """
    def log_requests(self, capacity: SupportsIndex = 1000, /) -> None:
        """
        Keeps the last `capacity` requests from now on; 0 stops and forgets.
        """
    @property
    def open_connections(self, /) -> int:
        """
        How many connections are open at the moment.
        """
    def pause_time(self, /) -> None:
        """
        Stops the server's time; `advance` still moves it.
        """
    @property
    def port(self, /) -> int:
        """
        The TCP port, 0 with a unix socket.
        """
    def refuse_connections(self, /) -> None:
        """
        Refuses new connections; open ones stay, and the port is kept.
        """
    def remove_fault(self, id: SupportsIndex, /) -> bool:
        """
        Removes the fault rule with this number, and returns whether there was
        one. Connections that it kept hanging are closed.
        """
    def replace_users(self, users: dict[str, str], /) -> None:
        """
        Replaces the users of the text protocol, passwords by name; connections
        that are in stay in.
        """
    @property
    def requests(self, /) -> int:
        """
        How many requests the server has received since its start.
        """
    def restart(self, /, down: SupportsFloat | SupportsIndex = 0.0) -> None:
        """
        Does to clients what a restart of memcached does: closes all connections,
        forgets all items, stays away for `down` seconds, and listens again on
        the same port. Returns once it does.
        """
    def resume_time(self, /) -> None:
        """
        Lets a time that was stopped go on, at the machine's.
        """
    def statistics(self, /, report: str = "") -> dict[str, str]:
        """
        Returns a report as `stats` sends it: the general one by default, or
        `settings`, `items`, `slabs`, `sizes` or `conns`; empty for another name.
        """
    def stop(self, /, *, graceful: bool = False) -> None:
        """
        Closes the port and all connections and waits for the server's threads,
        which takes about a millisecond; more calls do nothing, and so does the
        copy in a forked child. With `graceful`, clients may take the replies
        that are already written first, for at most 5 seconds.
        """
    def thaw(self, /) -> None:
        """
        Serves again after `freeze`; what has arrived meanwhile is answered.
        """
    @property
    def time(self, /) -> int:
        """
        The server's time in seconds since the epoch.
        """

@final
class Engine:
    """
    The engine of a client on one event loop; used by the driver only.
    """
    def blocked(self, connection: SupportsIndex, /) -> None:
        """
        Notes that the socket of a connection takes no more bytes.
        """
    def close(self, /) -> None:
        """
        Ends every call with `ClosedError` and closes every connection.
        """
    def connected(self, connection: SupportsIndex, write: "object", /) -> bool:
        """
        Notes that a connection is open; `write` takes bytes for it. Returns
        whether it is still wanted.
        """
    def flush(self, /) -> None:
        """
        Writes what has gathered in this turn of the loop.
        """
    def insecure(self, connection: SupportsIndex, reason: str, /) -> None:
        """
        Notes that a connection cannot be encrypted.
        """
    def lost(self, connection: SupportsIndex, reason: str, /) -> None:
        """
        Notes that a connection has ended.
        """
    def received(self, connection: SupportsIndex, data: bytes, /) -> None:
        """
        Takes bytes that arrived.
        """
    def refused(self, connection: SupportsIndex, reason: str, /) -> None:
        """
        Notes that a connection could not be opened.
        """
    def resolved(self, endpoint: SupportsIndex, addresses: SupportsGetItem[int, tuple[str, SupportsIndex]], /) -> None:
        """
        Passes on the addresses of a host name.
        """
    def tick(self, /) -> None:
        """
        Notes that the timer is due.
        """
    def unresolved(self, endpoint: SupportsIndex, reason: str, /) -> None:
        """
        Notes that a host name has no addresses.
        """
    def watch(self, /) -> None:
        """
        Keeps the loop awake for another turn, as long as the core wants it.
        """
    def writable(self, connection: SupportsIndex, /) -> None:
        """
        Notes that the socket of a connection takes bytes again.
        """

@final
class Hosts:
    """
    The servers of one client in one thread: one connection to each, opened and
    closed by the caller, who also decides which server is out of service.

    Servers are named by their position. A `timeout` is what that call may take,
    in seconds; None waits for ever.

    Args:
        addresses: Host name and port of each server, or the path of its Unix
            socket and None.
    """
    def __new__(cls, /, addresses: SupportsGetItem[int, tuple[str, SupportsIndex | None]]) -> Hosts: ...
    def close(self, /, host: SupportsIndex, quit: bool, timeout: float | None) -> None:
        """
        Closes the connection, where `quit` with a word to the server.
        """
    def count(self, /, host: SupportsIndex, up: bool, key: bytes, delta: SupportsIndex, timeout: float | None) -> int | str | None:
        """
        Counts up, or down, and returns the new number, None if there is no item,
        or the server's refusal.

        Raises:
            MemoxideError: The way to the server failed.
        """
    def delete(self, /, host: SupportsIndex, key: bytes, timeout: float | None) -> str:
        """
        Removes an item and returns the server's reply, such as `DELETED`.

        Raises:
            MemoxideError: The way to the server failed.
        """
    def delete_multi(self, /, hosts: SupportsGetItem[int, SupportsIndex], keys: SupportsGetItem[int, bytes], timeout: float | None) -> tuple[list[int], list[tuple[list[int], Any]]]:
        """
        Removes items, each from the server at its position in `hosts`, and
        returns the positions of those not confirmed, and the servers that failed.
        """
    def flush(self, /, host: SupportsIndex, timeout: float | None) -> str:
        """
        Expires all items and returns the server's reply.

        Raises:
            MemoxideError: The way to the server failed.
        """
    def get(self, /, host: SupportsIndex, key: bytes, cas: bool, timeout: float | None) -> tuple[int, bytes, int | None] | None:
        """
        Returns flags, bytes and cas id of an item; None if there is none.

        Raises:
            MemoxideError: The way to the server failed.
        """
    def get_multi(self, /, hosts: SupportsGetItem[int, SupportsIndex], keys: SupportsGetItem[int, bytes], timeout: float | None) -> tuple[list[tuple[int, int, bytes]], list[tuple[list[int], Any]]]:
        """
        Reads items, each from the server at its position in `hosts`, and returns
        position, flags and bytes of those found, and the servers that failed.
        """
    def is_open(self, /, host: SupportsIndex) -> bool:
        """
        Whether there is a connection.
        """
    def note(self, /, host: SupportsIndex, error: tuple[str, str] | None) -> None:
        """
        Tells the log that a server is skipped from now on because of an error,
        which is told by the name of its kind and its message; without one, that
        it is used again.
        """
    def open(self, /, host: SupportsIndex, timeout: float | None) -> bool:
        """
        Makes sure that there is a connection and tells whether it is a new one.

        Raises:
            MemoxideError: There is none and none can be opened.
        """
    def set_multi(self, /, hosts: SupportsGetItem[int, SupportsIndex], keys: SupportsGetItem[int, bytes], items: SupportsGetItem[int, tuple[SupportsIndex, bytes]], time: int, timeout: float | None) -> tuple[list[int], list[tuple[list[int], Any]]]:
        """
        Stores items, each on the server at its position in `hosts`, and returns
        the positions of those not confirmed, and the servers that failed.
        """
    def stats(self, /, host: SupportsIndex, report: str, timeout: float | None) -> "dict[str, str]":
        """
        Returns a report.

        Raises:
            MemoxideError: There is no such report, or the way to the server failed.
        """
    def store(self, /, host: SupportsIndex, mode: str, key: bytes, item: tuple[SupportsIndex, bytes], time: int, cas: SupportsIndex | None, timeout: float | None) -> str:
        """
        Stores an item and returns the server's reply, such as `STORED`.

        Raises:
            MemoxideError: The way to the server failed.
        """
    def touch(self, /, host: SupportsIndex, key: bytes, time: int, timeout: float | None) -> str:
        """
        Sets the time to live of an item and returns the server's reply, such as
        `TOUCHED`.

        Raises:
            MemoxideError: The way to the server failed.
        """

@final
class KeyIterator:
    """
    The keys of `Client.iter_keys`.
    """
    def __iter__(self, /) -> KeyIterator: ...
    def __next__(self, /) -> Any: ...
    def close(self, /) -> None:
        """
        Ends the list and closes its connection.
        """

@final
class KeySource:
    """
    The keys of `AsyncClient.keys`, some at a time; used by `memoxide.keys` only.
    """
    def close(self, /) -> None:
        """
        Ends the list and closes its connections.
        """
    def next(self, /, collects: bool) -> "Future[list[Any]]":
        """
        Returns a future of the keys that come next, of none at the end. The first
        call says whether all are taken at once.
        """

@final
class Placement:
    """
    Finds servers as python-memcached does in its `buckets`: a list in which each
    server stands as often as its weight says.

    Args:
        size: The length of the list.
    """
    def __new__(cls, /, size: SupportsIndex) -> Placement: ...
    def find(self, /, buckets: "list[Any]", keys: "list[Any]", hash: Any) -> list[Any | None]:
        """
        Returns for each key the first server tried whose `connect()` is true; None
        if that is none of the ten. A server is asked once.

        Args:
            buckets: The list.
            keys: The keys, prefix included: bytes, or tuples of a number that
                takes the place of the key's hash, and bytes.
            hash: The hash function: `"crc15"`, `"crc32"`, or one of the caller's.

        Raises:
            TypeError: A hash is no integer.
        """
    @property
    def size(self, /) -> int:
        """
        The length of the list that this is for.
        """

def cmemcache_hash(key: bytes, /) -> int:
    """
    Hashes a key as python-memcached does.
    """

def compare_placements(old: AsyncClient | Client, new: AsyncClient | Client, keys: Iterable[str | bytes] | PathLike[str] | None = None, *, limit: int = ...) -> PlacementComparison:
    """
    Counts the keys that belong to another server after a change of placement or
    of the server list. The GIL is released meanwhile.

    Args:
        old: A client with the servers and the `hashing` as they are.
        new: A client with the servers and the `hashing` as they would be.
        keys: The keys, or the path of a file (a `pathlib.Path`) with a key on
            each line, as it is or as `lru_crawler metadump` lists it. By default
            the keys that the servers of `old` list.
        limit: How many of the keys that move are returned at most.

    Raises:
        InvalidArgumentError: The file cannot be read.
        UnsupportedError: A server cannot list its keys.
        MemoxideError: A server cannot be reached.

    Example:
        >>> import memoxide
        >>> old = memoxide.Client("a,b,c")
        >>> new = memoxide.Client("a,b,c,d")
        >>> keys = (f"user:{number}" for number in range(10_000))
        >>> comparison = memoxide.compare_placements(old, new, keys)
        >>> comparison.keys, round(comparison.share, 2)
        (10000, 0.22)
    """

def explain_key(client: AsyncClient | Client, key: str | bytes, *, down: Iterable[str] = ...) -> KeyExplanation:
    """
    Tells which server has a key, and why.

    Nothing is sent: a client that was made for this opens no connection.

    Args:
        client: A client with the servers and the `hashing` in question.
        key: A key as the client's methods take it.
        down: Names of servers, such as `"127.0.0.1:11211"`, that are thought to
            be down; the key is then where the client goes whose placement it is.

    Raises:
        InvalidKeyError: The key is none.
        NoServersError: No server is left.
        InvalidArgumentError: A name in `down` is that of no server.

    Example:
        >>> import memoxide
        >>> client = memoxide.Client("a,b,c", hashing="ketama")
        >>> print(memoxide.explain_key(client, "user:1"))
        "user:1" is on b:11211 (ketama): hash 282964413, point 284242608 of a ring of 480; then c:11211, a:11211
    """

def explain_value(flags: int, value: bytes | bytearray | memoryview) -> list[Guess]:
    """
    Lists who probably wrote a stored value and what it is, the most probable
    first. The list is never empty: clients without types write anything.

    Args:
        flags: The number stored beside the bytes, 0 to 2^32 - 1.
        value: The stored bytes.

    Raises:
        InvalidArgumentError: The flags are out of range, or the value is no bytes.

    Example:
        >>> import memoxide
        >>> print(memoxide.explain_value(0x10010, b'{"id":1}')[0])
        likely memoxide: map, 8 bytes (memoxide)
    """

def fork_generation() -> int:
    """
    Returns the number of forks between the first process and this one.

    Whoever keeps a socket compares it with the number at the time the socket
    was opened.
    """

def is_ambiguous(error: MemoxideError, /) -> bool:
    """
    Whether the request behind `error` may have been applied.
    """

def is_connection(error: MemoxideError, /) -> bool:
    """
    Whether the way to the server failed, rather than the request.
    """

def is_retryable(error: MemoxideError, /) -> bool:
    """
    Whether the call behind `error` can be made again without doing it twice.
    """

def is_timeout(error: MemoxideError, /) -> bool:
    """
    Whether the deadline passed.
    """

def migrate(source: AsyncClient | Client, target: AsyncClient | Client, keys: Iterable[str | bytes] | PathLike[str] | None = None, *, mode: Literal["copy", "dry-run", "verify"] = ..., overwrite: bool = False, check_first: bool = False, misplaced: bool = False, keys_per_second: SupportsFloat | SupportsIndex | None = None, bytes_per_second: SupportsFloat | SupportsIndex | None = None, max_failures: int = ..., progress: Callable[[Progress], object] | None = None) -> MigrationSummary:
    """
    Copies the items of a running cluster to where another placement or another
    list of servers wants them, or compares both sides.

    Keys are listed by the servers (`lru_crawler metadump`), or given. Items are
    read without counting as a use and written as they are: same flags, same
    bytes, the time to live that is left. What the target has already is left
    alone unless `overwrite` says otherwise, so that a run can be repeated.

    The call waits until it is done; the GIL is released meanwhile. On an event
    loop use `asyncio.to_thread`. The connections are the migration's own.

    Args:
        source: A client with the servers and options as they are. A `prefix` is
            taken off; keys without it are left out.
        target: A client with the servers and options as they are to be. Its
            `prefix` is put on.
        keys: Keys without the prefix, or the path of a file (a `pathlib.Path`)
            with one on each line. By default all that the source's servers list.
        mode: `"copy"`; `"dry-run"`, which writes nothing; or `"verify"`, which
            compares flags and bytes.
        overwrite: Whether items that the target has are overwritten.
        check_first: Whether the target is asked for each key before the source
            is read, which makes repeated runs cheaper.
        misplaced: Whether keys are copied that are on another source server than
            its placement says.
        keys_per_second: The most keys in a second.
        bytes_per_second: The most bytes of values in a second.
        max_failures: After how many keys that fail, are missing or differ the run
            is given up.
        progress: Called after each batch of up to 256 keys with a
            `memoxide.tools.Progress`; the run ends when it returns False.

    Raises:
        UnsupportedError: No server can list its keys.
        InvalidArgumentError: An option does not fit, or the file cannot be read.
        MemoxideError: No server can be reached. What fails for single keys or
            servers is in the summary instead.

    Example:
        >>> import memoxide
        >>> with memoxide.EmbeddedServer() as one, memoxide.EmbeddedServer() as two:
        ...     with memoxide.Client([one.endpoint]) as old:
        ...         _ = old.set("greeting", "hello", time=60)
        ...         with memoxide.Client([two.endpoint]) as new:
        ...             summary = memoxide.migrate(old, new)
        ...             summary.copied, new.get("greeting")
        (1, 'hello')
    """

def python_memcached_decode(flags: SupportsIndex, data: bytes, load: Any, decompress: Any, refuse: Any) -> Any:
    """
    Returns the value that flags and bytes stand for, and raises what Python
    raises when they do not fit.

    Args:
        flags: The flags.
        data: The bytes.
        load: A function that loads a pickle.
        decompress: A function that decompresses.
        refuse: A function that is given flags without a meaning, and raises.
    """

def python_memcached_encode(value: Any, dump: Any, above: Any, compress: Any) -> tuple[int, bytes]:
    """
    Returns the flags and bytes that stand for a value.

    Args:
        value: Any object; types are looked at exactly.
        dump: A function that pickles what is neither bytes, text nor an integer.
        above: Bytes beyond which the value is compressed; 0 or None for never.
        compress: A function that compresses.
    """

def run_command(words: SupportsGetItem[int, str], /) -> int:
    """
    Runs the command line `words`, the program's name first, and returns its exit
    code. A server among the commands runs until it is told to stop.
    """

def typed_report(name: str, texts: dict[str, str], /) -> "dict[str, Any]":
    """
    Returns the texts of a report as numbers, truths and texts.

    Raises:
        InvalidArgumentError: There is no such report.
    """
