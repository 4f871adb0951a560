"""Ways to find out that a process is ready to be used."""

import http.client
from collections.abc import Callable
from typing import Final

from deploy.local.ports import LOOPBACK, accepts_connections

Probe = Callable[[], bool]

SERVER_ERROR: Final = 500
TIMEOUT_S: Final = 5


def listens(port: int) -> Probe:
    """Ready when the port takes connections."""
    return lambda: accepts_connections(port)


def answers_http(port: int, path: str) -> Probe:
    """Ready when a GET gets any answer that is not the server's own failure."""

    def probe() -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe
