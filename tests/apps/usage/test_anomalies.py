"""Anomalies: the rule, what it must not alarm for, incidents with an end, who hears of them, pages and REST."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.core.models import AuditEvent
from apps.notifications.models import Notification, WebhookEvent
from apps.subscriptions.models import Subscription
from apps.usage.anomalies import find_anomalies
from apps.usage.anomaly_rules import HourCount, judge, past_hours
from apps.usage.enums import AnomalyKind, Sensitivity
from apps.usage.models import ShipperState, UsageAnomaly, UsageWindow
from apps.usage.services.anomalies import set_anomaly_sensitivity
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.direct import make_subscription_row
from tests.factories.notifications import WebhookEndpointFactory
from tests.factories.pricing import SYSTEM

REST = "/api/v1/usage/anomalies"
PAGE = "/console/usage/anomalies/"
NOW = datetime(2026, 6, 24, 10, 20, tzinfo=UTC)  # a Wednesday
HOUR = timedelta(hours=1)


def counts(*calls: int, errors: int = 0) -> list[HourCount]:
    return [HourCount(number, errors) for number in calls]


def kinds(
    now: HourCount, *weeks: list[HourCount], is_whole: bool = True, how: str = "normal"
) -> list[str]:
    return [found.kind for found in judge(now, weeks, how, is_whole=is_whole)]


class TestRule:
    """Plain numbers."""

    USUAL = counts(1000, 1100, 900, 1050, 980, 1020, 1010, 990)

    @pytest.mark.parametrize(
        ("calls", "is_whole", "expected"),
        [
            (1000, True, []),
            (1900, True, []),  # not twice the median
            (2100, True, ["spike"]),
            (2100, False, ["spike"]),
            (600, True, []),
            (450, True, ["drop"]),
            (450, False, []),  # the hour still runs
            (0, True, ["drop"]),
        ],
    )
    def test_calls(self, calls: int, is_whole: Any, expected: list[str]) -> None:
        assert kinds(HourCount(calls), self.USUAL, is_whole=is_whole) == expected

    def test_one_odd_week_changes_nothing(self) -> None:
        odd = [*self.USUAL[1:], HourCount(50_000)]
        assert kinds(HourCount(1000), odd) == []
        assert kinds(HourCount(2200), odd) == ["spike"]

    def test_small_numbers_are_no_anomaly(self) -> None:
        assert kinds(HourCount(90), counts(*[1] * 8)) == []
        assert kinds(HourCount(0), counts(*[60] * 8)) == []
        assert kinds(HourCount(120), counts(*[0] * 8)) == ["spike"]

    def test_wild_weeks_widen_the_band(self) -> None:
        wild = counts(200, 3000, 900, 1800, 400, 2500, 1200, 100)
        assert kinds(HourCount(4000), wild) == []

    def test_four_weeks_are_needed(self) -> None:
        assert kinds(HourCount(9000), self.USUAL[:3]) == []
        assert kinds(HourCount(9000), self.USUAL[:4]) == ["spike"]

    def test_sensitivity(self) -> None:
        spread = counts(700, 1300, 900, 1100, 800, 1200, 1000, 1000)
        assert [
            kinds(HourCount(2200), spread, how=how) for how in ("off", "low", "normal", "high")
        ] == [[], [], ["spike"], ["spike"]]

    def test_errors_need_volume_and_a_step(self) -> None:
        usual = counts(*[1000] * 8, errors=20)
        assert kinds(HourCount(1000, 60), usual) == []
        assert kinds(HourCount(1000, 150), usual) == ["errors"]
        assert kinds(HourCount(20, 20), counts(*[20] * 8)) == []

    def test_noise_rarely_alarms(self) -> None:
        """Normal noise of a fifth of the mean, from hour to hour: about one alarm in a thousand hours."""
        chance = random.Random(5)  # noqa: S311 -- noise, the same in each run
        draw = [max(0, round(chance.gauss(1000, 200))) for _ in range(24 * 365)]
        alarms = [
            found
            for index in range(0, len(draw) - 9, 9)
            for found in kinds(HourCount(draw[index]), counts(*draw[index + 1 : index + 9]))
        ]
        assert len(alarms) <= 2  # of 973 hours

    def test_both_clocks_have_to_be_missed(self) -> None:
        summer, winter = counts(*[1000] * 8), counts(*[10] * 8)
        assert kinds(HourCount(1000), summer, winter) == []
        assert kinds(HourCount(10), summer, winter) == []
        assert kinds(HourCount(3000), summer, winter) == ["spike"]

    def test_weeks_follow_the_local_clock(self) -> None:
        hour = datetime(2026, 4, 1, 7, tzinfo=UTC)  # 9:00 in Berlin, in summer time since March 29
        by_clock, by_utc = past_hours(hour, "Europe/Berlin")
        assert by_clock[0] == datetime(2026, 3, 25, 8, tzinfo=UTC)
        assert by_utc[0] == datetime(2026, 3, 25, 7, tzinfo=UTC)
        assert len(past_hours(hour, "UTC")) == 1
        assert len(past_hours(datetime(2026, 7, 1, 7, tzinfo=UTC), "Europe/Berlin")) == 1


def seed(subscription: Subscription, at: datetime, *, calls: int, errors: int = 0) -> None:
    """Set what was counted in an hour."""
    UsageWindow.objects.update_or_create(
        subscription=subscription,
        meter="calls",
        window_start=at,
        defaults={
            "consumer_organization_id": subscription.consumer_organization_id,
            "provider_organization_id": subscription.provider_organization_id,
            "api_id": subscription.api_id,
            "window_end": at + HOUR,
            "quantity": calls - errors,
            "event_count": calls,
            "error_count": errors,
        },
    )


def make_history(subscription: Subscription, *, until: datetime, weeks: int = 9) -> None:
    """Workdays from 8 to 18: 1 000 calls an hour, Wednesdays twice; else nothing."""
    rows = []
    at = until - timedelta(weeks=weeks)
    while at < until:
        is_busy = at.weekday() < 5 and 8 <= at.hour < 18
        calls = (2000 if at.weekday() == 2 else 1000) if is_busy else 0
        if calls:
            rows.append(
                UsageWindow(
                    consumer_organization_id=subscription.consumer_organization_id,
                    provider_organization_id=subscription.provider_organization_id,
                    subscription=subscription,
                    api_id=subscription.api_id,
                    meter="calls",
                    window_start=at,
                    window_end=at + HOUR,
                    quantity=calls,
                    event_count=calls,
                )
            )
        at += HOUR
    UsageWindow.objects.bulk_create(rows)


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


@pytest.fixture
def provider() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(consumer: Membership, provider: Membership) -> Subscription:
    row = make_subscription_row(
        consumer=consumer.organization,
        provider=provider.organization,
        started_at=NOW - timedelta(weeks=10),
    )
    make_history(row, until=NOW.replace(minute=0))
    return row


def told(member: Membership) -> list[str]:
    rows = Notification.objects.filter(user=member.user, kind__startswith="anomalies.")
    return [row.kind.removeprefix("anomalies.") for row in rows.order_by("id")]


@pytest.mark.django_db
class TestFinding:
    """Seeded weeks of a business that sleeps at night and at weekends, and is busiest on Wednesdays."""

    @pytest.mark.usefixtures("subscription")
    def test_weekly_pattern_does_not_alarm(self) -> None:
        last = NOW.replace(minute=0) - timedelta(weeks=1)
        for step in range(0, 24 * 7, 5):  # 5 and 24 share no factor, so each hour of the day comes
            find_anomalies(last + HOUR * step + timedelta(minutes=10))
        assert not UsageAnomaly.objects.exists()

    def test_incident_is_told_once_to_both_sides_and_ends(
        self, consumer: Membership, provider: Membership, subscription: Subscription
    ) -> None:
        WebhookEndpointFactory(organization=consumer.organization)
        hour = NOW.replace(minute=0)
        seed(subscription, hour, calls=7000)
        for minutes in (5, 20, 40):
            find_anomalies(hour + timedelta(minutes=minutes))
        seed(subscription, hour + HOUR, calls=9000)
        find_anomalies(hour + HOUR + timedelta(minutes=50))

        assert told(consumer) == told(provider) == ["spike"]
        own = UsageAnomaly.objects.get(subscription=subscription)
        assert (own.started_at, own.last_hour) == (hour, hour + HOUR)
        assert (own.observed, own.expected) == (9000, 2000)
        assert UsageAnomaly.objects.filter(subscription=None).count() == 1

        for step in (2, 3):
            seed(subscription, hour + HOUR * step, calls=2000)
        find_anomalies(hour + HOUR * 3 + timedelta(minutes=10))
        assert told(consumer) == ["spike"]  # one usual hour is not enough
        for _again in range(2):
            find_anomalies(hour + HOUR * 4 + timedelta(minutes=10))
        assert told(consumer) == told(provider) == ["spike", "resolved"]
        own.refresh_from_db()
        assert not own.is_open
        events = WebhookEvent.objects.filter(type="usage.anomaly").order_by("id")
        assert [event.data["state"] for event in events] == ["open", "resolved"]
        assert events[0].data["side"] == "consumer"

    @pytest.mark.usefixtures("subscription")
    def test_drop_is_told_when_every_call_has_arrived(self, consumer: Membership) -> None:
        hour = NOW.replace(minute=0)  # nothing was called in it
        shipper = ShipperState.objects.create(
            node="edge-1", oldest_unshipped_at=hour + timedelta(minutes=1), reported_at=NOW
        )
        find_anomalies(hour + HOUR + timedelta(minutes=5))
        assert told(consumer) == []  # they may be on their way
        shipper.oldest_unshipped_at = None
        shipper.save()
        find_anomalies(hour + HOUR + timedelta(minutes=10))
        assert told(consumer) == ["drop"]

    def test_failures_are_told(self, consumer: Membership, subscription: Subscription) -> None:
        hour = NOW.replace(minute=0)
        seed(subscription, hour, calls=2000, errors=900)
        find_anomalies(NOW)
        assert told(consumer) == ["errors"]
        assert UsageAnomaly.objects.get(subscription=subscription).observed == 45

    def test_new_subscriptions_and_sandboxes_have_none(self, consumer: Membership) -> None:
        hour = NOW.replace(minute=0)
        new = make_subscription_row(
            consumer=consumer.organization, started_at=NOW - timedelta(weeks=10)
        )
        make_history(new, until=hour, weeks=3)
        sandbox = make_subscription_row(
            consumer=OrganizationFactory(is_sandbox=True), started_at=NOW - timedelta(weeks=10)
        )
        make_history(sandbox, until=hour)
        for row in (new, sandbox):
            seed(row, hour, calls=50_000)
        find_anomalies(NOW)
        assert not UsageAnomaly.objects.exists()

    def test_clock_change_does_not_alarm(self, consumer: Membership) -> None:
        """Clients that follow the local clock, and clients that follow UTC, around March 29 in Berlin."""
        change = datetime(2026, 3, 30, tzinfo=UTC)
        rows = [
            make_subscription_row(
                consumer=consumer.organization, started_at=change - timedelta(weeks=10)
            )
            for _ in range(2)
        ]
        for row, shift in zip(rows, (timedelta(0), -HOUR), strict=True):
            row.timezone = "Europe/Berlin"
            row.save()
            make_history(row, until=change)
            for number in range(3, 30):  # Monday and Tuesday after the change
                at = change + HOUR * number
                if 8 <= (at - shift).hour < 18:
                    seed(row, at, calls=1000)
        for number in range(4, 30, 3):
            find_anomalies(change + HOUR * number + timedelta(minutes=10))
        assert not UsageAnomaly.objects.filter(subscription__in=rows).exists()

    def test_off_for_one_api_tells_nothing(
        self, consumer: Membership, provider: Membership, subscription: Subscription
    ) -> None:
        set_anomaly_sensitivity(
            organization=consumer.organization,
            api=subscription.api,
            sensitivity=Sensitivity.OFF,
            actor=SYSTEM,
        )
        seed(subscription, NOW.replace(minute=0), calls=7000)
        find_anomalies(NOW)
        assert (told(consumer), told(provider)) == ([], ["spike"])
        assert AuditEvent.objects.filter(action="usage:anomaly_setting:changed").count() == 1

    @pytest.mark.parametrize("count", [1, 3])
    def test_looking_takes_the_same_queries_for_any_number(
        self, count: int, django_assert_num_queries: Any
    ) -> None:
        for _ in range(count):
            make_subscription_row(started_at=NOW - timedelta(weeks=10))
        with django_assert_num_queries(12):
            find_anomalies(NOW)


@pytest.mark.django_db
class TestReading:
    """Pages and REST."""

    @pytest.fixture
    def anomaly(self, subscription: Subscription) -> UsageAnomaly:
        seed(subscription, NOW.replace(minute=0), calls=7000)
        find_anomalies(NOW)
        return UsageAnomaly.objects.get(subscription=subscription)

    def test_page_shows_the_band(
        self, consumer: Membership, provider: Membership, anomaly: UsageAnomaly
    ) -> None:
        browser = client_for(consumer)
        assert "Unusual now" in browser.get(PAGE).content.decode()
        page = browser.get(f"{PAGE}{anomaly.public_id}/")
        text = page.content.decode()
        assert "7,000" in text
        assert "Usual at most" in text
        actual, high, low = (series.values for series in page.context["plot"].data.series)
        assert max(value for value in actual if value is not None) == 7000
        assert 3000 in high
        assert 1000 in low
        assert client_for(provider).get(f"{PAGE}{anomaly.public_id}/").status_code == 404
        theirs = UsageAnomaly.objects.get(subscription=None)
        assert client_for(provider).get(f"{PAGE}{theirs.public_id}/").status_code == 200
        assert "Nothing is unusual" in client_for(make_member("owner")).get(PAGE).content.decode()

    def test_sensitivity_is_chosen_on_the_page(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        browser = client_for(consumer)
        form = {"api": subscription.api.public_id, "sensitivity": "high"}
        text = browser.post(PAGE, form, follow=True).content.decode()
        assert f"{subscription.api.name}: high" in text
        assert browser.post(PAGE, {"sensitivity": "mad"}).status_code == 422

    @pytest.mark.usefixtures("anomaly")
    def test_rest(self, consumer: Membership, provider: Membership) -> None:
        rest = api_client(consumer)
        (row,) = rest.get(REST).json()["data"]
        assert (row["kind"], row["observed"], row["resolved_at"]) == (AnomalyKind.SPIKE, 7000, None)
        assert rest.get(f"{REST}/{row['id']}").json() == row
        assert rest.get(REST, {"side": "provider"}).json()["data"] == []
        assert rest.get(REST, {"state": "resolved"}).json()["data"] == []
        assert rest.get(REST, {"side": "x"}).status_code == 400
        assert api_client(provider).get(f"{REST}/{row['id']}").status_code == 404
        assert len(api_client(provider).get(REST).json()["data"]) == 1

        settings = "/api/v1/usage/anomaly-settings"
        assert rest.put(settings, {"sensitivity": "low"}, format="json").json()["api_id"] is None
        assert rest.put(settings, {"sensitivity": "mad"}, format="json").status_code == 400
        body = {"sensitivity": "off", "api_id": "api_nope"}
        assert rest.put(settings, body, format="json").status_code == 422
        assert [row["sensitivity"] for row in rest.get(settings).json()["data"]] == ["low"]

    @pytest.mark.parametrize("count", [1, 3])
    def test_lists_take_the_same_queries_for_any_number(
        self, consumer: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        for _ in range(count):
            row = make_subscription_row(consumer=consumer.organization)
            UsageAnomaly.objects.create(
                organization=consumer.organization,
                api=row.api,
                subscription=row,
                kind=AnomalyKind.DROP,
                started_at=NOW,
                last_hour=NOW,
                observed=0,
                expected=100,
                low=50,
                high=150,
            )
        rest, browser = api_client(consumer), client_for(consumer)
        browser.get(PAGE)
        with django_assert_num_queries(1):
            assert len(rest.get(REST).json()["data"]) == count
        with django_assert_num_queries(12):
            browser.get(PAGE)
