"""Invoices, payments, periods, earnings and cards in the back office."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.billing.admin.rerating import LateUsageFilter, ReratingActions
from apps.billing.enums import PaymentStatus
from apps.billing.models import (
    BillingAccount,
    BillingPeriod,
    CarriedCredit,
    Earning,
    Invoice,
    InvoiceLine,
    Payment,
    PaymentMethod,
    RatedCharge,
    RatingRun,
)
from apps.billing.services.payments import pay_invoice, submit_payment, sync_stripe_payment
from apps.core import jobs
from apps.core.admin import ReadOnlyAdmin, staff_actor
from apps.core.exceptions import DomainError
from apps.core.formatting import format_money
from apps.core.money import Money

MONEY_ROLES = ("finance", "operator")


class MoneyAdmin(ReadOnlyAdmin):
    """Read by finance and operators; finance runs the actions."""

    view_roles = MONEY_ROLES
    change_roles: ClassVar[tuple[str, ...]] = ("finance",)
    list_per_page = 50


class LineInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """An invoice's lines."""

    model = InvoiceLine
    fk_name = "invoice"
    fields = ("position", "kind", "description", "quantity", "amount_minor", "tax_minor")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, _obj: Invoice | None = None) -> bool:
        """Whoever sees the invoice sees its lines."""
        return staff_actor(request).has_staff_role(*MONEY_ROLES)

    def has_add_permission(self, _request: HttpRequest, _obj: Invoice | None = None) -> bool:
        """Lines come from rating."""
        return False


