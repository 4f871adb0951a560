"""The prices that quotes are made with: found in one query, and compiled once in a process's life.

Source: docs/api/quotes.md.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.calculator import PriceTable
from apps.pricing.exceptions import CurrencyNotOffered
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.selectors import price_table_of

KEPT_TABLES: Final = 1024


def get_quotable_version(
    actor: Actor, plan_public_id: str, *, currency: str | None = None
) -> PriceVersion:
    """Return the price that a quote for a plan is made with, with its plan. One query.

    Args:
        currency: ISO 4217; None is the plan's default one.

    Raises:
        NotFound: unknown or hidden plan, or one that has no price yet.
        CurrencyNotOffered: the plan has no price in this currency.
    """
    try:
        key = parse_public_id(Plan.id_prefix, plan_public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    plans = Plan.objects.readable_by(actor).filter(pk=key)
    current = PriceVersion.objects.filter(is_current=True, plan__in=plans.values("pk"))
    offered = list(current.select_related("plan").order_by("position"))
    if not offered:
        raise NotFound
    if currency is None:
        return offered[0]
    for version in offered:
        if version.currency == currency:
            return version
    raise currency_not_offered([version.currency for version in offered])


def currency_not_offered(offered: list[str]) -> CurrencyNotOffered:
    """Return the refusal of a currency, which names those that there are."""
    text = _("The plan has prices in %(currencies)s only.") % {"currencies": ", ".join(offered)}
    return CurrencyNotOffered(text, field="currency")


def compiled_prices_of(version: PriceVersion) -> PriceTable:
    """Return a version's prices as the calculator takes them; no query for one that this process has seen.

    A draft is read each time: only what is published never changes.
    """
    if version.published_at is None:
        return price_table_of(version)
    return _compiled(version.pk, version.published_at)


# The moment of publication is part of the key, so that one that was rolled back is not taken for the next one.
@lru_cache(maxsize=KEPT_TABLES)
def _compiled(version_id: UUID, _published_at: datetime) -> PriceTable:
    versions = PriceVersion.objects.prefetch_related("components__tiers")
    return price_table_of(versions.get(pk=version_id))
