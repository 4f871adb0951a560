"""The operator's view of providers' domains."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from apps.apis import services
from apps.apis.models import ApiDomain
from apps.core.admin import ReadOnlyAdmin, staff_actor
from apps.core.exceptions import DomainError


@admin.register(ApiDomain)
class ApiDomainAdmin(ReadOnlyAdmin):
    """Domains of providers; an operator who knows whose one is may confirm it."""

    view_roles = ("operator",)
    list_display = ("hostname", "api", "status", "verified_at", "checked_at", "last_error")
    list_filter = ("status",)
    list_select_related = ("api",)
    search_fields = ("hostname", "api__name", "api__slug")
    actions = ("confirm",)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may confirm domains."""
        return staff_actor(request).has_staff_role("operator")

    @admin.action(description=gettext_lazy("Take as verified"), permissions=["operate"])
    def confirm(self, request: HttpRequest, rows: QuerySet[ApiDomain]) -> None:
        """Verify the chosen ones without a record."""
        actor = staff_actor(request)
        for domain in rows:
            try:
                services.confirm_domain(domain=domain, actor=actor)
            except DomainError as error:
                messages.error(request, f"{domain}: {error.detail}")
