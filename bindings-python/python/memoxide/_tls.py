"""What encrypts the connections of event loops, from the options of a client."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["context"]


def context(
    ca: PathLike[str] | None,
    cert: PathLike[str] | None,
    key: PathLike[str] | None,
    verify: bool,
) -> ssl.SSLContext:
    """Returns the settings of TLS for files in PEM; None stands for the default."""
    made = ssl.create_default_context(cafile=ca)
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if cert is not None:
        made.load_cert_chain(cert, key)
    return made
