"""A provider asks to be verified: pages, REST, the decision, and what it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts.models import Membership, Organization, User
from apps.accounts.services import withdraw_verification
from apps.apis import requirements, services
from apps.apis.exceptions import AlreadyVerified
from apps.apis.services.verification import ProviderDetails, request_verification
from apps.apis.verification import verification_of
from apps.approvals.exceptions import AlreadyRequested
from apps.approvals.models import ApprovalRequest
from apps.approvals.services import (
    approve_request,
    cancel_request,
    reject_request,
    request_information,
)
from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput, RuleViolated
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification
from tests.apps.apis.conftest import Upstream
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.apis import ApiFactory, CategoryFactory

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/console/organization/verification/"
REST = "/api/v1/provider/verification"
SENT = {
    "legal_name": "Acme Weather Ltd",
    "website": "https://weather.example.com",
    "registration_number": "HRB 12345",
    "contact_name": "Ann Lee",
    "contact_email": "ann@example.com",
    "statement": "Forecasts from our own stations.",
}
DETAILS = ProviderDetails(**SENT)


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


@pytest.fixture
def approver() -> User:
    return make_staff("approver")


def ask(owner: Membership) -> ApprovalRequest:
    return request_verification(
        organization=owner.organization, details=DETAILS, actor=actor_of(owner)
    )


def stage_of(owner: Membership) -> str:
    return verification_of(Organization.objects.get(pk=owner.organization_id)).stage


def test_verified_provider_goes_live_without_a_review_in_an_instant_category(
    owner: Membership, approver: User, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What higher apps demand is covered by their tests.
    own = {item.code: item for item in requirements.OWN_REQUIREMENTS}
    monkeypatch.setattr(requirements, "_requirements", own)
    category = CategoryFactory(go_live_mode="instant")
    approve_request(request=ask(owner), actor=actor_of(approver), comment="Found in the register")
    owner.organization.refresh_from_db()
    api = ApiFactory(organization=owner.organization, category=category, upstream_url=upstream.url)
    services.check_upstream(api=api)

    services.submit_api(api=api, actor=actor_of(owner))
    services.mark_api_active(api=api, actor=Actor.system("gateway"))

    api.refresh_from_db()
    assert api.status == "active"
    assert ApprovalRequest.objects.filter(subject_type="apis.api").count() == 0
    assert AuditEvent.objects.get(action="accounts:provider:verified").reason == (
        "Found in the register"
    )


def test_every_stage_of_a_request(owner: Membership, approver: User) -> None:
    assert stage_of(owner) == "none"
    request = ask(owner)
    assert stage_of(owner) == "waiting"
    request_information(request=request, actor=actor_of(approver), question="Which register?")
    assert stage_of(owner) == "asked"
    cancel_request(request=request, actor=actor_of(owner))
    assert stage_of(owner) == "none"
    reject_request(request=ask(owner), actor=actor_of(approver), comment="Not found")
    assert stage_of(owner) == "rejected"
    approve_request(request=ask(owner), actor=actor_of(approver), comment="Found")
    assert stage_of(owner) == "verified"
    withdraw_verification(
        organization=owner.organization, actor=Actor.system("test"), reason="Dissolved"
    )
    assert stage_of(owner) == "withdrawn"


def test_asking_twice_is_refused(owner: Membership, approver: User) -> None:
    request = ask(owner)

    with pytest.raises(AlreadyRequested):
        ask(owner)
    approve_request(request=request, actor=actor_of(approver), comment="Fine")
    with pytest.raises(AlreadyVerified):
        ask(owner)

    assert ApprovalRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("legal_name", "  "),
        ("website", "http://127.0.0.1/"),
        ("website", "ftp://example.com"),
        ("contact_email", "nobody"),
        ("statement", ""),
    ],
)
def test_bad_details_are_refused_by_field(owner: Membership, field: str, value: str) -> None:
    with pytest.raises((InvalidInput, RuleViolated)) as refusal:
        request_verification(
            organization=owner.organization,
            details=replace(DETAILS, **{field: value}),
            actor=actor_of(owner),
        )

    assert refusal.value.field == field
    assert not ApprovalRequest.objects.exists()


def test_owner_asks_answers_and_withdraws_on_the_page(
    owner: Membership, approver: User, client_for: Callable[..., Client]
) -> None:
    browser = client_for(owner)

    text = browser.post(PAGE, SENT, follow=True).content.decode()
    assert "Being reviewed" in text
    assert "Acme Weather Ltd" in text
    request_information(
        request=ApprovalRequest.objects.get(), actor=actor_of(approver), question="Which register?"
    )
    assert "Which register?" in browser.get(PAGE).content.decode()
    browser.post(f"{PAGE}answer/", {"answer": "Hamburg"})
    assert ApprovalRequest.objects.get().status == "pending"
    text = browser.post(f"{PAGE}withdraw/", follow=True).content.decode()

    assert "Ask to be verified" in text
    assert ApprovalRequest.objects.get().status == "cancelled"


def test_rejected_provider_reads_why(
    owner: Membership, approver: User, client_for: Callable[..., Client]
) -> None:
    reject_request(request=ask(owner), actor=actor_of(approver), comment="Not in the register")

    text = client_for(owner).get(PAGE).content.decode()

    assert "Not in the register" in text
    assert "Ask to be verified" in text


def test_page_names_the_field_that_is_wrong(
    owner: Membership, client_for: Callable[..., Client]
) -> None:
    answer = client_for(owner).post(PAGE, {**SENT, "website": "http://10.0.0.1/"})

    assert answer.status_code == 422
    assert "Use a host name, not an IP address." in answer.content.decode()


def test_member_who_is_no_owner_sees_it_and_cannot_ask(
    owner: Membership, client_for: Callable[..., Client]
) -> None:
    browser = client_for(make_member("developer", owner.organization))

    assert "An owner of the organization can ask for it." in browser.get(PAGE).content.decode()
    browser.post(PAGE, SENT)
    assert browser.post(f"{PAGE}withdraw/").status_code == 403
    assert not ApprovalRequest.objects.exists()


def test_rest_asks_once_per_key_and_shows_where_it_stands(
    owner: Membership, api_client: Callable[..., APIClient]
) -> None:
    client = api_client(owner)

    first = client.post(REST, SENT, format="json", headers={"Idempotency-Key": "one"})
    again = client.post(REST, SENT, format="json", headers={"Idempotency-Key": "one"})
    other = client.post(REST, SENT, format="json")
    shown = client.get(REST).json()

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert shown["stage"] == "waiting"
    assert shown["is_verified_provider"] is False
    assert shown["request"]["details"]["legal_name"] == "Acme Weather Ltd"


def test_rest_names_each_wrong_field(
    owner: Membership, api_client: Callable[..., APIClient]
) -> None:
    answer = api_client(owner).post(REST, {**SENT, "website": "x"}, format="json")

    assert answer.status_code == 400
    assert [row["pointer"] for row in answer.json()["errors"]] == ["/website"]


def test_another_organization_sees_its_own_state_only(
    owner: Membership, api_client: Callable[..., APIClient]
) -> None:
    ask(owner)

    shown = api_client(make_member("owner")).get(REST).json()

    assert (shown["stage"], shown["request"]) == ("none", None)


def test_approver_reads_the_details_and_requester_is_told(
    owner: Membership, approver: User, client_for: Callable[..., Client]
) -> None:
    request = ask(owner)

    url = reverse("admin:approvals_approvalrequest_change", args=[request.pk])
    text = client_for(approver).get(url).content.decode()

    assert "Acme Weather Ltd" in text
    assert "HRB 12345" in text
    assert "Provider verification" in text

    approve_request(request=request, actor=actor_of(approver), comment="Found in the register")
    drain_until_empty()

    notice = Notification.objects.get(user=owner.user)
    assert (notice.kind, notice.url) == ("approvals.approved", PAGE)


def test_operator_withdraws_a_verification_with_a_reason(
    owner: Membership, approver: User, client_for: Callable[..., Client]
) -> None:
    approve_request(request=ask(owner), actor=actor_of(approver), comment="Fine")
    action = {"action": "withdraw_verification", "_selected_action": [owner.organization_id]}
    url = "/backoffice/accounts/organization/"

    client_for(make_staff("finance")).post(url, {**action, "reason": "Dissolved"})
    operator = client_for(make_staff("operator"))
    assert "Say why." in operator.post(url, action, follow=True).content.decode()
    assert stage_of(owner) == "verified"
    operator.post(url, {**action, "reason": "Dissolved"})

    assert stage_of(owner) == "withdrawn"
    row = AuditEvent.objects.get(action="accounts:provider:verification_withdrawn")
    assert row.reason == "Dissolved"
