"""The platform's own plans: the file, who has which, what is refused, and where it is read and changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.cache import cache
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from apps.accounts.checks import check_platform_plans
from apps.accounts.enums import PlatformFeature, PlatformLimit
from apps.accounts.exceptions import LargestPlanReached, PlanLimitReached
from apps.accounts.models import Membership, Organization
from apps.accounts.platform_plans import counting
from apps.accounts.platform_plans.gates import has_feature, limit_of, require_room
from apps.accounts.platform_plans.reading import PlansFileError, load_plans, read_plans
from apps.accounts.platform_plans.registry import look_again
from apps.accounts.services import create_workspace, invite_member, set_platform_plan
from apps.core.models import AuditEvent, OutboxMessage
from apps.subscriptions.api_tiers import earned_tier, refresh_api_tier, refresh_api_tiers
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.apis import ApiFactory, make_api

pytestmark = pytest.mark.django_db

SHIPPED = Path(configured.PLATFORM_PLANS_FILE)
PARQUET, ALERTS = PlatformFeature.PARQUET_EXPORTS, PlatformFeature.ANOMALY_ALERTS
Give = Callable[..., Organization]


@pytest.fixture(autouse=True)
def free_by_default(settings: Settings) -> None:
    settings.PLATFORM_DEFAULT_PLAN = "free"


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


@pytest.fixture
def give(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Give:
    """Give an organization a plan, and let what follows the commit happen."""

    def wrapped(organization: Organization, plan: str, **more: Any) -> Organization:
        with django_capture_on_commit_callbacks(execute=True):
            return set_platform_plan(
                organization=organization,
                plan=plan,
                actor=actor_of(make_staff("operator")),
                reason="Signed up for it.",
                **more,
            )

    return wrapped


@pytest.fixture
def plans_file(tmp_path: Path, settings: Settings) -> Path:
    """A copy of the shipped file that the test may change."""
    path = tmp_path / "plans.yml"
    path.write_bytes(SHIPPED.read_bytes())
    settings.PLATFORM_PLANS_FILE = str(path)
    return path


def test_the_shipped_file_has_three_plans_that_grow() -> None:
    plans = load_plans(SHIPPED)

    assert [plan.key for plan in plans.plans] == ["free", "pro", "team"]
    assert [plan.limit_of(PlatformLimit.APIS) for plan in plans.plans] == [3, 25, None]
    assert [len(plan.features) for plan in plans.plans] == [0, 2, 3]
    assert [plan.api_tier for plan in plans.plans] == ["", "paid-2", "paid-3"]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("version: 1", "version: 2", 6, "version: 1 was expected"),
        ("      apis: 3", "      apis: -1", 17, "plans/0/limits/apis: -1 is less than the minimum of 0"),
        ("      apis: 3", "      calls: 3", 16, "'calls' was unexpected"),
        ("      apis: 3", "      members: 3", 18, "'members' is given twice"),
        ("  - key: pro", "  - key: free", 24, "two plans have the key 'free'"),
        ("features: [custom_domains, parquet_exports]\n", "features: [yachts]\n", 41, "'yachts'"),
        ("features: []", "features: [", 24, "not YAML"),
        ("features: []", "features: &a []", None, None),
        ("features: [custom_domains, parquet_exports]\n", "features: *b\n", 41, "aliases"),
        ('amount: "29.00"', "amount: 29.00", 32, "is not of type 'string'"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_by_line_and_reason(
    old: str, new: str, line: int | None, reason: str | None
) -> None:
    content = SHIPPED.read_text(encoding="utf-8")
    assert old in content
    changed = content.replace(old, new, 1).encode()

    if reason is None:
        read_plans(changed)
        return
    with pytest.raises(PlansFileError) as refusal:
        read_plans(changed)

    assert refusal.value.line == line
    assert reason in refusal.value.reason


def test_what_is_no_file_of_plans_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfe\x00", b"[" * 5000, b"a: b\n" * 20_000):
        with pytest.raises(PlansFileError):
            read_plans(content)
    with pytest.raises(PlansFileError, match="cannot be read"):
        load_plans(tmp_path / "none.yml")


def test_the_start_is_stopped_by_a_bad_file_and_by_an_unknown_default(
    plans_file: Path, settings: Settings
) -> None:
    assert check_platform_plans() == []

    settings.PLATFORM_DEFAULT_PLAN = "gold"
    (unknown,) = check_platform_plans()
    plans_file.write_text("version: 1\nplans: []\n", encoding="utf-8")
    (bad,) = check_platform_plans()

    assert (unknown.id, bad.id) == ("accounts.E002", "accounts.E001")
    assert "write one of free, pro, team" in unknown.msg
    assert "plans.yml: line 2: plans: [] should be non-empty" in bad.msg


def test_a_changed_file_holds_without_a_restart_and_a_broken_one_is_passed_over(
    plans_file: Path, owner: Membership
) -> None:
    assert limit_of(owner.organization_id, "members") == 5

    _write(plans_file, plans_file.read_text(encoding="utf-8").replace("members: 5", "members: 1"))
    assert limit_of(owner.organization_id, "members") == 1
    with pytest.raises(PlanLimitReached):
        require_room(owner.organization_id, "members")

    with capture_logs() as logs:
        _write(plans_file, "version: 1\nplans: nothing\n")
        assert limit_of(owner.organization_id, "members") == 1
        look_again()
        assert limit_of(owner.organization_id, "members") == 1
    refused = [entry for entry in logs if entry["event"] == "platform_plans.refused"]
    assert [(entry["line"], entry["reason"]) for entry in refused] == [
        (2, "plans: 'nothing' is not of type 'array'")
    ]


def _write(path: Path, content: str) -> None:
    """Change a file as an editor does: its time is another one, even within the clock's step."""
    path.write_text(content, encoding="utf-8")
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000))
    look_again()


