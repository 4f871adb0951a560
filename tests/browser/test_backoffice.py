"""The back office in our tokens: light, dark and on a phone, without a serious violation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from apps.accounts.models import User
from apps.apis.services.verification import ProviderDetails, request_verification
from apps.approvals.enums import Priority
from apps.approvals.models import ApprovalRequest, BusinessCalendar, SlaPolicy
from apps.approvals.services import add_comment, change_priority, reject_request
from apps.core import clock
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.clients import client_for
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.apis import ApiVersionFactory, EndpointFactory
from tests.factories.approvals import make_older, make_request

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ("/backoffice/", "/backoffice/accounts/user/", "/backoffice/accounts/organization/")


@pytest.fixture
def staff_session(settings: Settings) -> str:
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(
        User.objects.create_superuser(email="acme@example.com", password="unused-here")
    )
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_back_office_has_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    staff_session: str,
    artifacts: Path,
    live_server: object,
) -> None:
    context = open_context(look)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": staff_session, "url": str(live_server)}])
    page = context.new_page()
    for path in PAGES:
        visit(page, path)
        picture = path.strip("/").replace("/", "-")
        page.screenshot(path=artifacts / f"{picture}-{look.name}.png")
        assert find_violations(page) == []


def test_dark_theme_is_chosen_by_the_cookie(
    open_context: Callable[..., BrowserContext], staff_session: str, live_server: object
) -> None:
    context = open_context()
    pairs = {django_settings.SESSION_COOKIE_NAME: staff_session, "theme": "dark"}
    context.add_cookies(
        [{"name": name, "value": value, "url": str(live_server)} for name, value in pairs.items()]
    )
    page = context.new_page()
    visit(page, "/backoffice/")
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    assert page.evaluate(scheme) == "dark"


def fill_queue(approver: User) -> ApprovalRequest:
    """Make requests in several states, and return one that has everything about it."""
    now = clock.now()
    rich = make_older(make_request(priority=Priority.HIGH), timedelta(days=1, hours=3))
    version = ApiVersionFactory(api_id=rich.subject_id)
    parameters = [
        {"name": "place", "in": "path", "required": True, "schema": {"type": "string"}},
        {
            "name": "days",
            "in": "query",
            "required": False,
            "schema": {"type": "integer", "default": 3},
        },
    ]
    EndpointFactory(version=version, path="/forecast/{place}", parameters=parameters)
    actor = actor_of(approver)
    add_comment(request=rich, actor=actor, body="Please look, @someone", is_internal=True)
    add_comment(request=rich, actor=actor, body="Thank you, we look at it.", is_internal=False)
    change_priority(request=rich, priority=Priority.URGENT, actor=actor, comment="A fair is near")
    ApprovalRequest.objects.filter(pk=rich.pk).update(due_at=now - timedelta(hours=2))
    make_request()
    make_request(waiting_since=now - timedelta(hours=1), status="info_requested")
    make_request(assignee=approver)
    decided = make_older(make_request(), timedelta(days=2))
    reject_request(request=decided, actor=actor, comment="Nothing answers there.")
    details = ProviderDetails(
        legal_name="Acme Weather Ltd",
        website="https://weather.example.com",
        contact_name="Ann Lee",
        contact_email="ann@example.com",
        statement="Forecasts from our own stations.",
    )
    owner = make_member("owner")
    request_verification(organization=owner.organization, details=details, actor=actor_of(owner))
    return ApprovalRequest.objects.get(pk=rich.pk)


def approver_pages(request: ApprovalRequest) -> dict[str, str]:
    """Name every page that approvers work with."""
    verification = ApprovalRequest.objects.get(subject_type="accounts.provider_verification")
    calendar, _is_new = BusinessCalendar.objects.get_or_create(name="default")
    policy, _is_new = SlaPolicy.objects.get_or_create(
        subject_type="", priority="normal", defaults={"resolution_hours": 72}
    )
    return {
        "queue": reverse("admin:approvals_approvalrequest_changelist"),
        "review": reverse("admin:approvals_approvalrequest_change", args=[request.pk]),
        "review-verification": reverse(
            "admin:approvals_approvalrequest_change", args=[verification.pk]
        ),
        "statistics": reverse("admin:approvals_statistics"),
        "policies": reverse("admin:approvals_slapolicy_changelist"),
        "policy": reverse("admin:approvals_slapolicy_change", args=[policy.pk]),
        "calendar": reverse("admin:approvals_businesscalendar_change", args=[calendar.pk]),
        "try-call": reverse("admin:apis_try_call", args=[request.subject_id]),
    }


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_approvers_pages_have_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    staff_session: str,
    artifacts: Path,
    live_server: object,
) -> None:
    request = fill_queue(make_staff("approver"))
    context = open_context(look)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": staff_session, "url": str(live_server)}])
    page = context.new_page()
    for title, path in approver_pages(request).items():
        visit(page, path)
        page.screenshot(path=artifacts / f"approver-{title}-{look.name}.png", full_page=True)
        assert find_violations(page) == [], title


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_provider_asks_to_be_verified(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: object,
) -> None:
    owner = make_member("owner")
    name = django_settings.SESSION_COOKIE_NAME
    value = client_for(owner).cookies[name].value
    context = open_context(look)
    context.add_cookies([{"name": name, "value": value, "url": str(live_server)}])
    page = context.new_page()

    visit(page, reverse("accounts:organization"))
    page.get_by_role("link", name="Become a verified provider").click()
    page.screenshot(path=artifacts / f"verification-ask-{look.name}.png", full_page=True)
    assert find_violations(page) == []
    page.get_by_label("Legal name").fill("Acme Weather Ltd")
    page.get_by_label("Website").fill("https://weather.example.com")
    page.get_by_label("Contact", exact=True).fill("Ann Lee")
    page.get_by_label("Contact’s e-mail address").fill("ann@example.com")
    page.get_by_label("What you want to offer").fill("Forecasts from our own stations.")
    page.get_by_role("button", name="Ask to be verified").click()
    expect(page.get_by_text("Being reviewed")).to_be_visible()
    page.screenshot(path=artifacts / f"verification-sent-{look.name}.png", full_page=True)
    assert find_violations(page) == []


def test_approver_takes_reviews_and_approves(
    *,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    staff_session: str,
    artifacts: Path,
    live_server: object,
) -> None:
    first, second = make_request(), make_request()
    context = open_context()
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": staff_session, "url": str(live_server)}])
    page = watched(context.new_page())

    visit(page, reverse("admin:approvals_approvalrequest_changelist"))
    page.get_by_role("button", name=f"Take it {first.title}").click()
    expect(page.get_by_text(f"{first.title} is yours.")).to_be_visible()
    page.get_by_role("link", name=first.title).click()
    page.get_by_label("Comment for the requester").fill("Well described")
    page.get_by_text("Approve with conditions").click()
    page.get_by_label("Conditions of an approval").fill("Name a support address")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text("Approved.")).to_be_visible()

    page.get_by_role("checkbox", name=second.title).check()
    page.locator("select[name=action]").select_option("reject_selected")
    page.locator("button[name=index]").click()
    page.get_by_label("Comment").fill("Nothing answers there")
    page.screenshot(path=artifacts / "approver-bulk.png", full_page=True)
    assert find_violations(page) == []
    page.get_by_role("button", name="Reject all of them").click()
    expect(page.get_by_text("1 request was handled.")).to_be_visible()
    page.screenshot(path=artifacts / "approver-bulk-results.png", full_page=True)
    assert find_violations(page) == []

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.conditions) == ("approved", ["Name a support address"])
    assert second.status == "rejected"
