"""Promotions of the operator in the catalogue's files: the drafts that REST makes, checked before anything is saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.pricing.catalogue.compiling import ModelDefect
from apps.pricing.catalogue.shapes import instant_of, value_of
from apps.pricing.promotion_drafts import PromotionDraft, find_promotion_defects

# Of the catalogue alone.
NOT_OF_THE_DRAFT: Final = frozenset({"id", "active"})
INSTANTS: Final = ("starts_at", "ends_at")


def check_promotion(definition: Mapping[str, Any]) -> Iterator[ModelDefect]:
    """Find what is wrong with a promotion whose shape is right; plans and categories are looked up on saving."""
    for name in INSTANTS:
        if definition.get(name) is not None and not _is_instant(definition[name]):
            yield ModelDefect(f"/{name}", "invalid", _("There is no such day or hour."))
            return
    for defect in find_promotion_defects(promotion_draft_of(definition)):
        yield ModelDefect(defect.pointer, defect.code, str(defect.detail))


def promotion_draft_of(definition: Mapping[str, Any]) -> PromotionDraft:
    """Return what the services take of a good definition."""
    given = {name: item for name, item in definition.items() if name not in NOT_OF_THE_DRAFT}
    draft: PromotionDraft = value_of(PromotionDraft, given)
    return draft


def _is_instant(text: str) -> bool:
    try:
        instant_of(text)
    except ValueError:
        return False
    return True
