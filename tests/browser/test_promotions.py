"""Promotions in a browser: the provider's pages, and what a subscriber sees, in three looks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import BrowserContext, Page

from apps.accounts.models import Membership
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.models import Promotion
from apps.subscriptions.services import redeem_promotion
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.billing import SYSTEM, close_month, make_billed_subscription
from tests.factories.pricing import make_plan, make_promotion
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """A provider, which also subscribes to somebody's API."""
    return make_member("owner", name="Mara Okafor")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_promotion_pages(
    look: Look,
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    billed = make_billed_subscription(provider=member.organization)
    make_promotion(member.organization, max_redemptions=50)
    make_promotion(
        member.organization,
        name="Three months free",
        code="QUARTER",
        kind=PromotionKind.FREE_PERIODS,
        duration=PromotionDuration.PERIODS,
        duration_periods=3,
    )
    redeem_promotion(subscription=billed, code="WELCOME20", actor=SYSTEM)
    invoice = close_month(billed)
    with transaction.atomic():
        api = make_api(name="City weather")
    plan, other = make_plan(api), make_plan()
    make_promotion(plan.organization, name="For all", percent_off=Decimal(10), is_automatic=True)
    make_promotion(other.organization)
    mine = make_subscription(plan=other, consumer=member.organization)
    redeem_promotion(subscription=mine, code="WELCOME20", actor=SYSTEM)
    context = open_context(look)
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    shown = Promotion.objects.get(organization=member.organization, code="WELCOME20")
    pages = {
        "promotions": "/console/provider/promotions/",
        "promotion-new": "/console/provider/promotions/new/",
        "promotion": f"/console/provider/promotions/{shown.public_id}/",
        "promotion-subscribe": f"/console/subscribe/{plan.public_id}/",
        "promotion-subscription": f"/console/subscriptions/{mine.public_id}/",
    }
    for name, path in pages.items():
        look_at(page, path, name, look, artifacts, find_violations)
    assert invoice.total_minor == 800
