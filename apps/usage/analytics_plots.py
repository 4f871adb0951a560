"""The plots of the analytics pages: statuses, latency, and bytes over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from babel.dates import format_skeleton
from django.utils.translation import gettext as _

from apps.core.formatting import format_bytes, format_duration, format_number, reader_locale
from apps.core.plots import Number, Plot, PlotData, Series, draw_lines, draw_stacked_bars
from apps.usage.figures import Figures, Point

MS_PER_S = 1000


def draw_analytics(points: Sequence[Point], total: Figures, *, by_day: bool) -> list[Plot]:
    """Draw how calls ended, how long they took, and how much was sent."""
    labels = [_label(point.at, by_day=by_day) for point in points]
    return [
        _statuses(points, labels, total, by_day=by_day),
        _latency(points, labels, total),
        _bytes(points, labels, total),
    ]


def _statuses(points: Sequence[Point], labels: list[str], total: Figures, *, by_day: bool) -> Plot:
    kinds: list[tuple[str, Callable[[Figures], int]]] = [
        (_("Answered (2xx)"), lambda figures: figures.answered),
        (_("Redirected (3xx)"), lambda figures: figures.redirected),
        (_("Refused (4xx)"), lambda figures: figures.refused),
        (_("Failed (5xx)"), lambda figures: figures.failed),
        (_("Unconfirmed"), lambda figures: figures.unconfirmed),
    ]
    # What never happened needs no place in the legend; answers always have theirs.
    shown = [
        (label, count) for number, (label, count) in enumerate(kinds) if not number or count(total)
    ]
    return draw_stacked_bars(
        PlotData(
            title=_("Calls per day") if by_day else _("Calls per hour"),
            description=_("%(total)s calls, %(errors)s of them failed.")
            % {"total": format_number(total.calls), "errors": format_number(total.errors)},
            labels=labels,
            series=[
                Series(label, [count(point.figures) if total.calls else None for point in points])
                for label, count in shown
            ],
            unit=_("calls"),
        )
    )


def _latency(points: Sequence[Point], labels: list[str], total: Figures) -> Plot:
    return draw_lines(
        PlotData(
            title=_("Latency"),
            description=_("Median %(median)s, 95th percentile %(high)s.")
            % {"median": _duration(total.p50_ms), "high": _duration(total.p95_ms)},
            labels=labels,
            series=[
                Series(_("Median"), [point.figures.p50_ms for point in points]),
                Series(_("95th percentile"), [point.figures.p95_ms for point in points]),
                Series(_("99th percentile"), [point.figures.p99_ms for point in points]),
            ],
            show=lambda ms: format_duration(float(ms) / MS_PER_S),
        )
    )


def _bytes(points: Sequence[Point], labels: list[str], total: Figures) -> Plot:
    moved = total.request_bytes + total.response_bytes

    def show(count: Number) -> str:
        return format_bytes(int(count))

    return draw_stacked_bars(
        PlotData(
            title=_("Data"),
            description=_("%(requests)s in requests, %(answers)s in answers.")
            % {
                "requests": format_bytes(total.request_bytes),
                "answers": format_bytes(total.response_bytes),
            },
            labels=labels,
            series=[
                Series(
                    _("Answers"),
                    [point.figures.response_bytes if moved else None for point in points],
                ),
                Series(
                    _("Requests"),
                    [point.figures.request_bytes if moved else None for point in points],
                ),
            ],
            show=show,
        )
    )


def _duration(ms: int | None) -> str:
    return "–" if ms is None else format_duration(ms / MS_PER_S)


def _label(at: datetime, *, by_day: bool) -> str:
    return format_skeleton("MMMd" if by_day else "Hm", at, locale=reader_locale())
