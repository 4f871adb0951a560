"""Tenant isolation by construction: every tenant-scoped query starts with `visible_to(actor)`."""

from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id

M = TypeVar("M", bound=models.Model)
RowsT = TypeVar("RowsT", bound="models.QuerySet[Any]")


def only_of(rows: RowsT, organization_id: UUID | None, *, field: str = "organization_id") -> RowsT:
    """Keep one organization's rows, or all where none is named: jobs work for everybody, a test clock for its own."""
    return rows if organization_id is None else rows.filter(**{field: organization_id})


class TenantQuerySet(models.QuerySet[M]):
    """Rows that belong to an organization.

    `tenant_fields` names the columns that hold an organization's id; a two-sided row (consumer and
    provider) names both and is read through side-specific methods where the fields shown differ.
    """

    tenant_fields: ClassVar[tuple[str, ...]] = ("organization_id",)

    def visible_to(self, actor: Actor) -> Self:
        """Keep the rows of the actor's organization; the system and staff see all."""
        if actor.sees_every_tenant:
            return self.all()
        if actor.organization_id is None:
            return self.none()
        scope = Q()
        for name in self.tenant_fields:
            scope |= Q(**{name: actor.organization_id})
        return self.filter(scope)

    def get_visible(self, actor: Actor, public_id: str) -> M:
        """Return the row with that public id if the actor may see it.

        Raises:
            NotFound: unknown id, malformed id, or another tenant's row: all the same answer.
        """
        try:
            key = parse_public_id(getattr(self.model, "id_prefix"), public_id)  # noqa: B009
        except InvalidPublicIdError:
            raise NotFound from None
        row = self.visible_to(actor).filter(pk=key).first()
        if row is None:
            raise NotFound
        return row

    def lock(self, pk: UUID) -> M:
        """Return the row locked for update until the transaction ends (foreign keys stay usable).

        Raises:
            NotFound: the row is gone.
        """
        row = self.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
        if row is None:
            raise NotFound
        return row
