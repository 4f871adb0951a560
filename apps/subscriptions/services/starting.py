"""How a subscription starts: at once, with a trial, or after the provider's yes."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization, Workspace
from apps.apis.enums import ApiStatus
from apps.apis.provider_selectors import may_use
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.pricing.enums import PlanStatus, TrialEnd
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.quotable_prices import currency_not_offered
from apps.pricing.selectors import current_version_of, current_versions_of, version_in
from apps.subscriptions.card_sources import has_card
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.events import (
    SubscriptionActivated,
    SubscriptionDeclined,
    SubscriptionRequested,
)
from apps.subscriptions.exceptions import (
    AlreadySubscribed,
    ApiNotAvailable,
    CardRequired,
    PlanNotOffered,
)
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import find_live_subscription
from apps.subscriptions.services.access import open_access_request
from apps.subscriptions.services.changes import (
    Cause,
    lock_subscription,
    move,
    require_status,
    save_change,
    snapshot,
)
from apps.subscriptions.services.promotions import redeem_promotion
from apps.subscriptions.services.terms import begin_term


@transaction.atomic
def subscribe(
    *,
    plan: Plan,
    workspace: Workspace,
    actor: Actor,
    currency: str | None = None,
    promotion_code: str = "",
) -> Subscription:
    """Subscribe a workspace to the current price version of a plan.

    Its price is in the currency asked for, else in the organization's own if the plan has one in it, else in the
    plan's default currency.

    The billing anchor is this moment of the account's business time, in the account's time zone. A plan
    that asks for approval leaves the subscription waiting for its provider's decision. An organization may subscribe
    to its own API and needs nobody's approval for it; usage is then metered and billed like anyone's.

    Publishes SubscriptionActivated or SubscriptionRequested.

    Raises:
        NotFound: the workspace belongs to another organization.
        PlanNotOffered, ApiNotAvailable: no new subscribers are taken.
        CurrencyNotOffered: the plan has no price in the currency asked for.
        CardRequired: the plan's trial needs a card, and the account has none.
        AlreadySubscribed: the workspace has a live subscription to the API.
        PromotionRefused: the code does not hold here; nothing is subscribed.
    """
    if not (actor.is_system or workspace.organization_id == actor.organization_id):
        raise NotFound
    organization = workspace.organization
    version = current_version_of(plan)
    if version is None or not _may_choose(plan, organization):
        raise PlanNotOffered
    version = _in_currency(plan, currency, organization) or version
    if plan.api.status != ApiStatus.ACTIVE or not may_use(plan.api, organization.pk):
        raise ApiNotAvailable
    subscription = Subscription(
        consumer_organization=organization,
        provider_organization_id=plan.organization_id,
        workspace=workspace,
        api=plan.api,
        plan=plan,
        price_version=version,
        status=SubscriptionStatus.PENDING_APPROVAL,
        anchor=clock.business_now(organization),
        timezone=organization.timezone,
    )
    is_own = plan.organization_id == organization.pk
    if is_own or not plan.requires_approval:
        _start(subscription, organization)
    if plan.trial_days and plan.trial_requires_card and not has_card(organization.pk):
        raise CardRequired(_("Its trial needs a card."), field="plan")
    _insert(subscription)
    if promotion_code.strip():
        # Before it starts: fees in advance are billed at that moment.
        redeem_promotion(subscription=subscription, code=promotion_code, actor=actor)
    _announce_new(subscription, actor)
    if subscription.status == SubscriptionStatus.PENDING_APPROVAL:
        open_access_request(subscription=subscription, actor=actor)
    return subscription


@transaction.atomic
def start_accepted_subscription(*, subscription: Subscription, actor: Actor) -> Subscription:
    """Let a subscription start whose provider said yes; its periods are counted from now. Publishes SubscriptionActivated.

    Raises:
        InvalidTransition: it is not waiting any more.
    """
    subscription = lock_subscription(subscription.pk)
    before = snapshot(subscription)
    wanted = _first_status(subscription.plan)
    require_status(subscription, SubscriptionStatus.PENDING_APPROVAL, wanted=wanted)
    move(subscription, wanted)
    subscription.anchor = clock.business_now(subscription.consumer_organization)
    _start(subscription, subscription.consumer_organization)
    save_change(
        subscription,
        before=before,
        cause=Cause(kind="accepted", actor=actor),
        event=SubscriptionActivated,
        is_trial=wanted == SubscriptionStatus.TRIALING,
    )
    return subscription


@transaction.atomic
def end_declined_subscription(
    *, subscription: Subscription, actor: Actor, reason: str
) -> Subscription:
    """End a subscription whose provider said no, with the reason that its consumer reads. Publishes SubscriptionDeclined.

    Raises:
        InvalidTransition: it is not waiting any more.
    """
    subscription = lock_subscription(subscription.pk)
    before = snapshot(subscription)
    wanted = SubscriptionStatus.CANCELLED
    require_status(subscription, SubscriptionStatus.PENDING_APPROVAL, wanted=wanted)
    move(subscription, wanted, reason=reason)
    subscription.ended_at = clock.business_now(subscription.consumer_organization)
    save_change(
        subscription,
        before=before,
        cause=Cause(kind="declined", actor=actor, reason=reason),
        event=SubscriptionDeclined,
    )
    return subscription


def _in_currency(
    plan: Plan, currency: str | None, organization: Organization
) -> PriceVersion | None:
    """Return the current version in the currency asked for, or in the organization's own; None means the default."""
    version = version_in(plan, currency or organization.currency)
    if version is None and currency:
        raise currency_not_offered([row.currency for row in current_versions_of(plan)])
    return version


def _may_choose(plan: Plan, organization: Organization) -> bool:
    """Whether the plan is offered to the organization: in public, by invitation, or because it is its own."""
    if plan.organization_id == organization.pk:
        return plan.status == PlanStatus.PUBLISHED
    return Plan.objects.open_to(organization.pk).filter(pk=plan.pk).exists()


def _first_status(plan: Plan) -> SubscriptionStatus:
    return SubscriptionStatus.TRIALING if plan.trial_days else SubscriptionStatus.ACTIVE


def _start(subscription: Subscription, organization: Organization) -> None:
    now = clock.business_now(organization)
    plan = subscription.plan
    subscription.status = _first_status(plan)
    subscription.started_at = now
    subscription.trial_ends_at = now + timedelta(days=plan.trial_days) if plan.trial_days else None
    subscription.trial_converts = plan.trial_end == TrialEnd.CONVERT
    subscription.trial_needs_card = plan.trial_requires_card
    begin_term(subscription, number=subscription.anchor_number)


def _insert(subscription: Subscription) -> None:
    try:
        with transaction.atomic():
            subscription.save(force_insert=True)
    except IntegrityError as error:
        if "subscriptions_one_live" not in str(error):
            raise
        existing = find_live_subscription(
            workspace_id=subscription.workspace_id, api_id=subscription.api_id
        )
        raise AlreadySubscribed(subscription_id=existing.public_id if existing else None) from error


def _announce_new(subscription: Subscription, actor: Actor) -> None:
    if subscription.status == SubscriptionStatus.PENDING_APPROVAL:
        cause = Cause(kind="requested", actor=actor)
        save_change(subscription, before={}, cause=cause, event=SubscriptionRequested)
        return
    save_change(
        subscription,
        before={},
        cause=Cause(kind="started", actor=actor),
        event=SubscriptionActivated,
        is_trial=subscription.status == SubscriptionStatus.TRIALING,
    )
