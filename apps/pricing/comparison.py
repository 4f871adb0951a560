"""The plans of an API side by side: the same questions answered for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.formatting import format_number, format_unit_price
from apps.pricing.drafts import PriceDraft
from apps.pricing.enums import QuotaKind, RefundPolicy
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.selectors import current_versions_of, draft_of
from apps.pricing.summaries import PriceSummary, summarise

RATE_WORDS: Final = {
    "second": gettext_lazy("Calls per second"),
    "minute": gettext_lazy("Calls per minute"),
    "hour": gettext_lazy("Calls per hour"),
    "day": gettext_lazy("Calls per day"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One plan's answer: a value for programs (None: none), and words for people."""

    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One question, answered for each plan in order."""

    key: str
    label: str
    cells: tuple[Cell, ...]
    names: tuple[str, ...]

    @property
    def named_cells(self) -> list[tuple[str, Cell]]:
        """Each answer with the name of its plan."""
        return list(zip(self.names, self.cells, strict=True))

    @property
    def is_different(self) -> bool:
        """Whether the plans differ in it."""
        return len({cell.text for cell in self.cells}) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Plans that have a price, and what is the same or different between them."""

    plans: tuple[Plan, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Offer:
    plan: Plan
    version: PriceVersion
    draft: PriceDraft
    summary: PriceSummary


def compare_plans(plans: Sequence[Plan]) -> Comparison:
    """Put plans side by side. No query where they come from `with_prices`."""
    offers = []
    for plan in plans:
        versions = current_versions_of(plan)
        if versions:
            draft = draft_of(versions[0])
            offers.append(_Offer(plan, versions[0], draft, summarise(draft)))
    names = tuple(offer.plan.name for offer in offers)
    rows = [
        Row(key, str(label), tuple(answer(offer) for offer in offers), names)
        for key, label, answer in QUESTIONS
    ]
    rows += [*_rate_rows(offers, names), *_feature_rows(offers, names)]
    # A question to which no plan has an answer says nothing.
    kept = [row for row in rows if any(cell.value is not None for cell in row.cells)]
    return Comparison(tuple(offer.plan for offer in offers), tuple(kept))


def _fee(offer: _Offer) -> Cell:
    fee, price = offer.summary.base_fee, offer.summary
    if not fee:
        return Cell(None, _("none"))
    given = {"amount": format_unit_price(fee, price.currency), "interval": price.interval}
    return Cell(_plain(fee), _("%(amount)s per %(interval)s") % given)


def _call_price(offer: _Offer) -> Cell:
    lowest = offer.summary.lowest_unit_price
    if lowest is None:
        return Cell(None, _("free"))
    amount = format_unit_price(lowest, offer.draft.currency)
    is_only = len(offer.summary.tiers) == 1
    return Cell(_plain(lowest), amount if is_only else _("from %(amount)s") % {"amount": amount})


def _currencies(offer: _Offer) -> Cell:
    found = [version.currency for version in current_versions_of(offer.plan)]
    return Cell(found, ", ".join(found))


def _quota(offer: _Offer) -> Cell:
    quota = offer.draft.quota_calls
    if quota is None:
        return Cell(None, _("no limit"))
    words = _("%(calls)s per %(interval)s")
    return Cell(quota, words % {"calls": format_number(quota), "interval": offer.summary.interval})


def _beyond(offer: _Offer) -> Cell:
    if offer.draft.quota_calls is None:
        return Cell(None, "–")
    is_hard = offer.draft.quota_kind == QuotaKind.HARD
    return Cell(
        offer.draft.quota_kind,
        _("calls are refused") if is_hard else _("calls go on, at their price"),
    )


def _free_calls(offer: _Offer) -> Cell:
    free = offer.summary.free_units
    return Cell(free or None, format_number(free) if free else _("none"))


def _period(offer: _Offer) -> Cell:
    draft = offer.draft
    words = offer.summary.interval
    if offer.summary.follows_calendar:
        words = _("%(interval)s, with the calendar") % {"interval": words}
    return Cell({"interval": draft.interval, "count": draft.interval_count}, words)


def _trial(offer: _Offer) -> Cell:
    days = offer.plan.trial_days
    if not days:
        return Cell(None, _("none"))
    return Cell(days, ngettext("%(days)s day", "%(days)s days", days) % {"days": days})


def _keys(offer: _Offer) -> Cell:
    return Cell(offer.plan.key_limit, format_number(offer.plan.key_limit))


def _units(offer: _Offer) -> Cell:
    most = offer.plan.max_quantity
    return Cell(
        most, _("one") if most == 1 else _("up to %(most)s") % {"most": format_number(most)}
    )


def _refund(offer: _Offer) -> Cell:
    policy = RefundPolicy(offer.plan.refund_policy)
    return Cell(policy.value, str(policy.label))


def _approval(offer: _Offer) -> Cell:
    needed = offer.plan.requires_approval
    return Cell(needed, _("by the provider") if needed else _("at once"))


QUESTIONS: Final[tuple[tuple[str, str | Promise, Callable[[_Offer], Cell]], ...]] = (
    ("base_fee", gettext_lazy("Base fee"), _fee),
    ("period", gettext_lazy("Period"), _period),
    ("currencies", gettext_lazy("Currencies"), _currencies),
    ("free_calls", gettext_lazy("Free calls"), _free_calls),
    ("call_price", gettext_lazy("Price of a call"), _call_price),
    ("quota", gettext_lazy("Quota"), _quota),
    ("beyond_quota", gettext_lazy("When it is used up"), _beyond),
    ("keys", gettext_lazy("Active keys"), _keys),
    ("trial", gettext_lazy("Trial"), _trial),
    ("units", gettext_lazy("Units per subscription"), _units),
    ("refund", gettext_lazy("Given back when cancelled at once"), _refund),
    ("approval", gettext_lazy("Accepted"), _approval),
)


def _rate_rows(offers: Sequence[_Offer], names: tuple[str, ...]) -> list[Row]:
    limits = [dict(offer.summary.rate_limits) for offer in offers]
    return [
        Row(
            f"rate_per_{per}",
            str(label),
            tuple(
                Cell(each.get(per), format_number(each[per]) if per in each else _("no limit"))
                for each in limits
            ),
            names,
        )
        for per, label in RATE_WORDS.items()
    ]


def _feature_rows(offers: Sequence[_Offer], names: tuple[str, ...]) -> list[Row]:
    labels = {feature.key: feature.label for offer in offers for feature in offer.draft.features}
    own = [{feature.key for feature in offer.draft.features} for offer in offers]
    return [
        Row(
            f"feature:{key}",
            label,
            tuple(Cell(key in keys, _("yes") if key in keys else _("no")) for keys in own),
            names,
        )
        for key, label in labels.items()
    ]


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")
