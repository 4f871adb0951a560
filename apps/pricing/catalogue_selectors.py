"""Reads of the operator's catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from apps.core.exceptions import NotFound
from apps.core.money import Money
from apps.pricing.catalogue.compiling import CatalogueSettings, price_of
from apps.pricing.catalogue.differences import Difference, differences
from apps.pricing.drafts import PriceDraft, table_of
from apps.pricing.enums import LoadOutcome
from apps.pricing.models import (
    CALLS_METER,
    CatalogueLoad,
    CatalogueModel,
    CatalogueModelVersion,
    CatalogueRevision,
)
from apps.pricing.quotes import quote_usage

EXAMPLE_CALLS: Final = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class CatalogueState:
    """What is in force, and what came of the last attempt to load the files."""

    path: str
    revision: CatalogueRevision | None
    last_load: CatalogueLoad | None

    @property
    def is_refused(self) -> bool:
        """Whether the files say something that cannot be applied."""
        return self.last_load is not None and self.last_load.outcome == LoadOutcome.REFUSED


@dataclass(frozen=True, slots=True)
class ModelOnOffer:
    """A pricing model as providers compare it."""

    model: CatalogueModel
    price: PriceDraft
    example: Money

    @property
    def base_fee(self) -> Decimal:
        """What a period costs whatever is used."""
        fees = [part.flat_fee or Decimal(0) for part in self.price.components]
        return sum(fees, Decimal(0))


def list_models_on_offer() -> list[ModelOnOffer]:
    """Return the active models with their prices, and what a period of 10 000 calls costs: one query."""
    rows = list_active_models().annotate(
        rules=Subquery(
            CatalogueModelVersion.objects.filter(model=OuterRef("pk"))
            .order_by("-number")
            .values("revision__content__settings")[:1]
        )
    )
    usage = {CALLS_METER: EXAMPLE_CALLS}
    offers = []
    for model in rows:
        definition, rules = getattr(model, "definition"), getattr(model, "rules")  # noqa: B009 -- annotations
        price = price_of(definition, CatalogueSettings.of(rules or {}))
        offers.append(ModelOnOffer(model, price, quote_usage(table_of(price), usage).total))
    return offers


def catalogue_state() -> CatalogueState:
    """Return where the catalogue stands: two queries."""
    return CatalogueState(
        settings.PRICING_CATALOGUE, CatalogueRevision.objects.first(), CatalogueLoad.objects.first()
    )


def list_models() -> QuerySet[CatalogueModel]:
    """Return every model with its newest `definition` and `version_number`: one query."""
    newest = CatalogueModelVersion.objects.filter(model=OuterRef("pk")).order_by("-number")
    return CatalogueModel.objects.annotate(
        definition=Subquery(newest.values("definition")[:1]),
        version_number=Subquery(newest.values("number")[:1]),
    )


def list_active_models() -> QuerySet[CatalogueModel]:
    """Return the models that plans can be made from."""
    return list_models().filter(is_active=True)


def get_model(key: str, *, among: QuerySet[CatalogueModel] | None = None) -> CatalogueModel:
    """Return one model by its id in the catalogue.

    Raises:
        NotFound: unknown, or not among those.
    """
    rows = list_models() if among is None else among
    model = rows.filter(key=key).first()
    if model is None:
        raise NotFound
    return model


def get_revision(number: int) -> CatalogueRevision:
    """Return a revision by its number.

    Raises:
        NotFound: there is none.
    """
    revision = CatalogueRevision.objects.select_related("restored").filter(number=number).first()
    if revision is None:
        raise NotFound
    return revision


def differences_of(revision: CatalogueRevision, against: int | None = None) -> list[Difference]:
    """Return what a revision changed against another, by default the one before it.

    Raises:
        NotFound: there is no revision with that number.
    """
    number = revision.number - 1 if against is None else against
    before: dict[str, Any] = get_revision(number).content if number > 0 else {}
    return differences(before, revision.content)
