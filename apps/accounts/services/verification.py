"""Whether the operator knows a provider: decided in the approval queue, kept here."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.events import OrganizationChanged
from apps.accounts.models import Organization
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import InvalidInput


@transaction.atomic
def verify_provider(*, organization: Organization, actor: Actor, reason: str = "") -> Organization:
    """Note that the operator knows who the provider is; a verified one stays so.

    Publishes: OrganizationChanged.
    """
    return _set(organization, is_verified=True, actor=actor, reason=reason)


@transaction.atomic
def withdraw_verification(*, organization: Organization, actor: Actor, reason: str) -> Organization:
    """Stop trusting a provider: its next APIs are reviewed again. Live ones stay live.

    Raises:
        InvalidInput: no reason was given.

    Publishes: OrganizationChanged.
    """
    if not reason.strip():
        raise InvalidInput(field="reason")
    return _set(organization, is_verified=False, actor=actor, reason=reason.strip())


def _set(
    organization: Organization, *, is_verified: bool, actor: Actor, reason: str
) -> Organization:
    locked = Organization.objects.lock(organization.pk)
    if locked.is_verified_provider == is_verified:
        return locked
    locked.is_verified_provider = is_verified
    locked.save(update_fields=["is_verified_provider", "updated_at"])
    verb = "verified" if is_verified else "verification_withdrawn"
    record_audit(
        action=f"accounts:provider:{verb}",
        target=locked,
        actor=actor,
        organization_id=locked.pk,
        before={"is_verified_provider": not is_verified},
        after={"is_verified_provider": is_verified},
        reason=reason,
    )
    publish(OrganizationChanged(organization_id=locked.pk), key=str(locked.pk))
    return locked
