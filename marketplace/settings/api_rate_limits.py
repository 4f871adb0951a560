"""How often who may ask the platform's own API, unless `API_RATE_LIMITS` says otherwise: docs/operations/rate-limits.md."""

from __future__ import annotations

from typing import Any, Final

DEFAULT_API_RATE_LIMITS: Final[dict[str, Any]] = {
    "tiers": {
        "anonymous": {"per_minute": 30, "burst": 10},
        "free": {"per_minute": 60, "burst": 20},
        "paid-1": {"per_minute": 300, "burst": 100},
        "paid-2": {"per_minute": 600, "burst": 200},
        "paid-3": {"per_minute": 1200, "burst": 400},
        "staff": {"per_minute": 1200, "burst": 400},
        "platform": None,
    },
    "routes": {
        # A document of half a megabyte, the same for everyone.
        "core:schema": {"anonymous": {"per_minute": 10, "burst": 5}},
        # Signed, but a wrong signature costs work too.
        "secret-scanning": {"*": {"per_minute": 120, "burst": 30}},
    },
    # Asked by supervisors, and by Stripe, whose messages are signed.
    "exempt": ["core:health", "core:health-live", "core:health-ready", "billing:webhook"],
}
