"""Whether an API counts what a price charges for: what it does not count would be sold and never billed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.pricing.component_drafts import (
    PER_EVENT,
    PERCENTAGES,
    ComponentDraft,
    Defect,
    is_given,
    price_component,
)
from apps.pricing.drafts import PriceDraft
from apps.pricing.enums import PriceModel
from apps.pricing.exceptions import InvalidPrice
from apps.pricing.meter_sources import MeterFacts, meters_of_api
from apps.pricing.models import CALLS_METER, Plan

CALLS: Final = MeterFacts(name="Calls")


def require_sellable_meters(plan: Plan, draft: PriceDraft) -> None:
    """Refuse prices of what the plan's API does not count. One query if there are meters beside calls.

    Raises:
        InvalidPrice: `errors` points at each defect.
    """
    defects = find_meter_defects(plan.api_id, draft)
    if defects:
        errors = [{**defect._asdict(), "detail": str(defect.detail)} for defect in defects]
        raise InvalidPrice(defects[0].detail, errors=errors)


def find_meter_defects(api_id: UUID, draft: PriceDraft) -> list[Defect]:
    """Return what a price charges for and the API does not count. One query if there are meters beside calls."""
    priced = [
        (f"/components/{index}", component)
        for index, component in enumerate(draft.components)
        if component.model != PriceModel.FLAT
    ]
    facts: dict[str, MeterFacts] = {CALLS_METER: CALLS}
    if any(component.meter != CALLS_METER for _pointer, component in priced):
        facts |= meters_of_api(api_id)
    return [
        defect
        for pointer, component in priced
        for defect in _defects_of(component, facts.get(component.meter), pointer)
    ]


def _defects_of(
    component: ComponentDraft, facts: MeterFacts | None, pointer: str
) -> Iterator[Defect]:
    if facts is None:
        text = _("The API has no meter with this key that counts.")
        yield Defect(f"{pointer}/meter", "unknown_meter", text)
        return
    if component.model in PERCENTAGES and not facts.is_sum:
        text = _("A percentage needs a meter that adds up amounts of money.")
        yield Defect(f"{pointer}/model", "not_sellable", text)
    if facts.rounds and price_component(component).counts_events:
        text = _("A price per event needs a meter that does not round.")
        name = next(name for name in PER_EVENT if is_given(component, name))
        yield Defect(f"{pointer}/{name}", "not_sellable", text)
    if component.dimensions:
        yield from _dimension_defects(
            component.dimensions, facts.dimensions, f"{pointer}/dimensions"
        )
        if not facts.adds_up:
            text = _("Prices by dimension need a meter that counts or adds up.")
            yield Defect(f"{pointer}/dimensions", "not_sellable", text)


def _dimension_defects(
    wanted: tuple[tuple[str, str], ...], known: Mapping[str, tuple[str, ...]], pointer: str
) -> Iterator[Defect]:
    for name, value in wanted:
        if name not in known:
            text = _("The meter does not count by this dimension.")
            yield Defect(f"{pointer}/{name}", "unknown_dimension", text)
        elif value not in known[name]:
            text = _("The meter does not count this value apart.")
            yield Defect(f"{pointer}/{name}", "unknown_value", text)
