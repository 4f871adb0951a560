"""Plans that need approval: the provider decides through the approval engine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import Membership
from apps.approvals import services as approvals
from apps.approvals.exceptions import CommentRequired, OwnSubmission, UnsuitableAssignee
from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import count_queue
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import Forbidden, InvalidTransition
from apps.core.relay import drain_until_empty
from apps.notifications.kinds import find_kind
from apps.notifications.models import Notification
from apps.subscriptions import services
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import subscribe
from tests.clients import api_client, client_for
from tests.factories.accounts import MembershipFactory, actor_of, make_member, make_staff
from tests.factories.apis import make_api
from tests.factories.approvals import make_older
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("tests")


@pytest.fixture
def provider() -> Membership:
    return make_member("developer", name="Pia Provider")


@pytest.fixture
def consumer() -> Membership:
    return make_member("developer", name="Carl Consumer")


@pytest.fixture
def waiting(provider: Membership, consumer: Membership) -> Subscription:
    plan = make_plan(make_api(organization=provider.organization), requires_approval=True)
    workspace = consumer.organization.workspaces.get()
    return subscribe(plan=plan, workspace=workspace, actor=actor_of(consumer))


def request_of(subscription: Subscription) -> ApprovalRequest:
    return ApprovalRequest.objects.get(subject_id=subscription.pk)


def status_of(subscription: Subscription) -> str:
    return Subscription.objects.get(pk=subscription.pk).status


def told(membership: Membership) -> list[str]:
    drain_until_empty()
    rows = Notification.objects.filter(user=membership.user).order_by("id")
    return [find_kind(row.kind).title_for(row.context) for row in rows]


def test_provider_is_asked_and_not_the_back_office(
    waiting: Subscription, provider: Membership
) -> None:
    approver = make_staff("approver")
    request = request_of(waiting)

    title = f"{waiting.api.name} · {waiting.plan.name}"
    assert f"Waiting for your decision: {title}" in told(provider)
    page = reverse("portal:provider_subscriber", args=[waiting.public_id])
    asked = Notification.objects.filter(kind="approvals.requested")
    assert [(row.user, row.url) for row in asked] == [(provider.user, page)]
    assert not Notification.objects.filter(user=approver).exists()
    assert request.deciding_organization == provider.organization
    assert request.expires_at is not None
    assert count_queue().open == 0


def test_provider_accepts_and_the_consumer_hears_it(
    waiting: Subscription, provider: Membership, consumer: Membership
) -> None:
    services.accept_subscription(subscription=waiting, actor=actor_of(provider))

    request = request_of(waiting)
    assert (status_of(waiting), request.status) == ("active", "approved")
    assert (request.decided_by, request.decision_comment) == (provider.user, "Accepted.")
    assert request.first_response_at is not None
    assert told(consumer) == [f"Approved: {request.title}"]
    with pytest.raises(InvalidTransition):
        services.decline_subscription(subscription=waiting, actor=actor_of(provider), reason="no")


def test_declining_needs_a_reason_and_the_consumer_reads_it(
    waiting: Subscription, provider: Membership
) -> None:
    with pytest.raises(CommentRequired):
        services.decline_subscription(subscription=waiting, actor=actor_of(provider), reason=" ")

    declined = services.decline_subscription(
        subscription=waiting, actor=actor_of(provider), reason="Not in your country"
    )

    assert (declined.status, declined.status_reason) == ("cancelled", "Not in your country")
    assert request_of(waiting).status == "rejected"


def test_only_members_who_manage_plans_decide(waiting: Subscription, provider: Membership) -> None:
    others = [
        make_member("viewer", provider.organization),
        make_member("billing", provider.organization),
        make_member("owner"),
    ]
    for member in others:
        with pytest.raises(Forbidden):
            services.accept_subscription(subscription=waiting, actor=actor_of(member))
    assert status_of(waiting) == "pending_approval"


def test_member_of_both_organizations_may_not_decide(
    waiting: Subscription, provider: Membership, consumer: Membership
) -> None:
    MembershipFactory(organization=provider.organization, user=consumer.user, role=Role.OWNER)
    both = MembershipFactory(
        organization=consumer.organization, user=provider.user, role=Role.VIEWER
    )

    for user in (consumer.user, both.user):
        there = Membership.objects.get(organization=provider.organization, user=user)
        with pytest.raises(OwnSubmission):
            services.accept_subscription(subscription=waiting, actor=actor_of(there))
    assert status_of(waiting) == "pending_approval"


def test_back_office_decides_only_what_was_escalated(waiting: Subscription) -> None:
    approver, operator = make_staff("approver"), make_staff("operator")
    request = request_of(waiting)
    with pytest.raises(Forbidden):
        approvals.approve_request(request=request, actor=actor_of(approver), comment="Fine")
    with pytest.raises(UnsuitableAssignee):
        approvals.assign_request(request=request, assignee=approver, actor=actor_of(operator))

    approvals.escalate_request(request=request, actor=actor_of(operator), reason="No answer")
    approvals.approve_request(request=request, actor=actor_of(operator), comment="Fine")

    assert status_of(waiting) == "active"


def test_late_decision_escalates_to_the_operator_and_the_provider_may_still_decide(
    waiting: Subscription, provider: Membership
) -> None:
    operator = make_staff("operator")
    make_older(request_of(waiting), timedelta(days=14))

    approvals.apply_sla(actor=SYSTEM)

    request = request_of(waiting)
    assert request.status == "escalated"
    assert count_queue().open == 1
    assert f"Overdue: {request.title}" in told(provider)
    assert Notification.objects.filter(user=operator, kind="approvals.escalated").exists()
    services.accept_subscription(subscription=waiting, actor=actor_of(provider))
    assert status_of(waiting) == "active"


def test_expiry_ends_the_subscription(waiting: Subscription, consumer: Membership) -> None:
    request = request_of(waiting)
    request.expires_at = clock.now()
    request.save()

    assert approvals.expire_requests(actor=SYSTEM) == 1

    ended = Subscription.objects.get(pk=waiting.pk)
    assert ended.status == "cancelled"
    assert ended.status_reason == "The provider did not decide in time."
    assert told(consumer) == [f"Expired: {request.title}"]


def test_cancelling_a_waiting_subscription_withdraws_the_request(
    waiting: Subscription, provider: Membership, consumer: Membership
) -> None:
    services.cancel_at_period_end(subscription=waiting, actor=actor_of(consumer), reason="too slow")

    request = request_of(waiting)
    assert (status_of(waiting), request.status) == ("cancelled", "cancelled")
    assert f"Withdrawn: {request.title}" in told(provider)
    fresh = make_subscription(plan=waiting.plan, consumer=consumer.organization)
    assert fresh.status == "pending_approval"


def test_withdrawing_the_request_ends_the_subscription(
    waiting: Subscription, consumer: Membership
) -> None:
    url = f"/api/v1/approvals/{request_of(waiting).public_id}/withdraw"

    assert api_client(consumer).post(url).data["status"] == "cancelled"
    assert status_of(waiting) == "cancelled"


def test_own_api_needs_nobodys_approval(provider: Membership) -> None:
    plan = make_plan(make_api(organization=provider.organization), requires_approval=True)

    own = make_subscription(plan=plan, consumer=provider.organization)

    assert own.status == "active"
    assert not ApprovalRequest.objects.exists()


def test_subscription_that_waited_before_there_were_requests_can_be_decided(
    waiting: Subscription, provider: Membership
) -> None:
    ApprovalRequest.objects.all().delete()

    services.accept_subscription(subscription=waiting, actor=actor_of(provider))

    assert (status_of(waiting), request_of(waiting).status) == ("active", "approved")


# --- REST -----------------------------------------------------------------------------------------


def test_question_and_answer_over_rest(
    waiting: Subscription, provider: Membership, consumer: Membership
) -> None:
    theirs = f"/api/v1/provider/subscriptions/{waiting.public_id}"
    ours = f"/api/v1/subscriptions/{waiting.public_id}"
    assert api_client(consumer).post(f"{ours}/answer", {"answer": "x"}).status_code == 409

    asked = api_client(provider).post(f"{theirs}/ask", {"question": "For what?"})
    assert asked.data["approval"]["status"] == "info_requested"
    assert api_client(provider).post(f"{theirs}/accept").status_code == 409
    assert told(consumer) == [f"A question about {request_of(waiting).title}"]

    answered = api_client(consumer).post(f"{ours}/answer", {"answer": "Maps"})
    assert answered.data["approval"]["status"] == "pending"
    assert f"{consumer.organization.name} answered: {request_of(waiting).title}" in told(provider)
    accepted = api_client(provider).post(f"{theirs}/accept", {"comment": "Welcome"})
    assert accepted.data["status"] == "active"
    assert accepted.data["approval"]["decision_comment"] == "Welcome"


@pytest.mark.parametrize("body", [{}, {"reason": ""}])
def test_decline_names_the_missing_reason(
    waiting: Subscription, provider: Membership, body: dict[str, str]
) -> None:
    answer = api_client(provider).post(
        f"/api/v1/provider/subscriptions/{waiting.public_id}/decline", body
    )

    assert answer.status_code == 400
    assert "reason" in answer.content.decode()
    assert status_of(waiting) == "pending_approval"


def test_both_sides_see_the_request_and_nobody_else(
    waiting: Subscription, provider: Membership, consumer: Membership
) -> None:
    url = f"/api/v1/approvals/{request_of(waiting).public_id}"

    assert api_client(consumer).get(url).data["allowed_actions"] == ["comment", "cancel"]
    seen = api_client(provider).get(url).data
    assert seen["allowed_actions"] == ["approve", "reject", "ask", "comment"]
    assert seen["subject"]["subscriber"] == consumer.organization.name
    stranger = api_client(make_member("owner"))
    assert stranger.get(url).status_code == 404
    for move in ("approve", "reject", "request-information", "comments"):
        assert stranger.post(f"{url}/{move}", {"comment": "x"}).status_code == 404


def test_deciding_side_decides_over_the_engines_endpoints(
    waiting: Subscription, provider: Membership, consumer: Membership
) -> None:
    url = f"/api/v1/approvals/{request_of(waiting).public_id}"
    for move in ("approve", "reject", "request-information"):
        refused = api_client(consumer).post(f"{url}/{move}", {"comment": "x"})
        assert refused.status_code == 403
    for move in ("information", "withdraw"):
        assert api_client(provider).post(f"{url}/{move}", {"comment": "x"}).status_code == 403

    listed = api_client(provider).get("/api/v1/approvals/received").data["data"]
    assert [row["id"] for row in listed] == [request_of(waiting).public_id]
    assert api_client(consumer).get("/api/v1/approvals/received").data["data"] == []
    assert api_client(provider).get("/api/v1/approvals").data["data"] == []
    said = api_client(provider).post(f"{url}/comments", {"comment": "A moment"})
    assert said.status_code == 201
    assert f"New comment: {request_of(waiting).title}" in told(consumer)
    answer = api_client(provider).post(f"{url}/approve", {"comment": "Yes"})
    assert answer.data["status"] == "approved"
    assert status_of(waiting) == "active"


def test_deciding_side_reads_no_internal_comments(
    waiting: Subscription, provider: Membership
) -> None:
    request = request_of(waiting)
    approvals.add_comment(
        request=request, actor=actor_of(make_staff("approver")), body="psst", is_internal=True
    )
    url = f"/api/v1/approvals/{request.public_id}"

    assert api_client(provider).get(url).data["comments"] == []
    hidden = api_client(provider).post(f"{url}/comments", {"comment": "x", "is_internal": True})
    assert not hidden.data["is_internal"]


@pytest.mark.parametrize("count", [1, 3])
def test_received_requests_take_the_same_queries(
    provider: Membership, count: int, django_assert_num_queries: object
) -> None:
    plan = make_plan(make_api(organization=provider.organization), requires_approval=True)
    for _ in range(count):
        make_subscription(plan=plan)
    client = api_client(provider)

    with django_assert_num_queries(1):  # type: ignore[operator]  # the fixture's type is private
        assert len(client.get("/api/v1/approvals/received").data["data"]) == count


# --- pages ----------------------------------------------------------------------------------------


def test_question_and_answer_on_the_pages(
    waiting: Subscription, provider: Membership, consumer: Membership
) -> None:
    args = [waiting.public_id]
    theirs, ours = client_for(provider), client_for(consumer)
    page = reverse("portal:provider_subscriber", args=args)
    assert consumer.organization.name in theirs.get(page).content.decode()

    empty = theirs.post(reverse("portal:provider_subscriber_ask", args=args), {"question": ""})
    assert empty.status_code == 422
    theirs.post(reverse("portal:provider_subscriber_ask", args=args), {"question": "For what?"})
    assert "They were asked something" in theirs.get(page).content.decode()
    mine = ours.get(reverse("portal:subscription", args=args)).content.decode()
    assert "The provider has a question" in mine
    assert "For what?" in mine
    answer = reverse("portal:subscription_answer", args=args)
    assert ours.post(answer, {"answer": ""}).status_code == 422
    ours.post(answer, {"answer": "Maps"})
    assert "Maps" in theirs.get(page).content.decode()
    theirs.post(reverse("portal:provider_subscriber_accept", args=args), {"comment": "Welcome"})
    assert status_of(waiting) == "active"
    assert "Welcome" in theirs.get(page).content.decode()


def test_waiting_subscription_is_withdrawn_on_its_page(
    waiting: Subscription, consumer: Membership
) -> None:
    url = reverse("portal:subscription_cancel", args=[waiting.public_id])
    client = client_for(consumer)

    assert "Withdraw your request" in client.get(url).content.decode()
    client.post(url, {"reason": ""})

    assert (status_of(waiting), request_of(waiting).status) == ("cancelled", "cancelled")


def test_member_of_both_sees_why_they_cannot_decide(
    waiting: Subscription, provider: Membership, consumer: Membership
) -> None:
    both = MembershipFactory(
        organization=provider.organization, user=consumer.user, role=Role.OWNER
    )
    page = reverse("portal:provider_subscriber", args=[waiting.public_id])

    html = client_for(both).get(page).content.decode()

    assert "Somebody else decides this" in html
    assert reverse("portal:provider_subscriber_accept", args=[waiting.public_id]) not in html


def test_another_providers_subscriber_does_not_exist(waiting: Subscription) -> None:
    client = client_for(make_member("owner"))
    args = [waiting.public_id]

    assert client.get(reverse("portal:provider_subscriber", args=args)).status_code == 404
    for name in ("provider_subscriber_ask", "provider_subscriber_accept", "subscription_answer"):
        assert client.post(reverse(f"portal:{name}", args=args)).status_code == 404


def test_back_office_sees_who_decides(waiting: Subscription, provider: Membership) -> None:
    client = client_for(make_staff("approver"))
    queue = reverse("admin:approvals_approvalrequest_changelist")
    title = request_of(waiting).title

    assert title not in client.get(queue).content.decode()
    listed = client.get(queue, {"queue": "delegated"}).content.decode()
    assert f"{provider.organization.name} decides" in listed
    review = reverse("admin:approvals_approvalrequest_change", args=[request_of(waiting).pk])
    html = client.get(review).content.decode()
    assert f"{provider.organization.name} decides this." in html
    assert 'value="approve"' not in html
    assert 'value="escalate"' in html
