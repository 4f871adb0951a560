"""What happens to plans."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPublished(DomainEvent):
    """New subscribers may choose the plan."""

    plan_id: UUID
    api_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWithdrawn(DomainEvent):
    """The plan takes no new subscribers any more; `status` says whether it is deprecated or closed."""

    plan_id: UUID
    api_id: UUID
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceVersionPublished(DomainEvent):
    """A plan has a new current price version; those who subscribed before stay on theirs."""

    plan_id: UUID
    price_version_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionChanged(DomainEvent):
    """A promotion was made or changed; `kind` is created, updated, activated or deactivated. No organization: the operator's."""

    promotion_id: UUID
    organization_id: UUID | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueModelChanged(DomainEvent):
    """A pricing model of the operator's catalogue has a new version."""

    model_id: UUID
    version_id: UUID
