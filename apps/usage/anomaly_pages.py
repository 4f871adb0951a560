"""The plot of an anomaly: what was called, hour by hour, against what was expected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.formatting import reader_locale
from apps.core.plots import Number, Plot, PlotData, Series, draw_lines
from apps.usage.anomalies import counts_around, sensitivities, subject_of
from apps.usage.anomaly_rules import (
    HOUR,
    LEAST_WEEKS,
    SPREADS,
    Band,
    HourCount,
    call_band,
    error_band,
)
from apps.usage.enums import AnomalyKind, Sensitivity
from apps.usage.models import UsageAnomaly

BEFORE: Final = timedelta(hours=30)
AFTER: Final = timedelta(hours=12)
MOST: Final = 72


def draw_anomaly(anomaly: UsageAnomaly) -> Plot:
    """Draw the hours around an incident with the band of what was expected. Four queries at most."""
    subject = subject_of(anomaly)
    chosen = Sensitivity(sensitivities([subject])[subject.key])
    spreads = SPREADS.get(chosen, SPREADS[Sensitivity.NORMAL])
    hours = _hours(anomaly)
    is_rate = anomaly.kind == AnomalyKind.ERRORS
    actual: list[Number | None] = []
    bands: list[Band | None] = []
    for now, samples in counts_around(subject, hours):
        actual.append(round(now.error_percent, 1) if is_rate else now.calls)
        bands.append(_band(now, samples, spreads, is_rate=is_rate))
    return draw_lines(
        PlotData(
            title=_("Failed calls per hour, in percent") if is_rate else _("Calls per hour"),
            description=_("What was called, and what is usual for the weekday and hour."),
            labels=[_label(hour, subject.timezone) for hour in hours],
            series=[
                Series(_("Actual"), actual),
                Series(
                    _("Usual at most"),
                    [None if band is None else round(band.high, 1) for band in bands],
                    is_projection=True,
                ),
                Series(
                    _("Usual at least"),
                    [None if band is None else round(band.low, 1) for band in bands],
                ),
            ],
            unit=_("percent") if is_rate else _("calls"),
        )
    )


def _band(
    now: HourCount, samples: list[HourCount], spreads: float, *, is_rate: bool
) -> Band | None:
    if len(samples) < LEAST_WEEKS:
        return None
    return error_band(samples, now.calls, spreads) if is_rate else call_band(samples, spreads)


def _hours(anomaly: UsageAnomaly) -> list[datetime]:
    first = anomaly.started_at - BEFORE
    last = min(anomaly.last_hour + AFTER, clock.now())
    count = min(MOST, max(1, int((last - first) / HOUR) + 1))
    return [first + HOUR * index for index in range(count)]


def _label(hour: datetime, timezone: str) -> str:
    return format_skeleton("EHm", hour.astimezone(ZoneInfo(timezone)), locale=reader_locale())
