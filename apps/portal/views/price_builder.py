"""The forms of a price: tiers of calls, prices of meters, and the bill for a usage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from django.forms import BaseFormSet

from apps.accounts.decorators import ConsoleRequest
from apps.pricing.drafts import PriceDraft, find_defects, table_of
from apps.pricing.exceptions import InvalidPrice
from apps.pricing.forms import (
    MAX_TIER_ROWS,
    TIER_ROWS,
    CallsForm,
    PriceForm,
    TierForm,
    TierFormSet,
    initial_of,
    show_defects,
    tiers_of,
)
from apps.pricing.meter_price_forms import (
    MAX_ROWS as MAX_METER_ROWS,
)
from apps.pricing.meter_price_forms import (
    MeterPriceForm,
    MeterPriceFormSet,
    components_without_row,
    meter_components_of,
    meter_rows_of,
    meter_units_of,
)
from apps.pricing.models import CALLS_METER
from apps.pricing.quotes import Quote, quote_usage
from apps.usage.models import Meter


class PriceBuilder:
    """The forms of a price, and what their buttons ask for: more rows, the bill, or saving."""

    def __init__(
        self,
        request: ConsoleRequest,
        beginning: PriceDraft | None = None,
        *,
        meters: Iterable[Meter],
    ) -> None:
        """Read what was typed; a new page begins with a price that exists, or empty.

        Only meters that count can be priced; where there are none, nothing is said of them.
        """
        price, rows = initial_of(beginning) if beginning else (None, None)
        data = request.POST if request.method == "POST" else None
        self._post = request.POST
        self.price = PriceForm(data, initial=price)
        self.rows: BaseFormSet[TierForm] = TierFormSet(data, initial=rows, prefix="tiers")
        self.calls = CallsForm(data)
        # What other currencies ask stays; `find_defects` says if it no longer fits.
        self._others = beginning.other_prices if beginning else ()
        self._kept = components_without_row(beginning) if beginning else ()
        self._choices = _meter_choices(meters)
        self.meters: BaseFormSet[MeterPriceForm] = MeterPriceFormSet(
            # A page without meters, or one from before there were any, has no rows.
            data if data and "meters-TOTAL_FORMS" in data else None,
            initial=meter_rows_of(beginning) if beginning else None,
            prefix="meters",
            form_kwargs={"meters": self._choices},
        )
        self.quote: Quote | None = None

    @property
    def wants_rows(self) -> bool:
        """Whether “one more tier” was pressed."""
        return "more_tiers" in self._post

    @property
    def wants_meters(self) -> bool:
        """Whether “another meter” was pressed."""
        return "more_meters" in self._post

    @property
    def wants_bill(self) -> bool:
        """Whether “show the bill” was pressed."""
        return "show_bill" in self._post

    def is_valid(self) -> bool:
        """Check every field, then the price as a whole; defects stand where they were typed."""
        if not (self.price.is_valid() and self.rows.is_valid() and self._meters_are_valid()):
            return False
        defects = find_defects(self.draft())
        if defects:
            errors = [{**defect._asdict(), "detail": str(defect.detail)} for defect in defects]
            show_defects(self.price, self.rows, InvalidPrice(errors=errors))
        return not defects

    def draft(self) -> PriceDraft:
        """Return the price that was typed."""
        draft = self.price.to_draft(tiers_of(self.rows))
        priced = meter_components_of(self.meters) if self.meters.is_bound else ()
        components = (*draft.components, *priced, *self._kept)
        return replace(draft, components=components, other_prices=self._others)

    @property
    def has_meters(self) -> bool:
        """Whether there is a meter to price."""
        return bool(self._choices)

    def _meters_are_valid(self) -> bool:
        return not self.meters.is_bound or self.meters.is_valid()

    def add_rows(self) -> None:
        """Offer more tiers, keeping what was typed."""
        data = self._post.copy()
        wanted = int(data.get("tiers-TOTAL_FORMS") or 0) + TIER_ROWS
        data["tiers-TOTAL_FORMS"] = str(min(wanted, MAX_TIER_ROWS))
        self.rows = TierFormSet(data, prefix="tiers")

    def add_meters(self) -> None:
        """Offer a row for one more meter, keeping what was typed."""
        data = self._post.copy()
        wanted = int(data.get("meters-TOTAL_FORMS") or 0) + 1
        data["meters-TOTAL_FORMS"] = str(min(wanted, MAX_METER_ROWS))
        kwargs = {"meters": self._choices}
        self.meters = MeterPriceFormSet(data, prefix="meters", form_kwargs=kwargs)

    def price_usage(self) -> None:
        """Show what the typed usage would cost."""
        if self.is_valid() and self.calls.is_valid():
            calls = Decimal(self.calls.cleaned_data["calls"])
            units = meter_units_of(self.meters) if self.meters.is_bound else {}
            self.quote = quote_usage(table_of(self.draft()), {**units, CALLS_METER: calls})

    def answers_without_saving(self) -> bool:
        """Do what a button other than “save” asks for; tell whether there was one."""
        if self.wants_rows:
            self.add_rows()
        elif self.wants_meters:
            self.add_meters()
        elif self.wants_bill:
            self.price_usage()
        return self.wants_rows or self.wants_meters or self.wants_bill


def _meter_choices(meters: Iterable[Meter]) -> list[tuple[str, str]]:
    """Return key and name of each meter; of one key at several APIs, the names of all."""
    names: dict[str, list[str]] = {}
    for meter in meters:
        names.setdefault(meter.key, [])
        if meter.name not in names[meter.key]:
            names[meter.key].append(meter.name)
    return [(key, " / ".join(found)[:80]) for key, found in names.items()]
