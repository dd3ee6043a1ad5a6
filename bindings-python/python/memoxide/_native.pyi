"""
The native half of the package; import `memoxide` instead.
"""

from memoxide.errors import MemoxideError
from typing import Any, Final

__all__ = ["__version__", "fork_generation", "is_ambiguous", "is_connection", "is_retryable", "is_timeout", "read_json", "write_json"]

__version__: Final[str]
"""
The version of the package, the same for the three languages.
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

def read_json(text: str, /) -> Any:
    """
    Returns the object that the JSON `text` describes.
    """

def write_json(value: Any, /) -> str:
    """
    Returns `value` as JSON text without white space.
    """
