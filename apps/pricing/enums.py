"""Kinds and states of plans."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class PlanStatus(TextChoices):
    """Where a plan stands."""

    DRAFT = "draft", pgettext_lazy("plan", "draft")
    PUBLISHED = "published", pgettext_lazy("plan", "published")
    DEPRECATED = "deprecated", pgettext_lazy("plan", "deprecated")
    CLOSED = "closed", pgettext_lazy("plan", "closed")


class PriceModel(TextChoices):
    """How a component turns a quantity into an amount; the calculator knows each."""

    FLAT = "flat", pgettext_lazy("price", "flat fee")
    PER_UNIT = "per_unit", pgettext_lazy("price", "per unit")
    GRADUATED = "graduated", pgettext_lazy("price", "graduated")
    VOLUME = "volume", pgettext_lazy("price", "volume")
    PACKAGE = "package", pgettext_lazy("price", "package")
    PERCENTAGE = "percentage", pgettext_lazy("price", "percentage")
    GRADUATED_PERCENTAGE = "graduated_percentage", pgettext_lazy("price", "graduated percentage")


class PackageRoundings(TextChoices):
    """What a package that was opened but not used up costs."""

    UP = "up", pgettext_lazy("package", "a started package is charged")
    DOWN = "down", pgettext_lazy("package", "only full packages are charged")


class BillingInterval(TextChoices):
    """How long a billing period is."""

    DAY = "day", pgettext_lazy("interval", "day")
    WEEK = "week", pgettext_lazy("interval", "week")
    MONTH = "month", pgettext_lazy("interval", "month")
    QUARTER = "quarter", pgettext_lazy("interval", "quarter")
    HALF_YEAR = "half_year", pgettext_lazy("interval", "half-year")
    YEAR = "year", pgettext_lazy("interval", "year")


class Alignment(TextChoices):
    """Where billing periods begin."""

    ANNIVERSARY = "anniversary", pgettext_lazy("alignment", "on the day of the subscription")
    CALENDAR = "calendar", pgettext_lazy("alignment", "with the calendar")


class TrialEnd(TextChoices):
    """What follows a trial that nobody ended before."""

    CONVERT = "convert", pgettext_lazy("trial", "the subscription goes on and is paid")
    END = "end", pgettext_lazy("trial", "the subscription ends")


class TermEnd(TextChoices):
    """What follows a fixed term that nobody ended before."""

    RENEW = "renew", pgettext_lazy("fixed term", "another term follows")
    EXPIRE = "expire", pgettext_lazy("fixed term", "the subscription ends")


class QuotaKind(TextChoices):
    """What happens when the quota is used up."""

    HARD = "hard", pgettext_lazy("quota", "hard")
    SOFT = "soft", pgettext_lazy("quota", "soft")


class BillableStatuses(TextChoices):
    """Which answers of the upstream are billed. What the gateway answered itself never is."""

    SUCCESS = "2xx", pgettext_lazy("billed answers", "2xx only")
    REDIRECTS = "2xx-3xx", pgettext_lazy("billed answers", "2xx and 3xx")
    CLIENT_ERRORS = "2xx-4xx", pgettext_lazy("billed answers", "2xx, 3xx and 4xx")
    ALL = "all", pgettext_lazy("billed answers", "every answer of the upstream")


class PromotionKind(TextChoices):
    """What a promotion does to a bill."""

    PERCENTAGE = "percentage", pgettext_lazy("promotion", "percentage off")
    FIXED_AMOUNT = "fixed_amount", pgettext_lazy("promotion", "amount off")
    FREE_PERIODS = "free_periods", pgettext_lazy("promotion", "free periods")
    TIER_UPGRADE = "tier_upgrade", pgettext_lazy("promotion", "prices of a higher tier")
    FREE_UNITS = "free_units", pgettext_lazy("promotion", "free units")


class PromotionDuration(TextChoices):
    """In how many billing periods a promotion takes something off."""

    ONCE = "once", pgettext_lazy("promotion", "one period")
    PERIODS = "periods", pgettext_lazy("promotion", "several periods")
    FOREVER = "forever", pgettext_lazy("promotion", "every period")


class PlanKind(TextChoices):
    """The four types of pricing models, as the catalogue's files name them."""

    USAGE_BASED = "usage_based", pgettext_lazy("pricing model", "usage based")
    SUBSCRIPTION = "subscription", pgettext_lazy("pricing model", "subscription")
    FREEMIUM = "freemium", pgettext_lazy("pricing model", "freemium")
    HYBRID = "hybrid", pgettext_lazy("pricing model", "hybrid")


class CatalogueOwner(TextChoices):
    """Where a pricing model is written; the other side only reads it."""

    FILE = "file", pgettext_lazy("pricing model", "a file")
    MANUAL = "manual", pgettext_lazy("pricing model", "back office or REST")


class CatalogueOrigin(TextChoices):
    """What made a revision of the catalogue."""

    FILE = "file", pgettext_lazy("catalogue", "files")
    MANUAL = "manual", pgettext_lazy("catalogue", "back office or REST")
    ROLLBACK = "rollback", pgettext_lazy("catalogue", "rollback")


class LoadOutcome(TextChoices):
    """What came of an attempt to load the catalogue's files."""

    APPLIED = "applied", pgettext_lazy("catalogue load", "applied")
    UNCHANGED = "unchanged", pgettext_lazy("catalogue load", "unchanged")
    REFUSED = "refused", pgettext_lazy("catalogue load", "refused")


class RefundPolicy(TextChoices):
    """What of the fees paid in advance goes back when a subscription is cancelled at once."""

    PRORATED = "prorated", pgettext_lazy("refund policy", "the unused days")
    NONE = "none", pgettext_lazy("refund policy", "nothing")
    FULL = "full", pgettext_lazy("refund policy", "the whole fee")
