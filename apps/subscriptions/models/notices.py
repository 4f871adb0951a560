"""Notices that are given once."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity
from apps.subscriptions.enums import NoticeKind
from apps.subscriptions.models.subscriptions import Subscription


class SubscriptionNotice(Entity):
    """A notice of what will happen to a subscription: given once for each moment and each number of days before it."""

    id_prefix = "snt"

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(_("kind"), max_length=10, choices=NoticeKind)
    due_at = models.DateTimeField(_("of what happens at"))
    days_before = models.PositiveSmallIntegerField(_("days before"))

    class Meta:
        """No notice twice."""

        verbose_name = _("subscription notice")
        verbose_name_plural = _("subscription notices")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "kind", "due_at", "days_before"),
                name="subscriptions_notice_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.days_before}"
