"""Two at once: one decides, one asks; the other is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.accounts.models import Membership
from apps.apis.models import Api
from apps.approvals.exceptions import AlreadyRequested
from apps.approvals.models import ApprovalHistory, ApprovalRequest
from apps.approvals.services import Submission, approve_request, open_request, reject_request
from apps.core.exceptions import InvalidTransition
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.apis import make_api
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run works in threads that start together; a refusal is returned as what it is."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        barrier.wait(timeout=10)
        try:
            return work()
        except (AlreadyRequested, InvalidTransition) as error:
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
