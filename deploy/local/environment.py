"""The environment of every process of the stack, assembled in this one place.

A name that the person starting the launcher has set already wins: an external DATABASE_URL, a
real Stripe key, a SENTRY_DSN. Secrets are made up once and kept in the state folder.
"""

import base64
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.ports import LOOPBACK
from deploy.local.settings import Ports

SECRETS_FILE: Final = "secrets.json"
# Where dj-stripe takes in webhooks; the address that `register_stripe_webhook` prints.
STRIPE_WEBHOOK_PATH: Final = "/webhooks/stripe/webhook/01980000-0000-7000-8000-746f6c6c6761/"
# Of the launcher's own environment only these reach the children, besides the settings below.
INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TERM", "SSL_CERT_FILE")
# Settings without a local default that pass through when the person has set them.
PASSED_THROUGH: Final = (
    "SENTRY_DSN",
    "MARKETPLACE_NAME",
    "EMAIL_BACKEND",
    "EMAIL_HOST",
    "EMAIL_PORT",
    "EMAIL_HOST_USER",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_USE_TLS",
    "DEFAULT_FROM_EMAIL",
    "SUPPORT_EMAIL",
    "LOG_LEVEL",
    "DEBUG",
    "RELEASE",
    "GATEWAY_MIN_FREE_MB",
    "GATEWAY_LONGEST_CALL_S",
    "API_RATE_LIMIT_FALLBACK",
    "GATEWAY_RESOLVER_UPSTREAMS",
    "OUTGOING_REFUSED_NETWORKS",
)


@dataclass(frozen=True)
class Folders:
    """The parts of a state folder."""

    state: Path

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.state / "logs"

    @property
    def gateway(self) -> Path:
        """What Caddy writes: access log, its own storage, its administration socket."""
        return self.state / "gateway"

    @property
    def gateway_config(self) -> Path:
        """The rendered configuration that Caddy starts with."""
        return self.gateway / "caddy.json"

    @property
    def access_log(self) -> Path:
        """Caddy's access log."""
        return self.gateway / "access.log"

    @property
    def admin_socket(self) -> Path:
        """Caddy's administration socket."""
        return self.gateway / "admin.sock"

    @property
    def journal(self) -> Path:
        """The authorizer's journal files."""
        return self.state / "journal"

    @property
    def shipper(self) -> Path:
        """The shipper's checkpoint and prepared batch."""
        return self.state / "shipper"


# The demo lives through months in seconds; its people ask more often than people do.
API_RATE_LIMITS: Final = json.dumps(
    {
        "tiers": {
            "free": {"per_minute": 1200, "burst": 400},
            "paid-1": {"per_minute": 1200, "burst": 400},
        }
    }
)


def load_secrets(state: Path) -> dict[str, str]:
    """Return the secrets of this state folder, completed with those that are new to it."""
    path = state / SECRETS_FILE
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    complete = {**_new_secrets(), **known}
    if complete != known:
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(complete, indent=2) + "\n")
        draft.replace(path)
    return complete


def _new_secrets() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "KEY_PEPPERS": f"1:{secrets.token_urlsafe(32)}",
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AUTHORIZER_SECRET": secrets.token_urlsafe(32),
        "SHIPPER_TOKEN": f"tgt_{secrets.token_urlsafe(32)}",
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
        "STRIPE_PUBLISHABLE_KEY": f"pk_test_{secrets.token_hex(16)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "DATABASE_PASSWORD": secrets.token_urlsafe(24),
        "VALKEY_PASSWORD": secrets.token_urlsafe(24),
    }


def build_environment(
    folders: Folders,
    ports: Ports,
    *,
    server_urls: Mapping[str, str],
    given: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the environment of every process of the stack.

    Args:
        folders: the state folder.
        ports: where the processes listen.
        server_urls: DATABASE_URL, REDIS_URL and BROKER_URL of the embedded servers.
        given: the launcher's own environment.
    """
    defaults = {
        **_addresses(folders, ports),
        **_files(folders),
        **load_secrets(folders.state),
        **server_urls,
        "DJANGO_SETTINGS_MODULE": "marketplace.settings.local",
        "ENVIRONMENT": "development",
        "NODE_NAME": "local",
        "API_RATE_LIMITS": API_RATE_LIMITS,
    }
    # Known to the servers only.
    del defaults["DATABASE_PASSWORD"], defaults["VALKEY_PASSWORD"]
    names = {*defaults, *INHERITED, *PASSED_THROUGH}
    environment = {**defaults, **{name: given[name] for name in names if name in given}}
    environment["PATH"] = f"{Path(sys.executable).parent}:{given.get('PATH', os.defpath)}"
    environment["PYTHONUNBUFFERED"] = "1"
    environment["TOLLGATE_STATE_DIR"] = str(folders.state)
    return environment


def _addresses(folders: Folders, ports: Ports) -> dict[str, str]:
    return {
        "PUBLIC_URL": f"http://localhost:{ports.web}",
        "WEB_INTERNAL_URL": f"http://{LOOPBACK}:{ports.web}",
        "GATEWAY_URL": f"http://localhost:{ports.gateway}",
        "GATEWAY_BIND": f"{LOOPBACK}:{ports.gateway}",
        "GATEWAY_ADMIN_SOCKET": str(folders.admin_socket),
        "AUTHORIZER_BIND": f"{LOOPBACK}:{ports.authorizer}",
        "GATEWAY_RESOLVER_BIND": f"{LOOPBACK}:{ports.resolver}",
        "STRIPE_API_BASE": f"http://{LOOPBACK}:{ports.stripe}",
        "STRIPE_FAKE_BIND": f"{LOOPBACK}:{ports.stripe}",
        "STRIPE_FAKE_WEBHOOK_URL": f"http://{LOOPBACK}:{ports.web}{STRIPE_WEBHOOK_PATH}",
        "UPSTREAM_BIND": f"{LOOPBACK}:{ports.upstream}",
        "ALLOWED_HOSTS": f"localhost,{LOOPBACK},[::1]",
        # The demo's upstream and the Stripe fake are not public; outgoing calls refuse such hosts.
        "OUTGOING_TRUSTED_HOSTS": f"{LOOPBACK}:{ports.upstream},{LOOPBACK}:{ports.stripe}",
    }


def _files(folders: Folders) -> dict[str, str]:
    return {
        "GATEWAY_ACCESS_LOG": str(folders.access_log),
        "GATEWAY_JOURNAL_DIR": str(folders.journal),
        "SHIPPER_STATE_DIR": str(folders.shipper),
        "STATIC_ROOT": str(folders.state / "static"),
        "MEDIA_ROOT": str(folders.state / "media"),
        "EMAIL_FILE_PATH": str(folders.state / "mail"),
    }
