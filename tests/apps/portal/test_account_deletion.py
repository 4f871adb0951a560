"""Asking to have one's account deleted: by page and REST, decided by an approver, carried out at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts.deletion_blockers import obstacles_of
from apps.accounts.exceptions import DeletionBlocked
from apps.accounts.models import Membership, Organization, User
from apps.accounts.services import create_service_token
from apps.approvals import services as approvals
from apps.approvals.models import ApprovalRequest
from apps.billing.enums import InvoiceStatus
from apps.billing.models import Invoice
from apps.core import clock
from apps.core.actors import Actor
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.notifications.kinds import find_kind
from apps.notifications.models import Notification
from apps.portal.account_deletion import request_deletion
from tests.clients import api_client, client_for
from tests.factories.accounts import (
    PASSWORD,
    OrganizationFactory,
    actor_of,
    make_member,
    make_staff,
)
from tests.factories.apis import make_api
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db
URL = "/api/v1/me/deletion-request"
PAGE = "/console/account/delete/"


@pytest.fixture
def member() -> Membership:
    """A developer in an organization that somebody else owns."""
    owner = make_member("owner")
    return make_member("developer", owner.organization, name="Lena Leaver")


@pytest.fixture
def approver() -> User:
    return make_staff("approver")


def ask(member: Membership) -> ApprovalRequest:
    return request_deletion(user=member.user, reason="Moving on", actor=actor_of(member))


def told(user: User) -> list[str]:
    drain_until_empty()
    rows = Notification.objects.filter(user=user).order_by("id")
    return [find_kind(row.kind).title_for(row.context) for row in rows]


def test_approved_request_closes_the_account_at_once(member: Membership, approver: User) -> None:
    owner = Membership.objects.get(organization=member.organization, role="owner")
    issued = create_service_token(
        organization=member.organization,
        workspace=None,
        name="ci",
        permissions=frozenset({"apis.read"}),
        expires_at=None,
        actor=Actor.system("tests"),
    )
    issued.token.created_by = member.user
    issued.token.save()
    machine = APIClient(headers={"Authorization": f"Bearer {issued.secret}"})
    person = APIClient(headers={"Authorization": f"Bearer {access_token(member.user)}"})
    browser = client_for(member)
    assert browser.get(PAGE).status_code == 200
    assert machine.get("/api/v1/auth/whoami").status_code == 200
    assert person.get("/api/v1/me").status_code == 200
    request = ask(member)

    approvals.approve_request(request=request, actor=actor_of(approver), comment="Goodbye")

    member.user.refresh_from_db()
    assert not member.user.is_active
    assert not Membership.objects.filter(user=member.user).exists()
    assert Membership.objects.filter(pk=owner.pk).exists()
    assert browser.get(PAGE).status_code == 302
    assert machine.get("/api/v1/auth/whoami").status_code == 401
    assert person.get("/api/v1/me").status_code == 401
    login = Client().post("/accounts/login/", {"login": member.user.email, "password": PASSWORD})
    assert "_auth_user_id" not in login.wsgi_request.session
    actions = AuditEvent.objects.filter(action__startswith="accounts:")
    assert {"accounts:user:deactivated", "accounts:membership:removed"} <= set(
        actions.values_list("action", flat=True)
    )
    assert AuditEvent.objects.filter(actor_user_id=member.user.pk).exists()
    assert f"Approved: {request.title}" in told(member.user)
    assert [message.to for message in mail.outbox if "Goodbye" in str(message.body)] == [
        [member.user.email]
    ]


def access_token(user: User) -> str:
    login = Client().post(
        "/_allauth/app/v1/auth/login",
        {"email": user.email, "password": PASSWORD},
        content_type="application/json",
    )
    return str(login.json()["meta"]["access_token"])


def test_rejected_request_leaves_everything_and_says_why(
    member: Membership, approver: User
) -> None:
    request = ask(member)
    approvals.reject_request(request=request, actor=actor_of(approver), comment="Pay first")

    member.user.refresh_from_db()
    assert member.user.is_active
    assert told(member.user) == [f"Not approved: {request.title}"]
    html = client_for(member).get(PAGE).content.decode()
    assert "Pay first" in html
    assert 'name="reason"' in html


def test_approvers_are_told_and_colleagues_see_nothing(member: Membership, approver: User) -> None:
    request = ask(member)
    colleague = make_member("owner", member.organization)

    assert told(approver) == [f"Waiting for your decision: {request.title}"]
    assert told(colleague.user) == []
    client = api_client(colleague)
    assert client.get("/api/v1/approvals").data["data"] == []
    assert client.get(f"/api/v1/approvals/{request.public_id}").status_code == 404
    assert client.post(f"/api/v1/approvals/{request.public_id}/withdraw").status_code == 404
    assert client.get(URL).status_code == 404


def test_approver_does_not_decide_about_their_own_account(approver: User) -> None:
    asked = api_client(approver).post(URL, {"reason": "Tired"})
    assert asked.status_code == 201

    url = f"/api/v1/admin/approvals/{asked.data['id']}/approve"
    answer = api_client(approver).post(url, {"comment": "Yes"})

    assert (answer.status_code, answer.data["code"]) == (403, "own_submission")
    approver.refresh_from_db()
    assert approver.is_active


# --- what stands in the way -----------------------------------------------------------------------


def owns_active_api(owner: Membership) -> None:
    make_api(organization=owner.organization)


def has_subscription(owner: Membership) -> None:
    make_subscription(consumer=owner.organization)


def has_unpaid_invoice(owner: Membership) -> None:
    Invoice.objects.create(
        organization=owner.organization,
        number="T-1",
        status=InvoiceStatus.OPEN,
        currency="USD",
        billing_day=clock.now().date(),
    )


def has_colleague(owner: Membership) -> None:
    make_member("admin", owner.organization)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (owns_active_api, "active_apis"),
        (has_subscription, "live_subscriptions"),
        (has_unpaid_invoice, "unpaid_invoices"),
        (has_colleague, "members_left"),
    ],
)
def test_last_owner_settles_first(make: Callable[[Membership], None], code: str) -> None:
    owner = make_member("owner")
    make(owner)

    answer = api_client(owner).post(URL, {"reason": "Moving on"})

    assert (answer.status_code, answer.data["code"]) == (409, "deletion_blocked")
    assert [item["code"] for item in answer.data["obstacles"]] == [code]
    assert owner.organization.name in answer.data["detail"]
    assert not ApprovalRequest.objects.exists()
    html = client_for(owner).get(PAGE).content.decode()
    assert "Settle this first" in html
    assert 'name="reason"' not in html
    make_member("owner", owner.organization)
    assert obstacles_of(owner.user) == []


def test_what_came_after_the_request_blocks_the_approval(approver: User) -> None:
    owner = make_member("owner")
    request = ask(owner)
    make_subscription(consumer=owner.organization)

    with pytest.raises(DeletionBlocked):
        approvals.approve_request(request=request, actor=actor_of(approver), comment="Yes")

    request.refresh_from_db()
    owner.user.refresh_from_db()
    assert (request.status, owner.user.is_active) == ("pending", True)


def test_organization_that_nobody_else_owns_is_closed(approver: User) -> None:
    owner = make_member("owner")
    request = ask(owner)

    approvals.approve_request(request=request, actor=actor_of(approver), comment="Yes")

    assert not Organization.objects.get(pk=owner.organization_id).is_active
    assert AuditEvent.objects.filter(action="accounts:organization:closed").exists()


# --- REST and pages -------------------------------------------------------------------------------


def test_ask_answer_and_withdraw_over_rest(member: Membership, approver: User) -> None:
    client = api_client(member)
    assert client.get(URL).status_code == 404
    assert client.delete(URL).status_code == 404
    missing = client.post(URL, {"reason": " "})
    assert (missing.status_code, missing.data["errors"][0]["pointer"]) == (400, "/reason")
    headers = {"Idempotency-Key": "leave-1"}
    asked = client.post(URL, {"reason": "Moving on"}, headers=headers)
    again = client.post(URL, {"reason": "Moving on"}, headers=headers)
    assert (asked.status_code, again.data["id"]) == (201, asked.data["id"])
    assert client.post(URL, {"reason": "x"}).data["code"] == "approval_already_open"
    assert client.post(f"{URL}/answer", {"answer": "x"}).status_code == 409

    request = ApprovalRequest.objects.get()
    approvals.request_information(request=request, actor=actor_of(approver), question="Sure?")
    assert client.get(URL).data["comments"][0]["body"] == "Sure?"
    assert client.post(f"{URL}/answer", {"answer": "Yes"}).data["status"] == "pending"
    assert client.delete(URL).data["status"] == "cancelled"
    assert client.get(URL).data["status"] == "cancelled"


def test_service_token_has_no_account() -> None:
    owner = make_member("owner")
    issued = create_service_token(
        organization=owner.organization,
        workspace=None,
        name="ci",
        permissions=frozenset({"apis.read"}),
        expires_at=None,
        actor=actor_of(owner),
    )
    client = APIClient(headers={"Authorization": f"Bearer {issued.secret}"})

    assert client.post(URL, {"reason": "x"}).status_code == 404


def test_person_without_organization_may_ask() -> None:
    user = make_staff()
    user.is_staff = False
    user.save()
    client = client_for(user)

    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, {"reason": "Never used"}).status_code == 302
    assert api_client(user).get(URL).data["status"] == "pending"


def test_pages_ask_answer_and_withdraw(member: Membership, approver: User) -> None:
    client = client_for(member)
    assert PAGE in client.get(reverse("accounts:account")).content.decode()
    assert client.post(PAGE, {"reason": ""}).status_code == 422
    client.post(PAGE, {"reason": "Moving <b>on</b>"})
    assert "Moving &lt;b&gt;on&lt;/b&gt;" in client.get(PAGE).content.decode()
    request = ApprovalRequest.objects.get()
    approvals.request_information(request=request, actor=actor_of(approver), question="Sure?")
    assert "Sure?" in client.get(PAGE).content.decode()
    answer = reverse("portal:account_deletion_answer")
    assert client.post(answer, {"answer": ""}).status_code == 422
    client.post(answer, {"answer": "Yes"})
    request.refresh_from_db()
    assert request.status == "pending"
    client.post(reverse("portal:account_deletion_withdraw"))
    request.refresh_from_db()
    assert request.status == "cancelled"
    assert client.post(reverse("portal:account_deletion_withdraw")).status_code == 404


def test_review_page_shows_who_leaves_and_what_is_in_the_way(
    member: Membership, approver: User
) -> None:
    request = ask(member)
    review = reverse("admin:approvals_approvalrequest_change", args=[request.pk])
    client = client_for(approver)

    html = client.get(review).content.decode()
    assert member.user.email in html
    assert "Moving on" in html
    assert member.organization.name in html
    queue = client.get(reverse("admin:approvals_approvalrequest_changelist")).content.decode()
    assert "Lena Leaver" in queue
    queued: Any = api_client(approver).get("/api/v1/admin/approvals").data["data"][0]
    assert queued["organization"] is None
    client.post(
        reverse("admin:approvals_decide", args=[request.pk]), {"move": "approve", "comment": "Yes"}
    )
    member.user.refresh_from_db()
    assert not member.user.is_active
    assert client.get(review).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_page_takes_the_same_queries_for_any_number_of_organizations(
    count: int, django_assert_num_queries: Any
) -> None:
    owner = make_member("owner")
    for _ in range(count - 1):
        Membership.objects.create(organization=OrganizationFactory(), user=owner.user, role="owner")
    client = client_for(owner)

    client.get(PAGE)
    with django_assert_num_queries(14):
        assert client.get(PAGE).status_code == 200
