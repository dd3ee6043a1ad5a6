"""A session handler as PHP has them: open, read, write, destroy, gc.

It is what `handler.php` is with php-memcached, and both see the same sessions:
the item `sess:` + id holds the session as JSON text, `sess:lock:` + id the token
of whoever has it open.

    python handler.py SERVER ID [COUNT]

visits the session COUNT times and prints it after each visit.
"""

from __future__ import annotations

import json
import re
import secrets
import sys

import memoxide


class SessionHandler:
    """Keeps sessions in memcached, open for one request at a time.

    Args:
        lifetime: Seconds that a session is kept after its last use.
        lock_time: Seconds after which a request that broke off gives it back.
        lock_wait: Seconds to wait for a request that has it open.
    """

    def __init__(
        self, lifetime: int = 1440, lock_time: int = 30, lock_wait: float = 10
    ) -> None:
        self.lifetime = lifetime
        self.lock_time = lock_time
        self.lock_wait = lock_wait
        self._client: memoxide.Client | None = None
        self._lock: memoxide.Lock | None = None

    @property
    def client(self) -> memoxide.Client:
        """The client, once there is one."""
        if self._client is None:
            raise RuntimeError("open comes first")
        return self._client

    def open(self, path: str, name: str) -> bool:
        """Prepares for sessions of the servers that `path` lists."""
        # The bytes are as they are: the format is ours and not the client's.
        self._client = memoxide.Client(path, values="raw")
        return True

    def close(self) -> bool:
        """Lets the next request have the session."""
        self._release()
        self.client.close()
        return True

    def read(self, sid: str) -> str:
        """Opens a session and returns its text, nothing for a new one.

        Raises:
            TimeoutError: Another request has it open for too long.
        """
        self._lock = self.client.lock(
            f"sess:lock:{sid}", self.lock_time, wait=self.lock_wait
        )
        if not self._lock.acquire():
            self._lock = None
            raise TimeoutError("another request has the session open")
        data: bytes = self.client.get(f"sess:{sid}", b"")
        return data.decode()

    def write(self, sid: str, data: str) -> bool:
        """Stores the text of a session."""
        return self.client.set(f"sess:{sid}", data.encode(), time=self.lifetime)

    def update_timestamp(self, sid: str, data: str) -> bool:
        """Extends the life of a session whose text has not changed."""
        return self.client.touch(f"sess:{sid}", self.lifetime) or self.write(sid, data)

    def destroy(self, sid: str) -> bool:
        """Removes a session."""
        self.client.delete(f"sess:{sid}")
        self._release()
        return True

    def gc(self, max_lifetime: int) -> int:
        """Removes nothing: memcached does that itself."""
        return 0

    def create_sid(self) -> str:
        """Returns the id of a new session."""
        return secrets.token_hex(16)

    def validate_id(self, sid: str) -> bool:
        """Tells whether there is a session, before an id of a browser is used."""
        if not re.fullmatch(r"[A-Za-z0-9,-]{22,128}", sid):
            return False
        return self.client.get(f"sess:{sid}") is not None

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def visit(handler: SessionHandler, server: str, sid: str) -> str:
    """Does what PHP does around a page; the page counts visits."""
    handler.open(server, "PHPSESSID")
    try:
        session = json.loads(handler.read(sid) or "{}")
        session["visits"] = session.get("visits", 0) + 1
        session["last"] = "python"
        data = json.dumps(session, ensure_ascii=False)
        handler.write(sid, data)
    finally:
        handler.close()
    return data


def main() -> None:
    """Visits a session."""
    server, sid, count = [*sys.argv[1:], "1"][:3]
    handler = SessionHandler()
    for _ in range(int(count)):
        print(visit(handler, server, sid))


if __name__ == "__main__":
    main()
