"""Periods and their rating."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.enums import PeriodStatus
from apps.billing.models.common import TwoSidedQuerySet
from apps.core.clock import Period
from apps.core.models import Entity
from apps.pricing.models import PriceVersion
from apps.subscriptions.models import Subscription


class BillingPeriod(Entity):
    """One half-open period of a subscription, in UTC, computed in the account's time zone."""

    id_prefix = "per"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="periods")
    price_version = models.ForeignKey(PriceVersion, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(_("number"))
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until (exclusive)"))
    status = models.CharField(
        _("status"), max_length=8, choices=PeriodStatus, default=PeriodStatus.OPEN
    )
    closing_since = models.DateTimeField(_("closing since"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)

    objects = TwoSidedQuerySet.as_manager()

    class Meta:
        """Numbered from 0 without gaps; one open period per subscription."""

        verbose_name = _("billing period")
        verbose_name_plural = _("billing periods")
        ordering = ("-period_start",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "number"), name="billing_period_number_unique"
            ),
            models.UniqueConstraint(
                fields=("subscription", "period_start"), name="billing_period_start_unique"
            ),
            models.UniqueConstraint(
                fields=("subscription",),
                condition=Q(status="open"),
                name="billing_period_one_open",
            ),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")), name="billing_period_range"
            ),
        )
        indexes = (models.Index(fields=("status", "period_end"), name="billing_period_due"),)

    def __str__(self) -> str:
        return f"{self.period_start:%Y-%m-%d} – {self.period_end:%Y-%m-%d}"

    @property
    def charged(self) -> Period:
        """The time whose usage is charged: what follows a trial; the hour in which a trial ends is free.

        Where all of the period is a trial this is its last instant, in which no window begins.
        """
        trial_end = self.subscription.trial_ends_at
        if trial_end is None or trial_end <= self.period_start:
            return Period(self.period_start, self.period_end)
        return Period(min(trial_end, self.period_end - timedelta.resolution), self.period_end)


class RatingRun(Entity):
    """One rating of a period: which windows at which revision went in, and what came out."""

    id_prefix = "run"

    period = models.ForeignKey(BillingPeriod, on_delete=models.PROTECT, related_name="rating_runs")
    number = models.PositiveIntegerField(_("run"))
    rated_at = models.DateTimeField(_("rated"))
    window_revisions = models.JSONField(_("window revisions"), default=dict)
    is_final = models.BooleanField(_("final"), default=True)

    class Meta:
        """Runs are numbered per period."""

        verbose_name = _("rating run")
        verbose_name_plural = _("rating runs")
        constraints = (
            models.UniqueConstraint(fields=("period", "number"), name="billing_run_unique"),
        )

    def __str__(self) -> str:
        return f"{self.period} #{self.number}"


class RatedCharge(Entity):
    """What one price component costs in one run, with the calculation that says why."""

    id_prefix = "chg"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    run = models.ForeignKey(RatingRun, on_delete=models.PROTECT, related_name="charges")
    component_id = models.UUIDField(_("price component"))
    meter = models.CharField(_("meter"), max_length=60)
    name = models.CharField(_("name"), max_length=120)
    quantity = models.DecimalField(_("quantity"), max_digits=30, decimal_places=12)
    amount = models.DecimalField(_("amount"), max_digits=30, decimal_places=12)
    currency = models.CharField(_("currency"), max_length=3)
    calculation = models.JSONField(_("calculation"))

    objects = TwoSidedQuerySet.as_manager()

    class Meta:
        """One charge per component and run."""

        verbose_name = _("rated charge")
        verbose_name_plural = _("rated charges")
        constraints = (
            models.UniqueConstraint(fields=("run", "component_id"), name="billing_charge_unique"),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.amount} {self.currency}"
