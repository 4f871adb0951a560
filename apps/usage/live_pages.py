"""What the live pages show, for whichever side looks."""

from __future__ import annotations

from typing import Any

from babel.dates import format_time as babel_time
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.formatting import reader_locale
from apps.core.plots import Plot, PlotData, Series, draw_stacked_bars
from apps.usage.selectors.live import LiveCalls


def live_context(found: LiveCalls, request: HttpRequest, *, url: str) -> dict[str, Any]:
    """Return what the part that changes needs. `url` answers that part alone; a paused page does not ask for it."""
    return {
        "live": found,
        "plot": draw_live(found),
        "live_url": url,
        "is_paused": "paused" in request.GET,
        "lag_s": int(found.lag.total_seconds()),
    }


def draw_live(found: LiveCalls) -> Plot:
    """Draw answered and failed calls per ten seconds; without any call there is nothing to draw."""
    has_calls = bool(found.total.calls)
    locale = reader_locale()
    return draw_stacked_bars(
        PlotData(
            title=_("Calls per 10 seconds"),
            description=_("%(total)s calls, %(errors)s of them failed.")
            % {"total": found.total.calls, "errors": found.total.errors},
            labels=[
                babel_time(timezone.localtime(step.at), "HH:mm:ss", locale=locale)
                for step in found.steps
            ],
            series=[
                Series(
                    _("Answered"),
                    [step.calls - step.errors if has_calls else None for step in found.steps],
                ),
                Series(
                    _("Failed (status 400 and above)"),
                    [step.errors if has_calls else None for step in found.steps],
                ),
            ],
            unit=_("calls"),
        )
    )
