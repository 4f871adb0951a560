"""Which changes an approver must see before they are in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.apis.enums import ApiStatus, GoLiveMode, Visibility
from apps.apis.models import Api
from apps.core.actors import Actor

# Approved once. A failed one too: it goes live again by a retry, without another review.
REVIEWED_STATUSES: Final = frozenset(
    {ApiStatus.ACTIVE, ApiStatus.SUSPENDED, ApiStatus.DEPRECATED, ApiStatus.FAILED}
)


def goes_live_instantly(api: Api) -> bool:
    """Whether the API's category trusts its provider: no approver looks at submissions and updates."""
    return api.category.go_live_mode == GoLiveMode.INSTANT and api.organization.is_verified_provider


def needs_review(api: Api, actor: Actor) -> bool:
    """Whether a telling change of the API waits for an approver. What the product itself changes does not."""
    return api.status in REVIEWED_STATUSES and not actor.is_system and not goes_live_instantly(api)


def fields_to_review(
    api: Api, *, before: Mapping[str, Any], changed: set[str], actor: Actor
) -> set[str]:
    """Return the changed fields that wait; `api` holds the new values, `before` the ones in force.

    They are what an approver relied on: where calls go, what callers may do there, and who finds it. Narrowing any of
    them needs nobody.
    """
    if not needs_review(api, actor):
        return set()
    found = changed & {"upstream_url"}
    if "allowed_methods" in changed and set(api.allowed_methods) - set(before["allowed_methods"]):
        found.add("allowed_methods")
    if "visibility" in changed and api.visibility == Visibility.PUBLIC:
        found.add("visibility")
    return found
