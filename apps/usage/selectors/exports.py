"""Exports, by who may read them."""

from __future__ import annotations

from apps.core.actors import Actor
from apps.core.querysets import TenantQuerySet
from apps.usage.enums import ExportSide
from apps.usage.models import UsageExport


def exports_of(actor: Actor) -> TenantQuerySet[UsageExport]:
    """Return the organization's exports with their jobs, newest first; an operator gets the operators' own."""
    rows = UsageExport.objects.visible_to(actor).select_related("job", "organization")
    if actor.sees_every_tenant:
        rows = rows.filter(side=ExportSide.OPERATOR)
    return rows.order_by("-id")


def get_export(actor: Actor, public_id: str) -> UsageExport:
    """Return an export of the actor's organization.

    Raises:
        NotFound: unknown, or another tenant's.
    """
    return exports_of(actor).get_visible(actor, public_id)