def test_lookups_ask_the_database_once_and_a_change_is_seen_at_once(
    owner: Membership, give: Give, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    organization = owner.organization
    with django_assert_num_queries(1):
        assert not has_feature(organization.pk, PARQUET)
    with django_assert_num_queries(0):
        assert limit_of(organization.pk, "apis") == 3
        assert not has_feature(organization.pk, PARQUET)

    give(organization, "pro")

    # Nothing of it is kept in this process: what Valkey says is what every process reads.
    with django_assert_num_queries(0):
        assert has_feature(organization.pk, PARQUET)
        assert limit_of(organization.pk, "apis") == 25
    assert cache.get(f"platform-plan:{organization.pk}") == ("pro", None)


def test_without_valkey_the_row_is_read(owner: Membership, give: Give, settings: Settings) -> None:
    give(owner.organization, "team")
    dead = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "default": dead}

    assert has_feature(owner.organization_id, ALERTS)
    give(owner.organization, "free")
    assert not has_feature(owner.organization_id, ALERTS)


def test_a_missing_feature_is_a_402_that_says_where_to_get_it(
    owner: Membership, give: Give
) -> None:
    client = api_client(owner)
    ask = {"format": "parquet", "period": "24h"}
    refused = client.post("/api/v1/usage/exports", ask, format="json")

    assert refused.status_code == 402
    assert refused["Content-Type"] == "application/problem+json"
    body = refused.json()
    assert {name: body[name] for name in ("code", "feature", "current_plan", "required_plan")} == {
        "code": "plan_required",
        "feature": "parquet_exports",
        "current_plan": "free",
        "required_plan": "pro",
    }
    assert body["errors"][0]["pointer"] == "/format"
    path = body["upgrade_url"].removeprefix(configured.PUBLIC_URL)
    page = client_for(owner).get(path)
    assert page.status_code == 200
    assert 'id="wanted"' in page.content.decode()
    assert client.post("/api/v1/usage/exports", {"period": "24h"}, format="json").status_code == 202

    give(owner.organization, "pro")
    assert client.post("/api/v1/usage/exports", ask, format="json").status_code == 202


