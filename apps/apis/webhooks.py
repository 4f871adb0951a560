"""What a provider's own programs hear about its APIs. Told in the transaction of the change, so exactly once."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.events import (
    ApiActivated,
    ApiDeprecated,
    ApiEvent,
    ApiRegistrationFailed,
    ApiResumed,
    ApiRetired,
    ApiSunsetNear,
    ApiSuspended,
    ApiVersionSunsetNear,
    UpstreamCircuitChanged,
)
from apps.apis.models import Api
from apps.core.events import receives
from apps.core.ids import uuid7
from apps.notifications.webhooks import WebhookEventType, publish_webhook

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "api_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "name": "Weather",
    "slug": "weather",
    "status": "active",
    "gateway_url": "https://gateway.example.com/weather/",
}
ACTIVATED: Final = WebhookEventType(
    "api.activated", _("The gateway has proven that it knows an API: calls pass."), _EXAMPLE
)
REGISTRATION_FAILED: Final = WebhookEventType(
    "api.registration_failed",
    _("The gateway could not prove an API in time; it can be tried again."),
    {**_EXAMPLE, "status": "failed", "reason": "The upstream does not answer."},
)
SUSPENDED: Final = WebhookEventType(
    "api.suspended",
    _("Calls of an API are stopped."),
    {**_EXAMPLE, "status": "suspended", "reason": "Terms of use.", "by_operator": True},
)
RESUMED: Final = WebhookEventType(
    "api.resumed", _("Calls of a suspended API may pass again."), _EXAMPLE
)
DEPRECATED: Final = WebhookEventType(
    "api.deprecated",
    _("Subscribers of an API may go on, nobody new may subscribe."),
    {**_EXAMPLE, "status": "deprecated", "reason": "", "sunset_at": "2027-03-31T00:00:00+00:00"},
)
SUNSET_NEAR: Final = WebhookEventType(
    "api.sunset_near",
    _("A deprecated API, or the version that is named, is retired in 30, 7 or 1 days."),
    {
        **_EXAMPLE,
        "status": "deprecated",
        "sunset_at": "2027-03-31T00:00:00+00:00",
        "days_left": 7,
        "version": None,
    },
)
RETIRED: Final = WebhookEventType(
    "api.retired",
    _("An API is gone; its subscriptions end."),
    {**_EXAMPLE, "status": "retired", "reason": ""},
)
UPSTREAM_DOWN: Final = WebhookEventType(
    "api.upstream_down",
    _("The upstream of an API stays down; the gateway answers 503 without calling it."),
    {**_EXAMPLE, "reason": "connection refused"},
)
UPSTREAM_RECOVERED: Final = WebhookEventType(
    "api.upstream_recovered", _("The upstream of an API answers again; calls pass."), _EXAMPLE
)
ALL: Final = (
    ACTIVATED, REGISTRATION_FAILED, SUSPENDED, RESUMED, DEPRECATED, SUNSET_NEAR, RETIRED,
    UPSTREAM_DOWN, UPSTREAM_RECOVERED,
)  # fmt: skip


@receives(ApiActivated, in_transaction=True)
def publish_activation(event: ApiActivated) -> None:
    """Tell that calls pass."""
    _publish(ACTIVATED, event)


@receives(ApiRegistrationFailed, in_transaction=True)
def publish_failure(event: ApiRegistrationFailed) -> None:
    """Tell why the gateway did not learn the API."""
    _publish(REGISTRATION_FAILED, event, reason=event.reason)


@receives(ApiSuspended, in_transaction=True)
def publish_suspension(event: ApiSuspended) -> None:
    """Tell that calls are stopped, and by whom."""
    _publish(SUSPENDED, event, reason=event.reason, by_operator=event.by_operator)


@receives(ApiResumed, in_transaction=True)
def publish_resumption(event: ApiResumed) -> None:
    """Tell that calls may pass again."""
    _publish(RESUMED, event)


@receives(ApiDeprecated, in_transaction=True)
def publish_deprecation(event: ApiDeprecated) -> None:
    """Tell that the API will go, and when if that is known."""
    sunset_at = event.sunset_at.isoformat() if event.sunset_at else None
    _publish(DEPRECATED, event, reason=event.reason, sunset_at=sunset_at)


@receives(ApiSunsetNear, in_transaction=True)
def publish_near_sunset(event: ApiSunsetNear) -> None:
    """Tell that the API is retired soon."""
    _publish_sunset(event)


@receives(ApiVersionSunsetNear, in_transaction=True)
def publish_near_sunset_of_version(event: ApiVersionSunsetNear) -> None:
    """Tell that a version is retired soon, or should have been."""
    _publish_sunset(event)


@receives(ApiRetired, in_transaction=True)
def publish_retirement(event: ApiRetired) -> None:
    """Tell that the API is gone."""
    _publish(RETIRED, event, reason=event.reason)


@receives(UpstreamCircuitChanged, in_transaction=True)
def publish_upstream(event: UpstreamCircuitChanged) -> None:
    """Tell that the upstream went away or came back."""
    if event.is_open:
        _publish(UPSTREAM_DOWN, event, reason=event.reason)
    else:
        _publish(UPSTREAM_RECOVERED, event)


def publish_near_sunset_to_subscriber(
    event: ApiSunsetNear | ApiVersionSunsetNear, *, organization: Organization
) -> None:
    """Tell a subscriber's own programs that what they call is retired soon; once for each reminder."""
    _publish_sunset(event, organization=organization)


def _publish_sunset(
    event: ApiSunsetNear | ApiVersionSunsetNear, *, organization: Organization | None = None
) -> None:
    subject, version = event.api_id, None
    if isinstance(event, ApiVersionSunsetNear):
        subject, version = event.version_id, event.version_name
    _publish(
        SUNSET_NEAR,
        event,
        to=organization,
        dedupe_key=f"{subject}:{event.sunset_at.isoformat()}:{event.days_left}",
        sunset_at=event.sunset_at.isoformat(),
        days_left=event.days_left,
        version=version,
    )


def _publish(
    kind: WebhookEventType,
    event: ApiEvent,
    *,
    to: Organization | None = None,
    dedupe_key: str = "",
    **words: Any,
) -> None:
    api = Api.objects.select_related("organization").get(pk=event.api_id)
    data = {
        "id": api.public_id,
        "name": api.name,
        "slug": api.slug,
        "status": api.status,
        "gateway_url": f"{settings.GATEWAY_URL}/{api.slug}/",
        **words,
    }
    publish_webhook(
        organization=to or api.organization,
        event_type=kind.name,
        data=data,
        # Committed with the change or not at all: nothing can tell it a second time.
        dedupe_key=dedupe_key or str(uuid7()),
    )
