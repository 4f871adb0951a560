"""What the catalogue sorts and filters by: facts from the apps above, and the words that listings use."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from apps.apis.models.listings import Api


class ListingFacts(models.Model):
    """What higher apps know about a listing, copied here so that one query can filter and sort by it.

    `price_from` is the least amount that a published plan asks for a period or a unit, in the currency's
    major unit, null where only percentages are asked; `trend` is the growth of calls this week over the week before, damped for small numbers.
    """

    api = models.OneToOneField(
        Api, on_delete=models.CASCADE, primary_key=True, related_name="facts"
    )
    calls_7d = models.PositiveBigIntegerField(_("calls in 7 days"), default=0)
    calls_previous_7d = models.PositiveBigIntegerField(_("calls in the 7 days before"), default=0)
    subscriber_count = models.PositiveIntegerField(_("subscribers"), default=0)
    trend = models.DecimalField(_("trend"), max_digits=14, decimal_places=4, default=0)
    rating_average = models.DecimalField(
        _("average rating"), max_digits=3, decimal_places=2, null=True
    )
    rating_count = models.PositiveIntegerField(_("ratings"), default=0)
    latency_p50_ms = models.PositiveIntegerField(_("median latency (ms)"), null=True)
    uptime_30d = models.DecimalField(
        _("uptime in 30 days (%)"), max_digits=5, decimal_places=2, null=True
    )
    has_free_tier = models.BooleanField(_("free tier"), default=False)
    price_models = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    price_from = models.DecimalField(_("price from"), max_digits=24, decimal_places=12, null=True)
    price_currency = models.CharField(_("currency"), max_length=3, blank=True)
    refreshed_at = models.DateTimeField(_("refreshed"), null=True)

    class Meta:
        """Sorted by trend, rating and calls."""

        verbose_name = _("facts of a listing")
        verbose_name_plural = _("facts of listings")
        # Each is an order of `apps.apis.selectors.search`, to the last column: a page of it is read off the index.
        indexes = (
            models.Index(fields=("-trend", "-api"), name="apis_facts_trend"),
            models.Index(fields=("-calls_7d", "-api"), name="apis_facts_calls"),
            models.Index(
                Coalesce(F("rating_average"), Value(0)).desc(),
                F("rating_count").desc(),
                F("api").desc(),
                name="apis_facts_rating",
            ),
            models.Index(
                Coalesce(F("latency_p50_ms"), Value(2147483647)),
                F("api"),
                name="apis_facts_latency",
            ),
            models.Index(
                Coalesce(F("price_from"), Value(Decimal("1e12"))), F("api"), name="apis_facts_price"
            ),
            GinIndex(fields=("price_models",), name="apis_facts_models"),
        )

    def __str__(self) -> str:
        return str(self.api_id)


class SearchWord(models.Model):
    """A word that listed APIs use, with its trigrams: how a mistyped word finds the right one."""

    word = models.CharField(_("word"), max_length=60, primary_key=True)
    api_count = models.PositiveIntegerField(_("listings"), default=0)
    trigrams = ArrayField(models.CharField(max_length=3), default=list)

    class Meta:
        """Found by shared trigrams."""

        verbose_name = _("search word")
        verbose_name_plural = _("search words")
        indexes = (GinIndex(fields=("trigrams",), name="apis_searchword_trigrams"),)

    def __str__(self) -> str:
        return self.word
