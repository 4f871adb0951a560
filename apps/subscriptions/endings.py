"""Telling subscribers that what they use comes to an end: a version, or the whole API."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.events import (
    ApiDeprecated,
    ApiRetired,
    ApiSunsetNear,
    ApiVersionDeprecated,
    ApiVersionRetired,
    ApiVersionSunsetNear,
)
from apps.apis.models import Api
from apps.apis.webhooks import publish_near_sunset_to_subscriber
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
VERSION_RETIRED: Final = NotificationKind(
    name="subscriptions.version_retired",
    title=_("Version %(version)s of %(name)s was retired"),
    body=_("Its documentation is no longer kept up; use the current version."),
    tone="warn",
    action_label=_("Open the API"),
)
API_ENDS_SOON: Final = NotificationKind(
    name="subscriptions.api_ends_soon",
    title=_("%(name)s ends on %(day)s"),
    body=_(
        "Your subscription ends with it, and its keys stop working. Replace it before that day."
    ),
    tone="warn",
    is_important=True,
    action_label=_("Open the API"),
)
VERSION_ENDS_SOON: Final = NotificationKind(
    name="subscriptions.version_ends_soon",
    title=_("Version %(version)s of %(name)s ends on %(day)s"),
    body=_("Move your calls to another version before that day."),
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
register_kinds(
    VERSION_DEPRECATED, VERSION_ENDS_SOON, VERSION_RETIRED,
    API_DEPRECATED, API_ENDS, API_ENDS_SOON, API_RETIRED,
)  # fmt: skip


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


@receives(ApiSunsetNear)
def remind_subscribers_of_sunset(event: ApiSunsetNear) -> None:
    """Remind subscribers, people and programs, that an API ends soon; once for each of the days of the reminders."""
    day = _day(event.sunset_at)
    _tell(event.api_id, API_ENDS_SOON, fact=f"{day}:{event.days_left}", day=day)
    _tell_programs(event)


@receives(ApiVersionSunsetNear)
def remind_subscribers_of_version(event: ApiVersionSunsetNear) -> None:
    """Remind subscribers, people and programs, that a version ends soon."""
    if not event.days_left:
        return  # its day passed and it stays for want of another: the provider's matter
    day = _day(event.sunset_at)
    _tell(
        event.api_id,
        VERSION_ENDS_SOON,
        fact=f"{event.version_id}:{day}:{event.days_left}",
        version=event.version_name,
        day=day,
    )
    _tell_programs(event)


@receives(ApiVersionRetired)
def tell_subscribers_of_retired_version(event: ApiVersionRetired) -> None:
    """Tell subscribers that a version is gone."""
    fact, version = str(event.version_id), event.version_name
    _tell(event.api_id, VERSION_RETIRED, fact=fact, version=version)


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
    for organization in _subscribers(rows):
        message = Message(
            kind=kind.name,
            dedupe_key=f"{kind.name}:{api.pk}:{fact}",
            url=url,
            context={"name": api.name, **context},
        )
        notify_members(organization=organization, permission=MANAGE, message=message)


@transaction.atomic
def _tell_programs(event: ApiSunsetNear | ApiVersionSunsetNear) -> None:
    for organization in _subscribers(Subscription.objects.live().filter(api_id=event.api_id)):
        if organization.pk != event.organization_id:  # the provider's have heard
            publish_near_sunset_to_subscriber(event, organization=organization)


def _subscribers(rows: QuerySet[Subscription]) -> QuerySet[Organization]:
    return Organization.objects.filter(pk__in=rows.values("consumer_organization_id"))


def _day(at: datetime) -> str:
    return at.date().isoformat()
