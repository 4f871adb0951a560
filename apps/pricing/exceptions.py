"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, RuleViolated


class InvalidPrice(RuleViolated):
    """A price that cannot be sold; `errors` lists each defect as pointer, code and detail."""

    code = "invalid_price"
    title = _("The price is not valid")


class PlanNameTaken(Conflict):
    """Another plan of the same API has this name."""

    code = "plan_name_taken"
    title = _("The API has a plan of this name already")


class PlanWithoutPrice(Conflict):
    """A plan is published with a price version, and this one has none."""

    code = "plan_without_price"
    title = _("The plan has no price version yet")


class PriceVersionPublishedAlready(Conflict):
    """A published price version never changes."""

    code = "price_version_published"
    title = _("A published price version cannot change; add a new one")


class PlanClosed(Conflict):
    """A closed plan is kept for its history only."""

    code = "plan_closed"
    title = _("The plan is closed")


class InvitedToPlanAlready(Conflict):
    """The organization sees the private plan already."""

    code = "invited_already"
    title = _("This organization is invited already")


class PlanInvitationInvalid(RuleViolated):
    """The link to a private plan is expired, was withdrawn, or is meant for another address."""

    code = "plan_invitation_invalid"
    title = _("This invitation is no longer valid, or is meant for somebody else")


class InvalidPromotion(RuleViolated):
    """A promotion that cannot be offered; `errors` lists each defect as pointer, code and detail."""

    code = "invalid_promotion"
    title = _("The promotion is not valid")


class PromotionCodeTaken(Conflict):
    """The owner has another promotion with this code."""

    code = "promotion_code_taken"
    title = _("Another promotion has this code already")


class PromotionInUse(Conflict):
    """What subscribers were promised does not change any more."""

    code = "promotion_in_use"
    title = _("The promotion has been redeemed, so what it takes off cannot change")


class PromotionRefused(RuleViolated):
    """The promotion does not hold here; `reason` says why."""

    code = "promotion_refused"
    title = _("The promotion does not hold here")


class PromotionUsed(Conflict):
    """A promotion that took something off a bill cannot be taken back."""

    code = "promotion_used"
    title = _("The promotion has lowered a bill already")


class CatalogueInvalid(RuleViolated):
    """The catalogue's files cannot be applied; `errors` names file, line and reason of each problem. The old stays."""

    code = "catalogue_invalid"
    title = _("The catalogue is not valid")


class CatalogueUnreadable(RuleViolated):
    """There is no catalogue to read: no path is set, or nothing can be read there."""

    code = "catalogue_unreadable"
    title = _("The catalogue cannot be read")


class PricingModelInvalid(RuleViolated):
    """A pricing model that cannot be sold; `errors` lists each defect as pointer, code and detail."""

    code = "pricing_model_invalid"
    title = _("The pricing model is not valid")


class PricingModelTaken(Conflict):
    """Another pricing model has this id."""

    code = "pricing_model_taken"
    title = _("There is a pricing model with this id already")


class OwnedByFile(Conflict):
    """A file of the catalogue owns it, so it is changed there; `file` names it."""

    code = "owned_by_file"
    title = _("A file of the catalogue owns it")


class PricingModelInactive(Conflict):
    """The pricing model is not offered any more."""

    code = "pricing_model_inactive"
    title = _("The pricing model is not active")


class CurrencyNotOffered(RuleViolated):
    """The plan has no price in this currency."""

    code = "currency_not_offered"
    title = _("The plan has no price in this currency")


class QuantityNotOffered(RuleViolated):
    """The plan is not sold in this quantity."""

    code = "quantity_not_offered"
    title = _("The plan is not sold in this quantity")
