"""What a server tells about an item, beside its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Item"]


@dataclass(frozen=True, slots=True)
class Item:
    """A value with what the server tells about it, as `get_item` returns it.

    Attributes:
        value: The value.
        flags: The number stored beside the bytes; it tells the type.
        cas: The id of this state of the item, for `cas` and `delete`.
        ttl: Seconds until the item expires; None if it does not.
        size: The stored bytes.
        last_access: Seconds since the item was read or written last.
        hit_before: Whether the item was read before this call.
    """

    value: Any
    flags: int
    cas: int
    ttl: int | None
    size: int
    last_access: int
    hit_before: bool
