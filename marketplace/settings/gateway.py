"""The gateway, its keys, and what a tenant may call."""

from __future__ import annotations

from marketplace.settings.env import env_int, env_limits, env_text

GATEWAY_ADMIN_SOCKET = env_text("GATEWAY_ADMIN_SOCKET", "")
AUTHORIZER_BIND = env_text("AUTHORIZER_BIND", "127.0.0.1:8090")
AUTHORIZER_SECRET = env_text("AUTHORIZER_SECRET", "")
GATEWAY_ACCESS_LOG = env_text("GATEWAY_ACCESS_LOG", "")
GATEWAY_JOURNAL_DIR = env_text("GATEWAY_JOURNAL_DIR", "")

# Above so many keys made in 24 hours, or rotated by hand in an hour, an organization's owners and operators are told.
KEY_ALERT_CREATED = env_int("KEY_ALERT_CREATED", 10, minimum=1)
KEY_ALERT_ROTATED = env_int("KEY_ALERT_ROTATED", 5, minimum=1)
# Where the public keys are published that sign reports of leaked keys; empty switches the endpoint off.
SECRET_SCANNING_KEYS_URL = env_text(
    "SECRET_SCANNING_KEYS_URL", "https://api.github.com/meta/public_keys/secret_scanning"
)

# What any one consumer organization may call, all its keys together; null: no limit.
# A tenth of what Amazon API Gateway gives an account in a region: docs/operations/noisy-tenant.md.
DEFAULT_TENANT_LIMITS = env_limits(
    "DEFAULT_TENANT_LIMITS", {"per_second": 1000, "per_minute": None}
)
