"""kill -9 in the middle of a change of plan, a load of the catalogue, and a jump of a clock.

A lock that the test holds lets each process come exactly as far as the last rows that it writes; there it dies. Nothing of what it
did may stay, and the same once more must work, and be billed once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from apps.accounts.clock_jumps import ClockJump
from apps.accounts.enums import JumpStatus
from apps.accounts.models import Organization
from apps.accounts.services import create_service_token
from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod
from apps.core import clock
from apps.core.models import AuditEvent, IdempotencyKey
from apps.core.relay import drain_until_empty
from apps.pricing.enums import LoadOutcome
from apps.pricing.models import CatalogueLoad, CatalogueModel, CatalogueRevision
from apps.pricing.services import load_catalogue
from apps.subscriptions.enums import PlannedChangeStatus
from apps.subscriptions.models import PlannedChange, Subscription, SubscriptionChange
from apps.subscriptions.services import ChangeWish, change_plan
from tests.database_gate import closed_gate
from tests.factories.accounts import OrganizationFactory
from tests.factories.keys import SYSTEM
from tests.factories.plan_changes import APRIL, charged, make_offer, make_paying, set_clock
from tests.programs import kill, start, web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Readers pass, whoever inserts waits.
STOP_AT: Final = "LOCK TABLE {table} IN SHARE MODE"


def kill_at(table: str, *arguments: str) -> None:
    """Let a command come to its first insert into a table, and kill it there."""
    with closed_gate(STOP_AT.format(table=table)) as gate:
        program = start(*arguments)
        try:
            waiting = gate.wait_for(1)
        finally:
            kill(program)
        gate.open()
        gate.wait_until_gone(waiting)


@pytest.fixture
def sandbox() -> Organization:
    return OrganizationFactory(is_sandbox=True)


def secret_of(organization: Organization) -> str:
    return create_service_token(
        organization=organization,
        name="Changes",
        permissions=frozenset({"subscriptions.read", "subscriptions.manage"}),
        actor=SYSTEM,
    ).secret


def test_change_of_plan(sandbox: Organization) -> None:
    """Killed in web's own process, at the first invoice line: the subscription and its history are written by then."""
    subscription = make_paying("100", consumer=sandbox)
    pro = make_offer(subscription, "150")
    set_clock(sandbox, APRIL.replace(day=11, hour=12))
    secret = secret_of(sandbox)
    audited = AuditEvent.objects.count()
    request: dict[str, Any] = {
        "url": f"/api/v1/subscriptions/{subscription.public_id}/change",
        "json": {"plan": pro.public_id},
        "headers": {
            "Authorization": f"Bearer {secret}",
            "Idempotency-Key": "the same",
        },
    }
    with (
        web() as (program, client),
        ThreadPoolExecutor(1) as pool,
        closed_gate(STOP_AT.format(table="billing_invoiceline")) as gate,
    ):
        asked = pool.submit(client.post, **request)
        waiting = gate.wait_for(1)
        kill(program)
        with pytest.raises(httpx.HTTPError):
            asked.result()
        gate.open()
        gate.wait_until_gone(waiting)

    untouched = Subscription.objects.get(pk=subscription.pk)
    assert (untouched.plan, untouched.price_version) == (
        subscription.plan,
        subscription.price_version,
    )
    assert charged(subscription) == [10_000]
    assert BillingPeriod.objects.get().status == PeriodStatus.OPEN
    assert not SubscriptionChange.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert AuditEvent.objects.count() == audited

    again = APIClient(headers=request["headers"])
    answers = [again.post(request["url"], request["json"]) for _time in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert charged(subscription) == [10_000, -6_667, 10_000]
    assert SubscriptionChange.objects.filter(kind="plan_changed").count() == 1
    assert BillingPeriod.objects.count() == 2


def catalogue(folder: Path, **prices: str) -> Path:
    rows = [
        f"  - {{id: {key}, name: {key}, type: subscription, billing_cycle: monthly, base_price: {price}}}"
        for key, price in prices.items()
    ]
    path = folder / "prices.yaml"
    path.write_text("\n".join(["pricing_models:", *rows, ""]), encoding="utf-8")
    return path


def prices_now() -> dict[str, Any]:
    return {
        row.key: row.versions.order_by("-number")[0].definition["base_price"]
        for row in CatalogueModel.objects.filter(is_active=True)
    }


def test_load_of_the_catalogue(tmp_path: Path) -> None:
    """Killed when every model and the revision are written, and only the note of the load is missing."""
    load_catalogue(path=catalogue(tmp_path, small="10", large="20"), trigger="test", actor=SYSTEM)
    before = prices_now()
    path = str(catalogue(tmp_path, small="11", huge="90"))

    kill_at("pricing_catalogueload", "manage.py", "load_pricing", path)

    assert prices_now() == before
    assert set(before) == {"small", "large"}
    assert CatalogueRevision.objects.count() == CatalogueLoad.objects.count() == 1
    call_command("load_pricing", path)
    assert set(prices_now()) == {"small", "huge"}
    again = load_catalogue(path=Path(path), trigger="test", actor=SYSTEM)
    assert again.outcome == LoadOutcome.UNCHANGED


def test_jump_of_a_clock(sandbox: Organization) -> None:
    """Killed while the month on the way is closed, and what waited for its end was carried out in the same transaction."""
    # A clock runs ahead by three years at most.
    began = clock.now() + timedelta(minutes=1)
    subscription = make_paying("100", consumer=sandbox, start=began)
    small = make_offer(subscription, "50", name="Small")
    change_plan(subscription=subscription, wish=ChangeWish(plan=small), actor=SYSTEM)
    jump = ("manage.py", "advance_clock", sandbox.public_id, "--by", "40d")

    kill_at("billing_invoiceline", *jump)

    half_way = ClockJump.objects.get()
    assert half_way.status == JumpStatus.ADVANCING
    assert charged(subscription) == [10_000]
    assert BillingPeriod.objects.get().status == PeriodStatus.OPEN

    said = StringIO()
    call_command(*jump[1:], stdout=said)

    half_way.refresh_from_db()
    assert half_way.status == JumpStatus.DONE
    assert "An earlier move" in said.getvalue()
    assert charged(subscription) == [10_000, 5_000]
    assert PlannedChange.objects.get().status == PlannedChangeStatus.APPLIED
    assert SubscriptionChange.objects.filter(kind="plan_changed").count() == 1
    numbers = list(BillingPeriod.objects.order_by("number").values_list("number", flat=True))
    assert numbers == [0, 1]
    # The relay finds the message of the jump, and nothing left to do.
    drain_until_empty()
    assert charged(subscription) == [10_000, 5_000]
    assert ClockJump.objects.count() == 1
