"""Changes that wait for their day, and what was asked and said when a subscription was cancelled."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.enums import (
    CancellationOutcome,
    CancellationTime,
    PlannedChangeStatus,
)
from apps.subscriptions.models.subscriptions import Subscription


class PlannedChange(Entity):
    """A change of plan or quantity that takes effect when a period ends. At most one waits."""

    id_prefix = "pch"

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="planned_changes"
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    price_version = models.ForeignKey(PriceVersion, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    due_at = models.DateTimeField(_("takes effect"))
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=PlannedChangeStatus,
        default=PlannedChangeStatus.WAITING,
    )
    status_reason = models.TextField(_("reason"), blank=True)
    actor_user_id = models.UUIDField(null=True)
    settled_at = models.DateTimeField(_("settled"), null=True)

    class Meta:
        """Newest first."""

        verbose_name = _("planned change")
        verbose_name_plural = _("planned changes")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription",),
                condition=Q(status="waiting"),
                name="subscriptions_one_planned_change",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1), name="subscriptions_planned_quantity"
            ),
        )
        indexes = (models.Index(fields=("status", "due_at"), name="subscriptions_planned_due"),)

    def __str__(self) -> str:
        return f"{self.subscription} → {self.plan}"


class CancellationRequest(Entity):
    """That somebody cancelled: when it ends, why, what they were told they get back, and what came of it."""

    id_prefix = "cnr"

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="cancellations"
    )
    at = models.CharField(_("when"), max_length=10, choices=CancellationTime)
    reason = models.TextField(_("reason"), blank=True)
    feedback = models.TextField(_("feedback"), blank=True)
    quote = models.JSONField(_("quote"), default=dict, blank=True)
    refund_minor = models.BigIntegerField(_("given back"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    outcome = models.CharField(_("outcome"), max_length=10, choices=CancellationOutcome)
    actor_user_id = models.UUIDField(null=True)
    settled_at = models.DateTimeField(_("settled"), null=True)

    class Meta:
        """Newest first."""

        verbose_name = _("cancellation")
        verbose_name_plural = _("cancellations")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(refund_minor__gte=0), name="subscriptions_cancellation_refund"
            ),
        )

    def __str__(self) -> str:
        return f"{self.subscription} ({self.outcome})"
