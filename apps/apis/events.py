"""What happens to an API, for the apps above: gateway, pricing, subscriptions, billing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEvent(DomainEvent):
    """Base: which API, of which provider."""

    api_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSubmitted(ApiEvent):
    """The provider asked to publish the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiApproved(ApiEvent):
    """An approver, or the category's instant mode, let the API go live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRejected(ApiEvent):
    """An approver said no, or the provider withdrew."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRegistrationRequested(ApiEvent):
    """The gateway must learn to call the API, and answer by `mark_api_active` or `mark_api_failed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiActivated(ApiEvent):
    """Every running authorizer proved that it knows the API: calls pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRegistrationFailed(ApiEvent):
    """The gateway could not prove the API in time; `change_id` names this failure."""

    change_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiChanged(ApiEvent):
    """What the gateway needs to call the API changed: upstream, methods, headers, secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEndpointsChanged(ApiEvent):
    """What the API's versions document may have changed: keys that are held to endpoints must follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSuspended(ApiEvent):
    """Calls must stop."""

    change_id: UUID
    reason: str
    by_operator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResumed(ApiEvent):
    """Calls may pass again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDeprecated(ApiEvent):
    """Subscribers may go on, nobody new may subscribe. `sunset_at`: when it is to be retired, if that is known."""

    reason: str = ""
    sunset_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSunsetNear(ApiEvent):
    """A deprecated API is retired in `days_left` days or less; told once for each of the days of the reminders."""

    sunset_at: datetime
    days_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRetired(ApiEvent):
    """The API is gone; its subscriptions end. `is_due`: by itself, on the day that was announced."""

    reason: str = ""
    is_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersionEvent(ApiEvent):
    """Base: which version of an API."""

    version_id: UUID
    version_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersionPublished(ApiVersionEvent):
    """Callers may use the version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersionDeprecated(ApiVersionEvent):
    """Callers should leave the version before `sunset_at`; what `Deprecation` and `Sunset` headers say."""

    deprecated_at: datetime
    sunset_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersionSunsetNear(ApiVersionEvent):
    """A deprecated version is retired in `days_left` days or less; 0: it should be, but no other one can take its place."""

    sunset_at: datetime
    days_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersionRetired(ApiVersionEvent):
    """The version is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamCircuitChanged(ApiEvent):
    """The gateway must stop (`is_open`) or begin again to dial the upstream."""

    incident_id: UUID | None
    is_open: bool
    reason: str
