"""What two-sided rows share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models

from apps.core.querysets import TenantQuerySet

if TYPE_CHECKING:
    from apps.core.actors import Actor


M = TypeVar("M", bound=models.Model)


class TwoSidedQuerySet(TenantQuerySet[M]):
    """Rows with a consumer and a provider; `visible_to` is the consumer's side."""

    tenant_fields = ("consumer_organization_id",)

    def provided_by(self, actor: Actor) -> Self:
        """Keep the rows of the actor's own APIs (the provider's side)."""
        if actor.sees_every_tenant:
            return self.all()
        if actor.organization_id is None:
            return self.none()
        return self.filter(provider_organization_id=actor.organization_id)
