"""The plan builder: types of plan, rows that come and go, every kind of price, the bill and the plot before saving."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.pricing.enums import PriceModel
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.plan_templates import TEMPLATES
from apps.pricing.selectors import draft_of
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.meters import LONG_AGO

pytestmark = pytest.mark.django_db

Connect = Callable[[Membership], Client]
TERMS = {"currency": "USD", "interval": "month", "interval_count": "1", "quota_kind": "soft"}


class Builder:
    """A provider in front of the page of a new plan."""

    def __init__(self, client_for: Connect) -> None:
        member = make_member("developer")
        self.api = make_api(organization=member.organization)
        self.client = client_for(member)

    def post(self, **typed: str) -> str:
        """Press a button; return the page, or where it leads."""
        data = {**TERMS, "api": str(self.api.pk), "name": "Basic", "key_limit": "5", **typed}
        answer: Any = self.client.post(reverse("portal:provider_plan_create"), data)
        return str(answer.content.decode() if answer.status_code == 200 else answer.url)

    def typed_in(self, page: str) -> dict[str, str]:
        """Return the rows of a page as a browser would send them."""
        names = r'name="(c\d[^"]*|components)"[^>]*? value="([^"]*)"'
        found = dict(re.findall(names, page))
        for name, options in re.findall(
            r'<select name="(c\d[^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL
        ):
            chosen = re.search(r'<option value="([^"]*)"\s+selected', options)
            found[name] = chosen[1] if chosen else ""
        return found


@pytest.fixture
def builder(client_for: Connect) -> Builder:
    return Builder(client_for)


@pytest.mark.parametrize(
    ("template", "units", "total"),
    [
        ("usage_based", "15000", "$40.70"),
        ("subscription", "120000", "$109.99"),
        ("freemium", "5000", "$40.00"),
        ("hybrid", "25000", "$69.70"),
    ],
)
def test_types_of_plan_begin_a_price(
    builder: Builder, template: str, units: str, total: str
) -> None:
    begun = builder.typed_in(builder.post(components="0", use_template="1", template=template))
    calls = next(name for name, text in begun.items() if text == "calls")[:2]

    page = builder.post(**{**begun, f"{calls}-units": units}, show_bill="1")
    saved = builder.post(**begun, save="1")

    assert total in page
    assert page.count('class="plot plot--lines"') == 1
    assert saved.startswith("/console/provider/plans/pln_")
    kept = draft_of(PriceVersion.objects.get()).components
    assert [(item.meter, item.model, item.tiers) for item in kept] == [
        (item.meter, item.model, item.tiers) for item in TEMPLATES[template].components
    ]


def test_rows_come_and_go_and_keep_what_was_typed(builder: Builder) -> None:
    typed = {"components": "1", "c0-model": "volume", "c0-tiers": "2", "c0-t1-unit_price": "0.7"}

    more = builder.typed_in(builder.post(**typed, add_component="flat"))
    fewer = builder.typed_in(builder.post(**typed, remove_tier="0-0"))
    other = builder.typed_in(builder.post(**typed, add_tier="0"))
    none = builder.typed_in(builder.post(**typed, remove_component="0"))

    assert (more["components"], more["c1-model"], more["c0-t1-unit_price"]) == ("2", "flat", "0.7")
    assert (fewer["c0-tiers"], fewer["c0-t0-unit_price"]) == ("1", "0.7")
    assert other["c0-tiers"] == "3"
    assert none["components"] == "0"
    assert not Plan.objects.exists()


@pytest.mark.parametrize(
    "typed",
    [
        {"components": "9999999"},
        {"components": "-1", "remove_component": "x"},
        {"components": "1", "c0-tiers": "²", "remove_tier": "0-99"},
        {"components": "1", "c0-model": "magic", "add_tier": "7"},
        {"components": "0", "use_template": "1", "template": "none"},
    ],
)
def test_numbers_of_rows_that_cannot_be_change_nothing(
    builder: Builder, typed: dict[str, str]
) -> None:
    assert "What it costs" in builder.post(**{"add_component": "usage", **typed})
    assert not Plan.objects.exists()


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"c0-model": "per_unit", "c0-meter": "calls"}, "unit_price"),
        ({"c0-model": "package", "c0-package_price": "1", "c0-package_size": "0"}, "package_size"),
        ({"c0-model": "flat", "c0-flat_fee": "-1"}, "flat_fee"),
        (
            {
                "c0-model": "per_unit",
                "c0-unit_price": "1",
                "c0-min_spend": "2",
                "c0-max_spend": "1",
            },
            "min_spend",
        ),
        (
            {"c0-model": "per_unit", "c0-unit_price": "1", "c0-conversion_operation": "divide"},
            "conversion_factor",
        ),
        (
            {"c0-model": "per_unit", "c0-unit_price": "1", "c0-dimensions": "region"},
            "dimensions",
        ),
        # Calls have no dimensions, and are no amount of money: the service says so.
        (
            {"c0-model": "per_unit", "c0-unit_price": "1", "c0-dimensions": "region=eu"},
            "dimensions",
        ),
        ({"c0-model": "percentage", "c0-rate_percent": "2"}, "model"),
        ({"c0-model": "percentage", "c0-rate_percent": "101"}, "rate_percent"),
    ],
)
def test_mistakes_stand_at_their_field(builder: Builder, row: dict[str, str], field: str) -> None:
    page = builder.post(components="1", **row, save="1")

    assert f'id="id_c0-{field}_error"' in page
    assert not Plan.objects.exists()


def test_every_kind_of_price_is_kept(builder: Builder) -> None:
    for key, dimensions in (("tokens", [{"property": "region", "values": ["eu"]}]), ("sales", [])):
        builder.api.meters.create(
            organization_id=builder.api.organization_id,
            created_at=LONG_AGO,
            key=key,
            name=key.title(),
            property_name=key,
            source="property",
            aggregation="sum",
            group_by=dimensions,
        )
    rows: list[dict[str, str]] = [
        {"model": "flat", "flat_fee": "9", "billed_in_advance": "on"},
        {"model": "flat", "flat_fee": "5", "name": "Priority support"},
        {"model": "volume", "meter": "calls", "tiers": "1", "t0-unit_price": "1", "t0-package_size": "10"},
        {
            "model": "per_unit", "meter": "tokens", "unit_price": "0.3", "dimensions": "region=eu", "units": "1500",
            "conversion_operation": "divide", "conversion_factor": "1000", "conversion_rounding": "ceiling",
        },
        {"model": "package", "meter": "tokens", "package_price": "2", "package_size": "10", "package_rounding": "down",
         "max_spend": "50"},
        {"model": "percentage", "meter": "sales", "rate_percent": "1.5", "free_amount": "100", "min_spend": "3"},
    ]  # fmt: skip
    typed = {
        f"c{index}-{name}": text for index, row in enumerate(rows) for name, text in row.items()
    }

    bill = builder.post(components=str(len(rows)), **typed, show_bill="1")
    saved = builder.post(components=str(len(rows)), **typed, publish="1")
    again = builder.client.get(f"{saved}price/").content.decode()

    assert "1500 ÷ 1000 → 2" in bill
    kept = draft_of(PriceVersion.objects.get()).components
    assert [(item.meter, item.model) for item in kept] == [
        ("base_fee", PriceModel.FLAT),
        ("priority_support", PriceModel.FLAT),
        ("calls", PriceModel.VOLUME),
        ("tokens", PriceModel.PER_UNIT),
        ("tokens", PriceModel.PACKAGE),
        ("sales", PriceModel.PERCENTAGE),
    ]
    assert kept[0].billed_in_advance
    assert kept[3].dimensions == (("region", "eu"),)
    assert (kept[4].package_price, kept[4].max_spend) == (Decimal(2), Decimal(50))
    back = builder.typed_in(again)
    assert {
        name: back[name] for name in typed if name[3:] not in {"units", "name", "billed_in_advance"}
    } == {
        name: text
        for name, text in typed.items()
        if name[3:] not in {"units", "name", "billed_in_advance"}
    }
