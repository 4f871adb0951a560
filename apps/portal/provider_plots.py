"""The plots of the provider's overview."""

from __future__ import annotations

from babel.dates import format_skeleton
from django.utils.translation import gettext as _

from apps.core.formatting import format_money, format_number, reader_locale
from apps.core.money import Money
from apps.core.plots import Number, Plot, PlotData, Series, draw_bars, draw_lines, draw_stacked_bars
from apps.portal.provider_figures import ProviderFigures, Step


def draw_provider_plots(figures: ProviderFigures) -> list[Plot]:
    """Draw calls, failures by status class, and revenue, one plot per currency."""
    plots = [_calls(figures), _failures(figures)]
    if figures.has_money:
        plots += [_revenue(figures, currency) for currency in figures.currencies]
    return plots


def _calls(figures: ProviderFigures) -> Plot:
    total = figures.now.calls
    return draw_lines(
        PlotData(
            title=_("Calls per day") if figures.chosen.span.by_day else _("Calls per hour"),
            description=_("%(total)s calls, %(errors)s of them failed.")
            % {"total": format_number(total), "errors": format_number(figures.now.errors)},
            labels=_labels(figures),
            series=[Series(_("Calls"), [s.calls if total else None for s in figures.steps])],
            unit=_("calls"),
        )
    )


def _failures(figures: ProviderFigures) -> Plot:
    total = figures.now.errors
    by_day = figures.chosen.span.by_day
    return draw_stacked_bars(
        PlotData(
            title=_("Failed calls per day") if by_day else _("Failed calls per hour"),
            description=_("%(errors)s calls failed.") % {"errors": format_number(total)},
            labels=_labels(figures) if total else [],
            series=_failure_series(figures.steps) if total else [],
            unit=_("calls"),
        )
    )


def _failure_series(steps: list[Step]) -> list[Series]:
    return [
        Series(_("Refused (4xx)"), [step.failures.client_errors for step in steps]),
        Series(_("Failed (5xx)"), [step.failures.server_errors for step in steps]),
    ]


def _revenue(figures: ProviderFigures, currency: str) -> Plot:
    def show(amount: Number) -> str:
        return format_money(Money(int(amount), currency))

    def minor(step: Step, name: str) -> int:
        revenue = step.revenue.get(currency)
        return getattr(revenue, name).amount_minor if revenue else 0

    title = (
        _("Net revenue per day (%(currency)s)")
        if figures.chosen.span.by_day
        else _("Net revenue per hour (%(currency)s)")
    )
    total = next(row for row in figures.now.revenue if row.currency == currency)
    return draw_bars(
        PlotData(
            title=title % {"currency": currency},
            description=_("%(net)s after fees.") % {"net": format_money(total.net)},
            labels=_labels(figures),
            series=[Series(_("Net revenue"), [minor(step, "net") for step in figures.steps])],
            show=show,
        )
    )


def _labels(figures: ProviderFigures) -> list[str]:
    skeleton = "MMMd" if figures.chosen.span.by_day else "Hm"
    return [format_skeleton(skeleton, step.at, locale=reader_locale()) for step in figures.steps]
