"""Two at once on one subscription: who comes first wins, who comes second is told, and each day is billed once.

A gate holds the subscription until all have arrived, so that they meet whatever the machine does; they go on in the order in which
they came.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection

from apps.accounts.models import Membership
from apps.billing.enums import PeriodStatus, RunKind
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine, RatingRun
from apps.billing.services.invoices import finalize_invoice
from apps.billing.services.periods import close_due_periods
from apps.core.actors import Actor
from apps.pricing.models import Plan
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription, SubscriptionChange
from tests.clients import api_client
from tests.database_gate import closed_gate
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.plan_changes import APRIL, charged, make_offer, make_paying, set_clock

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = Actor.system("test")
Answer = tuple[int, str]


@pytest.fixture
def owner() -> Membership:
    return make_member("owner", OrganizationFactory(is_sandbox=True))


@pytest.fixture
def subscription(owner: Membership) -> Subscription:
    """100.00 a month in advance since 1 April; it is the 11th."""
    made = make_paying("100", consumer=owner.organization)
    set_clock(owner.organization, APRIL.replace(day=11, hour=12))
    return made


def in_turn(row: Subscription | Invoice, *works: Callable[[], Answer]) -> list[Answer]:
    """Run works in threads that all wait for a row, and get it in this order."""
    hold = f"SELECT 1 FROM {row._meta.db_table} WHERE id = %s FOR UPDATE"  # noqa: S608 -- our own name

    def run(work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool, closed_gate(hold, row.pk) as gate:
        started = []
        for number, work in enumerate(works, start=1):
            started.append(pool.submit(run, work))
            gate.wait_for(number)
        gate.open()
        return [future.result(timeout=30) for future in started]


def post(who: Membership, subscription: Subscription, path: str, **body: object) -> Answer:
    url = f"/api/v1/subscriptions/{subscription.public_id}/{path}"
    answer = api_client(who).post(url, body)
    return answer.status_code, answer.json().get("code", "")


def asks_for(who: Membership, subscription: Subscription, plan: Plan) -> Callable[[], Answer]:
    """Return a change at once to a plan; which one is looked up beforehand."""
    public_id = plan.public_id
    return lambda: post(who, subscription, "change", plan=public_id, timing="now")


def now_on(subscription: Subscription) -> Subscription:
    return Subscription.objects.select_related("plan").get(pk=subscription.pk)


def test_two_changes_are_one_200_and_one_409_and_one_pair_of_lines(
    owner: Membership, subscription: Subscription
) -> None:
    pro, top = make_offer(subscription, "150"), make_offer(subscription, "300", name="Top")

    answers = in_turn(
        subscription, asks_for(owner, subscription, pro), asks_for(owner, subscription, top)
    )

    assert answers == [(200, ""), (409, "changed_meanwhile")]
    assert charged(subscription) == [10_000, -6_667, 10_000]
    assert now_on(subscription).plan == pro
    assert SubscriptionChange.objects.filter(kind="plan_changed").count() == 1
    assert list(BillingPeriod.objects.values_list("part", flat=True).order_by("part")) == [0, 1]


def test_the_same_change_twice_is_made_once(owner: Membership, subscription: Subscription) -> None:
    ask = asks_for(owner, subscription, make_offer(subscription, "150"))

    answers = in_turn(subscription, ask, ask, ask)

    assert answers == [(200, ""), *[(409, "changed_meanwhile")] * 2]
    assert charged(subscription) == [10_000, -6_667, 10_000]


def test_change_that_comes_after_a_cancellation_is_refused(
    owner: Membership, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150")

    answers = in_turn(
        subscription,
        lambda: post(owner, subscription, "cancel", at="now"),
        asks_for(owner, subscription, pro),
    )

    assert answers == [(200, ""), (409, "subscription_not_changeable")]
    assert now_on(subscription).status == SubscriptionStatus.CANCELLED
    # The 11th is used: 19 of 30 days go back, and nothing else happens.
    assert charged(subscription) == [10_000, -6_333]


def test_cancellation_that_comes_after_a_change_gives_the_new_fee_back(
    owner: Membership, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150")

    answers = in_turn(
        subscription,
        asks_for(owner, subscription, pro),
        lambda: post(owner, subscription, "cancel", at="now"),
    )

    assert answers == [(200, ""), (200, "")]
    assert (now_on(subscription).plan, now_on(subscription).status) == (pro, "cancelled")
    # 10 days of 100, the 11th of 150: 33.33 + 5.00.
    assert charged(subscription) == [10_000, -6_667, 10_000, -9_500]
    assert sum(charged(subscription)) == 3_333 + 500


def test_change_that_comes_after_a_cancellation_at_the_end_is_refused(
    owner: Membership, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150")

    answers = in_turn(
        subscription,
        lambda: post(owner, subscription, "cancel", at="period_end"),
        asks_for(owner, subscription, pro),
    )

    assert answers == [(200, ""), (409, "cancellation_scheduled")]
    assert charged(subscription) == [10_000]


def close() -> Answer:
    close_due_periods(actor=ACTOR)
    return 200, ""


@pytest.mark.parametrize("first", ["change", "closing"])
def test_change_and_closing_of_the_period_bill_the_next_one_once(
    first: str, owner: Membership, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150")
    set_clock(owner.organization, APRIL.replace(month=5, hour=1))
    works = [asks_for(owner, subscription, pro), close]

    answers = in_turn(subscription, *(works if first == "change" else works[::-1]))
    close_due_periods(actor=ACTOR)

    assert answers == [(200, ""), (200, "")]
    may = {"change": [15_000], "closing": [10_000, -10_000, 15_000]}[first]
    assert charged(subscription) == [10_000, *may]
    running = BillingPeriod.objects.get(status=PeriodStatus.OPEN)
    assert (running.number, running.part) == (1, 0)
    assert running.price_version.plan == pro
    assert RatingRun.objects.filter(kind=RunKind.CLOSING).count() == 1
    on_the_day = Invoice.objects.filter(billing_day=date(2030, 5, 1))
    assert sum(invoice.total_minor for invoice in on_the_day) == 15_000
    credits_of = InvoiceLine.objects.filter(amount_minor__lt=0).values_list("invoice", flat=True)
    charges_of = InvoiceLine.objects.filter(charge__run__period=running, amount_minor=15_000)
    assert set(credits_of) <= set(charges_of.values_list("invoice", flat=True))


def test_an_invoice_that_is_issued_meanwhile_gets_no_more_lines(
    owner: Membership, subscription: Subscription
) -> None:
    """A change on the invoice's own day waits for its draft, which is issued before its turn comes."""
    set_clock(owner.organization, APRIL.replace(hour=12))
    draft = Invoice.objects.get()

    def issue() -> Answer:
        finalize_invoice(invoice=Invoice.objects.get(pk=draft.pk), actor=ACTOR)
        return 200, ""

    answers = in_turn(draft, issue, asks_for(owner, subscription, make_offer(subscription, "150")))

    assert answers == [(200, ""), (200, "")]
    issued, later = Invoice.objects.order_by("id")
    assert issued.pk == draft.pk
    assert (issued.status, issued.total_minor, issued.lines.count()) == ("open", 10_000, 1)
    assert (later.billing_day, later.total_minor, later.lines.count()) == (
        draft.billing_day,
        5_000,
        2,
    )


def test_two_closings_and_a_change_that_waits_for_them(
    owner: Membership, subscription: Subscription
) -> None:
    """Planned for the boundary: whoever closes carries it out, the other finds it done."""
    small = make_offer(subscription, "50", name="Small")
    assert post(owner, subscription, "change", plan=small.public_id)[0] == 200
    set_clock(owner.organization, APRIL.replace(month=5, hour=1))

    in_turn(subscription, close, close)

    assert charged(subscription) == [10_000, 5_000]
    assert SubscriptionChange.objects.filter(kind="plan_changed").count() == 1
    assert BillingPeriod.objects.count() == 2
