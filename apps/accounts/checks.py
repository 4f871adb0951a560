"""System checks of this app; each says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from apps.accounts.platform_plans.reading import PlansFileError, load_plans

_HINT = "See docs/domain/platform-plans.md."


@register()
def check_platform_plans(**_kwargs: Any) -> list[CheckMessage]:
    """The file of the platform's own plans can be used, and has the default plan."""
    try:
        plans = load_plans(Path(settings.PLATFORM_PLANS_FILE))
    except PlansFileError as error:
        message = f"PLATFORM_PLANS_FILE: {settings.PLATFORM_PLANS_FILE}: {error}."
        return [Error(message, hint=_HINT, id="accounts.E001")]
    if plans.find(settings.PLATFORM_DEFAULT_PLAN) is None:
        known = ", ".join(plan.key for plan in plans.plans)
        message = f"PLATFORM_DEFAULT_PLAN: there is no plan {settings.PLATFORM_DEFAULT_PLAN!r}; write one of {known}."
        return [Error(message, hint=_HINT, id="accounts.E002")]
    return []
