"""“What would it cost?” on the pages of a plan: every meter is asked, in each currency, by quantity, with a promotion."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.pricing.drafts import ComponentDraft, CurrencyPrice
from apps.pricing.enums import PriceModel, PromotionKind
from apps.pricing.models import Plan
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.meters import make_meter
from tests.factories.pricing import make_plan, make_price, make_promotion
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

Connect = Callable[[Membership], Client]


def per_unit(meter: str, price: str, **fields: Any) -> ComponentDraft:
    return ComponentDraft(
        meter=meter,
        name=meter.title(),
        model=PriceModel.PER_UNIT,
        unit_price=Decimal(price),
        **fields,
    )


@pytest.fixture
def provider() -> Membership:
    return make_member("developer")


@pytest.fixture
def plan(provider: Membership) -> Plan:
    """A fee of 9, calls at 0.01, bytes at 2 a gigabyte, rows at 1 and in Europe at 3; in euros half of it."""
    api = make_api(organization=provider.organization)
    first = make_subscription(plan=make_plan(api, name="First"))
    make_meter(first, "bytes", name="Data", unit="GB")
    make_meter(first, "rows", group_by=[{"property": "region", "values": ["eu"]}])
    fee = make_price().components[0]
    dollars = (
        fee,
        per_unit("calls", "0.01"),
        per_unit("bytes", "2"),
        per_unit("rows", "1"),
        per_unit("rows", "3", dimensions=(("region", "eu"),)),
    )
    euros = (fee, per_unit("calls", "0.005"), per_unit("bytes", "1"), per_unit("rows", "0.5"))
    price = make_price(components=dollars, other_prices=(CurrencyPrice("EUR", euros),))
    return make_plan(api, name="Every meter", price=price, max_quantity=5)


def page_of(plan: Plan) -> str:
    return reverse("portal:provider_plan", args=[plan.public_id])


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def labels_of(answer: Any) -> list[str]:
    found = re.findall(r"<label[^>]*>(.*?)</label>", answer.content.decode(), re.DOTALL)
    return [re.sub(r"<[^>]+>|\s+", " ", label).strip() for label in found]


TYPED = {"u-calls": "100", "u-bytes": "4", "u-rows": "10", "u-rows-4": "2"}


def test_every_meter_is_asked_with_its_unit(
    plan: Plan, provider: Membership, client_for: Connect
) -> None:
    answer = client_for(provider).get(page_of(plan), {**TYPED, "currency": "USD", "quantity": "1"})

    asked = " | ".join(labels_of(answer))
    for label in (
        "Currency",
        "Units of the plan",
        "Calls in a period",
        "Data in a period (GB)",
        "Rows in a period",
        "Rows, region = eu in a period",
    ):
        assert label in asked
    assert "Data 4 × 2 = 8 $8.00" in text_of(answer)
    # 9 + 1 + 8 + 10 + 6
    assert "$34.00" in text_of(answer)
    assert answer.content.decode().count("<svg") >= 3


@pytest.mark.parametrize(
    ("typed", "total"),
    [
        ({"quantity": "3"}, "$52.00"),
        ({"currency": "EUR"}, "€18.50"),
        ({"u-calls": "", "u-rows-4": ""}, "$27.00"),
        ({"u-bytes": "0.5"}, "$27.00"),
    ],
)
def test_bill_follows_what_is_typed(
    typed: dict[str, str], total: str, plan: Plan, provider: Membership, client_for: Connect
) -> None:
    question = {**TYPED, "currency": "USD", "quantity": "1", **typed}
    headers = {"HX-Request": "true", "HX-Target": "bill"}

    bill = client_for(provider).get(page_of(plan), question, headers=headers)

    assert "<html" not in bill.content.decode()
    assert total in text_of(bill)


def test_promotion_is_tried(plan: Plan, provider: Membership, client_for: Connect) -> None:
    made = make_promotion(provider.organization)
    fixed = make_promotion(
        provider.organization,
        code="FIVE",
        kind=PromotionKind.FIXED_AMOUNT,
        amount_off_minor=500,
        currency="USD",
    )
    client = client_for(provider)

    def told(promotion: Any, **typed: str) -> str:
        question = {**TYPED, "quantity": "1", "promotion_id": promotion.public_id, **typed}
        return text_of(client.get(page_of(plan), question))

    assert "WELCOME20: 20 percent off" in told(made)
    assert "$27.20" in told(made)
    assert "$29.00" in told(fixed)
    assert "The promotion is in another currency." in told(fixed, currency="EUR")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"u-calls": "many"}, "Calls in a period: Enter a number."),
        ({"u-calls": "-1"}, "Calls in a period: Ensure this value is greater than or equal to 0."),
        ({"quantity": "6"}, "Units of the plan: Ensure this value is less than or equal to 5."),
        ({"currency": "JPY"}, "Currency: Select a valid choice."),
        ({"promotion_id": "prm_x"}, "Total before tax"),
    ],
)
def test_what_cannot_be_priced_is_named(
    typed: dict[str, str], told: str, plan: Plan, provider: Membership, client_for: Connect
) -> None:
    answer = client_for(provider).get(page_of(plan), {**TYPED, "quantity": "1", **typed})

    assert answer.status_code == 200
    assert told in text_of(answer)


def test_plan_without_choices_asks_for_calls_alone(
    provider: Membership, client_for: Connect
) -> None:
    plan = make_plan(make_api(organization=provider.organization))

    answer = client_for(provider).get(page_of(plan))

    names = re.findall(r'name="(u-[^"]*|currency|quantity|promotion_id)"', answer.content.decode())
    assert names == ["u-calls"]
    assert "$27.00" in text_of(answer)


def test_consumer_asks_before_subscribing(plan: Plan, client_for: Connect) -> None:
    client = client_for(make_member("owner"))
    path = reverse("portal:subscribe", args=[plan.public_id])
    question = {**TYPED, "quantity": "1"}
    headers = {"HX-Request": "true", "HX-Target": "bill"}

    page = client.get(path, {**question, "currency": "EUR"})
    bill = client.get(path, {**question, "currency": "USD"}, headers=headers)

    assert "€18.50" in text_of(page)
    assert ("<html" in bill.content.decode(), "$34.00" in text_of(bill)) == (False, True)
    assert "promotion_id" not in page.content.decode()


def test_price_per_event_asks_how_many_events_there_are(
    provider: Membership, client_for: Connect
) -> None:
    """1.5 percent of 1 000 and 0.10 for each of 40 events."""
    api = make_api(organization=provider.organization)
    make_meter(make_subscription(plan=make_plan(api, name="First")), "sales", unit="USD")
    sales = ComponentDraft(
        meter="sales",
        name="Sales",
        model=PriceModel.PERCENTAGE,
        rate_percent=Decimal("1.5"),
        fixed_fee=Decimal("0.1"),
    )
    plan = make_plan(api, name="Share", price=make_price(components=(sales,)))

    answer = client_for(provider).get(page_of(plan), {"u-sales": "1000", "e-sales": "40"})

    assert "Events in a period: Sales" in " | ".join(labels_of(answer))
    assert "$19.00" in text_of(answer)
