"""Periods and their rating."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.enums import PeriodStatus, RunKind
from apps.billing.models.common import TwoSidedQuerySet
from apps.core.clock import Period
from apps.core.models import Entity
from apps.pricing.models import PriceVersion
from apps.subscriptions.models import Subscription


class BillingPeriod(Entity):
    """One half-open period of a subscription, in UTC, computed in the account's time zone.

    A change of plan cuts a period into parts, each with its own price version. `whole_start` and `whole_end` are then the
    bounds of the uncut period, by whose days fees are prorated; a period that was never cut leaves them empty.
    """

    id_prefix = "per"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="periods")
    price_version = models.ForeignKey(PriceVersion, on_delete=models.PROTECT, related_name="+")
    # How many units of the plan were subscribed to: multiplies fees, free units and the quota.
    quantity = models.PositiveIntegerField(_("quantity"), default=1, db_default=1)
    number = models.PositiveIntegerField(_("number"))
    part = models.PositiveSmallIntegerField(_("part"), default=0, db_default=0)
    whole_start = models.DateTimeField(_("the uncut period's start"), null=True, blank=True)
    whole_end = models.DateTimeField(_("the uncut period's end"), null=True, blank=True)
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until (exclusive)"))
    status = models.CharField(
        _("status"), max_length=8, choices=PeriodStatus, default=PeriodStatus.OPEN
    )
    closing_since = models.DateTimeField(_("closing since"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)

    objects = TwoSidedQuerySet.as_manager()

    class Meta:
        """Numbered from 0 without gaps, parts of a number likewise; one open period per subscription."""

        verbose_name = _("billing period")
        verbose_name_plural = _("billing periods")
        ordering = ("-period_start",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "number", "part"), name="billing_period_part_unique"
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
    def span(self) -> Period:
        """What the row bills: the period, or its part of one."""
        return Period(self.period_start, self.period_end)

    @property
    def whole(self) -> Period:
        """The uncut period, whose days are the denominator of every fee."""
        return Period(self.whole_start or self.period_start, self.whole_end or self.period_end)

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
    """One rating of a period: which windows at which revision went in, and what came out.

    Beside the closing run a period may have runs of fees alone: charged when it opens, and given back when a change of
    plan leaves a part of them unused. A run that rates again books the difference to the runs before; its `basis` has the
    quantities `before` and `after` by meter, the number of `events`, and the `superseded` windows with the revision and the
    quantity that earlier runs counted.
    """

    id_prefix = "run"

    period = models.ForeignKey(BillingPeriod, on_delete=models.PROTECT, related_name="rating_runs")
    number = models.PositiveIntegerField(_("run"))
    kind = models.CharField(
        _("kind"),
        max_length=8,
        choices=RunKind,
        default=RunKind.CLOSING,
        db_default=RunKind.CLOSING.value,
    )
    rated_at = models.DateTimeField(_("rated"))
    window_revisions = models.JSONField(_("window revisions"), default=dict)
    basis = models.JSONField(
        _("basis"), default=dict, db_default=models.Value({}, models.JSONField()), blank=True
    )
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
