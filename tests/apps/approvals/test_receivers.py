"""Who is told what: from the decision through the outbox to inbox and mailbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from apps.accounts.models import Membership, User
from apps.apis import services as apis
from apps.apis.models import Api
from apps.approvals import services
from apps.core.actors import Actor
from apps.core.models import OutboxMessage
from apps.core.relay import drain_until_empty
from apps.notifications.kinds import find_kind
from apps.notifications.models import Notification
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.apis import make_api
from tests.factories.approvals import make_older, make_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def approver() -> User:
    return make_staff("approver")


@pytest.fixture
def provider() -> Membership:
    return make_member("developer")


def told(user: User) -> list[str]:
    drain_until_empty()
    return [
        find_kind(row.kind).title_for(row.context) for row in Notification.objects.filter(user=user)
    ]


def subjects(mailoutbox: list[Any], user: User) -> list[str]:
    return [mail.subject for mail in mailoutbox if mail.to == [user.email]]


def test_request_reaches_approvers(
    approver: User, provider: Membership, mailoutbox: list[Any]
) -> None:
    request = make_request(provider)

    assert told(approver) == [f"Waiting for your decision: {request.title}"]
    assert subjects(mailoutbox, approver) == told(approver)
    path = reverse("admin:approvals_approvalrequest_change", args=[request.pk])
    assert Notification.objects.get(user=approver).url == path


def test_rejection_reaches_the_provider_with_its_reason(
    approver: User, provider: Membership, mailoutbox: list[Any]
) -> None:
    make_member("viewer", provider.organization)
    request = make_request(provider)
    services.reject_request(request=request, actor=actor_of(approver), comment="Say <b>more</b>")

    assert told(provider.user) == [f"Not approved: {request.title}"]
    (mail,) = [mail for mail in mailoutbox if mail.to == [provider.user.email]]
    assert "The reviewer wrote: Say <b>more</b>" in mail.body
    assert "Say &lt;b&gt;more&lt;/b&gt;" in mail.alternatives[0][0]
    api = Api.objects.get(pk=request.subject_id)
    assert reverse("portal:provider_api", args=[api.public_id]) in mail.body


def test_question_and_answer_reach_the_other_side(approver: User, provider: Membership) -> None:
    request = make_request(provider)
    services.request_information(request=request, actor=actor_of(approver), question="Which?")
    services.provide_information(request=request, actor=actor_of(provider), answer="These")

    assert told(provider.user) == [f"A question about {request.title}"]
    assert told(approver)[0] == f"{provider.organization.name} answered: {request.title}"


def test_escalation_reaches_operators(approver: User, provider: Membership) -> None:
    operator = make_staff("operator")
    request = make_request(provider)
    services.escalate_request(request=request, actor=actor_of(approver), reason="Law")

    assert told(operator) == [f"Escalated: {request.title}"]


def test_delivery_twice_tells_once(
    approver: User, provider: Membership, mailoutbox: list[Any]
) -> None:
    request = make_request(provider)
    services.approve_request(request=request, actor=actor_of(approver), comment="Good")
    drain_until_empty()
    OutboxMessage.objects.filter(topic="core.event").update(status="pending")

    assert told(provider.user) == [f"Approved: {request.title}"]
    assert subjects(mailoutbox, provider.user) == [f"Approved: {request.title}"]


def test_activation_and_failure_reach_the_provider(provider: Membership) -> None:
    operator = make_staff("operator")
    gateway = Actor.system("gateway")
    active = make_api("registering", provider.organization, name="Good")
    failed = make_api("registering", provider.organization, name="Bad")
    apis.mark_api_active(api=active, actor=gateway)
    apis.mark_api_failed(api=failed, reason="no proof", actor=gateway)

    assert sorted(told(provider.user)) == [
        "Bad could not be registered at the gateway",
        "Good is live",
    ]
    assert told(operator) == ["Bad could not be registered at the gateway"]


def test_provider_is_not_told_of_its_own_suspension(provider: Membership) -> None:
    api = make_api("active", provider.organization, name="Mine")
    apis.suspend_api(api=api, actor=actor_of(provider), reason="maintenance")
    assert "Mine was suspended by the operator" not in told(provider.user)
    apis.resume_api(api=api, actor=actor_of(provider))

    apis.suspend_api(api=api, actor=actor_of(make_staff("operator")), reason="abuse")

    assert told(provider.user)[0] == "Mine was suspended by the operator"


def test_conditions_reach_the_provider(
    approver: User, provider: Membership, mailoutbox: list[Any]
) -> None:
    request = make_request(provider)
    services.approve_request(
        request=request,
        actor=actor_of(approver),
        comment="Fine",
        conditions=["Add a support address."],
    )

    assert told(provider.user) == [f"Approved, with conditions: {request.title}"]
    (mail,) = [mail for mail in mailoutbox if mail.to == [provider.user.email]]
    assert "Fine — What you have to do beside: Add a support address." in mail.body


def test_assignee_hears_of_it_and_who_claims_does_not(
    approver: User, provider: Membership, mailoutbox: list[Any]
) -> None:
    request, colleague = make_request(provider), make_staff("approver")
    services.claim_request(request=request, actor=actor_of(approver))
    services.assign_request(request=request, assignee=colleague, actor=actor_of(approver))

    assert f"Assigned to you: {request.title}" in told(colleague)
    assert f"Assigned to you: {request.title}" in subjects(mailoutbox, colleague)
    assert f"Assigned to you: {request.title}" not in told(approver)


def test_answer_reaches_the_assignee_only(approver: User, provider: Membership) -> None:
    request, colleague = make_request(provider), make_staff("approver")
    services.assign_request(request=request, assignee=approver, actor=actor_of(approver))
    services.request_information(request=request, actor=actor_of(approver), question="Which?")
    services.provide_information(request=request, actor=actor_of(provider), answer="These")

    answered = f"{provider.organization.name} answered: {request.title}"
    assert answered in told(approver)
    assert answered not in told(colleague)


def test_internal_comment_reaches_mentioned_staff_only(
    approver: User, provider: Membership
) -> None:
    request, colleague = make_request(provider), make_staff("approver")
    User.objects.filter(pk=colleague.pk).update(name="Ann Lee")
    provider_before, approver_before = told(provider.user), told(approver)

    services.add_comment(
        request=request,
        actor=actor_of(approver),
        body="@ann.lee: is this lawful?",
        is_internal=True,
    )

    assert told(colleague)[0] == f"{approver.get_full_name()} mentioned you: {request.title}"
    assert (told(provider.user), told(approver)) == (provider_before, approver_before)


def test_public_comments_reach_the_other_side(approver: User, provider: Membership) -> None:
    request = make_request(provider)
    services.add_comment(request=request, actor=actor_of(approver), body="Soon", is_internal=False)
    assert told(provider.user) == [f"New comment: {request.title}"]

    services.add_comment(
        request=request, actor=actor_of(provider), body="Thank you", is_internal=False
    )

    assert told(provider.user) == [f"New comment: {request.title}"]
    assert told(approver)[0] == f"New comment: {request.title}"


def test_late_request_is_told_to_approvers_and_to_the_role(
    approver: User, provider: Membership, mailoutbox: list[Any]
) -> None:
    operator = make_staff("operator")
    request = make_older(make_request(provider), timedelta(days=60))
    services.apply_sla(actor=Actor.system("test"))

    assert told(operator)[0] == f"Escalated: {request.title}"
    # The note of the breach is delivered when the request is with the operators already.
    assert f"Overdue: {request.title}" in subjects(mailoutbox, operator)


def test_expiry_reaches_both_sides(approver: User, provider: Membership) -> None:
    request = make_request(provider)
    services.expire_request(request=request, actor=Actor.system("test"))

    assert told(provider.user) == [f"Expired: {request.title}"]
    assert told(approver)[0] == f"Expired without a decision: {request.title}"


def test_withdrawal_reaches_approvers(approver: User, provider: Membership) -> None:
    request = make_request(provider)
    services.cancel_request(request=request, actor=actor_of(provider))

    assert told(approver)[0] == f"Withdrawn: {request.title}"
