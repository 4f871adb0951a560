"""The back office's look at webhooks: read, and send again."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.admin import ReadOnlyAdmin, staff_actor
from apps.core.exceptions import DomainError
from apps.notifications.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from apps.notifications.services.replays import replay_delivery


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Where organizations get messages; secrets are not shown."""

    view_roles = ("operator",)
    exclude = ("secret", "previous_secret")
    list_display = ("url", "organization", "status", "disabled_because", "failing_since")
    list_filter = ("status", "disabled_because")
    list_select_related = ("organization",)
    search_fields = ("url__startswith", "organization__name")


class WebhookAttemptInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """Every call of a delivery."""

    model = WebhookAttempt
    extra = 0
    can_delete = False
    fields = ("number", "started_at", "duration_ms", "response_status", "error", "response_excerpt")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Attempts are made, not entered."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """As for the delivery."""
        return staff_actor(request).has_staff_role("operator")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was sent where, and how it went."""

    view_roles = ("operator",)
    change_roles = ("operator",)
    list_display = (
        "created_at", "event", "endpoint", "organization", "status", "attempts_made",
        "response_status", "next_attempt_at",
    )  # fmt: skip
    list_filter = ("status",)
    list_select_related = ("event", "endpoint", "organization")
    search_fields = ("endpoint__url__startswith", "event__type__startswith")
    inlines = (WebhookAttemptInline,)
    actions = ("replay_selected",)

    @admin.action(description=_("Send the selected messages again"), permissions=("change",))
    def replay_selected(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        """Queue the messages again."""
        done = 0
        for row in rows.select_related("endpoint"):
            try:
                replay_delivery(delivery=row, actor=staff_actor(request))
                done += 1
            except DomainError as error:
                self.message_user(request, f"{row}: {error.detail}", messages.ERROR)
        if done:
            text = ngettext("%d message is sent again.", "%d messages are sent again.", done) % done
            self.message_user(request, text)
