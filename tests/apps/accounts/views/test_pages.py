"""Portal pages of organizations."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.credentials import invitation_secret
from apps.accounts.models import Membership, Organization, ServiceToken
from tests.clients import client_for
from tests.factories.accounts import UserFactory, WorkspaceFactory, actor_of, make_member

pytestmark = pytest.mark.django_db

EVERYBODY = {"viewer", "developer", "billing", "admin", "owner"}
PAGES = {
    "/console/account/": EVERYBODY,
    "/console/organization/": EVERYBODY,
    "/console/organization/new/": EVERYBODY,
    "/console/organization/members/": EVERYBODY,
    "/console/organization/workspaces/": EVERYBODY,
    "/console/organization/tokens/": {"admin", "owner"},
    "/console/organization/audit/": {"admin", "owner"},
}


@pytest.mark.parametrize("path", PAGES)
def test_pages_open_to_exactly_these_roles(path: str) -> None:
    statuses = {
        role: client_for(make_member(role)).get(path).status_code for role in sorted(EVERYBODY)
    }

    assert statuses == {role: 200 if role in PAGES[path] else 403 for role in sorted(EVERYBODY)}
    assert Client().get(path).status_code == 302


def test_owner_changes_the_organization_and_viewer_cannot() -> None:
    owner = make_member("owner")
    viewer = make_member("viewer", owner.organization)
    data = {"name": "Renamed", "country": "FR", "currency": "EUR", "timezone": "UTC"}

    client_for(viewer).post("/console/organization/", data)
    assert Organization.objects.get().name != "Renamed"
    client_for(owner).post("/console/organization/", data)

    organization = Organization.objects.get()
    assert (organization.name, organization.country, organization.currency) == (
        "Renamed",
        "FR",
        "EUR",
    )


def test_sandbox_clock_is_moved_from_its_page() -> None:
    user = UserFactory()
    sandbox = services.create_sandbox_organization(name="Box", owner=user, actor=actor_of(user))
    client = client_for(user.memberships.get())

    refused = client.post("/console/organization/clock/", {"to": "2001-01-01T00:00"})
    moved = client.post("/console/organization/clock/", {"to": "2027-12-31T12:00"})

    assert "only moves forward" in refused.text
    assert moved.status_code == 302
    sandbox.refresh_from_db()
    assert sandbox.clock_offset.days > 0


def test_invitation_link_leads_through_login_to_membership() -> None:
    owner, guest = make_member("owner"), UserFactory(email="guest@example.com")
    client_for(owner).post(
        "/console/organization/members/invite/", {"email": guest.email, "role": "developer"}
    )
    invitation = owner.organization.invitations.get()
    link = f"/invitations/{invitation_secret(invitation.pk)}/"

    stranger = Client().get(link)
    another = client_for(make_member("owner")).get(link)
    client = client_for(guest)
    page, accepted = client.get(link), client.post(link)

    assert f"/accounts/login/?next={link}" in stranger.text
    assert "signed in as" in another.text
    assert "Accept invitation" in page.text
    assert accepted.status_code == 302
    assert guest.memberships.get().role == "developer"
    assert "no longer open" in client.get(link).text
    assert Client().get("/invitations/unknown/").status_code == 404


def test_invitation_for_the_own_address_is_offered_on_the_first_page() -> None:
    owner, guest = make_member("owner"), UserFactory(email="guest@example.com")
    invitation = services.invite_member(
        organization=owner.organization, email=guest.email, role="viewer", actor=actor_of(owner)
    )
    client = client_for(guest)

    page = client.get("/console/organization/", follow=True)
    client.post(f"/console/invitations/{invitation.public_id}/accept/")

    assert owner.organization.name in page.text
    assert guest.memberships.get().organization == owner.organization


def test_member_is_removed_after_a_question() -> None:
    owner = make_member("owner")
    developer = make_member("developer", owner.organization)
    url = f"/console/organization/members/{developer.public_id}/remove/"

    question = client_for(owner).get(url)
    client_for(make_member("owner")).post(url)
    assert Membership.objects.filter(pk=developer.pk).exists()
    client_for(owner).post(url)

    assert "loses access" in question.text
    assert not Membership.objects.filter(pk=developer.pk).exists()


def test_viewer_may_leave_and_not_remove_others() -> None:
    viewer = make_member("viewer")
    colleague = make_member("viewer", viewer.organization)
    client = client_for(viewer)

    other = client.post(f"/console/organization/members/{colleague.public_id}/remove/")
    own = client.post(f"/console/organization/members/{viewer.public_id}/remove/")

    assert (other.status_code, own.status_code) == (403, 302)
    assert list(viewer.organization.memberships.all()) == [colleague]


def test_service_token_is_shown_on_the_answer_only() -> None:
    owner = make_member("owner")
    client = client_for(owner)
    data = {
        "name": "export",
        "workspace": str(owner.organization.workspaces.get().pk),
        "permissions": ["keys.read"],
        "expires_on": "",
    }

    answer = client.post("/console/organization/tokens/", data)
    token = ServiceToken.objects.get()
    later = client.get("/console/organization/tokens/")
    client.post(f"/console/organization/tokens/{token.public_id}/revoke/")

    assert "Copy this token now" in answer.text
    assert "no-store" in answer["Cache-Control"]
    assert "Copy this token now" not in later.text
    token.refresh_from_db()
    assert token.state == "revoked"


def test_audit_log_is_paged_by_cursor_and_filtered_by_action(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apps.accounts.views.audit.PAGE_SIZE", 2)
    owner = make_member("owner")
    for name in ("Alpha", "Beta", "Gamma"):
        services.create_workspace(organization=owner.organization, name=name, actor=actor_of(owner))
    client = client_for(owner)

    first = client.get("/console/organization/audit/")
    cursor = first.context["cursors"]["next"]
    second = client.get("/console/organization/audit/", {"cursor": cursor})

    assert [event.after["name"] for event in first.context["events"]] == ["Gamma", "Beta"]
    assert [event.after["name"] for event in second.context["events"]] == ["Alpha"]
    assert client.get("/console/organization/audit/", {"action": "a:b:c"}).context["events"] == []


@pytest.mark.parametrize("item_count", [1, 3])
@pytest.mark.parametrize(
    ("path", "queries"),
    [("members", 8), ("workspaces", 7), ("tokens", 9), ("audit", 7)],
)
def test_pages_need_as_many_queries_for_three_rows_as_for_one(
    path: str, queries: int, item_count: int, django_assert_num_queries: Any
) -> None:
    owner = make_member("owner")
    for number in range(item_count):
        make_member("viewer", owner.organization)
        WorkspaceFactory(organization=owner.organization)
        services.create_service_token(
            organization=owner.organization,
            name=f"t{number}",
            permissions=frozenset({"keys.read"}),
            actor=actor_of(owner),
        )
    client = client_for(owner)
    client.get(f"/console/organization/{path}/")

    with django_assert_num_queries(queries):
        response = client.get(f"/console/organization/{path}/")

    assert response.status_code == 200
