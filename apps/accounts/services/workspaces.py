"""Workspaces: parts of an organization with their own keys and subscriptions."""

from __future__ import annotations

from django.db import transaction
from django.utils.text import slugify

from apps.accounts.enums import PlatformLimit
from apps.accounts.exceptions import SlugTaken
from apps.accounts.models import Organization, Workspace
from apps.accounts.platform_plans.gates import require_room
from apps.core.actors import Actor
from apps.core.audit import record_audit


@transaction.atomic
def create_workspace(*, organization: Organization, name: str, actor: Actor) -> Workspace:
    """Make a workspace.

    Raises:
        SlugTaken: the organization has one of that name.
        ValidationError: the name is empty or too long.
        PlanLimitReached: the organization's plan allows no more.
    """
    Organization.objects.lock(organization.pk)  # parallel requests count one after the other
    require_room(organization.pk, PlatformLimit.WORKSPACES, field="name")
    workspace = Workspace(
        organization=organization, name=name.strip(), slug=_slug_of(organization, name)
    )
    workspace.full_clean()
    workspace.save()
    record_audit(
        action="accounts:workspace:created",
        target=workspace,
        actor=actor,
        after={"name": workspace.name},
    )
    return workspace


@transaction.atomic
def rename_workspace(*, workspace: Workspace, name: str, actor: Actor) -> Workspace:
    """Give a workspace another name; its slug, which keys and logs show, stays.

    Raises:
        ValidationError: the name is empty or too long.
    """
    workspace = Workspace.objects.lock(workspace.pk)
    before, workspace.name = workspace.name, name.strip()
    workspace.full_clean()
    workspace.save(update_fields=["name", "updated_at"])
    record_audit(
        action="accounts:workspace:renamed",
        target=workspace,
        actor=actor,
        before={"name": before},
        after={"name": workspace.name},
    )
    return workspace


def _slug_of(organization: Organization, name: str) -> str:
    slug = slugify(name)[:60] or "workspace"
    if Workspace.objects.filter(organization=organization, slug=slug).exists():
        raise SlugTaken(field="name")
    return slug
