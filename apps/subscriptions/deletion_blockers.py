"""A subscription that has not ended keeps its organization's last owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.accounts.deletion_blockers import DeletionBlocker
from apps.subscriptions.models import Subscription


def _with_live_subscriptions(keys: Sequence[UUID]) -> Iterable[UUID]:
    rows = Subscription.objects.live().filter(consumer_organization__in=keys)
    return rows.values_list("consumer_organization_id", flat=True)


LIVE_SUBSCRIPTIONS: Final = DeletionBlocker(
    code="live_subscriptions",
    text=_("It has subscriptions that have not ended. Cancel them first."),
    route="portal:subscriptions",
    affected=_with_live_subscriptions,
)
