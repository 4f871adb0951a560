"""Organizations."""

from __future__ import annotations

import secrets
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.accounts.enums import Role
from apps.accounts.events import OrganizationChanged, OrganizationCreated
from apps.accounts.models import Membership, Organization, User, Workspace
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish

SLUG_CHARS: Final = 50
CHANGEABLE: Final = frozenset({"name", "country", "currency", "timezone", "billing_email"})


def create_organization(
    *, name: str, owner: User, actor: Actor, is_sandbox: bool = False, **details: str
) -> Organization:
    """Make an organization with its default workspace; `owner` becomes its first owner.

    `details` are `country` (ISO 3166), `currency` (ISO 4217), `timezone` (IANA) and `billing_email`, which
    defaults to the owner's address. A sandbox has a test clock; it stays out of revenue and payouts.

    Raises:
        ValidationError: a detail is malformed. Publishes: OrganizationCreated.
    """
    organization = Organization(
        name=name.strip(),
        slug=_free_slug(name),
        is_sandbox=is_sandbox,
        **{"billing_email": owner.email, **details},
    )
    organization.full_clean()
    with transaction.atomic():
        organization.save()
        Workspace.objects.create(
            organization=organization, name=_("Default"), slug="default", is_default=True
        )
        Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
        record_audit(
            action="accounts:organization:created",
            target=organization,
            actor=actor,
            organization_id=organization.pk,
            after={"name": organization.name, "is_sandbox": is_sandbox},
        )
        publish(OrganizationCreated(organization_id=organization.pk, is_sandbox=is_sandbox))
    return organization


def create_sandbox_organization(*, name: str, owner: User, actor: Actor) -> Organization:
    """Make an organization with a test clock. Publishes: OrganizationCreated."""
    return create_organization(name=name, owner=owner, actor=actor, is_sandbox=True)


def _free_slug(name: str) -> str:
    """Return a slug nobody has; the random tail makes a parallel sign-up's clash improbable."""
    base = slugify(name)[:SLUG_CHARS] or "organization"
    taken = Organization.objects.filter(slug=base).exists()
    return f"{base}-{secrets.token_hex(3)}" if taken else base


@transaction.atomic
def update_organization(
    *, organization: Organization, actor: Actor, **changes: Any
) -> Organization:
    """Change name, country, currency, time zone or billing address.

    Raises:
        ValidationError: a value is malformed. Publishes: OrganizationChanged.
    """
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    organization = Organization.objects.lock(organization.pk)
    before = {name: getattr(organization, name) for name in changes}
    for name, value in changes.items():
        setattr(organization, name, value)
    organization.full_clean()
    organization.save(update_fields=[*changes, "updated_at"])
    record_audit(
        action="accounts:organization:changed",
        target=organization,
        actor=actor,
        organization_id=organization.pk,
        before=before,
        after=changes,
    )
    publish(OrganizationChanged(organization_id=organization.pk), key=str(organization.pk))
    return organization


@transaction.atomic
def set_api_tier(*, organization_id: UUID, tier: str, actor: Actor) -> bool:
    """Note the tier of the platform's own rate limits that an organization has earned; return whether that is news."""
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    if organization.api_tier == tier:
        return False
    before, organization.api_tier = organization.api_tier, tier
    organization.save(update_fields=["api_tier", "updated_at"])
    record_audit(
        action="accounts:organization:api_tier_changed",
        target=organization,
        actor=actor,
        organization_id=organization.pk,
        before={"api_tier": before},
        after={"api_tier": tier},
    )
    return True