@admin.register(Invoice)
class InvoiceAdmin(MoneyAdmin):
    """Invoices; the total that is still to pay decides what to do."""

    list_display = ("__str__", "organization", "status", "total_text", "issued_at", "due_at")
    list_filter = ("status", "is_sandbox", "currency", "billing_day")
    list_select_related = ("organization",)
    search_fields = ("number", "organization__name")
    date_hierarchy = "billing_day"
    inlines = (LineInline,)
    actions = ("collect",)

    @admin.display(description=gettext_lazy("total"), ordering="total_minor")
    def total_text(self, invoice: Invoice) -> str:
        """Return the total in the reader's way."""
        return format_money(invoice.total)

    @admin.action(description=gettext_lazy("Charge to the default card"), permissions=["change"])
    def collect(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> None:
        """Try to collect each of the chosen invoices once."""
        for invoice in queryset.select_related("organization"):
            try:
                payment = pay_invoice(invoice=invoice, actor=staff_actor(request))
            except DomainError as error:
                self.message_user(request, f"{invoice}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{invoice}: {payment.get_status_display()}")


@admin.register(Payment)
class PaymentAdmin(MoneyAdmin):
    """Attempts to pay."""

    list_display = (
        "created_at",
        "organization",
        "invoice",
        "status",
        "amount_text",
        "provider_reference",
        "failure_code",
    )
    list_filter = ("status", "provider", "currency")
    list_select_related = ("organization", "invoice")
    search_fields = ("provider_reference", "invoice__number", "organization__name")
    actions = ("ask_provider", "retry")

    @admin.display(description=gettext_lazy("amount"), ordering="amount_minor")
    def amount_text(self, payment: Payment) -> str:
        """Return the amount in the reader's way."""
        return format_money(payment.amount)

    @admin.action(
        description=gettext_lazy("Ask the provider for the state"), permissions=["change"]
    )
    def ask_provider(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        """Take over the provider's state of each; one that was never submitted is submitted."""
        for payment in queryset.select_related("invoice__organization", "method"):
            try:
                known = _ask(payment, request)
            except DomainError as error:
                self.message_user(request, f"{payment.public_id}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{payment.public_id}: {known.get_status_display()}")

    @admin.action(description=gettext_lazy("Try failed payments again"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        """Make a new payment for the invoice of each failed one."""
        failed = queryset.filter(status=PaymentStatus.FAILED).select_related(
            "invoice__organization"
        )
        for invoice in {payment.invoice for payment in failed}:
            try:
                payment = pay_invoice(invoice=invoice, actor=staff_actor(request))
            except DomainError as error:
                self.message_user(request, f"{invoice}: {error.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{invoice}: {payment.get_status_display()}")


def _ask(payment: Payment, request: HttpRequest) -> Payment:
    actor = staff_actor(request)
    if not payment.provider_reference:
        return submit_payment(payment=payment, actor=actor)
    return sync_stripe_payment(reference=payment.provider_reference, actor=actor) or payment


@admin.register(BillingPeriod)
class BillingPeriodAdmin(ReratingActions, MoneyAdmin):
    """Periods of all subscriptions."""

    list_display = (
        "__str__",
        "consumer_organization",
        "subscription",
        "number",
        "status",
        "closing_since",
        "closed_at",
    )
    list_filter = ("status", LateUsageFilter)
    list_select_related = (
        "consumer_organization",
        "subscription__api",
        "subscription__plan",
    )
    search_fields = ("consumer_organization__name", "subscription__api__name")
    date_hierarchy = "period_end"
    change_roles = MONEY_ROLES
    actions = ("close_due", "show_rerating", "rate_again")

    @admin.action(
        description=gettext_lazy("Close every period that is due"), permissions=["change"]
    )
    def close_due(self, request: HttpRequest, _queryset: QuerySet[BillingPeriod]) -> None:
        """Start the job that closes, rates and invoices."""
        run = jobs.enqueue("billing.close_due_periods", actor=staff_actor(request))
        self.message_user(request, _("Job %(id)s was started.") % {"id": run.public_id})


@admin.register(RatingRun)
class RatingRunAdmin(MoneyAdmin):
    """Which windows went into a rating."""

    list_display = ("__str__", "kind", "rated_at", "is_final")
    list_filter = ("kind",)
    list_select_related = ("period",)


@admin.register(CarriedCredit)
class CarriedCreditAdmin(MoneyAdmin):
    """Credit that one invoice carries to the next; it waits while no line uses it."""

    list_display = ("organization", "from_line", "used_line", "amount_minor", "currency")
    list_select_related = ("organization", "from_line", "used_line")
    search_fields = ("organization__name",)


@admin.register(RatedCharge)
class RatedChargeAdmin(MoneyAdmin):
    """Charges with their calculation."""

    list_display = ("name", "consumer_organization", "meter", "quantity", "amount", "currency")
    list_select_related = ("consumer_organization",)
    search_fields = ("name", "consumer_organization__name")


@admin.register(Earning)
class EarningAdmin(MoneyAdmin):
    """What providers earned."""

    list_display = (
        "line",
        "provider_organization",
        "status",
        "net_text",
        "credit_note",
        "available_at",
    )
    list_filter = ("status", "is_sandbox", "currency")
    list_select_related = ("line", "provider_organization", "credit_line__credit_note")
    search_fields = ("provider_organization__name",)

    @admin.display(description=gettext_lazy("net"), ordering="net_minor")
    def net_text(self, earning: Earning) -> str:
        """Return the provider's share in the reader's way."""
        return format_money(Money(earning.net_minor, earning.currency))

    @admin.display(description=gettext_lazy("credit note"))
    def credit_note(self, earning: Earning) -> str:
        """Name the credit note that took this back; empty for what was earned."""
        return str(earning.credit_line.credit_note) if earning.credit_line else ""


@admin.register(PaymentMethod)
class PaymentMethodAdmin(MoneyAdmin):
    """Saved cards, as far as they may be shown."""

    list_display = ("__str__", "organization", "provider", "is_default", "detached_at")
    list_filter = ("provider", "is_default")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "provider_reference")


@admin.register(BillingAccount)
class BillingAccountAdmin(MoneyAdmin):
    """Who pays, and under which name."""

    list_display = ("organization", "legal_name", "currency", "stripe_customer_id")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "legal_name", "stripe_customer_id")
