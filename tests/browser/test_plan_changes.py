"""Changing a plan in a browser: choosing, the preview, the scheduled change, the history and the cancellation."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.core.actors import Actor
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import ChangeWish, change_plan
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.plan_changes import APRIL, charged, make_offer, make_paying, set_clock

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = Actor.system("tests")


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """A consumer who pays 100.00 a month in advance since 1 April; it is the 11th."""
    organization = OrganizationFactory(is_sandbox=True)
    member = make_member("owner", name="Mara Okafor", organization=organization)
    subscription = make_paying("100", consumer=organization, timezone="UTC")
    Plan.objects.filter(pk=subscription.plan_id).update(description="For a first product.")
    pro = make_offer(subscription, "150", quota_calls=50_000, plan={"max_quantity": 20})
    pro.versions.get().components.create(
        meter="calls", name="Calls", model="per_unit", unit_price=Decimal("0.002")
    )
    make_offer(subscription, "50", name="Small", quota_calls=1_000)
    make_offer(subscription, "1440", name="Yearly", interval="year", in_advance=False)
    set_clock(organization, APRIL.replace(day=11, hour=12))
    return member


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_plan_change_pages(
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
    subscription = Subscription.objects.get()
    pro, small, yearly = (Plan.objects.get(name=name) for name in ("Pro", "Small", "Yearly"))
    own = f"/console/subscriptions/{subscription.public_id}/"
    for name, path in (
        ("choose", "plan/"),
        ("upgrade", f"plan/?plan={pro.public_id}&quantity=2&timing="),
        ("downgrade", f"plan/?plan={small.public_id}&quantity=1&timing="),
        ("credit", f"plan/?plan={small.public_id}&quantity=1&timing=now"),
        ("interval", f"plan/?plan={yearly.public_id}&quantity=1&timing=now"),
        ("cancel", "cancel/"),
    ):
        look_at(page, own + path, f"plan-change-{name}", look, artifacts, find_violations)
    page.goto(f"{own}plan/?plan={small.public_id}&quantity=3&timing=")
    page.screenshot(path=artifacts / f"plan-change-refused-{look.name}.png", full_page=True)
    assert find_violations(page) == []
    wishes = (ChangeWish(plan=pro, quantity=2), ChangeWish(plan=small, quantity=1))
    for wish in wishes:
        subscription = change_plan(subscription=subscription, wish=wish, actor=ACTOR)
    look_at(page, own, "plan-change-scheduled", look, artifacts, find_violations)
    look_at(page, f"{own}plan/", "plan-change-again", look, artifacts, find_violations)


def test_plan_is_changed_planned_and_kept_by_hand(
    member: Membership, live_server: object, open_context: Callable[..., BrowserContext]
) -> None:
    context = open_context()
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    subscription = Subscription.objects.get()
    own = f"/console/subscriptions/{subscription.public_id}/"
    visit(page, own)
    page.get_by_role("link", name="Change plan").first.click()
    page.get_by_role("radio", name="Pro", exact=True).check()
    page.get_by_role("button", name="See what it costs").click()
    preview = page.locator("#preview")
    expect(preview.get_by_role("row", name="Today in all")).to_contain_text("33.33")
    preview.get_by_role("button", name="Change now").click()
    expect(page.get_by_role("heading", name="Pro", exact=True)).to_be_visible()
    expect(page.get_by_role("list").filter(has_text="33.33 before tax")).to_be_visible()
    assert charged(subscription) == [10_000, -6_667, 10_000]

    page.get_by_role("link", name="Change plan").first.click()
    page.get_by_role("radio", name="Small", exact=True).check()
    page.get_by_role("button", name="See what it costs").click()
    page.get_by_role("button", name="Schedule the change").click()
    expect(page.get_by_text("A change of plan is scheduled")).to_be_visible()
    page.get_by_role("button", name="Keep the present plan").click()
    expect(page.get_by_text("The plan stays as it is.")).to_be_visible()
    expect(page.get_by_text("A change of plan is scheduled")).to_have_count(0)
    subscription.refresh_from_db()
    assert subscription.plan.name == "Pro"
    assert [row.status for row in subscription.planned_changes.all()] == ["withdrawn"]
