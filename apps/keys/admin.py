"""The operator's view of keys: never the key itself, never its digest."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.admin import ReadOnlyAdmin, ReasonForm, staff_actor
from apps.core.exceptions import DomainError
from apps.keys import services
from apps.keys.models import ApiKey, KeyAlert, KeyLeak


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Every key; operators revoke with a reason."""

    change_roles = ("operator",)
    exclude = ("digest",)
    list_display = ("name", "masked", "organization", "status", "last_used_at", "created_at")
    list_filter = ("status", "environment", "pepper_number")
    list_select_related = ("organization",)
    search_fields = ("name", "prefix", "last_four", "organization__name")
    action_form = ReasonForm
    actions = ("revoke_selected",)

    @admin.action(description=_("Revoke the selected keys for good"), permissions=("change",))
    def revoke_selected(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """End the keys; calls with them get 401 within a second."""
        done = 0
        for key in keys:
            try:
                services.revoke_key(
                    key=key, actor=staff_actor(request), reason=request.POST.get("reason", "")
                )
                done += 1
            except DomainError as refusal:
                self.message_user(request, f"{key}: {refusal.detail}", messages.ERROR)
        if done:
            text = ngettext("%d key revoked.", "%d keys revoked.", done) % done
            self.message_user(request, text)


@admin.register(KeyAlert)
class KeyAlertAdmin(ReadOnlyAdmin):
    """Organizations that make or rotate unusually many keys."""

    view_roles = ("operator",)
    change_roles = ("operator",)
    list_display = ("created_at", "organization", "kind", "count", "threshold", "resolved_at")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "kind")
    list_select_related = ("organization",)
    search_fields = ("organization__name",)
    action_form = ReasonForm
    actions = ("resolve_selected",)

    @admin.action(description=_("Mark as looked at"), permissions=("change",))
    def resolve_selected(self, request: HttpRequest, alerts: QuerySet[KeyAlert]) -> None:
        """Take the alerts off the start page; the reason is kept in the trail."""
        reason = request.POST.get("reason", "")
        for alert in alerts:
            services.resolve_alert(alert=alert, actor=staff_actor(request), reason=reason)
        text = ngettext("%d alert looked at.", "%d alerts looked at.", len(alerts)) % len(alerts)
        self.message_user(request, text)


@admin.register(KeyLeak)
class KeyLeakAdmin(ReadOnlyAdmin):
    """Keys that were found in public."""

    view_roles = ("operator",)
    exclude = ("url_digest",)
    list_display = ("created_at", "organization", "key", "source", "outcome")
    list_filter = ("outcome", "source")
    list_select_related = ("organization", "key")
    search_fields = ("organization__name", "key__last_four")
