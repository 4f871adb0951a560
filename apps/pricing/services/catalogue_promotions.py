"""Brings the operator's promotions to what the catalogue's files say, within the load or the rollback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.actors import Actor
from apps.core.exceptions import DomainError
from apps.pricing.catalogue.promotions import promotion_draft_of
from apps.pricing.exceptions import InvalidPromotion, PromotionCodeTaken, PromotionInUse
from apps.pricing.models import CataloguePromotion
from apps.pricing.services.promotions import create_promotion, rewrite_promotion, switch_promotion


@dataclass(frozen=True, slots=True)
class WantedPromotion:
    """How a promotion is to be."""

    definition: dict[str, Any]
    is_active: bool
    file: str
    line: int | None = None


class PromotionRefusedError(Exception):
    """A promotion of the catalogue cannot be saved; `defects` are pointer, code and words."""

    def __init__(self, key: str, defects: list[tuple[str, str, str]]) -> None:
        """Keep whose they are."""
        super().__init__(key)
        self.key, self.defects = key, defects


def write_promotions(wanted: Mapping[str, WantedPromotion], actor: Actor) -> None:
    """Make, change and switch off promotions; those that the files no longer have are switched off.

    Raises:
        PromotionRefusedError: one cannot be saved; the caller rolls everything back.
    """
    present = {row.key: row for row in CataloguePromotion.objects.select_related("promotion")}
    for key, promotion in wanted.items():
        try:
            _write(key, promotion, present.get(key), actor)
        except InvalidPromotion as error:
            rows = error.extra["errors"]
            defects = [(row["pointer"], row["code"], row["detail"]) for row in rows]
            raise PromotionRefusedError(key, defects) from None
        except (PromotionCodeTaken, PromotionInUse) as error:
            raise PromotionRefusedError(key, [_defect_of(error)]) from None
    for key, row in present.items():
        if key not in wanted and row.is_kept:
            switch_promotion(row.promotion, actor, is_active=False, verb="deactivated")
            row.is_kept = False
            row.save(update_fields=["is_kept", "updated_at"])


def promotions_snapshot() -> dict[str, Any]:
    """Return the promotions of the files as a revision keeps them."""
    rows = CataloguePromotion.objects.filter(is_kept=True).select_related("promotion")
    return {
        row.key: {
            "file": row.source_file,
            "is_active": row.promotion.is_active,
            "definition": row.definition,
        }
        for row in rows
    }


def _write(key: str, wanted: WantedPromotion, row: CataloguePromotion | None, actor: Actor) -> None:
    kept = {name: item for name, item in wanted.definition.items() if name != "active"}
    draft = promotion_draft_of(kept)
    if row is None:
        promotion = create_promotion(draft=draft, organization=None, actor=actor)
        row = CataloguePromotion(key=key, promotion=promotion)
    elif row.definition != kept:
        rewrite_promotion(promotion=row.promotion, draft=draft, actor=actor)
    verb = "activated" if wanted.is_active else "deactivated"
    switch_promotion(row.promotion, actor, is_active=wanted.is_active, verb=verb)
    row.source_file, row.source_line = wanted.file, wanted.line
    row.definition, row.is_kept = kept, True
    row.save()


def _defect_of(error: DomainError) -> tuple[str, str, str]:
    return (f"/{error.field}" if error.field else "", error.error_code, str(error.detail))