def test_domains_and_alerts_need_a_plan(owner: Membership, give: Give) -> None:
    client = api_client(owner)
    api = ApiFactory(organization=owner.organization)
    domains = f"/api/v1/provider/apis/{api.public_id}/domains"
    for_domain = client.post(domains, {"hostname": "api.acme.example"}, format="json")
    settings_path = "/api/v1/usage/anomaly-settings"
    for_alerts = client.put(settings_path, {"sensitivity": "nonsense"}, format="json")

    assert (for_domain.status_code, for_domain.json()["required_plan"]) == (402, "pro")
    assert (for_alerts.status_code, for_alerts.json()["required_plan"]) == (402, "team")
    assert not api.domains.exists()

    give(owner.organization, "team")
    assert client.put(settings_path, {"sensitivity": "high"}, format="json").status_code == 200
    assert client.post(domains, {"hostname": "api.acme.example"}, format="json").status_code == 201


def test_a_lapsed_plan_is_named(owner: Membership, give: Give, monkeypatch: Any) -> None:
    from apps.core import clock  # noqa: PLC0415 -- its `now` is replaced below

    until = clock.now() + timedelta(days=1)
    give(owner.organization, "pro", until=until)
    assert has_feature(owner.organization_id, PARQUET)

    monkeypatch.setattr(clock, "now", lambda: until)
    ask = {"format": "parquet", "period": "24h"}
    refused = api_client(owner).post("/api/v1/usage/exports", ask, format="json")

    assert refused.status_code == 402
    body = refused.json()
    assert [body[name] for name in ("code", "lapsed_plan", "current_plan", "required_plan")] == [
        "plan_lapsed", "pro", "free", "pro",
    ]  # fmt: skip
    page = client_for(owner).get("/console/plan/").content.decode()
    assert "Pro ran out on" in page


def test_members_and_invitations_share_a_limit(owner: Membership) -> None:
    actor = actor_of(owner)
    for number in range(4):
        invite_member(
            organization=owner.organization,
            email=f"new{number}@example.com",
            role="viewer",
            actor=actor,
        )

    path = f"/api/v1/organizations/{owner.organization.public_id}/invitations"
    wanted = {"email": "sixth@example.com", "role": "viewer"}
    refused = api_client(owner).post(path, wanted, format="json")
    page = client_for(owner).post("/console/organization/members/invite/", wanted)

    assert refused.status_code == 402
    body = refused.json()
    assert [body[name] for name in ("code", "limit", "max", "used", "required_plan")] == [
        "plan_limit_reached", "members", 5, 5, "pro",
    ]  # fmt: skip
    assert body["errors"][0]["pointer"] == "/email"
    assert page.status_code == 422
    assert "/console/plan/?for=members" in page.content.decode()
    assert owner.organization.invitations.count() == 4


def test_apis_workspaces_webhooks_and_meters_have_limits(
    owner: Membership, plans_file: Path
) -> None:
    organization = owner.organization
    make_api("active", organization)
    make_api("pending_approval", organization)
    make_api("draft", organization)
    assert counting.used_of(organization.pk, PlatformLimit.APIS) == 2
    content = plans_file.read_text(encoding="utf-8")
    for most in ("apis: 3", "workspaces: 3", "webhook_endpoints: 3", "meters_per_api: 5"):
        content = content.replace(most, most.split(":")[0] + ": 1", 1)
    _write(plans_file, content)

    for limit, used in (("apis", None), ("webhook_endpoints", 1), ("meters_per_api", 1)):
        with pytest.raises(PlanLimitReached):
            require_room(organization.pk, limit, used=used)
    with pytest.raises(PlanLimitReached) as refusal:
        create_workspace(organization=organization, name="Second", actor=actor_of(owner))
    assert refusal.value.field == "name"
    assert organization.workspaces.count() == 1


def test_no_plan_allowing_more_is_a_conflict(owner: Membership, plans_file: Path) -> None:
    content = plans_file.read_text(encoding="utf-8")
    _write(plans_file, content.replace("limits: {}", "limits: {workspaces: 4}"))

    with pytest.raises(LargestPlanReached) as refusal:
        require_room(owner.organization_id, "workspaces", used=10)

    assert (refusal.value.status, refusal.value.extra["required_plan"]) == (409, None)


