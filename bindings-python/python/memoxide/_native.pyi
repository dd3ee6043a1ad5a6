"""
The native half of the package; import `memoxide` instead.
"""

from memoxide.errors import MemoxideError
from typing import Any, Final, SupportsIndex, final

__all__ = ["__version__", "Codec", "fork_generation", "is_ambiguous", "is_connection", "is_retryable", "is_timeout"]

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
