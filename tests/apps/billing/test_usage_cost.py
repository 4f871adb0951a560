"""What usage costs so far equals the invoice, to the cent, for every kind of price and currency."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.billing.estimates import estimate_periods
from apps.billing.selectors import list_open_periods
from apps.billing.services.periods import open_first_period
from apps.core import clock
from apps.core.money import Money
from apps.pricing.enums import PriceModel
from apps.subscriptions.models import Subscription
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.billing import MONTH_START, close_month, make_running_subscription
from tests.factories.direct import add_window, make_subscription_row

pytestmark = pytest.mark.django_db

COST = "/api/v1/usage/cost"
TIERED = (PriceModel.GRADUATED, PriceModel.VOLUME, PriceModel.GRADUATED_PERCENTAGE)


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


def priced(owner: Membership, currency: str, *models: PriceModel) -> Subscription:
    """A subscription of January 2025 with a component per kind of price, and usage that rounds awkwardly."""
    row = make_subscription_row(
        consumer=owner.organization, anchor=MONTH_START, started_at=MONTH_START + timedelta(days=7)
    )
    version = row.price_version
    version.currency = currency
    version.save()
    for position, model in enumerate(models):
        component = version.components.create(
            meter="calls" if model == models[0] else f"meter_{position}",
            name=str(model.label),
            model=model,
            position=position,
            unit_price=None if model in {PriceModel.FLAT, *TIERED} else Decimal("0.0137"),
            flat_fee=Decimal("9.99") if model == PriceModel.FLAT else None,
            free_units=Decimal(0) if model == PriceModel.FLAT else Decimal(10),
            package_size=Decimal(7) if model == PriceModel.PACKAGE else None,
        )
        if model in TIERED:
            component.tiers.create(position=0, up_to=Decimal(1000), unit_price=Decimal("0.0137"))
            component.tiers.create(position=1, up_to=None, unit_price=Decimal("0.0091"))
        window = add_window(row, at=MONTH_START + timedelta(days=9, hours=position), calls=1237)
        window.meter = component.meter
        window.save()
    open_first_period(subscription=row, at=row.anchor)
    return row


def test_so_far_is_what_the_invoice_says_for_every_kind_of_price(owner: Membership) -> None:
    groups = {
        "USD": [PriceModel.GRADUATED, PriceModel.FLAT, PriceModel.PACKAGE],
        "JPY": [PriceModel.PER_UNIT, PriceModel.FLAT],
        "KWD": [PriceModel.VOLUME, PriceModel.PERCENTAGE, PriceModel.GRADUATED_PERCENTAGE],
        "EUR": [PriceModel.FLAT],
    }
    assert {model for models in groups.values() for model in models} == set(PriceModel)
    rows = {currency: priced(owner, currency, *models) for currency, models in groups.items()}
    found = {
        item.so_far.currency: item
        for item in estimate_periods(list(list_open_periods(actor_of(owner))))
    }

    for currency, row in rows.items():
        estimate = found[currency]
        invoice = close_month(row)
        lines = list(invoice.lines.filter(period__subscription=row).order_by("position"))
        assert estimate.so_far == Money(sum(line.amount_minor for line in lines), currency)
        assert sorted(line.amount.amount_minor for line in estimate.lines) == sorted(
            line.amount_minor for line in lines
        )
        assert estimate.so_far.amount_minor > 0


def test_free_plan_costs_nothing(owner: Membership) -> None:
    row = make_subscription_row(consumer=owner.organization)
    open_first_period(subscription=row, at=row.anchor)
    body = api_client(owner).get(COST).json()
    assert body["totals"] == [
        {name: {"amount_minor": 0, "currency": "USD"} for name in ("so_far", "projected")}
    ]


def test_each_line_says_how_it_is_worked_out(owner: Membership) -> None:
    row = make_running_subscription(consumer=owner.organization, calls=1500)
    make_running_subscription(consumer=owner.organization)

    body = api_client(owner).get(COST, {"subscription_id": row.public_id}).json()

    assert "7 days" in body["method"]
    (found,) = body["subscriptions"]
    assert found["subscription_id"] == row.public_id
    assert found["so_far"] == {"amount_minor": 1500, "currency": "USD"}
    calls = next(line for line in found["lines"] if line["meter"] == "calls")
    assert [step["amount"] for step in calls["steps"]] == ["0", "5"]
    assert all(step["label"] for step in calls["steps"])
    assert found["projected"]["amount_minor"] > 1500


def test_another_tenants_subscription_does_not_exist(owner: Membership) -> None:
    other = make_running_subscription(consumer=OrganizationFactory())
    answer = api_client(owner).get(COST, {"subscription_id": other.public_id})
    assert answer.status_code == 404


def test_page_shows_the_steps(owner: Membership) -> None:
    make_running_subscription(consumer=owner.organization, calls=1500)
    text = client_for(owner).get("/console/billing/").content.decode()
    assert "Rounded once" in text
    assert "First 1,000" in text


@pytest.mark.parametrize("count", [1, 3])
def test_takes_the_same_queries_for_any_number(
    owner: Membership, count: int, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        make_running_subscription(consumer=owner.organization, calls=1500)
    rest = api_client(owner)
    with django_assert_num_queries(9):
        assert len(rest.get(COST).json()["subscriptions"]) == count


def test_pace_rests_on_the_week_before_even_across_periods(owner: Membership) -> None:
    """A period that began an hour ago is expected to go on as the last days did, not as its first hour."""
    began = clock.now() - timedelta(days=40)
    row = make_subscription_row(consumer=owner.organization, anchor=began, started_at=began)
    row.price_version.components.create(
        meter="calls", name="Calls", model=PriceModel.PER_UNIT, unit_price=Decimal("0.01")
    )
    open_first_period(subscription=row, at=clock.now())
    add_window(row, at=clock.now() - timedelta(days=2), calls=700)
    (estimate,) = estimate_periods(list(list_open_periods(actor_of(owner))))
    left = estimate.period.period_end - clock.now()
    expected = Decimal(700) / 7 * Decimal(left / timedelta(days=1)) + 700 * (
        estimate.period.period_start <= clock.now() - timedelta(days=2)
    )
    assert abs(estimate.projected.amount - expected / 100) < Decimal("0.02")
