"""A memcached client over one Rust core, with an embedded server for tests.

Errors are in `memoxide.errors` and here; everything raised derives from
`MemoxideError` and from the builtin that people already catch.
"""

from __future__ import annotations

import logging

from memoxide._native import (
    __version__,
    compare_placements,
    explain_key,
    explain_value,
    migrate,
)
from memoxide.async_client import AsyncClient
from memoxide.cache import AsyncCache, Cache
from memoxide.client import Client
from memoxide.compat import install_as_memcache
from memoxide.errors import (
    AuthError,
    BackpressureError,
    ClientError,
    ClosedError,
    ConfigError,
    ConflictError,
    ConnectError,
    ConnectionLostError,
    DecodeError,
    EncodeError,
    InvalidArgumentError,
    InvalidKeyError,
    MemoxideError,
    NoServersError,
    NotNumericError,
    PartialError,
    ProtocolError,
    ResolveError,
    ServerError,
    TimeoutError,  # noqa: A004 - named as the kind in every language
    TlsError,
    UnknownCommandError,
    UnsupportedError,
    ValueTooLargeError,
)
from memoxide.faults import Faults, FaultStatus, LoggedRequest
from memoxide.item import Item
from memoxide.lock import AsyncLock, Lock
from memoxide.namespace import AsyncNamespace, Namespace
from memoxide.server import EmbeddedServer

# Nothing is written before the program says where to.
logging.getLogger("memoxide").addHandler(logging.NullHandler())

__all__ = [
    "AsyncCache",
    "AsyncClient",
    "AsyncLock",
    "AsyncNamespace",
    "AuthError",
    "BackpressureError",
    "Cache",
    "Client",
    "ClientError",
    "ClosedError",
    "ConfigError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "DecodeError",
    "EmbeddedServer",
    "EncodeError",
    "FaultStatus",
    "Faults",
    "InvalidArgumentError",
    "InvalidKeyError",
    "Item",
    "Lock",
    "LoggedRequest",
    "MemoxideError",
    "Namespace",
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
    "__version__",
    "compare_placements",
    "explain_key",
    "explain_value",
    "install_as_memcache",
    "migrate",
]
