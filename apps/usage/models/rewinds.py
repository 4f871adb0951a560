"""Computing windows anew, and what came out of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.models import Entity, JobRun
from apps.subscriptions.models import Subscription
from apps.usage.enums import DifferenceState, RewindStatus


class UsageRewind(Entity):
    """One run over a range of business time, for an API, a subscription or everything.

    It is cut into steps: a local day of a subscription. `last_subscription_id` and `last_day` name the last step that
    was committed, from where a run that was killed goes on.
    """

    id_prefix = "rwd"

    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="+", null=True)
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="+", null=True
    )
    meter = models.CharField(_("meter"), max_length=60, blank=True)
    range_start = models.DateTimeField(_("from"))
    range_end = models.DateTimeField(_("until (exclusive)"))
    is_dry_run = models.BooleanField(_("dry run"), default=True)
    reason = models.CharField(_("reason"), max_length=500)
    # A person or a service token; nobody where a command of the server asked.
    requested_by_id = models.UUIDField(_("requested by"), null=True)
    status = models.CharField(
        _("status"), max_length=10, choices=RewindStatus, default=RewindStatus.WAITING
    )
    job_run = models.ForeignKey(JobRun, on_delete=models.SET_NULL, related_name="+", null=True)
    steps_done = models.PositiveIntegerField(_("steps done"), default=0)
    steps_total = models.PositiveIntegerField(_("steps"), default=0)
    window_count = models.PositiveBigIntegerField(_("windows compared"), default=0)
    difference_count = models.PositiveBigIntegerField(_("different"), default=0)
    revised_count = models.PositiveBigIntegerField(_("revised"), default=0)
    kept_count = models.PositiveBigIntegerField(_("kept for billing"), default=0)
    last_subscription_id = models.UUIDField(null=True)
    last_day = models.DateField(null=True)
    error = models.TextField(_("error"), blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        """Newest first."""

        verbose_name = _("rewind")
        verbose_name_plural = _("rewinds")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(range_start__lt=models.F("range_end")), name="usage_rewind_range"
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class WindowDifference(Entity):
    """A window that stored events add up to something else than it says."""

    id_prefix = "wdf"

    rewind = models.ForeignKey(UsageRewind, on_delete=models.CASCADE, related_name="differences")
    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    meter = models.CharField(_("meter"), max_length=60)
    dimensions = models.TextField(_("dimensions"), blank=True, default="")
    window_start = models.DateTimeField(_("window"))
    was_quantity = models.DecimalField(_("was"), max_digits=30, decimal_places=12)
    was_event_count = models.PositiveBigIntegerField(_("events then"))
    was_error_count = models.PositiveBigIntegerField(_("errors then"))
    quantity = models.DecimalField(_("is"), max_digits=30, decimal_places=12)
    event_count = models.PositiveBigIntegerField(_("events"))
    error_count = models.PositiveBigIntegerField(_("errors"))
    is_period_closed = models.BooleanField(_("period closed"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=DifferenceState)
    resolved_at = models.DateTimeField(_("resolved"), null=True)

    class Meta:
        """One open difference per window."""

        verbose_name = _("window difference")
        verbose_name_plural = _("window differences")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "meter", "dimensions", "window_start"),
                name="usage_window_difference_open",
                condition=Q(state=DifferenceState.OPEN),
            ),
        )
        indexes = (models.Index(fields=("rewind", "-id"), name="usage_difference_rewind"),)

    def __str__(self) -> str:
        return f"{self.meter} {self.window_start:%Y-%m-%d %H:%M}"
