"""What people do with plans and trials, done over HTTP against web as it runs in production; the test plays the relay."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings

from apps.accounts.models import Membership, Organization
from apps.accounts.roles import permissions_of
from apps.accounts.services import create_service_token
from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification
from apps.pricing.enums import TrialEnd
from apps.pricing.models import Plan
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.apis import make_api
from tests.factories.keys import SYSTEM
from tests.factories.pricing import make_plan
from tests.programs import web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

DAY_S = 86_400


class Program:
    """An organization's own program, which asks by a service token with all that its owner may do."""

    def __init__(self, client: httpx.Client, organization: Organization) -> None:
        issued = create_service_token(
            organization=organization,
            name="Walk",
            permissions=permissions_of("owner"),
            actor=SYSTEM,
        )
        self.organization = organization
        self._client = client
        self._headers = {"Authorization": f"Bearer {issued.secret}"}

    def get(self, path: str) -> Any:
        answer = self._client.get(f"/api/v1/{path}", headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: object) -> tuple[int, Any]:
        answer = self._client.post(f"/api/v1/{path}", json=body, headers=self._headers)
        return answer.status_code, answer.json() if answer.content else {}

    def subscribe(self, plan: Plan) -> str:
        status, body = self.post("subscriptions", plan=plan.public_id)
        assert status == 201, body
        return str(body["id"])

    def refusal(self, path: str, **body: object) -> tuple[int, str]:
        status, answer = self.post(path, **body)
        return status, answer.get("code", "")

    def advance(self, days: int) -> None:
        path = f"organizations/{self.organization.public_id}/clock"
        status, body = self.post(path, by_seconds=days * DAY_S + 3_600)
        assert status in {200, 202}, body
        drain_until_empty()
        assert self.get(path)["status"] == "ready"


def told(person: Membership) -> list[str]:
    rows = Notification.objects.filter(user=person.user, kind__startswith="subscriptions.trial")
    return list(rows.order_by("pk").values_list("kind", flat=True))


def status_of(program: Program, subscription: str) -> str:
    return str(program.get(f"subscriptions/{subscription}")["status"])


def trials(client: httpx.Client) -> None:
    """A trial costs nothing, is announced, and is then paid for, or over."""
    person = make_member("owner", OrganizationFactory(is_sandbox=True))
    consumer = Program(client, person.organization)
    paid = consumer.subscribe(make_plan(trial_days=10))
    ending_plan = make_plan(trial_days=10)
    Plan.objects.filter(pk=ending_plan.pk).update(trial_end=TrialEnd.END)
    ending = consumer.subscribe(ending_plan)
    assert [status_of(consumer, each) for each in (paid, ending)] == ["trialing", "trialing"]

    consumer.advance(8)
    assert len(told(person)) == 2
    consumer.advance(1)
    assert len(told(person)) == 4
    assert consumer.get("billing/invoices")["data"] == []
    consumer.advance(1)
    assert [status_of(consumer, each) for each in (paid, ending)] == ["active", "expired"]
    assert len(told(person)) == 6


def lifecycle(client: httpx.Client) -> None:
    """Deprecated keeps its subscribers and takes no more; closed ends with the period; private is for the invited."""
    provider = Program(client, OrganizationFactory())
    api = make_api(organization=provider.organization)
    first, second = (Program(client, OrganizationFactory(is_sandbox=True)) for _each in range(2))
    plan = make_plan(api, name="Old")
    kept = first.subscribe(plan)

    assert provider.post(f"provider/plans/{plan.public_id}/deprecate")[0] == 200
    refused = second.refusal("subscriptions", plan=plan.public_id)
    assert refused == (409, "plan_not_offered")
    assert status_of(first, kept) == "active"
    assert provider.post(f"provider/plans/{plan.public_id}/close")[0] == 200
    drain_until_empty()
    assert first.get(f"subscriptions/{kept}")["ends_at"]
    assert status_of(first, kept) == "active"
    first.advance(32)
    assert status_of(first, kept) == "cancelled"

    private = make_plan(api, name="Inner", is_private=True)
    assert second.refusal("subscriptions", plan=private.public_id)[0] == 404
    invited = provider.post(
        f"provider/plans/{private.public_id}/invitations",
        organization_id=second.organization.public_id,
    )
    assert invited[0] == 201
    second.subscribe(private)
    assert first.refusal("subscriptions", plan=private.public_id)[0] == 404


def approval(client: httpx.Client) -> None:
    """What its provider decides on has no key before."""
    provider = Program(client, OrganizationFactory())
    api = make_api(organization=provider.organization)
    consumer = Program(client, OrganizationFactory())
    waiting = consumer.subscribe(make_plan(api, requires_approval=True))

    assert status_of(consumer, waiting) == "pending_approval"
    status, _code = consumer.refusal("keys", subscription=waiting, name="Early")
    assert status == 409
    assert provider.post(f"provider/subscriptions/{waiting}/accept")[0] == 200
    assert status_of(consumer, waiting) == "active"
    assert consumer.post("keys", subscription=waiting, name="In time")[0] == 201


def platform_plans(client: httpx.Client, plans_file: Path) -> None:
    """A blocked feature says where to get it; a limit of the file holds as soon as the file is changed."""
    consumer = Program(client, OrganizationFactory())
    status, body = consumer.post("usage/exports", format="parquet", period="24h")
    assert status == 402
    assert (body["feature"], body["current_plan"], body["required_plan"]) == (
        "parquet_exports",
        "free",
        "pro",
    )
    where = urlsplit(body["upgrade_url"])
    page = client.get(f"{where.path}?{where.query}")
    assert page.status_code == 302  # to the login, and back from there
    assert where.path.strip("/").split("/")[-1] in page.headers["location"]

    workspaces = f"organizations/{consumer.organization.public_id}/workspaces"
    text = plans_file.read_text(encoding="utf-8")
    allowed = text.index("workspaces: ") + len("workspaces: ")
    most = int(text[allowed:].split("\n")[0])
    for number in range(most - 1):
        assert consumer.post(workspaces, name=f"W {number}")[0] == 201
    status, body = consumer.post(workspaces, name="One too many")
    assert (status, body["code"], body["max"], body["used"]) == (
        402,
        "plan_limit_reached",
        most,
        most,
    )

    plans_file.write_text(f"{text[:allowed]}{most + 1}{text[allowed + len(str(most)) :]}")
    os.utime(plans_file, ns=(time.time_ns(), time.time_ns() + 1_000_000))
    deadline = time.monotonic() + 10
    while consumer.post(workspaces, name="One too many")[0] != 201:
        assert time.monotonic() < deadline, "the changed file does not hold"
        time.sleep(0.1)


def test_walks(tmp_path: Path) -> None:
    plans_file = tmp_path / "plans.yml"
    plans_file.write_text(Path(settings.PLATFORM_PLANS_FILE).read_text(encoding="utf-8"))
    with web(PLATFORM_PLANS_FILE=str(plans_file), PLATFORM_DEFAULT_PLAN="free") as (_run, client):
        trials(client)
        lifecycle(client)
        approval(client)
        platform_plans(client, plans_file)
