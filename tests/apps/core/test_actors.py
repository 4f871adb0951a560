"""Staff see every tenant in the back office, and only their own organization elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.enums import Role
from apps.subscriptions.models import Subscription
from tests.factories.accounts import MembershipFactory, OrganizationFactory, actor_of, make_staff
from tests.factories.direct import make_subscription_row

pytestmark = pytest.mark.django_db


def test_staff_who_are_members_see_only_their_organization_in_the_console() -> None:
    make_subscription_row()
    staff = make_staff("operator")
    own = OrganizationFactory()
    MembershipFactory(user=staff, organization=own, role=Role.OWNER)
    actor = actor_of(staff)

    assert not Subscription.objects.visible_to(actor).exists()
    assert Subscription.objects.visible_to(actor.as_platform()).count() == 1


def test_staff_without_organization_see_every_tenant() -> None:
    make_subscription_row()

    actor = actor_of(make_staff("operator"))

    assert Subscription.objects.visible_to(actor).count() == 1


def test_member_of_staff_reads_foreign_rows_only_through_staff_endpoints(api_client: Any) -> None:
    subscription = make_subscription_row()
    staff = make_staff("operator")
    MembershipFactory(user=staff, organization=OrganizationFactory(), role=Role.OWNER)
    client = api_client(staff)

    assert client.get(f"/api/v1/subscriptions/{subscription.public_id}").status_code == 404
    assert client.get("/api/v1/admin/users").status_code == 200
