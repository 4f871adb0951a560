"""The one writer of Caddy's configuration: pushes it, reads it back, compares, heals.

Caddy's admin API listens on a unix socket that only its group can open. Caddy normalises nothing: what
is read back is what was loaded, so any difference is drift.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx

from apps.gateway.caddy_config import render_config

if TYPE_CHECKING:
    from apps.gateway.caddy_config import GatewayConfig

TIMEOUT_S: Final = 15.0
# Caddy accepts the host names of its socket only when the Host header is empty or of this form.
_ADMIN_URL: Final = "http://localhost"


class CaddyError(Exception):
    """Caddy cannot be reached, or refused the configuration. It keeps the one that it had."""


class CaddyWriter:
    """Keeps a Caddy at a rendered configuration. Its caller holds the lock of the one writer."""

    def __init__(self, config: GatewayConfig) -> None:
        """Write to the admin socket that the configuration itself names."""
        self._wanted = render_config(config)
        self._socket = config.admin_socket

    def read(self) -> Any:
        """Return the configuration that Caddy runs.

        Raises: CaddyError.
        """
        return self._request("GET", "/config/").json()

    def drift(self) -> list[str]:
        """Return the paths at which Caddy's configuration differs from ours; empty when it is ours.

        Raises: CaddyError.
        """
        return _differences(self._wanted, self.read(), "")

    def push(self) -> None:
        """Load our configuration and read it back.

        Raises: CaddyError, also when Caddy runs something else afterwards.
        """
        self._request("POST", "/load", content=json.dumps(self._wanted).encode())
        left = self.drift()
        if left:
            raise CaddyError(f"Caddy took the configuration but differs at {', '.join(left)}")

    def heal(self) -> list[str]:
        """Push our configuration if Caddy's differs; return where it differed.

        Raises: CaddyError.
        """
        drift = self.drift()
        if drift:
            self.push()
        return drift

    def _request(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        transport = httpx.HTTPTransport(uds=str(self._socket))
        headers = {"Content-Type": "application/json"} if content else {}
        try:
            with httpx.Client(transport=transport, timeout=TIMEOUT_S, trust_env=False) as client:
                response = client.request(
                    method, f"{_ADMIN_URL}{path}", content=content, headers=headers
                )
        except httpx.HTTPError as error:
            raise CaddyError(f"Caddy's admin socket {self._socket}: {error}") from error
        if response.is_error:
            # The text may quote the configuration, which holds a secret: the first line names the fault.
            raise CaddyError(f"Caddy answered {response.status_code} to {method} {path}")
        return response


def _differences(wanted: Any, found: Any, path: str) -> list[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            difference
            for name in sorted(wanted.keys() | found.keys())
            for difference in _differences(wanted.get(name), found.get(name), f"{path}/{name}")
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [
            difference
            for index, (left, right) in pairs
            for difference in _differences(left, right, f"{path}/{index}")
        ]
    return [] if wanted == found else [path or "/"]
