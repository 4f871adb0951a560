"""U13: analytics agree with the raw records of the period, for each side and for nobody else."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.apis.enums import VersionStatus
from apps.apis.models import ApiVersion
from apps.core import clock
from apps.core.ids import format_public_id
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageEvent
from apps.usage.services import roll_up
from tests.clients import api_client
from tests.factories.accounts import OrganizationFactory, make_member, make_staff
from tests.factories.billing import make_calls, send_events
from tests.factories.direct import make_subscription_row
from tests.factories.keys import make_key
from tests.factories.usage import make_event

pytestmark = pytest.mark.django_db

CONSUMER = "/api/v1/analytics/usage"
PROVIDER = "/api/v1/analytics/provider"
OPERATOR = "/api/v1/admin/analytics"


@pytest.fixture
def key() -> ApiKey:
    return make_key().key


@pytest.fixture
def consumer(key: ApiKey) -> Membership:
    return make_member("owner", organization=key.subscription.consumer_organization)


@pytest.fixture
def provider(key: ApiKey) -> Membership:
    return make_member("owner", organization=key.subscription.provider_organization)


def fill(key: ApiKey) -> list[UsageEvent]:
    """Make calls of two keys over four days, with documents for some of them, and add them up."""
    subscription = key.subscription
    version = ApiVersion.objects.create(
        api=subscription.api, name="v1", status=VersionStatus.PUBLISHED
    )
    version.endpoints.create(method="GET", path="/v1/cities/{id}")
    now = clock.now()
    events = [
        make_event(
            subscription,
            occurred_at=now - number * timedelta(hours=2, minutes=7),
            key_id=key.public_id if number % 3 else None,
            path=(f"/v1/cities/{number}", "/wp-login")[number % 4 == 0],
            status=(200, 200, 301, 404, 503)[number % 5],
            latency_ms=float(10 + number),
            response_bytes=100 + number,
        )
        for number in range(40)
    ]
    send_events(events)
    make_calls(make_subscription_row(), now)  # somebody else's
    roll_up()
    return list(UsageEvent.objects.filter(subscription_id=subscription.pk))


def read(who: Any, path: str, **query: str) -> Any:
    answer = api_client(who).get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def inside(events: list[UsageEvent], period: Any) -> list[UsageEvent]:
    start, end = (datetime.fromisoformat(period[name]) for name in ("start", "end"))
    return [event for event in events if start <= event.occurred_at < end]


def near(found: int | None, exact: int) -> bool:
    return found is not None and abs(found - exact) <= 1 + 0.025 * exact


def check(figures: Any, events: list[UsageEvent]) -> None:
    """Insist that figures are those of the events."""
    assert figures["calls"] == len(events)
    assert figures["billed_calls"] == sum(event.is_billable for event in events)
    classes = Counter(event.status // 100 for event in events)
    names = ("answered", "redirected", "refused", "failed")
    assert [figures[name] for name in names] == [classes[number] for number in (2, 3, 4, 5)]
    assert figures["errors"] == classes[4] + classes[5]
    assert figures["response_bytes"] == sum(event.response_bytes for event in events)
    latencies = sorted(event.latency_ms for event in events)
    if not events:
        assert figures["latency"]["p95_ms"] is None
        return
    assert figures["latency"]["average_ms"] == round(sum(latencies) / len(latencies))
    assert near(figures["latency"]["p50_ms"], latencies[(len(latencies) - 1) // 2])
    assert near(figures["latency"]["p99_ms"], latencies[-1])


@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
def test_totals_and_series_are_those_of_the_calls(
    key: ApiKey, consumer: Membership, provider: Membership, period: str
) -> None:
    events = fill(key)

    for who, path in ((consumer, CONSUMER), (provider, PROVIDER)):
        body = read(who, path, period=period)
        check(body["totals"], inside(events, body["period"]))
        check(body["previous_totals"], inside(events, body["previous_period"]))
        assert body["by_day"] is (period != "24h")
        steps = Counter(
            (
                event.occurred_at.strftime("%Y-%m-%d")
                + ("" if body["by_day"] else f"T{event.occurred_at.hour:02}")
            )
            for event in inside(events, body["period"])
        )
        length = 10 if body["by_day"] else 13
        found = {point["at"][:length]: point["figures"]["calls"] for point in body["series"]}
        assert {at: calls for at, calls in found.items() if calls} == steps


@pytest.mark.parametrize("period", ["24h", "7d"])
def test_groups_are_those_of_the_calls(
    key: ApiKey, consumer: Membership, provider: Membership, period: str
) -> None:
    everything = fill(key)
    subscription = key.subscription
    both: dict[str, Any] = {
        "api": lambda event: format_public_id("api", event.api_id),
        "endpoint": lambda event: "" if event.path == "/wp-login" else "GET /v1/cities/{id}",
        "status": lambda event: str(event.status),
    }
    own = {
        "key": lambda event: format_public_id("key", event.key_id) if event.key_id else "",
        "subscription": lambda _event: subscription.public_id,
    }
    provided = {
        "plan": lambda _event: subscription.plan.public_id,
        "consumer": lambda _event: subscription.consumer_organization.public_id,
        "country": lambda _event: subscription.consumer_organization.country,
    }

    for who, path, kinds in (
        (consumer, CONSUMER, both | own),
        (provider, PROVIDER, both | provided),
    ):
        span = read(who, path, period=period)["period"]
        events = inside(everything, span)
        for by, name_of in kinds.items():
            expected: dict[str, list[UsageEvent]] = defaultdict(list)
            for event in events:
                expected[name_of(event)].append(event)
            rows = read(who, f"{path}/groups", period=period, group_by=by)["data"]
            assert {row["value"]["id"] for row in rows} == set(expected)
            for row in rows:
                check(row["figures"], expected[row["value"]["id"]])
            assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_days_of_groups_are_the_series(key: ApiKey, consumer: Membership) -> None:
    fill(key)

    rows = read(consumer, f"{CONSUMER}/groups", group_by="day")["data"]
    series = read(consumer, CONSUMER)["series"]

    by_day = {row["value"]["id"]: row["figures"]["calls"] for row in rows}
    assert by_day == {
        point["at"][:10]: point["figures"]["calls"] for point in series if point["figures"]["calls"]
    }


def test_filters_narrow_everything(key: ApiKey, consumer: Membership, provider: Membership) -> None:
    events = fill(key)

    def total(who: Membership, path: str, **query: str) -> int:
        found: int = read(who, path, **query)["totals"]["calls"]
        return found

    since = datetime.fromisoformat(read(consumer, CONSUMER)["period"]["start"])
    events = [event for event in events if event.occurred_at >= since]
    subscription = key.subscription
    assert total(consumer, CONSUMER, key_id=key.public_id) == sum(
        e.key_id == key.pk for e in events
    )
    assert total(consumer, CONSUMER, status="404") == sum(e.status == 404 for e in events)
    assert total(consumer, CONSUMER, status="5xx") == sum(e.status >= 500 for e in events)
    assert total(consumer, CONSUMER, endpoint="other") == sum(e.path == "/wp-login" for e in events)
    assert total(provider, PROVIDER, plan_id=subscription.plan.public_id) == len(events)
    assert total(
        provider, PROVIDER, consumer_id=subscription.consumer_organization.public_id, status="3"
    ) == sum(300 <= e.status < 400 for e in events)


def test_top_groups_and_the_rest(consumer: Membership) -> None:
    for number in range(4):
        subscription = make_subscription_row(consumer=consumer.organization)
        make_calls(subscription, *[clock.now()] * (number + 1))
    roll_up()

    first = read(consumer, f"{CONSUMER}/groups", group_by="api", limit="2")
    second = api_client(consumer).get(first["next"]).json()

    assert [row["figures"]["calls"] for row in first["data"]] == [4, 3]
    assert first["other"]["calls"] == 3
    assert [row["figures"]["calls"] for row in second["data"]] == [2, 1]
    assert (second["other"], second["next"]) == (None, None)
    assert second["previous"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (CONSUMER, {"period": "1y"}, "/period"),
        (CONSUMER, {"status": "6xx"}, "/status"),
        (CONSUMER, {"endpoint": "nonsense"}, "/endpoint"),
        (PROVIDER, {"country": "Zimbabwe"}, "/country"),
        (f"{CONSUMER}/groups", {}, "/group_by"),
        (f"{CONSUMER}/groups", {"group_by": "consumer"}, "/group_by"),
        (f"{PROVIDER}/groups", {"group_by": "key"}, "/group_by"),
        (f"{CONSUMER}/groups", {"group_by": "api", "limit": "201"}, "/limit"),
        (f"{CONSUMER}/groups", {"group_by": "api", "offset": "-1"}, "/offset"),
    ],
)
def test_bad_queries_name_their_field(path: str, query: dict[str, str], field: str) -> None:
    answer = api_client(make_member("owner")).get(path, query)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [field]


def test_what_belongs_to_others_does_not_exist(key: ApiKey) -> None:
    fill(key)
    stranger = make_member("owner")
    subscription = key.subscription
    for path, query in (
        (CONSUMER, {"api_id": subscription.api.public_id}),
        (CONSUMER, {"subscription_id": subscription.public_id}),
        (CONSUMER, {"key_id": key.public_id}),
        (PROVIDER, {"api_id": subscription.api.public_id}),
        (PROVIDER, {"plan_id": subscription.plan.public_id}),
        (PROVIDER, {"consumer_id": subscription.consumer_organization.public_id}),
        (PROVIDER, {"consumer_id": "org_wrong"}),
    ):
        assert api_client(stranger).get(path, query).status_code == 404, query
    assert read(stranger, CONSUMER)["totals"]["calls"] == 0
    assert read(stranger, PROVIDER)["totals"]["calls"] == 0


def test_providers_learn_of_no_key(key: ApiKey, provider: Membership) -> None:
    fill(key)

    for by in ("api", "plan", "consumer", "endpoint", "country", "status", "day"):
        answer = api_client(provider).get(f"{PROVIDER}/groups", {"group_by": by})
        assert key.public_id not in answer.content.decode()
        assert key.prefix not in answer.content.decode()


def test_operators_see_all_but_sandboxes(key: ApiKey) -> None:
    events = fill(key)
    make_calls(make_subscription_row(consumer=OrganizationFactory(is_sandbox=True)), clock.now())
    roll_up()
    operator = make_staff("operator")

    for period in ("24h", "7d"):
        body = read(operator, OPERATOR, period=period)
        assert body["totals"]["calls"] == len(inside(events, body["period"])) + 1
        rows = read(operator, f"{OPERATOR}/groups", group_by="consumer", period=period)["data"]
        assert rows[0]["value"]["label"] == key.subscription.consumer_organization.name
        assert len(rows) == 2
    narrowed = read(
        operator, OPERATOR, provider_id=key.subscription.provider_organization.public_id
    )
    assert narrowed["totals"]["calls"] == len(inside(events, narrowed["period"]))


@pytest.mark.parametrize("count", [1, 3])
def test_takes_the_same_queries_for_any_number(
    consumer: Membership, count: int, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        make_calls(make_subscription_row(consumer=consumer.organization), clock.now())
    roll_up()
    client = api_client(consumer)

    with django_assert_num_queries(4):
        client.get(CONSUMER)
    with django_assert_num_queries(4):
        client.get(f"{CONSUMER}/groups", {"group_by": "api"})


def test_days_are_the_organizations_own(consumer: Membership, key: ApiKey) -> None:
    consumer.organization.timezone = "Asia/Kolkata"
    consumer.organization.save(update_fields=["timezone"])
    subscription: Subscription = key.subscription
    now = clock.now()
    make_calls(subscription, *(now - number * timedelta(minutes=30) for number in range(96)))
    roll_up()

    body = read(consumer, CONSUMER, period="7d")

    offset = timedelta(hours=5, minutes=30)
    expected = Counter(
        (event.occurred_at + offset).strftime("%Y-%m-%d") for event in UsageEvent.objects.all()
    )
    found = {point["at"][:10]: point["figures"]["calls"] for point in body["series"]}
    assert {day: calls for day, calls in found.items() if calls} == expected
