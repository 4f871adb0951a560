"""The back office of this app, a module per subject."""

from apps.pricing.admin.plans import PlanAdmin, PriceVersionAdmin

__all__ = ["PlanAdmin", "PriceVersionAdmin"]
