"""What can go wrong, as Python classes.

Every class derives from `MemoxideError`, and also from the builtin that people
already catch: `except ConnectionError` and `except TimeoutError` work, and so
does `except ValueError` for an argument that memcached would refuse. A miss, a
refused `add` and a cas conflict are results and never raise.

The rules behind the predicates are the core's; this module only gives the
kinds their Python names. `tests/errors.json` lists them beside those of Node.

Example:
    >>> from memoxide.errors import ConnectionLostError
    >>> error = ConnectionLostError(
    ...     "peer closed the connection",
    ...     endpoint="127.0.0.1:11211",
    ...     sent="maybe_applied",
    ... )
    >>> str(error)
    'peer closed the connection (127.0.0.1:11211)'
    >>> error.is_ambiguous, isinstance(error, ConnectionError)
    (True, True)
"""

from __future__ import annotations

import builtins
from typing import Any, ClassVar, Literal, TypeAlias

from memoxide import _native

__all__ = [
    "AuthError",
    "BackpressureError",
    "ClientError",
    "ClosedError",
    "ConfigError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "DecodeError",
    "EncodeError",
    "InvalidArgumentError",
    "InvalidKeyError",
    "MemoxideError",
    "NoServersError",
    "NotNumericError",
    "PartialError",
    "ProtocolError",
    "ResolveError",
    "ServerError",
    "TimeoutError",
    "TlsError",
    "UnknownCommandError",
    "UnsupportedError",
    "ValueTooLargeError",
]

Phase: TypeAlias = Literal[
    "queue", "resolve", "connect", "tls", "auth", "write", "read"
]
Sent: TypeAlias = Literal["not_sent", "maybe_applied"]


class MemoxideError(Exception):
    """The base of every error that memoxide raises.

    Attributes:
        kind: The name shared by the three languages, such as `"InvalidKey"`.
        message: What happened, without the endpoint; never holds a value.
        endpoint: The server concerned, as `host:port` or a path, if one is.
        sent: `"not_sent"` if the request had no effect, `"maybe_applied"` if
            its outcome is unknown, None where the question does not arise.
        phase: Where a call was when its deadline passed.
        raw: The flags and bytes that could not be decoded.
        parts: The errors of the single servers, for `PartialError`.
        results: What the call would have returned, as far as it is known, for
            `PartialError`: the values that were found, or the keys that were not
            written or may not have been.
    """

    kind: ClassVar[str]

    message: str
    endpoint: str | None
    sent: Sent | None
    phase: Phase | None
    raw: tuple[int, bytes] | None
    parts: tuple[MemoxideError, ...]
    results: Any

    def __init__(
        self,
        message: str = "",
        *,
        endpoint: str | None = None,
        sent: Sent | None = None,
        phase: Phase | None = None,
        raw: tuple[int, bytes] | None = None,
        parts: tuple[MemoxideError, ...] = (),
        results: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.endpoint = endpoint
        self.sent = sent
        self.phase = phase
        self.raw = raw
        self.parts = parts
        self.results = results

    def __str__(self) -> str:
        if self.endpoint is None:
            return self.message
        return f"{self.message} ({self.endpoint})"

    @property
    def is_retryable(self) -> bool:
        """Whether the same call can be made again without doing it twice."""
        return _native.is_retryable(self)

    @property
    def is_ambiguous(self) -> bool:
        """Whether the request may have been applied although no reply came."""
        return _native.is_ambiguous(self)

    @property
    def is_timeout(self) -> bool:
        """Whether the deadline passed."""
        return _native.is_timeout(self)

    @property
    def is_connection(self) -> bool:
        """Whether the way to the server failed, rather than the request."""
        return _native.is_connection(self)


class AuthError(MemoxideError, PermissionError):
    """The server refused the credentials."""

    kind = "Auth"


class BackpressureError(MemoxideError, RuntimeError):
    """A local limit on queued or open work was reached; nothing was sent."""

    kind = "Backpressure"


class ClientError(MemoxideError, RuntimeError):
    """The server answered `CLIENT_ERROR` to a well-formed request."""

    kind = "Client"


class ClosedError(MemoxideError, RuntimeError):
    """The client, the connection or the embedded server was closed by its owner."""

    kind = "Closed"


class ConfigError(MemoxideError, ValueError):
    """A setting, URL or server list does not parse or contradicts another."""

    kind = "Config"


class ConflictError(MemoxideError, RuntimeError):
    """An `update` loop gave up: other writers were faster each time."""

    kind = "Conflict"


class ConnectError(MemoxideError, ConnectionError):
    """The connection could not be opened."""

    kind = "Connect"


class ConnectionLostError(MemoxideError, ConnectionError):
    """The connection ended before the reply was complete."""

    kind = "ConnectionLost"


class DecodeError(MemoxideError, ValueError):
    """Stored bytes do not match what their flags promise; see `raw`."""

    kind = "Decode"


class EncodeError(MemoxideError, ValueError):
    """The value cannot be expressed in the chosen dialect."""

    kind = "Encode"


class InvalidArgumentError(MemoxideError, ValueError):
    """An argument other than the key is of the wrong type or out of range."""

    kind = "InvalidArgument"


class InvalidKeyError(MemoxideError, ValueError):
    """The key is empty, too long, or holds a character that memcached refuses."""

    kind = "InvalidKey"


class NoServersError(MemoxideError, ConnectionError):
    """No server is configured or every one is out of service."""

    kind = "NoServers"


class NotNumericError(MemoxideError, ValueError):
    """The stored value is not a decimal number."""

    kind = "NotNumeric"


class PartialError(MemoxideError, RuntimeError):
    """Some servers failed; `parts` has their errors, `results` what is known."""

    kind = "Partial"


class ProtocolError(MemoxideError, ConnectionError):
    """The server answered something that is no answer to what was asked."""

    kind = "Protocol"


class ResolveError(MemoxideError, ConnectionError):
    """The host name could not be resolved."""

    kind = "Resolve"


class ServerError(MemoxideError, RuntimeError):
    """The server answered `SERVER_ERROR`."""

    kind = "Server"


class TimeoutError(MemoxideError, builtins.TimeoutError):  # noqa: A001
    """The deadline passed; `phase` tells where.

    Named as the kind in every language; a builtin `TimeoutError` too, so that
    `except TimeoutError` catches it whichever of the two is meant.
    """

    kind = "Timeout"


class TlsError(MemoxideError, ConnectionError):
    """The TLS handshake or a certificate failed."""

    kind = "Tls"


class UnknownCommandError(MemoxideError, RuntimeError):
    """The server does not know the command."""

    kind = "UnknownCommand"


class UnsupportedError(MemoxideError, RuntimeError):
    """The operation is not available with this server, protocol or build."""

    kind = "Unsupported"


class ValueTooLargeError(MemoxideError, ValueError):
    """The value is over the limit, here or at the server."""

    kind = "ValueTooLarge"
