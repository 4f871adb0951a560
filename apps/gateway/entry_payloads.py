"""What the registry should hold about an API, a key, a subscription or an organization.

Each builder reads domain rows and returns a wanted entry; None as its entry means that the registry must
hold nothing. Ids in entries are public ids, because journal, access log and usage events carry them out.

Source: docs/architecture/gateway.md §3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

from apps.accounts.models import Organization, Workspace
from apps.apis.enums import ApiStatus, CircuitState
from apps.apis.models import HTTP_METHODS, Api, UpstreamHealth
from apps.apis.services import can_be_required
from apps.core import clock
from apps.core.clock import Period
from apps.core.ids import format_public_id
from apps.gateway import entries
from apps.gateway.endpoints import (
    Describe,
    Pairs,
    described_for,
    endpoints_of,
    open_endpoints_of,
)
from apps.gateway.enums import EntryKind
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey
from apps.keys.terms import WINDOWS
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.enums import LIVE_STATUSES, SubscriptionStatus
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import extra_calls, periods_from, plan_quota
from apps.subscriptions.spend import spend_calls_of

ROUTED_STATUSES: Final = (
    ApiStatus.REGISTERING,
    ApiStatus.ACTIVE,
    ApiStatus.DEPRECATED,
    ApiStatus.SUSPENDED,
)
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
SECOND: Final = 1
MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400

# The states of a key in the registry: one that waits for its proof is served as soon as it is known.
KEY_STATES: Final = {
    KeyStatus.PENDING: "active",
    KeyStatus.FAILED_SYNC: "active",
    KeyStatus.ACTIVE: "active",
    KeyStatus.ROTATING: "rotating",
    KeyStatus.SUSPENDED: "suspended",
    KeyStatus.EXPIRED: "expired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEntry:
    """One entry as it should be. `refresh_at` is the real time at which it must be computed again."""

    kind: EntryKind
    key: str
    subject_id: UUID
    entry: entries.Entry | None
    refresh_at: datetime | None = None


def wanted_route(
    api: Api, *, open_endpoints: Callable[[Api], Pairs | None] = open_endpoints_of
) -> WantedEntry:
    """Return how calls of an API are routed; it is absent until the API is being registered, and when that failed."""
    entry = _route_of(api, open_endpoints(api)) if api.status in ROUTED_STATUSES else None
    return WantedEntry(kind=EntryKind.ROUTE, key=api.slug, subject_id=api.pk, entry=entry)


def wanted_key(key: ApiKey, *, describe: Describe = described_for) -> WantedEntry:
    """Return what a key may do; a revoked one is absent.

    An old key that is being replaced expires at the end of the grace.
    """
    return WantedEntry(
        kind=EntryKind.KEY, key=key.digest, subject_id=key.pk, entry=_key_of(key, describe)
    )


def wanted_subscription(subscription: Subscription) -> WantedEntry:
    """Return the terms of a subscription with its quota periods: this one and the next.

    It is absent before its provider has accepted it and after it has ended.
    """
    is_wanted = (
        subscription.status in LIVE_STATUSES
        and subscription.status != SubscriptionStatus.PENDING_APPROVAL
    )
    account = subscription.consumer_organization
    entry, refresh_at = None, None
    if is_wanted:
        periods = periods_from(subscription, clock.business_now(account), count=2)
        entry = _subscription_of(subscription, periods)
        refresh_at = periods[0].end - account.clock_offset
    return WantedEntry(
        kind=EntryKind.SUBSCRIPTION,
        key=subscription.public_id,
        subject_id=subscription.pk,
        entry=entry,
        refresh_at=refresh_at,
    )


def _route_of(api: Api, open_endpoints: Pairs | None) -> entries.Route:
    parts = urlsplit(api.upstream_url)
    # Sorted here, so that rows that were read ahead for many APIs are used.
    secrets = sorted(api.upstream_secrets.all(), key=lambda secret: (secret.created_at, secret.pk))
    methods = tuple(api.allowed_methods)
    required = {row.name.lower() for row in api.required_headers.all() if can_be_required(row.name)}
    injected = {secret.header_name.lower() for secret in secrets}
    return entries.Route(
        api_id=api.public_id,
        provider_org_id=format_public_id(Organization.id_prefix, api.organization_id),
        scheme="http" if parts.scheme == "http" else "https",
        host=parts.hostname or "",
        port=parts.port or DEFAULT_PORTS["http" if parts.scheme == "http" else "https"],
        base_path=parts.path.rstrip("/"),
        state=_route_state(api),
        upstream_headers=tuple((secret.header_name, secret.value) for secret in secrets),
        methods=() if set(methods) >= set(HTTP_METHODS) else methods,
        cors_origins=tuple(api.cors_origins),
        # Sorted here, so that rows that were read ahead are used.
        hosts=tuple(sorted(row.hostname for row in api.domains.all() if row.is_verified)),
        timeout=api.timeout_class,  # type: ignore[arg-type]  # the enum's values are the entry's literals
        limits=_named_limits(
            ("api-second", api.calls_per_second, SECOND),
            ("api-minute", api.calls_per_minute, MINUTE),
        ),
        # What the gateway adds itself, callers need not send.
        required_headers=tuple(sorted(required - injected)),
        open_endpoints=open_endpoints,
    )


def _route_state(api: Api) -> Literal["active", "suspended", "unhealthy"]:
    if api.status == ApiStatus.SUSPENDED:
        return "suspended"
    try:
        circuit = api.upstream_health.circuit
    except UpstreamHealth.DoesNotExist:
        return "active"
    return "unhealthy" if circuit == CircuitState.OPEN else "active"


def _key_of(key: ApiKey, describe: Describe) -> entries.Key | None:
    state = KEY_STATES.get(KeyStatus(key.status))
    if state is None:
        return None
    expires_at = key.expires_at
    if key.status == KeyStatus.ROTATING:
        expires_at = key.rotation_out.grace_ends_at
    return entries.Key(
        key_id=key.public_id,
        sub_id=format_public_id(Subscription.id_prefix, key.subscription_id),
        org_id=format_public_id(Organization.id_prefix, key.organization_id),
        workspace_id=format_public_id(Workspace.id_prefix, key.workspace_id),
        state=state,  # type: ignore[arg-type]  # the table's values are the entry's literals
        environment=key.environment,  # type: ignore[arg-type]  # the enum's values are the entry's literals
        expires_at=_milliseconds(expires_at),
        scopes=tuple(key.scopes),  # type: ignore[arg-type]  # as above
        endpoints=endpoints_of(key, describe),
        ip_allow=tuple(key.ip_allow),
        limits=_key_limits_of(key),
    )


def _key_limits_of(key: ApiKey) -> tuple[entries.RateLimit, ...]:
    return tuple(
        entries.RateLimit(
            name=name.replace("rate_per_", "key-"), max=getattr(key, name), window_s=window_s
        )
        for name, window_s in WINDOWS.items()
        if getattr(key, name) is not None
    )


def _subscription_of(subscription: Subscription, periods: list[Period]) -> entries.Subscription:
    account, version = subscription.consumer_organization, subscription.price_version
    return entries.Subscription(
        api_id=format_public_id(Api.id_prefix, subscription.api_id),
        consumer_org_id=account.public_id,
        workspace_id=format_public_id(Workspace.id_prefix, subscription.workspace_id),
        provider_org_id=format_public_id(
            Organization.id_prefix, subscription.provider_organization_id
        ),
        plan_id=format_public_id(Plan.id_prefix, subscription.plan_id),
        state=subscription.status,
        valid_until=_milliseconds(subscription.ends_at),
        limits=_rate_limits_of(version),
        quota=entries.Quota(
            limit=plan_quota(subscription),
            hard=version.quota_kind == "hard",
            periods=tuple(
                entries.Period(
                    start=_exact_ms(period.start),
                    end=_exact_ms(period.end),
                    extra=extra_calls(subscription, period),
                )
                for period in periods
            ),
            spend_calls=spend_calls_of(subscription),
        ),
        clock_offset_ms=round(account.clock_offset.total_seconds() * 1000),
        sandbox=account.is_sandbox,
    )


def _rate_limits_of(version: PriceVersion) -> tuple[entries.RateLimit, ...]:
    return _named_limits(
        ("second", version.rate_per_second, SECOND),
        ("minute", version.rate_per_minute, MINUTE),
        ("hour", version.rate_per_hour, HOUR),
        ("day", version.rate_per_day, DAY),
    )


def _named_limits(*limits: tuple[str, int | None, int]) -> tuple[entries.RateLimit, ...]:
    """Return those limits that are set: name, most calls, and length of the window in seconds."""
    return tuple(
        entries.RateLimit(name=name, max=most, window_s=window_s)
        for name, most, window_s in limits
        if most is not None
    )


def _milliseconds(instant: datetime | None) -> int | None:
    return None if instant is None else _exact_ms(instant)


def _exact_ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
