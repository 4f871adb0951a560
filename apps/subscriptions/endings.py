"""Telling subscribers that what they use comes to an end: a version, or the whole API."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.events import ApiDeprecated, ApiRetired, ApiVersionDeprecated
from apps.apis.models import Api
from apps.core.events import receives
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.services import Message, notify_members
from apps.subscriptions.enums import LIVE_STATUSES, SubscriptionStatus
from apps.subscriptions.models import Subscription

MANAGE: Final = "subscriptions.manage"

VERSION_DEPRECATED: Final = NotificationKind(
    name="subscriptions.version_deprecated",
    title=_("Version %(version)s of %(name)s ends on %(day)s"),
    body=_("Move your calls to another version before that day."),
    tone="warn",
    is_important=True,
    action_label=_("Open the API"),
)
API_DEPRECATED: Final = NotificationKind(
    name="subscriptions.api_deprecated",
    title=_("%(name)s is deprecated"),
    body=_("Your subscription goes on for now; plan to replace it. %(reason)s"),
    tone="warn",
    is_important=True,
    action_label=_("Open the API"),
)
API_ENDS: Final = NotificationKind(
    name="subscriptions.api_ends",
    title=_("%(name)s is deprecated and ends on %(day)s"),
    body=_("Your subscription goes on until then; plan to replace it. %(reason)s"),
    tone="warn",
    is_important=True,
    action_label=_("Open the API"),
)
API_RETIRED: Final = NotificationKind(
    name="subscriptions.api_retired",
    title=_("%(name)s was retired by its provider"),
    body=_("Your subscription has ended and its keys no longer work. %(reason)s"),
    tone="bad",
    is_important=True,
    action_label=_("See your subscriptions"),
)
register_kinds(VERSION_DEPRECATED, API_DEPRECATED, API_ENDS, API_RETIRED)


@receives(ApiVersionDeprecated)
def tell_subscribers_of_version(event: ApiVersionDeprecated) -> None:
    """Tell subscribers the day on which a version ends; a moved day is told again."""
    day = _day(event.sunset_at)
    _tell(
        event.api_id,
        VERSION_DEPRECATED,
        fact=f"{event.version_id}:{day}",
        version=event.version_name,
        day=day,
    )


@receives(ApiDeprecated)
def tell_subscribers_of_deprecation(event: ApiDeprecated) -> None:
    """Tell subscribers that an API takes nobody new, and when it ends if that is known."""
    if event.sunset_at is None:
        _tell(event.api_id, API_DEPRECATED, fact="deprecated", reason=event.reason)
    else:
        day = _day(event.sunset_at)
        _tell(event.api_id, API_ENDS, fact="deprecated", reason=event.reason, day=day)


@receives(ApiRetired)
def tell_subscribers_of_retirement(event: ApiRetired) -> None:
    """Tell those whose subscription ends, or has just ended, with the API."""
    api = Api.objects.get(pk=event.api_id)
    ended = Q(status=SubscriptionStatus.CANCELLED, ended_at__gte=api.updated_at)
    rows = Subscription.objects.filter(api=api).filter(Q(status__in=LIVE_STATUSES) | ended)
    _tell(api.pk, API_RETIRED, rows, fact="retired", reason=event.reason)


def _tell(
    api_id: UUID,
    kind: NotificationKind,
    rows: QuerySet[Subscription] | None = None,
    *,
    fact: str,
    **context: str,
) -> None:
    api = Api.objects.get(pk=api_id)
    if rows is None:
        rows = Subscription.objects.live().filter(api=api)
    is_gone = kind is API_RETIRED
    url = reverse("portal:subscriptions") if is_gone else reverse("portal:api", args=[api.slug])
    subscribers = rows.values("consumer_organization_id")
    for organization in Organization.objects.filter(pk__in=subscribers):
        message = Message(
            kind=kind.name,
            dedupe_key=f"{kind.name}:{api.pk}:{fact}",
            url=url,
            context={"name": api.name, **context},
        )
        notify_members(organization=organization, permission=MANAGE, message=message)


def _day(at: datetime) -> str:
    return at.date().isoformat()
