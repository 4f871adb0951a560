"""A pepper that keys still hang on must be configured: without it none of them would work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from apps.keys.models import ApiKey
from apps.keys.selectors import keys_per_pepper


@register(Tags.database)
def check_peppers_in_use(
    *, databases: Sequence[str] | None = None, **_kwargs: Any
) -> list[CheckMessage]:
    """Compare the peppers of keys that have not ended with KEY_PEPPERS; `migrate` refuses on an error."""
    if not databases or "default" not in databases:
        return []
    if ApiKey._meta.db_table not in connections["default"].introspection.table_names():
        return []
    return [
        Error(
            f"KEY_PEPPERS: pepper {number} is missing, and {count} keys hang on it.",
            hint="Put it back beside the newer ones until `manage.py key_peppers` shows no key on it.",
            id="keys.E001",
        )
        for number, count in sorted(keys_per_pepper().items())
        if number not in settings.KEY_PEPPERS
    ]
