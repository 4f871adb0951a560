"""Keys whose account's clock can be moved, as its owner moves it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apps.accounts.models import Membership
from apps.accounts.services import advance_clock
from apps.core import clock
from apps.core.relay import drain_until_empty
from apps.keys.models import ApiKey
from apps.notifications.models import Notification
from apps.subscriptions.models import Subscription
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def sandbox(**plan: Any) -> tuple[Membership, Subscription]:
    """Return the owner of a sandbox account and a subscription of it, on a plan with these fields."""
    owner = make_member("owner", OrganizationFactory(is_sandbox=True))
    return owner, make_subscription(plan=make_plan(**plan), consumer=owner.organization)


def sandbox_key(*, days: float | None = None, **terms: Any) -> tuple[Membership, ApiKey]:
    """Return the owner of a sandbox account and an active key of it that ends after so many days."""
    owner, subscription = sandbox()
    if days is not None:
        terms["expires_at"] = clock.now() + days * DAY
    return owner, make_key(subscription, **terms).key


def advance(key: ApiKey, by: timedelta) -> None:
    """Move the test clock of a key's account, and let happen what falls due on the way."""
    key.organization.refresh_from_db()
    advance_clock(organization=key.organization, actor=SYSTEM, by=by)
    drain_until_empty()
    key.refresh_from_db()


def told(member: Membership, kind: str) -> list[Notification]:
    """Return what a member was told of a kind, oldest first."""
    drain_until_empty()
    rows = Notification.objects.filter(user=member.user, kind=kind)
    return list(rows.order_by("created_at"))
