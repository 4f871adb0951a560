"""Settings of the shipper: the environment only."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from apps.gateway.environment import read_number, read_text


@dataclass(frozen=True)
class ShipperSettings:
    """What one shipper process needs to know."""

    journal_dir: Path
    access_log: Path
    state_dir: Path
    web_url: str
    token: str
    node: str
    longest_call_s: float = 120.0
    keep_hours: float = 72.0
    keep_mb: float = 2048.0

    @classmethod
    def from_environment(cls) -> ShipperSettings:
        """Read the environment.

        Raises: SettingError.
        """
        return cls(
            journal_dir=Path(read_text("GATEWAY_JOURNAL_DIR")),
            access_log=Path(read_text("GATEWAY_ACCESS_LOG")),
            state_dir=Path(read_text("SHIPPER_STATE_DIR")),
            web_url=read_text("WEB_INTERNAL_URL").rstrip("/"),
            token=read_text("SHIPPER_TOKEN"),
            node=read_text("NODE_NAME", socket.gethostname()),
            longest_call_s=read_number("GATEWAY_LONGEST_CALL_S", 120.0),
            keep_hours=read_number("SHIPPER_KEEP_HOURS", 72.0),
            keep_mb=read_number("SHIPPER_KEEP_MB", 2048.0),
        )
