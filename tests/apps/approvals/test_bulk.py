"""Many decisions at once, each by itself."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.apis.models import Api
from apps.approvals import services
from apps.approvals.exceptions import CommentRequired
from apps.approvals.models import ApprovalRequest
from apps.core.exceptions import Forbidden, InvalidInput
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make_staff("approver")


def statuses() -> list[str]:
    return list(ApprovalRequest.objects.order_by("id").values_list("status", flat=True))


def test_ten_ids_with_one_invalid_are_nine_decisions_and_one_error(person: User) -> None:
    ids = [make_request().public_id for _ in range(9)]
    ids.insert(4, "apr_unknown")

    results = services.decide_in_bulk(
        public_ids=ids, decision="approve", comment="Checked", actor=actor_of(person)
    )

    assert [result.id for result in results] == ids
    assert [result.outcome for result in results].count("done") == 9
    assert (results[4].outcome, results[4].code) == ("failed", "not_found")
    assert statuses() == ["approved"] * 9


def test_each_refusal_has_its_own_reason_and_leaves_nothing_behind(person: User) -> None:
    decided, stuck, fine = (make_request() for _ in range(3))
    services.reject_request(request=decided, actor=actor_of(person), comment="No")
    Api.objects.filter(pk=stuck.subject_id).update(status="draft")
    ids = [item.public_id for item in (decided, stuck, fine, fine)]

    results = services.decide_in_bulk(
        public_ids=ids, decision="approve", comment="Checked", actor=actor_of(person)
    )

    assert [result.code for result in results] == [
        "invalid_transition",
        "invalid_transition",
        "",
        "invalid_transition",
    ]
    assert statuses() == ["rejected", "pending", "approved"]
    assert not stuck.history.filter(action="approved").exists()


def test_own_submission_fails_among_others() -> None:
    boss = make_member("owner", is_staff=True, is_superuser=True)
    own, other = make_request(boss), make_request()

    results = services.decide_in_bulk(
        public_ids=[own.public_id, other.public_id],
        decision="reject",
        comment="No",
        actor=actor_of(boss).as_platform(),
    )

    assert [(result.outcome, result.code) for result in results] == [
        ("failed", "own_submission"),
        ("done", ""),
    ]


@pytest.mark.parametrize(
    ("decision", "status"),
    [("reject", "rejected"), ("escalate", "escalated"), ("assign", "pending")],
)
def test_other_decisions(person: User, decision: str, status: str) -> None:
    ids = [make_request().public_id for _ in range(2)]

    results = services.decide_in_bulk(
        public_ids=ids, decision=decision, comment="Because", actor=actor_of(person)
    )

    assert [result.outcome for result in results] == ["done", "done"]
    assert statuses() == [status, status]
    wanted = person if decision == "assign" else None
    assert {row.assignee for row in ApprovalRequest.objects.all()} == {wanted}


def test_bulk_assigns_to_somebody_else(person: User) -> None:
    colleague = make_staff("approver")

    services.decide_in_bulk(
        public_ids=[make_request().public_id],
        decision="assign",
        actor=actor_of(person),
        assignee=colleague,
    )

    assert ApprovalRequest.objects.get().assignee == colleague


@pytest.mark.parametrize(
    ("ids", "decision", "field"),
    [([], "approve", "ids"), (["apr_1"] * 101, "approve", "ids"), (["apr_1"], "like", "decision")],
)
def test_malformed_bulk_decides_nothing(
    person: User, ids: list[str], decision: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.decide_in_bulk(
            public_ids=ids, decision=decision, comment="x", actor=actor_of(person)
        )

    assert caught.value.field == field


def test_bulk_needs_a_comment_and_a_reviewer(person: User) -> None:
    ids = [make_request().public_id]

    with pytest.raises(CommentRequired):
        services.decide_in_bulk(public_ids=ids, decision="approve", actor=actor_of(person))
    with pytest.raises(Forbidden):
        services.decide_in_bulk(
            public_ids=ids, decision="approve", comment="x", actor=actor_of(make_member("owner"))
        )

    assert statuses() == ["pending"]
