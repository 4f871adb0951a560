"""A sandbox's clock jumps: what falls due on the way happens in its order, at its own time, there alone."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.clock_jumps import ClockJump
from apps.accounts.enums import JumpStatus
from apps.accounts.exceptions import ClockIsAdvancing
from apps.accounts.models import Membership, Organization
from apps.accounts.services import advance_clock, get_clock_jump, take_clock_step
from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod, Invoice
from apps.core import clock
from apps.core.relay import drain_until_empty
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription, SubscriptionChange
from apps.subscriptions.services import cancel_at_period_end
from apps.usage.models import ShipperState
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.pricing import SYSTEM, make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def owner() -> Membership:
    return make_member("owner", OrganizationFactory(is_sandbox=True))


def jump_of(organization: Organization) -> ClockJump:
    jump = get_clock_jump(organization)
    assert jump is not None
    return jump


def lived(jump: ClockJump) -> list[str]:
    return [line["work"] for line in jump.happened]


def test_jump_lives_through_a_trial_and_its_months_in_order(owner: Membership) -> None:
    sandbox = owner.organization
    subscription = make_subscription(plan=make_plan(trial_days=10), consumer=sandbox)
    began = subscription.anchor

    advance_clock(organization=sandbox, actor=SYSTEM, by=100 * DAY)
    drain_until_empty()

    jump = jump_of(sandbox)
    assert jump.status == JumpStatus.DONE
    works = [name for name in lived(jump) if name in {"subscriptions.trials", "billing.periods"}]
    assert works == ["subscriptions.trials", *["billing.periods"] * 3]
    moments = [line["at"] for line in jump.happened]
    assert moments == sorted(moments)
    converted = SubscriptionChange.objects.get(kind="trial_converted")
    assert abs(converted.effective_at - (began + 10 * DAY)) < timedelta(minutes=1)
    periods = list(BillingPeriod.objects.filter(subscription=subscription).order_by("number"))
    assert [period.status for period in periods] == [*["closed"] * 3, "open"]
    invoices = list(Invoice.objects.filter(organization=sandbox).order_by("number"))
    ends = [period.period_end for period in periods[:3]]
    assert all(
        timedelta(0) <= invoice.issued_at - end < timedelta(hours=1)
        for invoice, end in zip(invoices, ends, strict=True)
        if invoice.issued_at is not None
    )


def test_end_that_comes_before_a_period_closes_opens_no_other(owner: Membership) -> None:
    subscription = make_subscription(consumer=owner.organization)
    cancel_at_period_end(subscription=subscription, actor=SYSTEM, reason="")

    advance_clock(organization=owner.organization, actor=SYSTEM, by=70 * DAY)
    drain_until_empty()

    assert BillingPeriod.objects.get(subscription=subscription).status == PeriodStatus.CLOSED
    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.CANCELLED
    assert lived(jump_of(owner.organization))[-2:] == ["subscriptions.ends", "billing.periods"]


def test_nobody_else_is_touched(owner: Membership) -> None:
    other = make_subscription(
        plan=make_plan(trial_days=10), consumer=OrganizationFactory(is_sandbox=True)
    )
    # Due there, too: it is that account's own clock, or the schedule, that lets it happen.
    Subscription.objects.filter(pk=other.pk).update(trial_ends_at=clock.now() - DAY)
    make_subscription(plan=make_plan(trial_days=10), consumer=owner.organization)

    advance_clock(organization=owner.organization, actor=SYSTEM, by=40 * DAY)
    drain_until_empty()

    other.refresh_from_db()
    other.consumer_organization.refresh_from_db()
    assert other.status == SubscriptionStatus.TRIALING
    assert other.consumer_organization.clock_offset == timedelta(0)
    assert BillingPeriod.objects.get(subscription=other).status == PeriodStatus.OPEN


def test_clock_waits_where_calls_are_on_their_way(owner: Membership) -> None:
    make_subscription(consumer=owner.organization)
    shipper = ShipperState.objects.create(
        node="1", oldest_unshipped_at=clock.now() - DAY, reported_at=clock.now()
    )

    advance_clock(organization=owner.organization, actor=SYSTEM, by=70 * DAY)
    drain_until_empty()

    jump = jump_of(owner.organization)
    assert (jump.status, jump.waits_for) == (JumpStatus.ADVANCING, "billing.periods")
    owner.organization.refresh_from_db()
    assert owner.organization.clock_offset < 32 * DAY
    with pytest.raises(ClockIsAdvancing):
        advance_clock(organization=owner.organization, actor=SYSTEM, by=DAY)

    shipper.delete()
    while take_clock_step(jump_id=jump.pk).outcome != "arrived":
        pass
    assert jump_of(owner.organization).status == JumpStatus.DONE
    assert BillingPeriod.objects.filter(status=PeriodStatus.CLOSED).count() == 2


def test_way_is_shown_over_rest_and_on_the_page(owner: Membership) -> None:
    make_subscription(plan=make_plan(trial_days=10), consumer=owner.organization)
    client = api_client(owner)
    path = f"/api/v1/organizations/{owner.organization.public_id}/clock"

    moved = client.post(path, {"by_seconds": 11 * 86_400})
    again = client.post(path, {"by_seconds": 1})
    page: Client = client_for(owner)
    on_its_way = page.get("/console/organization/clock/live/").text
    drain_until_empty()
    shown = client.get(path)

    assert (moved.status_code, moved.data["clock"]["status"]) == (202, "advancing")
    assert (again.status_code, again.data["code"]) == (409, "clock_is_advancing")
    assert "hx-trigger" in on_its_way
    assert (shown.data["status"], shown.data["jump"]["percent"]) == ("ready", 100)
    assert {"Trials that ended"} <= {line["label"] for line in shown.data["jump"]["happened"]}
    assert "Trials that ended: 1" in page.get("/console/organization/").text


def test_clock_of_another_tenant_does_not_exist(owner: Membership) -> None:
    path = f"/api/v1/organizations/{owner.organization.public_id}/clock"

    assert api_client(make_member("owner")).get(path).status_code == 404


def test_command_moves_the_clock_and_tells_what_happened(owner: Membership) -> None:
    make_subscription(plan=make_plan(trial_days=10), consumer=owner.organization)
    out = StringIO()

    call_command("advance_clock", owner.organization.public_id, "--by", "1w4d", stdout=out)

    owner.organization.refresh_from_db()
    assert owner.organization.clock_offset == 11 * DAY
    assert "Trials that ended: 1" in out.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        {"by": "eleven days"},
        {"by": "0d"},
        {"to": "tomorrow"},
        {"to": "2001-01-01"},
    ],
)
def test_command_refuses_what_is_no_way_forward(
    owner: Membership, arguments: dict[str, Any]
) -> None:
    with pytest.raises(CommandError):
        call_command("advance_clock", owner.organization.slug, **arguments)

    assert not ClockJump.objects.exists()


def test_command_takes_a_moment(owner: Membership) -> None:
    target = clock.now().replace(microsecond=0) + 30 * DAY

    call_command(
        "advance_clock", owner.organization.slug, "--to", target.isoformat(), stdout=StringIO()
    )

    owner.organization.refresh_from_db()
    assert abs(clock.business_now(owner.organization) - target) < timedelta(seconds=5)
