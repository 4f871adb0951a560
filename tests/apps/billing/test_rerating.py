"""Usage that comes after its period was closed is rated with it, and the difference is booked once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from apps.billing.enums import InvoiceStatus, LineKind, PeriodStatus, RunKind
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine, RatingRun
from apps.billing.presentation import invoice_document
from apps.billing.proofs import prove_line
from apps.billing.rerating_selectors import periods_due_for_rerating
from apps.billing.selectors import get_line
from apps.billing.services.periods import close_due_periods
from apps.billing.services.periods import open_first_period as open_period
from apps.billing.services.rerating import preview_rerating, rerate_due_periods, rerate_period
from apps.core.exceptions import InvalidInput
from apps.core.models import AuditEvent
from apps.core.money import Money
from apps.pricing.enums import PriceModel
from apps.pricing.models import TaxRate
from apps.subscriptions import services as subscription_services
from apps.subscriptions.models import Subscription
from apps.usage.enums import DifferenceState, LateResolution
from apps.usage.exceptions import LateEventResolved
from apps.usage.models import LateEvent, UsageEvent, UsageWindow, WindowDifference
from apps.usage.rewind_scopes import RewindScope
from apps.usage.selectors import late_calls
from apps.usage.services import carry_out_rewind, request_rewind, waive_late_events
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.archives import JANUARY
from tests.factories.billing import MONTH_START, SYSTEM, close_month, make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.meters import make_meter
from tests.factories.pricing import make_promotion

pytestmark = pytest.mark.django_db

NOON = MONTH_START + timedelta(days=4, hours=12)


def subscribe(price: str = "0.5", *, meter: str = "calls", **fields: Any) -> Subscription:
    """January: nothing but a price per unit of a meter."""
    subscription = make_subscription_row(anchor=MONTH_START, started_at=MONTH_START, **fields)
    subscription.price_version.components.create(
        meter=meter, name="Units", model=PriceModel.PER_UNIT, unit_price=Decimal(price), position=1
    )
    open_period(subscription=subscription, at=subscription.anchor)
    return subscription


def january(subscription: Subscription) -> BillingPeriod:
    return BillingPeriod.objects.filter(subscription=subscription).earliest("number")


def closed_with_calls(subscription: Subscription, count: int = 3) -> Invoice:
    make_calls(subscription, *(NOON + timedelta(hours=hour) for hour in range(count)))
    return close_month(subscription)


def late_events() -> Any:
    """Those behind a closed period; calls of January all came behind their windows."""
    return LateEvent.objects.exclude(resolution=LateResolution.REVISED)


def is_proven(line: InvoiceLine) -> bool:
    actor = actor_of(make_staff("finance"))
    return prove_line(get_line(actor, line.public_id)).recomputed.is_proven


def rewind() -> Any:
    asked = request_rewind(
        scope=RewindScope(JANUARY), is_dry_run=False, reason="x", actor=SYSTEM, in_background=False
    )
    return carry_out_rewind(rewind_id=asked.pk)


def test_a_late_call_is_on_the_next_invoice_and_every_line_is_proven() -> None:
    """I5: the affected charge is calculated anew, and the issued invoice stays."""
    consumer = OrganizationFactory(country="ZW")
    TaxRate.objects.create(country="ZW", percent=Decimal(10), valid_from=MONTH_START.date())
    subscription = subscribe(consumer=consumer)
    issued = closed_with_calls(subscription)
    assert (issued.subtotal_minor, issued.tax_minor, issued.status) == (150, 15, "open")
    frozen = Invoice.objects.filter(pk=issued.pk).values().get()
    [late_id] = make_calls(subscription, NOON)
    assert list(periods_due_for_rerating()) == [january(subscription)]

    [shown] = preview_rerating(period=january(subscription), actor=SYSTEM)
    assert [line.amount_minor for line in shown.lines] == [50]
    assert late_events().get().resolution == LateResolution.OPEN
    assert not InvoiceLine.objects.filter(kind=LineKind.ADJUSTMENT).exists()

    assert rerate_due_periods(actor=SYSTEM) == {"rerated": 1, "postponed": 0}

    line = InvoiceLine.objects.get(kind=LineKind.ADJUSTMENT)
    first = issued.lines.get()
    assert (line.amount_minor, line.tax_minor, int(line.quantity)) == (50, 5, 1)
    assert (line.corrects, line.period) == (first, january(subscription))
    run = RatingRun.objects.get(kind=RunKind.RERATING)
    assert (run.number, run.basis["before"]["calls"], run.basis["after"]["calls"]) == (2, "3", "4")
    late = late_events().get()
    assert (late.resolution, late.resolved_at is not None) == (LateResolution.SETTLED, True)
    assert late_calls(actor_of(make_member("owner", consumer)), JANUARY).behind == 0
    window = UsageWindow.objects.get(window_start=NOON)
    assert (int(window.quantity), window.revision) == (2, 2)
    assert Invoice.objects.filter(pk=issued.pk).values().get() == frozen
    assert is_proven(line)
    assert is_proven(first), "what was billed then is known from the later run"
    proof = prove_line(get_line(actor_of(make_staff("finance")), line.public_id))
    assert [str(call.event_id) for call in proof.events] == [late_id]
    [step] = [
        step for step in invoice_document(line.invoice).lines[0].steps if "before" in step.label
    ]
    assert step.amount == "-$1.50"
    assert AuditEvent.objects.filter(action="billing:period:rerated").count() == 1

    assert rerate_due_periods(actor=SYSTEM) == {"rerated": 0, "postponed": 0}
    assert rewind().difference_count == 0
    close_due_periods(actor=SYSTEM)
    line.refresh_from_db()
    assert line.invoice.status == InvoiceStatus.OPEN
    assert line.invoice.number != issued.number


def test_bookings_are_always_the_rounded_rating_of_what_is_known() -> None:
    """Billing reference 4.8 (b): with a price of a third of a cent, whatever comes in which portions."""
    subscription = subscribe("0.0033")
    closed_with_calls(subscription, 2)
    known = 2
    for more in (3, 1, 6, 2, 5):
        make_calls(subscription, *(NOON + timedelta(minutes=n) for n in range(more)))
        known += more
        rerate_due_periods(actor=SYSTEM)

        lines = InvoiceLine.objects.filter(period=january(subscription))
        booked = sum(line.amount_minor for line in lines)
        assert booked == Money.from_decimal(known * Decimal("0.0033"), "USD").amount_minor
        assert all(is_proven(line) for line in lines)
    assert RatingRun.objects.filter(kind=RunKind.RERATING).count() == 5


def test_a_difference_that_a_rewind_found_gives_money_back() -> None:
    subscription = subscribe()
    make_calls(subscription, *(NOON + timedelta(hours=hour) for hour in range(3)))
    UsageWindow.objects.filter(window_start=NOON).update(quantity=5, event_count=5)
    issued = close_month(subscription)
    assert issued.total_minor == 350
    assert rewind().kept_count == 1

    [done] = rerate_period(period=january(subscription), actor=SYSTEM)

    assert [line.amount_minor for line in done.lines] == [-200]
    assert WindowDifference.objects.get().state == DifferenceState.SETTLED
    assert is_proven(done.lines[0])
    assert is_proven(issued.lines.get())
    close_due_periods(actor=SYSTEM)
    carried = InvoiceLine.objects.get(kind=LineKind.CARRIED)
    assert (carried.amount_minor, carried.invoice.total_minor) == (200, 0)


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("sum", 12, 21), ("max", 7, 9), ("min", 5, 5), ("avg", 6, 7), ("unique", 2, 3), ("latest", 7, 7)],
)  # fmt: skip
def test_every_aggregation_is_rated_with_what_came_late(kind: str, before: int, after: int) -> None:
    subscription = subscribe("1", meter="tokens")
    make_meter(subscription, aggregation=kind)
    for hour, value in enumerate((5, 7)):
        make_calls(subscription, NOON + timedelta(hours=hour), properties={"tokens": value})
    issued = close_month(subscription)
    assert issued.total_minor == before * 100
    make_calls(subscription, NOON, properties={"tokens": 9})

    rerate_due_periods(actor=SYSTEM)

    lines = InvoiceLine.objects.filter(period=january(subscription))
    assert sum(line.amount_minor for line in lines) == after * 100
    assert all(is_proven(line) for line in lines)


def test_a_level_that_changed_is_carried_into_later_periods() -> None:
    subscription = subscribe("1", meter="seats")
    make_meter(subscription, "seats", aggregation="time_weighted")
    make_calls(subscription, MONTH_START, properties={"seats": 4})
    close_month(subscription)
    close_due_periods(actor=SYSTEM)  # February and what follows
    closed = BillingPeriod.objects.filter(subscription=subscription, status=PeriodStatus.CLOSED)
    assert closed.count() > 1
    make_calls(subscription, MONTH_START, properties={"seats": 2})

    rerate_due_periods(actor=SYSTEM)

    for period in closed:
        lines = InvoiceLine.objects.filter(period=period)
        assert sorted(line.amount_minor for line in lines) == [200, 400]
        assert all(is_proven(line) for line in lines)


def test_promotions_lower_the_difference_as_they_lowered_the_period() -> None:
    subscription = subscribe()
    make_promotion(subscription.provider_organization)  # 20 percent
    subscription_services.redeem_promotion(
        subscription=subscription, code="WELCOME20", actor=SYSTEM
    )
    issued = closed_with_calls(subscription)
    assert issued.total_minor == 120
    make_calls(subscription, NOON, NOON)

    [done] = rerate_period(period=january(subscription), actor=SYSTEM)

    assert [(line.kind, line.amount_minor) for line in done.lines] == [
        (LineKind.ADJUSTMENT, 100),
        (LineKind.DISCOUNT, -20),
    ]
    assert all(is_proven(line) for line in (*done.lines, *issued.lines.all()))
    make_calls(subscription, NOON)
    [again] = rerate_period(period=january(subscription), actor=SYSTEM)
    assert [line.amount_minor for line in again.lines] == [50, -10]
    assert all(is_proven(line) for line in again.lines)


def test_what_is_waived_is_charged_to_nobody() -> None:
    subscription = subscribe()
    closed_with_calls(subscription)
    make_calls(subscription, NOON)
    late = late_events().get()
    with pytest.raises(InvalidInput):
        waive_late_events(events=[late], actor=SYSTEM, reason=" ")

    assert waive_late_events(events=[late], actor=SYSTEM, reason="Our fault.") == 1

    late.refresh_from_db()
    assert (late.resolution, late.reason) == (LateResolution.WAIVED, "Our fault.")
    assert rerate_due_periods(actor=SYSTEM) == {"rerated": 0, "postponed": 0}
    assert rewind().difference_count == 0
    assert AuditEvent.objects.get(action="usage:late_event:waived").reason == "Our fault."
    with pytest.raises(LateEventResolved):
        waive_late_events(events=[late], actor=SYSTEM, reason="Again.")


def test_period_whose_calls_are_gone_stays_due() -> None:
    subscription = subscribe()
    closed_with_calls(subscription)
    make_calls(subscription, NOON)
    UsageEvent.objects.all().delete()

    assert rerate_due_periods(actor=SYSTEM) == {"rerated": 0, "postponed": 1}
    assert late_events().get().resolution == LateResolution.OPEN
    assert not RatingRun.objects.filter(kind=RunKind.RERATING).exists()


def test_finance_sees_previews_and_does_it_over_rest() -> None:
    subscription = subscribe()
    closed_with_calls(subscription)
    make_calls(subscription, NOON, NOON)
    finance, viewer = api_client(make_staff("finance")), api_client(make_member("owner"))
    period = january(subscription)
    url = f"/api/v1/admin/billing/periods/{period.public_id}/rerating"
    events = "/api/v1/admin/usage/late-events"

    listed = finance.get(events, {"state": "open", "api_id": subscription.api.public_id}).json()
    assert len(listed["data"]) == 2
    assert finance.get(events, {"subscription_id": "sub_x"}).status_code == 404
    waive = f"{events}/{listed['data'][0]['id']}/waive"
    assert finance.post(waive, {"reason": ""}, format="json").status_code == 400
    waived = finance.post(waive, {"reason": "Our fault."}, format="json")
    assert (waived.status_code, waived.json()["state"]) == (200, "waived")
    assert (
        finance.post(waive, {"reason": "x"}, format="json").json()["code"] == "late_event_resolved"
    )
    due = finance.get("/api/v1/admin/billing/reratings").json()
    assert [row["id"] for row in due["data"]] == [period.public_id]
    [shown] = finance.get(url).json()["data"]
    assert (shown["before"], shown["after"], shown["late_events"]) == (
        {"calls": "3"},
        {"calls": "4"},
        1,
    )
    assert [line["amount_minor"] for line in shown["lines"]] == [50]
    done = finance.post(url)
    assert (done.status_code, done.json()["data"][0]["run"]) == (201, 2)
    assert finance.get(url).json()["data"] == []
    assert finance.get("/api/v1/admin/billing/reratings").json()["data"] == []
    assert finance.get(url.replace("per_", "per_0")).status_code == 404
    assert viewer.get(url).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_lists_take_the_same_queries(count: int, django_assert_num_queries: Any) -> None:
    for _number in range(count):
        subscription = subscribe()
        closed_with_calls(subscription, 1)
        make_calls(subscription, NOON)
    finance = api_client(make_staff("finance"))
    with django_assert_num_queries(1):
        rows = finance.get("/api/v1/admin/usage/late-events", {"state": "open"}).json()["data"]
    assert len(rows) == count
    with django_assert_num_queries(3):
        rows = finance.get("/api/v1/admin/billing/reratings").json()["data"]
    assert len(rows) == count


def test_back_office_shows_waives_and_rates_again(settings: Any) -> None:
    settings.REQUIRE_STAFF_MFA = False
    subscription = subscribe()
    closed_with_calls(subscription)
    make_calls(subscription, NOON, NOON)
    client = client_for(make_staff("finance"))
    assert (
        "Closed periods that usage came late for"
        in client.get(reverse("admin:index")).content.decode()
    )
    late = reverse("admin:usage_lateevent_changelist")
    chosen = {"_selected_action": [str(late_events().earliest("pk").pk)], "action": "waive"}
    assert "Say why." in client.post(late, {**chosen, "reason": ""}, follow=True).content.decode()
    told = client.post(late, {**chosen, "reason": "Our fault."}, follow=True).content.decode()
    assert "1 event was waived." in told
    periods = reverse("admin:billing_billingperiod_changelist")
    assert client.get(periods, {"late_usage": "open"}).status_code == 200
    chosen = {"_selected_action": [str(january(subscription).pk)]}
    shown = client.post(periods, {**chosen, "action": "show_rerating"}, follow=True)
    assert "$0.50" in shown.content.decode()
    assert LateEvent.objects.filter(resolution=LateResolution.OPEN).count() == 1
    done = client.post(periods, {**chosen, "action": "rate_again"}, follow=True)
    assert "$0.50" in done.content.decode()
    again = client.post(periods, {**chosen, "action": "rate_again"}, follow=True)
    assert "Nothing came late." in again.content.decode()


def test_the_payer_reads_the_proof_of_both_lines() -> None:
    owner = make_member("owner")
    subscription = subscribe(consumer=owner.organization)
    issued = closed_with_calls(subscription)
    make_calls(subscription, NOON)
    rerate_due_periods(actor=SYSTEM)
    close_due_periods(actor=SYSTEM)
    browser, rest = client_for(owner), api_client(owner)
    for line in (issued.lines.get(), InvoiceLine.objects.get(kind=LineKind.ADJUSTMENT)):
        path = f"/api/v1/billing/invoices/{line.invoice.public_id}/lines/{line.public_id}/proof"
        assert rest.get(path).json()["recomputed"]["is_proven"]
        page = browser.get(f"/console/billing/lines/{line.public_id}/").content.decode()
        assert "the same amount" in page
    first = browser.get(f"/console/billing/lines/{issued.lines.get().public_id}/").content.decode()
    assert "rated again since" in first
