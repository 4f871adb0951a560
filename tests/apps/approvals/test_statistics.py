"""Figures of the queue, compared with rows whose times are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.approvals.enums import Priority
from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import approval_statistics
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def decided_after(hours: int, *, due_after: int = 24, status: str = "approved") -> ApprovalRequest:
    return make_request(
        status=status,
        created_at=START,
        decided_at=START + hours * HOUR,
        due_at=START + due_after * HOUR,
        first_response_at=START + HOUR,
    )


def test_durations_and_compliance_are_those_of_the_rows() -> None:
    for hours in (1, 2, 3, 4, 30):
        decided_after(hours)

    found = approval_statistics(since=START, until=START + timedelta(days=7))

    assert (found.decided, found.decided_in_time) == (5, 4)
    assert found.sla_compliance == Decimal("80.00")
    assert found.to_decision.mean_hours == Decimal("8.00")
    assert found.to_decision.median_hours == Decimal("3.00")
    # percentile_cont: 4 + 0.6 of the way from the fourth to the fifth.
    assert found.to_decision.p90_hours == Decimal("19.60")
    assert found.median_response_hours == Decimal("1.00")


def test_counts_are_those_of_the_rows() -> None:
    decided_after(1), decided_after(2, status="rejected")
    make_request(created_at=START, priority=Priority.URGENT)
    make_request(created_at=START - HOUR)

    found = approval_statistics(since=START, until=START + timedelta(days=1))

    assert found.requested == 3
    assert {name: count for name, count in found.by_status.items() if count} == {
        "approved": 1,
        "rejected": 1,
        "pending": 1,
    }
    assert found.by_priority == {"low": 0, "normal": 2, "high": 0, "urgent": 1}
    assert found.by_subject_type == {"apis.api": 3}


def test_only_approved_and_rejected_count_as_decided() -> None:
    decided_after(1, status="cancelled"), decided_after(2, status="expired")

    found = approval_statistics(since=START, until=START + timedelta(days=1))

    assert (found.decided, found.sla_compliance) == (0, None)
    assert found.to_decision.median_hours is None


def test_every_day_of_the_range_has_its_throughput() -> None:
    decided_after(1), decided_after(25)

    found = approval_statistics(since=START, until=START + timedelta(days=3))

    assert [(day.day, day.requested, day.decided) for day in found.days] == [
        (date(2026, 3, 2), 2, 1),
        (date(2026, 3, 3), 0, 1),
        (date(2026, 3, 4), 0, 0),
    ]


def test_range_is_half_open_and_types_are_apart() -> None:
    decided_after(24)
    end = START + 24 * HOUR

    assert approval_statistics(since=START, until=end).decided == 0
    assert approval_statistics(since=end, until=end + HOUR).decided == 1
    other = approval_statistics(since=START, until=end + HOUR, subject_type="billing.refund")
    assert (other.requested, other.decided) == (0, 0)


def test_empty_range_has_nothing() -> None:
    found = approval_statistics(since=START, until=START)

    assert (found.requested, found.decided, found.days) == (0, 0, ())
