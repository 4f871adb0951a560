"""What the programs of the requesting organization hear."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import Webhook

from apps.accounts.models import Membership, User
from apps.approvals import services, webhooks
from apps.core.actors import Actor
from apps.core.relay import drain_until_empty
from apps.notifications.models import WebhookEvent
from apps.notifications.services.delivering import deliver_due
from tests.apps.notifications.conftest import Receiver, receiver
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.approvals import make_request
from tests.factories.notifications import WebhookEndpointFactory

__all__ = ("receiver",)

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Membership:
    member = make_member("developer")
    WebhookEndpointFactory(organization=member.organization)
    return member


@pytest.fixture
def approver() -> User:
    return make_staff("approver")


def published() -> list[tuple[str, dict[str, Any]]]:
    drain_until_empty()
    return [(event.type, event.data) for event in WebhookEvent.objects.order_by("id")]


def test_approval_reaches_the_registered_address_signed(
    approver: User,
    receiver: Receiver,
) -> None:
    member = make_member("developer")
    endpoint = WebhookEndpointFactory(organization=member.organization, url=f"{receiver.url}/in")
    request = make_request(member)
    services.approve_request(
        request=request, actor=actor_of(approver), comment="Fine", conditions=["Name a contact."]
    )
    drain_until_empty()

    assert deliver_due() == {"succeeded": 1, "failed": 0}

    (call,) = receiver.requests
    told = Webhook(endpoint.secret).verify(call.body, call.headers)
    assert told["type"] == "approval.approved"
    assert told["data"]["id"] == request.public_id
    assert told["data"]["status"] == "approved"
    assert told["data"]["subject"]["type"] == "apis.api"
    assert told["data"]["subject"]["id"].startswith("api_")
    assert (told["data"]["comment"], told["data"]["conditions"]) == ("Fine", ["Name a contact."])


def test_rejection_and_question_are_told_with_their_words(
    approver: User, provider: Membership
) -> None:
    request = make_request(provider)
    services.request_information(request=request, actor=actor_of(approver), question="Which?")
    services.provide_information(request=request, actor=actor_of(provider), answer="These")
    services.reject_request(request=request, actor=actor_of(approver), comment="Too little")

    told = published()

    assert [name for name, _data in told] == ["approval.info_requested", "approval.rejected"]
    assert (told[0][1]["status"], told[0][1]["question"]) == ("info_requested", "Which?")
    assert (told[1][1]["status"], told[1][1]["comment"]) == ("rejected", "Too little")


def test_escalation_is_told_without_its_reason(approver: User, provider: Membership) -> None:
    request = make_request(provider)
    services.escalate_request(request=request, actor=actor_of(approver), reason="Looks unlawful")

    ((name, data),) = published()

    assert (name, data["status"]) == ("approval.escalated", "escalated")
    assert "unlawful" not in str(data)


def test_expiry_is_told(provider: Membership) -> None:
    services.expire_request(request=make_request(provider), actor=Actor.system("test"))

    assert [name for name, _data in published()] == ["approval.expired"]


def test_other_organizations_hear_nothing(approver: User) -> None:
    WebhookEndpointFactory(organization=OrganizationFactory())
    services.approve_request(request=make_request(), actor=actor_of(approver), comment="Fine")

    assert published() == []


def test_examples_have_the_fields_that_are_sent(approver: User, provider: Membership) -> None:
    for move in ("approve", "reject"):
        services.decide_in_bulk(
            public_ids=[make_request(provider).public_id],
            decision=move,
            comment="Checked",
            actor=actor_of(approver),
        )
    asked, escalated, expired = (make_request(provider) for _ in range(3))
    services.request_information(request=asked, actor=actor_of(approver), question="Which?")
    services.escalate_request(request=escalated, actor=actor_of(approver), reason="Law")
    services.expire_request(request=expired, actor=Actor.system("test"))

    sent = dict(published())

    assert {name: set(data) for name, data in sent.items()} == {
        kind.name: set(kind.example) for kind in webhooks.ALL
    }
