"""Service tokens and what deactivation ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.enums import StaffRole
from apps.accounts.exceptions import CannotDeactivate, PermissionsTooWide, UnknownPermission
from apps.accounts.models import Membership, ServiceToken
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import Conflict, Forbidden, RuleViolated
from tests.clients import client_for
from tests.factories.accounts import PASSWORD, actor_of, make_member, make_staff

pytestmark = pytest.mark.django_db


def issue(member: Membership, *permissions: str, **fields: object) -> services.IssuedToken:
    return services.create_service_token(
        organization=member.organization,
        name="export",
        permissions=frozenset(permissions),
        actor=actor_of(member),
        **fields,  # type: ignore[arg-type]  # passed through
    )


def whoami(secret: str) -> tuple[int, dict[str, object]]:
    client = APIClient(headers={"authorization": f"Bearer {secret}"})
    response = client.get("/api/v1/auth/whoami")
    return response.status_code, response.json()


def test_service_token_acts_in_its_tenant_with_its_permissions() -> None:
    member = make_member("admin")
    issued = issue(member, "keys.read", "usage.read")

    status, body = whoami(issued.secret)

    assert status == 200
    assert body["organization_id"] == member.organization.public_id
    assert body["workspace_id"] == member.organization.workspaces.get().public_id
    assert body["permissions"] == ["keys.read", "usage.read"]
    assert issued.secret not in str(ServiceToken.objects.values())
    assert issued.secret not in repr(issued)
    issued.token.refresh_from_db()
    assert issued.token.last_used_at is not None


def test_service_token_that_was_revoked_or_expired_is_refused() -> None:
    member = make_member("admin")
    revoked = issue(member, "keys.read")
    expired = issue(member, "keys.read", expires_at=clock.now() + timedelta(hours=1))
    services.revoke_service_token(token=revoked.token, actor=actor_of(member))
    ServiceToken.objects.filter(pk=expired.token.pk).update(
        expires_at=clock.now() - timedelta(seconds=1)
    )

    answers = [whoami(secret) for secret in (revoked.secret, expired.secret, "tgt_unknown")]

    assert [status for status, _body in answers] == [401, 401, 401]
    assert {body["code"] for _status, body in answers} == {"invalid_token"}
    with pytest.raises(Conflict):
        services.revoke_service_token(token=revoked.token, actor=actor_of(member))


@pytest.mark.parametrize(
    ("permissions", "error"),
    [
        (("billing.manage", "organization.manage"), PermissionsTooWide),
        (("nonsense",), UnknownPermission),
        ((), RuleViolated),
    ],
)
def test_service_token_is_at_most_its_creator(
    permissions: tuple[str, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        issue(make_member("admin"), *permissions)

    assert not ServiceToken.objects.exists()


def test_platform_tokens_come_from_operators_and_the_system_only() -> None:
    arguments: dict[str, Any] = {"name": "shipper", "permissions": frozenset({"usage.write"})}

    for actor in (Actor.system("install"), actor_of(make_staff("operator"))):
        issued = services.create_platform_token(actor=actor, **arguments)
        assert (issued.token.organization_id, issued.token.permissions) == (None, ["usage.write"])
    for actor in (actor_of(make_member("owner")), actor_of(make_staff("finance"))):
        with pytest.raises(Forbidden):
            services.create_platform_token(actor=actor, **arguments)


def test_deactivated_person_is_out_at_once_with_session_and_tokens() -> None:
    member = make_member("owner")
    secret = issue(member, "keys.read").secret
    browser = client_for(member)
    assert browser.get("/console/organization/").status_code == 200

    services.deactivate_user(
        user=member.user, actor=actor_of(make_staff("operator")), reason="Fraud"
    )

    assert browser.get("/console/organization/").status_code == 302
    assert whoami(secret)[0] == 401
    assert not browser.login(username=member.user.email, password=PASSWORD)


def test_nobody_deactivates_themselves() -> None:
    operator = make_staff("operator")

    with pytest.raises(CannotDeactivate):
        services.deactivate_user(user=operator, actor=actor_of(operator), reason="Oops")

    operator.refresh_from_db()
    assert operator.is_active


def test_create_staff_user_gives_roles_and_can_be_repeated() -> None:
    for roles in ({StaffRole.APPROVER}, {StaffRole.APPROVER, StaffRole.FINANCE}):
        user = services.create_staff_user(
            email="Op@Example.com",
            password=PASSWORD,
            roles=frozenset(roles),
            actor=Actor.system("install"),
        )

    assert user.email == "op@example.com"
    assert actor_of(user).staff_roles == {"approver", "finance"}
