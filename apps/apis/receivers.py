"""Telling providers what became of their APIs."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse

from apps.accounts.enums import StaffRole
from apps.apis import notices
from apps.apis.approval import EDITOR_ROUTE
from apps.apis.constants import MANAGE
from apps.apis.events import (
    ApiActivated,
    ApiChanged,
    ApiDeprecated,
    ApiRegistrationFailed,
    ApiResumed,
    ApiRetired,
    ApiSuspended,
    ApiVersionSunsetNear,
    UpstreamCircuitChanged,
)
from apps.apis.models import Api
from apps.apis.services.discovery import note_listing
from apps.apis.services.monitoring import forget_circuit
from apps.core.events import receives
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify_members, notify_staff


@receives(ApiActivated)
def tell_provider_of_activation(event: ApiActivated) -> None:
    """Tell the provider that calls pass."""
    _tell_provider(event.api_id, notices.ACTIVE, fact="active")


@receives(ApiRegistrationFailed)
def tell_both_sides_of_failure(event: ApiRegistrationFailed) -> None:
    """Tell the provider and the operator that the gateway did not learn the API."""
    api = _load(event.api_id)
    message = _message(api, notices.FAILED, fact=f"failed:{event.change_id}", reason=event.reason)
    notify_members(organization=api.organization, permission=MANAGE, message=message)
    notify_staff(organization=api.organization, role=StaffRole.OPERATOR, message=message)


@receives(ApiSuspended)
def tell_provider_of_suspension(event: ApiSuspended) -> None:
    """Tell the provider, unless they suspended the API themselves."""
    if event.by_operator:
        _tell_provider(
            event.api_id,
            notices.SUSPENDED,
            fact=f"suspended:{event.change_id}",
            reason=event.reason,
        )


@receives(ApiRetired)
def tell_provider_of_retirement(event: ApiRetired) -> None:
    """Tell the provider when the API's announced day retired it; else they did it themselves, or were told why."""
    if event.is_due:
        _tell_provider(event.api_id, notices.RETIRED, fact="retired")


@receives(ApiVersionSunsetNear)
def tell_provider_of_version_that_stays(event: ApiVersionSunsetNear) -> None:
    """Tell the provider that a version's day came and nothing can take its place."""
    if event.days_left:
        return
    api = _load(event.api_id)
    message = Message(
        kind=notices.VERSION_STAYS.name,
        dedupe_key=f"apis:{event.version_id}:stays:{event.sunset_at.isoformat()}",
        url=reverse("portal:provider_api_versions", args=[api.public_id]),
        context={"name": api.name, "version": event.version_name},
    )
    notify_members(organization=api.organization, permission=MANAGE, message=message)


@receives(UpstreamCircuitChanged)
def tell_of_upstream(event: UpstreamCircuitChanged) -> None:
    """Tell the provider that the upstream went away or came back; the operator only that it went."""
    api = _load(event.api_id)
    state = "down" if event.is_open else "back"
    kind = notices.UPSTREAM_DOWN if event.is_open else notices.UPSTREAM_BACK
    fact = f"upstream:{state}:{event.incident_id}"
    message = _message(api, kind, fact=fact, reason=event.reason)
    notify_members(organization=api.organization, permission=MANAGE, message=message)
    if event.is_open:
        notify_staff(organization=api.organization, role=StaffRole.OPERATOR, message=message)


@receives(ApiChanged, in_transaction=True)
def judge_a_new_upstream_anew(event: ApiChanged) -> None:
    """What the old address did says nothing about another one."""
    api = _load(event.api_id)
    newest = api.health_checks.first()
    if newest is not None and newest.url != api.health_url:
        forget_circuit(api_id=event.api_id)


@receives(ApiActivated, in_transaction=True)
def list_activated(event: ApiActivated) -> None:
    """The catalogue lists it now."""
    note_listing(api_id=event.api_id)


@receives(ApiChanged, in_transaction=True)
def list_changed(event: ApiChanged) -> None:
    """It may have become public, or hidden itself."""
    note_listing(api_id=event.api_id)


@receives(ApiDeprecated, in_transaction=True)
def list_deprecated(event: ApiDeprecated) -> None:
    """It stays, marked."""
    note_listing(api_id=event.api_id)


@receives(ApiResumed, in_transaction=True)
def list_resumed(event: ApiResumed) -> None:
    """It is back."""
    note_listing(api_id=event.api_id)


@receives(ApiRetired, in_transaction=True)
def drop_retired(event: ApiRetired) -> None:
    """It is gone."""
    note_listing(api_id=event.api_id)


@receives(ApiSuspended, in_transaction=True)
def drop_suspended(event: ApiSuspended) -> None:
    """It is gone for a while."""
    note_listing(api_id=event.api_id)


def _load(api_id: UUID) -> Api:
    return Api.objects.select_related("organization").get(pk=api_id)


def _tell_provider(api_id: UUID, kind: NotificationKind, *, fact: str, reason: str = "") -> None:
    api = _load(api_id)
    message = _message(api, kind, fact=fact, reason=reason)
    notify_members(organization=api.organization, permission=MANAGE, message=message)


def _message(api: Api, kind: NotificationKind, *, fact: str, reason: str) -> Message:
    return Message(
        kind=kind.name,
        dedupe_key=f"apis:{api.pk}:{fact}",
        url=reverse(EDITOR_ROUTE, args=[api.public_id]),
        context={
            "name": api.name,
            "address": f"{settings.GATEWAY_URL}/{api.slug}/",
            "reason": reason,
        },
    )
