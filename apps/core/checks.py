"""System checks of the configuration; each says what to do."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from apps.core.limiter.policies import check_table
from apps.core.limiter.routes import route_names


@register(Tags.security)
def check_field_encryption_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Every field encryption key must be a Fernet key."""
    for position, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            return [
                Error(
                    f"FIELD_ENCRYPTION_KEYS: key {position} is not a Fernet key.",
                    hint='Make one: python -c "from cryptography.fernet import Fernet; '
                    'print(Fernet.generate_key().decode())"',
                    id="core.E001",
                )
            ]
    return []


@register(Tags.security)
def check_key_peppers(**_kwargs: Any) -> list[CheckMessage]:
    """Peppers are numbered and long enough."""
    short = [number for number, pepper in settings.KEY_PEPPERS.items() if len(pepper) < 32]
    if short or not settings.KEY_PEPPERS:
        return [
            Error(
                f"KEY_PEPPERS: {'no pepper' if not short else f'pepper {short[0]} is too short'}.",
                hint="Set KEY_PEPPERS=1:<at least 32 random characters>, e.g. from "
                '`python -c "import secrets; print(secrets.token_urlsafe(32))"`.',
                id="core.E002",
            )
        ]
    return []


@register(Tags.security)
def check_api_rate_limits(**_kwargs: Any) -> list[CheckMessage]:
    """The table of the platform's own limits can be read, and names routes that exist."""
    try:
        check_table(settings.API_RATE_LIMITS)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="See docs/operations/rate-limits.md.", id="core.E003")]
    named = {
        *settings.API_RATE_LIMITS.get("routes", {}),
        *settings.API_RATE_LIMITS.get("exempt", ()),
    }
    return [
        Error(
            f"API_RATE_LIMITS: no route is called {name!r}.",
            hint="See docs/operations/rate-limits.md.",
            id="core.E004",
        )
        for name in sorted(named - route_names())
    ]
