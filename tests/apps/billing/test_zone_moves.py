"""An account moves to another time zone: no hole, no overlap; and clock changes, lived through on the test clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.models import Membership, Organization
from apps.accounts.services import update_organization
from apps.billing.models import BillingPeriod
from apps.billing.services.periods import close_due_periods, open_first_period
from apps.billing.services.rating import days_of
from apps.core import clock
from apps.gateway.entry_payloads import wanted_subscription
from apps.pricing.enums import Alignment
from apps.subscriptions.calendar import numbered_period, period_at, period_number_at
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription, SubscriptionChange
from apps.subscriptions.services import cancel_at_period_end, end_due_subscriptions
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.direct import add_graduated_price, make_subscription_row
from tests.factories.pricing import SYSTEM

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def subscribed(at: datetime, zone: str, **version: object) -> Subscription:
    """Return a subscription of a sandbox whose clock shows `at`, started then."""
    now = clock.now()
    organization = OrganizationFactory(
        is_sandbox=True, timezone=zone, clock_offset=max(at - now, timedelta(0))
    )
    subscription = make_subscription_row(
        consumer=organization, anchor=at, started_at=at, timezone=zone
    )
    add_graduated_price(subscription)
    for name, value in version.items():
        setattr(subscription.price_version, name, value)
    subscription.price_version.save()
    open_first_period(subscription=subscription, at=at)
    return subscription


def live_until(subscription: Subscription, moment: datetime) -> None:
    """Set the account's clock, and end and close what is due, as the jobs do."""
    Organization.objects.filter(pk=subscription.consumer_organization_id).update(
        clock_offset=moment - clock.now()
    )
    end_due_subscriptions(actor=SYSTEM)
    while close_due_periods(actor=SYSTEM)["closing"]:
        pass
    subscription.refresh_from_db()
    subscription.consumer_organization.refresh_from_db()


def move(subscription: Subscription, zone: str) -> None:
    subscription.consumer_organization.refresh_from_db()
    update_organization(
        organization=subscription.consumer_organization, actor=SYSTEM, timezone=zone
    )
    subscription.refresh_from_db()


def first_days(subscription: Subscription) -> list[date]:
    """Return the local first days of the subscription's billing periods."""
    rows = BillingPeriod.objects.filter(subscription=subscription).order_by("number")
    zone = ZoneInfo(subscription.timezone)
    return [row.period_start.astimezone(zone).date() for row in rows]


def require_no_gap(subscription: Subscription) -> None:
    rows = list(BillingPeriod.objects.filter(subscription=subscription).order_by("number"))
    for earlier, later in pairwise(rows):
        assert earlier.period_end == later.period_start
    for row in rows:
        span = numbered_period(subscription, row.number)
        assert (span.start, span.end) == (row.period_start, row.period_end)


FUTURE = datetime(2027, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("UTC", "America/New_York"),
        ("UTC", "Asia/Tokyo"),
        ("America/Los_Angeles", "Asia/Kolkata"),
        ("Pacific/Auckland", "Pacific/Pago_Pago"),
    ],
)
def test_running_period_keeps_its_start_and_ends_by_the_new_zone(old: str, new: str) -> None:
    subscription = subscribed(FUTURE, old)
    before = period_at(subscription, FUTURE)

    move(subscription, new)

    after = period_at(subscription, FUTURE)
    assert after.start == before.start
    assert after.end.astimezone(ZoneInfo(new)).hour == 0
    assert after.end.astimezone(ZoneInfo(new)).date() == before.end.astimezone(ZoneInfo(old)).date()
    open_row = BillingPeriod.objects.get(subscription=subscription)
    assert (open_row.period_start, open_row.period_end) == (after.start, after.end)
    assert days_of(open_row) == (31, 31)
    entry = wanted_subscription(subscription).entry
    assert entry is not None
    assert entry.quota.periods[0].end == after.end.timestamp() * 1000
    assert SubscriptionChange.objects.filter(kind="zone_moved").count() == 1

    live_until(subscription, FUTURE + 100 * DAY)

    require_no_gap(subscription)
    assert period_number_at(subscription, FUTURE + 100 * DAY) == 3


def test_move_that_would_end_the_period_in_the_past_waits_for_the_next() -> None:
    subscription = subscribed(FUTURE, "UTC")
    live_until(subscription, datetime(2027, 4, 9, 20, tzinfo=UTC))
    before = period_at(subscription, FUTURE)

    move(subscription, "Asia/Tokyo")  # there the 10th began five hours ago

    assert (subscription.timezone, period_at(subscription, FUTURE)) == ("UTC", before)
    live_until(subscription, datetime(2027, 5, 20, tzinfo=UTC))
    assert subscription.timezone == "Asia/Tokyo"
    require_no_gap(subscription)


def test_there_and_back_in_one_period_changes_nothing() -> None:
    subscription = subscribed(FUTURE, "UTC")
    before = [numbered_period(subscription, number) for number in range(4)]

    move(subscription, "Asia/Tokyo")
    move(subscription, "UTC")

    assert [numbered_period(subscription, number) for number in range(4)] == before


