"""The page of events: backlog, lag, failures, rate, and the way to what has to be mended."""

from __future__ import annotations

from typing import Any

from babel.dates import format_skeleton
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from apps.core.admin import staff_actor
from apps.core.exceptions import Forbidden
from apps.core.formatting import reader_locale
from apps.core.letter_box import count_dead_letters
from apps.core.plots import Plot, PlotData, Series, draw_bars
from apps.usage.models import UsageBatch
from apps.usage.selectors.inbox import events_by_minute, inbox_standing


class EventsPage:
    """Adds the page to the batches' admin."""

    admin_site: Any
    model: Any

    def get_urls(self) -> list[URLPattern]:
        """Add its address."""
        own = [path("overview/", self.admin_site.admin_view(self.overview), name="usage_events")]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Say whether events are counted in time, then what stands in the way."""
        if not staff_actor(request).has_staff_role("operator"):
            raise Forbidden(required="staff:operator")
        failed = UsageBatch.objects.defer("body").filter(status="failed")
        waiting = UsageBatch.objects.defer("body").filter(status="pending", attempts__gt=0)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Events"),
            "opts": self.model._meta,
            "inbox": inbox_standing(),
            "letters": count_dead_letters(),
            "troubled": [*failed.order_by("-id")[:10], *waiting.order_by("id")[:10]],
            "plot": _plot_rate(),
        }
        return TemplateResponse(request, "usage/events.html", context)


def _plot_rate() -> Plot:
    minutes = events_by_minute()
    total = sum(count for _minute, count in minutes)
    return draw_bars(
        PlotData(
            title=_("Events taken, by minute"),
            description=_("How many events intake took in each minute of the last hour."),
            labels=[
                format_skeleton("Hm", minute, locale=reader_locale()) for minute, _count in minutes
            ],
            series=[Series(_("Events"), [count if total else None for _minute, count in minutes])],
            unit=_("events"),
        )
    )
