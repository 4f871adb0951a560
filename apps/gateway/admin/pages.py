"""The back office's page of the whole gateway, and the one of a single reconciliation."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from apps.core import jobs
from apps.core.backoffice import staff_actor
from apps.core.enums import JobTrigger
from apps.core.exceptions import DomainError, Forbidden
from apps.core.formatting import format_time
from apps.core.plots import Plot, PlotData, Series, draw_stacked_bars
from apps.gateway import selectors, services
from apps.gateway.admin.explaining import explain_page
from apps.gateway.enums import EntryKind
from apps.gateway.models import ReconciliationReport
from apps.gateway.panels import render_panels
from apps.gateway.reconciliation.proxy import ProxyState
from apps.gateway.reconciliation.tables import TableState

OPERATOR: Final = "operator"
OVERVIEW_ROUTE: Final = "admin:gateway_overview"
REPORTS_SHOWN: Final = 10
RUNS_PLOTTED: Final = 24
ENTRIES_SHOWN: Final = 20

# How a finding reads: its words and its tone.
Look = tuple[str | Promise, str]
TABLE_LOOKS: Final[dict[str, Look]] = {
    TableState.SAME: (gettext_lazy("As wanted"), "ok"),
    TableState.DIFFERENT: (gettext_lazy("Different, asked to load anew"), "bad"),
    TableState.BEHIND: (gettext_lazy("At another version then"), "info"),
    TableState.SILENT: (gettext_lazy("Not serving then"), "neutral"),
    TableState.UNKNOWN: (gettext_lazy("Not compared yet"), "neutral"),
}
PROXY_LOOKS: Final[dict[str, Look]] = {
    ProxyState.SAME: (gettext_lazy("As rendered"), "ok"),
    ProxyState.HEALED: (gettext_lazy("Differed, loaded anew"), "warn"),
    ProxyState.FAILED: (gettext_lazy("Differs or is away"), "bad"),
    ProxyState.NOT_CHECKED: (gettext_lazy("Not checked"), "neutral"),
}


class GatewayPages:
    """Pages and buttons, mixed into the admin class of reports."""

    admin_site: Any
    model: Any

    def get_urls(self) -> list[URLPattern]:
        """Add their addresses."""
        wrap = self.admin_site.admin_view
        own = [
            path("overview/", wrap(self.overview), name="gateway_overview"),
            path("explain/", wrap(self.explain), name="gateway_explain"),
            path("start/", wrap(require_POST(self.start)), name="gateway_reconcile"),
            path("report/<str:report_id>/", wrap(self.report), name="gateway_report"),
            path(
                "entries/<str:entry_id>/retry/",
                wrap(require_POST(self.retry)),
                name="gateway_entry_retry",
            ),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Say whether the gateway is well, then why."""
        _require_operator(request)
        found = selectors.gateway_overview()
        runs = list(selectors.list_reports()[:RUNS_PLOTTED])
        context = {
            "found": found,
            "nodes": [(node, TABLE_LOOKS[node.tables]) for node in found.nodes],
            "proxy": found.proxy,
            "proxy_look": PROXY_LOOKS[found.proxy["state"]] if found.proxy else None,
            "entries": list(selectors.list_troubled_entries()[:ENTRIES_SHOWN]),
            "runs": runs[:REPORTS_SHOWN],
            "plot": _plot_drift(runs) if runs else None,
            "panels": render_panels(request),
        }
        return self._show(request, "gateway/overview.html", _("Gateway"), context)

    def report(self, request: HttpRequest, report_id: str) -> HttpResponse:
        """Show what one run found."""
        _require_operator(request)
        report = selectors.get_report(report_id)
        details = report.details
        proxy = details.get("caddy")
        context = {
            "report": report,
            "lists": [
                (_("Missing"), report.missing_count, details.get("missing", [])),
                (_("Orphaned"), report.orphaned_count, details.get("orphaned", [])),
                (_("Different"), report.different_count, details.get("different", [])),
            ],
            "nodes": [
                (row, TABLE_LOOKS[row["state"]], _counts(row["expected"]), _counts(row["entries"]))
                for row in details.get("nodes", [])
            ],
            "proxy": proxy,
            "proxy_look": PROXY_LOOKS[proxy["state"]] if proxy else None,
        }
        return self._show(request, "gateway/report.html", _("Reconciliation"), context)

    def explain(self, request: HttpRequest) -> HttpResponse:
        """Explain what a call would get."""
        _require_operator(request)
        site = self.admin_site.each_context(request)
        return explain_page(request, {**site, "opts": self.model._meta})

    def start(self, request: HttpRequest) -> HttpResponse:
        """Start a reconciliation in the background."""
        _require_operator(request)
        run = jobs.enqueue(
            "gateway.reconcile", actor=staff_actor(request), trigger=JobTrigger.REQUEST
        )
        text = _("The reconciliation was started as %(id)s.") % {"id": run.public_id}
        messages.success(request, text)
        return HttpResponseRedirect(reverse(OVERVIEW_ROUTE))

    def retry(self, request: HttpRequest, entry_id: str) -> HttpResponse:
        """Have one entry written again."""
        _require_operator(request)
        entry = selectors.get_entry(entry_id)
        try:
            services.retry_entry(entry=entry, actor=staff_actor(request))
        except DomainError as error:
            messages.error(request, str(error.title))
        else:
            messages.success(request, _("The entry is being written again."))
        return HttpResponseRedirect(reverse(OVERVIEW_ROUTE))

    def _show(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        site = self.admin_site.each_context(request)
        whole = {**site, "title": title, "opts": self.model._meta, **context}
        return TemplateResponse(request, template, whole)


def _require_operator(request: HttpRequest) -> None:
    if not staff_actor(request).has_staff_role(OPERATOR):
        raise Forbidden(required=f"staff:{OPERATOR}")


def _counts(by_kind: dict[str, int]) -> str:
    labels = dict(EntryKind.choices)
    return ", ".join(f"{labels.get(kind, kind)}: {count}" for kind, count in by_kind.items())


def _plot_drift(newest_first: list[ReconciliationReport]) -> Plot:
    runs = newest_first[::-1]
    data = PlotData(
        title=_("What the last runs found"),
        description=_("How many entries, authorizers and places of the proxy were wrong in each."),
        labels=[format_time(run.started_at, "short") for run in runs],
        series=(
            Series(_("Missing"), [run.missing_count for run in runs]),
            Series(_("Orphaned"), [run.orphaned_count for run in runs]),
            Series(_("Different"), [run.different_count for run in runs]),
            Series(_("Authorizers"), [run.different_nodes_count for run in runs]),
            Series(_("Proxy"), [run.proxy_paths_count for run in runs]),
        ),
        unit=_("things"),
    )
    return draw_stacked_bars(data)
