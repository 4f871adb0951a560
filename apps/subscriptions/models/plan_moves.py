"""A provider moves the subscribers of a plan to a newer version of its price."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.enums import MoveStepStatus, PlanMoveStatus
from apps.subscriptions.models.subscriptions import Subscription


class PlanMove(Entity):
    """Subscribers of a plan's earlier versions come to a newer one, each when its period ends on or after a day.

    Each subscriber's own step is a `MoveStep`.
    """

    id_prefix = "vmv"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="moves")
    number = models.PositiveIntegerField(_("to version"))
    # A day in each subscriber's own time zone.
    moves_on = models.DateField(_("not before"))
    status = models.CharField(
        _("status"), max_length=10, choices=PlanMoveStatus, default=PlanMoveStatus.RUNNING
    )
    actor_user_id = models.UUIDField(null=True)
    settled_at = models.DateTimeField(_("settled"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Newest first; one runs per plan."""

        verbose_name = _("move of subscribers")
        verbose_name_plural = _("moves of subscribers")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("plan",), condition=Q(status="running"), name="subscriptions_one_plan_move"
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan} → v{self.number}"


class MoveStep(Entity):
    """One subscriber's step of a move: to which version, when, and what became of it. At most one waits."""

    id_prefix = "mvs"

    move = models.ForeignKey(PlanMove, on_delete=models.CASCADE, related_name="steps")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="move_steps"
    )
    price_version = models.ForeignKey(PriceVersion, on_delete=models.PROTECT, related_name="+")
    # The end of the period, in business time; looked at anew when it comes, since an account may move its time zone.
    due_at = models.DateTimeField(_("takes effect"))
    status = models.CharField(
        _("status"), max_length=8, choices=MoveStepStatus, default=MoveStepStatus.WAITING
    )
    settled_at = models.DateTimeField(_("settled"), null=True)

    class Meta:
        """Oldest first; one waits per subscription."""

        verbose_name = _("step of a move")
        verbose_name_plural = _("steps of moves")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription",),
                condition=Q(status="waiting"),
                name="subscriptions_one_move_step",
            ),
        )
        indexes = (models.Index(fields=("status", "due_at"), name="subscriptions_step_due"),)

    def __str__(self) -> str:
        return f"{self.subscription_id} → {self.price_version_id}"
