"""Many periods at once: as few queries as for one, the same rows as one by one, and nobody waits for somebody else's trouble."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Organization
from apps.billing.enums import InvoiceStatus, PeriodStatus
from apps.billing.models import (
    BillingPeriod,
    CarriedCredit,
    Invoice,
    InvoiceLine,
    NumberSeries,
    RatingRun,
)
from apps.billing.services.closing import begin_batch, close_batch
from apps.billing.services.drafts import add_up
from apps.billing.services.invoices import finalize_due_drafts
from apps.billing.services.periods import begin_closing, close_due_periods, close_period
from apps.core.models import AuditEvent, DeadLetter
from apps.pricing.models import PriceVersion
from apps.subscriptions import services
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import PlannedChange, SpendCap, Subscription
from apps.subscriptions.services import ChangeWish, change_plan
from apps.usage.models import UsageBatch
from tests.factories.accounts import OrganizationFactory
from tests.factories.billing import MONTH_START, SYSTEM, make_billed_subscription
from tests.factories.direct import add_window
from tests.factories.plan_changes import add_fee, make_offer, make_paying, set_clock
from tests.factories.pricing import make_promotion

FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)


def _copy(subscription: Subscription) -> Subscription:
    """Another consumer of the same plan."""
    consumer = OrganizationFactory()
    return Subscription.objects.create(
        consumer_organization=consumer,
        provider_organization_id=subscription.provider_organization_id,
        workspace=consumer.workspaces.get(is_default=True),
        api_id=subscription.api_id,
        plan_id=subscription.plan_id,
        price_version_id=subscription.price_version_id,
        timezone="UTC",
        status=SubscriptionStatus.ACTIVE,
        anchor=MONTH_START,
        started_at=MONTH_START,
    )


def _make_due(count: int) -> list[BillingPeriod]:
    """January of so many subscriptions of one plan, with calls and a fee in advance of every period."""
    first = make_billed_subscription()
    add_fee(first.price_version, "3")
    rows = [first, *(_copy(first) for _number in range(count - 1))]
    for row in rows:
        add_window(row, at=MONTH_START + timedelta(days=3), calls=5000)
    BillingPeriod.objects.bulk_create(
        BillingPeriod(
            subscription=row,
            number=0,
            price_version_id=row.price_version_id,
            consumer_organization_id=row.consumer_organization_id,
            provider_organization_id=row.provider_organization_id,
            period_start=MONTH_START,
            period_end=FEBRUARY,
        )
        for row in rows[1:]
    )
    return list(BillingPeriod.objects.order_by("pk"))


@pytest.mark.django_db
@pytest.mark.parametrize(("count", "to_issue"), [(1, 27), (3, 26), (100, 26)])
def test_renewing_takes_the_same_queries_for_any_number(
    count: int, to_issue: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """A draft that is alone settles its credits itself; of several those with credits have a turn of their own."""
    keys = [period.pk for period in _make_due(count)]

    with django_assert_num_queries(30):
        assert len(begin_batch(keys, wait=False, actor=SYSTEM)) == count
    with django_assert_num_queries(38):
        assert len(close_batch(keys, wait=False, actor=SYSTEM).closed) == count
    with django_assert_num_queries(to_issue):
        assert finalize_due_drafts(actor=SYSTEM) == count

    assert InvoiceLine.objects.filter(period__in=keys).count() == 3 * count
    following = BillingPeriod.objects.filter(number=1, status=PeriodStatus.OPEN)
    assert following.filter(rating_runs__kind="advance").count() == count


Change = Callable[[Subscription], None]


def _plain(_subscription: Subscription) -> None:
    pass


def _in_advance(subscription: Subscription) -> None:
    add_fee(subscription.price_version, "7")


def _capped(subscription: Subscription) -> None:
    SpendCap.objects.create(
        subscription=subscription, amount_minor=2000, currency="USD", set_at=MONTH_START
    )


def _ending(subscription: Subscription) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(ends_at=FEBRUARY)


def _on_trial(subscription: Subscription) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(
        trial_ends_at=MONTH_START + timedelta(days=10)
    )


def _promoted(subscription: Subscription) -> None:
    make_promotion(subscription.provider_organization)
    services.redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)


def _promoted_by_itself(subscription: Subscription) -> None:
    make_promotion(subscription.provider_organization, is_automatic=True)


def _changing(subscription: Subscription) -> None:
    plan = make_offer(subscription, "70")
    PlannedChange.objects.create(
        subscription=subscription,
        plan=plan,
        price_version=PriceVersion.objects.get(plan=plan),
        due_at=FEBRUARY,
    )


def _moving(subscription: Subscription) -> None:
    Organization.objects.filter(pk=subscription.consumer_organization_id).update(
        timezone="Africa/Harare"
    )


SPECIAL: tuple[Change, ...] = (
    _plain,
    _in_advance,
    _capped,
    _ending,
    _on_trial,
    _promoted,
    _promoted_by_itself,
    _changing,
    _moving,
)


def _make_special() -> list[Subscription]:
    made = []
    for change in SPECIAL:
        subscription = make_billed_subscription()
        add_window(subscription, at=MONTH_START + timedelta(days=20), calls=5000)
        change(subscription)
        made.append(subscription)
    return made


def _story(subscription: Subscription) -> list[Any]:
    """Everything that renewing left of a subscription, but for names and ids."""
    lines = InvoiceLine.objects.filter(period__subscription=subscription)
    periods = BillingPeriod.objects.filter(subscription=subscription).order_by("number")
    row = Subscription.objects.get(pk=subscription.pk)
    return [
        [
            (line.description.split(" · ", 1)[1], *figures)
            for line, *figures in (
                (
                    line,
                    line.kind,
                    line.position,
                    line.quantity,
                    line.amount_minor,
                    line.tax_minor,
                    line.invoice.billing_day,
                    line.invoice.total_minor,
                    line.charge.calculation if line.charge else None,
                )
                for line in lines.select_related("invoice", "charge").order_by("id")
            )
        ],
        [
            (
                each.number,
                each.status,
                each.period_start,
                each.period_end,
                each.price_version.number,
            )
            for each in periods
        ],
        list(
            RatingRun.objects.filter(period__in=periods)
            .order_by("id")
            .values_list("period__number", "number", "kind")
        ),
        sorted(
            AuditEvent.objects.filter(target_id__in=[each.pk for each in periods]).values_list(
                "action", "after__windows"
            ),
            key=str,
        ),
        (row.timezone, row.status, row.redemptions.values_list("periods_used").first()),
    ]


@pytest.mark.django_db
def test_a_batch_leaves_the_same_as_one_by_one() -> None:
    alone, together = _make_special(), _make_special()

    for subscription in alone:
        period = BillingPeriod.objects.get(subscription=subscription)
        begin_closing(period=period, actor=SYSTEM)
        close_period(period=period, actor=SYSTEM)
    keys = [
        period.pk for period in BillingPeriod.objects.filter(subscription__in=together, number=0)
    ]
    begin_batch(keys, wait=False, actor=SYSTEM)
    assert len(close_batch(keys, wait=False, actor=SYSTEM).closed) == len(SPECIAL)

    for change, one, other in zip(SPECIAL, alone, together, strict=True):
        assert _story(one) == _story(other), change.__name__
    assert [len(_story(row)[1]) for row in together] == [2, 2, 2, 1, 2, 2, 2, 2, 2]


@pytest.mark.django_db
def test_a_period_that_cannot_be_rated_keeps_nobody_waiting_and_is_seen() -> None:
    for _number in range(3):
        make_billed_subscription()
    bad = make_billed_subscription()
    PriceVersion.objects.filter(pk=bad.price_version_id).update(currency="???")

    counts = close_due_periods(actor=SYSTEM)

    assert counts == {"closing": 4, "closed": 3, "waiting": 0, "failed": 1, "issued": 3}
    period = BillingPeriod.objects.get(subscription=bad, number=0)
    assert period.status == PeriodStatus.CLOSING
    assert not RatingRun.objects.filter(period=period).exists()
    assert not Invoice.objects.filter(organization=bad.consumer_organization).exists()
    letter = DeadLetter.objects.get()
    assert (letter.source, letter.reference) == ("billing.period", period.public_id)
    assert letter.organization_id == bad.consumer_organization_id

    Subscription.objects.exclude(pk=bad.pk).update(status=SubscriptionStatus.CANCELLED)
    close_due_periods(actor=SYSTEM)
    letter.refresh_from_db()
    assert letter.attempts > 1

    PriceVersion.objects.filter(pk=bad.price_version_id).update(currency="USD")
    close_due_periods(actor=SYSTEM)

    letter.refresh_from_db()
    assert letter.state == "retried"
    period.refresh_from_db()
    assert period.status == PeriodStatus.CLOSED


@pytest.mark.django_db
def test_periods_whose_calls_are_on_their_way_wait_and_the_others_close() -> None:
    early, late = make_billed_subscription(), make_billed_subscription()
    # What came after the early one's end holds the late one only.
    BillingPeriod.objects.filter(subscription=late).update(period_end=FEBRUARY + timedelta(days=1))
    UsageBatch.objects.create(
        organization_id=late.provider_organization_id,
        source="tests",
        idempotency_key="b",
        body=b"",
        event_count=1,
        oldest_event_at=FEBRUARY + timedelta(hours=1),
    )
    for period in BillingPeriod.objects.all():
        begin_closing(period=period, actor=SYSTEM)
    keys = list(BillingPeriod.objects.filter(number=0).values_list("pk", flat=True))

    done = close_batch(keys, wait=False, actor=SYSTEM)

    statuses = dict(BillingPeriod.objects.filter(number=0).values_list("subscription_id", "status"))
    assert statuses == {early.pk: PeriodStatus.CLOSED, late.pk: PeriodStatus.CLOSING}
    assert (len(done.closed), len(done.waiting)) == (1, 1)


@pytest.mark.django_db
def test_a_credit_of_one_draft_comes_off_the_next_one_of_the_same_run() -> None:
    consumer = OrganizationFactory()
    drafts = []
    for day, amount in (("2025-01-01", -500), ("2025-01-02", 800)):
        invoice = Invoice.objects.create(organization=consumer, currency="USD", billing_day=day)
        InvoiceLine.objects.create(
            invoice=invoice,
            consumer_organization=consumer,
            kind="credit" if amount < 0 else "fee",
            position=1,
            description="x",
            quantity=Decimal(1),
            amount_minor=amount,
            currency="USD",
        )
        drafts.append(invoice)
    add_up(drafts)

    assert finalize_due_drafts(actor=SYSTEM) == 2

    first, second = Invoice.objects.order_by("billing_day")
    assert (first.total_minor, first.status) == (0, InvoiceStatus.PAID)
    assert (second.total_minor, second.status) == (300, InvoiceStatus.OPEN)
    assert str(first.number) in second.lines.get(kind="carried").description
    assert not CarriedCredit.objects.filter(used_line=None).exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_close_at_the_same_time_close_everything_once() -> None:
    keys = [period.pk for period in _make_due(12)]
    counts = _together(
        lambda: close_due_periods(actor=SYSTEM), lambda: close_due_periods(actor=SYSTEM)
    )

    assert sum(each["closed"] for each in counts) == 12
    assert sum(each["issued"] for each in counts) == 12
    assert set(RatingRun.objects.filter(period__in=keys).values_list("number", flat=True)) == {1}
    assert BillingPeriod.objects.filter(number=1, status=PeriodStatus.OPEN).count() == 12
    assert NumberSeries.objects.get(name="invoices").last_number == 12


@pytest.mark.django_db(transaction=True)
def test_what_somebody_else_holds_is_left_out_and_waited_for_at_the_end() -> None:
    periods = _make_due(3)
    held, others = periods[0], {period.pk for period in periods[1:]}
    keys = [period.pk for period in periods]
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Subscription.objects.lock(held.subscription_id)
            is_held.set()
            may_go.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(30)
    assert set(begin_batch(keys, wait=False, actor=SYSTEM)) == others
    may_go.set()
    assert begin_batch(keys, wait=True, actor=SYSTEM) == [held.pk]
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_plans_may_change_while_their_periods_are_closed() -> None:
    consumer = OrganizationFactory(is_sandbox=True)
    subscriptions = [make_paying("100", consumer=consumer) for _number in range(4)]
    plans = [make_offer(row, "150") for row in subscriptions]
    set_clock(consumer, datetime(2030, 5, 1, 12, tzinfo=UTC))

    def change_all() -> dict[str, int]:
        for row, plan in reversed(list(zip(subscriptions, plans, strict=True))):
            fresh = Subscription.objects.get(pk=row.pk)
            change_plan(subscription=fresh, wish=ChangeWish(plan=plan), actor=SYSTEM)
        return {}

    _together(change_all, lambda: close_due_periods(actor=SYSTEM))
    close_due_periods(actor=SYSTEM)

    for row, plan in zip(subscriptions, plans, strict=True):
        spans = list(
            BillingPeriod.objects.filter(subscription=row)
            .order_by("period_start")
            .values_list("period_start", "period_end", "status", "price_version__plan")
        )
        assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))
        assert [span[2] for span in spans].count(PeriodStatus.OPEN) == 1
        assert spans[-1][2:] == (PeriodStatus.OPEN, plan.pk)


def _together(*works: Callable[[], dict[str, int]]) -> list[dict[str, int]]:
    """Do works at the same time, each on a connection of its own; none may fail."""
    begin = threading.Barrier(len(works))
    results: list[dict[str, int]] = []
    errors: list[BaseException] = []

    def run(work: Callable[[], dict[str, int]]) -> None:
        try:
            begin.wait(30)
            results.append(work())
        except BaseException as error:  # noqa: BLE001 -- raised again by who waits
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not errors, errors
    return results
