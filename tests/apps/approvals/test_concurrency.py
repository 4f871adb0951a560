"""Two at once: one decides, one asks; the other is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from apps.accounts.models import Membership, User
from apps.apis.models import Api
from apps.approvals.exceptions import AlreadyAssigned, AlreadyRequested
from apps.approvals.models import ApprovalHistory, ApprovalRequest
from apps.approvals.services import (
    Submission,
    apply_sla,
    approve_request,
    claim_request,
    open_request,
    reject_request,
)
from apps.core.actors import Actor
from apps.core.exceptions import InvalidTransition
from tests.clients import api_client
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.apis import make_api
from tests.factories.approvals import make_older, make_request

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run works in threads that start together; a refusal is returned as what it is."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        barrier.wait(timeout=10)
        try:
            return work()
        except (AlreadyAssigned, AlreadyRequested, InvalidTransition) as error:
            return type(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_two_decisions_at_once_leave_one() -> None:
    request = make_request()
    one, two = actor_of(make_staff("approver")), actor_of(make_staff("approver"))

    outcomes = at_once(
        lambda: approve_request(request=request, actor=one, comment="Yes"),
        lambda: reject_request(request=request, actor=two, comment="No"),
    )

    assert outcomes.count(InvalidTransition) == 1
    status = ApprovalRequest.objects.get().status
    assert ApprovalHistory.objects.filter(action__in=["approved", "rejected"]).count() == 1
    expected = {"approved": "registering", "rejected": "rejected"}[status]
    assert Api.objects.get(pk=request.subject_id).status == expected


def test_two_requests_at_once_leave_one() -> None:
    member: Membership = make_member("owner")
    api = make_api("pending_approval", member.organization)
    submission = Submission(
        subject_type="apis.api", subject_id=api.pk, organization=member.organization, title="x"
    )

    def ask() -> object:
        return open_request(submission=submission, actor=actor_of(member))

    outcomes = at_once(ask, ask)

    assert outcomes.count(AlreadyRequested) == 1
    assert ApprovalRequest.objects.count() == 1


def test_two_approvers_over_rest_at_once_are_one_200_and_one_409() -> None:
    request = make_request()
    url = f"/api/v1/admin/approvals/{request.public_id}"
    people = [make_staff("approver") for _ in range(2)]

    def decide(person: User, move: str) -> int:
        return api_client(person).post(f"{url}/{move}", {"comment": "Checked"}).status_code

    outcomes = at_once(lambda: decide(people[0], "approve"), lambda: decide(people[1], "reject"))

    assert sorted(map(str, outcomes)) == ["200", "409"]


def test_two_who_claim_at_once_are_one_assignee() -> None:
    request = make_request()
    one, two = actor_of(make_staff("approver")), actor_of(make_staff("approver"))

    outcomes = at_once(
        lambda: claim_request(request=request, actor=one),
        lambda: claim_request(request=request, actor=two),
    )

    assert outcomes.count(AlreadyAssigned) == 1
    assert request.history.filter(action="assigned").count() == 1


def test_two_runs_of_the_sla_job_at_once_escalate_once() -> None:
    request = make_older(make_request(), timedelta(days=90))

    def run() -> object:
        return apply_sla(actor=Actor.system("test"))

    at_once(run, run)

    assert request.history.filter(action="escalated").count() == 1
    assert request.history.filter(action="sla_breached").count() == 1
