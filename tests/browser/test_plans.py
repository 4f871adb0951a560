"""A provider's plans in a browser: terms, versions, currencies, invitations and the comparison, in three looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import BrowserContext, Page

from apps.accounts.models import Membership
from apps.core import clock
from apps.pricing import services
from apps.pricing.drafts import CurrencyPrice, FeatureDraft
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import move_subscribers, plan_moves
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)

FEATURES = (
    FeatureDraft("sso", "Single sign-on"),
    FeatureDraft("support", "Answers within four hours"),
)


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """A provider with three plans; one has three versions, two currencies and an earlier subscriber."""
    member = make_member("owner", name="Mara Okafor")
    with transaction.atomic():
        api = make_api(organization=member.organization, name="City weather")
    make_plan(api, name="Basic", description="For a first try.", trial_days=14, trial_end="end")
    pro = make_plan(api, name="Pro", position=1, trial_days=7)
    make_plan(
        api,
        name="Team",
        position=2,
        trial_days=30,
        trial_requires_card=True,
        key_limit=50,
        price=make_price(
            quota_calls=1_000_000,
            quota_kind="soft",
            rate_per_second=50,
            features=FEATURES,
            alignment="calendar",
            interval="quarter",
        ),
    )
    inner = make_plan(api, name="Partners", position=3, is_private=True)
    make_subscription(plan=pro, consumer=member.organization)
    second = make_price(quota_calls=20_000, features=FEATURES[:1])
    euros = CurrencyPrice("EUR", second.components)
    for draft in (
        second,
        make_price(quota_calls=20_000, features=FEATURES, other_prices=(euros,)),
    ):
        version = services.add_price_version(plan=pro, draft=draft, actor=actor_of(member))
        version = services.publish_version(version=version, actor=actor_of(member))
    services.invite_to_plan(
        plan=inner,
        organization_id=OrganizationFactory(name="Harbour Ltd").public_id,
        actor=actor_of(member),
    )
    move_subscribers(
        plan=pro, version=version, moves_on=clock.now().date() + timedelta(days=40), actor=SYSTEM
    )
    plan_moves(actor=SYSTEM)
    return member


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_plan_pages(
    look: Look,
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    context = open_context(look)
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    pro = Plan.objects.get(name="Pro").public_id
    mine = Subscription.objects.get().public_id
    partners = Plan.objects.get(name="Partners").public_id
    for name, path in (
        ("plan-terms", f"/console/provider/plans/{pro}/"),
        ("plan-versions", f"/console/provider/plans/{pro}/versions/?new=3&old=1"),
        ("plan-currency", f"/console/provider/plans/{pro}/currency/"),
        ("plan-terms-new", "/console/provider/plans/new/"),
        ("plan-access", f"/console/provider/plans/{partners}/access/"),
        ("plan-close-count", f"/console/provider/plans/{pro}/close/"),
        ("plan-moves", f"/console/provider/plans/{pro}/moves/"),
        ("subscription-coming", f"/console/subscriptions/{mine}/"),
        ("subscription-move", f"/console/subscriptions/{mine}/move/"),
        ("api-compare", "/apis/city-weather/"),
        ("subscribe-currencies", f"/console/subscribe/{pro}/?currency=EUR"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)
