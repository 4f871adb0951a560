"""Warnings that a quota or a spend cap runs low: each once per period, bound and threshold.

What counts is what has been counted into windows, which never falls: a call that is given back can make no warning
premature.

Source: docs/domain/quotas.md §3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Max, prefetch_related_objects
from django.urls import reverse
from django.utils.translation import override

from apps.accounts.selectors import owner_language
from apps.core import outbox
from apps.core.clock import Period
from apps.core.formatting import format_day, format_money, format_number
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify_members
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import current_period, quota_limit
from apps.subscriptions.spend import current_cap, spend_calls_of
from apps.subscriptions.usage_sources import UsageQuestion, used_calls
from apps.usage import notices
from apps.usage.budget_alerts import look_at_budgets_of_subscriptions
from apps.usage.enums import AlertKind
from apps.usage.models import UsageAlert
from apps.usage.webhooks import publish_alert

ALERTS_TOPIC: Final = "usage.alerts"
READERS: Final = "subscriptions.manage"
THRESHOLDS: Final[dict[str, tuple[int, ...]]] = {
    AlertKind.QUOTA: (50, 80, 90, 100),
    AlertKind.SPEND_CAP: (80, 100),
}
HALF: Final = 50
ALL: Final = 100


class _Bound(NamedTuple):
    """A number of calls that a subscription's period runs towards."""

    subscription: Subscription
    kind: AlertKind
    period: Period
    calls: int
    used: int

    @property
    def reached(self) -> int | None:
        """The highest threshold that is reached."""
        percents = THRESHOLDS[self.kind]
        return max((one for one in percents if self.used * 100 >= one * self.calls), default=None)


def ask_for_alerts(subscription_ids: Iterable[UUID]) -> None:
    """Have subscriptions looked at after this transaction: their usage or their bounds changed."""
    ids = sorted(str(pk) for pk in set(subscription_ids))
    if ids:
        outbox.enqueue(ALERTS_TOPIC, {"subscription_ids": ids})


@outbox.handles(ALERTS_TOPIC)
def look_at_subscriptions(payload: dict[str, Any]) -> None:
    """Warn where a threshold of a quota, a cap or a budget is reached that was not told yet."""
    ids = [UUID(text) for text in payload["subscription_ids"]]
    warn_of_low_quotas(ids)
    look_at_budgets_of_subscriptions(ids, coalesce=True)


def warn_of_low_quotas(subscription_ids: Iterable[UUID]) -> int:
    """Tell what runs low of these subscriptions; return how many warnings are new.

    Usage that jumped over several thresholds tells the highest; the lower ones are not told afterwards.
    """
    rows = list(
        Subscription.objects.live()
        .filter(pk__in=list(subscription_ids))
        .select_related("consumer_organization", "price_version", "api")
    )
    prefetch_related_objects(
        rows, "quota_top_ups", "spend_caps", "price_version__components__tiers"
    )
    low = [bound for bound in _bounds_of(rows) if bound.reached is not None]
    return sum(_tell_once(bound) for bound in low)


def _bounds_of(rows: list[Subscription]) -> Iterator[_Bound]:
    """Ask for usage once, and only for subscriptions that have something to run out of."""
    questions = {row.pk: UsageQuestion(row.pk, current_period(row)) for row in rows}
    bounds = {
        row.pk: {
            AlertKind.QUOTA: quota_limit(row, questions[row.pk].period),
            AlertKind.SPEND_CAP: spend_calls_of(row),
        }
        for row in rows
    }
    asked = [questions[pk] for pk, found in bounds.items() if set(found.values()) != {None}]
    used = used_calls(asked)
    for row in rows:
        question = questions[row.pk]
        for kind, calls in bounds[row.pk].items():
            if calls is not None:
                yield _Bound(row, kind, question.period, calls, used[question])


@transaction.atomic
def _tell_once(bound: _Bound) -> bool:
    """Write the row and tell it, unless this or a higher threshold was told; the row's constraint decides races."""
    threshold = bound.reached
    assert threshold is not None  # noqa: S101 -- the caller's filter, for the type checker
    told = UsageAlert.objects.filter(
        subscription=bound.subscription,
        kind=bound.kind,
        period_start=bound.period.start,
        bound_calls=bound.calls,
    ).aggregate(highest=Max("threshold_percent"))["highest"]
    if told is not None and told >= threshold:
        return False
    alert, is_new = UsageAlert.objects.get_or_create(
        subscription=bound.subscription,
        kind=bound.kind,
        period_start=bound.period.start,
        bound_calls=bound.calls,
        threshold_percent=threshold,
        defaults={"period_end": bound.period.end, "used_calls": bound.used},
    )
    if is_new:
        _tell(alert, bound)
    return is_new


def _tell(alert: UsageAlert, bound: _Bound) -> None:
    organization = bound.subscription.consumer_organization
    cap = current_cap(bound.subscription)
    with override(owner_language(organization)):
        context = {
            "name": bound.subscription.api.name,
            "percent": alert.threshold_percent,
            "used": format_number(alert.used_calls),
            "bound": format_number(alert.bound_calls),
            "resets": format_day(alert.period_end),
            "amount": format_money(cap.amount) if cap else "",
        }
    message = Message(
        kind=_kind_of(alert, bound.subscription).name,
        dedupe_key=f"usage.alert:{alert.public_id}",
        url=reverse("portal:subscription_limits", args=[bound.subscription.public_id]),
        context=context,
    )
    notify_members(organization=organization, permission=READERS, message=message)
    publish_alert(alert)


def _kind_of(alert: UsageAlert, subscription: Subscription) -> NotificationKind:
    is_all = alert.threshold_percent >= ALL
    if alert.kind == AlertKind.SPEND_CAP:
        return notices.CAP_REACHED if is_all else notices.CAP_WARNING
    if is_all:
        is_hard = subscription.price_version.quota_kind == "hard"
        return notices.EXCEEDED if is_hard else notices.PASSED
    return notices.HALF if alert.threshold_percent == HALF else notices.WARNING
