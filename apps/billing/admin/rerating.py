"""What the list of periods offers for those that usage came late for."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.billing.models import BillingPeriod
from apps.billing.rerating_selectors import periods_due_for_rerating
from apps.billing.services.rerating import Rerated, preview_rerating, rerate_period
from apps.core.admin import staff_actor
from apps.core.exceptions import DomainError
from apps.core.formatting import format_money
from apps.core.money import Money


class LateUsageFilter(admin.SimpleListFilter):
    """Keeps closed periods that are to be rated again."""

    title = gettext_lazy("late usage")
    parameter_name = "late_usage"

    def lookups(
        self, _request: HttpRequest, _model_admin: admin.ModelAdmin[BillingPeriod]
    ) -> Sequence[tuple[str, str]]:
        """Return the one choice."""
        return [("open", _("to be rated again"))]

    def queryset(
        self, _request: HttpRequest, queryset: QuerySet[BillingPeriod]
    ) -> QuerySet[BillingPeriod]:
        """Narrow the list."""
        if self.value() != "open":
            return queryset
        return queryset.filter(pk__in=periods_due_for_rerating().order_by().values("pk"))


class ReratingActions:
    """Actions of the list of periods."""

    @admin.action(
        description=gettext_lazy("Show what rating again would book"), permissions=["change"]
    )
    def show_rerating(self, request: HttpRequest, queryset: QuerySet[BillingPeriod]) -> None:
        """Tell it for each of the chosen periods; nothing is changed."""
        for period in queryset:
            try:
                found = preview_rerating(period=period, actor=staff_actor(request))
            except DomainError as error:
                messages.error(request, f"{period}: {error.detail}")
            else:
                messages.info(request, f"{period}: {_told(found)}")

    @admin.action(description=gettext_lazy("Rate again now"), permissions=["change"])
    def rate_again(self, request: HttpRequest, queryset: QuerySet[BillingPeriod]) -> None:
        """Settle what came late for each of the chosen periods."""
        for period in queryset:
            try:
                found = rerate_period(period=period, actor=staff_actor(request))
            except DomainError as error:
                messages.error(request, f"{period}: {error.detail}")
            else:
                messages.success(request, f"{period}: {_told(found)}")


def _told(found: Sequence[Rerated]) -> str:
    if not found:
        return _("Nothing came late.")
    lines = [line for item in found for line in item.lines]
    if not lines:
        return _("Nothing changes in what is charged.")
    return "; ".join(
        f"{line.description}: {format_money(Money(line.amount_minor, line.currency))}"
        for line in lines
    )
