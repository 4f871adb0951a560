"""Turns what happens in the domain into wanted entries, in the same transaction.

A key that is revoked, or an API that is suspended, is on its way to the authorizers the moment that the
change commits.
"""

from __future__ import annotations

from datetime import UTC, datetime

from apps.accounts.events import ClockAdvanced, OrganizationChanged
from apps.apis import events as api_events
from apps.apis.models import Api
from apps.core import jobs
from apps.core.events import receives
from apps.gateway import notices, services
from apps.gateway.events import ThrottleApplied, ThrottleEvent, ThrottleLifted
from apps.gateway.models import TenantThrottle
from apps.gateway.registration import GATEWAY, needs_check, want_registered_route
from apps.keys import events as key_events
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify_members
from apps.subscriptions.events import AllowanceChanged, SubscriptionChanged


@receives(api_events.ApiRegistrationRequested, in_transaction=True)
def register_route(event: api_events.ApiRegistrationRequested) -> None:
    """Bring a new API to the gateway at once where its upstream has just been seen to answer."""
    if not needs_check(Api.objects.get(pk=event.api_id)):
        want_registered_route(event.api_id)


@receives(api_events.ApiRegistrationRequested)
def check_before_registering(event: api_events.ApiRegistrationRequested) -> None:
    """Have the upstream asked by a worker where that is due: it may take seconds, and the relay must not wait."""
    if needs_check(Api.objects.get(pk=event.api_id)):
        jobs.enqueue(
            "gateway.register_api",
            actor=GATEWAY,
            api_id=str(event.api_id),
        )


@receives(api_events.ApiChanged, in_transaction=True)
def change_route(event: api_events.ApiChanged) -> None:
    """Follow a changed upstream, method list or secret."""
    services.want_route(event.api_id)


@receives(api_events.ApiEndpointsChanged, in_transaction=True)
def close_kept_endpoints(event: api_events.ApiEndpointsChanged) -> None:
    """Follow what the documents keep for admin keys."""
    services.want_route(event.api_id)


@receives(api_events.ApiEndpointsChanged)
def follow_endpoints(event: api_events.ApiEndpointsChanged) -> None:
    """Let the keys that are held to endpoints or groups follow; they may be many, so whoever imports does not wait."""
    services.want_limited_keys_of(event.api_id)


@receives(api_events.ApiSuspended, in_transaction=True)
def suspend_route(event: api_events.ApiSuspended) -> None:
    """Stop the calls of an API."""
    services.want_route(event.api_id)


@receives(api_events.UpstreamCircuitChanged, in_transaction=True)
def follow_circuit(event: api_events.UpstreamCircuitChanged) -> None:
    """Stop dialling an upstream that stays down, and begin again when it answers."""
    services.want_route(event.api_id)


@receives(api_events.ApiResumed, in_transaction=True)
def resume_route(event: api_events.ApiResumed) -> None:
    """Let the calls of an API pass again."""
    services.want_route(event.api_id)


@receives(api_events.ApiDeprecated, in_transaction=True)
def keep_deprecated_route(event: api_events.ApiDeprecated) -> None:
    """A deprecated API still serves its subscribers."""
    services.want_route(event.api_id)


@receives(api_events.ApiRetired, in_transaction=True)
def remove_route(event: api_events.ApiRetired) -> None:
    """Take a retired API out of the registry."""
    services.want_route(event.api_id)


@receives(SubscriptionChanged, in_transaction=True)
def change_subscription(event: SubscriptionChanged) -> None:
    """Follow every change of a subscription."""
    services.want_subscription(event.subscription_id)


@receives(AllowanceChanged, in_transaction=True)
def change_allowance(event: AllowanceChanged) -> None:
    """Follow extra calls and spend caps."""
    services.want_subscription(event.subscription_id)


@receives(key_events.KeyIssued, in_transaction=True)
def bring_key(event: key_events.KeyIssued) -> None:
    """Bring a new key to the gateway."""
    services.want_key(event.key_id)


@receives(key_events.KeyChanged, in_transaction=True)
def change_key(event: key_events.KeyChanged) -> None:
    """Follow a suspended, resumed or rotating key."""
    services.want_key(event.key_id)


@receives(key_events.KeySyncRetried, in_transaction=True)
def bring_key_again(event: key_events.KeySyncRetried) -> None:
    """Write a key again that was not proven in time, with all its tries before it."""
    services.want_key(event.key_id, is_forced=True)


@receives(key_events.KeyRevoked, in_transaction=True)
def remove_key(event: key_events.KeyRevoked) -> None:
    """Take a revoked key out of the registry."""
    services.want_key(event.key_id)


@receives(key_events.KeyExpired, in_transaction=True)
def expire_key(event: key_events.KeyExpired) -> None:
    """Tell an expired key's caller that it has expired."""
    services.want_key(event.key_id)


@receives(ClockAdvanced, in_transaction=True)
def follow_clock(event: ClockAdvanced) -> None:
    """Give the subscriptions of a sandbox account the quota periods of its new time."""
    services.want_subscriptions_of(event.organization_id)


@receives(ThrottleApplied)
def tell_of_throttle(event: ThrottleApplied) -> None:
    """Tell the organization's owners that it is held back, why, and until when."""
    throttle = TenantThrottle.objects.select_related("organization").get(pk=event.throttle_id)
    _tell_owners(
        throttle,
        notices.THROTTLED,
        event,
        until=_utc(throttle.ends_at),
        organization=throttle.organization.name,
        reason=throttle.reason,
    )


@receives(ThrottleLifted)
def tell_of_lifting(event: ThrottleLifted) -> None:
    """Tell the organization's owners that it is no longer held back."""
    throttle = TenantThrottle.objects.select_related("organization").get(pk=event.throttle_id)
    _tell_owners(throttle, notices.THROTTLE_LIFTED, event, applied=_utc(throttle.created_at))


@receives(OrganizationChanged, in_transaction=True)
def follow_organization(event: OrganizationChanged) -> None:
    """Follow an organization that was stopped or let on again."""
    services.want_tenant(event.organization_id)


def _tell_owners(
    throttle: TenantThrottle, kind: NotificationKind, event: ThrottleEvent, **context: str
) -> None:
    notify_members(
        organization=throttle.organization,
        permission="organization.manage",
        message=Message(
            kind=kind.name,
            dedupe_key=f"{kind.name}:{event.throttle_id}",
            context=context,
        ),
    )


def _utc(instant: datetime) -> str:
    """Write an instant so that readers in every time zone understand it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
