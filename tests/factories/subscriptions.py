"""Subscriptions, made by the service that consumers use."""

from __future__ import annotations

from apps.accounts.models import Organization, Workspace
from apps.core.actors import Actor
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import subscribe
from tests.factories.accounts import OrganizationFactory
from tests.factories.pricing import make_plan


def make_subscription(
    *, plan: Plan | None = None, consumer: Organization | None = None
) -> Subscription:
    """Subscribe an organization's default workspace to a plan."""
    consumer = consumer or OrganizationFactory()
    workspace = Workspace.objects.get(organization=consumer, is_default=True)
    return subscribe(plan=plan or make_plan(), workspace=workspace, actor=Actor.system("tests"))
