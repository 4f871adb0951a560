"""Changes of plan and quantity: previewed, done at once, or planned for the end of the period.

The preview and the change call the same `quote_change` under the same rules, so what was shown is what is charged; a token
of the preview makes sure of it. Billing follows within the transaction (`PlanChanged`), the gateway after it
(`SubscriptionChanged`).

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.pricing.enums import PlanStatus
from apps.pricing.exceptions import CurrencyNotOffered
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.quantities import require_quantity
from apps.subscriptions.change_quotes import ChangeQuote, quote_change
from apps.subscriptions.change_terms import Terms, default_timing, terms_of
from apps.subscriptions.enums import ChangeTiming, PlannedChangeStatus, SubscriptionStatus
from apps.subscriptions.exceptions import (
    CancellationAlreadyScheduled,
    ChangedMeanwhile,
    NotChangeable,
    NothingToChange,
    PlanNeedsApproval,
    PlanNotOffered,
    PlanOfAnotherApi,
)
from apps.subscriptions.models import Subscription
from apps.subscriptions.services.changes import lock_subscription
from apps.subscriptions.services.planned_changes import (
    apply_terms,
    plan_change,
    settle_planned,
)
from apps.subscriptions.services.promotions import lock_redemptions

CHANGEABLE: Final = (
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.PAST_DUE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWish:
    """What a consumer wants.

    Attributes:
        plan: None keeps the plan and its present price version.
        quantity: None keeps the quantity, or takes one unit where the new plan is not sold in it.
        timing: None lets the direction decide: more at once, less at the end of the period.
        token: of a preview; the change is refused where it would cost something else by now.
        expected_net_minor: the preview's net amount; refused likewise.
    """

    plan: Plan | None = None
    quantity: int | None = None
    timing: ChangeTiming | None = None
    token: str = ""
    expected_net_minor: int | None = None

    def agrees_with(self, quote: ChangeQuote) -> bool:
        """Whether the quote is the one that was agreed to, as far as that was said."""
        return self.token in {"", quote.token} and self.expected_net_minor in {
            None,
            quote.net.amount_minor,
        }


def preview_change(*, subscription: Subscription, wish: ChangeWish, actor: Actor) -> ChangeQuote:
    """Work out what a change would cost and bring, and change nothing.

    Raises:
        The same as `change_plan`, except ChangedMeanwhile.
    """
    del actor  # whoever may read the subscription may ask
    return _quote(subscription, wish)


@transaction.atomic
def change_plan(*, subscription: Subscription, wish: ChangeWish, actor: Actor) -> Subscription:
    """Change the plan or the quantity of a subscription, at once or when its period ends.

    A change that waits already is replaced. Publishes PlanChanged or PlanChangeScheduled.

    Raises:
        NotChangeable: it waits, is stopped or has ended; or money is overdue and the change is to be at once.
        CancellationAlreadyScheduled: it ends with its period.
        NothingToChange: it has this plan and quantity already.
        PlanOfAnotherApi, PlanNotOffered, PlanNeedsApproval, CurrencyNotOffered: the plan cannot be chosen.
        QuantityNotOffered: the plan is not sold in this quantity; names `quantity`.
        ChangedMeanwhile: another change came first, or the amounts differ from the preview.
    """
    seen = (subscription.price_version_id, subscription.quantity)
    locked = lock_subscription(subscription.pk)
    if seen != (locked.price_version_id, locked.quantity):
        raise ChangedMeanwhile
    lock_redemptions(locked)
    quote = _quote(locked, wish)
    if not wish.agrees_with(quote):
        raise ChangedMeanwhile
    if quote.timing == ChangeTiming.PERIOD_END:
        plan_change(subscription=locked, quote=quote, actor=actor)
    else:
        settle_planned(locked, PlannedChangeStatus.REPLACED)
        apply_terms(subscription=locked, quote=quote, actor=actor)
    return locked


def _quote(subscription: Subscription, wish: ChangeWish) -> ChangeQuote:
    if subscription.status not in CHANGEABLE:
        raise NotChangeable
    if subscription.cancel_at_period_end:
        raise CancellationAlreadyScheduled
    old = terms_of(subscription)
    new = _wanted_terms(subscription, wish)
    if (old.version.pk, old.quantity) == (new.version.pk, new.quantity):
        raise NothingToChange
    timing = wish.timing or default_timing(old, new)
    if timing == ChangeTiming.NOW and subscription.status == SubscriptionStatus.PAST_DUE:
        raise NotChangeable(_("Pay what is overdue first, or let it change when the period ends."))
    at = clock.business_now(subscription.consumer_organization)
    return quote_change(subscription, new, at=at, timing=timing)


def _wanted_terms(subscription: Subscription, wish: ChangeWish) -> Terms:
    version = subscription.price_version
    plan = wish.plan or subscription.plan
    if wish.plan is not None:
        version = _offered_version(subscription, wish.plan)
    quantity = wish.quantity
    if quantity is None:
        quantity = subscription.quantity if subscription.quantity <= plan.max_quantity else 1
    require_quantity(plan, quantity)
    return Terms(version, quantity)


def _offered_version(subscription: Subscription, plan: Plan) -> PriceVersion:
    if plan.api_id != subscription.api_id:
        raise PlanOfAnotherApi(field="plan")
    is_own = plan.organization_id == subscription.consumer_organization_id
    is_same = plan.pk == subscription.plan_id
    is_open = Plan.objects.open_to(subscription.consumer_organization_id).filter(pk=plan.pk)
    if plan.is_private and not (is_own or is_same or is_open.exists()):
        raise NotFound
    if plan.status != PlanStatus.PUBLISHED and not is_same:
        raise PlanNotOffered
    if plan.requires_approval and not (is_own or is_same):
        raise PlanNeedsApproval
    current = list(plan.versions.filter(is_current=True).select_related("plan"))
    if not current:
        raise PlanNotOffered
    for version in current:
        if version.currency == subscription.price_version.currency:
            return version
    raise CurrencyNotOffered(field="plan")
