"""What an analytics page shows, whoever looks: the answer, plots, tables, and links that narrow all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.formatting import format_bytes, format_duration, format_number, format_share
from apps.usage import selectors
from apps.usage.analytics_plots import draw_analytics
from apps.usage.chosen_period import CUSTOM, ChosenPeriod
from apps.usage.figures import Figures
from apps.usage.rollups.reading import Scope
from apps.usage.selectors import Analytics, Chosen, Group
from apps.usage.spans import SPANS

MS_PER_S: Final = 1000
TOP: Final = 10
TITLES: Final[dict[str, str | Promise]] = {
    "api": gettext_lazy("By API"),
    "subscription": gettext_lazy("By subscription"),
    "plan": gettext_lazy("By plan"),
    "key": gettext_lazy("By key"),
    "endpoint": gettext_lazy("By endpoint"),
    "status": gettext_lazy("By status"),
    "consumer": gettext_lazy("By subscriber"),
    "provider": gettext_lazy("By provider"),
    "country": gettext_lazy("By country"),
}
NAMES: Final[dict[str, str | Promise]] = {
    "api_id": gettext_lazy("API"),
    "subscription_id": gettext_lazy("Subscription"),
    "plan_id": gettext_lazy("Plan"),
    "key_id": gettext_lazy("Key"),
    "endpoint": gettext_lazy("Endpoint"),
    "status": gettext_lazy("Status"),
    "consumer_id": gettext_lazy("Subscriber"),
    "provider_id": gettext_lazy("Provider"),
    "country": gettext_lazy("Country"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: `url` narrows the page to it, `calls_url` leads to its single calls."""

    group: Group
    url: str
    calls_url: str


@dataclass(frozen=True, slots=True)
class Table:
    """The top of one kind of group, and the rest in sum."""

    key: str
    title: str | Promise
    rows: list[Row]
    other: Figures | None
    other_count: int


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that holds, and the link to the page without it."""

    name: str | Promise
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Links:
    """How links of the page keep its period and its filters."""

    chosen: ChosenPeriod
    filters: list[Chosen]
    calls_url: str = ""

    @property
    def period(self) -> dict[str, str]:
        """The period as a query."""
        query = {"period": self.chosen.span.key}
        if self.chosen.span.key == CUSTOM:
            query["from"] = self.chosen.first_day.isoformat()
            query["to"] = self.chosen.last_day.isoformat()
        return query

    @property
    def kept(self) -> dict[str, str]:
        """The filters as a query."""
        return {item.name: item.text for item in self.filters}

    def narrowed(self, only: Mapping[str, str]) -> str:
        """Return the query of the page with more filters."""
        return f"?{urlencode({**self.period, **self.kept, **only})}"

    def without(self, name: str) -> str:
        """Return the query of the page without a filter."""
        kept = {key: text for key, text in self.kept.items() if key != name}
        return f"?{urlencode({**self.period, **kept})}"

    def calls(self, only: Mapping[str, str] | None = None) -> str:
        """Return the address of the single calls."""
        query = urlencode({**self.period, **self.kept, **(only or {})})
        return f"{self.calls_url}?{query}" if self.calls_url else ""


def page_context(scope: Scope, links: Links, groups: Sequence[str]) -> dict[str, Any]:
    """Return what the template of an analytics page needs. Two queries, and one for each kind of name."""
    chosen = links.chosen
    narrowed = selectors.narrow(scope, selectors.columns_of(links.filters))
    # What is chosen already needs no table of its own, but for the statuses of a class.
    fixed = {item.name.removesuffix("_id") for item in links.filters} - {"status"}
    found = selectors.analyse(
        narrowed, chosen, groups=[name for name in groups if name not in fixed], top=TOP
    )
    return {
        **picker_context(links),
        "found": found,
        "change": _change(found),
        "stats": _stats(found),
        "plots": draw_analytics(found.points, found.now, by_day=chosen.span.by_day),
        "tables": [_table(name, found, links) for name in found.groups],
        "calls_url": links.calls(),
    }


def picker_context(links: Links) -> dict[str, Any]:
    """Return what the period picker and the chips need."""
    return {
        "chosen": links.chosen,
        "span": links.chosen.span,
        "spans": SPANS,
        "kept": links.kept,
        "chips": [
            Chip(NAMES[item.name], item.label, links.without(item.name)) for item in links.filters
        ],
    }


def _table(name: str, found: Analytics, links: Links) -> Table:
    page = found.groups[name]
    rows = [
        Row(
            group,
            links.narrowed(group.value.only) if group.value.only else "",
            links.calls(group.value.only) if group.value.only else "",
        )
        for group in page.rows
    ]
    return Table(name, TITLES[name], rows, page.other, page.total - len(page.rows))


def _change(found: Analytics) -> str:
    """Say how calls changed against the period before."""
    now, before = found.now.calls, found.before.calls
    if not before:
        return _("none in the period before")
    share = format_share(abs(now - before) / before)
    number = format_number(before)
    if now > before:
        text = _("%(share)s more than the %(number)s of the period before")
    elif now < before:
        text = _("%(share)s fewer than the %(number)s of the period before")
    else:
        text = _("as many as in the period before")
    return text % {"share": share, "number": number}


def _stats(found: Analytics) -> list[dict[str, str]]:
    """Return the numbers of the first row, each with what it was before."""
    now, before = found.now, found.before
    return [
        _stat(_("Failed calls"), _failed(now), _failed(before)),
        _stat(_("Median latency"), _latency(now.p50_ms), _latency(before.p50_ms)),
        _stat(_("95th percentile"), _latency(now.p95_ms), _latency(before.p95_ms)),
        _stat(_("99th percentile"), _latency(now.p99_ms), _latency(before.p99_ms)),
        _stat(_("Billed calls"), format_number(now.billable), format_number(before.billable)),
        _stat(
            _("Data in answers"),
            format_bytes(now.response_bytes),
            format_bytes(before.response_bytes),
        ),
    ]


def _stat(label: str, value: str, before: str) -> dict[str, str]:
    note = _("%(value)s in the period before") % {"value": before} if before else ""
    return {"label": label, "value": value or "–", "note": note}


def _failed(figures: Figures) -> str:
    number = format_number(figures.errors)
    return f"{number} ({format_share(figures.error_share)})" if figures.calls else number


def _latency(ms: int | None) -> str:
    return "" if ms is None else format_duration(ms / MS_PER_S)
