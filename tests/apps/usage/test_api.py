"""Calls and series over REST: each side sees its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.enums import Role
from apps.accounts.models import Membership
from apps.core import clock
from tests.clients import api_client
from tests.factories.accounts import make_member
from tests.factories.billing import make_calls
from tests.factories.direct import add_window, make_subscription_row

pytestmark = pytest.mark.django_db

USAGE = "/api/v1/usage"
PROVIDED = "/api/v1/provider/usage"


@pytest.fixture
def consumer() -> Membership:
    return make_member("viewer")


@pytest.fixture
def provider() -> Membership:
    return make_member("viewer")


@pytest.fixture
def calls(consumer: Membership, provider: Membership) -> list[str]:
    """Three calls an hour apart, the last one refused."""
    subscription = make_subscription_row(
        consumer=consumer.organization, provider=provider.organization
    )
    now = clock.now()
    ids = make_calls(subscription, now - timedelta(hours=2), now - timedelta(hours=1))
    return [*ids, *make_calls(subscription, now, status=404)]


def test_both_sides_list_the_calls_newest_first(
    consumer: Membership, provider: Membership, calls: list[str]
) -> None:
    for member, path in ((consumer, f"{USAGE}/events"), (provider, f"{PROVIDED}/events")):
        rows = api_client(member).get(path).json()["data"]
        assert [row["id"] for row in rows] == calls[::-1]


def test_each_side_sees_only_its_own(
    consumer: Membership, provider: Membership, calls: list[str]
) -> None:
    assert calls
    assert api_client(provider).get(f"{USAGE}/events").json()["data"] == []
    assert api_client(consumer).get(f"{PROVIDED}/events").json()["data"] == []


def test_single_call_is_shown_to_both_sides_and_to_nobody_else(
    consumer: Membership, provider: Membership, calls: list[str]
) -> None:
    path = f"{USAGE}/events/{calls[2]}"
    for member in (consumer, provider):
        body = api_client(member).get(path).json()
        assert (body["id"], body["status"], body["is_billable"]) == (calls[2], 404, False)
    assert api_client(make_member("owner")).get(path).status_code == 404


def test_series_adds_up(consumer: Membership, provider: Membership, calls: list[str]) -> None:
    assert calls
    for member, path in ((consumer, f"{USAGE}/series"), (provider, f"{PROVIDED}/series")):
        body = api_client(member).get(path, {"period": "24h"}).json()
        assert len(body["points"]) == 24
        assert body["totals"] == {"events": 3, "calls": 2, "errors": 1}
        assert sum(point["calls"] for point in body["points"]) == 2


def test_series_by_day_follows_the_organizations_time_zone() -> None:
    member = make_member("viewer")
    member.organization.timezone = "Asia/Kolkata"
    member.organization.save()
    subscription = make_subscription_row(consumer=member.organization)
    hour = clock.now().replace(minute=30, second=0, microsecond=0) - timedelta(hours=1)
    add_window(subscription, at=hour, calls=7)

    body = api_client(member).get(f"{USAGE}/series", {"period": "7d"}).json()

    assert len(body["points"]) == 7
    assert body["points"][0]["at"].endswith("T00:00:00+05:30")
    assert body["totals"]["calls"] == 7


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("tail", ["events", "windows", "series"])
def test_takes_the_same_queries_for_any_number(
    consumer: Membership, tail: str, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(count):
        subscription = make_subscription_row(consumer=consumer.organization)
        make_calls(subscription, clock.now() - timedelta(hours=number))
    rest = api_client(consumer)

    with django_assert_num_queries(2 if tail == "series" else 1):
        assert rest.get(f"{USAGE}/{tail}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"{USAGE}/events",
        f"{USAGE}/windows",
        f"{USAGE}/series",
        f"{PROVIDED}/events",
        f"{PROVIDED}/series",
    ],
)
def test_every_member_may_read_and_nobody_else(path: str) -> None:
    assert api_client().get(path).status_code == 401
    for role in Role.values:
        assert api_client(make_member(role)).get(path).status_code == 200


def test_api_of_another_provider_does_not_exist(provider: Membership) -> None:
    other = make_subscription_row()

    answer = api_client(provider).get(f"{PROVIDED}/series", {"api_id": other.api.public_id})

    assert answer.status_code == 404
