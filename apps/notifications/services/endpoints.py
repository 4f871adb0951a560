"""Webhook endpoints: made, changed, given a new secret, stopped and removed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.enums import PlatformLimit
from apps.accounts.models import Organization
from apps.accounts.platform_plans.gates import require_room
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated, UnsafeUrl
from apps.core.http_client import is_trusted_target, validate_url
from apps.notifications.constants import (
    API_VERSIONS,
    ENDPOINTS_PER_ORGANIZATION,
    OLD_SECRET_VALID_FOR,
    URL_MAX_CHARS,
)
from apps.notifications.enums import DisabledBecause, EndpointStatus
from apps.notifications.event_types import unknown_event_types
from apps.notifications.exceptions import UnknownEventType, WebhookLimitReached
from apps.notifications.models import WebhookEndpoint
from apps.notifications.services.outcomes import disable
from apps.notifications.signing import new_secret


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """An endpoint with its new secret, which nothing shows again."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EndpointTerms:
    """What an endpoint is: no event types means every one, those of later releases too."""

    url: str
    description: str = ""
    event_types: tuple[str, ...] = ()
    api_version: str = API_VERSIONS[-1]


@transaction.atomic
def create_endpoint(
    *, organization: Organization, terms: EndpointTerms, actor: Actor
) -> IssuedSecret:
    """Make an endpoint, active at once.

    Raises:
        UnsafeUrl: `url` is not one that we call.
        UnknownEventType: `event_types` names something that does not exist.
        RuleViolated: `api_version` is unknown, or the URL is too long.
        WebhookLimitReached: the organization has ten.
        PlanLimitReached: its plan allows no more.
    """
    checked = _checked(terms)
    # Parallel requests count one after the other.
    Organization.objects.select_for_update(no_key=True, of=("self",)).get(pk=organization.pk)
    count = WebhookEndpoint.objects.filter(organization=organization).count()
    if count >= ENDPOINTS_PER_ORGANIZATION:
        raise WebhookLimitReached(limit=ENDPOINTS_PER_ORGANIZATION)
    require_room(organization.pk, PlatformLimit.WEBHOOK_ENDPOINTS, field="url", used=count)
    secret = new_secret()
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        url=checked.url,
        description=checked.description,
        event_types=list(checked.event_types),
        api_version=checked.api_version,
        secret=secret,
        created_by_id=actor.user_id,
    )
    record_audit(
        action="notifications:webhook_endpoint:created",
        target=endpoint,
        actor=actor,
        after=_facts(endpoint),
    )
    return IssuedSecret(endpoint=endpoint, secret=secret)


@transaction.atomic
def update_endpoint(
    *, endpoint: WebhookEndpoint, terms: EndpointTerms, actor: Actor
) -> WebhookEndpoint:
    """Change what an endpoint is; messages on their way go to the new address.

    Raises:
        UnsafeUrl, UnknownEventType, RuleViolated: as for a new one.
        NotFound: it was removed meanwhile.
    """
    checked = _checked(terms)
    endpoint = WebhookEndpoint.objects.lock(endpoint.pk)
    before = _facts(endpoint)
    endpoint.url = checked.url
    endpoint.description = checked.description
    endpoint.event_types = list(checked.event_types)
    endpoint.api_version = checked.api_version
    after = _facts(endpoint)
    if after == before:
        return endpoint
    endpoint.save(update_fields=["url", "description", "event_types", "api_version", "updated_at"])
    record_audit(
        action="notifications:webhook_endpoint:updated",
        target=endpoint,
        actor=actor,
        before=before,
        after=after,
    )
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, actor: Actor) -> IssuedSecret:
    """Give the endpoint a new secret; for 24 hours the old one signs as well.

    A second rotation within that time ends the oldest secret at once.

    Raises:
        NotFound: the endpoint was removed meanwhile.
    """
    endpoint = WebhookEndpoint.objects.lock(endpoint.pk)
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_secret_expires_at = clock.now() + OLD_SECRET_VALID_FOR
    endpoint.secret = new_secret()
    endpoint.save(
        update_fields=["secret", "previous_secret", "previous_secret_expires_at", "updated_at"]
    )
    record_audit(
        action="notifications:webhook_endpoint:secret_rotated",
        target=endpoint,
        actor=actor,
        after={"old_secret_valid_until": endpoint.previous_secret_expires_at},
    )
    return IssuedSecret(endpoint=endpoint, secret=endpoint.secret)


@transaction.atomic
def disable_endpoint(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookEndpoint:
    """Send nothing more to the endpoint; what was on its way is given up. Again changes nothing."""
    endpoint = WebhookEndpoint.objects.lock(endpoint.pk)
    if endpoint.status == EndpointStatus.ACTIVE:
        disable(endpoint, DisabledBecause.BY_HAND)
        record_audit(action="notifications:webhook_endpoint:disabled", target=endpoint, actor=actor)
    return endpoint


@transaction.atomic
def enable_endpoint(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookEndpoint:
    """Send new events to the endpoint again; what it missed can be replayed. Again changes nothing."""
    endpoint = WebhookEndpoint.objects.lock(endpoint.pk)
    if endpoint.status == EndpointStatus.DISABLED:
        endpoint.status = EndpointStatus.ACTIVE
        endpoint.disabled_because = ""
        endpoint.failing_since = None
        endpoint.save(update_fields=["status", "disabled_because", "failing_since", "updated_at"])
        record_audit(action="notifications:webhook_endpoint:enabled", target=endpoint, actor=actor)
    return endpoint


@transaction.atomic
def delete_endpoint(*, endpoint: WebhookEndpoint, actor: Actor) -> None:
    """Remove the endpoint and the log of its deliveries; the audit trail keeps that it was there.

    Raises:
        NotFound: it is gone already.
    """
    endpoint = WebhookEndpoint.objects.lock(endpoint.pk)
    record_audit(
        action="notifications:webhook_endpoint:deleted",
        target=endpoint,
        actor=actor,
        before=_facts(endpoint),
    )
    endpoint.delete()


def _checked(terms: EndpointTerms) -> EndpointTerms:
    url = terms.url.strip()
    if len(url) > URL_MAX_CHARS:
        raise RuleViolated(
            _("The URL may have at most %(limit)s characters.") % {"limit": URL_MAX_CHARS},
            field="url",
        )
    scheme, host, port = validate_url(url, field="url")
    if scheme != "https" and not is_trusted_target(host, port):
        raise UnsafeUrl(_("The URL must start with https://."), field="url")
    unknown = unknown_event_types(terms.event_types)
    if unknown:
        raise UnknownEventType(
            _("There is no event type “%(name)s”.") % {"name": unknown[0]},
            field="event_types",
            unknown=unknown,
        )
    if terms.api_version not in API_VERSIONS:
        raise RuleViolated(
            _("There is no version “%(version)s”.") % {"version": terms.api_version},
            field="api_version",
        )
    return EndpointTerms(
        url=url,
        description=terms.description.strip(),
        event_types=_in_order(terms.event_types),
        api_version=terms.api_version,
    )


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _facts(endpoint: WebhookEndpoint) -> dict[str, object]:
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": endpoint.event_types,
        "api_version": endpoint.api_version,
    }
