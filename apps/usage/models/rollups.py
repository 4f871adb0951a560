"""Calls added up for analytics. Money never reads these tables: it reads windows.

Source: docs/domain/analytics.md.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.usage.enums import AnalyticsSide, TotalSplit
from apps.usage.sketch import Sketch


class SketchField(models.Field):  # type: ignore[type-arg]  # not generic at run time
    """A latency sketch, stored as an integer of any length, which `SUM` merges."""

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 -- the base class's
        """A number without a bound."""
        return "numeric"

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Sketch:
        """Read the number."""
        return Sketch.read(str(value))

    def get_prep_value(self, value: Any) -> Any:
        """Write the number."""
        return value.digits


class _Measures(models.Model):
    """What is added up. `timed` are the calls of which the log told how long they took."""

    api_id = models.UUIDField(_("API"))
    consumer_organization_id = models.UUIDField(_("consumer"), null=True)
    subscription_id = models.UUIDField(_("subscription"), null=True)
    plan_id = models.UUIDField(_("plan"), null=True)
    key_id = models.UUIDField(_("key"), null=True)
    endpoint = models.CharField(_("endpoint"), max_length=320, blank=True)
    status = models.PositiveSmallIntegerField(_("status"), default=0)
    country = models.CharField(_("country"), max_length=2, blank=True)
    calls = models.PositiveBigIntegerField(_("calls"))
    billable = models.PositiveBigIntegerField(_("billed calls"))
    timed = models.PositiveBigIntegerField(_("timed calls"))
    latency_sum_ms = models.PositiveBigIntegerField(_("latency in sum (ms)"))
    request_bytes = models.PositiveBigIntegerField(_("request bytes"))
    response_bytes = models.PositiveBigIntegerField(_("response bytes"))
    latencies = SketchField(_("latencies"))

    class Meta:
        """No table of its own."""

        abstract = True


class UsageHour(_Measures):
    """The calls of one subscription, key, endpoint and status in one slot.

    A slot is the part of an hour of UTC that lies in one local hour of the consumer and one of the provider: a whole
    hour, but halves or quarters where a time zone is not whole hours away from UTC.
    """

    slot_start = models.DateTimeField(_("from"))
    provider_organization_id = models.UUIDField(_("provider"))
    rolled_at = models.DateTimeField(_("added up"))

    class Meta:
        """One row per slot and combination; read by subscription, by side, and over all."""

        verbose_name = _("hour of usage")
        verbose_name_plural = _("hours of usage")
        constraints = (
            models.UniqueConstraint(
                fields=("subscription_id", "slot_start", "key_id", "endpoint", "status"),
                nulls_distinct=False,
                name="usage_hour_unique",
            ),
        )
        indexes = (
            models.Index(
                fields=("consumer_organization_id", "slot_start"), name="usage_hour_consumer"
            ),
            models.Index(
                fields=("provider_organization_id", "slot_start"), name="usage_hour_provider"
            ),
            models.Index(fields=("slot_start",), name="usage_hour_slot"),
        )

    def __str__(self) -> str:
        return f"{self.slot_start:%Y-%m-%d %H:%M} {self.endpoint} {self.status}"


class UsageDay(_Measures):
    """The calls of one local day as one side sees them; columns of which that side is told nothing are empty.

    A day is the consumer's, the provider's, or, for the operator, one of UTC.
    """

    side = models.CharField(_("side"), max_length=8, choices=AnalyticsSide)
    organization_id = models.UUIDField(_("organization"), null=True)
    day = models.DateField(_("day"))
    # By which the day was cut out, to notice when the organization moves.
    timezone = models.CharField(_("time zone"), max_length=64)
    provider_organization_id = models.UUIDField(_("provider"), null=True)

    class Meta:
        """Read by side, organization and day; each is written anew as a whole."""

        verbose_name = _("day of usage")
        verbose_name_plural = _("days of usage")
        constraints = (
            models.CheckConstraint(
                condition=Q(side=AnalyticsSide.OPERATOR, organization_id__isnull=True)
                | (~Q(side=AnalyticsSide.OPERATOR) & Q(organization_id__isnull=False)),
                name="usage_day_has_its_side",
            ),
        )
        indexes = (models.Index(fields=("organization_id", "side", "day"), name="usage_day_side"),)

    def __str__(self) -> str:
        return f"{self.day} {self.side} {self.endpoint} {self.status}"


class UsageDayTotal(_Measures):
    """What the rows of a `UsageDay` add up to in one way: pages read a few of these in place of every combination.

    Each has the columns that all totals of its side have (`apps.usage.rollups.totals`); `split` names what they are
    further told apart by, nothing when empty. The other columns are empty, and so is the status.
    """

    side = models.CharField(_("side"), max_length=8, choices=AnalyticsSide)
    organization_id = models.UUIDField(_("organization"), null=True)
    day = models.DateField(_("day"))
    split = models.CharField(_("split by"), max_length=8, choices=TotalSplit, blank=True)
    provider_organization_id = models.UUIDField(_("provider"), null=True)
    redirected = models.PositiveBigIntegerField(_("redirected calls"))
    refused = models.PositiveBigIntegerField(_("refused calls"))
    failed = models.PositiveBigIntegerField(_("failed calls"))
    unconfirmed = models.PositiveBigIntegerField(_("unconfirmed calls"))

    class Meta:
        """Read by side, organization and split, over some days; written together with their day."""

        verbose_name = _("total of a day of usage")
        verbose_name_plural = _("totals of days of usage")
        indexes = (
            models.Index(
                fields=("organization_id", "side", "split", "day"), name="usage_day_total_side"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.side} {self.split}".rstrip()


class RollupMark(models.Model):
    """An hour of a subscription that has calls which are not added up yet.

    A mark is written with the calls and never changed, so processors do not wait for each other; it is deleted with
    the sum that contains them.
    """

    subscription_id = models.UUIDField(_("subscription"))
    hour = models.DateTimeField(_("hour"))
    marked_at = models.DateTimeField(_("marked"), db_default=Now())

    class Meta:
        """In the order of writing."""

        verbose_name = _("mark of a changed hour")
        verbose_name_plural = _("marks of changed hours")

    def __str__(self) -> str:
        return f"{self.subscription_id} {self.hour:%Y-%m-%d %H:%M}"
