"""What of the catalogue waits for an operator, and what monitoring sees of it."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.attention import AttentionItem, attention
from apps.core.metrics import Gauge, business_gauges
from apps.pricing.enums import CatalogueOrigin, LoadOutcome
from apps.pricing.models import CatalogueLoad, CatalogueRevision


def _is_last_load_refused() -> bool:
    last = CatalogueLoad.objects.first()
    return last is not None and last.outcome == LoadOutcome.REFUSED


def _differs_from_files() -> bool:
    last = CatalogueRevision.objects.exclude(origin=CatalogueOrigin.MANUAL).first()
    return last is not None and last.origin == CatalogueOrigin.ROLLBACK


@attention(roles=("operator",))
def refused_catalogue() -> Iterator[AttentionItem]:
    """Files of the catalogue that cannot be applied, and a rollback that the files do not know of."""
    yield AttentionItem(
        label=_("Pricing catalogue refused"),
        count=int(_is_last_load_refused()),
        url=reverse("admin:pricing_catalogueload_changelist"),
        tone="bad",
        note=_("The old prices stay until the file is mended."),
    )
    yield AttentionItem(
        label=_("Pricing catalogue rolled back"),
        count=int(_differs_from_files()),
        url=reverse("admin:pricing_cataloguerevision_changelist"),
        tone="info",
        note=_("The files still say something else."),
    )


@business_gauges
def catalogue_gauges() -> Iterator[Gauge]:
    """Whether the last load of the catalogue was refused, and the revision in force."""
    newest = CatalogueRevision.objects.values_list("number", flat=True).first()
    yield Gauge(
        "tollgate_pricing_catalogue_refused",
        "1 if the last load of the pricing catalogue was refused",
        int(_is_last_load_refused()),
    )
    yield Gauge(
        "tollgate_pricing_catalogue_revision",
        "Number of the pricing catalogue's revision in force",
        newest or 0,
    )
