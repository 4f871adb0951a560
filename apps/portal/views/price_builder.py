"""The forms of a price: its terms, what things cost, and the bill and plot for a usage, all before anything is saved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.forms import BaseForm, BoundField
from django.utils.text import slugify

from apps.accounts.decorators import ConsoleRequest
from apps.core.forms import refusals_on
from apps.core.plots import Plot
from apps.portal.views.price_plots import plot_prices
from apps.pricing.component_drafts import ComponentDraft, Defect, TierDraft
from apps.pricing.component_forms import Choice, ComponentForm, ComponentTierForm
from apps.pricing.drafts import BASE_FEE_METER, METER_FORMAT, PriceDraft, find_defects, table_of
from apps.pricing.enums import PriceModel
from apps.pricing.estimate_forms import usage_by_meter
from apps.pricing.exceptions import InvalidPrice
from apps.pricing.plan_templates import TEMPLATES, PlanTemplate
from apps.pricing.quotes import Quote, Terms, quote
from apps.pricing.term_forms import TermsForm, terms_of
from apps.pricing.typed_rows import TypedRow, new_row, press, read_rows, rows_of
from apps.usage.models import Meter

CONVERSION: Final = ("conversion_operation", "conversion_factor", "conversion_rounding")
# Where a defect stands whose field has another name in the form.
FIELD_OF: Final = {"conversion": "conversion_factor", "tiers": None}


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """One priced thing on the page: its form and those of its tiers."""

    index: int
    form: ComponentForm
    tiers: list[ComponentTierForm]

    def is_valid(self) -> bool:
        """Check every field of the row; all of them, so that all mistakes are shown at once."""
        return all([self.form.is_valid(), *(tier.is_valid() for tier in self._shown_tiers)])

    @property
    def _shown_tiers(self) -> list[ComponentTierForm]:
        return self.tiers if self.form.has_tiers else []

    @property
    def filled(self) -> list[ComponentTierForm]:
        """The tiers that say something."""
        return [tier for tier in self._shown_tiers if tier.tier is not None]

    @property
    def tier_drafts(self) -> tuple[TierDraft, ...]:
        """The tiers of a valid row, in order."""
        return tuple(found for tier in self.filled if (found := tier.tier) is not None)

    @property
    def conversion_fields(self) -> list[BoundField]:
        """The fields that say how the quantity is converted."""
        return [self.form[name] for name in CONVERSION]

    def show(self, path: list[str], detail: Any) -> None:
        """Put a defect at its field: `["unit_price"]`, `["tiers", "1", "up_to"]`."""
        form: BaseForm = self.form
        if path[0] == "tiers" and len(path) == 3:
            form, path = self.filled[int(path[1])], path[2:]
        name = FIELD_OF.get(path[0], path[0])
        form.add_error(name if name in form.fields else None, detail)


class PriceBuilder:
    """The forms of a price, and what their buttons ask for: other rows, a template, the bill, or saving."""

    def __init__(
        self,
        request: ConsoleRequest,
        beginning: PriceDraft | None = None,
        *,
        meters: Iterable[Meter],
    ) -> None:
        """Read what was typed; a new page begins with a price that exists, or with calls in tiers.

        Only meters that count can be priced.
        """
        self._post = request.POST
        is_posted = request.method == "POST"
        self._meters = _meter_choices(meters)
        # What other currencies ask stays; `find_defects` says if it no longer fits.
        self._others = beginning.other_prices if beginning else ()
        self.price = TermsForm(
            request.POST if is_posted else None, initial=terms_of(beginning) if beginning else None
        )
        self._typed = (
            read_rows(request.POST)
            if is_posted
            else (rows_of(beginning.components) if beginning else [new_row("usage")])
        )
        self.components = self._rows(is_bound=is_posted)
        self.template = request.POST.get("template", "")
        self.quote: Quote | None = None
        self.plots: list[Plot] = []
        self.is_checked = False

    @property
    def templates(self) -> list[tuple[str, PlanTemplate]]:
        """The types of plan that a price can begin with."""
        return list(TEMPLATES.items())

    def answers_without_saving(self) -> bool:
        """Do what a button other than “save” asks for; tell whether there was one."""
        if "use_template" in self._post:
            chosen = TEMPLATES.get(self.template)
            if chosen is not None:
                self._typed = rows_of(chosen.components)
        elif not press(self._typed, self._post):
            if "show_bill" not in self._post:
                return False
            self.show_bill()
            return True
        self.components = self._rows(is_bound=False)
        return True

    def is_valid(self) -> bool:
        """Check every field, then the price as a whole; defects stand where they were typed."""
        self.is_checked = True
        if not all([self.price.is_valid(), *(row.is_valid() for row in self.components)]):
            return False
        defects = find_defects(self.draft())
        self._show(defects)
        return not defects

    def draft(self) -> PriceDraft:
        """Return the price that was typed; all forms are valid."""
        taken = {BASE_FEE_METER} - self._unused_keys()
        components: list[ComponentDraft] = []
        for row in self.components:
            key = ""
            if row.form.kind == PriceModel.FLAT:
                key = _key_of(row.form, taken)
                taken.add(key)
            components.append(row.form.to_draft(key=key, tiers=row.tier_drafts))
        return PriceDraft(
            **self.price.terms, components=tuple(components), other_prices=self._others
        )

    def show_bill(self) -> None:
        """Show what the typed usage would cost, and how the price grows with the usage."""
        if not self.is_valid():
            return
        draft = self.draft()
        table, usage = table_of(draft), self._usage(draft)
        names = {item.meter: item.name for item in reversed(draft.components)}
        self.quote = quote(table, usage, terms=Terms()).named(names)
        self.plots = plot_prices(table, usage, names)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Show what a service refuses where it was typed; see `refusals_on`."""
        with refusals_on(self.price):
            try:
                yield
            except InvalidPrice as refusal:
                self._show([Defect(**error) for error in refusal.extra["errors"]])

    def _show(self, defects: Iterable[Defect]) -> None:
        for defect in defects:
            parts = defect.pointer.strip("/").split("/")
            if parts[0] == "prices":  # the first currency is the one on the page
                parts = parts[2:] if parts[1] == "0" else parts[:1]
            if parts[0] == "components" and len(parts) > 2:
                self.components[int(parts[1])].show(parts[2:], defect.detail)
            else:
                known = parts[0] in self.price.fields
                self.price.add_error(parts[0] if known else None, str(defect.detail))

    def _rows(self, *, is_bound: bool) -> list[ComponentRow]:
        return [self._row(index, row, is_bound=is_bound) for index, row in enumerate(self._typed)]

    def _row(self, index: int, typed: TypedRow, *, is_bound: bool) -> ComponentRow:
        prefix = f"c{index}"
        form = ComponentForm(**_given(prefix, typed.fields, is_bound=is_bound), meters=self._meters)
        tiers = [
            ComponentTierForm(
                **_given(f"{prefix}-t{position}", texts, is_bound=is_bound), kind=form.kind
            )
            for position, texts in enumerate(typed.tiers)
        ]
        return ComponentRow(index, form, tiers)

    def _unused_keys(self) -> set[str]:
        """Return the base fee's key unless a fee of before has it."""
        keys = {row.form.cleaned_data["key"] for row in self.components}
        return {BASE_FEE_METER} - keys

    def _usage(self, draft: PriceDraft) -> dict[str, dict[str, Any]]:
        """Return the typed usage by meter."""
        return usage_by_meter(
            (
                component,
                row.form.cleaned_data["units"] or Decimal(0),
                row.form.cleaned_data["event_count"],
            )
            for row, component in zip(self.components, draft.components, strict=True)
        )


