"""Plans, their prices, promotions and taxes, a module per subject."""

from apps.pricing.models.catalogue import (
    CatalogueLoad,
    CatalogueModel,
    CatalogueModelVersion,
    CataloguePromotion,
    CatalogueRevision,
)
from apps.pricing.models.plans import (
    DEFAULT_KEY_ROTATION_DAYS,
    MAX_KEY_ROTATION_DAYS,
    MAX_QUANTITY,
    MAX_TERM_PERIODS,
    Plan,
    PlanInvitation,
    PlanQuerySet,
)
from apps.pricing.models.prices import CALLS_METER, PriceComponent, PriceVersion, Tier
from apps.pricing.models.promotions import Promotion, PromotionQuerySet
from apps.pricing.models.tax import TaxRate

__all__ = [
    "CALLS_METER",
    "DEFAULT_KEY_ROTATION_DAYS",
    "MAX_KEY_ROTATION_DAYS",
    "MAX_QUANTITY",
    "MAX_TERM_PERIODS",
    "CatalogueLoad",
    "CatalogueModel",
    "CatalogueModelVersion",
    "CataloguePromotion",
    "CatalogueRevision",
    "Plan",
    "PlanInvitation",
    "PlanQuerySet",
    "PriceComponent",
    "PriceVersion",
    "Promotion",
    "PromotionQuerySet",
    "TaxRate",
    "Tier",
]
