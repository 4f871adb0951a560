"""The operator's view of the gateway: who serves which version, what waits for its proof, what drifted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.core import clock, jobs
from apps.core.admin import ReadOnlyAdmin, staff_actor
from apps.core.enums import JobTrigger
from apps.core.exceptions import Forbidden
from apps.gateway.models import AuthorizerNode, ReconciliationReport, RegistryEntry
from apps.gateway.selectors import gateway_standing

OPERATOR = "operator"


class StandingAdmin(ReadOnlyAdmin):
    """A list that opens with the state of the whole sync."""

    view_roles = (OPERATOR,)
    change_list_template = "gateway/backoffice_list.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list below the standing."""
        context = {"standing": gateway_standing(), **(extra_context or {})}
        return super().changelist_view(request, context)


@admin.register(AuthorizerNode)
class AuthorizerNodeAdmin(StandingAdmin):
    """The authorizers as they last reported."""

    list_display = ("name", "version", "lag", "is_leased", "lease_expires_at", "seen_at")

    @admin.display(description=_("behind by"))
    def lag(self, node: AuthorizerNode) -> int:
        """Return how many versions the node has not applied yet."""
        return max(0, gateway_standing().version - node.version)

    @admin.display(description=_("may serve"), boolean=True)
    def is_leased(self, node: AuthorizerNode) -> bool:
        """Tell whether its lease runs."""
        return node.lease_expires_at > clock.now()


@admin.register(RegistryEntry)
class RegistryEntryAdmin(StandingAdmin):
    """What the registry should hold, and how far it has come."""

    exclude = ("sealed",)
    list_display = ("kind", "key", "state", "wanted_at", "proven_at", "attempts", "last_error")
    list_filter = ("state", "kind")
    search_fields = ("key", "subject_id")


@admin.register(ReconciliationReport)
class ReconciliationReportAdmin(StandingAdmin):
    """What comparisons found; a new one is a button away."""

    change_roles = (OPERATOR,)
    list_display = (
        "started_at",
        "checked_count",
        "missing_count",
        "orphaned_count",
        "different_count",
        "healed_count",
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the button's address."""
        own = path(
            "start/",
            self.admin_site.admin_view(require_POST(self.start)),
            name="gateway_reconcile",
        )
        return [own, *super().get_urls()]

    def start(self, request: HttpRequest) -> HttpResponse:
        """Start a reconciliation in the background."""
        if not self.has_change_permission(request):
            raise Forbidden(required=f"staff:{OPERATOR}")
        run = jobs.enqueue(
            "gateway.reconcile", actor=staff_actor(request), trigger=JobTrigger.REQUEST
        )
        text = gettext("The reconciliation was started as %(id)s.") % {"id": run.public_id}
        self.message_user(request, text)
        return HttpResponseRedirect(reverse("admin:gateway_reconciliationreport_changelist"))
