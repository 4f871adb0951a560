"""People, organizations and tokens over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail

from apps.accounts import services
from apps.accounts.models import Membership, ServiceToken
from apps.core import relay
from tests.clients import api_client
from tests.factories.accounts import (
    UserFactory,
    WorkspaceFactory,
    actor_of,
    make_member,
    make_staff,
)

pytestmark = pytest.mark.django_db


def base(member: Membership) -> str:
    return f"/api/v1/organizations/{member.organization.public_id}"


def test_organization_is_made_once_per_idempotency_key() -> None:
    user = UserFactory()
    body = {"name": "Acme", "currency": "EUR", "is_sandbox": True}

    answers = [
        api_client(user).post("/api/v1/organizations", body, headers={"idempotency-key": "one"})
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert (answers[0].json()["currency"], answers[0].json()["is_sandbox"]) == ("EUR", True)
    assert user.memberships.count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "A", "currency": "euro"}, "/currency"),
        ({"name": "A", "country": "Germany"}, "/country"),
        ({"name": "A", "timezone": "Mars/Olympus"}, "/timezone"),
    ],
)
def test_organization_with_a_wrong_field_is_refused_by_name(
    body: dict[str, str], pointer: str
) -> None:
    response = api_client(UserFactory()).post("/api/v1/organizations", body)

    assert response.status_code == 400
    assert response.json()["code"] == "validation_error"
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_organization_is_changed_by_its_owner() -> None:
    owner = make_member("owner")

    response = api_client(owner).patch(base(owner), {"timezone": "Europe/Paris"})

    assert (response.status_code, response.json()["timezone"]) == (200, "Europe/Paris")


def test_clock_of_a_sandbox_moves_and_of_others_does_not() -> None:
    user = UserFactory()
    services.create_sandbox_organization(name="Box", owner=user, actor=actor_of(user))
    sandbox, real = user.memberships.get(), make_member("owner")

    moved = api_client(sandbox).post(f"{base(sandbox)}/clock", {"by_seconds": 86_400})
    refused = api_client(real).post(f"{base(real)}/clock", {"by_seconds": 86_400})
    both = api_client(sandbox).post(
        f"{base(sandbox)}/clock", {"by_seconds": 1, "to": "2031-01-01T00:00:00Z"}
    )

    assert moved.status_code == 200
    assert moved.json()["time"] > moved.json()["created_at"]
    assert (refused.status_code, refused.json()["code"]) == (422, "not_a_sandbox")
    assert both.status_code == 400


def test_invitation_travels_from_mail_to_membership() -> None:
    owner, guest = make_member("owner"), UserFactory(email="guest@example.com")

    created = api_client(owner).post(
        f"{base(owner)}/invitations", {"email": "guest@example.com", "role": "billing"}
    )
    relay.drain_until_empty()
    listed = api_client(guest).get("/api/v1/me/invitations").json()["data"]
    joined = api_client(guest).post(f"/api/v1/me/invitations/{listed[0]['id']}/accept")

    assert created.status_code == 201
    assert mail.outbox[0].to == ["guest@example.com"]
    assert (joined.status_code, joined.json()["role"]) == (201, "billing")
    assert api_client(guest).get("/api/v1/me/invitations").json()["data"] == []


def test_invitation_of_another_person_does_not_exist() -> None:
    owner = make_member("owner")
    invitation = services.invite_member(
        organization=owner.organization, email="a@example.com", role="admin", actor=actor_of(owner)
    )

    response = api_client(UserFactory()).post(
        f"/api/v1/me/invitations/{invitation.public_id}/accept"
    )

    assert response.status_code == 404
    assert owner.organization.memberships.count() == 1


def test_last_owner_is_a_conflict() -> None:
    owner = make_member("owner")

    response = api_client(owner).delete(f"{base(owner)}/members/{owner.public_id}")

    assert (response.status_code, response.json()["code"]) == (409, "last_owner")


def test_service_token_is_shown_once() -> None:
    owner = make_member("owner")
    url = f"{base(owner)}/service-tokens"

    created = api_client(owner).post(url, {"name": "ci", "permissions": ["keys.read"]})
    listed = api_client(owner).get(url)
    token = created.json()["token"]
    revoked = api_client(owner).delete(f"{url}/{token['id']}")

    assert created.json()["secret"].startswith(token["token_prefix"])
    assert created.json()["secret"] not in listed.text
    assert revoked.status_code == 204
    assert ServiceToken.objects.get().revoked_at is not None


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 201), ("admin", 201), ("developer", 403), ("billing", 403)]
)
def test_token_that_sends_usage_is_made_by_who_manages_apis(role: str, status: int) -> None:
    member = make_member(role)

    response = api_client(member).post(
        f"{base(member)}/service-tokens", {"name": "x", "permissions": ["usage.write"]}
    )

    assert response.status_code == status


def test_objects_of_another_organization_do_not_exist() -> None:
    owner, other = make_member("owner"), make_member("owner")
    workspace = WorkspaceFactory(organization=other.organization)

    paths = [f"members/{other.public_id}", f"workspaces/{workspace.public_id}"]
    answers = [
        api_client(owner).patch(f"{base(owner)}/{path}", {"role": "viewer", "name": "Mine"})
        for path in paths
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    workspace.refresh_from_db()
    assert workspace.name != "Mine"


def test_audit_events_are_the_organizations_own() -> None:
    owner, other = make_member("owner"), make_member("owner")
    for member in (owner, other):
        services.create_workspace(
            organization=member.organization, name="Staging", actor=actor_of(member)
        )

    events = api_client(owner).get(f"{base(owner)}/audit-events").json()["data"]

    assert [(event["action"], event["actor_label"]) for event in events] == [
        ("accounts:workspace:created", owner.user.name)
    ]


def test_user_is_locked_out_by_an_operator_who_says_why() -> None:
    member, operator = make_member("owner"), make_staff("operator")
    url = f"/api/v1/admin/users/{member.user.public_id}/deactivate"

    without = api_client(operator).post(url, {})
    done = api_client(operator).post(url, {"reason": "Fraud"})

    assert without.status_code == 400
    assert (done.status_code, done.json()["is_active"]) == (200, False)


def add_member(member: Membership) -> None:
    make_member("viewer", member.organization)


def add_workspace(member: Membership) -> None:
    WorkspaceFactory(organization=member.organization)


def add_token(member: Membership) -> None:
    services.create_service_token(
        organization=member.organization,
        name="t",
        permissions=frozenset({"keys.read"}),
        actor=actor_of(member),
    )


def add_invitation(member: Membership) -> None:
    count = member.organization.invitations.count()
    services.invite_member(
        organization=member.organization,
        email=f"guest{count}@example.com",
        role="viewer",
        actor=actor_of(member),
    )


@pytest.mark.parametrize("item_count", [1, 3])
@pytest.mark.parametrize(
    ("path", "add"),
    [
        ("members", add_member),
        ("workspaces", add_workspace),
        ("service-tokens", add_token),
        ("invitations", add_invitation),
        ("audit-events", add_workspace),
    ],
)
def test_lists_need_as_many_queries_for_three_as_for_one(
    path: str,
    add: Callable[[Membership], None],
    item_count: int,
    django_assert_num_queries: Any,
) -> None:
    owner = make_member("owner")
    for _ in range(item_count):
        add(owner)
    client = api_client(owner)

    with django_assert_num_queries(1):
        response = client.get(f"{base(owner)}/{path}")

    assert response.status_code == 200


@pytest.mark.parametrize("item_count", [1, 3])
def test_list_of_users_needs_the_same_queries(
    item_count: int, django_assert_num_queries: Any
) -> None:
    client = api_client(make_staff("operator"))
    for _ in range(item_count):
        make_member("viewer")

    with django_assert_num_queries(4):
        response = client.get("/api/v1/admin/users")

    assert len(response.json()["data"]) == item_count + 1
