"""The operator's view of subscriptions: who may call what, and stopping it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.admin import ReadOnlyAdmin, ReasonForm, staff_actor
from apps.core.exceptions import DomainError
from apps.subscriptions import services
from apps.subscriptions.models import Subscription, SubscriptionChange


class ChangeInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """What happened to a subscription."""

    model = SubscriptionChange
    fields = ("created_at", "kind", "actor_label", "reason")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Changes come from services."""
        return False


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Every subscription; operators suspend and resume with a reason."""

    change_roles = ("operator",)
    list_display = ("api", "plan", "consumer_organization", "status", "started_at", "ends_at")
    list_filter = ("status",)
    list_select_related = ("api", "plan", "consumer_organization")
    search_fields = ("api__name", "consumer_organization__name", "provider_organization__name")
    inlines = (ChangeInline,)
    action_form = ReasonForm
    actions = ("suspend_selected", "resume_selected")

    @admin.action(description=_("Suspend the selected subscriptions"), permissions=("change",))
    def suspend_selected(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        """Stop their calls until they are resumed."""
        reason = request.POST.get("reason", "")
        self._move(
            request,
            rows,
            lambda row: services.suspend_subscription(
                subscription=row, actor=staff_actor(request), reason=reason
            ),
        )

    @admin.action(description=_("Resume the selected subscriptions"), permissions=("change",))
    def resume_selected(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        """Let their calls pass again."""
        self._move(
            request,
            rows,
            lambda row: services.resume_subscription(subscription=row, actor=staff_actor(request)),
        )

    def _move(
        self,
        request: HttpRequest,
        rows: QuerySet[Subscription],
        move: Callable[[Subscription], Any],
    ) -> None:
        done = 0
        for row in rows:
            try:
                move(row)
                done += 1
            except DomainError as refusal:
                self.message_user(request, f"{row}: {refusal.detail}", messages.ERROR)
        if done:
            text = ngettext("%d subscription changed.", "%d subscriptions changed.", done) % done
            self.message_user(request, text)
