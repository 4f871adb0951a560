"""deploy/gateway/caddy.example.json is what the code renders, and Caddy accepts it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from apps.gateway.caddy_config import GatewayConfig, render_text
from deploy.local.binaries import find_binaries

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "deploy" / "gateway" / "caddy.example.json"
CONFIG: Final = GatewayConfig(
    listen=(":8080",),
    admin_socket=Path("/run/tollgate/caddy.sock"),
    authorizer="unix//run/tollgate/authorizer.sock",
    authorizer_secret="replace-with-AUTHORIZER_SECRET",
    access_log=Path("/var/log/tollgate/access.log"),
)


def render_example() -> str:
    return render_text(CONFIG)


def test_example_is_current() -> None:
    assert EXAMPLE.read_text() == render_example()


def test_caddy_accepts_the_example(tmp_path: Path) -> None:
    config = tmp_path / "caddy.json"
    # Validation opens the log file, so it has to be in a folder that exists here.
    config.write_text(EXAMPLE.read_text().replace("/var/log/tollgate", str(tmp_path)))
    caddy = find_binaries(tmp_path, None).caddy

    checked = subprocess.run(
        [str(caddy), "validate", "--config", str(config)],
        env={"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
