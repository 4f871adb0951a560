"""What changes a subscription's quota beside its plan: extra calls, and the consumer's own spend cap."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity
from apps.core.money import Money
from apps.subscriptions.constants import REASON_LENGTH


class QuotaTopUp(Entity):
    """Calls that an operator granted on top of the plan's quota, for one period only."""

    id_prefix = "qtu"

    subscription = models.ForeignKey(
        "subscriptions.Subscription", on_delete=models.CASCADE, related_name="quota_top_ups"
    )
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until (exclusive)"))
    calls = models.PositiveBigIntegerField(_("calls"), validators=[MinValueValidator(1)])
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    granted_by = models.CharField(_("granted by"), max_length=200)

    class Meta:
        """Newest first; several in one period add up."""

        verbose_name = _("quota top-up")
        verbose_name_plural = _("quota top-ups")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=Q(calls__gt=0), name="subscriptions_top_up_calls"),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")), name="subscriptions_top_up_range"
            ),
        )
        indexes = (
            models.Index(fields=("subscription", "period_start"), name="subscriptions_top_up_of"),
        )

    def __str__(self) -> str:
        return f"+{self.calls}"


class SpendCap(Entity):
    """What a consumer wants to spend on a subscription in each period at most, before tax.

    A change ends the row and begins another, so that a closed period can be explained. Times are the account's
    business time. `used_when_set` calls had been let through when it was set: they are charged whatever it says.
    """

    id_prefix = "cap"

    subscription = models.ForeignKey(
        "subscriptions.Subscription", on_delete=models.CASCADE, related_name="spend_caps"
    )
    amount_minor = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    set_at = models.DateTimeField(_("set"))
    used_when_set = models.PositiveBigIntegerField(_("calls when it was set"), default=0)
    removed_at = models.DateTimeField(_("removed"), null=True)

    class Meta:
        """One counts at a time."""

        verbose_name = _("spend cap")
        verbose_name_plural = _("spend caps")
        ordering = ("set_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("subscription",),
                condition=Q(removed_at__isnull=True),
                name="subscriptions_one_spend_cap",
            ),
        )

    def __str__(self) -> str:
        return str(self.amount)

    @property
    def amount(self) -> Money:
        """The cap as money."""
        return Money(self.amount_minor, self.currency)
