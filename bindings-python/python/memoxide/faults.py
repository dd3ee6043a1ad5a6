"""Fault rules of an `EmbeddedServer`, and what it logs.

Example:
    >>> import memoxide
    >>> server = memoxide.EmbeddedServer()
    >>> client = memoxide.Client([server.endpoint], on_error="miss")
    >>> with server.fault(action="error", kind="busy", times=1) as fault:
    ...     client.get("greeting", "degraded")
    'degraded'
    >>> fault.hits
    1
    >>> client.close()
    >>> server.stop()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from memoxide.server import EmbeddedServer

__all__ = ["FaultRule", "FaultRules", "FaultStatus", "Faults", "LoggedRequest"]

FaultRule: TypeAlias = Mapping[str, Any]
"""A rule: `action` with its own fields, and the conditions beside them."""

FaultRules: TypeAlias = str | FaultRule | Sequence[str | FaultRule]
"""A preset by its name, a rule, several of either, or JSON of that."""


@dataclass(frozen=True, slots=True)
class FaultStatus:
    """A rule of a server, and how often it has struck.

    Attributes:
        id: The rule's number on its server.
        rule: The rule, with every field that has a value.
        hits: How often it has struck.
    """

    id: int
    rule: dict[str, Any]
    hits: int


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request, as the server received it.

    Attributes:
        connection: The connection, counted from 1 as the server accepts them.
        request: The request, counted from 1 on its connection.
        command: The command, in the text protocol's words also for binary
            requests.
        key: The first key, with other than UTF-8 replaced; empty without one.
        head: The line without its end, or the binary header with extras and key;
            at most 512 bytes.
        length: The bytes of the request, data block included.
        reply_length: The bytes of the reply, before any fault.
        faults: The numbers of the fault rules that struck.
    """

    connection: int
    request: int
    command: str
    key: str
    head: bytes
    length: int
    reply_length: int
    faults: tuple[int, ...]


class Faults:
    """Rules that were added together by `EmbeddedServer.fault`.

    They are removed by `remove`, or by the end of a `with` block.

    Attributes:
        ids: The numbers of the rules on their server.
    """

    __slots__ = ("_hits", "_server", "ids")

    def __init__(self, server: EmbeddedServer, ids: Sequence[int]) -> None:
        self.ids = tuple(ids)
        self._server = server
        # As they were when the rules were removed.
        self._hits = dict.fromkeys(self.ids, 0)

    @property
    def hits(self) -> int:
        """How often the rules have struck, all together; kept after `remove`."""
        for id_ in self.ids:
            hits = self._server.fault_hits(id_)
            if hits is not None:
                self._hits[id_] = hits
        return sum(self._hits.values())

    def remove(self) -> None:
        """Removes the rules; those that are gone already do not matter.

        Connections that they kept hanging are closed.
        """
        _ = self.hits
        if self._server.is_running:
            for id_ in self.ids:
                self._server.remove_fault(id_)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<Faults {list(self.ids)} hits={self.hits}>"
