"""The nodes that ship calls: how far each has come, and taking one out of service."""

from __future__ import annotations

from typing import Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from apps.core.backoffice import staff_actor
from apps.core.exceptions import Forbidden
from apps.core.forms import refusals_on
from apps.usage import selectors
from apps.usage.admin.base import UsageAdmin
from apps.usage.forms import RetireNodeForm
from apps.usage.models import LogReplay, NodeRetirement, ShipperState

PAGE: Final = "admin:usage_shippers"
RETIREMENTS_SHOWN: Final = 20


@admin.register(ShipperState)
class ShipperStateAdmin(UsageAdmin):
    """How far each gateway node has shipped its calls; closing waits for the slowest."""

    list_display = ("node", "oldest_unshipped_at", "reported_at", "retired_at")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of all nodes, and that which retires one."""
        wrap = self.admin_site.admin_view
        own = [
            path("now/", wrap(self.page), name="usage_shippers"),
            path("retire/<str:node>/", wrap(self.retire), name="usage_shipper_retire"),
        ]
        return [*own, *super().get_urls()]

    def page(self, request: HttpRequest) -> HttpResponse:
        """Show every node, and what was retired before."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Shippers"),
            "opts": self.model._meta,
            "shippers": selectors.shipper_standings(),
            "retirements": list(NodeRetirement.objects.all()[:RETIREMENTS_SHOWN]),
            "may_retire": self.has_change_permission(request),
        }
        return TemplateResponse(request, "usage/backoffice_shippers.html", context)

    def retire(self, request: HttpRequest, node: str) -> HttpResponse:
        """Ask for the reason, then take the node out of service."""
        if not self.has_change_permission(request):
            raise Forbidden(required="staff:operator")
        state = selectors.get_shipper(node)
        form = RetireNodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_on(form):
                form.save(node=state, actor=staff_actor(request))
                messages.success(request, _("%(node)s is retired.") % {"node": node})
                return HttpResponseRedirect(reverse(PAGE))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Retire %(node)s") % {"node": node},
            "opts": self.model._meta,
            "state": state,
            "form": form,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(
            request, "usage/backoffice_retire_node.html", context, status=status
        )


@admin.register(LogReplay)
class LogReplayAdmin(UsageAdmin):
    """What nodes were asked to compare with their journals, and what was missing."""

    list_display = (
        "created_at",
        "node",
        "since",
        "until",
        "status",
        "call_count",
        "sent_count",
        "finished_at",
    )
    list_filter = ("status", "node")
