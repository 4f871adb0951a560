"""Keys, made by the service that consumers use."""

from __future__ import annotations

from typing import Any

from apps.core.actors import Actor
from apps.keys.services import IssuedKey, KeyTerms, activate_key, create_key
from apps.subscriptions.models import Subscription
from tests.factories.subscriptions import make_subscription

SYSTEM = Actor.system("tests")


def make_key(
    subscription: Subscription | None = None, *, is_active: bool = True, **terms: Any
) -> IssuedKey:
    """Issue a key; as if the gateway had proven it, unless told otherwise."""
    issued = create_key(
        subscription=subscription or make_subscription(),
        terms=KeyTerms(**{"name": "Server", **terms}),
        actor=SYSTEM,
    )
    if is_active:
        activate_key(key_id=issued.key.pk, actor=SYSTEM)
        issued.key.refresh_from_db()
    return issued
