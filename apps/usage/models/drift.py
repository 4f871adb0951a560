"""What comparisons of counters, windows and calls found."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity
from apps.usage.enums import DriftScope, DriftStatus


class DriftReport(Entity):
    """One comparison of the gateway's counters with the windows, and of the windows with the calls.

    `mark_at` is the moment up to which both sides were complete and were compared. `details` holds `findings` (per
    subscription: counter, what it may be at least and at most, the correction, the outcome), `windows` (those that
    disagree with their calls) and `waiting_for`.
    """

    id_prefix = "dri"

    scope = models.CharField(_("compared"), max_length=6, choices=DriftScope)
    status = models.CharField(
        _("outcome"), max_length=11, choices=DriftStatus, default=DriftStatus.RUNNING
    )
    reason = models.TextField(_("reason"), blank=True)
    started_at = models.DateTimeField(_("started"))
    mark_at = models.DateTimeField(_("compared up to"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    compared_count = models.PositiveIntegerField(_("compared"), default=0)
    equal_count = models.PositiveIntegerField(_("equal"), default=0)
    raised_count = models.PositiveIntegerField(_("raised"), default=0)
    lowered_count = models.PositiveIntegerField(_("lowered"), default=0)
    unexplained_count = models.PositiveIntegerField(_("unexplained"), default=0)
    repaired_count = models.PositiveIntegerField(_("missing calls sent again"), default=0)
    wrong_windows_count = models.PositiveIntegerField(_("windows that disagree"), default=0)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        """Newest first."""

        verbose_name = _("drift report")
        verbose_name_plural = _("drift reports")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