def test_the_plan_over_rest(owner: Membership, give: Give) -> None:
    path = f"/api/v1/organizations/{owner.organization.public_id}/plan"
    before = api_client(owner).get(path).json()
    give(owner.organization, "pro")
    after = api_client(owner).get(path).json()

    assert (before["plan"]["key"], before["is_default"]) == ("free", True)
    assert before["limits"][1] == {"limit": "members", "used": 1, "max": 5, "left": 4}
    assert (after["plan"]["key"], after["is_default"]) == ("pro", False)
    parquet = {"feature": "parquet_exports", "is_included": True, "required_plan": "pro"}
    assert parquet in after["features"]
    assert api_client(make_member("owner")).get(path).status_code == 404
    keys = [row["key"] for row in api_client().get("/api/v1/platform-plans").json()["results"]]
    assert keys == ["free", "pro", "team"]


def test_the_operator_gives_a_plan_over_rest(owner: Membership) -> None:
    path = f"/api/v1/admin/organizations/{owner.organization.public_id}/plan"
    client = api_client(make_staff("operator"))
    wrong = [
        client.put(path, {"plan": "gold", "reason": "x"}, format="json"),
        client.put(path, {"plan": "pro", "reason": " "}, format="json"),
        client.put(path, {"plan": "pro", "reason": "x", "until": "2020-01-01T00:00:00Z"}, format="json"),
        client.put(path, {"plan": "", "reason": "x", "until": "2090-01-01T00:00:00Z"}, format="json"),
    ]  # fmt: skip
    given = client.put(path, {"plan": "pro", "reason": "Contract 12"}, format="json")

    places = [(answer.status_code, answer.json()["errors"][0]["pointer"]) for answer in wrong]
    assert places == [(422, "/plan"), (400, "/reason"), (422, "/until"), (422, "/until")]
    assert (given.status_code, given.json()["plan"]["key"]) == (200, "pro")
    (audit,) = AuditEvent.objects.filter(action="accounts:organization:platform_plan_changed")
    assert (audit.organization_id, audit.reason) == (owner.organization_id, "Contract 12")
    assert audit.after["platform_plan"] == "pro"
    told = [str(message.payload) for message in OutboxMessage.objects.all()]
    assert any("follow_platform_plan" in payload for payload in told)
    assert client.get(path.replace("org_", "usr_")).status_code == 404


def test_the_operator_gives_a_plan_in_the_back_office(owner: Membership) -> None:
    path = f"/backoffice/accounts/organization/{owner.organization_id}/plan/"
    browser = client_for(make_staff("operator"))
    shown = browser.get(path)
    without_reason = browser.post(path, {"plan": "team"})
    given = browser.post(path, {"plan": "team", "reason": "Pilot"})

    assert shown.status_code == 200
    assert "Give another plan" in shown.content.decode()
    assert (without_reason.status_code, given.status_code) == (422, 302)
    owner.organization.refresh_from_db()
    assert owner.organization.platform_plan == "team"
    assert client_for(make_staff("approver")).get(path).status_code == 403
    change = browser.get(f"/backoffice/accounts/organization/{owner.organization_id}/change/")
    assert path in change.content.decode()


def test_the_page_reads_as_much_for_many_members_as_for_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for count in (1, 3):
        owner = make_member("owner")
        for _number in range(count - 1):
            make_member("viewer", owner.organization)
        browser = client_for(owner)
        browser.get("/console/plan/")
        with django_assert_num_queries(PAGE_QUERIES):
            page = browser.get("/console/plan/")
        assert f"{count} of 5" in " ".join(page.content.decode().split())


PAGE_QUERIES = 13


def test_a_refused_page_shows_the_plans(owner: Membership) -> None:
    page = client_for(owner).post("/console/usage/anomalies/", {"sensitivity": "high"})

    assert page.status_code == 402
    text = page.content.decode()
    assert "Alerts about unusual usage: part of the plan Team. You have Free." in text
    assert "/console/plan/?for=anomaly_alerts" in text
    assert "Plans compared" in text


def test_a_given_plan_decides_the_tier_of_the_api(give: Give, owner: Membership) -> None:
    organization = owner.organization
    assert earned_tier(organization.pk) == ""

    give(organization, "pro")
    assert refresh_api_tier(organization.pk)
    organization.refresh_from_db()
    assert organization.api_tier == "paid-2"

    give(organization, "team")
    assert refresh_api_tiers() == 1
    give(organization, "")
    assert earned_tier(organization.pk) == ""
    other = OrganizationFactory()
    assert earned_tier(other.pk) == ""
