"""Private plans: who is invited sees them and may subscribe; to others they do not exist."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.pricing import services
from apps.pricing.exceptions import PlanInvitationInvalid
from apps.pricing.models import Plan, PlanInvitation
from apps.subscriptions.exceptions import PlanNotOffered
from tests.clients import api_client, client_for
from tests.factories.accounts import actor_of, make_member
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM, make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Membership:
    return make_member("developer")


@pytest.fixture
def guest() -> Membership:
    return make_member("owner")


@pytest.fixture
def plan(provider: Membership) -> Plan:
    return make_plan(make_api(organization=provider.organization), is_private=True, name="Inner")


def offered(client: APIClient, plan: Plan) -> list[str]:
    rows = client.get(f"/api/v1/marketplace/apis/{plan.api.slug}/plans").data["data"]
    return [row["name"] for row in rows]


def test_who_is_invited_over_rest_sees_and_subscribes_until_removed(
    provider: Membership, guest: Membership, plan: Plan
) -> None:
    own, theirs, other = api_client(provider), api_client(guest), api_client(make_member("owner"))
    url = f"/api/v1/provider/plans/{plan.public_id}/invitations"
    subscribe = {"plan": plan.public_id}
    assert offered(theirs, plan) == []
    assert theirs.post("/api/v1/subscriptions", subscribe).status_code == 404

    invited = own.post(url, {"organization_id": guest.organization.public_id})
    again = own.post(url, {"organization_id": guest.organization.public_id})

    assert (invited.status_code, again.status_code, again.data["code"]) == (
        201,
        409,
        "invited_already",
    )
    assert [row["organization"] for row in own.get(url).data["data"]] == [guest.organization.name]
    assert (offered(theirs, plan), offered(other, plan), offered(api_client(), plan)) == (
        ["Inner"],
        [],
        [],
    )
    assert theirs.post("/api/v1/subscriptions", subscribe).status_code == 201
    assert other.post("/api/v1/subscriptions", subscribe).status_code == 404
    assert other.get(url).status_code == 404
    assert own.delete(f"{url}/{invited.data['id']}").status_code == 204
    assert own.delete(f"{url}/{invited.data['id']}").status_code == 404
    assert offered(theirs, plan) == []
    actions = AuditEvent.objects.filter(action__startswith="pricing:invitation:")
    assert sorted(actions.values_list("action", flat=True)) == [
        "pricing:invitation:granted",
        "pricing:invitation:removed",
    ]


@pytest.mark.parametrize("organization_id", ["org_nonsense", "own"])
def test_unknown_organization_and_the_own_one_are_refused(
    provider: Membership, plan: Plan, organization_id: str
) -> None:
    own = provider.organization.public_id
    given = own if organization_id == "own" else organization_id
    url = f"/api/v1/provider/plans/{plan.public_id}/invitations"

    answer = api_client(provider).post(url, {"organization_id": given})

    assert answer.status_code in {400, 422}
    assert [error["pointer"] for error in answer.data["errors"]] == ["/organization_id"]
    assert not PlanInvitation.objects.exists()


def test_a_mailed_link_opens_the_plan_to_whom_it_was_sent(
    provider: Membership, guest: Membership, plan: Plan
) -> None:
    page = f"/console/provider/plans/{plan.public_id}/access/"
    assert client_for(provider).post(page, {"email": guest.user.email}).status_code == 302
    drain_until_empty()
    link = re.search(r"/console/invited-plan/\S+/", str(mail.outbox[0].body))
    assert link is not None
    assert "the plan Inner" in mail.outbox[0].body
    stranger = make_member("owner")
    client_for(stranger).post(link.group())
    assert not PlanInvitation.objects.exists()

    browser = client_for(guest)
    asked = browser.get(link.group()).content.decode()
    accepted = browser.post(link.group())

    assert "Open the private plan Inner?" in asked
    assert accepted["Location"] == f"/console/subscribe/{plan.public_id}/"
    assert browser.get(accepted["Location"]).status_code == 200
    assert guest.organization.name in client_for(provider).get(page).content.decode()


def test_a_link_does_not_bring_back_what_was_taken_away(guest: Membership, plan: Plan) -> None:
    invitation = services.invite_to_plan(
        plan=plan, organization_id=guest.organization.public_id, actor=SYSTEM
    )
    services.invite_to_plan_by_mail(plan=plan, email=guest.user.email, actor=SYSTEM)
    drain_until_empty()
    token = mail.outbox[0].body.split("/console/invited-plan/")[1].split("/")[0]
    services.remove_plan_invitation(invitation=invitation, actor=SYSTEM)
    link = services.read_plan_link(token)

    with pytest.raises(PlanInvitationInvalid):
        services.accept_plan_invitation(link=link, user=guest.user, actor=actor_of(guest))
    with pytest.raises(PlanInvitationInvalid):
        services.read_plan_link("forged")
    with pytest.raises(PlanNotOffered):
        make_subscription(plan=plan, consumer=guest.organization)
