"""Asks a process of the same container whether it is well, over TCP or a unix socket.

    python -m deploy.docker.healthcheck http://127.0.0.1:8000/api/health/ready
    python -m deploy.docker.healthcheck unix:/run/tollgate/authorizer/authorizer.sock /healthz

It exits with 0 when the answer is 200, else with 1 and one line that says why.
"""

import http.client
import os
import socket
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 4.0
UNIX_PREFIX: Final = "unix:"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        """Name the socket; the connection is made with the first request."""
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(str(self._path))


def ask(address: str, path: str = "/") -> int:
    """Return the status that a GET is answered with.

    Raises: OSError, http.client.HTTPException.
    """
    if address.startswith(UNIX_PREFIX):
        connection: http.client.HTTPConnection = UnixConnection(
            Path(address.removeprefix(UNIX_PREFIX))
        )
    else:
        url = urlsplit(address)
        connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_S)
        path = url.path or path
    # In production, web answers only to its own names, and to requests that came over TLS.
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    try:
        connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status
    finally:
        connection.close()


def main() -> int:
    """Ask what the command line names; return the exit status."""
    try:
        status = ask(*sys.argv[1:3])
    except (OSError, http.client.HTTPException) as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    if status != 200:
        print(f"{sys.argv[1]}: {status}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
