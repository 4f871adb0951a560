"""The operator's view of the catalogue: shelves, APIs and what became of them."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext

from apps.apis import selectors, services
from apps.apis.admin import domains  # noqa: F401 -- registers its page
from apps.apis.differences import describe_changes, describe_update, document_changes_of
from apps.apis.models import (
    Api,
    ApiAccess,
    ApiStatusChange,
    ApiUpdate,
    ApiVersion,
    Category,
    HealthCheck,
    OpenapiImport,
)
from apps.apis.review_tools import ReviewTools
from apps.core.admin import BackOfficeAdmin, ReadOnlyAdmin, staff_actor
from apps.core.exceptions import DomainError
from apps.core.templatetags.ui import badge


@admin.register(Category)
class CategoryAdmin(BackOfficeAdmin):
    """Names, order, and how APIs of a category go live."""

    change_roles = ("operator",)
    list_display = ("name", "slug", "go_live_mode", "api_count", "position")
    list_filter = ("go_live_mode",)
    fieldsets = (
        (None, {"fields": ("name", "slug", "description", "position")}),
        (
            gettext_lazy("Going live"),
            {
                "fields": ("go_live_mode",),
                "description": gettext_lazy(
                    "Review first: an approver looks at every submission and at telling changes of live APIs. "
                    "Instant: APIs of verified providers go live at once, without a review; those of all others "
                    "are still reviewed. Requests that wait already are not affected."
                ),
            },
        ),
    )
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Category]:
        """Count the listed APIs with the rows."""
        return selectors.list_categories_with_counts()

    @admin.display(description=gettext_lazy("listed APIs"))
    def api_count(self, row: Any) -> int:
        """Show how many APIs the catalogue lists."""
        return int(row.api_count)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators add categories."""
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save through the service, so that the change is audited."""
        before = {name: form.initial.get(name) for name in form.changed_data}
        services.save_category(category=obj, actor=staff_actor(request), before=before)


class StatusChangeInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """How an API came where it stands."""

    model = ApiStatusChange
    fields = ("created_at", "from_status", "to_status", "actor_label", "reason")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may open the API's page sees its history."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Moves come from services."""
        return False


