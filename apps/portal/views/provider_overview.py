"""The provider's overview: how the APIs do over a period, against the period before, and what waits."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.core.exceptions import InvalidInput
from apps.core.formatting import format_duration, format_money, format_number, format_share
from apps.core.money import Money
from apps.portal.provider_attention import provider_attention
from apps.portal.provider_export import write_csv
from apps.portal.provider_figures import ProviderFigures, Totals, provider_figures
from apps.portal.provider_plots import draw_provider_plots
from apps.usage.chosen_period import CUSTOM, ChosenPeriod, choose_period
from apps.usage.selectors import get_provided_api
from apps.usage.spans import SPANS

READ: Final = "apis.read"
MS_PER_S: Final = 1000


@console_page(READ)
@require_safe
def overview(request: ConsoleRequest) -> HttpResponse:
    """Show calls, subscribers, errors, latency and revenue; `api` narrows everything to one API."""
    refusal, is_custom = "", request.GET.get("period") == CUSTOM
    try:
        chosen = _chosen(request)
    except InvalidInput as error:
        chosen = choose_period(get_current_organization(request.actor))
        # Who asks for own days without saying which gets the form.
        is_asking = is_custom and not (request.GET.get("from") or request.GET.get("to"))
        refusal = "" if is_asking else str(error.detail)
    figures = _figures(request, chosen)
    apis = [row.api for row in figures.apis]
    context = {
        "figures": figures,
        "chosen": chosen,
        "refusal": refusal,
        "spans": SPANS,
        "is_custom": is_custom,
        "stats": _stats(figures),
        "plots": draw_provider_plots(figures),
        "tasks": provider_attention(request.actor, apis),
        "period_query": _query(chosen),
        "api_id": figures.api.public_id if figures.api else None,
    }
    return render(request, "portal/provider/overview.html", context)


@console_page(READ)
@require_safe
def download(request: ConsoleRequest) -> HttpResponse:
    """Download the series as a CSV file."""
    try:
        chosen = _chosen(request)
    except InvalidInput as error:
        return HttpResponse(str(error.detail), status=error.status, content_type="text/plain")
    figures = _figures(request, chosen)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"overview-{chosen.first_day}-{chosen.last_day}.csv"
    disposition = content_disposition_header(as_attachment=True, filename=name)
    answer["Content-Disposition"] = disposition or "attachment"
    write_csv(figures, answer)  # type: ignore[arg-type]  # a response is a file to write to
    return answer


def _chosen(request: ConsoleRequest) -> ChosenPeriod:
    return choose_period(
        get_current_organization(request.actor),
        key=request.GET.get("period", ""),
        first=request.GET.get("from", ""),
        last=request.GET.get("to", ""),
    )


def _figures(request: ConsoleRequest, chosen: ChosenPeriod) -> ProviderFigures:
    wanted = request.GET.get("api", "")
    api = get_provided_api(request.actor, wanted) if wanted else None
    return provider_figures(request.actor, chosen, api=api)


def _query(chosen: ChosenPeriod) -> QueryDict:
    """Return what a link needs to stay in the period."""
    query = QueryDict(mutable=True)
    query["period"] = chosen.span.key
    if chosen.span.key == CUSTOM:
        query["from"] = chosen.first_day.isoformat()
        query["to"] = chosen.last_day.isoformat()
    return query


def _stats(figures: ProviderFigures) -> list[dict[str, str]]:
    """Return the numbers of the first row, each with what it was before."""
    now, before = figures.now, figures.before
    stats = [
        _stat(_("Subscribers"), format_number(now.subscribers), format_number(before.subscribers)),
        _stat(_("Failed calls"), _failed(now), _failed(before)),
    ]
    for label, name in ((_("Median latency"), "p50_ms"), (_("95th percentile"), "p95_ms")):
        stats.append(_stat(label, _latency(now, name), _latency(before, name)))
    if figures.has_money:
        earlier = {row.currency: row.net for row in before.revenue}
        current = {row.currency: row.net for row in now.revenue}
        for currency in sorted({*earlier, *current}):
            nothing = Money.zero(currency)
            stats.append(
                _stat(
                    _("Net revenue"),
                    format_money(current.get(currency, nothing)),
                    format_money(earlier.get(currency, nothing)),
                )
            )
    return stats


def _stat(label: str, value: str, before: str) -> dict[str, Any]:
    note = _("%(value)s in the period before") % {"value": before} if before else ""
    return {"label": label, "value": value or "–", "note": note}


def _failed(totals: Totals) -> str:
    share = format_share(totals.errors / totals.calls) if totals.calls else ""
    number = format_number(totals.errors)
    return f"{number} ({share})" if share else number


def _latency(totals: Totals, name: str) -> str:
    value = getattr(totals.latency, name)
    return "" if value is None else format_duration(value / MS_PER_S)
