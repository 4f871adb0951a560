from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from apps.accounts.models import Organization, Workspace
from apps.core import clock
from apps.core.exceptions import NotFound
from apps.core.models import AuditEvent
from apps.pricing import services as pricing
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.exceptions import PromotionRefused, PromotionUsed
from apps.pricing.models import Plan, Promotion
from apps.pricing.promotion_drafts import draft_of_promotion
from apps.subscriptions import services
from apps.subscriptions.exceptions import SubscriptionHasEnded
from apps.subscriptions.models import PromotionRedemption, Subscription
from apps.subscriptions.promotions import answer_code, automatic_for_plan
from tests.factories.accounts import OrganizationFactory
from tests.factories.pricing import SYSTEM, make_plan, make_promotion
from tests.factories.subscriptions import make_subscription


def _reason(plan: Plan, consumer: Organization, subscription: Subscription | None = None) -> Any:
    answer = answer_code(
        code="WELCOME20",
        plan=plan,
        currency="USD",
        organization=consumer,
        subscription=subscription,
    )
    return answer.refusal and answer.refusal.value


@pytest.mark.django_db
def test_each_condition_gives_its_own_reason() -> None:
    plan, consumer = make_plan(), OrganizationFactory(country="ZW")
    elsewhere = make_plan()
    assert _reason(plan, consumer) == "unknown"
    promotion = make_promotion(plan.organization)
    assert _reason(elsewhere, consumer) == "unknown"
    assert _reason(plan, consumer) is None
    now, day = clock.now(), timedelta(days=1)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"starts_at": now + day}, "not_yet"),
        ({"ends_at": now - day}, "expired"),
        ({"is_active": False}, "expired"),
        ({"max_redemptions": 1, "redemption_count": 1}, "used_up"),
        ({"currency": "EUR"}, "other_currency"),
        ({"countries": ["KE"]}, "other_country"),
        ({"min_account_age_days": 30}, "account_too_young"),
        ({"min_calls": 10}, "usage_below_threshold"),
    ]
    for changes, reason in cases:
        before = {name: getattr(promotion, name) for name in changes}
        Promotion.objects.filter(pk=promotion.pk).update(**changes)
        assert _reason(plan, consumer) == reason, changes
        Promotion.objects.filter(pk=promotion.pk).update(**before)
    sister = make_plan(plan.api, name="Pro")
    promotion.plans.set([sister])
    assert _reason(plan, consumer) == "other_plan"
    promotion.plans.clear()
    old = Organization.objects.filter(pk=consumer.pk)
    old.update(created_at=now - 400 * day)
    Promotion.objects.filter(pk=promotion.pk).update(max_account_age_days=365)
    assert _reason(plan, consumer) == "account_too_old"


@pytest.mark.django_db
def test_first_subscriptions_own_apis_and_what_does_not_combine() -> None:
    plan, consumer = make_plan(), OrganizationFactory()
    first = make_promotion(plan.organization, needs_first_subscription=True)
    subscription = make_subscription(plan=plan, consumer=consumer)
    assert _reason(plan, consumer, subscription) is None
    assert _reason(make_plan(organization_of(plan), name="Pro"), consumer) == (
        "not_first_subscription"
    )
    pricing.deactivate_promotion(promotion=first, actor=SYSTEM)
    make_promotion(None, code="OPERATOR")
    own = answer_code(
        code="OPERATOR",
        plan=plan,
        currency="USD",
        organization=plan.organization,
        subscription=None,
    )
    assert own.refusal == "own_api"
    redeemed = services.redeem_promotion(subscription=subscription, code="operator", actor=SYSTEM)
    assert (redeemed.periods, redeemed.is_running) == (1, True)
    with pytest.raises(PromotionRefused) as again:
        services.redeem_promotion(subscription=subscription, code="OPERATOR", actor=SYSTEM)
    assert again.value.extra["reason"] == "already_used"
    make_promotion(plan.organization, code="OTHER")
    with pytest.raises(PromotionRefused) as same_kind:
        services.redeem_promotion(subscription=subscription, code="OTHER", actor=SYSTEM)
    assert same_kind.value.extra["reason"] == "not_combinable"
    make_promotion(plan.organization, code="FREE", kind=PromotionKind.FREE_PERIODS)
    services.redeem_promotion(subscription=subscription, code="FREE", actor=SYSTEM)
    services.cancel_subscription(subscription=subscription, actor=SYSTEM, reason="")
    with pytest.raises(SubscriptionHasEnded):
        services.redeem_promotion(subscription=subscription, code="OTHER", actor=SYSTEM)


