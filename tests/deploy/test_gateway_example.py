"""deploy/gateway/caddy.example.json is what the code renders, and Caddy accepts it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from apps.gateway.caddy_config import GatewayConfig, render_text
from apps.gateway.caddy_settings import nginx_pools
from apps.gateway.environment import SettingError
from apps.gateway.nginx_config import render_nginx
from deploy.local.binaries import find_binaries
from deploy.local.nginx import require_nginx

NGINX_EXAMPLE: Final = (
    Path(__file__).resolve().parents[2] / "deploy/gateway/nginx/nginx.example.conf"
)
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


def render_nginx_example() -> str:
    return render_nginx(CONFIG)


def test_nginx_example_is_current() -> None:
    assert NGINX_EXAMPLE.read_text() == render_nginx_example()


@pytest.mark.slow
def test_nginx_accepts_a_configuration_with_everything(tmp_path: Path) -> None:
    fields = {
        **vars(CONFIG),
        "listen": ("127.0.0.1:18080", "[::1]:18080"),
        "access_log": tmp_path / "access.log",
        "trusted_proxies": ("10.0.0.0/8", "fd00::/8"),
        "authorizer_secret": 'a "quoted" $secret \\',
    }
    path = tmp_path / "nginx.conf"
    path.write_text(render_nginx(GatewayConfig(**fields), pools=("127.0.0.1:9000",)))

    checked = subprocess.run(
        [require_nginx(), "-t", "-q", "-c", str(path), "-p", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("pool", ["host", "host:port", "a b:80", "host:80;", "{x}:80"])
def test_pool_that_is_no_address_is_refused(pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_NGINX_POOLS", f"api.example.com:443, {pool}")

    with pytest.raises(SettingError, match="GATEWAY_NGINX_POOLS"):
        nginx_pools()


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
