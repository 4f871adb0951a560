"""The operator's view of the gateway: who serves which version, what waits for its proof, what drifted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.admin import ReadOnlyAdmin
from apps.gateway.admin.pages import OPERATOR, GatewayPages
from apps.gateway.admin.throttles import TenantThrottleAdmin  # noqa: F401 -- registration on import
from apps.gateway.models import AuthorizerNode, ReconciliationReport, RegistryEntry
from apps.gateway.selectors import gateway_standing


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
class ReconciliationReportAdmin(GatewayPages, StandingAdmin):
    """What comparisons found; a new one is a button away."""

    change_roles = (OPERATOR,)
    list_display = (
        "started_at",
        "status",
        "checked_count",
        "missing_count",
        "orphaned_count",
        "different_count",
        "different_nodes_count",
        "proxy_paths_count",
        "healed_count",
    )
    list_filter = ("status",)
