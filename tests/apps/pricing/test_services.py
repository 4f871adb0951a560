"""Plans and price versions: what may be sold, and that it never changes afterwards."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from apps.core.exceptions import InvalidTransition
from apps.pricing import calculator, services
from apps.pricing.drafts import (
    ComponentDraft,
    FeatureDraft,
    PlanDraft,
    PriceDraft,
    TierDraft,
    find_defects,
)
from apps.pricing.enums import PlanStatus, PriceModel
from apps.pricing.exceptions import (
    InvalidPrice,
    PlanClosed,
    PlanNameTaken,
    PlanWithoutPrice,
    PriceVersionPublishedAlready,
)
from apps.pricing.models import PriceVersion, Tier
from apps.pricing.selectors import current_version_of, list_offered_plans, price_table_of
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM, make_plan, make_price

pytestmark = pytest.mark.django_db


def ladder(*bounds: int | None) -> PriceDraft:
    tiers = tuple(
        TierDraft(up_to=None if bound is None else Decimal(bound), unit_price=Decimal("0.01"))
        for bound in bounds
    )
    component = ComponentDraft(meter="calls", name="Calls", model=PriceModel.GRADUATED, tiers=tiers)
    return PriceDraft(currency="USD", components=(component,))


@pytest.mark.parametrize(
    ("bounds", "pointer", "code"),
    [
        ((), "/components/0/tiers", "required"),
        ((10, 20), "/components/0/tiers/1/up_to", "not_open"),
        ((None, None), "/components/0/tiers/0/up_to", "open_too_early"),
        ((20, 10, None), "/components/0/tiers/1/up_to", "not_rising"),
        ((10, 10, None), "/components/0/tiers/1/up_to", "not_rising"),
        ((0, None), "/components/0/tiers/0/up_to", "not_rising"),
    ],
)
def test_tiers_must_rise_and_end_open(
    bounds: tuple[int | None, ...], pointer: str, code: str
) -> None:
    assert [(d.pointer, d.code) for d in find_defects(ladder(*bounds))] == [(pointer, code)]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"currency": "usd"}, "/currency"),
        ({"interval_count": 0}, "/interval_count"),
        ({"quota_calls": 0}, "/quota_calls"),
        ({"rate_per_second": -1}, "/rate_per_second"),
        ({"rate_per_hour": 0}, "/rate_per_hour"),
        ({"rate_per_day": 0}, "/rate_per_day"),
        ({"features": (FeatureDraft("Not a key", "Words"),)}, "/features/0/key"),
        ({"features": (FeatureDraft("sso", ""),)}, "/features/0/label"),
        ({"features": (FeatureDraft("sso", "A"), FeatureDraft("sso", "B"))}, "/features/1/key"),
        ({"features": tuple(FeatureDraft(f"f{n}", "A") for n in range(31))}, "/features"),
    ],
)
def test_terms_outside_their_range_are_defects(change: dict[str, Any], pointer: str) -> None:
    draft = replace(make_price(), **change)

    assert [defect.pointer for defect in find_defects(draft)] == [pointer]


@pytest.mark.parametrize(
    "price", [Decimal(-1), Decimal("NaN"), Decimal("1e-13"), Decimal(10) ** 18]
)
def test_price_that_cannot_be_kept_is_a_defect(price: Decimal) -> None:
    component = ComponentDraft(
        meter="calls", name="Calls", model=PriceModel.PER_UNIT, unit_price=price
    )
    draft = PriceDraft(currency="USD", components=(component,))

    assert [defect.pointer for defect in find_defects(draft)] == ["/components/0/unit_price"]


def test_add_price_version_with_defects_writes_nothing() -> None:
    plan = services.create_plan(api=make_api(), draft=PlanDraft(name="A"), actor=SYSTEM)

    with pytest.raises(InvalidPrice) as caught:
        services.add_price_version(plan=plan, draft=ladder(10, 5), actor=SYSTEM)

    assert [error["pointer"] for error in caught.value.extra["errors"]] == [
        "/components/0/tiers/1/up_to",
        "/components/0/tiers/1/up_to",
    ]
    assert not PriceVersion.objects.exists()


def test_publish_plan_publishes_its_newest_version() -> None:
    plan = make_plan()

    version = PriceVersion.objects.get(plan=plan)
    assert plan.status == PlanStatus.PUBLISHED
    assert (version.is_current, version.number) == (True, 1)
    assert list(list_offered_plans(plan.api)) == [plan]


def test_publish_plan_without_price_is_refused() -> None:
    plan = services.create_plan(api=make_api(), draft=PlanDraft(name="A"), actor=SYSTEM)

    with pytest.raises(PlanWithoutPrice):
        services.publish_plan(plan=plan, actor=SYSTEM)

    plan.refresh_from_db()
    assert plan.status == PlanStatus.DRAFT


def test_new_version_takes_over_and_the_old_one_stays() -> None:
    plan = make_plan()
    second = services.add_price_version(plan=plan, draft=make_price(quota_calls=5), actor=SYSTEM)

    services.publish_version(version=second, actor=SYSTEM)

    numbers = PriceVersion.objects.filter(plan=plan).order_by("number")
    assert list(numbers.values_list("number", "is_current")) == [(1, False), (2, True)]
    assert Tier.objects.count() == 4
    with pytest.raises(PriceVersionPublishedAlready):
        services.publish_version(version=second, actor=SYSTEM)


def test_plan_names_are_unique_per_api() -> None:
    plan = make_plan(name="Pro plan")

    with pytest.raises(PlanNameTaken):
        services.create_plan(api=plan.api, draft=PlanDraft(name="pro PLAN"), actor=SYSTEM)

    make_plan(make_api(), name="Pro plan")


def test_closed_plan_takes_no_more_changes() -> None:
    plan = services.close_plan(plan=make_plan(), actor=SYSTEM)

    with pytest.raises(PlanClosed):
        services.add_price_version(plan=plan, draft=make_price(), actor=SYSTEM)
    with pytest.raises(InvalidTransition):
        services.publish_plan(plan=plan, actor=SYSTEM)


def test_deprecated_plan_is_not_offered_and_can_come_back() -> None:
    plan = services.deprecate_plan(plan=make_plan(), actor=SYSTEM)
    assert not list_offered_plans(plan.api).exists()

    services.publish_plan(plan=plan, actor=SYSTEM)

    assert list_offered_plans(plan.api).exists()


def test_price_table_gives_the_bill_that_the_plan_promises() -> None:
    version = PriceVersion.objects.get(plan=make_plan())

    rating = calculator.rate(
        price_table_of(version), {"calls": calculator.Usage(quantity=Decimal(12_000))}
    )

    # 9.00, then 11 000 paid calls: 10 000 at 0.002 and 1 000 at 0.001.
    assert [(c.meter, c.amount) for c in rating.charges] == [
        ("base_fee", Decimal(9)),
        ("calls", Decimal(21)),
    ]


@pytest.mark.parametrize("plan_count", [1, 3])
def test_offered_plans_with_prices_take_four_queries(
    plan_count: int, django_assert_num_queries: object
) -> None:
    api = make_api()
    for number in range(plan_count):
        make_plan(api, name=f"Plan {number}")

    with django_assert_num_queries(4):  # type: ignore[operator]  # pytest-django's fixture
        plans = list(list_offered_plans(api))
        versions = [current_version_of(plan) for plan in plans]
        tables = [price_table_of(version) for version in versions if version]

    assert len(tables) == plan_count