def organization_of(plan: Plan) -> Any:
    return plan.api


@pytest.mark.django_db
def test_a_code_with_the_subscription_or_neither() -> None:
    plan, consumer = make_plan(), OrganizationFactory()
    workspace = Workspace.objects.get(organization=consumer, is_default=True)
    with pytest.raises(PromotionRefused) as refusal:
        services.subscribe(plan=plan, workspace=workspace, actor=SYSTEM, promotion_code="NOPE")
    assert (refusal.value.field, Subscription.objects.count()) == ("promotion_code", 0)
    promotion = make_promotion(plan.organization, duration=PromotionDuration.FOREVER)
    made = services.subscribe(
        plan=plan, workspace=workspace, actor=SYSTEM, promotion_code="welcome20"
    )
    redemption = made.redemptions.get()
    assert (redemption.periods, Promotion.objects.get().redemption_count) == (None, 1)
    services.withdraw_redemption(redemption=redemption, actor=SYSTEM)
    assert Promotion.objects.get().redemption_count == 0
    with pytest.raises(NotFound):
        services.withdraw_redemption(redemption=redemption, actor=SYSTEM)
    actions = AuditEvent.objects.filter(target_id=redemption.pk).values_list("action", flat=True)
    assert {*actions} == {"subscriptions:promotion:redeemed", "subscriptions:promotion:withdrawn"}
    again = services.redeem_promotion(subscription=made, code="WELCOME20", actor=SYSTEM)
    PromotionRedemption.objects.filter(pk=again.pk).update(periods_used=1)
    with pytest.raises(PromotionUsed):
        services.withdraw_redemption(redemption=again, actor=SYSTEM)
    assert automatic_for_plan(plan, currency="USD", organization=consumer) == []
    assert draft_of_promotion(promotion).duration == PromotionDuration.FOREVER


@pytest.mark.django_db
def test_a_subscription_that_never_started_gives_its_code_back() -> None:
    plan = make_plan(requires_approval=True)
    make_promotion(plan.organization, max_redemptions=1)
    consumer = OrganizationFactory()
    workspace = Workspace.objects.get(organization=consumer, is_default=True)
    waiting = services.subscribe(
        plan=plan, workspace=workspace, actor=SYSTEM, promotion_code="WELCOME20"
    )
    assert _reason(plan, OrganizationFactory()) == "used_up"
    services.cancel_subscription(subscription=waiting, actor=SYSTEM, reason="")
    assert _reason(plan, OrganizationFactory()) is None


@pytest.mark.django_db
def test_a_sandbox_uses_nothing_up() -> None:
    plan = make_plan()
    promotion = make_promotion(plan.organization, max_redemptions=1)
    sandbox = OrganizationFactory(is_sandbox=True)
    subscription = make_subscription(plan=plan, consumer=sandbox)
    services.redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)
    promotion.refresh_from_db()
    assert promotion.left == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_for_five_are_five() -> None:
    plan = make_plan()
    promotion = make_promotion(plan.organization, max_redemptions=5)
    subscriptions = [make_subscription(plan=plan) for _ in range(20)]

    def redeem(subscription: Subscription) -> str:
        try:
            services.redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)
        except PromotionRefused as refusal:
            return str(refusal.extra["reason"])
        finally:
            connections.close_all()
        return "redeemed"

    with ThreadPoolExecutor(max_workers=20) as pool:
        outcomes = sorted(pool.map(redeem, subscriptions))
    assert outcomes == ["redeemed"] * 5 + ["used_up"] * 15
    promotion.refresh_from_db()
    assert (promotion.redemption_count, PromotionRedemption.objects.count()) == (5, 5)
    assert connection.vendor == "postgresql"