def test_scheduled_end_moves_with_its_period() -> None:
    subscription = subscribed(FUTURE, "UTC")
    cancel_at_period_end(subscription=subscription, actor=SYSTEM, reason="")

    move(subscription, "America/New_York")

    assert subscription.ends_at == period_at(subscription, FUTURE).end
    live_until(subscription, FUTURE + 60 * DAY)
    assert BillingPeriod.objects.filter(subscription=subscription).count() == 1


def test_move_is_shown_before_it_is_made() -> None:
    subscription = subscribed(FUTURE, "UTC")
    owner: Membership = make_member("owner", subscription.consumer_organization)
    client = api_client(owner)
    path = "/api/v1/subscriptions/time-zone-preview"

    shown = client.get(path, {"timezone": "Asia/Tokyo"})
    unknown = client.get(path, {"timezone": "Mars/Olympus"})

    line = shown.data["data"][0]
    assert (line["id"], line["is_at_once"]) == (subscription.public_id, True)
    assert line["ends_at"] == "2027-04-10T00:00:00Z"
    assert line["new_ends_at"] == "2027-04-09T15:00:00Z"
    assert unknown.status_code == 400
    subscription.refresh_from_db()
    assert subscription.timezone == "UTC"


def test_others_do_not_move() -> None:
    subscription = subscribed(FUTURE, "UTC")
    other = subscribed(FUTURE, "UTC")

    move(subscription, "Asia/Tokyo")

    other.refresh_from_db()
    assert (other.timezone, other.past_zones) == ("UTC", [])
    assert other.status == SubscriptionStatus.ACTIVE


@pytest.mark.parametrize(
    ("start", "zone", "hours"),
    [
        (datetime(2027, 2, 28, 12, tzinfo=UTC), "America/New_York", {28 * 24 - 1, 31 * 24}),
        (datetime(2027, 3, 20, 12, tzinfo=UTC), "Europe/Paris", {31 * 24 - 1, 30 * 24}),
        (datetime(2027, 10, 20, 12, tzinfo=UTC), "Europe/Paris", {31 * 24 + 1, 30 * 24}),
        (datetime(2027, 3, 20, 12, tzinfo=UTC), "Australia/Lord_Howe", {31 * 24 + 0.5, 30 * 24}),
        (datetime(2027, 9, 20, 12, tzinfo=UTC), "Australia/Lord_Howe", {30 * 24 - 0.5, 31 * 24}),
    ],
)
def test_periods_across_a_clock_change_are_whole_local_days(
    start: datetime, zone: str, hours: set[float]
) -> None:
    subscription = subscribed(start, zone)

    live_until(subscription, start + 65 * DAY)

    require_no_gap(subscription)
    rows = BillingPeriod.objects.filter(subscription=subscription).order_by("number")[:2]
    lengths = {(row.period_end - row.period_start) / timedelta(hours=1) for row in rows}
    assert lengths == hours
    for row in rows:
        billed, whole = days_of(row)
        assert billed == whole


def test_the_29th_of_february_comes_back() -> None:
    subscription = subscribed(datetime(2028, 1, 31, 12, tzinfo=UTC), "Africa/Harare")

    live_until(subscription, datetime(2028, 5, 2, tzinfo=UTC))

    assert first_days(subscription) == [
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
    ]
    require_no_gap(subscription)


def test_calendar_periods_begin_on_the_first_and_the_partial_one_is_prorated() -> None:
    subscription = subscribed(
        datetime(2027, 3, 15, 12, tzinfo=UTC), "Europe/Paris", alignment=Alignment.CALENDAR
    )

    live_until(subscription, datetime(2027, 5, 2, tzinfo=UTC))

    assert first_days(subscription) == [date(2027, 3, 1), date(2027, 4, 1), date(2027, 5, 1)]
    first = BillingPeriod.objects.get(subscription=subscription, number=0)
    assert days_of(first) == (17, 31)
    entry = wanted_subscription(subscription).entry
    assert entry is not None
    assert entry.quota.periods[0].end == datetime(2027, 5, 31, 22, tzinfo=UTC).timestamp() * 1000


def test_page_asks_before_the_account_moves() -> None:
    subscription = subscribed(FUTURE, "UTC")
    organization = subscription.consumer_organization
    client = client_for(make_member("owner", organization))
    fields = {
        "name": organization.name,
        "country": "DE",
        "currency": "USD",
        "timezone": "Asia/Tokyo",
        "billing_email": "bills@example.com",
    }

    asked = client.post("/console/organization/", fields)
    organization.refresh_from_db()
    unmoved = organization.timezone
    confirmed = client.post("/console/organization/", {**fields, "zone_is_confirmed": "1"})

    assert 'datetime="2027-04-09T15:00:00' in asked.text
    assert unmoved == "UTC"
    assert confirmed.status_code == 302
    subscription.refresh_from_db()
    assert subscription.timezone == "Asia/Tokyo"
