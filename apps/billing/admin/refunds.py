"""Refunds and credit notes in the back office; finance sends again what failed."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from apps.billing.admin.ledger import MONEY_ROLES, MoneyAdmin
from apps.billing.models import CreditNote, CreditNoteLine, Refund
from apps.billing.presentation import refund_failure
from apps.billing.services.refund_sending import send_refund, sync_refund
from apps.billing.services.refunds import retry_refund
from apps.core.admin import staff_actor
from apps.core.exceptions import DomainError
from apps.core.formatting import format_money


@admin.register(Refund)
class RefundAdmin(MoneyAdmin):
    """What payers asked back, and what became of it."""

    list_display = (
        "created_at",
        "status",
        "amount_text",
        "organization",
        "invoice",
        "failure_text",
        "attempt",
    )
    list_filter = ("status", "currency", "invoice__is_sandbox")
    list_select_related = ("organization", "invoice")
    search_fields = ("provider_reference", "invoice__number", "organization__name")
    date_hierarchy = "created_at"
    actions = ("retry", "ask_provider")

    @admin.display(description=gettext_lazy("amount"), ordering="amount_minor")
    def amount_text(self, refund: Refund) -> str:
        """Return the amount in the reader's way."""
        return format_money(refund.amount)

    @admin.display(description=gettext_lazy("failure"), ordering="failure_code")
    def failure_text(self, refund: Refund) -> str:
        """Say why it failed."""
        return refund_failure(refund)

    @admin.action(description=gettext_lazy("Try failed refunds again"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        """Send each failed one of the chosen again, under a new key."""
        for refund in queryset:
            try:
                known = retry_refund(refund=refund, actor=staff_actor(request))
            except DomainError as error:
                self.message_user(request, f"{refund.public_id}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{refund.public_id}: {known.get_status_display()}")

    @admin.action(
        description=gettext_lazy("Ask the provider for the state"), permissions=["change"]
    )
    def ask_provider(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        """Take over the provider's state of each; one that was never sent is sent."""
        actor = staff_actor(request)
        for refund in queryset.select_related("payment"):
            try:
                if refund.provider_reference:
                    sync_refund(reference=refund.provider_reference, actor=actor)
                else:
                    send_refund(refund=refund, actor=actor)
            except DomainError as error:
                self.message_user(request, f"{refund.public_id}: {error.detail}", messages.ERROR)
            else:
                refund.refresh_from_db()
                self.message_user(request, f"{refund.public_id}: {refund.get_status_display()}")


class CreditLineInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """A credit note's lines."""

    model = CreditNoteLine
    fields = ("position", "line", "amount_minor", "tax_minor")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, _obj: CreditNote | None = None) -> bool:
        """Whoever sees the credit note sees its lines."""
        return staff_actor(request).has_staff_role(*MONEY_ROLES)

    def has_add_permission(self, _request: HttpRequest, _obj: CreditNote | None = None) -> bool:
        """Lines come from refunds."""
        return False


@admin.register(CreditNote)
class CreditNoteAdmin(MoneyAdmin):
    """Documents of refunds; nobody changes them."""

    list_display = ("number", "organization", "invoice", "total_text", "issued_at")
    list_filter = ("is_sandbox", "currency")
    list_select_related = ("organization", "invoice")
    search_fields = ("number", "invoice__number", "organization__name")
    date_hierarchy = "issued_at"
    inlines = (CreditLineInline,)

    @admin.display(description=gettext_lazy("total"), ordering="total_minor")
    def total_text(self, note: CreditNote) -> str:
        """Return the total in the reader's way."""
        return format_money(note.total)
