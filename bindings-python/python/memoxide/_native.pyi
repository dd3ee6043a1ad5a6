"""
The native half of the package; import `memoxide` instead.
"""

from memoxide.errors import MemoxideError
from os import PathLike
from typing import Any, Final, SupportsFloat, SupportsIndex, final
from typing_extensions import disjoint_base

__all__ = ["__version__", "Codec", "EmbeddedServer", "fork_generation", "is_ambiguous", "is_connection", "is_retryable", "is_timeout"]

__version__: Final[str]
"""
The version of the package, the same for the three languages.
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
    def __new__(cls, /, *, address: str = "127.0.0.1", port: SupportsIndex = 0, unix_socket: str | PathLike[str] | None = None, memory_limit: SupportsIndex = ..., item_size_limit: SupportsIndex = ..., threads: SupportsIndex = 1, max_connections: SupportsIndex = 1024, idle_timeout: SupportsFloat | SupportsIndex | None = None, request_timeout: SupportsFloat | SupportsIndex | None = 120.0, auth: dict[str, str] | None = None, sasl: dict[str, str] | None = None, tls_cert: str | PathLike[str] | None = None, tls_key: str | PathLike[str] | None = None, tls_client_ca: str | PathLike[str] | None = None, tls_client_cert: str = "required", time: SupportsIndex | None = None) -> EmbeddedServer: ...
    def __repr__(self, /) -> str: ...
    def accept_connections(self, /) -> None:
        """
        Listens again after `refuse_connections`.
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
    def open_connections(self, /) -> int:
        """
        How many connections are open at the moment.
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
    def restart(self, /, down: SupportsFloat | SupportsIndex = 0.0) -> None:
        """
        Does to clients what a restart of memcached does: closes all connections,
        forgets all items, stays away for `down` seconds, and listens again on
        the same port. Returns once it does.
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
