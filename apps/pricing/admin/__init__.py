"""The back office of this app, a module per subject."""

from apps.pricing.admin.catalogue import (
    CatalogueLoadAdmin,
    CatalogueModelAdmin,
    CatalogueRevisionAdmin,
)
from apps.pricing.admin.plans import PlanAdmin, PlanInvitationAdmin, PriceVersionAdmin
from apps.pricing.admin.promotions import PromotionAdmin

__all__ = [
    "CatalogueLoadAdmin",
    "CatalogueModelAdmin",
    "CatalogueRevisionAdmin",
    "PlanAdmin",
    "PlanInvitationAdmin",
    "PriceVersionAdmin",
    "PromotionAdmin",
]