def _given(prefix: str, texts: dict[str, str], *, is_bound: bool) -> dict[str, Any]:
    """Return a form's arguments: texts to check, or to show without a word about mistakes."""
    if is_bound:
        return {
            "prefix": prefix,
            "data": {f"{prefix}-{name}": text for name, text in texts.items()},
        }
    return {"prefix": prefix, "initial": texts}


def _key_of(form: ComponentForm, taken: set[str]) -> str:
    """Return the key of a fee: its own if it has one, that of the base fee, or one made of its name."""
    own = form.cleaned_data["key"]
    if own and METER_FORMAT.fullmatch(own):
        return str(own)
    if BASE_FEE_METER not in taken:
        return BASE_FEE_METER
    words = re.sub(r"[^a-z0-9]+", "_", slugify(form.cleaned_data["name"])).strip("_")[:50]
    base = words if METER_FORMAT.fullmatch(words) else "fee"
    key, number = base, 1
    while key in taken:
        number += 1
        key = f"{base}_{number}"
    return key


def _meter_choices(meters: Iterable[Meter]) -> list[Choice]:
    """Return key and name of each meter; of one key at several APIs, the names of all."""
    names: dict[str, list[str]] = {}
    for meter in meters:
        names.setdefault(meter.key, [])
        if meter.name not in names[meter.key]:
            names[meter.key].append(meter.name)
    return [(key, " / ".join(found)[:80]) for key, found in names.items()]
