"""express-gateway from npm, with its key-auth policy and nothing else: installed into the benchmark's own folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from deploy.local.ports import LOOPBACK, accepts_connections, find_free_ports
from tests.apps.gateway.dataplane.harness import Process, wait_for

VERSION: Final = "1.16.11"
INSTALL_TIMEOUT_S: Final = 300
START: Final = (
    "require('express-gateway')().load(require('path').join(__dirname, 'config')).run();\n"
)


def find_express_gateway(folder: Path) -> Path | None:
    """Install it into a folder; None where npm is missing or cannot reach its registry."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    (folder / "package.json").write_text(json.dumps({"name": "bench", "private": True}))
    argv = ["npm", "install", "--no-audit", "--no-fund", f"express-gateway@{VERSION}"]
    try:
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
        return None
    return folder


class ExpressGateway(Process):
    """One express-gateway with one user and their key; it keeps both in memory."""

    def __init__(self, folder: Path, upstream: int) -> None:
        self.port, self._admin_port = find_free_ports(2)
        self.key = ""
        config = folder / "config"
        package = folder / "node_modules" / "express-gateway" / "lib" / "config"
        shutil.copytree(package / "models", config / "models")
        (config / "gateway.config.yml").write_text(json.dumps(self._gateway(upstream)))
        (config / "system.config.yml").write_text(json.dumps(_system()))
        (folder / "server.js").write_text(START)
        super().__init__(
            ["node", str(folder / "server.js")],
            {**os.environ, "NODE_ENV": "production", "LOG_LEVEL": "error"},
            folder / "express.log",
        )

    def start(self) -> None:
        """Start it and make a key."""
        super().start()
        for port in (self.port, self._admin_port):
            wait_for(partial(accepts_connections, port), timeout_s=30, what=self.log.read_text())
        admin = f"http://{LOOPBACK}:{self._admin_port}"
        user = {"username": "bench", "firstname": "Bench", "lastname": "Mark"}
        httpx.post(f"{admin}/users", json=user, trust_env=False).raise_for_status()
        wanted = {"consumerId": "bench", "type": "key-auth", "credential": {}}
        made = httpx.post(f"{admin}/credentials", json=wanted, trust_env=False).raise_for_status()
        self.key = f"{made.json()['keyId']}:{made.json()['keySecret']}"

    def _gateway(self, upstream: int) -> dict[str, object]:
        return {
            "http": {"port": self.port, "hostname": LOOPBACK},
            "admin": {"port": self._admin_port, "hostname": LOOPBACK},
            "apiEndpoints": {"api": {"host": "*", "paths": "/weather/*"}},
            "serviceEndpoints": {"upstream": {"url": f"http://{LOOPBACK}:{upstream}"}},
            "policies": ["key-auth", "proxy"],
            "pipelines": {
                "default": {
                    "apiEndpoints": ["api"],
                    "policies": [
                        {"key-auth": None},
                        {"proxy": [{"action": {"serviceEndpoint": "upstream"}}]},
                    ],
                }
            },
        }


def _system() -> dict[str, object]:
    return {
        "db": {"redis": {"emulate": True, "namespace": "EG"}},
        "crypto": {"cipherKey": "sensitiveKey", "algorithm": "aes256", "saltRounds": 4},
        "session": {"secret": "never-used-here", "resave": False, "saveUninitialized": False},
        "accessTokens": {"timeToExpiry": 7200000},
        "refreshTokens": {"timeToExpiry": 7200000},
        "authorizationCodes": {"timeToExpiry": 300000},
    }