@admin.register(Api)
class ApiAdmin(ReviewTools, ReadOnlyAdmin):
    """All APIs of all providers."""

    view_roles = ("approver", "operator")
    list_display = (
        "name",
        "slug",
        "organization",
        "category",
        "state",
        "visibility",
        "activated_at",
    )
    list_filter = ("status", "visibility", "category")
    list_select_related = ("organization", "category")
    search_fields = ("name", "slug", "organization__name")
    exclude = ("search",)
    inlines = (StatusChangeInline,)
    actions = ("suspend", "resume", "deprecate", "retire", "feature", "unfeature")

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: Api) -> SafeString:
        """Show the status as a badge."""
        return badge(row.status)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may stop and resume calls."""
        return staff_actor(request).has_staff_role("operator")

    @admin.action(description=gettext_lazy("Suspend: refuse all calls"), permissions=["operate"])
    def suspend(self, request: HttpRequest, rows: QuerySet[Api]) -> None:
        """Suspend the chosen APIs; only an operator can resume them."""
        reason = gettext("Suspended by the operator; write to support.")
        actor = staff_actor(request)
        self._each(
            request, rows, lambda api: services.suspend_api(api=api, actor=actor, reason=reason)
        )

    @admin.action(description=gettext_lazy("Resume: let calls pass"), permissions=["operate"])
    def resume(self, request: HttpRequest, rows: QuerySet[Api]) -> None:
        """Resume the chosen APIs."""
        actor = staff_actor(request)
        self._each(request, rows, lambda api: services.resume_api(api=api, actor=actor))

    @admin.action(
        description=gettext_lazy("Deprecate: no new subscribers"), permissions=["operate"]
    )
    def deprecate(self, request: HttpRequest, rows: QuerySet[Api]) -> None:
        """Close the chosen APIs to new subscribers; they can be retired after that."""
        actor = staff_actor(request)
        reason = gettext("Deprecated by the operator.")
        self._each(
            request, rows, lambda api: services.deprecate_api(api=api, actor=actor, reason=reason)
        )

    @admin.action(
        description=gettext_lazy("Retire deprecated APIs: their subscriptions end"),
        permissions=["operate"],
    )
    def retire(self, request: HttpRequest, rows: QuerySet[Api]) -> None:
        """End the chosen APIs; only deprecated ones can be, so this takes two steps."""
        actor = staff_actor(request)
        reason = gettext("Retired by the operator.")
        self._each(
            request, rows, lambda api: services.retire_api(api=api, actor=actor, reason=reason)
        )

    @admin.action(description=gettext_lazy("Feature on the home page"), permissions=["operate"])
    def feature(self, request: HttpRequest, rows: QuerySet[Api]) -> None:
        """Put the chosen APIs behind those that are featured already."""
        actor, places = staff_actor(request), itertools.count(selectors.next_featured_position())
        self._each(
            request,
            rows,
            lambda api: services.feature_api(api=api, position=next(places), actor=actor),
        )

    @admin.action(description=gettext_lazy("Feature no longer"), permissions=["operate"])
    def unfeature(self, request: HttpRequest, rows: QuerySet[Api]) -> None:
        """Take the chosen APIs off the home page."""
        actor = staff_actor(request)
        self._each(
            request, rows, lambda api: services.feature_api(api=api, position=None, actor=actor)
        )

    def _each(self, request: HttpRequest, rows: QuerySet[Api], move: Any) -> None:
        done = 0
        for api in rows:
            try:
                move(api)
                done += 1
            except DomainError as error:
                messages.error(request, f"{api}: {error.detail}")
        if done:
            said = ngettext("%(count)s API changed.", "%(count)s APIs changed.", done)
            messages.success(request, said % {"count": done})


@admin.register(HealthCheck)
class HealthCheckAdmin(ReadOnlyAdmin):
    """Probes of upstreams, newest first."""

    view_roles = ("approver", "operator")
    list_display = ("api", "checked_at", "is_healthy", "status_code", "latency_ms", "error")
    list_filter = ("is_healthy",)
    list_select_related = ("api",)
    search_fields = ("api__name", "api__slug")


@admin.register(ApiVersion)
class ApiVersionAdmin(ReadOnlyAdmin):
    """Versions of all APIs, newest first."""

    view_roles = ("approver", "operator")
    list_display = ("api", "name", "state", "is_current", "published_at", "sunset_at")
    list_filter = ("status", "is_current")
    list_select_related = ("api",)
    search_fields = ("api__name", "api__slug", "name")
    exclude = ("openapi",)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: ApiVersion) -> SafeString:
        """Show the status as a badge."""
        return badge(row.status)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiVersion]:
        """Leave the documents where they are: they are large."""
        return super().get_queryset(request).defer("openapi")


@admin.register(ApiUpdate)
class ApiUpdateAdmin(ReadOnlyAdmin):
    """Changes of live APIs that approvers were asked about, newest first."""

    view_roles = ("approver", "operator")
    list_display = ("api", "state", "actor_label", "created_at", "decided_at")
    list_filter = ("status",)
    list_select_related = ("api",)
    search_fields = ("api__name", "api__slug")
    exclude = ("sealed", "changes")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show what changes in words, not as it is stored."""
        return [*super().get_readonly_fields(request, obj), "difference"]

    @admin.display(description=gettext_lazy("what would change"))
    def difference(self, row: ApiUpdate) -> SafeString:
        """Show the fields before and after, and what changes in the document."""
        context = {
            "rows": describe_update(row),
            "document_changes": describe_changes(document_changes_of(row)),
        }
        return render_to_string("apis/_update_difference.html", context)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: ApiUpdate) -> SafeString:
        """Show the status as a badge."""
        return badge(row.status)


@admin.register(OpenapiImport)
class OpenapiImportAdmin(ReadOnlyAdmin):
    """OpenAPI documents that were read, with what they change; newest first."""

    view_roles = ("approver", "operator")
    list_display = ("api", "version_name", "state", "is_breaking", "actor_label", "created_at")
    list_filter = ("status", "is_breaking")
    list_select_related = ("api",)
    search_fields = ("api__name", "api__slug", "version_name")
    exclude = ("document", "changes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OpenapiImport]:
        """Leave the documents where they are: they are large."""
        return super().get_queryset(request).defer("document")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show what changes in words, not as it is stored."""
        return [*super().get_readonly_fields(request, obj), "difference"]

    @admin.display(description=gettext_lazy("what would change"))
    def difference(self, row: OpenapiImport) -> SafeString:
        """Show what the document adds, changes and removes."""
        context = {"document_changes": describe_changes(row.changes)}
        return render_to_string("apis/_update_difference.html", context)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def state(self, row: OpenapiImport) -> SafeString:
        """Show the status as a badge."""
        return badge(row.status)


@admin.register(ApiAccess)
class ApiAccessAdmin(ReadOnlyAdmin):
    """Organizations that private APIs are open to, newest first."""

    view_roles = ("operator",)
    list_display = ("api", "organization", "granted_at", "granted_by_label", "removed_at")
    list_select_related = ("api", "organization")
    search_fields = ("api__name", "api__slug", "organization__name")
