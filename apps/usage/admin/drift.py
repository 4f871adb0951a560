"""The back office's pages of drift: what comparisons found, a run now, and replays of nodes' logs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
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
from apps.core.exceptions import Forbidden
from apps.core.formatting import format_time
from apps.core.forms import refusals_on
from apps.core.plots import Plot, PlotData, Series, draw_stacked_bars
from apps.gateway.valkey import get_counters
from apps.usage import selectors
from apps.usage.admin.base import UsageAdmin
from apps.usage.drift import find_high_counter, lower_counter
from apps.usage.enums import DriftScope, DriftStatus
from apps.usage.exceptions import CounterExplained
from apps.usage.forms import ReplayForm
from apps.usage.models import DriftReport

OPERATOR: Final = "operator"
PAGE: Final = "admin:usage_drift"
RUNS_SHOWN: Final = 24
REPLAYS_SHOWN: Final = 20
JOBS: Final = {
    DriftScope.RECENT: "usage.compare_counters",
    DriftScope.ALL: "usage.compare_all_counters",
}
Look = tuple[str | Promise, str]
LOOKS: Final[dict[str, Look]] = {
    DriftStatus.RUNNING: (gettext_lazy("Running"), "info"),
    DriftStatus.EQUAL: (gettext_lazy("Equal"), "ok"),
    DriftStatus.CORRECTED: (gettext_lazy("Corrected"), "warn"),
    DriftStatus.UNEXPLAINED: (gettext_lazy("Unexplained"), "bad"),
    DriftStatus.INCOMPLETE: (gettext_lazy("Calls on their way"), "neutral"),
    DriftStatus.FAILED: (gettext_lazy("Failed"), "bad"),
    "raised": (gettext_lazy("Raised"), "warn"),
    "lowered": (gettext_lazy("Lowered"), "warn"),
    "by_hand": (gettext_lazy("Lowered by hand"), "warn"),
    "requested": (gettext_lazy("Asked for"), "info"),
    "done": (gettext_lazy("Done"), "ok"),
}


class LowerForm(forms.Form):
    """Why a counter is lowered."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)


@admin.register(DriftReport)
class DriftReportAdmin(UsageAdmin):
    """What comparisons found."""

    view_roles = (OPERATOR,)
    list_display = (
        "started_at",
        "scope",
        "status",
        "compared_count",
        "raised_count",
        "lowered_count",
        "unexplained_count",
        "repaired_count",
        "wrong_windows_count",
    )
    list_filter = ("status", "scope")

    def get_urls(self) -> list[URLPattern]:
        """Add the pages and the button."""
        wrap = self.admin_site.admin_view
        own = [
            path("now/", wrap(self.page), name="usage_drift"),
            path("start/", wrap(require_POST(self.start)), name="usage_drift_start"),
            path("lower/<str:subscription_id>/", wrap(self.lower), name="usage_drift_lower"),
            path("report/<str:report_id>/", wrap(self.report), name="usage_drift_report"),
        ]
        return [*own, *super().get_urls()]

    def page(self, request: HttpRequest) -> HttpResponse:
        """Show the last runs and replays; ask a node for a replay."""
        _require_operator(request)
        form = ReplayForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_on(form):
                replay = form.save(actor=staff_actor(request))
                text = _("%(node)s was asked to send what is missing.") % {"node": replay.node}
                messages.success(request, text)
                return HttpResponseRedirect(reverse(PAGE))
        runs = list(selectors.list_drift_reports()[:RUNS_SHOWN])
        context = {
            "runs": [(run, LOOKS[run.status]) for run in runs],
            "plot": _plot(runs) if runs else None,
            "replays": [
                (replay, LOOKS[replay.status])
                for replay in selectors.list_replays()[:REPLAYS_SHOWN]
            ],
            "form": form,
        }
        page = self._show(request, "usage/backoffice_drift.html", _("Drift"), context)
        page.status_code = 422 if form.errors else 200
        return page

    def report(self, request: HttpRequest, report_id: str) -> HttpResponse:
        """Show what one run found, by subscription."""
        _require_operator(request)
        report = selectors.get_drift_report(report_id)
        context = {
            "report": report,
            "look": LOOKS[report.status],
            "findings": [
                (row, LOOKS[row["outcome"]]) for row in report.details.get("findings", [])
            ],
            "windows": [
                (row, datetime.fromisoformat(row["window_start"]))
                for row in report.details.get("windows", [])
            ],
        }
        return self._show(request, "usage/backoffice_drift_report.html", _("Comparison"), context)

    def lower(self, request: HttpRequest, subscription_id: str) -> HttpResponse:
        """Ask, then lower a counter that could not be explained."""
        _require_operator(request)
        try:
            found = find_high_counter(subscription_id)
        except CounterExplained as error:
            messages.error(request, str(error.detail))
            return HttpResponseRedirect(reverse(PAGE))
        form = LowerForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_on(form):
                lower_counter(
                    store=get_counters(),
                    subscription_id=subscription_id,
                    actor=staff_actor(request),
                    reason=form.cleaned_data["reason"],
                )
                messages.success(request, _("The counter was lowered."))
                return HttpResponseRedirect(
                    reverse("admin:usage_drift_report", args=[found.report.public_id])
                )
        page = self._show(
            request,
            "usage/backoffice_drift_lower.html",
            _("Lower a counter"),
            {"found": found, "form": form},
        )
        page.status_code = 422 if form.errors else 200
        return page

    def start(self, request: HttpRequest) -> HttpResponse:
        """Compare in the background."""
        _require_operator(request)
        wanted = request.POST.get("scope", "")
        scope = DriftScope(wanted) if wanted in DriftScope.values else DriftScope.RECENT
        run = jobs.enqueue(JOBS[scope], actor=staff_actor(request), trigger=JobTrigger.REQUEST)
        text = _("The comparison was started as %(id)s.") % {"id": run.public_id}
        messages.success(request, text)
        return HttpResponseRedirect(reverse(PAGE))

    def _show(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        context: dict[str, Any],
    ) -> HttpResponse:
        site = self.admin_site.each_context(request)
        whole = {**site, "title": title, "opts": self.model._meta, **context}
        return TemplateResponse(request, template, whole)


def _require_operator(request: HttpRequest) -> None:
    if not staff_actor(request).has_staff_role(OPERATOR):
        raise Forbidden(required=f"staff:{OPERATOR}")


def _plot(newest_first: list[DriftReport]) -> Plot:
    runs = newest_first[::-1]
    data = PlotData(
        title=_("What the last comparisons found"),
        description=_("How many counters and windows were wrong in each, and calls sent again."),
        labels=[format_time(run.started_at, "short") for run in runs],
        series=(
            Series(_("Raised"), [run.raised_count for run in runs]),
            Series(_("Lowered"), [run.lowered_count for run in runs]),
            Series(_("Unexplained"), [run.unexplained_count for run in runs]),
            Series(_("Calls sent again"), [run.repaired_count for run in runs]),
            Series(_("Windows"), [run.wrong_windows_count for run in runs]),
        ),
        unit=_("things"),
    )
    return draw_stacked_bars(data)
