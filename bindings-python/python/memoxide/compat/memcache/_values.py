"""Values, with picklers and compressors of the program's own."""

from __future__ import annotations

import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any

from memoxide import _native

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Values", "seconds"]


class Values(threading.local):
    """The part of a client that turns objects into flags and bytes, and back."""

    compressor: Callable[[bytes], bytes]
    decompressor: Callable[[bytes], bytes]
    persistent_id: Callable[[Any], Any] | None
    persistent_load: Callable[[Any], Any] | None
    pickler: Callable[..., Any]
    picklerIsKeyword: bool
    pickleProtocol: int
    server_max_value_length: int
    unpickler: Callable[..., Any]

    def debuglog(self, str: str) -> None:
        """Writes a message."""
        raise NotImplementedError

    def _encode(self, val: Any, min_compress_len: int) -> tuple[int, bytes] | None:
        """Returns flags and bytes of a value; None if they are too many."""
        item = _native.python_memcached_encode(
            val, self._dump, min_compress_len, self.compressor
        )
        limit = self.server_max_value_length
        return None if limit != 0 and len(item[1]) > limit else item

    def _decode(self, flags: int, data: bytes) -> Any:
        return _native.python_memcached_decode(
            flags, data, self._load, self.decompressor, self._unknown
        )

    def _dump(self, value: Any) -> bytes:
        file = BytesIO()
        if self.picklerIsKeyword:
            pickler = self.pickler(file, protocol=self.pickleProtocol)
        else:
            pickler = self.pickler(file, self.pickleProtocol)
        if self.persistent_id:
            pickler.persistent_id = self.persistent_id
        pickler.dump(value)
        return file.getvalue()

    def _load(self, data: bytes) -> Any:
        try:
            unpickler = self.unpickler(BytesIO(data))
            if self.persistent_load:
                unpickler.persistent_load = self.persistent_load
            return unpickler.load()
        except Exception as error:  # noqa: BLE001 - whatever a pickle raises
            self.debuglog(f"Pickle error: {error}\n")
            return None

    def _unknown(self, flags: int) -> None:
        self.debuglog(f"unknown flags on get: {flags:x}\n")
        raise ValueError(f"Unknown flags on get: {flags:x}")


def seconds(time: float) -> int:
    """Returns a time to live as a whole number.

    Raises:
        TypeError: It is no number.
    """
    return int("%d" % time)  # noqa: UP031 - refuses what it has always refused
