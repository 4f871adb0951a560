"""Loopback ports: free ones for tests, and clear words about busy ones."""

import random
import socket
from typing import Final

from deploy.local.errors import LauncherError, PortBusyError

LOOPBACK: Final = "127.0.0.1"
# Below the range that the kernel hands to outgoing connections (from 32768), which could take a
# port between the moment we look and the moment a server binds it.
FREE_PORTS: Final = range(20_000, 32_000)
ATTEMPTS: Final = 200


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set it too: a port in TIME_WAIT is free for them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def find_free_ports(count: int) -> list[int]:
    """Return `count` different ports that are free now.

    Raises: LauncherError when the machine has no free ports in the range.
    """
    found: list[int] = []
    for port in random.sample(FREE_PORTS, ATTEMPTS):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise LauncherError(f"Could not find {count} free ports on {LOOPBACK}.")


def require_free(port: int, *, purpose: str, setting: str) -> None:
    """Check that `port` is free.

    Raises: PortBusyError with one line naming the port, its purpose and the setting to change.
    """
    if not is_free(port):
        raise PortBusyError(
            f"Port {port} ({purpose}) is in use. Stop what uses it, or choose another: "
            f"{setting}=<port> make run"
        )


def accepts_connections(port: int, *, timeout_s: float = 0.5) -> bool:
    """Tell whether something listens on `port` of the loopback address."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_s):
            return True
    except OSError:
        return False
