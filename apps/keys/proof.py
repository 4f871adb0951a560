"""Asks the gateway, which lies above this app, whether every authorizer has applied a key's last change."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

# (key id, seconds to wait at most) -> whether it is proven
ProofSource = Callable[[UUID, float], bool]

_sources: list[ProofSource] = []


def register_proof_source(source: ProofSource) -> None:
    """Let the gateway answer; called once, from its `AppConfig.ready()`."""
    _sources[:] = [source]


def wait_for_proof(key_id: UUID, *, timeout_s: float) -> bool:
    """Wait until every authorizer has applied the key's last change; False when time runs out first.

    Without a gateway nothing is ever proven.
    """
    return bool(_sources) and _sources[0](key_id, timeout_s)
