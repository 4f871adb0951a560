"""The living styleguide: every component in every state, with the line that makes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.apis.health_history import DayOfHealth
from apps.core import clock
from apps.core.money import Money
from apps.core.plots import (
    Plot,
    PlotData,
    Series,
    draw_bars,
    draw_lines,
    draw_spark,
    draw_stacked_bars,
)
from apps.core.states import STATES

ICON_ID: Final = re.compile(r'<symbol id="([a-z-]+)"')
DAYS: Final = tuple(f"{number} Nov" for number in range(1, 31))
CALLS: Final = (
    *(310, 342, 298, 120, 96, 351, 402, 433, 390, 441, 180, 122, 466, 501, 488),
    *(530, 512, 210, 160, 560, 603),
)
PROJECTED: Final = (603, 590, 575, 240, 190, 610, 640, 655, 660, 670)


class ExampleForm(forms.Form):
    """One field of each kind, with help, choices and an error."""

    name = forms.CharField(label="Name", help_text="Shown to subscribers.")
    upstream = forms.URLField(label="Upstream", assume_scheme="https")
    region = forms.ChoiceField(label="Region", choices=[("eu", "Europe"), ("us", "America")])
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    scope = forms.MultipleChoiceField(
        label="Scopes",
        choices=[("read", "Read"), ("write", "Write")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    accepts = forms.BooleanField(label="I accept the terms", help_text="You can read them first.")


@dataclass(frozen=True, slots=True)
class Example:
    """An entry of the example lists."""

    title: str
    at: datetime
    by: str = ""
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the example."""

    label: str
    url: str
    count: int | None = None
    is_current: bool = False


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component in every state."""
    now = clock.now()
    wrong_form = ExampleForm({"name": "", "upstream": "not an address", "region": "eu"})
    context = {
        "icons": _icon_names(),
        "states": sorted(STATES),
        "form": ExampleForm(initial={"name": "Weather"}, prefix="good"),
        "wrong_form": wrong_form,
        "page_obj": Paginator(range(240), 20).page(4),
        "cursors": {"previous": "a", "next": "b"},
        "crumbs": [("Subscriptions", "#"), ("Weather", "#"), ("Keys", "")],
        "tabs_list": [
            Tab("Overview", "#overview", is_current=True),
            Tab("Keys", "#keys", 3),
            Tab("Invoices", "#invoices", 12),
        ],
        "history": [
            Example("Approved", now, "An approver", "Fast and well documented.", "ok"),
            Example("Information requested", now - timedelta(hours=5), "An approver", tone="warn"),
            Example("Submitted for review", now - timedelta(days=2), "Maria Silva", tone="info"),
        ],
        "now": now,
        "soon": now + timedelta(days=12),
        "total": Money(123_456, "USD"),
        "unit": Decimal("0.000125"),
        "fraction": Decimal("0.99953"),
        "lines": _line_plot(),
        "bars": _bar_plot(),
        "stack": _stacked_plot(),
        "days": _days_of_health(),
        "trend": draw_spark("Calls of the last three weeks", CALLS),
        "example_id": "key_06f8x4e2m9t7wq3k5v1zc0bnd9",
    }
    return render(request, "styleguide/index.html", context)


def _icon_names() -> list[str]:
    sprite = settings.BASE_DIR / "static" / "img" / "icons.svg"
    return ICON_ID.findall(sprite.read_text(encoding="utf-8"))


def _line_plot() -> Plot:
    gap: list[int | None] = [None] * (len(CALLS) - 1)
    rest = [None] * (len(DAYS) - len(CALLS))
    series = [
        Series("Calls", [*CALLS, *rest]),
        Series("Projected", [*gap, *PROJECTED], is_projection=True),
    ]
    return draw_lines(
        PlotData("Calls per day", "Rising, fewer at weekends.", DAYS, series, "calls")
    )


def _bar_plot() -> Plot:
    months = ("Jun", "Jul", "Aug", "Sep", "Oct", "Nov")
    series = [
        Series("This year", (420, 510, 480, 610, 720, 390)),
        Series("Last year", (380, 400, 450, 470, 540, 560)),
    ]
    return draw_bars(PlotData("Revenue per month", "Above last year.", months, series, "USD"))


def _days_of_health() -> list[DayOfHealth]:
    shares = (None, Decimal(100), Decimal("99.6"), Decimal(100), Decimal("83.4"), Decimal(100))
    first = date(2026, 11, 1)
    return [
        DayOfHealth(first + timedelta(days=n), 0 if share is None else 1440, share, 42, 95)
        for n, share in enumerate(shares)
    ]


def _stacked_plot() -> Plot:
    days = DAYS[:14]
    series = [
        Series("2xx", CALLS[:14]),
        Series("4xx", tuple(value // 9 for value in CALLS[:14])),
        Series("5xx", tuple(value // 40 for value in CALLS[:14])),
    ]
    data = PlotData("Calls by status", "Errors stay below a tenth.", days, series, "calls")
    return draw_stacked_bars(data)
