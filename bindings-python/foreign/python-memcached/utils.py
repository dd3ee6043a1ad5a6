"""The helper of python-memcached's tests that its source distribution lacks."""

import contextlib
import io


def captured_stderr():
    """Gives what is written to `sys.stderr` meanwhile."""
    return contextlib.redirect_stderr(io.StringIO())
