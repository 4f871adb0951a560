"""What may not be sold, told by the field that is wrong."""

from dataclasses import replace
from decimal import Decimal

import pytest

from apps.pricing.calculator import Component, PriceTable, PricingModel, Tier, find_defects
from apps.pricing.calculator.defects import Defect, DefectCode

GOOD = Component(
    meter="calls",
    model=PricingModel.GRADUATED,
    tiers=(Tier(up_to=Decimal(10), unit_price=Decimal(1)), Tier(up_to=None)),
)
PER_UNIT = Component(meter="calls", model=PricingModel.PER_UNIT, unit_price=Decimal("0.01"))


def tiers(*bounds: int | None) -> Component:
    return replace(
        GOOD,
        tiers=tuple(Tier(up_to=None if bound is None else Decimal(bound)) for bound in bounds),
    )


def test_good_tables_have_no_defects() -> None:
    assert find_defects(PriceTable("USD", (GOOD, replace(PER_UNIT, meter="bytes")))) == []


@pytest.mark.parametrize(
    ("component", "pointer", "code"),
    [
        (tiers(10, 5, None), "/tiers/1/up_to", DefectCode.TIERS_NOT_RISING),
        (tiers(10, 10, None), "/tiers/1/up_to", DefectCode.TIERS_NOT_RISING),
        (tiers(0, None), "/tiers/0/up_to", DefectCode.TIERS_NOT_RISING),
        (tiers(5, 10), "/tiers/1/up_to", DefectCode.NO_OPEN_END),
        (tiers(None, None), "/tiers/0/up_to", DefectCode.TIER_AFTER_OPEN_END),
        (replace(PER_UNIT, tiers=GOOD.tiers), "/tiers", DefectCode.TIERS_NOT_USED),
        (replace(PER_UNIT, unit_price=Decimal(-1)), "/unit_price", DefectCode.NEGATIVE),
        (replace(PER_UNIT, free_events=-1), "/free_events", DefectCode.NEGATIVE),
        (replace(PER_UNIT, unit_price=Decimal("NaN")), "/unit_price", DefectCode.NOT_FINITE),
        (replace(PER_UNIT, rate_percent=Decimal("NaN")), "/rate_percent", DefectCode.NOT_FINITE),
        (tiers(10, None), None, None),
        (
            replace(PER_UNIT, unit_price=Decimal("0.0000000000001")),
            "/unit_price",
            DefectCode.TOO_MANY_PLACES,
        ),
        (replace(PER_UNIT, rate_percent=Decimal(101)), "/rate_percent", DefectCode.MORE_THAN_ALL),
        (
            replace(PER_UNIT, min_spend=Decimal(2), max_spend=Decimal(1)),
            "/min_spend",
            DefectCode.MINIMUM_ABOVE_MAXIMUM,
        ),
        (
            replace(GOOD, tiers=(Tier(up_to=Decimal("Infinity")), Tier(up_to=None))),
            "/tiers/0/up_to",
            DefectCode.NOT_FINITE,
        ),
    ],
)
def test_defect_names_its_field(
    component: Component, pointer: str | None, code: DefectCode | None
) -> None:
    expected = [Defect(f"/components/0{pointer}", code)] if code else []
    assert find_defects(PriceTable("USD", (component,))) == expected
