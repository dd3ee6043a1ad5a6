"""What a key may be, and the exceptions for others."""

from __future__ import annotations

import re
import threading
from typing import Any, TypeAlias

__all__ = ["Key", "Keys", "valid_key_chars_re"]

Key: TypeAlias = Any
"""Text, bytes, or a tuple of a hash and one of these."""

valid_key_chars_re = re.compile(rb"[\x21-\x7e\x80-\xff]+\Z")

# What goes over the wire, whatever a client allows.
_LONGEST_KEY = 250


class Keys(threading.local):
    """The part of a client that looks at keys."""

    class MemcachedKeyError(Exception):
        """A key cannot be used."""

    class MemcachedKeyLengthError(MemcachedKeyError):
        """A key is too long."""

    class MemcachedKeyCharacterError(MemcachedKeyError):
        """A key is empty, or has a space or control character."""

    class MemcachedKeyNoneError(MemcachedKeyError):
        """A key is None."""

    class MemcachedKeyTypeError(MemcachedKeyError):
        """A key is neither text nor bytes."""

    class MemcachedStringEncodingError(Exception):
        """For programs that name it; nothing raises it."""

    do_check_key: bool
    server_max_key_length: int

    def check_key(self, key: Any, key_extra_len: int = 0) -> None:
        """Raises unless a key of bytes can be used.

        Args:
            key: The key; of a tuple the second part.
            key_extra_len: The bytes of a prefix.

        Raises:
            Client.MemcachedKeyError: The key cannot be used.
        """
        if isinstance(key, tuple):
            key = key[1]
        if key is None:
            raise self.MemcachedKeyNoneError("Key is None")
        if isinstance(key, str) and not key:
            if key_extra_len == 0:
                raise self.MemcachedKeyNoneError("Key is empty")
            return
        if not isinstance(key, bytes):
            raise self.MemcachedKeyTypeError("Key must be a binary string")
        limit = self.server_max_key_length
        if limit and len(key) + key_extra_len > limit:
            raise self.MemcachedKeyLengthError(f"Key length is > {limit}")
        if not valid_key_chars_re.match(key):
            message = f"Control/space characters not allowed (key={key!r})"
            raise self.MemcachedKeyCharacterError(message)

    def _encode_key(self, key: Any) -> Any:
        if isinstance(key, tuple):
            if isinstance(key[1], str):
                return (key[0], key[1].encode())
        elif isinstance(key, str):
            return key.encode()
        return key

    def _refusal(self, wire: bytes) -> str | None:
        """Returns what servers answer to a key that was not checked for them.

        Raises:
            Client.MemcachedKeyCharacterError: The key would be read as more than
                a key.
        """
        if self._keys_are_checked():
            return None
        if wire and not valid_key_chars_re.match(wire):
            message = f"Control/space characters not allowed (key={wire!r})"
            raise self.MemcachedKeyCharacterError(message)
        if 0 < len(wire) <= _LONGEST_KEY:
            return None
        return "CLIENT_ERROR bad command line format"

    def _keys_are_checked(self) -> bool:
        return self.do_check_key and 0 < self.server_max_key_length <= _LONGEST_KEY
