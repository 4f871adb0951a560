"""The back office of this app, a module per subject."""

from apps.pricing.admin.plans import PlanAdmin, PlanInvitationAdmin, PriceVersionAdmin

__all__ = ["PlanAdmin", "PlanInvitationAdmin", "PriceVersionAdmin"]
