"""Plans compared with each other, and versions of a plan with what they were before."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.pricing import services
from apps.pricing.drafts import FeatureDraft
from apps.pricing.models import Plan
from tests.clients import api_client, client_for
from tests.factories.accounts import actor_of, make_member
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM, make_plan, make_price

pytestmark = pytest.mark.django_db

SSO = FeatureDraft("sso", "Single sign-on")


def compare(plan: Plan) -> Any:
    return api_client().get(f"/api/v1/marketplace/apis/{plan.api.slug}/plans/compare").data


def rows_of(answer: Any) -> dict[str, list[Any]]:
    return {row["key"]: [cell["value"] for cell in row["cells"]] for row in answer["rows"]}


def test_plans_are_compared_side_by_side() -> None:
    basic = make_plan(make_api(), name="Basic", trial_days=14)
    make_plan(
        basic.api,
        name="Pro",
        position=1,
        key_limit=20,
        price=make_price(
            quota_calls=None, rate_per_second=50, features=(SSO,), components=(), interval="year"
        ),
    )
    make_plan(basic.api, name="Hidden", is_private=True)

    answer = compare(basic)
    rows = rows_of(answer)

    assert [plan["name"] for plan in answer["plans"]] == ["Basic", "Pro"]
    assert rows["base_fee"] == ["9", None]
    assert rows["quota"] == [10_000, None]
    assert rows["keys"] == [5, 20]
    assert rows["trial"] == [14, None]
    assert rows["rate_per_second"] == [None, 50]
    assert rows["feature:sso"] == [False, True]
    assert "rate_per_day" not in rows
    texts = {row["key"]: [cell["text"] for cell in row["cells"]] for row in answer["rows"]}
    assert texts["base_fee"] == ["$9.00 per month", "none"]
    assert texts["quota"] == ["10,000 per month", "no limit"]


def test_comparing_costs_the_same_with_one_plan_and_with_three() -> None:
    first = make_plan(make_api(), name="One")
    counts = []
    compare(first)  # what is read once for many requests
    for name in (None, "Two", "Three"):
        if name:
            make_plan(first.api, name=name)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            compare(first)
        counts.append(len(queries))

    assert counts == [5, 5, 5]


def test_the_page_of_an_api_compares_its_plans() -> None:
    basic = make_plan(make_api(), name="Basic")
    page = f"/apis/{basic.api.slug}/"
    assert "Compare the plans" not in client_for(make_member("owner")).get(page).content.decode()
    make_plan(basic.api, name="Pro", price=make_price(features=(SSO,)))

    shown = client_for(make_member("owner")).get(page).content.decode()

    assert "Compare the plans" in shown
    assert '<td data-label="Pro">' in shown
    assert "Single sign-on" in shown


def test_differences_of_two_versions_over_rest() -> None:
    member = make_member("developer")
    plan = make_plan(make_api(organization=member.organization))
    old, client = plan.versions.get(), api_client(member)
    base, calls = make_price().components
    new = services.add_price_version(
        plan=plan,
        draft=make_price(quota_calls=5_000, features=(SSO,), components=(calls,)),
        actor=SYSTEM,
    )
    url = f"/api/v1/provider/plans/{plan.public_id}/versions/{new.public_id}/differences"

    answer = client.get(url).data

    assert (answer["before"], answer["after"]) == (old.public_id, new.public_id)
    changed = {
        row["path"]: (row["before"], row["after"])
        for row in answer["differences"]
        if row["is_changed"]
    }
    assert changed == {
        "quota_calls": ("10000", "5000"),
        "features/sso": (None, "Single sign-on"),
        "prices/USD/base_fee/model": ("flat fee", None),
        "prices/USD/base_fee/flat_fee": ("9", None),
    }
    same = [row["path"] for row in answer["differences"] if not row["is_changed"]]
    assert "prices/USD/calls/tiers/1/unit_price" in same
    against = client.get(url, {"against": new.public_id}).data["differences"]
    assert not any(row["is_changed"] for row in against)
    assert client.get(url, {"against": "prv_nonsense"}).status_code == 404
    assert api_client(make_member("developer")).get(url).status_code == 404
    assert base.flat_fee == 9


def test_the_page_of_versions_tells_who_published_what_and_what_changed() -> None:
    member = make_member("developer")
    plan = make_plan(make_api(organization=member.organization))
    for quota in (20_000, 30_000):
        version = services.add_price_version(
            plan=plan, draft=make_price(quota_calls=quota), actor=actor_of(member)
        )
        services.publish_version(version=version, actor=actor_of(member))
    browser, page = client_for(member), f"/console/provider/plans/{plan.public_id}/versions/"

    newest = browser.get(page).content.decode()
    chosen = browser.get(page, {"new": 3, "old": 1}).content.decode()

    assert "From version 2 to version 3" in newest
    assert member.user.email in newest
    assert ("<del>20000</del>" in newest, "<ins>30000</ins>" in newest) == (True, True)
    assert "<del>10000</del>" in chosen
    assert browser.get(page, {"new": "x" * 50}).status_code == 200
    assert client_for(make_member("developer")).get(page).status_code == 404


def test_the_page_of_versions_asks_the_same_for_one_and_for_three() -> None:
    member = make_member("developer")
    plan = make_plan(make_api(organization=member.organization))
    browser, page = client_for(member), f"/console/provider/plans/{plan.public_id}/versions/"

    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(page).status_code == 200
        return len(queries)

    services.add_price_version(plan=plan, draft=make_price(), actor=SYSTEM)
    ask()  # what is read once for many requests
    two = ask()
    for _time in range(2):
        services.add_price_version(plan=plan, draft=make_price(), actor=SYSTEM)

    assert (two, ask()) == (15, 15)
